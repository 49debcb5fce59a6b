"""The same product with nothing that the vendor says allowed to lower anything.

Claims of rank 2 and below are read by nothing anyway, so what is left to take away is descriptions that lower: limits
("read-only", "keeps nothing"), denials ("stores no records") and sentences that ease a threat, wherever they come from
the vendor's own general text (rank 1 and 2). A limit that documentation pins down (rank 3), text outside the vendor's
hands (4) and the analyst's notes (5) stay.
"""

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from agent.drafting_old.candidates import Candidate
from agent.drafting_old.catalogue import CATALOGUE_LIMITS
from agent.drafting_old.factor_features import rules
from agent.drafting_old.ranking import base_of
from agent.evidence.claims import COUNTING_RANK
from agent.evidence.reading import Reading
from agent.records import Evidence, Score, WithoutClaims
from agent.scoring import severity


def unlowered(reading: Reading) -> Reading:
    """The reading without the limits and denials of rank 2 and below."""
    limits = rules().limits | CATALOGUE_LIMITS
    signals = {
        signal: tuple(
            match
            for match in matches
            if reading.statements[match.statement].rank >= COUNTING_RANK or not (match.denied or signal in limits)
        )
        for signal, matches in reading.signals.items()
    }
    return dataclasses.replace(reading, signals={signal: matches for signal, matches in signals.items() if matches})


def unease(candidates: Sequence[Candidate], evidence: Sequence[Evidence]) -> tuple[Candidate, ...]:
    """The candidates with the gravest vector that they have without an easing sentence of rank 2 and below."""
    ranks = {entry.id: entry.rank for entry in evidence}
    made = []
    for candidate in candidates:
        graver = [row.vector for row in candidate.eased if ranks[row.evidence] < COUNTING_RANK]
        vector = max((candidate.vector, *graver), key=base_of)
        made.append(candidate if vector == candidate.vector else dataclasses.replace(candidate, vector=vector))
    return tuple(made)


def beside(scored: Score, other: Score) -> WithoutClaims:
    """What is printed beside `scored`; `other` is the score of the unlowered reading, which may not be milder."""
    if other.withheld is not None:
        return WithoutClaims(aivss=None, severity=None, withheld=other.withheld)
    value = max(other.aivss or Decimal(0), scored.aivss or Decimal(0))
    return WithoutClaims(aivss=value, severity=severity(value), withheld=None)
