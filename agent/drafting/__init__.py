"""Derives kind, system picture, factors, layers, threats and score from the facts; never reads source text itself."""
