"""Runs: drafts each case with constants fitted without its vendor, stores the results, and compares two runs."""
