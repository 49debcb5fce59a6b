"""Labels assigned to statements: aligning a text with its original file, and the stand-off labels themselves."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import given, strategies as st

from agent.records import StatementRole
from evals.training.align import align, tokens
from evals.training.labels import ROLES, Place, find_texts, labelled_pages, read_labels
from evals.training.role_report import Places, figures_of, places_of

_WORDS = st.lists(st.sampled_from(["a", "b", "the", "server", "reads", "mail", "日", "本"]), max_size=30)


@given(_WORDS)
def test_a_text_is_aligned_with_itself(words: list[str]) -> None:
    text = " ".join(words)
    assert [(pair.first, pair.second) for pair in align(text, text)] == [(t, t) for t in tokens(text)]


@given(_WORDS, _WORDS)
def test_pairs_are_equal_words_in_the_order_of_both(one: list[str], other: list[str]) -> None:
    pairs = align(" ".join(one), " ".join(other))
    assert all(pair.first.word == pair.second.word for pair in pairs)
    for text in ([pair.first.start for pair in pairs], [pair.second.start for pair in pairs]):
        assert text == sorted(set(text))


def test_markup_and_addresses_are_left_out_of_the_alignment() -> None:
    raw = "See **[the docs](https://x.invalid/docs)** for `limits` &amp; <b>costs</b>."
    pairs = align(raw, "See the docs for limits & costs.")
    assert [pair.second.word for pair in pairs] == ["see", "the", "docs", "for", "limits", "costs"]
    assert all(raw[p.first.start : p.first.end].lower() == p.second.word for p in pairs)


def test_repeated_words_between_unlike_ones_keep_their_places() -> None:
    pairs = align("x the cat, y the dog, z the end", "the cat the dog the end")
    assert [pair.first.start for pair in pairs if pair.first.word == "the"] == [2, 13, 24]


def _label(raw: str, words: str, role: StatementRole, sha256: str) -> Place:
    start = raw.index(words)
    return Place("o", "o/r", "README.md", "", sha256, start, start + len(words), role)


def test_labels_fall_on_the_statements_that_hold_their_words(tmp_path: Path) -> None:
    raw = "# Post\n\n![badge](b.svg)\n\n**Reads** [mail](m). Sends nothing.\n\n```bash\nnpm i post\nnpm start\n```\n"
    path = tmp_path / "README.md"
    path.write_text(raw, "utf-8")
    digest = hashlib.sha256(raw.encode()).hexdigest()
    labels = [
        _label(raw, "**Reads** [mail](m).", "behaviour", digest),
        _label(raw, "Sends nothing.", "limitation", digest),
        _label(raw, "```bash\nnpm i post\nnpm start\n```", "instruction", digest),
        _label(raw, "(b.svg)", "marketing", digest),
    ]
    texts = find_texts([digest], [tmp_path])
    (page,) = labelled_pages(labels, texts)
    by_text = {s.text: role for s, role in zip(page.statements, page.roles, strict=True)}
    assert by_text["Reads mail."] == "behaviour"
    assert by_text["Sends nothing."] == "limitation"
    assert by_text["npm i post\nnpm start"] == "instruction"
    assert not page.held[3]


def test_a_text_that_is_nowhere_is_missing(tmp_path: Path) -> None:
    assert find_texts(["0" * 64], [tmp_path]) == {}
    assert labelled_pages([_label("x", "x", "news", "0" * 64)], {}) == []


def test_stored_labels_are_places_and_never_words() -> None:
    labels = read_labels()
    assert len(labels) > 9000
    assert all(0 <= label.start < label.end and len(label.sha256) == 64 for label in labels)
    assert all(label.commit or label.repository.startswith("corpus/") for label in labels)


def _figures(chances: Sequence[float], roles: Sequence[StatementRole], threshold: float) -> dict[str, float]:
    rows = np.zeros((len(roles), len(ROLES)))
    rows[:, 0], rows[:, -1] = chances, 1 - np.array(chances)
    labels = tuple(Place("o", "o/r", "p", "", "0" * 64, n, n + 1, role) for n, role in enumerate(roles))
    found = figures_of(Places(labels, rows, ()), threshold)
    names = {"accuracy": "carries or not", "kept": "carrying kept", "leak": "navigation"}
    return {name: found[title] for name, title in names.items()}


def test_figures_count_what_passes() -> None:
    roles: list[StatementRole] = ["behaviour", "behaviour", "navigation", "navigation"]
    assert _figures([0.9, 0.4, 0.6, 0.1], roles, 0.5) == {"accuracy": 0.5, "kept": 0.5, "leak": 0.5}
    assert _figures([0.9, 0.4, 0.6, 0.1], roles, 0.3) == {"accuracy": 0.75, "kept": 1.0, "leak": 0.5}


def test_nothing_is_told_of_no_pages() -> None:
    places = places_of([], np.zeros((0, len(ROLES))))
    assert places.labels == ()
    assert places.chances.shape == (0, len(ROLES))
