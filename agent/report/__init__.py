"""Forms in which a draft leaves: JSON, the Markdown report, explanations."""
