"""Runs: a draft of each case by constants that were fitted without its vendor, what is kept of it, two side by side."""
