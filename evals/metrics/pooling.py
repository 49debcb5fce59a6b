"""Rank the passages of a case over all questions of a factor or layer. Used only to measure the search.

    fused = mean cosine to the questions + 0.3 · their mean BM25

Passages with equal scores keep the order of documents and offsets, so that the same input always gives the same
passages.
"""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.records import Document, Statement
from agent.retrieval.embed import embed
from agent.retrieval.passages import context_line
from agent.retrieval.search import LEXICAL_WEIGHT, NEGATIONS, Lexical, terms, word_count

Mode = Literal["fused", "bm25", "dense"]
"""Fused scores, terms alone or vectors alone, to measure what each contributes."""
_NEAR_DUPLICATE: Final = 0.9
"""Two passages with at least this share of common terms are near-duplicates."""
_DECIMALS: Final = 6
"""Scores are rounded to this many decimals, so that the last bits of a float never decide an order."""
_MIN_WORDS: Final = 3
"""Minimum number of words of a passage: shorter ones cannot be quoted, and list items would crowd out sentences."""


class Question(NamedTuple):
    """A question of a rubric card."""

    about: str
    """The key of the question's factor or layer."""
    text: str


class Hit(NamedTuple):
    """A search result."""

    question: str
    """The key of the factor or layer whose questions found the passage."""
    document: str
    start: int
    end: int
    rank: int
    """Position among the results, from 1."""


class Search:
    """An in-memory search over the statements of one case that computes every cosine."""

    def __init__(self, documents: Sequence[Document], statements: Sequence[Statement]) -> None:
        by_id = {document.id: document for document in documents}
        self._statements = tuple(statements)
        self._vectors = embed([f"{context_line(by_id[s.document], s.path)}\n{s.text}" for s in statements])
        self._lexical = Lexical([terms(statement.text) for statement in statements])

    def pools(
        self, questions: Sequence[Question], *, k: int, per_document: int, mode: Mode = "fused"
    ) -> dict[str, tuple[Hit, ...]]:
        """Return the best passages over all questions about each factor or layer, by its key."""
        if not self._statements:
            return {}
        # Flagged text (hidden or planted) must not crowd out the rest.
        allowed = np.array([not s.flagged and word_count(s.text) >= _MIN_WORDS for s in self._statements])
        groups: dict[str, list[NDArray[np.float64]]] = {}
        for question, vector in zip(questions, embed([question.text for question in questions]), strict=True):
            dense = np.asarray(self._vectors @ vector, dtype=np.float64)
            lexical = np.asarray(self._lexical.scores(question.text), dtype=np.float64)
            scores = {"dense": dense, "bm25": lexical, "fused": dense + LEXICAL_WEIGHT * lexical}[mode]
            groups.setdefault(question.about, []).append(scores)
        return {
            about: pool(
                self._statements,
                np.mean(scores, axis=0),
                # A passage that has no term in common with the questions is not ranked by terms.
                allowed & np.any(scores, axis=0) if mode == "bm25" else allowed,
                about=about,
                k=k,
                per_document=per_document,
            )
            for about, scores in groups.items()
        }


def pool(
    statements: Sequence[Statement],
    scores: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    *,
    about: str,
    k: int,
    per_document: int,
) -> tuple[Hit, ...]:
    """Return the best `k` passages by their scores, at most `per_document` from one document.

    Near-duplicates of a better passage are left out.
    """
    hits: list[Hit] = []
    taken: list[frozenset[str]] = []
    used: Counter[str] = Counter()
    for index in np.argsort(-np.round(scores, _DECIMALS), kind="stable").tolist():
        if len(hits) == k:
            break
        one = statements[index]
        if not allowed[index] or used[one.document] >= per_document:
            continue
        bag = _bag(one.text)
        if not any(_says_the_same(bag, other) for other in taken):
            used[one.document] += 1
            taken.append(bag)
            hits.append(Hit(about, one.document, one.start, one.end, len(hits) + 1))
    return tuple(hits)


@lru_cache(maxsize=8192)
def _bag(text: str) -> frozenset[str]:
    return frozenset(terms(text))


def _says_the_same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether two bags of terms differ only slightly, and not by a negation or a number."""
    common = len(one & other)
    union = len(one) + len(other) - common
    if not union or common < _NEAR_DUPLICATE * union:
        return False
    return not any(term in NEGATIONS or term.isdigit() for term in one ^ other)
