"""Fit what is learned from labelled statements of real pages, and report how good it is."""
