"""What an LLM is asked, in two waves, and how its answers are checked before they enter the draft."""
