"""Cuts documents into statements with a role, rank and language, and finds vendors' claims about their own products."""
