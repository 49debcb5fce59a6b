"""The AIVSS equations in integers, without tables, modes or floats.

Every input is an integer number of units: the CVSS base in tenths (0 to 100), the factor sum, threat multiplier and
mitigation factor in millionths. Products are then exact, and a score is one floor division away. With binary floats, 24
of the 19,089 conforming inputs of AIVSS 0.8 round to the wrong tenth even with `floor(10 x + 0.5)`.

    aivss-0.5        (base + sum) / 2 × ThM
    aivss-0.8        (base + AARS) × MF          AARS = (10 - base) × (sum / 10) × ThM
    aivss-1-amended   base + AARS × MF
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from agent.records import FormulaId

UNIT: Final = 1_000_000
"""The number of units that represent 1 in a factor sum, threat multiplier or mitigation factor."""
DECIMALS: Final = 6
"""Decimal places that `UNIT` can hold."""
TENTHS: Final = 10
TOP: Final = 100
"""10.0 in tenths."""
_RAW_EXPONENT: Final = -20
"""Raw scores are integers in units of 10^-20: 10^-1 for tenths, three times 10^-6, and 10^-1 for the factor mean."""
_UPLIFT_EXPONENT: Final = -14
_RAW_ONE: Final = 10**20


class Point(NamedTuple):
    """One set of inputs in units: tenths for the base, millionths for the rest."""

    base: int
    factor_sum: int
    threat: int
    mitigation: int


Equation = Callable[[Point], int]
"""Function from a point to the unrounded score in units of 10^-20, not capped at 10."""


def averaged(at: Point) -> int:
    """Return the AIVSS 0.5 score: the mean of base and factor sum, times the threat multiplier."""
    return (at.base * UNIT + TENTHS * at.factor_sum) * at.threat * UNIT * (TENTHS // 2)


def amplified(at: Point) -> int:
    """Return the AIVSS 0.8 score, in which mitigation multiplies base and uplift."""
    return (at.base * UNIT**2 * TENTHS + _uplift(at)) * at.mitigation


def amended(at: Point) -> int:
    """Return the score amended for AIVSS 1, in which mitigation multiplies only the uplift."""
    return at.base * UNIT**3 * TENTHS + _uplift(at) * at.mitigation


def _uplift(at: Point) -> int:
    return (TOP - at.base) * at.factor_sum * at.threat


EQUATIONS: Final[Mapping[FormulaId, Equation]] = {
    "aivss-0.5": averaged,
    "aivss-0.8": amplified,
    "aivss-1-amended": amended,
}
"""The current equations, for what-if questions; a stored score follows the equations of its own revision."""


def raw(formula: FormulaId, at: Point) -> int:
    """Return the unrounded score of a current formula in units of 10^-20. Raises KeyError for `cvss-bte`."""
    return EQUATIONS[formula](at)


def factor_sum(at: Point) -> Decimal:
    """Return the AARS of AIVSS 0.5: the plain sum."""
    return plain(Decimal(at.factor_sum) / UNIT)


def uplift(at: Point) -> Decimal:
    """Return the AARS of AIVSS 0.8 and the amendment, exact: what the factors add to the base before mitigation."""
    return plain(Decimal(f"{_uplift(at)}E{_UPLIFT_EXPONENT}"))


def capped(raw_score: int) -> int:
    """Return a raw score capped at 10, which directory inputs can exceed (base 9.3, factor sum 10 and ThM 1.1)."""
    return min(raw_score, TENTHS * _RAW_ONE)


def tenths(raw_score: int) -> int:
    """Return a raw score in tenths, rounded half up (AIVSS 0.8, section 3.5.1)."""
    return (2 * TENTHS * raw_score + _RAW_ONE) // (2 * _RAW_ONE)


def tenths_down(raw_score: int) -> int:
    """Return a raw score in tenths, rounded towards zero."""
    return TENTHS * raw_score // _RAW_ONE


def tenths_up(raw_score: int) -> int:
    """Return a raw score in tenths, rounded up."""
    return -(-TENTHS * raw_score // _RAW_ONE)


def exact(raw_score: int) -> Decimal:
    """Return a raw score as an exact decimal without trailing zeros."""
    return plain(Decimal(f"{raw_score}E{_RAW_EXPONENT}"))


def units(value: Decimal, per_one: int = UNIT) -> int:
    """Convert a decimal to units; the caller must have checked that it has no more decimals than these can hold."""
    return int(value * per_one)


def raw_units(value: Decimal) -> int:
    """Convert a decimal score to the units of an `Equation`, truncating anything below 10^-20."""
    return int(value.scaleb(-_RAW_EXPONENT))


def from_tenths(value: int) -> Decimal:
    """Convert tenths to a decimal with one place."""
    return Decimal(f"{value}E-1")


def plain(value: Decimal) -> Decimal:
    """Return the same number without an exponent or trailing zeros: 1.00 becomes 1, 1E+1 becomes 10."""
    text = f"{value:f}"
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text)
