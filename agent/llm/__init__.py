"""Prompts and rubric cards, and the port behind which an LLM stands."""
