"""Labelled cases: their records, import, lint, vendor families, variants and planted text."""
