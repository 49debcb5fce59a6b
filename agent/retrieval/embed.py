"""Sentence vectors from wordllama's static word vectors, which are part of its wheel, so neither a download nor a key
is needed."""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.errors import InputError

DIMENSIONS: Final = 256


@contextmanager
def silence() -> Iterator[None]:
    """Context manager for importing LangChain, wordllama or bm25s: prevents tracing and tokeniser threads, and restores
    logging.

    On import, wordllama installs a handler on the root logger and bm25s lowers its own log level to debug. langsmith,
    which comes with LangChain, checks the variable set here before all others and caches its value; otherwise a
    variable left over in a shell could cause all text to be sent to a tracing endpoint.
    """
    os.environ["LANGSMITH_TRACING_V2"] = "false"  # noqa: TID251 - read by the library, not a setting of ours
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # noqa: TID251 - threads do not survive a fork
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.getLogger("bm25s").setLevel(logging.WARNING)


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    """Return one unit vector for each of `texts`, float32, shape (n, 256); the result does not depend on the batch.

    A vector is the mean over a text's tokens, so embed sentences and chunks, never whole pages.
    Raises InputError for an empty or blank text.
    """
    for index, text in enumerate(texts):
        if not text.strip():
            raise InputError("an empty text has no vector", where=f"text {index}", hint="remove blank texts first")
    if not texts:
        return np.zeros((0, DIMENSIONS), dtype=np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        rows = _encode(texts)
    # The mean vector of a text without any tokens is NaN.
    nothing = ~np.isfinite(rows).all(axis=1)
    if nothing.any():
        rows[nothing] = _encode(["."])[0]
    return rows


def embedder_id() -> str:
    """Return the name, version and vector size of the embedder, which are part of an index's fingerprint."""
    return f"wordllama-{version('wordllama')}-{DIMENSIONS}"


def _encode(texts: Sequence[str]) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = np.asarray(_encoder().embed(list(texts), norm=True), dtype=np.float32)
    return rows


@lru_cache(maxsize=1)
def _encoder() -> Any:
    with silence():
        import wordllama

    # The loader's default cache folder is not the one in which the wheel ships its files.
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)
