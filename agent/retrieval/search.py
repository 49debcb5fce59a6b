"""Hybrid search over passages: BM25 and vectors, fused by reciprocal rank, pooled over several questions.

Everything here is a total order: equal scores fall back to the order of documents and offsets, so the same input
always gives the same passages.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.records import Hit, SearchQuestion, Statement
from agent.retrieval.quiet import silence

RRF_K: Final = 60
"""Constant of reciprocal rank fusion (Cormack, Clarke and Büttcher 2009): a passage gets 1 / (60 + rank)."""
UNRANKED: Final = -1.0
"""Stands for the cosine of a passage too far from a question to be ranked."""
_NEAR_DUPLICATE: Final = 0.9
"""Share of common terms from which two passages count as saying the same."""
_DECIMALS: Final = 6
"""Scores are compared at this precision, so that the last bits of a float decide no order."""
_MIN_STEM: Final = 4
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


def terms(text: str) -> tuple[str, ...]:
    """Search terms of a text, in order: identifiers cut at underscores and capitals, lower case, lightly stemmed."""
    words = (word.lower() for word in _WORD.findall(_CAMEL.sub(" ", text)))
    return tuple(_stem(word) for word in words if word not in _STOP)


def word_count(text: str) -> int:
    """Words of a text, stop words included."""
    return len(_WORD.findall(text))


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
        self._index: Any = None
        # An index without a vocabulary divides by zero; every score is 0 then.
        if vocabulary:
            with silence():
                import bm25s

            self._index = bm25s.BM25()
            self._index.index(bm25s.tokenization.Tokenized(ids=ids, vocab=dict(vocabulary)), show_progress=False)

    def scores(self, question: str) -> NDArray[np.float32]:
        """BM25 score of every passage, 0 or more, shape (n,)."""
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
) -> tuple[Hit, ...]:
    """The best `k` passages over all questions, at most `per_document` of one document.

    Each question ranks the allowed passages twice, by cosine and by BM25 (passages without a common term are not
    ranked); a passage's score is the sum of its reciprocal ranks. Near-duplicates of a better passage are left out.
    """
    if not asked or not allowed.any():
        return ()
    shares = np.stack(
        [
            _reciprocal(s.dense, allowed & (s.dense > UNRANKED)) + _reciprocal(s.lexical, allowed & (s.lexical > 0))
            for s in asked
        ]
    )
    fused = shares.sum(axis=0)
    order = [int(i) for i in _order(fused) if allowed[i] and fused[i] > 0]
    hits: list[Hit] = []
    taken: list[frozenset[str]] = []
    used: dict[str, int] = {}
    for index in order:
        if len(hits) == k:
            break
        statement = statements[index]
        bag = frozenset(terms(statement.text))
        if used.get(statement.document, 0) >= per_document or any(_says_the_same(bag, other) for other in taken):
            continue
        best = asked[int(np.argmax(np.round(shares[:, index], _DECIMALS)))]
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
                dense=round(float(best.dense[index]), _DECIMALS),
                lexical=round(float(best.lexical[index]), _DECIMALS),
            )
        )
    return tuple(hits)


def _order(scores: NDArray[np.float32] | NDArray[np.float64]) -> NDArray[np.intp]:
    """Indices from the highest score down; equal scores in the order of the passages."""
    return np.argsort(-np.round(scores, _DECIMALS), kind="stable")


def _reciprocal(scores: NDArray[np.float32], ranked: NDArray[np.bool_]) -> NDArray[np.float64]:
    shares = np.zeros(len(scores), dtype=np.float64)
    order = [index for index in _order(scores) if ranked[index]]
    shares[order] = 1.0 / (RRF_K + np.arange(1, len(order) + 1))
    return shares


def _says_the_same(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two bags of terms differ by little, and not by a negation or a number."""
    apart = one ^ other
    if any(term in _NEGATIONS or term.isdigit() for term in apart):
        return False
    union = len(one | other)
    return bool(union) and len(one & other) >= _NEAR_DUPLICATE * union
