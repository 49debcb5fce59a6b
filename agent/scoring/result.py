"""Make scores from requests, store them with all their inputs, and recompute them on loading.

A stored score names its revision and is recomputed under it, text included. A published revision is therefore never
edited: a change of an equation, a grid, a rounding or a sentence is a new entry beside the old ones, with stored scores
of its own among the test vectors.
"""

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Final, NamedTuple

from agent.errors import InputError, IntegrityError, SchemaError
from agent.records import Controls, FormulaId, LikelyConstants, Mode, Range, Score, ScoreInputs
from agent.scoring.aivss import UNIT, Point, capped, exact, from_tenths, plain, tenths, units
from agent.scoring.cvss import VectorScores, is_reachable
from agent.scoring.interval import Corners, corners, likely, rounded, severity, typical
from agent.scoring.request import Checked, Request, check, check_mitigation
from agent.scoring.tables import FIRST, Formula, Sum
from agent.taxonomy.factors import FACTOR_SETS, FactorSet

_TWO: Final = Decimal("0.01")
_ONE: Final = Decimal("0.1")
_HUNDREDTH: Final = Decimal("0.01")
_SHOWN: Final = 120
_RECOMPUTED: Final = (
    "formula",
    "mode",
    "factor_set",
    "cvss_vector",
    "cvss_base",
    "factor_sum",
    "aars",
    "threat_multiplier",
    "mitigation_factor",
    "low",
    "high",
    "likely_low",
    "likely_high",
    "arithmetic",
    "alternatives",
    "with_controls",
)
_POINT_ONLY: Final = ("cvss_base", "factor_sum", "aars", "threat_multiplier", "mitigation_factor", "alternatives")
"""Fields that can be recomputed from a score stored without its inputs."""


class EquationInputs(NamedTuple):
    """All inputs to the text of the arithmetic."""

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


