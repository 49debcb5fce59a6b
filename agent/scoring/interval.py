"""Compute ranges of scores from ranges of inputs, and bands from scores.

Corners are exact: every equation is linear in each single input and never falls when the factor sum, threat multiplier
or mitigation factor grows, so the lowest and highest scores are at the ends of these inputs. The base is tried at both
ends, because with a threat multiplier above 1 the uplift can shrink faster than the base grows.
"""

from decimal import Decimal
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.records import FormulaId, LikelyConstants, Range, ScoreInputs
from agent.scoring.aivss import (
    EQUATIONS,
    TENTHS,
    TOP,
    Equation,
    Point,
    capped,
    from_tenths,
    raw_units,
    tenths,
    tenths_down,
    tenths_up,
    units,
)
from agent.taxonomy.kinds import Band

BANDS: Final[tuple[tuple[Band, Decimal], ...]] = (
    ("None", Decimal("0.0")),
    ("Low", Decimal("0.1")),
    ("Medium", Decimal("4.0")),
    ("High", Decimal("7.0")),
    ("Critical", Decimal("9.0")),
)
"""Bands with the lowest score of each, ascending: those of CVSS v4.0 and AIVSS, with None for 0.0."""
_HIGHEST: Final = Decimal(10)


class Corners(NamedTuple):
    """The points of the lowest and the highest score in a box of inputs."""

    low: Point
    high: Point


def severity(value: Decimal) -> Band:
    """Return the band of a score with one decimal, 0.0 to 10.0. Raises InputError for any other value."""
    if not value.is_finite() or not 0 <= value <= _HIGHEST:
        raise InputError(f"{value} is not a score", where="severity", hint="scores run from 0.0 to 10.0")
    one_place = value.quantize(Decimal("0.1"), rounding="ROUND_HALF_UP")
    return [band for band, lowest in BANDS if one_place >= lowest][-1]


def bands(low: Decimal, high: Decimal) -> tuple[Band, ...]:
    """Return the bands covered by scores from `low` to `high`, ascending. Raises InputError when low exceeds high."""
    if low > high:
        raise InputError(f"{low} exceeds {high}", where="bands", hint="put the lower score first")
    names = [band for band, _ in BANDS]
    return tuple(names[names.index(severity(low)) : names.index(severity(high)) + 1])


def typical(inputs: ScoreInputs) -> Point | None:
    """Return the point of the input values, without their ranges; None when the base or the factor sum is missing."""
    if inputs.cvss_base is None or inputs.factor_sum is None:
        return None
    return _point(
        inputs.cvss_base.value,
        inputs.factor_sum.value,
        inputs.threat_multiplier.value,
        inputs.mitigation_factor.value,
    )


def corners(equation: Equation, inputs: ScoreInputs) -> Corners | None:
    """Return the points of the lowest and the highest score; None when the base or the factor sum is missing."""
    base, factors = inputs.cvss_base, inputs.factor_sum
    if base is None or factors is None:
        return None
    threat, mitigation = inputs.threat_multiplier, inputs.mitigation_factor
    bases = (base.low, base.high)
    lows = [_point(end, factors.low, threat.low, mitigation.low) for end in bases]
    highs = [_point(end, factors.high, threat.high, mitigation.high) for end in bases]
    return Corners(min(lows, key=equation), max(highs, key=equation))


def score_at(formula: FormulaId, at: Point) -> Decimal:
    """Return the score at a point under the current equation: capped at 10, rounded half up to one decimal."""
    return rounded(EQUATIONS[formula](at))


def rounded(raw_score: int) -> Decimal:
    """Return a raw score capped at 10 and rounded half up to one decimal."""
    return from_tenths(tenths(capped(raw_score)))


def likely(raw_score: int, constants: LikelyConstants) -> tuple[Decimal, Decimal]:
    """Return the joint 80 % range: score minus `below` and plus `above`, rounded outward to tenths, within 0 to 10."""
    held = capped(raw_score)
    low = max(0, tenths_down(held - raw_units(constants.below)))
    high = min(TOP, tenths_up(held + raw_units(constants.above)))
    return from_tenths(low), from_tenths(high)


def sum_ranges(ranges: tuple[Range, ...]) -> Range:
    """Return the range of a sum of independent ranges: values, lows and highs are added separately."""
    return Range(
        value=sum((part.value for part in ranges), Decimal(0)),
        low=sum((part.low for part in ranges), Decimal(0)),
        high=sum((part.high for part in ranges), Decimal(0)),
    )


def _point(base: Decimal, factor_sum: Decimal, threat: Decimal, mitigation: Decimal) -> Point:
    return Point(units(base, TENTHS), units(factor_sum), units(threat), units(mitigation))
