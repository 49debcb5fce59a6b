"""Hidden text and instructions to assessors: found, removed, reported."""
