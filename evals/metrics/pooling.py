"""Ranks the passages of a case over all questions of a factor or layer; used only to measure the search.

    fused = mean cosine to the questions + 0.3 · their mean BM25 + a weight of the passage itself

Passages with equal scores keep the order of documents and offsets, so that the same input always gives the same
passages.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
UNRANKED: Final = -1.0
"""Placeholder cosine of a passage that is too far from a question to be ranked."""
_NEAR_DUPLICATE: Final = 0.9
"""Two passages with at least this share of common terms are near-duplicates."""
_DECIMALS: Final = 6
"""Scores are rounded to this many decimals, so that the last bits of a float never decide an order."""
_MIN_WORDS: Final = 3
"""Minimum words of a passage. Shorter passages cannot be quoted, and list items would crowd out sentences."""
_REMEMBERED: Final = 8192


class Question(NamedTuple):
    """A question of a rubric card."""

    id: str
    about: str
    """The key of the question's factor or layer."""
    text: str


class Hit(NamedTuple):
    """A search result: a passage with its scores."""

    question: str
    """Id of the question for which the passage ranks best."""
    document: str
    start: int
    end: int
    rank: int
    """From 1."""
    fused: float
    dense: float
    """Best cosine over the questions, -1 to 1."""
    lexical: float
    """Best BM25 over the questions, 0 or more."""


@dataclass(frozen=True)
class Scored:
    """One question's scores for every passage, shape (n,) each."""

    question: Question
    dense: NDArray[np.float32]
    """Cosine, -1 to 1; -1 means not ranked."""
    lexical: NDArray[np.float32]
    """BM25, 0 or more."""


class Search:
    """A search over the statements of one case; stores no index on disk and computes every cosine."""

    def __init__(self, documents: Sequence[Document], statements: Sequence[Statement]) -> None:
        by_id = {document.id: document for document in documents}
        self._statements = tuple(statements)
        self._vectors = embed([f"{context_line(by_id[s.document], s.path)}\n{s.text}" for s in statements])
        self._lexical = Lexical([terms(statement.text) for statement in statements])
        # Flagged text (hidden or planted) must not crowd out the rest.
        allowed = [not s.flagged and word_count(s.text) >= _MIN_WORDS for s in statements]
        self._allowed = np.array(allowed, dtype=np.bool_)

    def pools(
        self, questions: Sequence[Question], *, k: int, per_document: int, mode: Mode = "fused"
    ) -> dict[str, tuple[Hit, ...]]:
        """Return the best passages over all questions about each factor or layer, by its key."""
        groups: dict[str, list[Scored]] = {}
        if not self._statements:
            return {}
        for question, vector in zip(questions, embed([question.text for question in questions]), strict=True):
            scored = Scored(question, self._vectors @ vector, self._lexical.scores(question.text))
            groups.setdefault(question.about, []).append(scored)
        return {
            about: pool(self._statements, self._allowed, asked, k=k, per_document=per_document, mode=mode)
            for about, asked in groups.items()
        }


def pool(
    statements: Sequence[Statement],
    allowed: NDArray[np.bool_],
    asked: Sequence[Scored],
    *,
    k: int,
    per_document: int,
    worth: NDArray[np.float64] | None = None,
    mode: Mode = "fused",
) -> tuple[Hit, ...]:
    """Return the best `k` passages over all questions, at most `per_document` from one document.

    `worth` is added to the score of each passage, if given. Near-duplicates of a better passage are left out. In the
    modes "bm25" and "dense" neither the other score nor `worth` counts.
    """
    if not asked or not allowed.any():
        return ()
    scores, ranked = _scores(asked, mode)
    fused = scores.mean(axis=0)
    if worth is not None and mode == "fused":
        fused = fused + worth
    order = [int(i) for i in _order(fused) if allowed[i] and ranked[i]]
    hits: list[Hit] = []
    taken: list[frozenset[str]] = []
    used: dict[str, int] = {}
    for index in order:
        if len(hits) == k:
            break
        statement = statements[index]
        bag = _bag(statement.text)
        if used.get(statement.document, 0) >= per_document or any(_says_the_same(bag, other) for other in taken):
            continue
        best = asked[int(np.argmax(np.round(scores[:, index], _DECIMALS)))]
        used[statement.document] = used.get(statement.document, 0) + 1
        taken.append(bag)
        hits.append(
            Hit(
                question=best.question.id,
                document=statement.document,
                start=statement.start,
                end=statement.end,
                rank=len(hits) + 1,
                fused=round(float(fused[index]), _DECIMALS),
                dense=round(max(float(one.dense[index]) for one in asked), _DECIMALS),
                lexical=round(max(float(one.lexical[index]) for one in asked), _DECIMALS),
            )
        )
    return tuple(hits)


def _scores(asked: Sequence[Scored], mode: Mode) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score every passage for every question, and mark the passages that some question ranks.

    A passage too far from a question to have a cosine gets the lowest cosine of the ranked passages.
    """
    dense = np.array([s.dense for s in asked], dtype=np.float64)
    lexical = np.array([s.lexical for s in asked], dtype=np.float64)
    near = dense > UNRANKED
    farthest = np.where(near, dense, np.inf).min(axis=1, keepdims=True)
    dense = np.where(near, dense, np.where(np.isfinite(farthest), farthest, 0.0))
    ranked = {"dense": near, "bm25": lexical > 0, "fused": near | (lexical > 0)}[mode]
    scores = {"dense": dense, "bm25": lexical, "fused": dense + LEXICAL_WEIGHT * lexical}[mode]
    anywhere: NDArray[np.bool_] = np.asarray(ranked.any(axis=0), dtype=np.bool_)
    return scores, anywhere


def _order(scores: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return indices in descending order of score; equal scores keep the order of the passages."""
    return np.argsort(-np.round(scores, _DECIMALS), kind="stable")


def _says_the_same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether two bags of terms differ only slightly, and not by a negation or a number."""
    common = len(one & other)
    union = len(one) + len(other) - common
    if not union or common < _NEAR_DUPLICATE * union:
        return False
    return not any(term in NEGATIONS or term.isdigit() for term in one ^ other)


@lru_cache(maxsize=_REMEMBERED)
def _bag(text: str) -> frozenset[str]:
    """Return the distinct search terms of a text."""
    return frozenset(terms(text))
