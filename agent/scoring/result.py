"""Make scores from requests, store them with all their inputs, and recompute them on loading.

A stored score specifies its revision and is recomputed under it, including its text. A published revision is therefore
never edited: a change to an equation, a grid, a rounding rule or a sentence requires a new revision next to the old
ones, with its own stored scores among the test vectors.
"""

from collections.abc import Iterator, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from agent.errors import InputError, IntegrityError, SchemaError
from agent.records import Controls, FormulaId, LikelyConstants, Score, ScoreInputs
from agent.scoring.aivss import UNIT, Point, capped, exact, from_tenths, plain, tenths, units
from agent.scoring.cvss import is_reachable
from agent.scoring.interval import Corners, corners, likely, rounded, severity, typical
from agent.scoring.request import Checked, Request, check, check_mitigation, point
from agent.scoring.tables import FIRST, Formula, Sum
from agent.taxonomy.factors import FACTOR_SETS

_TWO: Final = Decimal("0.01")
_ONE: Final = Decimal("0.1")
_SHOWN: Final = 120
_POINT_ONLY: Final = ("cvss_base", "factor_sum", "aars", "threat_multiplier", "mitigation_factor", "alternatives")
"""Fields that can be recomputed from a score stored without its inputs."""
_RECOMPUTED: Final = (
    "formula", "mode", "factor_set", "cvss_vector", "cvss_base", "factor_sum", "aars", "threat_multiplier",
    "mitigation_factor", "low", "high", "likely_low", "likely_high", "arithmetic", "alternatives", "with_controls",
)  # fmt: skip
REVISIONS: Final[Mapping[int, Mapping[FormulaId, Formula]]] = {1: FIRST}
"""The formulas of each released revision."""
CURRENT: Final = max(REVISIONS)


def released(number: int) -> Mapping[FormulaId, Formula]:
    """Return the formulas of a revision. Raises SchemaError for a revision that this program does not have."""
    if number not in REVISIONS:
        hint = f"this version supports revisions up to {CURRENT}; a newer one may have written the file"
        raise SchemaError(f"scoring revision {number} is unknown", where="score.revision", hint=hint)
    return REVISIONS[number]


def score(request: Request, *, constants: LikelyConstants | None = None, revision: int = CURRENT) -> Score:
    """Score a request exactly, under one revision of the tables.

    `constants`, if given, add the joint 80 % range. Raises InputError naming the field for a value that formula and
    mode do not allow, or for a missing base or factor, and SchemaError for an unknown revision.
    """
    formulas = released(revision)
    formula = formulas[request.formula]
    checked = check(request, formula)
    done, inputs, terms = checked.request, checked.inputs, formula.sum
    at = typical(inputs)
    alternatives: dict[FormulaId, Decimal | None] = {}
    for name, each in formulas.items():
        of_vector = checked.vector.bte if checked.vector else None
        alternatives[name] = (rounded(each.sum.equation(at)) if at else None) if each.sum else of_vector
    value = alternatives[formula.id]
    if value is None:
        raise InputError("this formula needs more inputs", where="formula", hint="see `alternatives`")
    aars, ends, low_high, range_ = None, None, (value, value), None
    if terms is not None and at is not None:
        aars = terms.aars(at).quantize(_TWO, rounding=ROUND_HALF_UP)
        if ends := corners(terms.equation, inputs):
            low_high = (rounded(terms.equation(ends.low)), rounded(terms.equation(ends.high)))
        if constants is not None and min(constants.below, constants.above) < 0:
            hint = "constants must be 0 or more"
            raise InputError("the likely range does not contain the value", where="likely", hint=hint)
        range_ = likely(terms.equation(at), constants) if constants is not None else None
    return Score(
        formula=formula.id,
        mode=done.mode,
        factor_set=done.factor_set,
        cvss_vector=done.cvss_vector,
        cvss_base=inputs.cvss_base.value if inputs.cvss_base else None,
        factor_sum=inputs.factor_sum.value if inputs.factor_sum else None,
        aars=aars,
        threat_multiplier=inputs.threat_multiplier.value,
        mitigation_factor=inputs.mitigation_factor.value,
        aivss=value,
        severity=severity(value),
        low=low_high[0],
        high=low_high[1],
        likely_low=range_[0] if range_ else None,
        likely_high=range_[1] if range_ else None,
        withheld=None,
        provisional=None,
        with_controls=None,
        revision=revision,
        arithmetic="\n".join(_arithmetic(checked, formula, revision, at, ends, constants)),
        alternatives=alternatives,
        warnings=tuple(_warnings(checked, formula, value, alternatives)),
        inputs=inputs,
        likely=constants,
    )


