"""The embedded drafter: system picture, factors, catalogue threats, headline, questions, chains, and their fits."""
