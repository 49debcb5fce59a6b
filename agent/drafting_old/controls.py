"""The second number: the score with the controls that the documents name.

Only a control of rank 3 or more counts (vendor documentation that names setting, default, scope and who can change
it, or a source outside the vendor's text), and only for what it names: the score rests on one threat, so a control that
is about other actions, or holds only above a threshold, leaves it alone. How much it counts is a stated convention, not
a measurement: AIVSS 0.8 knows no finer step than "partial", 0.83, which three distinct controls reach here.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from agent.drafting_old.candidates import Candidate
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pinned import PARTIAL, covers_everything
from agent.drafting_old.slots import usable
from agent.evidence.reading import Reading
from agent.evidence.signals import load_signals
from agent.records import Rank

MIN_RANK: Final = 3
STEPS: Final = tuple(map(Decimal, ("1.00", "0.94", "0.88", "0.83", "0.78", "0.72", "0.67")))
"""Mitigation factor by number of distinct controls: the fourth is AIVSS 0.8's "partial", the last one its "strong"."""
LOWEST: Final[Mapping[Rank, Decimal]] = {3: Decimal("0.83"), 4: Decimal("0.83"), 5: Decimal("0.67")}
"""How far controls of a rank may go: what was only read is "partial" at best, an analyst may have tested it."""
_NOT_A_CONTROL: Final = frozenset({"certification", "privacy_policy", "compliance_named"})


class Counted(NamedTuple):
    """The controls that count."""

    mitigation_factor: Decimal
    evidence: tuple[str, ...]


def controls_of(reading: Reading, ledger: Ledger, threat: Candidate) -> Counted | None:
    """The controls of rank 3 or more on what `threat` does, cited; None when there is none."""
    marks: dict[str, Rank] = {}
    for signal in sorted(
        s.id for s in load_signals().by_id.values() if s.group == "control" and s.id not in _NOT_A_CONTROL
    ):
        for found in usable(reading, signal):
            statement = reading.statements[found.statement]
            if statement.rank >= MIN_RANK and names(reading, found.statement, threat):
                marks[ledger.cite(found.statement, found.start, found.end)] = statement.rank
                break
    if not marks:
        return None
    factor = max(STEPS[min(len(marks), len(STEPS) - 1)], LOWEST[max(marks.values())])
    return Counted(factor, tuple(marks))


def names(reading: Reading, statement: int, threat: Candidate) -> bool:
    """Whether a control's sentence is about everything, or about something that triggers the threat."""
    text = reading.text(statement)
    if covers_everything(text):
        return True
    shown = {s for s in threat.signals if any(m.statement == statement for m in reading.matches(s))}
    return bool(shown) and not PARTIAL.search(text)
