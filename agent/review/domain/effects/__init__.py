"""What decisions do: what each takes along, what would lower or narrow a score, what to decide first, two versions."""
