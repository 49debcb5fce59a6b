"""Runs of an evaluation: draft each case with constants fitted without its vendor, store the results, and compare two
runs."""
