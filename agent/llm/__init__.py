"""Prompts and rubric cards, and later the port to an LLM."""