# ---------------------------------------------------------------- the arithmetic in words


def _arithmetic(
    checked: Checked, formula: Formula, revision: int, at: Point | None, ends: Corners | None,
    constants: LikelyConstants | None,
) -> Iterator[str]:  # fmt: skip
    """Yield the equation with its numbers, line by line, followed by the corners and the likely range, if any."""
    request, terms = checked.request, formula.sum
    yield f"Formula {formula.id}, revision {revision}, {request.mode} inputs"
    if terms is None or at is None:
        yield f"AIVSS = CVSS-BTE of {request.cvss_vector} = {checked.vector.bte if checked.vector else None}"
        return
    source = f", from the base metrics of {request.cvss_vector}" if request.cvss_vector else ""
    yield f"CVSS base = {from_tenths(at.base)}{source}"
    keys = FACTOR_SETS[request.factor_set] if request.factors and request.factor_set else ()
    added = " + ".join(_places((request.factors or {})[key].value, _ONE) for key in keys)
    named = f" (factor set {request.factor_set})" if request.factor_set else ""
    yield f"Factor sum = {added + ' = ' if added else ''}{_places(Decimal(at.factor_sum) / UNIT, _ONE)}{named}"
    aars = _places(terms.aars(at), _ONE)
    yield f"AARS = {_filled(terms.aars_named, at)} = {aars}"
    yield f"AIVSS = {_filled(terms.text, at, aars)} = {_result(terms, at)}"
    if ends is not None and not ends.low == ends.high == at:
        for name, end in (("Lowest", ends.low), ("Highest", ends.high)):
            yield f"{name} corner: {_filled(terms.text, end, _filled(terms.aars_text, end))} = {_result(terms, end)}"
    if constants is not None:
        held = capped(terms.equation(at))
        low, high = likely(held, constants)
        yield (
            f"Likely range: {exact(held)} - {plain(constants.below)} to {exact(held)} + {plain(constants.above)}, "
            f"rounded outward: {low} to {high} (calibration {constants.calibration})"
        )


def _filled(text: str, at: Point, aars: str = "") -> str:
    return text.format(
        base=from_tenths(at.base),
        sum=_places(Decimal(at.factor_sum) / UNIT, _ONE),
        threat=_places(Decimal(at.threat) / UNIT, _TWO),
        mitigation=_places(Decimal(at.mitigation) / UNIT, _TWO),
        aars=aars,
    )


def _result(terms: Sum, at: Point) -> str:
    full = terms.equation(at)
    held = ", held at 10" if capped(full) != full else ""
    return f"{exact(full)}{held}, rounded half up {from_tenths(tenths(capped(full)))}"


def _places(value: Decimal, least: Decimal) -> str:
    """Return the exact number with at least as many decimals as `least`."""
    short = plain(value)
    padded = short.quantize(least)
    return str(padded if padded == short else short)


def _warnings(
    checked: Checked, formula: Formula, value: Decimal, alternatives: Mapping[FormulaId, Decimal | None]
) -> Iterator[str]:
    request, inputs = checked.request, checked.inputs
    base = inputs.cvss_base.value if inputs.cvss_base else None
    if base is not None and checked.vector is None and not is_reachable(base):
        yield f"no CVSS v4.0 vector has the base score {base:.1f}"
    if request.factors and request.factor_set:
        for key in (key for key in request.factors if key not in FACTOR_SETS[request.factor_set]):
            yield f"{key} is not in factor set {request.factor_set} and was not counted"
    if request.mode == "strict" and request.factor_set and formula.factor_set not in (None, request.factor_set):
        yield f"{formula.title} defines factor set {formula.factor_set}; set {request.factor_set} was scored"
    if not formula.takes_mitigation and inputs.mitigation_factor.value != 1:
        yield f"{formula.id} takes no mitigation factor; it was not counted"
    if formula.id == "aivss-0.8" and base is not None and value < base:
        yield (
            f"the score is below the CVSS base {base:.1f}, because AIVSS 0.8 lets mitigation lower the base too; "
            f"aivss-1-amended gives {alternatives['aivss-1-amended']}"
        )


# ---------------------------------------------------------------- how a score is shown, and stored scores


