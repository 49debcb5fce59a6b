"""The joint 80 % range of a draft's score, calibrated on published scores.

A score is 10 minus a gap, and errors of a draft grow with its gap: the residual of a labelled case is

    r = ln((10 - published score at MF 1) / (10 - drafted score))        left-one-vendor-out

and a draft's range is the gap multiplied by e^(two quantiles of r). Which two: all pairs whose quantile levels lie
`coverage` apart hold the same share of cases, so the pair is taken whose range spans the fewest severity bands, then
the narrowest. A range that spans three bands even so is why a score is withheld (`agent.drafting.embedded`).
"""

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from agent.records import LikelyConstants, Record
from agent.scoring.interval import severity

COVERAGE: Final = 0.80
STEPS: Final = 10
"""Pairs of quantile levels tried: (0, 0.8), (0.02, 0.82) … (0.2, 1)."""
MIN_GAP: Final = 0.05
"""A published 10.0 counts as 9.95, so that its logarithm exists."""
TENTH: Final = Decimal("0.1")
TOP: Final = Decimal(10)


class LikelyCalibration(Record):
    """Sorted residuals of the labelled scores."""

    name: str
    residuals: tuple[float, ...]
    thin_factor: float
    """Residuals are multiplied by this when the sources hardly describe the product; 1 or more."""


def residual(published: float, drafted: float) -> float:
    """ln of the gap ratio of one labelled case; scores 0 to 10."""
    return math.log(max(10 - published, MIN_GAP) / max(10 - drafted, MIN_GAP))


def likely(raw: Decimal, calibration: LikelyCalibration, *, thin: bool) -> LikelyConstants:
    """Constants of the range of a draft whose unrounded score is `raw` (0 to 10)."""
    factor = calibration.thin_factor if thin else 1.0
    gap = 10 - float(raw)
    best: tuple[int, Decimal, Decimal, Decimal] | None = None
    for step in range(STEPS + 1):
        level = (1 - COVERAGE) * step / STEPS
        low = _outward(TOP - _decimal(gap * math.exp(factor * quantile(calibration.residuals, level + COVERAGE))), ROUND_FLOOR)
        high = _outward(TOP - _decimal(gap * math.exp(factor * quantile(calibration.residuals, level))), ROUND_CEILING)
        choice = (bands_spanned(low, high), high - low, low, high)
        best = choice if best is None or choice < best else best
    assert best is not None
    return LikelyConstants(below=raw - best[2], above=best[3] - raw, calibration=calibration.name)


def bands_spanned(low: Decimal, high: Decimal) -> int:
    """How many severity bands the range touches, 1 to 5."""
    order = ("None", "Low", "Medium", "High", "Critical")
    return order.index(severity(high)) - order.index(severity(low)) + 1


def quantile(ordered: Sequence[float], level: float) -> float:
    """Linear-interpolated quantile of sorted values, `level` 0 to 1."""
    place = level * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, 6)))


def _outward(value: Decimal, rounding: str) -> Decimal:
    return min(max(value.quantize(TENTH, rounding=rounding), Decimal(0)), TOP)
