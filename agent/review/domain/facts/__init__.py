"""The fact sheet of a review: which facts are struck, corrected or answered, by whom, and the draft that follows."""
