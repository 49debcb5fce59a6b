"""The joint 80 % range of the score, from residuals of labelled cases.

A residual compares the gaps to 10: r = ln((10 − labelled) / (10 − drafted)). At a raw score s, a quantile q of the
residuals corresponds to the score 10 − (10 − s)·exp(q). Among the quantile pairs that enclose the wanted share, the
range with the fewest severity bands is chosen, then the narrowest. If that range touches more than two bands, a lower
coverage is tried. The choice depends only on the drafted score, so the coverage over all drafts is the mean of the
chosen coverages.
"""

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final, NamedTuple

from agent.drafting.calibration import RangeCalibration, load_range
from agent.records import LikelyConstants
from agent.scoring.interval import severity

COVERAGES: Final = (0.84, 0.80, 0.76, 0.72, 0.68, 0.64, 0.60, 0.56)
"""Coverages to try (shares of labelled scores within the range), preferred first; on average about 0.8 is used."""
THIN_COVERAGES: Final = (0.84, 0.80)
"""Coverages to try if the sources hardly describe the product; the range is then not narrowed to avoid a band."""
NOMINAL: Final = 0.80
MAX_BANDS: Final = 2
STEPS: Final = 10
"""Number of steps between the quantile pairs tried per coverage: at 0.8 (0, 0.8), (0.02, 0.82) … (0.2, 1)."""
MIN_GAP: Final = 0.05
"""Minimum gap to 10: a score of 10.0 counts as 9.95, so that the logarithm exists."""
TENTH: Final = Decimal("0.1")
TOP: Final = Decimal(10)
_BANDS: Final = ("None", "Low", "Medium", "High", "Critical")


def residual(labelled: float, drafted: float) -> float:
    """Compute ln of the gap ratio of one labelled case; scores 0 to 10."""
    return math.log(max(10 - labelled, MIN_GAP) / max(10 - drafted, MIN_GAP))


class _Span(NamedTuple):
    """A candidate range; the fields are in order of preference for sorting."""

    bands: int
    width: Decimal
    low: Decimal
    high: Decimal


def likely(
    raw: Decimal, calibration: RangeCalibration | None = None, *, thin: bool = False, judged: bool = False
) -> LikelyConstants:
    """Choose the likely range for a draft with the unrounded score `raw` (0 to 10).

    `thin` means that the sources hardly describe the product, `judged` that an LLM judged the threats. Raises
    SchemaError if the bundled constants cannot be read.
    """
    constants = calibration or load_range()
    if judged and constants.judged:
        name = f"readers' scores of drafts with an LLM, n={len(constants.judged)}"
        constants = constants.model_copy(update={"name": name, "residuals": constants.judged})
    coverages = THIN_COVERAGES if thin else COVERAGES
    spans = (_best(raw, constants, thin, coverage) for coverage in coverages)
    chosen = next((span for span in spans if span.bands <= MAX_BANDS), _best(raw, constants, thin, NOMINAL))
    return LikelyConstants(below=raw - chosen.low, above=chosen.high - raw, calibration=constants.name)


def _best(raw: Decimal, constants: RangeCalibration, thin: bool, coverage: float) -> _Span:
    factor = constants.thin_factor if thin else 1.0
    gap = 10 - float(raw)

    def end(level: float, rounding: str) -> Decimal:
        return _outward(TOP - _decimal(gap * math.exp(factor * quantile(constants.residuals, level))), rounding)

    spans = []
    for step in range(STEPS + 1):
        level = (1 - coverage) * step / STEPS
        low, high = end(level + coverage, ROUND_FLOOR), end(level, ROUND_CEILING)
        low, high = min(low, raw), max(high, raw)
        spans.append(_Span(bands_spanned(low, high), high - low, low, high))
    return min(spans)


def bands_spanned(low: Decimal, high: Decimal) -> int:
    """Count the severity bands that the range touches, 1 to 5."""
    return _BANDS.index(severity(high)) - _BANDS.index(severity(low)) + 1


def quantile(ordered: Sequence[float], level: float) -> float:
    """Compute the linearly interpolated quantile of sorted values; `level` is 0 to 1."""
    place = level * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _decimal(value: float) -> Decimal:
    return Decimal(str(round(value, 6)))


def _outward(value: Decimal, rounding: str) -> Decimal:
    return min(max(value.quantize(TENTH, rounding=rounding), Decimal(0)), TOP)
