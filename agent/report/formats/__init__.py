"""A draft in the forms that other tools and people read: one module a format, and one line in the registry."""
