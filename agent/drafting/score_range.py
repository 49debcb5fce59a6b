"""The joint 80 % range of the score, from residuals of labelled cases.

A residual compares the distances of two scores from 10: r = ln((10 − labelled) / (10 − drafted)). At a raw score s, a
quantile q of the residuals corresponds to the score 10 − (10 − s)·exp(q). Among the quantile pairs that enclose the
wanted share, the range with the fewest severity bands is chosen, then the narrowest. If that range touches more than
two bands, a lower coverage is tried. The choice depends only on the drafted score, so the coverage over all drafts is
the mean of the chosen coverages.
"""

import math
from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from agent.drafting.calibration import RangeCalibration
from agent.records import LikelyConstants
from agent.scoring import severity

MAX_BANDS: Final = 2
"""Maximum number of severity bands in the likely range; a wider range is not informative."""
_BANDS: Final = ("None", "Low", "Medium", "High", "Critical")
COVERAGES: Final = (0.84, 0.80, 0.76, 0.72, 0.68, 0.64, 0.60, 0.56)
"""Coverages to try (shares of labelled scores within the range), most preferred first; on average about 0.8 is used."""
THIN_COVERAGES: Final = (0.84, 0.80)
"""Coverages to try if the sources hardly describe the product; the range is then not narrowed to avoid a band."""
NOMINAL: Final = 0.80
STEPS: Final = 10
"""Number of steps between the quantile pairs tried per coverage: at 0.8 (0, 0.8), (0.02, 0.82) … (0.2, 1)."""
MIN_GAP: Final = 0.05
"""Minimum distance from 10: a score of 10.0 counts as 9.95, so that the logarithm is defined."""
TENTH: Final = Decimal("0.1")
TOP: Final = Decimal(10)


def residual(labelled: float, drafted: float) -> float:
    """Compute the residual of one labelled case; both scores are 0 to 10."""
    return math.log(max(10 - labelled, MIN_GAP) / max(10 - drafted, MIN_GAP))


def likely(raw: Decimal, calibration: RangeCalibration, *, thin: bool = False, judged: bool = False) -> LikelyConstants:
    """Choose the likely range for a draft with the unrounded score `raw` (0 to 10).

    `thin` means that the sources hardly describe the product, `judged` that an LLM judged the threats.
    """
    name, residuals = calibration.name, calibration.residuals
    if judged and calibration.judged:
        name, residuals = f"readers' scores of drafts with an LLM, n={len(calibration.judged)}", calibration.judged
    factor = calibration.thin_factor if thin else 1.0

    def end(level: float, rounding: str) -> Decimal:
        exact = (10 - float(raw)) * math.exp(factor * quantile(residuals, level))
        value = (TOP - Decimal(str(round(exact, 6)))).quantize(TENTH, rounding=rounding)
        return min(max(value, Decimal(0)), TOP)

    def best(coverage: float) -> tuple[int, Decimal, Decimal, Decimal]:
        """Return the number of bands, width, low end and high end of the preferred range."""
        spans = []
        for step in range(STEPS + 1):
            level = (1 - coverage) * step / STEPS
            low, high = min(end(level + coverage, ROUND_FLOOR), raw), max(end(level, ROUND_CEILING), raw)
            spans.append((bands_spanned(low, high), high - low, low, high))
        return min(spans)

    spans = map(best, THIN_COVERAGES if thin else COVERAGES)
    chosen = next((span for span in spans if span[0] <= MAX_BANDS), None) or best(NOMINAL)
    return LikelyConstants(below=raw - chosen[2], above=chosen[3] - raw, calibration=name)


def quantile(ordered: Sequence[float], level: float) -> float:
    """Compute the linearly interpolated quantile of sorted values; `level` is 0 to 1."""
    place = level * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def bands_spanned(low: Decimal, high: Decimal) -> int:
    """Count the severity bands that a range touches, 1 to 5."""
    return _BANDS.index(severity(high)) - _BANDS.index(severity(low)) + 1
