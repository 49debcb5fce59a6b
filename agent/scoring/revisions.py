"""Published revisions of everything that decides a score: the formulas and the wording of their arithmetic.

A stored score names its revision and is recomputed under it, text included. A published revision is therefore never
edited: a change of an equation, a grid, a rounding or a sentence is a new entry beside the old ones, with stored
scores of its own among the test vectors.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from agent.errors import SchemaError
from agent.records import FormulaId
from agent.scoring.tables import FIRST, Formula
from agent.scoring.wording import Told, arithmetic


class Revision(NamedTuple):
    """One release."""

    formulas: Mapping[FormulaId, Formula]
    wording: Callable[[Told], str]


REVISIONS: Final[Mapping[int, Revision]] = {1: Revision(FIRST, arithmetic)}
CURRENT: Final = max(REVISIONS)


def revision(number: int) -> Revision:
    """A published revision. Raises SchemaError for one that this program does not have."""
    if number not in REVISIONS:
        raise SchemaError(
            f"scoring revision {number} is unknown",
            where="score.revision",
            hint=f"this program knows revisions up to {CURRENT}; a newer one may have written the file",
        )
    return REVISIONS[number]
