"""How far each single input moves a score, computed exactly from its stored inputs in the scorer's integers."""

from decimal import Decimal
from typing import NamedTuple

from agent.records import Range, Score
from agent.scoring.aivss import TENTHS, Point, capped, exact, raw, units
from agent.scoring.interval import typical
from agent.taxonomy.factors import FACTOR_SETS, FACTORS, FactorKey


class Swing(NamedTuple):
    """The unrounded score with one input at its lowest and highest value, and all others unchanged."""

    name: str
    """A factor key, `cvss_base`, `threat_multiplier` or `mitigation_factor`."""
    value: Decimal
    low: Decimal
    high: Decimal
    score_low: Decimal
    score_high: Decimal

    @property
    def width(self) -> Decimal:
        """The difference between the two scores."""
        return abs(self.score_high - self.score_low)


def swings(score: Score) -> tuple[Swing, ...]:
    """Compute how far each input moves the score within its range, widest first; fixed inputs are left out.

    Returns an empty tuple for a score without factors or without stored inputs.
    """
    if score.inputs is None or score.formula == "cvss-bte":
        return ()
    at = typical(score.inputs)
    if at is None:
        return ()
    found = []
    base = score.inputs.cvss_base
    if base is not None:
        ends = [at._replace(base=units(end, TENTHS)) for end in (base.low, base.high)]
        found.append(_swing(score, "cvss_base", base, ends))
    for key in counted_factors(score):
        one = (score.inputs.factors or {})[key]
        ends = [at._replace(factor_sum=at.factor_sum + units(end - one.value)) for end in (one.low, one.high)]
        found.append(_swing(score, key, one, ends))
    threat, mitigation = score.inputs.threat_multiplier, score.inputs.mitigation_factor
    ends = [at._replace(threat=units(end)) for end in (threat.low, threat.high)]
    found.append(_swing(score, "threat_multiplier", threat, ends))
    ends = [at._replace(mitigation=units(end)) for end in (mitigation.low, mitigation.high)]
    found.append(_swing(score, "mitigation_factor", mitigation, ends))
    return tuple(sorted((swing for swing in found if swing.low != swing.high), key=lambda item: -item.width))


def counted_factors(score: Score) -> tuple[FactorKey, ...]:
    """Return the factors that the score adds up, in the order of the factor set."""
    present = (score.inputs.factors if score.inputs else None) or {}
    members = FACTOR_SETS[score.factor_set] if score.factor_set else FACTORS
    return tuple(key for key in members if key in present)


def _swing(score: Score, name: str, one: Range, ends: list[Point]) -> Swing:
    low, high = (exact(capped(raw(score.formula, end))) for end in ends)
    return Swing(name, one.value, one.low, one.high, low, high)
