"""The likely range: it holds the score, moves with it, and covers what it says on the residuals that it comes from."""

import itertools
import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.likely import (
    COVERAGES,
    MAX_BANDS,
    NOMINAL,
    LikelyCalibration,
    bands_spanned,
    likely,
    quantile,
    residual,
)

BUNDLED = load_calibration().likely
SCORES = st.decimals(min_value=0, max_value=Decimal("9.999"), places=3)
SAMPLES = st.lists(st.floats(-3, 3), min_size=5, max_size=60).map(
    lambda found: LikelyCalibration(name="made up", residuals=tuple(sorted(found)), thin_factor=1.35)
)


def ends(raw: Decimal, calibration: LikelyCalibration, *, thin: bool = False) -> tuple[Decimal, Decimal]:
    found = likely(raw, calibration, thin=thin)
    return raw - found.below, raw + found.above


@given(SCORES, st.booleans())
def test_it_holds_the_score_and_stays_on_the_scale(raw: Decimal, thin: bool) -> None:
    low, high = ends(raw, BUNDLED, thin=thin)
    assert 0 <= low <= high <= 10
    assert low <= raw + Decimal("0.1")
    assert high >= raw - Decimal("0.1")


@given(SCORES, SAMPLES, st.booleans())
def test_any_residuals_give_a_range(raw: Decimal, calibration: LikelyCalibration, thin: bool) -> None:
    low, high = ends(raw, calibration, thin=thin)
    assert 0 <= low <= high <= 10
    assert low == round(low, 1)
    assert high == round(high, 1)
    assert (low, high) == ends(raw, calibration, thin=thin)


def test_a_higher_score_has_no_lower_range() -> None:
    middles = [sum(ends(Decimal(n) / 2, BUNDLED)) / 2 for n in range(4, 20)]
    # The pair of levels may change from score to score, so the middle may step back a little, never by a point.
    assert all(later > earlier - Decimal(1) for earlier, later in itertools.pairwise(middles))
    assert middles[-1] > middles[0] + 3


def test_thin_sources_have_no_narrower_range_on_the_whole() -> None:
    widths = [
        tuple(high - low for low, high in (ends(Decimal(n) / 4, BUNDLED, thin=thin) for thin in (False, True)))
        for n in range(8, 40)
    ]
    assert sum(thin for _, thin in widths) >= sum(known for known, _ in widths)


def test_it_spans_two_bands_wherever_a_coverage_allows_it() -> None:
    for n in range(20, 100):
        raw = Decimal(n) / 10
        low, high = ends(raw, BUNDLED)
        scores = [max(10 - (10 - float(raw)) * math.exp(r), 0.0) for r in BUNDLED.residuals]
        share = sum(float(low) <= score <= float(high) for score in scores) / len(scores)
        assert share >= min(COVERAGES) - 0.04, raw
        if bands_spanned(low, high) > MAX_BANDS:
            assert share >= NOMINAL - 0.04, raw


@pytest.mark.parametrize(
    ("low", "high", "count"), [("8.9", "9.0", 2), ("7.0", "8.9", 1), ("0.0", "10.0", 5), ("3.9", "7.0", 3)]
)
def test_bands_are_counted(low: str, high: str, count: int) -> None:
    assert bands_spanned(Decimal(low), Decimal(high)) == count


def test_residuals_and_quantiles() -> None:
    assert residual(8.0, 8.0) == 0
    assert residual(9.0, 8.0) == pytest.approx(-residual(8.0, 9.0))
    assert residual(10.0, 8.0) < residual(9.9, 8.0) < 0
    assert quantile([1, 2, 4], 0) == 1
    assert quantile([1, 2, 4], 0.75) == 3
    assert quantile([1, 2, 4], 1) == 4
