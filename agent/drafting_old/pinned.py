"""Controls that count: of rank 3 and above, for all that a factor is about, each rank with a cap."""

import re
from collections.abc import Mapping
from typing import Final

from agent.drafting_old.factor_features import Witness
from agent.evidence.claims import COUNTING_RANK
from agent.evidence.reading import Reading
from agent.records import Rank

CONTROL_CAPS: Final[Mapping[Rank, float]] = {3: 0.2, 4: 0.3, 5: 0.4}
"""How much all controls up to a rank may take from one factor, in factor units."""
CONTROL_FLOOR: Final = 0.1
"""No text takes a factor to nothing by a control; only a note of the analyst (rank 5) may."""
_ABOUT_PRODUCT: Final = "product"
_ALL_OF_IT = re.compile(
    r"\b(?:every|each|all|any)\s+(?:(?:write|tool|agent|outgoing|external|single|proposed|consequential)\s+)?"
    r"(?:actions?|tools?|calls?|changes?|writes?|steps?|commands?|operations?|requests?)\b",
    re.IGNORECASE,
)
"""A control on one tool or one sort of action leaves the factor, which is about all of them, where it is."""
PARTIAL: Final = re.compile(
    r"\b(?:above|over|beyond|exceeding|exceeds?|larger than|more than|greater than|at least|from|outside|except"
    r"|but not)"
    r"\s+(?:[$€£]\s?)?(?:\w+\s+){0,2}?\d|\b(?:except|other than|apart from|excluding|unless)\b",
    re.IGNORECASE,
)
"""A threshold or an exception: what lies below or outside it is not controlled ("above 500" stays above 500)."""
_DIGITS: Final = 4


def controlled(effect: float, rank: Rank, *, before: float, taken: float) -> float:
    """What a control of `rank` takes from a factor that stands at `before` when others took `taken` (0 or less).

    0 below rank 3, at most the cap of the rank together with the others, and only a rank of 5 reaches nothing.
    """
    if rank < COUNTING_RANK:
        return 0.0
    floor = 0.0 if rank == max(CONTROL_CAPS) else CONTROL_FLOOR
    room = min(-CONTROL_CAPS[rank] - taken, 0.0)
    return round(max(effect, room, min(floor - before, 0.0)), _DIGITS)


def pinned(reading: Reading, signal: str) -> Witness | None:
    """The first sentence of rank 3 and above that says a control of everything; None when there is none."""
    for match in reading.matches(signal):
        statement = reading.statements[match.statement]
        if statement.flagged or match.denied or match.hedged or statement.about != _ABOUT_PRODUCT:
            continue
        if not covers_everything(statement.text):
            continue
        if statement.rank >= COUNTING_RANK and statement.sort in ("control", "description"):
            return Witness(match.statement, match.start, match.end, 1.0)
    return None


def covers_everything(text: str) -> bool:
    """Whether a control is said of every action or call, without a threshold below which it does not hold."""
    return bool(_ALL_OF_IT.search(text)) and not PARTIAL.search(text)
