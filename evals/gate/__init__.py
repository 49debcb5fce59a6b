"""Decides whether drafts became better or worse: the baseline, the two regimes, the statistics."""
