"""An LLM endpoint whose answers are supplied as files: `python -m evals.exchange`; see evals/README.md."""
