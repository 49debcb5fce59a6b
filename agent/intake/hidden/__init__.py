"""Find, remove and report hidden text and instructions to assessors."""