def withhold(scored: Score, reason: str) -> Score:
    """Return the same score without its number: `aivss` and `severity` are null, `provisional` keeps the value.

    Corners, likely range and arithmetic stay; the score with controls is removed. Raises InputError for an empty
    reason.
    """
    if not reason.strip():
        raise InputError("a withheld score needs a reason", where="withheld", hint="say why no number is shown")
    if scored.withheld is not None:
        return scored.model_copy(update={"withheld": reason})
    gone = {"aivss": None, "severity": None, "withheld": reason, "provisional": scored.aivss, "with_controls": None}
    return scored.model_copy(update=gone)


def with_controls(scored: Score, mitigation_factor: Decimal, evidence: tuple[str, ...]) -> Score:
    """Return the same score together with a second one that counts the controls that `evidence` cites.

    Raises InputError for a mitigation factor that formula and mode do not allow, for a formula that takes none, and for
    a withheld score.
    """
    formula = released(scored.revision)[scored.formula]
    if not formula.takes_mitigation or formula.sum is None:
        raise InputError(f"{formula.id} takes no mitigation", where="mitigation_factor", hint="choose another formula")
    if scored.withheld is not None:
        raise InputError("the score is withheld", where="with_controls", hint="only a score that is shown can have one")
    check_mitigation(point(mitigation_factor), formula, scored.mode)
    at = typical(_inputs(scored))
    if at is None:
        raise InputError("the score has no inputs", where="inputs", hint="score it again")
    value = rounded(formula.sum.equation(at._replace(mitigation=units(mitigation_factor))))
    controls = Controls(mitigation_factor=mitigation_factor, aivss=value, severity=severity(value), evidence=evidence)
    return scored.model_copy(update={"with_controls": controls})


def verify(scored: Score) -> None:
    """Recompute a stored score under its formula and revision and compare everything that is derived from its inputs.

    Raises IntegrityError naming the first field that differs; SchemaError for an unknown revision. If a score has no
    `inputs`, only its visible numbers are compared.
    """
    inputs = _inputs(scored)
    request = Request(
        cvss_vector=scored.cvss_vector,
        cvss_base=inputs.cvss_base,
        factors=inputs.factors,
        factor_sum=inputs.factor_sum,
        factor_set=scored.factor_set,
        threat_multiplier=inputs.threat_multiplier,
        mitigation_factor=inputs.mitigation_factor,
        formula=scored.formula,
        mode=scored.mode,
    )
    try:
        again = score(request, constants=scored.likely, revision=scored.revision)
        if scored.with_controls is not None:
            again = with_controls(again, scored.with_controls.mitigation_factor, scored.with_controls.evidence)
    except SchemaError:
        raise
    except InputError as error:
        raise IntegrityError(
            f"the stored score has inputs that cannot be scored: {error.what}", where=f"score.{error.where}"
        ) from None
    if scored.withheld is None:
        expected = {"aivss": again.aivss, "severity": again.severity, "provisional": None}
    else:
        expected = {"aivss": None, "severity": None, "provisional": again.aivss}
    expected |= {name: getattr(again, name) for name in (_RECOMPUTED if scored.inputs is not None else _POINT_ONLY)}
    for name, wanted in expected.items():
        found = getattr(scored, name)
        if found != wanted:
            raise IntegrityError(
                "the stored score differs from the recomputed one",
                where=f"score.{name}: stored {_brief(found)}, recomputed {_brief(wanted)}",
                hint="the file was changed after it was written; draft or score again",
            )
    ends = (scored.low, again.aivss, scored.high)
    known = [each for each in ends if each is not None]
    if len(known) < len(ends) or known != sorted(known):
        raise IntegrityError("the stored score is outside its own corners", where="score.low, score.high")
    lost = [text for text in again.warnings if text not in scored.warnings]
    if scored.inputs is not None and lost:
        raise IntegrityError("a warning is missing from the stored score", where=f"score.warnings: {lost[0]}")


def _inputs(scored: Score) -> ScoreInputs:
    """Return the inputs of a stored score, or its visible numbers if it was stored without inputs."""
    return scored.inputs or ScoreInputs(
        cvss_base=None if scored.cvss_base is None else point(scored.cvss_base),
        factor_sum=None if scored.factor_sum is None else point(scored.factor_sum),
        threat_multiplier=point(scored.threat_multiplier),
        mitigation_factor=point(scored.mitigation_factor),
    )


def _brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
