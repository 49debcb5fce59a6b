"""Measure drafts: arithmetic, comparison with labels, records of the results and their summary."""
