"""Fits what is learned from labelled statements of real pages, and says how good it is."""
