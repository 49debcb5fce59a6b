"""Export formats: each has a module and a line in the registry."""
