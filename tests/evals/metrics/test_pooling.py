"""Passages pooled over the questions of a factor or layer."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from agent.records import Statement
from evals.metrics.pooling import Hit, Question, Search, pool
from tests.fakes.draft_parts import document


def statement(text: str, start: int = 0, document: str = "D1") -> Statement:
    return Statement(
        document=document, start=start, end=start + len(text), text=text, path=(), sort="description", rank=2,
        about="product", flagged=False,
    )  # fmt: skip


THREE = [statement("one two three"), statement("four five six", 20), statement("seven eight nine", 40)]


def pooled(passages: list[Statement], scores: list[float], allowed: Any = None, **caps: int) -> tuple[Hit, ...]:
    usable = np.ones(len(passages), bool) if allowed is None else np.array(allowed, bool)
    caps = {"k": 9, "per_document": 9} | caps
    return pool(passages, np.array(scores, dtype=float), usable, about="q", **caps)


def test_the_best_come_first_with_caps_exclusions_and_ties() -> None:
    hits = pooled(THREE, [0.1, 0.9, 0.5])
    assert [(hit.start, hit.rank, hit.question) for hit in hits] == [(20, 1, "q"), (40, 2, "q"), (0, 3, "q")]
    passages = [statement(f"alpha{n} beta{n} gamma{n}", 40 * n) for n in range(4)]
    passages += [statement("delta epsilon zeta", 0, "D2")]
    hits = pooled(passages, [0.5] * 5, [True, False, True, True, True], per_document=2)
    assert [(hit.document, hit.start) for hit in hits] == [("D1", 0), ("D1", 80), ("D2", 0)]
    assert pooled(passages, [0.5] * 5, [False] * 5) == ()


def test_near_duplicates_go_but_not_over_a_negation_or_a_number() -> None:
    long = "the server writes every request with duration cost errors status user tool input output and model to a file"
    texts = [long, long.upper(), f"{long} daily", f"{long} never", f"{long} 30"]
    hits = pooled([statement(text, 200 * n) for n, text in enumerate(texts)], [0.9, 0.8, 0.7, 0.6, 0.5])
    assert [hit.start // 200 for hit in hits] == [0, 3, 4]


def test_terms_alone_rank_nothing_without_a_common_term_and_questions_of_one_key_are_pooled() -> None:
    page = document("D1", "README.md", "Tool", "It reads mail now. It keeps files there.")
    rows = [statement("It reads mail now."), statement("It keeps files there.", 19)]
    search = Search([page], rows)
    asked = [Question("a", "mail"), Question("a", "who reads"), Question("b", "files")]
    found = search.pools(asked, k=2, per_document=2, mode="bm25")
    assert {key: [hit.start for hit in hits] for key, hits in found.items()} == {"a": [0], "b": [19]}
    for mode in ("dense", "fused"):
        found = search.pools(asked, k=2, per_document=2, mode=mode)
        assert {key: [hit.start for hit in hits] for key, hits in found.items()} == {"a": [0, 19], "b": [19, 0]}
    assert Search([page], []).pools(asked, k=2, per_document=2) == {}


@given(
    st.lists(st.tuples(st.floats(-0.5, 9, width=32), st.booleans()), min_size=1, max_size=30),
    st.integers(1, 12),
    st.integers(1, 6),
)
def test_pooling_keeps_its_limits(rows: list[tuple[float, bool]], k: int, per_document: int) -> None:
    passages = [statement(f"w{n} x{n} y{n}", 20 * n, f"D{n % 3}") for n in range(len(rows))]
    scores, allowed = ([row[side] for row in rows] for side in (0, 1))
    hits = pooled(passages, scores, allowed, k=k, per_document=per_document)
    by_document = [sum(hit.document == f"D{n}" for hit in hits) for n in range(3)]
    possible = [min(per_document, sum(bool(a) for a in allowed[n::3])) for n in range(3)]
    assert len(hits) == min(k, sum(possible))
    assert all(count <= per_document for count in by_document)
    assert all(allowed[hit.start // 20] for hit in hits)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    found = [scores[hit.start // 20] for hit in hits]
    assert found == pytest.approx(sorted(found, reverse=True), abs=1e-6)
