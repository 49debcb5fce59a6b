"""The measurement of drafts: arithmetic, comparison with labels, records of results and their summary."""
