import pytest
from hypothesis import given, strategies as st

from evals.metrics.arithmetic import (
    Flags,
    Span,
    alpha_interval,
    alpha_labels,
    alpha_nominal,
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


# ---------------------------------------------------------------- levels, abstention, calibration

CELLS = st.lists(
    st.tuples(st.none() | st.integers(0, 10).map(lambda n: n / 10), st.booleans()), min_size=1, max_size=30
)


def test_interval_error_is_zero_inside_and_the_worst_without_a_value() -> None:
    assert interval_error(0.3, 0.2, 0.4) == 0.0
    assert interval_error(0.1, 0.2, 0.4) == pytest.approx(0.1)
    assert interval_error(0.7, 0.2, 0.4) == pytest.approx(0.3)
    assert interval_error(None, 0.2, 0.4) == pytest.approx(0.8)


def test_quadratic_kappa_by_hand() -> None:
    assert quadratic_kappa([(0.0, 0.0), (0.5, 0.5), (1.0, 1.0)]) == 1.0
    assert quadratic_kappa([(0.0, 1.0), (1.0, 0.0)]) == -1.0
    assert quadratic_kappa([(0.2, 0.2)] * 3) is None
    # 0.25 lies between two levels and counts as the upper one.
    assert quadratic_kappa([(0.25, 0.5), (1.0, 1.0)]) == 1.0


def test_alpha_of_labels_is_that_of_yes_and_no() -> None:
    pairs = [(True, True), (True, False), (False, False), (False, False), (True, True)]
    named = [("yes" if a else "no", "yes" if b else "no") for a, b in pairs]
    assert alpha_labels(named) == pytest.approx(alpha_nominal(pairs) or 0)
    assert alpha_labels([]) is None
    assert alpha_labels([("a", "a")] * 4) is None


def test_augrc_by_hand() -> None:
    # Most certain first: right, wrong, right. Generalised risks 0, 1/3, 1/3.
    assert augrc([(0.9, 0.0), (0.8, 1.0), (0.1, 0.0)]) == pytest.approx(2 / 9)
    # Ties are taken together, in equal parts.
    assert augrc([(0.5, 0.0), (0.5, 1.0)]) == pytest.approx((0.25 + 0.5) / 2)
    assert augrc([]) is None


@given(CELLS)
def test_augrc_is_best_when_the_losses_come_last(cells: list[tuple[float | None, bool]]) -> None:
    given_order = augrc([(c, float(loss)) for c, loss in cells]) or 0.0
    count = len(cells)
    losses = sum(loss or c is None for c, loss in cells)
    best = augrc([(1.0 - n / count, float(n >= count - losses)) for n in range(count)]) or 0.0
    worst = augrc([(1.0 - n / count, float(n < losses)) for n in range(count)]) or 0.0
    assert best - 1e-6 <= given_order <= worst + 1e-6
    assert 0.0 <= given_order <= 1.0


@given(CELLS)
def test_losing_a_case_never_helps(cells: list[tuple[float | None, bool]]) -> None:
    lost = [(None, loss) for _, loss in cells]
    for metric in (
        lambda rows: augrc([(c, float(loss)) for c, loss in rows]),
        lambda rows: brier([(c, not loss) for c, loss in rows]),
    ):
        assert (metric(lost) or 0.0) >= (metric(cells) or 0.0) - 1e-6
    assert coverage_at_risk([(None, 1.0) for _ in cells], 0.05) == 0.0


def test_coverage_at_risk_takes_equal_certainties_together() -> None:
    cells = [(0.9, 0.0), (0.8, 0.0), (0.8, 1.0), (0.1, 0.0)]
    assert coverage_at_risk(cells, 0.0) == 0.25
    assert coverage_at_risk(cells, 0.34) == 1.0


def test_calibration_needs_enough_cells() -> None:
    assert calibration_error([(0.7, True)] * 299) is None
    assert calibration_error([(0.7, n % 10 < 7) for n in range(300)]) == pytest.approx(0.0)
    assert calibration_error([(0.7, False)] * 300) == pytest.approx(0.7)


@given(st.lists(st.tuples(st.none() | st.booleans(), st.booleans()), min_size=1, max_size=7))
def test_a_missed_flag_costs_twice_a_needless_one(pairs: list[tuple[bool | None, bool]]) -> None:
    loss = flag_loss(pairs, 7)
    missed = sum(label is False and drafted is not False for drafted, label in pairs)
    extra = sum(label is True and drafted is not True for drafted, label in pairs)
    assert loss == pytest.approx((2 * missed + extra) / 7, abs=1e-6)
    assert flag_loss([], 7) is None


def test_repeats_of_a_case() -> None:
    assert within_spread([0.4, 0.6]) == pytest.approx(0.1414, abs=1e-4)
    assert within_spread([0.4, None]) is None
    assert flip_rate([True, True, False]) == pytest.approx(2 / 3)
    assert flip_rate([True]) == 0.0
    assert quantile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert quantile([], 0.5) is None
