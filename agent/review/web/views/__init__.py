"""View data for the pages: the state of a review as words and rows for the templates. Nothing is stored or decided
here."""
