"""The gate, which decides whether drafts became better or worse: the baseline, the gates for replayed and for
re-recorded answers, and the statistics."""
