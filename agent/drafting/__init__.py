"""Derive the kind, system picture, factors, layers, threats and score from the facts, without reading source text."""
