"""An LLM endpoint whose LLM is whoever writes files: `python -m evals.exchange`; evals/README.md says how."""
