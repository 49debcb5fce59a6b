"""When a draft shows no number, and how that is said."""

from typing import Final

from agent.drafting_old.likely import MAX_BANDS, bands_spanned
from agent.records import Score
from agent.taxonomy.keys import LAYERS

CERTAIN_NEEDED: Final = 2
"""With fewer certain layers no score is shown."""


def why_withheld(scored: Score, *, quoted: bool, certain: int) -> str | None:
    """Why no number is shown; None when one is.

    `quoted`: there is a headline threat, and it has a quote. `certain` is the number of certain layers, 0 to 7.
    """
    if not quoted:
        return "no threat of the catalogue has a quote behind it"
    if certain < CERTAIN_NEEDED:
        return f"{f'only {certain}' if certain else 'none'} of {len(LAYERS)} layers is certain"
    if scored.likely_low is not None and scored.likely_high is not None:
        spanned = bands_spanned(scored.likely_low, scored.likely_high)
        if spanned > MAX_BANDS:
            return f"the likely range {scored.likely_low}–{scored.likely_high} spans {spanned} severity bands"
    return None
