"""Score requests: parsed from JSON-like values and checked against formula and mode.

Numbers may be strings (exact decimals), integers, decimals or floats; a float counts as the decimal that it prints.
Every refusal names its field as the input spells the path: `factors.autonomy_of_action`, `mitigation_factor.low`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, cast, get_args

from agent.errors import InputError
from agent.records import FormulaId, Mode, Range, ScoreInputs
from agent.scoring import tables
from agent.scoring.aivss import DECIMALS, plain
from agent.scoring.cvss import VectorScores, read_vector
from agent.scoring.interval import sum_ranges
from agent.scoring.tables import Formula, Grid
from agent.taxonomy.factors import FACTOR_SETS, FACTORS, FactorKey, FactorSet

_FIELDS: Final = (
    "cvss_vector",
    "cvss_base",
    "factor_set",
    "factors",
    "factor_sum",
    "threat_multiplier",
    "mitigation_factor",
    "formula",
    "mode",
)
_RANGE_FIELDS: Final = frozenset({"value", "low", "high"})
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,9}(?:\.[0-9]{1,40})?")
_SHOWN: Final = 40
_FINEST: Final = -40
"""Exponent of the smallest decimal place that is read at all; 1E-999999 would print a million zeros."""


def _point(value: Decimal) -> Range:
    return Range(value=value, low=value, high=value)


@dataclass(frozen=True)
class Request:
    """One request for a score. None marks a value that was not given; `score` says which formula needs what."""

    cvss_vector: str | None = None
    cvss_base: Range | None = None
    factors: dict[FactorKey, Range] | None = None
    factor_sum: Range | None = None
    factor_set: FactorSet | None = None
    threat_multiplier: Range = field(default_factory=lambda: _point(tables.DEFAULT_THREAT))
    mitigation_factor: Range = field(default_factory=lambda: _point(tables.DEFAULT_MITIGATION))
    formula: FormulaId = tables.DEFAULT_FORMULA
    mode: Mode = tables.DEFAULT_MODE


@dataclass(frozen=True)
class Checked:
    """A request with only allowed values, and the values derived from them."""

    request: Request
    """The request with base, factor sum and factor set filled in."""
    inputs: ScoreInputs
    vector: VectorScores | None


def parse_request(raw: Mapping[str, object]) -> Request:
    """Parse a request from a JSON object, in the form that `septet score -` reads.

    Null counts as not given. Raises InputError naming the field for an unknown key, a wrong type or a missing factor.
    """
    for key in raw:
        if key not in _FIELDS:
            raise InputError(f"unknown key {str(key)[:_SHOWN]!r}", where="input", hint="known: " + ", ".join(_FIELDS))
    request = Request(
        cvss_vector=_text(raw, "cvss_vector"),
        cvss_base=_optional_range(raw, "cvss_base"),
        factors=_factors(raw.get("factors")),
        factor_sum=_optional_range(raw, "factor_sum"),
        factor_set=_factor_set(raw.get("factor_set")),
        formula=_formula(_text(raw, "formula")),
        mode=_mode(_text(raw, "mode")),
    )
    threat, mitigation = _optional_range(raw, "threat_multiplier"), _optional_range(raw, "mitigation_factor")
    return replace(
        request,
        threat_multiplier=threat or request.threat_multiplier,
        mitigation_factor=mitigation or request.mitigation_factor,
    )


def check(request: Request, formula: Formula) -> Checked:
    """Return the request with base, factor sum and set filled in, with every value checked against its grid.

    Raises InputError naming the field.
    """
    vector = read_vector(request.cvss_vector) if request.cvss_vector is not None else None
    base = _checked_base(request, vector)
    factor_set = request.factor_set or (_matching_set(request.factors) if request.factors is not None else None)
    total = _checked_sum(request, factor_set)
    strict = request.mode == "strict"
    threat = formula.strict_threat if strict else tables.DIRECTORY_THREAT
    mitigation = formula.strict_mitigation if strict else tables.DIRECTORY_MITIGATION
    _on_grid(request.threat_multiplier, threat, "threat_multiplier", request.mode)
    _on_grid(request.mitigation_factor, mitigation, "mitigation_factor", request.mode)
    if formula.sum and base is None:
        raise InputError("the CVSS base is missing", where="cvss_base", hint="give cvss_vector or cvss_base")
    if formula.sum and total is None:
        raise InputError("the factors are missing", where="factors", hint="give ten factors or a factor_sum")
    if formula.sum is None and vector is None:
        raise InputError(
            f"{formula.id} scores a whole vector", where="cvss_vector", hint="give a CVSS v4.0 vector, not a number"
        )
    inputs = ScoreInputs(
        cvss_base=base,
        factors=request.factors,
        factor_sum=total,
        threat_multiplier=request.threat_multiplier,
        mitigation_factor=request.mitigation_factor,
    )
    return Checked(replace(request, cvss_base=base, factor_sum=total, factor_set=factor_set), inputs, vector)


def check_mitigation(value: Decimal, formula: Formula, mode: Mode) -> None:
    """Raise InputError when `value` is not a mitigation factor of this formula and mode."""
    grid = formula.strict_mitigation if mode == "strict" else tables.DIRECTORY_MITIGATION
    _on_grid(_point(value), grid, "mitigation_factor", mode)


def _checked_base(request: Request, vector: VectorScores | None) -> Range | None:
    base = request.cvss_base
    if base is None:
        return _point(vector.base) if vector else None
    _on_grid(base, tables.BASE, "cvss_base", request.mode, "CVSS scores have one decimal")
    if vector and vector.base != base.value:
        raise InputError(
            f"the base is given as {base.value}, but the vector's base metrics give {vector.base}",
            where="cvss_base",
            hint="leave one of them out",
        )
    return base


def _checked_sum(request: Request, factor_set: FactorSet | None) -> Range | None:
    total, mode = request.factor_sum, request.mode
    if total is not None:
        _on_grid(total, tables.FACTOR_SUM[mode], "factor_sum", mode, loose_ends=mode == "directory")
    if request.factors is None or factor_set is None:
        return total
    for key in FACTOR_SETS[factor_set]:
        if key not in request.factors:
            raise _missing(f"factors.{key}", f"factor set {factor_set} has ten factors, and an unknown one is not 0")
    for key, value in request.factors.items():
        _on_grid(value, tables.FACTOR[mode], f"factors.{key}", mode, loose_ends=mode == "directory")
    added = sum_ranges(tuple(request.factors[key] for key in FACTOR_SETS[factor_set]))
    if total is not None and total != added:
        raise InputError(
            f"the sum is given as {total.value}, but the factors add up to {added.value}",
            where="factor_sum",
            hint="leave the sum out; it follows from the factors",
        )
    return added


def _matching_set(factors: Mapping[FactorKey, Range]) -> FactorSet:
    """Return the factor set whose ten keys were given. Raises InputError naming missing or superfluous keys."""
    marks = {name: next(key for key in keys if _is_mark(key)) for name, keys in FACTOR_SETS.items()}
    found = [name for name, mark in marks.items() if mark in factors]
    if len(found) > 1:
        hint = f"give factor_set, or leave out {marks[found[0]]!r}"
        raise InputError("the factors fit both sets", where="factor_set", hint=hint)
    if not found:
        either = " or ".join(f"factors.{mark} (set {name})" for name, mark in marks.items())
        raise _missing(either, "give the ten factors of one set; an unknown factor is not 0")
    return found[0]


def _is_mark(key: FactorKey) -> bool:
    """Return whether the factor belongs to one set only."""
    return sum(key in keys for keys in FACTOR_SETS.values()) == 1


def _missing(where: str, hint: str) -> InputError:
    return InputError("a factor is missing", where=where, hint=hint)


def _on_grid(value: Range, grid: Grid, where: str, mode: Mode, extra: str = "", *, loose_ends: bool = False) -> None:
    parts = {where: value.value}
    if value.low != value.value or value.high != value.value:
        parts |= {f"{where}.low": value.low, f"{where}.high": value.high}
    for name, number in parts.items():
        inside = grid.low <= number <= grid.high if loose_ends and name != where else grid.holds(number)
        if not inside:
            other = "; mode directory takes finer values" if mode == "strict" and grid is not tables.BASE else ""
            raise InputError(
                f"{plain(number)} is not allowed in {mode} mode",
                where=name,
                hint=f"allowed: {grid}{other}" + (f" ({extra})" if extra else ""),
            )
        _fits(number, name)
    if not value.low <= value.value <= value.high:
        raise InputError("low, value and high are not in order", where=where, hint="low <= value <= high")


def _fits(number: Decimal, where: str) -> None:
    if number != round(number, DECIMALS):
        raise InputError("too many decimals", where=where, hint=f"at most {DECIMALS} decimal places are kept")


# ---------------------------------------------------------------- reading values


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
        raise InputError(
            f"{_show(value)} is not a number", where=where, hint='give a decimal number, as in 0.5 or "0.5"'
        )
    if not found.is_finite() or abs(found) > tables.BASE.high:
        raise InputError(f"{_show(value)} is out of range", where=where, hint="no input exceeds 10")
    exponent = found.as_tuple().exponent
    if isinstance(exponent, int) and exponent < _FINEST:
        raise InputError("too many decimals", where=where, hint=f"at most {DECIMALS} decimal places are kept")
    return found if found else Decimal(0)


def _range(value: object, where: str) -> Range:
    if not isinstance(value, Mapping):
        return _point(number(value, where))
    for key in value:
        if key not in _RANGE_FIELDS:
            raise InputError(f"unknown key {str(key)[:_SHOWN]!r}", where=where, hint="a range has value, low and high")
    if value.get("value") is None:
        raise InputError("the range has no value", where=f"{where}.value", hint="a range has value, low and high")
    middle = number(value["value"], where)
    low, high = (middle if value.get(end) is None else number(value[end], f"{where}.{end}") for end in ("low", "high"))
    return Range(value=middle, low=low, high=high)


def _optional_range(raw: Mapping[str, object], key: str) -> Range | None:
    return None if raw.get(key) is None else _range(raw[key], key)


def _factors(value: object) -> dict[FactorKey, Range] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InputError("the factors are not an object", where="factors", hint="give {factor key: number}")
    found: dict[FactorKey, Range] = {}
    for name, amount in value.items():
        key = _factor_key(str(name))
        if amount is None:
            raise _missing(f"factors.{name}", "null is not a value; an unknown factor is not 0")
        if key in found:
            raise InputError("the factor is given twice", where=f"factors.{name}", hint=f"its other name is {key}")
        found[key] = _range(amount, f"factors.{name}")
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


def _factor_set(value: object) -> FactorSet | None:
    if value is None:
        return None
    text = str(value)
    if text not in FACTOR_SETS:
        raise InputError(f"{_show(value)} is not a factor set", where="factor_set", hint='the sets are "0.5" and "0.8"')
    return text


def _formula(text: str | None) -> FormulaId:
    known: tuple[str, ...] = get_args(FormulaId)
    if text is None:
        return tables.DEFAULT_FORMULA
    if text in tables.FORMULA_ALIASES:
        return tables.FORMULA_ALIASES[text]
    if text not in known:
        raise InputError(
            f"{_show(text)} is not a formula", where="formula", hint="the formulas are " + ", ".join(known)
        )
    return cast("FormulaId", text)


def _mode(text: str | None) -> Mode:
    if text is None:
        return tables.DEFAULT_MODE
    if text not in get_args(Mode):
        raise InputError(f"{_show(text)} is not a mode", where="mode", hint="the modes are strict and directory")
    return cast("Mode", text)


def _text(raw: Mapping[str, object], key: str) -> str | None:
    value = raw.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise InputError(f"{_show(value)} is not text", where=key, hint="give a string")
    return value.strip()


def _show(value: object) -> str:
    text = str(value) if isinstance(value, Decimal) else repr(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
