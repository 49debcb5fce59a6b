"""Ranks of the reader's quotes in the search for a factor or layer.

Each quote is looked up among the passages found for the questions of its own factor or layer, by terms and vectors
together and by either alone. A passage contains a quote if it covers at least half of the quote.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

from agent.facts.reading import Reading
from agent.llm.prompts import cards
from agent.records import Document
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from evals.cases.case import Case
from evals.metrics.arithmetic import Span, mean, share, spans_covered
from evals.metrics.measure import gold_quotes, gold_spans
from evals.metrics.pooling import Hit, Mode, Question, Search
from evals.metrics.results import RetrievalCell

KEYS: Final = (*FACTOR_SETS["0.5"], *LAYERS)
MODES: Final[tuple[Mode, ...]] = ("fused", "bm25", "dense")
PER_DOCUMENT: Final = 6
"""The most passages of one document kept for a factor or layer."""
KEPT: Final = 20
"""Number of passages kept for a factor or layer; a quote found in none of them has rank 0."""
DEPTHS: Final = (5, 10)


class Quote(NamedTuple):
    """A quote of the reader with its place; the place is None if the texts do not contain the quote."""

    key: str
    span: Span | None


class Ranks(NamedTuple):
    """The results of the search on one case."""

    ranks: Mapping[Mode, tuple[int, ...]]
    """By mode, for each quote in `quotes`, the rank of the first passage that contains it; 0 when none does."""
    shares: Mapping[Mode, Mapping[int, float | None]]
    """By mode and depth, the share of the case's characters in the passages of a factor or layer, mean over them."""


def quotes(case: Case, documents: Sequence[Document]) -> tuple[Quote, ...]:
    """Return the reader's quotes: factors in the order of set 0.5, then layers; empty without a reader."""
    quoted, spans = gold_quotes(case), gold_spans(case, documents)
    return tuple(Quote(key, spans[quoted[key]]) for key in KEYS if key in quoted)


@cache
def questions() -> tuple[Question, ...]:
    """Return the search questions of all rubric cards."""
    return tuple(
        Question(id=f"{key}/{n}", about=key, text=text)
        for key, card in cards().items()
        for n, text in enumerate(card.questions, start=1)
    )


def ranks(case: Case, reading: Reading, modes: Sequence[Mode] = MODES) -> Ranks:
    """Rank a case's quotes in a search for each rubric card's questions; the same texts give the same ranks."""
    asked = quotes(case, reading.documents)
    found: dict[Mode, tuple[int, ...]] = {}
    shares: dict[Mode, dict[int, float | None]] = {}
    search = Search(reading.documents, reading.statements)
    for mode in modes:
        pools = search.pools(questions(), k=KEPT, per_document=PER_DOCUMENT, mode=mode)
        found[mode] = tuple(first_rank(quote, pools.get(quote.key, ())) for quote in asked)
        shares[mode] = {depth: _char_share(pools, depth, reading.documents) for depth in DEPTHS}
    return Ranks(found, shares)


def first_rank(quote: Quote, hits: Sequence[Hit]) -> int:
    """Return the rank of the first hit that covers at least half of the quote, 0 when none does."""
    if quote.span is None:
        return 0
    return next((hit.rank for hit in hits if spans_covered([quote.span], [_span(hit)])), 0)


def recall_at(found: Sequence[int], depth: int) -> float | None:
    """Return the share of ranks from 1 to `depth`; None without ranks."""
    return share(sum(0 < rank <= depth for rank in found), len(found))


def _char_share(pools: Mapping[str, Sequence[Hit]], depth: int, documents: Sequence[Document]) -> float | None:
    total = sum(len(document.text) for document in documents)
    if not total:
        return None
    return mean(sum(hit.end - hit.start for hit in pools.get(key, ())[:depth]) / total for key in KEYS)


def _span(hit: Hit) -> Span:
    return Span(hit.document, hit.start, hit.end)


def retrieval_cell(case: Case, reading: Reading, *, alone: bool) -> RetrievalCell:
    """Return the search results of a case, as evaluations store them; `alone` adds terms and vectors alone."""
    made = ranks(case, reading, MODES if alone else MODES[:1])
    shares = {depth: part for depth, part in made.shares["fused"].items() if part is not None}
    return RetrievalCell(ranks=dict(made.ranks), shares=shares)
