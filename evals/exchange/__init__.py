"""An LLM endpoint whose answers are files that anyone can write: `python -m evals.exchange`; see evals/README.md."""
