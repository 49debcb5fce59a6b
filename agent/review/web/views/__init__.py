"""What the pages show: the state of a review as words and rows for the templates. Nothing is stored or decided."""
