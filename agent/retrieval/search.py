"""Hybrid search over passages: BM25, vectors and what a passage shows, in one sum, pooled over several questions.

    fused = mean cosine to the questions + 0.3 · their mean BM25 + what the passage is worth by itself

Everything here is a total order: equal scores fall back to the order of documents and offsets, so the same input
always gives the same passages.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from agent.records import Hit, SearchQuestion, Statement
from agent.retrieval.quiet import silence

Mode = Literal["fused", "bm25", "dense"]
"""All there is, or terms or vectors alone: to measure what each is worth."""
LEXICAL_WEIGHT: Final = 0.3
"""What a point of BM25 is worth in cosine. Sums of the scores find more of an expert's quotes than sums of reciprocal
ranks do, at any constant of the latter: how far ahead a passage is counts, and not only that it is."""
UNRANKED: Final = -1.0
"""Stands for the cosine of a passage too far from a question to be ranked."""
_NEAR_DUPLICATE: Final = 0.9
"""Share of common terms from which two passages count as saying the same."""
_DECIMALS: Final = 6
"""Scores are compared at this precision, so that the last bits of a float decide no order."""
_MIN_STEM: Final = 4
_REMEMBERED: Final = 8192
"""Texts and words whose terms are kept: a search asks for those of a passage once a question."""
_WORD: Final = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+|\d+"
)
"""Runs of letters or digits; scripts written without blanks give one term a character."""
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
_NEGATIONS: Final = frozenset(
    ("no", "not", "never", "without", "none", "nor", "cannot", "unless", "except", "only", "non", "un", "off")
)


@lru_cache(maxsize=_REMEMBERED)
def terms(text: str) -> tuple[str, ...]:
    """Search terms of a text, in order: identifiers cut at underscores and capitals, lower case, lightly stemmed."""
    words = (word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text)))
    return tuple(_stem(word) for word in words if word not in _STOP)


@lru_cache(maxsize=_REMEMBERED)
def _bag(text: str) -> frozenset[str]:
    """The search terms of a text, each once."""
    return frozenset(terms(text))


def word_count(text: str) -> int:
    """Words of a text, stop words included."""
    return len(_WORD.findall(text))


@lru_cache(maxsize=_REMEMBERED)
def _stem(word: str) -> str:
    if word in _NEGATIONS:
        return word
    for suffix in _SUFFIXES:
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
        self._found: dict[str, NDArray[np.float32]] = {}
        self._index: Any = None
        # An index without a vocabulary divides by zero; every score is 0 then.
        if vocabulary:
            with silence():
                import bm25s

            self._index = bm25s.BM25()
            self._index.index(bm25s.tokenization.Tokenized(ids=ids, vocab=dict(vocabulary)), show_progress=False)

    def scores(self, question: str) -> NDArray[np.float32]:
        """BM25 score of every passage, 0 or more, shape (n,). Asked again it is not counted again."""
        if question not in self._found:
            self._found[question] = self._scores(question)
        return self._found[question]

    def _scores(self, question: str) -> NDArray[np.float32]:
        known = [self._vocabulary[term] for term in dict.fromkeys(terms(question)) if term in self._vocabulary]
        if not known:
            return np.zeros(self._size, dtype=np.float32)
        found: NDArray[np.float32] = self._index.get_scores_from_ids(known)
        return found


@dataclass(frozen=True)
class Scored:
    """One question's scores for every passage, shape (n,) each."""

    question: SearchQuestion
    dense: NDArray[np.float32]
    """Cosine, -1 to 1; -1 is not ranked."""
    lexical: NDArray[np.float32]
    """BM25, 0 or more."""


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
    """The best `k` passages over all questions, at most `per_document` of one document.

    `worth` is added to the score of each passage (0 where there is none). Near-duplicates of a better passage are left
    out. With a `mode` of one list alone, neither the other list nor `worth` counts.
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
    """The score of every passage for every question, and whether any question ranks it at all.

    A passage too far from a question to have a cosine counts as near as the farthest that has one.
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
    """Indices from the highest score down; equal scores in the order of the passages."""
    return np.argsort(-np.round(scores, _DECIMALS), kind="stable")


def _says_the_same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two bags of terms differ by little, and not by a negation or a number."""
    common = len(one & other)
    union = len(one) + len(other) - common
    if not union or common < _NEAR_DUPLICATE * union:
        return False
    return not any(term in _NEGATIONS or term.isdigit() for term in one ^ other)
