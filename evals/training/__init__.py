"""Fit classifiers and constants on labelled statements of real pages, and report their quality."""
