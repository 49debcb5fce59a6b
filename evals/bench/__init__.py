"""Bench scripts: what a start and a draft cost on this machine."""
