"""Where a number or sentence of a draft comes from."""
