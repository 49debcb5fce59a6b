"""The arithmetic of a score as text that a person can follow with a pencil. Part of revision 1: see `tables`."""

from decimal import Decimal
from typing import Final, NamedTuple

from agent.records import FormulaId, LikelyConstants, Mode
from agent.scoring.aivss import UNIT, Point, capped, exact, from_tenths, plain, raw, tenths, uplift
from agent.scoring.cvss import VectorScores
from agent.scoring.interval import Corners, likely
from agent.taxonomy.keys import FactorSet

_TWO: Final = Decimal("0.01")
_ONE: Final = Decimal("0.1")


class Told(NamedTuple):
    """Everything that the text speaks of."""

    formula: FormulaId
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
    head = f"Formula {told.formula}, revision {told.revision}, {told.mode} inputs"
    if told.formula == "cvss-bte" or told.at is None:
        bte = told.vector_scores.bte if told.vector_scores else None
        return f"{head}\nAIVSS = CVSS-BTE of {told.vector} = {bte}"
    at = told.at
    source = f", from the base metrics of {told.vector}" if told.vector else ""
    lines = [head, f"CVSS base = {_base(at)}{source}", _sum_line(told, at)]
    gap = f"(10 - {_base(at)}) × ({_factors(at)} / 10) × {_factor(at.threat)}"
    extra = uplift(at)
    if told.formula == "aivss-0.5":
        lines.append(f"AARS = factor sum = {_factors(at)}")
        lines.append(f"AIVSS = (({_base(at)} + {_factors(at)}) / 2) × {_factor(at.threat)} = {_result(told, at)}")
    elif told.formula == "aivss-0.8":
        lines.append(f"AARS = {gap} = {extra}")
        lines.append(f"AIVSS = ({_base(at)} + {extra}) × {_factor(at.mitigation)} = {_result(told, at)}")
    else:
        lines.append(f"AARS = {gap} = {extra}")
        lines.append(f"AIVSS = {_base(at)} + {extra} × {_factor(at.mitigation)} = {_result(told, at)}")
    return "\n".join([*lines, *_ranges(told, at)])


def _ranges(told: Told, at: Point) -> list[str]:
    lines = []
    if told.corners and (told.corners.low != at or told.corners.high != at):
        for name, corner in (("Lowest", told.corners.low), ("Highest", told.corners.high)):
            lines.append(f"{name} corner: {_equation(told.formula, corner)} = {_result(told, corner)}")
    if told.constants:
        held = capped(raw(told.formula, at))
        low, high = likely(held, told.constants)
        below, above = plain(told.constants.below), plain(told.constants.above)
        lines.append(
            f"Likely range: {exact(held)} - {below} to {exact(held)} + {above}, rounded outward: {low} to {high} "
            f"(calibration {told.constants.calibration})"
        )
    return lines


def _equation(formula: FormulaId, at: Point) -> str:
    base, total, threat, mitigation = _base(at), _factors(at), _factor(at.threat), _factor(at.mitigation)
    if formula == "aivss-0.5":
        return f"(({base} + {total}) / 2) × {threat}"
    added = f"(10 - {base}) × ({total} / 10) × {threat}"
    return f"({base} + {added}) × {mitigation}" if formula == "aivss-0.8" else f"{base} + {added} × {mitigation}"


def _result(told: Told, at: Point) -> str:
    full = raw(told.formula, at)
    held = ", held at 10" if capped(full) != full else ""
    return f"{exact(full)}{held}, rounded half up {from_tenths(tenths(capped(full)))}"


def _sum_line(told: Told, at: Point) -> str:
    added = " + ".join(_places(value, _ONE) for value in told.addends)
    named = f" (factor set {told.factor_set})" if told.factor_set else ""
    return f"Factor sum = {added + ' = ' if added else ''}{_factors(at)}{named}"


def _base(at: Point) -> str:
    return str(from_tenths(at.base))


def _factors(at: Point) -> str:
    return _places(Decimal(at.factor_sum) / UNIT, _ONE)


def _factor(value: int) -> str:
    return _places(Decimal(value) / UNIT, _TWO)


def _places(value: Decimal, least: Decimal) -> str:
    """The exact number with at least as many decimals as `least` has."""
    short = plain(value)
    rounded = short.quantize(least)
    return str(rounded if rounded == short else short)
