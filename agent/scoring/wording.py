"""The arithmetic of a score as text that a person can follow with a pencil. Revision 1."""

from decimal import Decimal
from typing import Final, NamedTuple

from agent.records import LikelyConstants, Mode
from agent.scoring.aivss import UNIT, Point, capped, exact, from_tenths, plain, tenths
from agent.scoring.cvss import VectorScores
from agent.scoring.interval import Corners, likely
from agent.scoring.tables import Formula, Sum
from agent.taxonomy.keys import FactorSet

_TWO: Final = Decimal("0.01")
_ONE: Final = Decimal("0.1")


class Told(NamedTuple):
    """Everything that the text speaks of."""

    formula: Formula
    revision: int
    mode: Mode
    vector: str | None
    vector_scores: VectorScores | None
    factor_set: FactorSet | None
    addends: tuple[Decimal, ...]
    """Factor values in the set's order; empty when only the sum was given."""
    at: Point | None
    corners: Corners | None
    constants: LikelyConstants | None


def arithmetic(told: Told) -> str:
    """The equation with its numbers, line by line; corners and likely range when inputs have ranges."""
    head = f"Formula {told.formula.id}, revision {told.revision}, {told.mode} inputs"
    terms, at = told.formula.sum, told.at
    if terms is None or at is None:
        bte = told.vector_scores.bte if told.vector_scores else None
        return f"{head}\nAIVSS = CVSS-BTE of {told.vector} = {bte}"
    source = f", from the base metrics of {told.vector}" if told.vector else ""
    aars = _places(terms.aars(at), _ONE)
    return "\n".join(
        [
            head,
            f"CVSS base = {from_tenths(at.base)}{source}",
            _sum_line(told, at),
            f"AARS = {_filled(terms.aars_named, at)} = {aars}",
            f"AIVSS = {_filled(terms.text, at, aars)} = {_result(terms, at)}",
            *_corner_lines(terms, at, told.corners),
            *_likely_lines(terms, at, told.constants),
        ]
    )


def _corner_lines(terms: Sum, at: Point, corners: Corners | None) -> list[str]:
    if corners is None or corners.low == corners.high == at:
        return []
    return [
        f"{name} corner: {_filled(terms.text, corner, _filled(terms.aars_text, corner))} = {_result(terms, corner)}"
        for name, corner in (("Lowest", corners.low), ("Highest", corners.high))
    ]


def _likely_lines(terms: Sum, at: Point, constants: LikelyConstants | None) -> list[str]:
    if constants is None:
        return []
    held = capped(terms.equation(at))
    low, high = likely(held, constants)
    return [
        f"Likely range: {exact(held)} - {plain(constants.below)} to {exact(held)} + {plain(constants.above)}, "
        f"rounded outward: {low} to {high} (calibration {constants.calibration})"
    ]


def _filled(text: str, at: Point, aars: str = "") -> str:
    return text.format(
        base=from_tenths(at.base),
        sum=_factors(at),
        threat=_factor(at.threat),
        mitigation=_factor(at.mitigation),
        aars=aars,
    )


def _result(terms: Sum, at: Point) -> str:
    full = terms.equation(at)
    held = ", held at 10" if capped(full) != full else ""
    return f"{exact(full)}{held}, rounded half up {from_tenths(tenths(capped(full)))}"


def _sum_line(told: Told, at: Point) -> str:
    added = " + ".join(_places(value, _ONE) for value in told.addends)
    named = f" (factor set {told.factor_set})" if told.factor_set else ""
    return f"Factor sum = {added + ' = ' if added else ''}{_factors(at)}{named}"


def _factors(at: Point) -> str:
    return _places(Decimal(at.factor_sum) / UNIT, _ONE)


def _factor(value: int) -> str:
    return _places(Decimal(value) / UNIT, _TWO)


def _places(value: Decimal, least: Decimal) -> str:
    """The exact number with at least as many decimals as `least` has."""
    short = plain(value)
    rounded = short.quantize(least)
    return str(rounded if rounded == short else short)
