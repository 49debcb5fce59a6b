"""Regression evals on the labelled corpus."""
