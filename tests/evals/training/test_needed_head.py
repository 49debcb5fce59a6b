"""The fit of the head for needed statements, and what counts as shown."""

import numpy as np

from agent.records import Document, Section
from evals.training.needed_head import VECTOR_COLUMNS, Taught, fit_needed
from evals.training.needed_marks import Folder
from evals.training.needed_shown import held


def taught(seed: int) -> Taught:
    """Statements whose need shows in one vector column and one plain column; those of the listing show the opposite."""
    draw = np.random.default_rng(seed)
    features = draw.normal(size=(160, VECTOR_COLUMNS.stop + 4)) * 0.05
    needed = draw.random(160) < 0.15
    counts = np.arange(160) >= 20
    features[needed & counts, 3] += 0.6
    features[needed & counts, -1] += 3.0
    features[~needed & ~counts, -1] += 3.0
    return Taught(Folder("x", {}, ()), (), features, needed, counts, ())


def test_the_fit_learns_from_other_folders_and_not_from_listings() -> None:
    head = fit_needed([taught(1), taught(2)])
    other = taught(3)
    odds = head.odds(other.features)[other.counts]
    needed = other.needed[other.counts]
    assert odds[needed].min() > odds[~needed].max()
    assert np.isclose(np.mean(1 / (1 + np.exp(-odds))), needed.mean(), atol=0.05)


def document(key: str, text: str) -> Document:
    return Document(
        id=key,
        sha256="0" * 64,
        url=f"{key}.md",
        title="x",
        kind="docs",
        media_type="text/markdown",
        fetched_at="2026-11-01T00:00:00Z",
        text=text,
        sections=(Section(start=0, end=len(text), path=("x",), about="product"),),
    )


def test_needed_is_shown_where_half_of_it_is_or_its_words_are_on_another_page() -> None:
    pages = (document("D1", "Keys are kept in a file. Other."), document("D2", "More. Keys are  kept in a file."))
    needed = [("D1", 0, 24)]
    assert held(pages, needed, [("D1", 0, 12)]) == 1
    assert held(pages, needed, [("D1", 0, 11)]) == 0
    assert held(pages, needed, [("D2", 6, 31)]) == 1
    assert held(pages, needed, [("D2", 0, 20)]) == 0
