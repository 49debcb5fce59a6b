"""The fact sheet of a review: struck and corrected facts, facts from answers, and the draft derived from them."""
