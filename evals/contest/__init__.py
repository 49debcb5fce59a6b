"""The contest: Septet's drafts against what a plain prompt to the same LLM writes, before blind judges."""
