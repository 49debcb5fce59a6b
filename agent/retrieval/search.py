"""Extract search terms from text, and score passages by BM25 over these terms."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.retrieval.embed import silence

LEXICAL_WEIGHT: Final = 0.3
"""Weight of one BM25 point relative to cosine. Adding scores finds more of an expert's quotes than reciprocal rank
fusion does with any constant, because the sum also reflects how far ahead a passage is."""
_MIN_STEM: Final = 4
_REMEMBERED: Final = 8192
"""Cache size for the terms of passages and words; a search needs the terms of a passage once per question."""
_WORD: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|\d+"
)
"""Runs of letters or digits; scripts written without spaces yield one term per character."""
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SUFFIXES: Final = ("ations", "ation", "ings", "ing", "ies", "ied", "ers", "ed", "er", "es", "ly", "s", "e", "y")
_STOP: Final = frozenset(
    re.findall(
        r"\w+",
        """a an the of to in on at by for with from as is are was were be been it its this that these those and or which
        who whom what when where how can may will would should has have had do does their they them there into than
        then so such also each any all one you your we our he she his her if""",
    )
)
NEGATIONS: Final = frozenset(
    ("no", "not", "never", "without", "none", "nor", "cannot", "unless", "except", "only", "non", "un", "off")
)
"""Words that reverse the meaning of a statement; they are never stemmed."""


@lru_cache(maxsize=_REMEMBERED)
def terms(text: str) -> tuple[str, ...]:
    """Return the search terms of `text` in order: split at underscores and capitals, lower case, stemmed."""
    words = (word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text)))
    return tuple(_stem(word) for word in words if word not in _STOP)


def word_count(text: str) -> int:
    """Return the number of words in `text`, stop words included."""
    return len(_WORD.findall(text))


@lru_cache(maxsize=_REMEMBERED)
def _stem(word: str) -> str:
    return word if word in NEGATIONS else without_suffix(word, _SUFFIXES)


def without_suffix(word: str, suffixes: Sequence[str]) -> str:
    """Strip the first of `suffixes` that a word ends in, so that its forms match; this is not linguistic stemming."""
    for suffix in suffixes:
        if word.endswith(suffix) and len(word) - len(suffix) >= _MIN_STEM - 1 and not word.endswith("ss"):
            base = word[: -len(suffix)]
            return base[:-1] if len(base) >= _MIN_STEM and base[-1] == base[-2] and base[-1] not in "ls" else base
    return word


class Lexical:
    """BM25 over a fixed list of passages."""

    def __init__(self, passages: Sequence[Sequence[str]]) -> None:
        vocabulary: dict[str, int] = {}
        ids = [[vocabulary.setdefault(term, len(vocabulary)) for term in passage] for passage in passages]
        self._vocabulary = vocabulary
        self._size = len(ids)
        self._index: Any = None
        # Without a vocabulary, bm25s would divide by zero; every score is 0 in that case.
        if vocabulary:
            with silence():
                import bm25s

            self._index = bm25s.BM25()
            self._index.index(bm25s.tokenization.Tokenized(ids=ids, vocab=dict(vocabulary)), show_progress=False)

    def scores(self, question: str) -> NDArray[np.float32]:
        """Return the BM25 score of every passage, 0 or more, shape (n,)."""
        known = [self._vocabulary[term] for term in dict.fromkeys(terms(question)) if term in self._vocabulary]
        if not known:
            return np.zeros(self._size, dtype=np.float32)
        found: NDArray[np.float32] = self._index.get_scores_from_ids(known)
        return found
