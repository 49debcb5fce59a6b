"""How soon a search comes to a reader's quotes: the measurement, and floors on every tenth bundled case."""

from functools import cache

import pytest

from agent.pipeline import read_documents
from agent.resources import data_folder
from evals.cases.case import Case
from evals.cases.corpus import load_case
from evals.cases.documents import documents_of
from evals.metrics.arithmetic import Span
from evals.metrics.pooling import Hit
from evals.metrics.search_ranks import (
    DEPTHS,
    KEPT,
    KEYS,
    MODES,
    Quote,
    Ranks,
    first_rank,
    quotes,
    ranks,
    recall_at,
    retrieval_cell,
)

STEP = 10
AT_FIVE = 0.70
AT_TEN = 0.84
MOST_CHARS = 0.35


def hit(start: int, end: int, rank: int, document: str = "D1") -> Hit:
    return Hit(
        question="persistent_memory/1",
        document=document,
        start=start,
        end=end,
        rank=rank,
        fused=0.0,
        dense=0.0,
        lexical=0.0,
    )


@cache
def sample() -> tuple[tuple[Case, Ranks], ...]:
    folders = sorted(data_folder("corpus").joinpath("cases").iterdir())[::STEP]
    cases = [case for case in map(load_case, folders) if case.reader is not None]
    return tuple((case, ranks(case, read_documents(documents_of(case)))) for case in cases)


def test_a_passage_holds_a_quote_of_which_it_covers_half() -> None:
    quote = Quote("persistent_memory", Span("D1", 10, 30))
    assert first_rank(quote, [hit(0, 19, 1), hit(10, 20, 2), hit(10, 30, 3)]) == 2
    assert first_rank(quote, [hit(0, 19, 1), hit(10, 30, 2, "D2")]) == 0
    assert first_rank(Quote("persistent_memory", None), [hit(0, 99, 1)]) == 0


def test_recall_counts_ranks_and_not_zeros() -> None:
    assert recall_at([1, 5, 6, 0], 5) == 0.5
    assert recall_at([1, 5, 6, 0], 10) == 0.75
    assert recall_at([], 5) is None


@pytest.mark.slow
def test_quotes_come_in_a_fixed_order() -> None:
    for case, found in sample():
        keys = [quote.key for quote in quotes(case, documents_of(case))]
        assert keys == [key for key in KEYS if key in keys]
        assert set(found.ranks) == set(MODES)
        assert all(len(row) == len(keys) for row in found.ranks.values())
        assert all(0 <= rank <= KEPT for row in found.ranks.values() for rank in row)


@pytest.mark.slow
def test_the_cell_of_a_case_holds_its_ranks() -> None:
    case, found = sample()[0]
    cell = retrieval_cell(case, read_documents(documents_of(case)), alone=True)
    assert cell.ranks == found.ranks
    assert cell.shares == {depth: found.shares["fused"][depth] for depth in DEPTHS}
    fused = retrieval_cell(case, read_documents(documents_of(case)), alone=False)
    assert (dict(fused.ranks), fused.shares) == ({"fused": found.ranks["fused"]}, cell.shares)


@pytest.mark.slow
def test_quotes_are_found_early_and_by_both_lists_better_than_by_one() -> None:
    together = {mode: [rank for _, found in sample() for rank in found.ranks[mode]] for mode in MODES}
    five = {mode: recall_at(row, 5) or 0.0 for mode, row in together.items()}
    ten = {mode: recall_at(row, 10) or 0.0 for mode, row in together.items()}
    assert five["fused"] >= AT_FIVE
    assert ten["fused"] >= AT_TEN
    assert max(five, key=lambda mode: five[mode]) == "fused"
    shares = [found.shares["fused"][5] or 0.0 for _, found in sample()]
    assert sum(shares) / len(shares) <= MOST_CHARS
