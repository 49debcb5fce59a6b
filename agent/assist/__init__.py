"""What an LLM is asked, in two waves, and how its answers are checked before the draft takes them."""