def arithmetic(inputs: EquationInputs) -> str:
    """Return the equation with its numbers, line by line, with corners and the likely range if there are any."""
    head = f"Formula {inputs.formula.id}, revision {inputs.revision}, {inputs.mode} inputs"
    terms, at = inputs.formula.sum, inputs.at
    if terms is None or at is None:
        bte = inputs.vector_scores.bte if inputs.vector_scores else None
        return f"{head}\nAIVSS = CVSS-BTE of {inputs.vector} = {bte}"
    source = f", from the base metrics of {inputs.vector}" if inputs.vector else ""
    aars = _places(terms.aars(at), _ONE)
    return "\n".join(
        [
            head,
            f"CVSS base = {from_tenths(at.base)}{source}",
            _sum_line(inputs, at),
            f"AARS = {_filled(terms.aars_named, at)} = {aars}",
            f"AIVSS = {_filled(terms.text, at, aars)} = {_result(terms, at)}",
            *_corner_lines(terms, at, inputs.corners),
            *_likely_lines(terms, at, inputs.constants),
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


def _sum_line(inputs: EquationInputs, at: Point) -> str:
    added = " + ".join(_places(value, _ONE) for value in inputs.addends)
    named = f" (factor set {inputs.factor_set})" if inputs.factor_set else ""
    return f"Factor sum = {added + ' = ' if added else ''}{_factors(at)}{named}"


def _factors(at: Point) -> str:
    return _places(Decimal(at.factor_sum) / UNIT, _ONE)


def _factor(value: int) -> str:
    return _places(Decimal(value) / UNIT, _TWO)


def _places(value: Decimal, least: Decimal) -> str:
    """Return the exact number with at least as many decimals as `least`."""
    short = plain(value)
    rounded = short.quantize(least)
    return str(rounded if rounded == short else short)


class Revision(NamedTuple):
    """One released revision: its formulas, and the wording of its arithmetic."""

    formulas: Mapping[FormulaId, Formula]
    wording: Callable[[EquationInputs], str]


REVISIONS: Final[Mapping[int, Revision]] = {1: Revision(FIRST, arithmetic)}
CURRENT: Final = max(REVISIONS)


def released(number: int) -> Revision:
    """Return a published revision. Raises SchemaError for a revision that this program does not have."""
    if number not in REVISIONS:
        raise SchemaError(
            f"scoring revision {number} is unknown",
            where="score.revision",
            hint=f"this program knows revisions up to {CURRENT}; a newer one may have written the file",
        )
    return REVISIONS[number]


def score(request: Request, *, constants: LikelyConstants | None = None, revision: int = CURRENT) -> Score:
    """Score a request exactly, under one revision of the tables.

    `constants`, when given, add the joint 80 % range. Raises InputError naming the field for a value that formula and
    mode do not allow, for a missing base or factor; SchemaError for a revision that this program does not have.
    """
    release = released(revision)
    formula = release.formulas[request.formula]
    checked = check(request, formula)
    done, inputs = checked.request, checked.inputs
    at = typical(inputs)
    alternatives = {name: _value(each, at, checked.vector) for name, each in release.formulas.items()}
    value = alternatives[formula.id]
    if value is None:
        raise InputError("the inputs are not enough for this formula", where="formula", hint="see `alternatives`")
    low, high = _ends(formula, inputs, value)
    likely_low, likely_high = _likely(formula, at, constants)
    return Score(
        formula=formula.id,
        mode=done.mode,
        factor_set=done.factor_set,
        cvss_vector=done.cvss_vector,
        cvss_base=inputs.cvss_base.value if inputs.cvss_base else None,
        factor_sum=inputs.factor_sum.value if inputs.factor_sum else None,
        aars=_aars(formula, at),
        threat_multiplier=inputs.threat_multiplier.value,
        mitigation_factor=inputs.mitigation_factor.value,
        aivss=value,
        severity=severity(value),
        low=low,
        high=high,
        likely_low=likely_low,
        likely_high=likely_high,
        withheld=None,
        provisional=None,
        with_controls=None,
        revision=revision,
        arithmetic=release.wording(_equation_inputs(checked, formula, revision, at, constants)),
        alternatives=alternatives,
        warnings=_warnings(checked, formula, value, alternatives),
        inputs=inputs,
        likely=constants,
    )


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
    """Return the same score with a second number beside it, for the controls that `evidence` names.

    Raises InputError for a mitigation factor that formula and mode do not allow, for a formula that takes none, and for
    a withheld score.
    """
    formula = released(scored.revision).formulas[scored.formula]
    if not formula.takes_mitigation or formula.sum is None:
        raise InputError(f"{formula.id} takes no mitigation", where="mitigation_factor", hint="choose another formula")
    if scored.withheld is not None:
        raise InputError("the score is withheld", where="with_controls", hint="settle the score first")
    check_mitigation(mitigation_factor, formula, scored.mode)
    at = typical(_inputs(scored))
    if at is None:
        raise InputError("the score has no inputs", where="inputs", hint="score it again")
    value = rounded(formula.sum.equation(at._replace(mitigation=units(mitigation_factor))))
    controls = Controls(mitigation_factor=mitigation_factor, aivss=value, severity=severity(value), evidence=evidence)
    return scored.model_copy(update={"with_controls": controls})


def verify(scored: Score) -> None:
    """Recompute a stored score under its formula and revision and compare everything that follows from its inputs.

    Raises IntegrityError naming the first field that differs; SchemaError for an unknown revision. A score without
    `inputs` is compared as far as its visible numbers go.
    """
    try:
        again = score(_request(scored), constants=scored.likely, revision=scored.revision)
        if scored.with_controls is not None:
            kept = scored.with_controls
            again = with_controls(again, kept.mitigation_factor, kept.evidence)
    except SchemaError:
        raise
    except InputError as error:
        raise IntegrityError(
            f"the stored score has inputs that cannot be scored: {error.what}", where=f"score.{error.where}"
        ) from None
    value, band = again.aivss, again.severity
    if scored.withheld is None:
        expected = {"aivss": value, "severity": band, "provisional": None}
    else:
        expected = {"aivss": None, "severity": None, "provisional": value}
    names = _RECOMPUTED if scored.inputs is not None else _POINT_ONLY
    expected |= {name: getattr(again, name) for name in names}
    for name, wanted in expected.items():
        found = getattr(scored, name)
        if found != wanted:
            raise IntegrityError(
                "the stored score does not recompute",
                where=f"score.{name}: stored {_brief(found)}, recomputed {_brief(wanted)}",
                hint="the file was changed after it was written; draft or score again",
            )
    if not _ordered(scored, value):
        raise IntegrityError("the stored score lies outside its own corners", where="score.low, score.high")
    lost = [text for text in again.warnings if text not in scored.warnings]
    if scored.inputs is not None and lost:
        raise IntegrityError("a warning is missing from the stored score", where=f"score.warnings: {lost[0]}")


def _ordered(scored: Score, value: Decimal | None) -> bool:
    if value is None or scored.low is None or scored.high is None:
        return False
    return scored.low <= value <= scored.high


def _value(formula: Formula, at: Point | None, vector: VectorScores | None) -> Decimal | None:
    if formula.sum is None:
        return vector.bte if vector else None
    return rounded(formula.sum.equation(at)) if at else None


def _ends(formula: Formula, inputs: ScoreInputs, value: Decimal) -> tuple[Decimal, Decimal]:
    equation = formula.sum.equation if formula.sum else None
    found = corners(equation, inputs) if equation else None
    return (rounded(equation(found.low)), rounded(equation(found.high))) if equation and found else (value, value)


def _likely(
    formula: Formula, at: Point | None, constants: LikelyConstants | None
) -> tuple[Decimal, Decimal] | tuple[None, None]:
    if constants is None or at is None or formula.sum is None:
        return None, None
    if min(constants.below, constants.above) < 0:
        raise InputError("the likely range does not hold the value", where="likely", hint="constants are 0 or more")
    return likely(formula.sum.equation(at), constants)


def _aars(formula: Formula, at: Point | None) -> Decimal | None:
    if at is None or formula.sum is None:
        return None
    return formula.sum.aars(at).quantize(_HUNDREDTH, rounding=ROUND_HALF_UP)


def _equation_inputs(
    checked: Checked, formula: Formula, revision: int, at: Point | None, constants: LikelyConstants | None
) -> EquationInputs:
    request = checked.request
    keys = FACTOR_SETS[request.factor_set] if request.factors and request.factor_set else ()
    return EquationInputs(
        formula=formula,
        revision=revision,
        mode=request.mode,
        vector=request.cvss_vector,
        vector_scores=checked.vector,
        factor_set=request.factor_set,
        addends=tuple(request.factors[key].value for key in keys) if request.factors else (),
        at=at,
        corners=corners(formula.sum.equation, checked.inputs) if formula.sum else None,
        constants=constants,
    )


def _warnings(
    checked: Checked, formula: Formula, value: Decimal, alternatives: Mapping[FormulaId, Decimal | None]
) -> tuple[str, ...]:
    request, inputs = checked.request, checked.inputs
    found: list[str] = []
    base = inputs.cvss_base.value if inputs.cvss_base else None
    if base is not None and checked.vector is None and not is_reachable(base):
        found.append(f"no CVSS v4.0 vector has the base score {base:.1f}")
    if request.factors and request.factor_set:
        unused = [key for key in request.factors if key not in FACTOR_SETS[request.factor_set]]
        found.extend(f"{key} is not in factor set {request.factor_set} and was not counted" for key in unused)
    if request.mode == "strict" and request.factor_set and formula.factor_set not in (None, request.factor_set):
        found.append(f"{formula.title} defines factor set {formula.factor_set}; set {request.factor_set} was scored")
    if not formula.takes_mitigation and inputs.mitigation_factor.value != 1:
        found.append(f"{formula.id} takes no mitigation factor; it was not counted")
    if formula.id == "aivss-0.8" and base is not None and value < base:
        amended = alternatives["aivss-1-amended"]
        found.append(
            f"the score is below the CVSS base {base:.1f}, because AIVSS 0.8 lets mitigation lower the base too; "
            f"aivss-1-amended gives {amended}"
        )
    return tuple(found)


def _inputs(scored: Score) -> ScoreInputs:
    if scored.inputs is not None:
        return scored.inputs
    return ScoreInputs(
        cvss_base=_same(scored.cvss_base),
        factor_sum=_same(scored.factor_sum),
        threat_multiplier=Range(
            value=scored.threat_multiplier, low=scored.threat_multiplier, high=scored.threat_multiplier
        ),
        mitigation_factor=Range(
            value=scored.mitigation_factor, low=scored.mitigation_factor, high=scored.mitigation_factor
        ),
    )


def _same(value: Decimal | None) -> Range | None:
    return None if value is None else Range(value=value, low=value, high=value)


def _request(scored: Score) -> Request:
    inputs = _inputs(scored)
    return Request(
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


def _brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
