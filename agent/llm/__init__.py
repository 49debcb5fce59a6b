"""LLMs: the port, its adapters, prompts, budget and recordings."""
