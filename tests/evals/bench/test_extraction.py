"""Main text of gold pages: the bars are met on pages written with the reader, on blind and on unseen ones."""

import pytest

from evals.bench.extraction import (
    MEAN_BAR,
    MUST_BAR,
    PAGE_BAR,
    PAGES,
    SETS,
    Gold,
    load,
    measure,
    ours,
    summary,
)

LEAST_PAGES = 15


@pytest.mark.parametrize("name", SETS)
def test_main_text_keeps_the_bars(name: str) -> None:
    pages = load(PAGES / name)
    assert len(pages) >= LEAST_PAGES
    total = summary([measure(page, ours(page.html)) for page in pages])
    assert total.overlap.f1 >= MEAN_BAR
    assert total.worst.overlap.f1 >= PAGE_BAR, total.worst
    assert total.must_recall >= MUST_BAR


def test_the_measure_counts_tokens_and_leaves_the_title_out() -> None:
    gold = Gold("g", "", ("Acme Agent", "It reads mail.", "It sends mail."), ("It sends mail.",))
    figures = measure(gold, "ACME agent\nIt reads mail\nShop now")
    assert (figures.overlap.precision, figures.overlap.recall) == (3 / 5, 3 / 6)
    assert (figures.kept, figures.must) == (0, 1)
    assert measure(gold, "It reads mail.\n- It  sends mail.").overlap.f1 == 1.0
    assert measure(gold, "").overlap.f1 == 0.0


def test_statements_of_the_gold_pages_stand_in_their_main_text() -> None:
    for name in SETS:
        for page in load(PAGES / name):
            figures = measure(page, "\n".join(page.lines))
            assert figures.kept == figures.must > 0, page.name
