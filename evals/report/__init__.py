"""Reports of an evaluation: for a terminal, a CI job page, a test viewer, and a browser. Pure functions, no clock."""
