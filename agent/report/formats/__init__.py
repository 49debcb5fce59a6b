"""Export formats: one module each, and a line in the registry."""
