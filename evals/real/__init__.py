"""Compare drafts of real listings with an expert's reading of the same page. The texts are not part of the project."""
