import pytest
from hypothesis import given, strategies as st

from evals.metrics.arithmetic import (
    Flags,
    Span,
    alpha_interval,
    alpha_labels,
    augrc,
    brier,
    calibration_error,
    count_flags,
    coverage_at_risk,
    covered,
    error,
    f1,
    flag_loss,
    flip_rate,
    interval_error,
    mean,
    pearson,
    precision,
    quadratic_kappa,
    quantile,
    recall,
    share,
    spans_covered,
    spearman,
    within_spread,
)

UNIT = st.integers(0, 10).map(lambda tenths: tenths / 10)
PAIRS = st.lists(st.tuples(UNIT, UNIT), min_size=2, max_size=30)
LAYERS = st.lists(st.tuples(st.none() | st.booleans(), st.booleans()), max_size=40)
CELLS = st.lists(st.tuples(st.none() | UNIT, st.booleans()), min_size=1, max_size=30)


def test_values_and_what_is_missing() -> None:
    assert mean([]) is mean([None]) is share(0, 0) is error(0.4, None) is covered(0.1, 0.2, None) is None
    assert mean([0.1, None, 0.2, 0.6]) == 0.3
    assert share(1, 3) == 0.333333
    assert error(0.4, 0.7) == pytest.approx(0.3)
    assert [covered(low, 0.1 + 0.2, 0.3) for low in (0.1, 0.3, 0.4, None)] == [True, True, False, False]
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([], 0.5) is None
    assert [interval_error(value, 0.2, 0.4) for value in (0.3, 0.1, 0.7, None)] == pytest.approx([0, 0.1, 0.3, 0.8])


@given(UNIT, UNIT)
def test_no_draft_has_an_error_above_that_of_a_failed_case(drafted: float, label: float) -> None:
    for top in (1.0, 10.0):
        known, failed = error(drafted * top, label * top, top), error(None, label * top, top)
        assert known is not None
        assert failed is not None
        assert known <= failed


def test_flags_by_hand() -> None:
    flags = count_flags([(False, False), (False, True), (True, False), (True, True), (None, False), (None, True)])
    assert flags == Flags(true_positive=1, false_positive=2, false_negative=2, true_negative=1)
    assert precision(flags) == recall(flags) == f1(flags) == 0.333333
    assert precision(count_flags([(True, True), (True, None)])) is f1(count_flags([])) is None


@given(LAYERS)
def test_flag_rates_and_a_missed_flag_costs_twice_a_needless_one(pairs: list[tuple[bool | None, bool]]) -> None:
    flags = count_flags(pairs)
    assert sum(flags) == len(pairs)
    p, r = precision(flags), recall(flags)
    if p and r:
        assert f1(flags) == pytest.approx(2 * p * r / (p + r), abs=1e-5)
    failed = count_flags([(None, label) for _, label in pairs])
    assert failed.true_positive == failed.true_negative == 0
    missed = sum(label is False and drafted is not False for drafted, label in pairs)
    extra = sum(label is True and drafted is not True for drafted, label in pairs)
    assert (flag_loss(pairs, 7) or 0.0) == pytest.approx((2 * missed + extra) / 7, abs=1e-6)
    assert flag_loss([], 7) is None


def test_half_of_a_gold_span_in_one_citation_counts() -> None:
    gold = [Span("D1", 0, 10), Span("D1", 20, 30), Span("D2", 0, 10)]
    assert spans_covered(gold, [Span("D1", 5, 24)]) == 1
    assert spans_covered(gold, [Span("D1", 6, 24)]) == 0
    assert spans_covered(gold, [Span("D1", 0, 4), Span("D1", 4, 8)]) == 0
    assert spans_covered(gold, [Span("D1", 0, 30)]) == 2
    assert spans_covered(gold, []) == 0


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


def test_agreement_by_hand() -> None:
    assert pearson([(1, 2), (2, 4), (3, 6)]) == pytest.approx(1)
    assert pearson([(1, 1), (2, 1)]) is pearson([]) is None
    assert spearman([(1, 9), (2, 4), (3, 1)]) == pytest.approx(-1)
    # Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011), example A: two observers, ten binary units.
    assert alpha_labels(list(zip("0100000010", "1110010000", strict=True))) == pytest.approx(0.095, abs=5e-4)
    assert alpha_labels([]) is alpha_labels([("a", "a")] * 4) is None
    assert quadratic_kappa([(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]) == 1.0
    assert quadratic_kappa([(0.0, 1.0), (1.0, 0.0)]) == -1.0
    assert quadratic_kappa([(0.2, 0.2)] * 3) is None
    # 0.25 lies between two levels and counts as the upper one.
    assert quadratic_kappa([(0.25, 0.5), (1.0, 1.0)]) == 1.0


def test_risk_and_coverage_by_hand() -> None:
    # Most certain first: right, wrong, right. Generalised risks 0, 1/3, 1/3.
    assert augrc([(0.9, 0.0), (0.8, 1.0), (0.1, 0.0)]) == pytest.approx(2 / 9)
    # Ties are accepted together, in equal parts.
    assert augrc([(0.5, 0.0), (0.5, 1.0)]) == pytest.approx((0.25 + 0.5) / 2)
    assert augrc([]) is None
    cells = [(0.9, 0.0), (0.8, 0.0), (0.8, 1.0), (0.1, 0.0)]
    assert [coverage_at_risk(cells, risk) for risk in (0.0, 0.34)] == [0.25, 1.0]


@given(CELLS)
def test_augrc_is_best_when_the_losses_come_last_and_losing_a_case_never_helps(
    cells: list[tuple[float | None, bool]],
) -> None:
    found = augrc([(c, float(loss)) for c, loss in cells]) or 0.0
    count, losses = len(cells), sum(loss or c is None for c, loss in cells)
    best = augrc([(1.0 - n / count, float(n >= count - losses)) for n in range(count)]) or 0.0
    worst = augrc([(1.0 - n / count, float(n < losses)) for n in range(count)]) or 0.0
    assert 0.0 <= best <= found + 1e-6
    assert found - 1e-6 <= worst <= 1.0
    assert (augrc([(None, float(loss)) for _, loss in cells]) or 0.0) >= found - 1e-6
    chances = [(c, float(not loss)) for c, loss in cells]
    assert (brier([(None, true) for _, true in chances]) or 0.0) >= (brier(chances) or 0.0) - 1e-6
    assert coverage_at_risk([(None, 1.0) for _ in cells], 0.05) == 0.0


def test_calibration_needs_enough_cells() -> None:
    assert calibration_error([(0.7, 1.0)] * 299) is None
    assert calibration_error([(0.7, float(n % 10 < 7)) for n in range(300)]) == pytest.approx(0.0)
    assert calibration_error([(0.7, 0.0)] * 300) == pytest.approx(0.7)


def test_repeats_of_a_case() -> None:
    assert within_spread([0.4, 0.6]) == pytest.approx(0.1414, abs=1e-4)
    assert within_spread([0.4, None]) is None
    assert flip_rate([True, True, False]) == pytest.approx(2 / 3)
    assert flip_rate([True]) == 0.0
