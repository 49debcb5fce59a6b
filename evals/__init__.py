"""Evaluations of drafts on the labelled corpus, which detect regressions."""
