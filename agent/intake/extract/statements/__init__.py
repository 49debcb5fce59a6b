"""Cuts documents into statements with a role, rank and language, and finds what vendors claim for themselves."""
