"""The questions that the LLM is asked, in two waves, and the checks that its answers pass before they enter the
draft."""
