"""What a person would not see, and orders to assessors: found, taken out, reported."""
