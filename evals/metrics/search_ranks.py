"""Ranks of the reader's quotes in the search for a factor or layer.

Each quote is looked up among the passages found for the questions of its own factor or layer, by terms and vectors
together and by each of them alone. A passage contains a quote if it covers at least half of the quote.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final

from agent.facts.reading import Reading
from agent.llm.prompts import cards
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from evals.cases.case import Case
from evals.metrics.arithmetic import Span, mean, spans_covered
from evals.metrics.measure import gold_quotes, gold_spans
from evals.metrics.pooling import Hit, Mode, Question, Search
from evals.metrics.results import RetrievalCell

KEYS: Final = (*FACTOR_SETS["0.5"], *LAYERS)
MODES: Final[tuple[Mode, ...]] = ("fused", "bm25", "dense")
PER_DOCUMENT: Final = 6
"""Maximum number of passages of one document kept for a factor or layer."""
KEPT: Final = 20
"""Number of passages kept for a factor or layer; a quote found in none of them has rank 0."""
DEPTHS: Final = (5, 10)


@cache
def questions() -> tuple[Question, ...]:
    """Return the search questions of all rubric cards."""
    return tuple(Question(key, text) for key, card in cards().items() for text in card.questions)


def retrieval_cell(case: Case, reading: Reading, *, alone: bool) -> RetrievalCell:
    """Rank a case's quotes in a search for each rubric card's questions; `alone` adds searches by terms only and by
    vectors only.

    The same texts give the same ranks.
    """
    quoted, spans = gold_quotes(case), gold_spans(case, reading.documents)
    sought = [(key, spans[quoted[key]]) for key in KEYS if key in quoted]
    search = Search(reading.documents, reading.statements)
    pools = {
        mode: search.pools(questions(), k=KEPT, per_document=PER_DOCUMENT, mode=mode)
        for mode in (MODES if alone else MODES[:1])
    }
    total = sum(len(document.text) for document in reading.documents)
    shares = {
        depth: mean(
            sum(hit.end - hit.start for hit in pools["fused"].get(key, ())[:depth]) / total for key in KEYS if total
        )
        for depth in DEPTHS
    }
    return RetrievalCell(
        ranks={
            mode: tuple(first_rank(span, found.get(key, ())) for key, span in sought) for mode, found in pools.items()
        },
        shares={depth: part for depth, part in shares.items() if part is not None},
    )


def first_rank(quote: Span | None, hits: Sequence[Hit]) -> int:
    """Return the rank of the first hit that covers at least half of the quote; 0 when none does, or when the quote is
    None because it was not found in the documents."""
    if quote is None:
        return 0
    return next((hit.rank for hit in hits if spans_covered([quote], [Span(hit.document, hit.start, hit.end)])), 0)
