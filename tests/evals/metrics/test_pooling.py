"""Passages pooled over the questions of a factor or layer."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from agent.records import Statement
from agent.retrieval.search import LEXICAL_WEIGHT
from evals.metrics.pooling import Question, Scored, pool


def statement(text: str, start: int = 0, document: str = "D1") -> Statement:
    return Statement(
        document=document,
        start=start,
        end=start + len(text),
        text=text,
        path=(),
        sort="description",
        rank=2,
        about="product",
        flagged=False,
    )


def asked(dense: list[float], lexical: list[float], key: str = "q/1") -> Scored:
    question = Question(id=key, about="q", text="anything")
    return Scored(question, np.array(dense, dtype=np.float32), np.array(lexical, dtype=np.float32))


def test_scores_are_added_up() -> None:
    passages = [statement("one two three"), statement("four five six", 20), statement("seven eight nine", 40)]
    one = asked([0.1, 0.9, 0.5], [2.0, 0.0, 1.0])
    hits = pool(passages, np.ones(3, bool), [one], k=3, per_document=3)
    assert [hit.start for hit in hits] == [20, 40, 0]
    assert [hit.rank for hit in hits] == [1, 2, 3]
    assert hits[0].fused == pytest.approx(0.9, abs=1e-6)
    assert hits[1].fused == pytest.approx(0.5 + LEXICAL_WEIGHT, abs=1e-6)
    assert (hits[2].dense, hits[2].lexical) == (pytest.approx(0.1), 2.0)
    other = asked([0.3, 0.1, 0.1], [0.0, 0.0, 0.0], "q/2")
    both = pool(passages, np.ones(3, bool), [one, other], k=3, per_document=3)
    assert {hit.start: hit.fused for hit in both}[0] == pytest.approx(0.2 + LEXICAL_WEIGHT, abs=1e-6)
    assert {hit.start: hit.dense for hit in both} == {0: 0.3, 20: 0.9, 40: 0.5}


def test_what_a_passage_is_worth_by_itself_moves_it() -> None:
    passages = [statement("one two three"), statement("four five six", 20)]
    plain = [asked([0.5, 0.4], [0, 0])]
    worth = np.array([0.0, 0.2])
    moved = pool(passages, np.ones(2, bool), plain, k=2, per_document=2, worth=worth)
    assert [(hit.start, hit.fused) for hit in moved] == [(20, 0.6), (0, 0.5)]
    for mode in ("dense", "bm25"):
        alone = pool(passages, np.ones(2, bool), plain, k=2, per_document=2, worth=worth, mode=mode)
        assert alone == pool(passages, np.ones(2, bool), plain, k=2, per_document=2, mode=mode)


def test_terms_or_vectors_alone() -> None:
    passages = [statement("one two three"), statement("four five six", 20), statement("seven eight nine", 40)]
    questions = [asked([0.1, 0.9, 0.5], [2.0, 0.0, 1.0])]
    dense = pool(passages, np.ones(3, bool), questions, k=3, per_document=3, mode="dense")
    terms_only = pool(passages, np.ones(3, bool), questions, k=3, per_document=3, mode="bm25")
    assert [hit.start for hit in dense] == [20, 40, 0]
    assert [hit.start for hit in terms_only] == [0, 40], "no common term, no place"


def test_a_passage_too_far_to_have_a_cosine_is_as_near_as_the_farthest_that_has_one() -> None:
    passages = [statement("one two three"), statement("four five six", 20), statement("seven eight nine", 40)]
    hits = pool(passages, np.ones(3, bool), [asked([0.5, -1.0, -1.0], [0, 1, 0])], k=3, per_document=3)
    assert [(hit.start, hit.fused) for hit in hits] == [(20, 0.8), (0, 0.5)]


def test_a_hit_names_the_question_that_ranked_it_best() -> None:
    passages = [statement("one two three"), statement("four five six", 20)]
    questions = [asked([0.9, 0.1], [0, 0], "q/1"), asked([0.2, 0.8], [0, 3], "q/2")]
    hits = pool(passages, np.ones(2, bool), questions, k=2, per_document=2)
    assert {hit.start: hit.question for hit in hits} == {0: "q/1", 20: "q/2"}


def test_caps_exclusions_and_ties() -> None:
    passages = [statement(f"alpha{n} beta{n} gamma{n}", 40 * n) for n in range(4)]
    passages += [statement("delta epsilon zeta", 0, "D2")]
    even = asked([0.5] * 5, [0.0] * 5)
    hits = pool(passages, np.array([True, False, True, True, True]), [even], k=9, per_document=2)
    assert [(hit.document, hit.start) for hit in hits] == [("D1", 0), ("D1", 80), ("D2", 0)]
    assert pool(passages, np.zeros(5, bool), [even], k=9, per_document=2) == ()
    assert pool(passages, np.ones(5, bool), [], k=9, per_document=2) == ()


def test_near_duplicates_go_but_not_over_a_negation_or_a_number() -> None:
    long = "the server writes every request with duration cost errors status user tool input output and model to a file"
    texts = [long, long.upper(), f"{long} daily", f"{long} never", f"{long} 30"]
    passages = [statement(text, 200 * n) for n, text in enumerate(texts)]
    hits = pool(passages, np.ones(5, bool), [asked([0.9, 0.8, 0.7, 0.6, 0.5], [0.0] * 5)], k=5, per_document=5)
    assert [hit.start // 200 for hit in hits] == [0, 3, 4]


@given(
    st.lists(
        st.tuples(st.floats(-0.5, 1, width=32), st.floats(0, 9, width=32), st.booleans()), min_size=1, max_size=30
    ),
    st.integers(1, 12),
    st.integers(1, 6),
)
def test_pooling_keeps_its_limits(rows: list[tuple[float, float, bool]], k: int, per_document: int) -> None:
    passages = [statement(f"w{n} x{n} y{n}", 20 * n, f"D{n % 3}") for n in range(len(rows))]
    allowed = np.array([row[2] for row in rows])
    one = asked([row[0] for row in rows], [row[1] for row in rows])
    hits = pool(passages, allowed, [one, one], k=k, per_document=per_document)
    by_document = [sum(hit.document == f"D{n}" for hit in hits) for n in range(3)]
    possible = [min(per_document, sum(bool(a) for a in allowed[n::3])) for n in range(3)]
    assert len(hits) == min(k, sum(possible))
    assert all(count <= per_document for count in by_document)
    assert all(allowed[hit.start // 20] for hit in hits)
    assert [hit.rank for hit in hits] == list(range(1, len(hits) + 1))
    assert list(hits) == sorted(hits, key=lambda hit: -hit.fused)
