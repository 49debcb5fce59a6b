"""The contest: blind judges compare Septet's drafts with drafts from a plain prompt to the same LLM."""
