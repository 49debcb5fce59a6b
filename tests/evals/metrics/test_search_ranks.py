"""How early a search finds a reader's quotes: the measurement, and minimum values on every tenth bundled case."""

from functools import cache

import pytest

from agent.pipeline import read_documents
from agent.resources import data_folder
from evals.cases.corpus import load_case
from evals.cases.documents import documents_of
from evals.metrics.arithmetic import Span
from evals.metrics.measure import gold_quotes
from evals.metrics.pooling import Hit
from evals.metrics.results import RetrievalCell
from evals.metrics.search_ranks import DEPTHS, KEPT, MODES, first_rank, retrieval_cell
from evals.report.curves import recall_at

STEP = 10
AT_FIVE = 0.70
AT_TEN = 0.84
MOST_CHARS = 0.35


def hit(start: int, end: int, rank: int, document: str = "D1") -> Hit:
    return Hit("persistent_memory", document, start, end, rank)


def test_a_passage_holds_a_quote_of_which_it_covers_half() -> None:
    quote = Span("D1", 10, 30)
    assert first_rank(quote, [hit(0, 19, 1), hit(10, 20, 2), hit(10, 30, 3)]) == 2
    assert first_rank(quote, [hit(0, 19, 1), hit(10, 30, 2, "D2")]) == 0
    assert first_rank(None, [hit(0, 99, 1)]) == 0


@cache
def sample() -> tuple[tuple[int, RetrievalCell], ...]:
    """Return the number of quotes, and the ranks, of every tenth case."""
    folders = sorted(data_folder("corpus").joinpath("cases").iterdir())[::STEP]
    cases = [case for case in map(load_case, folders) if case.reader is not None]
    return tuple(
        (len(gold_quotes(case)), retrieval_cell(case, read_documents(documents_of(case)), alone=True)) for case in cases
    )


@pytest.mark.slow
def test_every_quote_has_a_rank_in_each_search() -> None:
    for quotes, found in sample():
        assert set(found.ranks) == set(MODES)
        assert set(found.shares) == set(DEPTHS)
        assert all(len(row) == quotes for row in found.ranks.values())
        assert all(0 <= rank <= KEPT for row in found.ranks.values() for rank in row)


@pytest.mark.slow
def test_quotes_are_found_early_and_by_both_lists_better_than_by_one() -> None:
    recall = {mode: recall_at([rank for _, found in sample() for rank in found.ranks[mode]], 10) for mode in MODES}
    assert recall["fused"][4] >= AT_FIVE
    assert recall["fused"][9] >= AT_TEN
    assert max(MODES, key=lambda mode: recall[mode][4]) == "fused"
    shares = [found.shares[5] for _, found in sample()]
    assert sum(shares) / len(shares) <= MOST_CHARS
