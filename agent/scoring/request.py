"""Score requests: parsed from JSON-like values and checked against formula and mode.

Numbers may be strings (exact decimals), integers, decimals or floats; a float counts as the decimal that it prints as.
Every error names its field by its path in the input: `factors.autonomy_of_action`, `mitigation_factor.low`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any, Final, get_args

from agent.errors import InputError
from agent.records import FormulaId, Mode, Range, ScoreInputs
from agent.scoring import tables
from agent.scoring.aivss import DECIMALS, plain
from agent.scoring.cvss import VectorScores, read_vector
from agent.scoring.interval import sum_ranges
from agent.scoring.tables import Formula, Grid
from agent.taxonomy.factors import FACTOR_SETS, FACTORS, FactorKey, FactorSet

_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]{1,40})?")
_SHOWN: Final = 40
_FINEST: Final = -40
"""Exponent of the smallest decimal place that is accepted; without a limit, 1E-999999 would print a million zeros."""
_RANGE_HINT: Final = "a range has value, low and high"


def point(value: Decimal) -> Range:
    """Return the range of a single value."""
    return Range(value=value, low=value, high=value)


_THREAT: Final = point(tables.DEFAULT_THREAT)
_MITIGATION: Final = point(tables.DEFAULT_MITIGATION)


@dataclass(frozen=True)
class Request:
    """One request for a score. None marks a value that was not given; `score` checks what the formula needs."""

    cvss_vector: str | None = None
    cvss_base: Range | None = None
    factor_set: FactorSet | None = None
    factors: dict[FactorKey, Range] | None = None
    factor_sum: Range | None = None
    threat_multiplier: Range = _THREAT
    mitigation_factor: Range = _MITIGATION
    formula: FormulaId = tables.DEFAULT_FORMULA
    mode: Mode = tables.DEFAULT_MODE


@dataclass(frozen=True)
class Checked:
    """A request whose values are all allowed, and the values derived from them."""

    request: Request
    """The request with base, factor sum and factor set filled in."""
    inputs: ScoreInputs
    vector: VectorScores | None


# ---------------------------------------------------------------- checking


def check(request: Request, formula: Formula) -> Checked:
    """Return the request with base, factor sum and set filled in, with every value checked against its grid.

    Raises InputError naming the field.
    """
    vector = read_vector(request.cvss_vector) if request.cvss_vector is not None else None
    base = _checked_base(request, vector)
    factor_set = request.factor_set or (_matching_set(request.factors) if request.factors is not None else None)
    total = _checked_sum(request, factor_set)
    threat = formula.strict_threat if request.mode == "strict" else tables.DIRECTORY_THREAT
    _on_grid(request.threat_multiplier, threat, "threat_multiplier", request.mode)
    check_mitigation(request.mitigation_factor, formula, request.mode)
    if formula.sum and base is None:
        raise InputError("the CVSS base is missing", where="cvss_base", hint="specify cvss_vector or cvss_base")
    if formula.sum and total is None:
        raise InputError("the factors are missing", where="factors", hint="specify ten factors or a factor_sum")
    if formula.sum is None and vector is None:
        hint = "specify a CVSS v4.0 vector, not a number"
        raise InputError(f"{formula.id} needs a full vector", where="cvss_vector", hint=hint)
    inputs = ScoreInputs(
        cvss_base=base,
        factors=request.factors,
        factor_sum=total,
        threat_multiplier=request.threat_multiplier,
        mitigation_factor=request.mitigation_factor,
    )
    return Checked(replace(request, cvss_base=base, factor_sum=total, factor_set=factor_set), inputs, vector)


def check_mitigation(value: Range, formula: Formula, mode: Mode) -> None:
    """Raise InputError when `value` is not a mitigation factor of this formula and mode."""
    grid = formula.strict_mitigation if mode == "strict" else tables.DIRECTORY_MITIGATION
    _on_grid(value, grid, "mitigation_factor", mode)


def _checked_base(request: Request, vector: VectorScores | None) -> Range | None:
    base = request.cvss_base
    if base is None:
        return point(vector.base) if vector else None
    _on_grid(base, tables.BASE, "cvss_base", request.mode)
    if vector and vector.base != base.value:
        text = f"the base is given as {base.value}, but the vector's base metrics give {vector.base}"
        raise InputError(text, where="cvss_base", hint="leave one of them out")
    return base


def _checked_sum(request: Request, factor_set: FactorSet | None) -> Range | None:
    total, mode = request.factor_sum, request.mode
    if total is not None:
        _on_grid(total, tables.FACTOR_SUM[mode], "factor_sum", mode, loose_ends=mode == "directory")
    if request.factors is None or factor_set is None:
        return total
    for key in FACTOR_SETS[factor_set]:
        if key not in request.factors:
            raise _missing(f"factors.{key}", f"factor set {factor_set} has ten factors, and unknown does not mean 0")
    for key, value in request.factors.items():
        _on_grid(value, tables.FACTOR[mode], f"factors.{key}", mode, loose_ends=mode == "directory")
    added = sum_ranges(tuple(request.factors[key] for key in FACTOR_SETS[factor_set]))
    if total is not None and total != added:
        text = f"the sum is given as {total.value}, but the factors add up to {added.value}"
        raise InputError(text, where="factor_sum", hint="leave the sum out; it follows from the factors")
    return added


def _matching_set(factors: Mapping[FactorKey, Range]) -> FactorSet:
    """Return the factor set whose ten keys were given. Raises InputError naming missing or superfluous keys."""
    shared = set.intersection(*map(set, FACTOR_SETS.values()))
    marks = {name: next(key for key in keys if key not in shared) for name, keys in FACTOR_SETS.items()}
    found = [name for name, mark in marks.items() if mark in factors]
    if len(found) > 1:
        hint = f"specify factor_set, or leave out {marks[found[0]]!r}"
        raise InputError("the factors fit both sets", where="factor_set", hint=hint)
    if not found:
        either = " or ".join(f"factors.{mark} (set {name})" for name, mark in marks.items())
        raise _missing(either, "specify all ten factors of one set; an unknown factor does not count as 0")
    return found[0]


def _missing(where: str, hint: str) -> InputError:
    return InputError("a factor is missing", where=where, hint=hint)


def _on_grid(value: Range, grid: Grid, where: str, mode: Mode, *, loose_ends: bool = False) -> None:
    parts = {where: value.value}
    if value.low != value.value or value.high != value.value:
        parts |= {f"{where}.low": value.low, f"{where}.high": value.high}
    for name, number in parts.items():
        if not (grid.low <= number <= grid.high if loose_ends and name != where else grid.holds(number)):
            more = "; directory mode allows finer values" if mode == "strict" else ""
            more = " (CVSS scores have one decimal)" if grid is tables.BASE else more
            text = f"{plain(number)} is not allowed in {mode} mode"
            raise InputError(text, where=name, hint=f"allowed: {grid}{more}")
        if number != round(number, DECIMALS):
            raise _too_fine(name)
    if not value.low <= value.value <= value.high:
        raise InputError("low, value and high are not in order", where=where, hint="low <= value <= high")


def _too_fine(where: str) -> InputError:
    return InputError("too many decimals", where=where, hint=f"at most {DECIMALS} decimal places are kept")


# ---------------------------------------------------------------- reading values


def parse_request(raw: Mapping[str, object]) -> Request:
    """Parse a request from a JSON object, in the form that `septet score -` reads.

    Null counts as not given. Raises InputError naming the field for an unknown key, a wrong type or a missing factor.
    """
    known = [field.name for field in fields(Request)]
    for key in raw:
        if key not in known:
            raise InputError(f"unknown key {str(key)[:_SHOWN]!r}", where="input", hint="known: " + ", ".join(known))
    given: dict[str, Any] = {key: read(raw[key], key) for key, read in _READERS.items() if raw.get(key) is not None}
    return Request(**given)


def number(value: object, where: str) -> Decimal:
    """Parse an exact finite decimal from a JSON-like number or a numeric string. Raises InputError naming `where`."""
    if isinstance(value, float):
        value = repr(value)
        found = Decimal(value)
    elif isinstance(value, Decimal | int) and not isinstance(value, bool):
        found = Decimal(value)
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        found = Decimal(value.strip())
    else:
        hint = 'use a decimal number, such as 0.5 or "0.5"'
        raise InputError(f"{_show(value)} is not a number", where=where, hint=hint)
    if not found.is_finite() or abs(found) > tables.BASE.high:
        raise InputError(f"{_show(value)} is out of range", where=where, hint="no input may exceed 10")
    exponent = found.as_tuple().exponent
    if isinstance(exponent, int) and exponent < _FINEST:
        raise _too_fine(where)
    return found if found else Decimal(0)


def _range(value: object, where: str) -> Range:
    if not isinstance(value, Mapping):
        return point(number(value, where))
    for key in value:
        if key not in Range.model_fields:
            raise InputError(f"unknown key {str(key)[:_SHOWN]!r}", where=where, hint=_RANGE_HINT)
    if value.get("value") is None:
        raise InputError("the range has no value", where=f"{where}.value", hint=_RANGE_HINT)
    middle = number(value["value"], where)
    low, high = (middle if value.get(end) is None else number(value[end], f"{where}.{end}") for end in ("low", "high"))
    return Range(value=middle, low=low, high=high)


def _factors(value: object, where: str) -> dict[FactorKey, Range]:
    if not isinstance(value, Mapping):
        raise InputError("the factors are not an object", where=where, hint="use {factor key: number}")
    found: dict[FactorKey, Range] = {}
    for name, amount in value.items():
        key = _factor_key(str(name))
        if amount is None:
            raise _missing(f"{where}.{name}", "null is not a value; an unknown factor does not count as 0")
        if key in found:
            raise InputError("the factor is given twice", where=f"{where}.{name}", hint=f"its other name is {key}")
        found[key] = _range(amount, f"{where}.{name}")
    return {key: found[key] for key in FACTORS if key in found}


def _factor_key(name: str) -> FactorKey:
    if name in FACTORS:
        return name
    if name in tables.FACTOR_ALIASES:
        return tables.FACTOR_ALIASES[name]
    from difflib import get_close_matches

    close = get_close_matches(name, FACTORS, n=1)
    hint = f"did you mean {close[0]}?" if close else "the keys are " + ", ".join(FACTORS)
    raise InputError("unknown factor", where=f"factors.{name[:_SHOWN]}", hint=hint)


def _factor_set(value: object, where: str) -> str:
    if str(value) not in FACTOR_SETS:
        raise InputError(f"{_show(value)} is not a factor set", where=where, hint='the sets are "0.5" and "0.8"')
    return str(value)


def _formula(value: object, where: str) -> str:
    text, known = _text(value, where), get_args(FormulaId)
    if text not in known and text not in tables.FORMULA_ALIASES:
        raise InputError(f"{_show(text)} is not a formula", where=where, hint=f"the formulas are {', '.join(known)}")
    return tables.FORMULA_ALIASES.get(text, text)


def _mode(value: object, where: str) -> str:
    text = _text(value, where)
    if text not in get_args(Mode):
        raise InputError(f"{_show(text)} is not a mode", where=where, hint="the modes are strict and directory")
    return text


def _text(value: object, where: str) -> str:
    if not isinstance(value, str):
        raise InputError(f"{_show(value)} is not text", where=where, hint="use a string")
    return value.strip()


def _show(value: object) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


_READERS: Final[Mapping[str, Callable[[object, str], object]]] = {
    "cvss_vector": _text, "cvss_base": _range, "factors": _factors, "factor_sum": _range, "factor_set": _factor_set,
    "formula": _formula, "mode": _mode, "threat_multiplier": _range, "mitigation_factor": _range,
}  # fmt: skip
"""The parser of each field, in the order in which errors are reported."""
