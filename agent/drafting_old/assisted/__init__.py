"""Drafting with an LLM: what it is asked, how its answers are checked, and what of them goes into the draft."""
