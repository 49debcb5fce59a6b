"""The fact sheet of a review: facts struck, corrected and answered, on whose word, and the draft that follows."""
