"""Decide whether a draft shows a score, and if it does not, for what reason."""

from decimal import Decimal
from typing import Final

from agent.records import Score, Threat
from agent.scoring import severity
from agent.taxonomy.layers import LAYERS

CERTAIN_NEEDED: Final = 2
"""Minimum number of certain layers for showing a score."""
MAX_BANDS: Final = 2
"""Maximum number of severity bands in the likely range; a wider range is not informative."""
_BANDS: Final = ("None", "Low", "Medium", "High", "Critical")


def why_withheld(scored: Score, headline: Threat | None, certain: int) -> str | None:
    """Return why the score is withheld, or None if it is shown. `certain` is the number of certain layers, 0 to 7."""
    if headline is None or not headline.evidence:
        return "no threat in default use is supported by a quote"
    if certain < CERTAIN_NEEDED:
        return f"{f'only {certain}' if certain else 'none'} of {len(LAYERS)} layers is certain"
    if scored.likely_low is not None and scored.likely_high is not None:
        spanned = bands_spanned(scored.likely_low, scored.likely_high)
        if spanned > MAX_BANDS:
            return f"the likely range {scored.likely_low}–{scored.likely_high} spans {spanned} severity bands"
    return None


def bands_spanned(low: Decimal, high: Decimal) -> int:
    """Count the severity bands that a range touches, 1 to 5."""
    return _BANDS.index(severity(high)) - _BANDS.index(severity(low)) + 1
