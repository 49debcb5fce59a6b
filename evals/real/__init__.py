"""Drafts of real listings against an expert's reading of the same page; the texts are not part of the project."""
