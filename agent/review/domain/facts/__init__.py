"""The fact sheet of a review: struck, corrected and answered facts, their reviewers, and the resulting draft."""
