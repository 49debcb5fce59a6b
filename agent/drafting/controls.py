"""The second number: the score with the controls that the documents name.

Only a control of rank 3 or more counts (vendor documentation that names setting, default, scope and who can change
it, or a source outside the vendor's text). How much it counts is a stated convention, not a measurement: AIVSS 0.8
knows no finer step than "partial", 0.83, which three distinct controls reach here.
"""

from decimal import Decimal
from typing import Final, NamedTuple

from agent.drafting.ledger import Ledger
from agent.drafting.slots import usable
from agent.evidence.reading import Reading
from agent.evidence.signals import load_signals

MIN_RANK: Final = 3
STEPS: Final = (Decimal("1.00"), Decimal("0.94"), Decimal("0.88"), Decimal("0.83"))
"""Mitigation factor by number of distinct controls; the last one is AIVSS 0.8's "partial"."""
_NOT_A_CONTROL: Final = frozenset({"certification", "privacy_policy", "compliance_named"})


class Counted(NamedTuple):
    """The controls that count."""

    mitigation_factor: Decimal
    evidence: tuple[str, ...]


def controls_of(reading: Reading, ledger: Ledger) -> Counted | None:
    """The controls of rank 3 or more, cited; None when there is none."""
    marks: list[str] = []
    for signal in sorted(
        s.id for s in load_signals().by_id.values() if s.group == "control" and s.id not in _NOT_A_CONTROL
    ):
        ranked = [m for m in usable(reading, signal) if reading.statements[m.statement].rank >= MIN_RANK]
        if ranked:
            marks.append(ledger.cite(ranked[0].statement, ranked[0].start, ranked[0].end))
    distinct = tuple(dict.fromkeys(marks))
    if not distinct:
        return None
    return Counted(STEPS[min(len(distinct), len(STEPS) - 1)], distinct)
