"""Compare drafts of real listings with an expert's reading of the same page; the texts are not in the project."""
