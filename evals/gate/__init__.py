"""The gate, which decides whether drafts got better or worse: the baseline, the gates for replayed and for re-recorded
answers, and the statistics."""
