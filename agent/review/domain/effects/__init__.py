"""Effects of decisions: side effects, ways to lower or narrow a score, what to decide first, version comparison."""
