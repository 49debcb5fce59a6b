"""Benchmark scripts that measure times, tokens, costs and error rates."""
