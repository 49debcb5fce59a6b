import pytest
from hypothesis import given
from hypothesis import strategies as st

from evals.metrics import (
    Flags,
    Span,
    alpha_interval,
    alpha_nominal,
    count_flags,
    covered,
    error,
    f1,
    mean,
    pearson,
    precision,
    recall,
    share,
    spans_covered,
    spearman,
)

UNIT = st.integers(0, 10).map(lambda tenths: tenths / 10)
PAIRS = st.lists(st.tuples(UNIT, UNIT), min_size=2, max_size=30)
LAYERS = st.lists(st.tuples(st.one_of(st.none(), st.booleans()), st.booleans()), max_size=40)


def test_values() -> None:
    assert mean([]) is None
    assert mean([0.1, 0.2, 0.6]) == 0.3
    assert share(0, 0) is None
    assert share(1, 3) == 0.333333
    assert error(0.4, 0.7) == pytest.approx(0.3)
    assert covered(0.1, 0.1 + 0.2, 0.3)
    assert not covered(0.4, 0.6, 0.3)
    assert not covered(None, 0.6, 0.3)


@given(UNIT, UNIT)
def test_no_draft_has_an_error_above_that_of_a_failed_case(drafted: float, label: float) -> None:
    assert error(drafted, label) <= error(None, label)
    assert error(drafted * 10, label * 10, 10.0) <= error(None, label * 10, 10.0)


def test_flags_by_hand() -> None:
    flags = count_flags([(False, False), (False, True), (True, False), (True, True), (None, False), (None, True)])
    assert flags == Flags(true_positive=1, false_positive=2, false_negative=2, true_negative=1)
    assert precision(flags) == recall(flags) == f1(flags) == 0.333333
    assert precision(count_flags([(True, True)])) is None
    assert f1(count_flags([])) is None


@given(LAYERS)
def test_flag_rates(pairs: list[tuple[bool | None, bool]]) -> None:
    flags = count_flags(pairs)
    assert sum(flags) == len(pairs)
    p, r, f = precision(flags), recall(flags), f1(flags)
    if p and r:
        assert f == pytest.approx(2 * p * r / (p + r), abs=1e-5)
    failed = count_flags([(None, label) for _, label in pairs])
    assert failed.true_positive == failed.true_negative == 0
    perfect = count_flags([(label, label) for _, label in pairs])
    assert f1(perfect) in (None, 1.0)


def test_half_of_a_gold_span_in_one_citation_counts() -> None:
    gold = [Span("D1", 0, 10), Span("D1", 20, 30), Span("D2", 0, 10)]
    assert spans_covered(gold, [Span("D1", 5, 24)]) == 1
    assert spans_covered(gold, [Span("D1", 6, 24)]) == 0
    assert spans_covered(gold, [Span("D1", 0, 4), Span("D1", 4, 8)]) == 0
    assert spans_covered(gold, [Span("D1", 0, 30)]) == 2
    assert spans_covered(gold, []) == 0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), max_size=6), st.data())
def test_more_citations_never_cover_less(spans: list[tuple[int, int]], data: st.DataObject) -> None:
    gold = [Span("D1", start, start + length) for start, length in spans]
    cited = [Span("D1", start, start + length) for start, length in data.draw(st.permutations(spans))]
    counts = [spans_covered(gold, cited[:n]) for n in range(len(cited) + 1)]
    assert counts == sorted(counts)
    assert counts[-1] == len(gold)


def test_alpha_of_a_published_example() -> None:
    # Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example A: two observers, ten binary units.
    first = [0, 1, 0, 0, 0, 0, 0, 0, 1, 0]
    second = [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]
    assert alpha_nominal([(bool(a), bool(b)) for a, b in zip(first, second, strict=True)]) == pytest.approx(
        0.095, abs=5e-4
    )


@given(PAIRS)
def test_agreement_laws(pairs: list[tuple[float, float]]) -> None:
    turned = [(b, a) for a, b in pairs]
    for statistic in (pearson, spearman, alpha_interval):
        value, other = statistic(pairs), statistic(turned)
        assert (value is None) == (other is None)
        if value is not None and other is not None:
            assert value == pytest.approx(other, abs=1e-9)
            assert value <= 1 + 1e-9
    same = alpha_interval([(a, a) for a, _ in pairs])
    assert same is None or same == pytest.approx(1)
    scaled = spearman([(a, b**3) for a, b in pairs])
    assert (scaled is None and spearman(pairs) is None) or scaled == pytest.approx(spearman(pairs), abs=1e-9)


def test_correlations_by_hand() -> None:
    assert pearson([(1, 2), (2, 4), (3, 6)]) == pytest.approx(1)
    assert pearson([(1, 1), (2, 1)]) is None
    assert pearson([]) is None
    assert spearman([(1, 9), (2, 4), (3, 1)]) == pytest.approx(-1)
