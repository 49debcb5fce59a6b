"""Labelled cases: their form, import and lint, which of them are relatives, variants and what is planted in them."""
