"""Keep the libraries of this room from talking: to a tracing service, about forked processes, about their progress.

This is the one place outside the command line that touches the environment. langsmith, which comes with LangChain,
reads `LANGSMITH_TRACING_V2` before all its other variables and caches the answer, so it is set before the first
LangChain import: otherwise a variable left over in a shell would post every text to a tracing endpoint.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def silence() -> Iterator[None]:
    """Import LangChain, wordllama or bm25s inside this: tracing and tokeniser threads are off, logging as before.

    wordllama installs a handler on the root logger and bm25s lowers its own threshold to debug, both on import.
    """
    os.environ["LANGSMITH_TRACING_V2"] = "false"  # noqa: TID251 - read by the library, not a setting of ours
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # noqa: TID251 - threads and fork do not go together
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.getLogger("bm25s").setLevel(logging.WARNING)
