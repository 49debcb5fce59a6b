"""Rescores a reviewed draft by the drafter's own rules.

    headline     the reviewer's choice; else the drafted headline, until it is struck or made milder, or another threat
                 in default use is made more severe or added; then, by the drafter's rule, the most severe supported
                 threat in default use. In older drafts the drafted headline, else the first threat left with a quote
    base         the base score of the headline's vector. Its range is the drafted one while headline and vector are
                 unchanged; else it covers the remaining threats' bases that lie within the drafted range's width
    factors      the current values, with their ranges
    likely       the drafted constants at the new raw score. A drafted range may reach beyond the corners, since drafts
                 err beyond their factors' ranges; this excess shrinks to nothing as more is decided
    withheld     for the drafter's reasons

A draft with unchanged inputs keeps its score exactly, so confirming moves no number.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from typing import Final, NamedTuple

from agent.drafting.conditions_for_use import proposal_of, weighed
from agent.drafting.questions import effect, spread
from agent.drafting.threats.cvss_vectors import base_of
from agent.drafting.threats.headline import choose, is_supported
from agent.drafting.withholding import why_withheld
from agent.records import (
    Condition,
    Draft,
    FormulaId,
    LayerThreats,
    LikelyConstants,
    Question,
    Range,
    Residual,
    Score,
    ScoreInputs,
    Threat,
    WithoutClaims,
)
from agent.report.view import View, is_proposed, number_added, place_of
from agent.review.domain.items import threats_of, width_of, with_basis
from agent.review.domain.records import ScoreShown
from agent.scoring import Request, score, severity, with_controls, withhold
from agent.scoring.aivss import TENTHS, Point, capped, exact, raw, units
from agent.scoring.interval import corners, score_at, sum_ranges, typical
from agent.scoring.tables import DEFAULT_FORMULA
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LAYERS, LayerKey

_FINEST: Final = Decimal("0.000001")
_FULL: Final = Decimal(1)
_TOP: Final = Decimal(10)
_BAND: Final = re.compile(r"\b(?:(?:Critical|High|Medium|Low|None) before controls|Not scored)(?=:)")
"""Matches the band in a posture."""


def advised(drafted: Draft, reviewed: Draft) -> Draft:
    """Update the advice of `reviewed` from its own threats. Conditions and residual stay if no threat changed.

    The effect of a condition on a threat is known only for the drafted vector. A threat with another vector, or an
    added threat, therefore counts as not eased: the residual is never lower than in a new draft of the same threats.
    """
    advice = reviewed.advice
    if advice is None:
        return reviewed
    was, now = threats_of(drafted), threats_of(reviewed)
    same = {name for name in now if name in was and _measured(now[name]) == _measured(was[name])}
    conditions, residual = advice.conditions, advice.residual
    if len(same) < max(len(was), len(now)):
        conditions = tuple(made for each in conditions if (made := _standing(each, now, same)) is not None)
        residual = _residual(drafted, now, same, conditions)
    before = drafted.advice
    own = proposal_of(reviewed.score, residual, asked=bool(reviewed.questions))
    if before is not None and before.proposal != proposal_of(
        drafted.score, before.residual, asked=bool(drafted.questions)
    ):
        # The proposal is the LLM's, which no score gives.
        asked, given = bool(reviewed.questions), bool(conditions)
        own = weighed(before.proposal, reviewed.score, residual, asked=asked, conditions=given)
    new = advice.model_copy(update={"proposal": own, "conditions": conditions, "residual": residual})
    return reviewed if new == advice else reviewed.model_copy(update={"advice": new})


def _measured(threat: Threat) -> tuple[str, bool]:
    return threat.score.cvss_vector, threat.default_use


def _standing(condition: Condition, now: Mapping[str, Threat], same: set[str]) -> Condition | None:
    """Restrict a condition to the remaining threats. Returns None if it named threats and none remains."""
    threats = tuple(name for name in condition.threats if name in now)
    if condition.threats and not threats:
        return None
    after = {name: base for name, base in condition.after.items() if name in same}
    return condition.model_copy(update={"threats": threats, "after": after})


def _residual(
    drafted: Draft, now: Mapping[str, Threat], same: set[str], conditions: tuple[Condition, ...]
) -> Residual | None:
    usual = [threat for threat in now.values() if threat.default_use]
    if not usual:
        return None
    before = drafted.advice.residual if drafted.advice else None

    def left(threat: Threat) -> Decimal:
        bases = [threat.score.cvss_base, *(each.after[threat.id] for each in conditions if threat.id in each.after)]
        # The drafted residual is the maximum over all threats with every condition in place, so no threat was higher.
        bases += [before.after] if before is not None and threat.id in same else []
        return min(bases)

    last = max(usual, key=lambda threat: (left(threat), threat.score.cvss_base))
    return Residual(before=max(threat.score.cvss_base for threat in usual), after=left(last), threat=last.id)


class Choice(NamedTuple):
    """A reviewer's decisions on the score itself."""

    headline: str | None = None
    """Id of the chosen threat."""
    mitigation_factor: Decimal | None = None
    evidence: tuple[str, ...] = ()
    """Ids of the evidence for the mitigation factor."""

    @classmethod
    def of(cls, edits: Mapping[str, object], attached: Sequence[str] = ()) -> "Choice":
        """Build the choice from corrections of the score and the quotes attached to it."""
        headline, factor, marks = (edits.get(name) for name in ("headline", "mitigation_factor", "evidence"))
        cited = [str(mark) for mark in marks] if isinstance(marks, list) else []
        return cls(
            headline=str(headline) if headline else None,
            mitigation_factor=Decimal(str(factor)) if factor is not None else None,
            evidence=tuple(dict.fromkeys((*cited, *attached))),
        )


def rescore(drafted: Draft, reviewed: Draft, choice: Choice | None = None) -> Draft:
    """Recompute every number of `reviewed` from its threats, factors and flags.

    `drafted` is the draft as the drafter produced it: it provides constants, formula and all unchanged values. Raises
    InputError for a vector or mitigation factor that cannot be scored.
    """
    chosen = choice or Choice()
    layers = _scored_threats(drafted, reviewed)
    reviewed = reviewed.model_copy(update={"layers": layers})
    first = _headline(drafted, reviewed, chosen)
    scored = _score(drafted, reviewed, first, chosen)
    same = scored == drafted.score
    if first is not None:
        layers = _placed(layers, first)
    product = reviewed.product
    if not same and product.posture == drafted.product.posture:
        product = product.model_copy(update={"posture": _told(product.posture, scored)})
    made = reviewed.model_copy(update={"layers": layers, "score": scored, "product": product})
    made = made if same else made.model_copy(update={"questions": _questions(made)})
    return advised(drafted, made)


def shown(scored: Score) -> ScoreShown:
    """Convert a score to the form shown on pages."""
    return ScoreShown(
        aivss=scored.aivss,
        severity=scored.severity,
        low=scored.likely_low,
        high=scored.likely_high,
        withheld=scored.withheld,
    )


def headline_of(draft: Draft) -> Threat | None:
    """Return the threat whose vector sets the score, or None."""
    first = View(draft).headline
    return first.threat if first is not None and first.threat.score.cvss_vector == draft.score.cvss_vector else None


def raw_score(draft: Draft) -> Decimal:
    """Return the unrounded score before withholding; 0 for a score without inputs."""
    at = typical(draft.score.inputs) if draft.score.inputs else None
    if at is None or draft.score.formula == "cvss-bte":
        return draft.score.aivss or draft.score.provisional or Decimal(0)
    return exact(capped(raw(draft.score.formula, at)))


# ---------------------------------------------------------------- headline and threats


def _headline(drafted: Draft, reviewed: Draft, choice: Choice) -> Threat | None:
    standing = threats_of(reviewed)
    chosen = standing.get(choice.headline or "")
    if chosen is not None and chosen.evidence:
        return chosen
    before = headline_of(drafted)
    if any(threat.basis is not None for threat in threats_of(drafted).values()):
        return _by_rule(drafted, standing, before)
    if before is not None and before.id in standing:
        return standing[before.id]
    places = {threat.id: threat.place for threat in standing.values() if threat.place is not None}
    able = [threat for threat in standing.values() if threat.evidence and not is_proposed(threat)]
    return min(able, key=lambda threat: (place_of(threat, places), -threat.score.cvss_base, threat.id), default=None)


def _by_rule(drafted: Draft, standing: Mapping[str, Threat], before: Threat | None) -> Threat | None:
    """Return the drafted headline, or the drafter's choice if the headline became milder or another threat graver."""
    was = threats_of(drafted)
    kept = standing.get(before.id) if before is not None else None
    able = [with_basis(threat) for threat in standing.values()]
    able.sort(key=lambda threat: (threat.place is None, threat.place or 0, threat.id))
    if kept is not None and before is not None and kept.evidence:
        graver = [
            threat for threat in able
            if is_supported(threat) and threat.score.cvss_base > kept.score.cvss_base
            and (threat.id not in was or threat.score.cvss_base > was[threat.id].score.cvss_base)
        ]  # fmt: skip
        if not graver and kept.score.cvss_base >= before.score.cvss_base:
            return kept
    found = choose(able)
    return standing[found.id] if found is not None else None


def _scored_threats(drafted: Draft, reviewed: Draft) -> dict[LayerKey, LayerThreats]:
    """Return the layers with their threats rescored under the reviewed factors."""
    total, before = _sum(reviewed), threats_of(drafted)
    moved = total != _sum(drafted)
    made = {}
    for key, layer in reviewed.layers.items():
        threats = tuple(
            threat if not moved and _has_vector_of(threat, before.get(threat.id)) else _graded(threat, total, drafted)
            for threat in layer.threats
        )
        made[key] = layer.model_copy(update={"threats": threats})
    return made


def _has_vector_of(threat: Threat, other: Threat | None) -> bool:
    return other is not None and threat.score.cvss_vector == other.score.cvss_vector


def _graded(threat: Threat, total: Decimal, drafted: Draft) -> Threat:
    """Score the threat by AIVSS 0.8 with a mitigation factor of 1, as the drafter grades threats."""
    base = base_of(threat.score.cvss_vector)
    at = Point(units(base, TENTHS), units(total), units(drafted.score.threat_multiplier), units(_FULL))
    value = score_at(DEFAULT_FORMULA, at)
    known = threat.score.model_copy(update={"cvss_base": base, "aivss": value, "severity": severity(value)})
    return threat.model_copy(update={"score": known})


def _placed(layers: dict[LayerKey, LayerThreats], first: Threat) -> dict[LayerKey, LayerThreats]:
    """Assign new places (headline, added threats, others) if the headline is not first or an unplaced threat was
    added. An added headline that has a place keeps it, and so do all others."""
    threats = [threat for layer in layers.values() for threat in layer.threats]
    if all(threat.place is None for threat in threats):
        return layers
    added = [threat for threat in threats if threat.place is None and threat.like is None and not is_proposed(threat)]
    others = sorted((t for t in threats if t.place is not None), key=lambda threat: (threat.place or 0, threat.id))
    keeps = first.place is not None and number_added(first.id) > 0
    if not added and (keeps or (others[0].id, others[0].place) == (first.id, 1)):
        return layers
    added.sort(key=lambda threat: threat.id)
    lead = others[0] if keeps else first
    order = list(dict.fromkeys([lead.id, *(threat.id for threat in added), *(threat.id for threat in others)]))
    places = {name: number for number, name in enumerate(order, start=1)}
    return {
        key: layer.model_copy(
            update={
                "threats": tuple(threat.model_copy(update={"place": places.get(threat.id)}) for threat in layer.threats)
            }
        )
        for key, layer in layers.items()
    }


# ---------------------------------------------------------------- score


def _score(drafted: Draft, reviewed: Draft, first: Threat | None, choice: Choice) -> Score:
    before = drafted.score
    request = _request(drafted, reviewed, first)
    if request == _request(drafted, drafted, headline_of(drafted)):
        scored = _bare(before)
    else:
        scored = score(request, constants=constants_at(before, _inputs(request)), revision=before.revision)
    scored = _withheld(drafted, reviewed, scored, first)
    if scored.withheld is None:
        factor, marks = _controls(drafted, first, choice)
        scored = with_controls(scored, factor, marks) if factor is not None else scored
    return scored.model_copy(update={"without_vendor_claims": _without_claims(before, scored)})


def _withheld(drafted: Draft, reviewed: Draft, scored: Score, first: Threat | None) -> Score:
    """Withhold the score by the drafter's rules; keep the drafted result if nothing changed that these rules read."""
    reason = _why_withheld(scored, first, reviewed)
    before = headline_of(drafted)
    if (scored.likely_low, scored.likely_high) == (drafted.score.likely_low, drafted.score.likely_high) and reason == (
        _why_withheld(_bare(drafted.score), before, drafted)
    ):
        reason = drafted.score.withheld
    return withhold(scored, reason) if reason else scored


def _why_withheld(scored: Score, first: Threat | None, draft: Draft) -> str | None:
    certain = sum(layer.certain for layer in draft.layers.values())
    return why_withheld(scored, first, certain)


def _bare(scored: Score) -> Score:
    """Return a score as it was before withholding and controls."""
    if scored.withheld is None:
        return scored.model_copy(update={"with_controls": None})
    value = scored.provisional
    band = None if value is None else severity(value)
    return scored.model_copy(update={"aivss": value, "severity": band, "withheld": None, "provisional": None})


def _request(drafted: Draft, reviewed: Draft, first: Threat | None) -> Request:
    before = drafted.score
    keys = FACTOR_SETS[before.factor_set or "0.5"]
    given = before.inputs.factors if before.inputs and before.inputs.factors else {}
    return Request(
        cvss_vector=first.score.cvss_vector if first is not None else _own_vector(drafted),
        cvss_base=_base(drafted, reviewed, first),
        factors={key: _range(reviewed, key) for key in (given or keys)},
        factor_set=before.factor_set or "0.5",
        threat_multiplier=before.inputs.threat_multiplier if before.inputs else _point(before.threat_multiplier),
        mitigation_factor=before.inputs.mitigation_factor if before.inputs else _point(before.mitigation_factor),
        formula=before.formula,
        mode=before.mode,
    )


def _own_vector(drafted: Draft) -> str | None:
    """Return the vector of a drafted score that rests on no threat; None if it rests on a threat, even a struck one."""
    return drafted.score.cvss_vector if headline_of(drafted) is None else None


def _base(drafted: Draft, reviewed: Draft, first: Threat | None) -> Range | None:
    before = drafted.score.inputs.cvss_base if drafted.score.inputs else None
    if before is None:
        return _point(drafted.score.cvss_base) if drafted.score.cvss_base is not None else None
    if first is None or first.score.cvss_vector == drafted.score.cvss_vector:
        return before
    base, width = base_of(first.score.cvss_vector), before.high - before.low
    bases = [base_of(threat.score.cvss_vector) for threat in threats_of(reviewed).values() if threat.evidence]
    near = [base, *(other for other in bases if abs(other - base) <= width)]
    return Range(value=base, low=min(near), high=max(near))


def _controls(drafted: Draft, first: Threat | None, choice: Choice) -> tuple[Decimal | None, tuple[str, ...]]:
    """Return the reviewer's mitigation factor, or the drafted factor, which applies only to the drafted headline."""
    if choice.mitigation_factor is not None and choice.evidence:
        return choice.mitigation_factor, choice.evidence
    kept, before = drafted.score.with_controls, headline_of(drafted)
    if kept is None or (before is not None and (first is None or first.id != before.id)):
        return None, ()
    return kept.mitigation_factor, kept.evidence


def constants_at(before: Score, now: ScoreInputs) -> LikelyConstants | None:
    """Return the constants of the likely range for new inputs; None for a draft without a likely range."""
    old, was = before.likely, before.inputs
    drafted, new = ends_of(before.formula, was), ends_of(before.formula, now)
    if old is None or was is None or drafted is None or new is None:
        return None
    share = min(_left_open(now) / _left_open(was), _FULL) if _left_open(was) else Decimal(0)
    over_low = max(drafted.low - (drafted.at - old.below), Decimal(0)) * share
    over_high = max((drafted.at + old.above) - drafted.high, Decimal(0)) * share
    low = min(max(new.at - old.below, new.low - over_low), new.at)
    high = max(min(new.at + old.above, new.high + over_high, _TOP), new.at)
    return LikelyConstants(
        below=(new.at - low).quantize(_FINEST, rounding=ROUND_FLOOR),
        above=(high - new.at).quantize(_FINEST, rounding=ROUND_FLOOR),
        calibration=old.calibration,
    )


class Ends(NamedTuple):
    """The unrounded score and its lower and upper corner."""

    at: Decimal
    low: Decimal
    high: Decimal


def _inputs(request: Request) -> ScoreInputs:
    keys = FACTOR_SETS[request.factor_set or "0.5"]
    return ScoreInputs(
        cvss_base=request.cvss_base,
        factor_sum=sum_ranges(tuple((request.factors or {})[key] for key in keys)),
        threat_multiplier=request.threat_multiplier,
        mitigation_factor=request.mitigation_factor,
    )


def point_of(formula: FormulaId, inputs: ScoreInputs | None) -> Point | None:
    """Return the typical point of a score; None if its inputs lack base or factors, or its formula takes no factors."""
    return typical(inputs) if inputs is not None and formula != "cvss-bte" else None


def ends_of(formula: FormulaId, inputs: ScoreInputs | None) -> Ends | None:
    """Return the score and its corners for these inputs; None if they lack base or factors."""
    at = point_of(formula, inputs)
    found = corners(lambda point: raw(formula, point), inputs) if inputs is not None and at is not None else None
    if at is None or found is None:
        return None
    return Ends(*(exact(capped(raw(formula, point))) for point in (at, found.low, found.high)))


def _left_open(inputs: ScoreInputs) -> Decimal:
    """Return the width of the factor sum's range, which measures what is still undecided."""
    return inputs.factor_sum.high - inputs.factor_sum.low if inputs.factor_sum else Decimal(0)


def _without_claims(before: Score, scored: Score) -> WithoutClaims | None:
    """Return the new score plus the drafted difference without vendor claims; reviewers' decisions are no claims."""
    old = before.without_vendor_claims
    value, was = scored.aivss or scored.provisional, before.aivss or before.provisional
    if old is None or scored.withheld == before.withheld is not None:
        return old
    if scored.withheld is not None:
        return WithoutClaims(aivss=None, severity=None, withheld=scored.withheld)
    if old.aivss is None or value is None or was is None:
        return None
    new = min(value + max(old.aivss - was, Decimal(0)), _TOP)
    return WithoutClaims(aivss=new, severity=severity(new), withheld=None)


# ---------------------------------------------------------------- what is told of it


def _told(posture: str, scored: Score) -> str:
    """Return the drafted posture with the band of the new score."""
    word = f"{scored.severity} before controls" if scored.severity else "Not scored"
    return _BAND.sub(word, posture, count=1)


def _questions(draft: Draft) -> tuple[Question, ...]:
    """Return the questions with the current effect of their answers."""
    base = draft.score.inputs.cvss_base if draft.score.inputs else None
    if base is None:
        return draft.questions
    narrowed = narrowing(draft)
    return tuple(question.model_copy(update={"effect": narrowed(question.settles)}) for question in draft.questions)


def narrowing(draft: Draft) -> Callable[[Sequence[str]], float]:
    """Return a function from settled factors and layers to the score points by which the likely range shrinks."""
    base = draft.score.inputs.cvss_base if draft.score.inputs else None
    if base is None:
        return lambda _: 0.0
    unsure = [key for key in LAYERS if key in draft.layers and not draft.layers[key].certain]
    causes = spread(draft.factors, (float(base.value), float(base.low), float(base.high)), width_of(draft), unsure)
    return lambda settles: effect(settles, causes)


def _sum(draft: Draft) -> Decimal:
    return sum((draft.factors[key].value for key in FACTOR_SETS[draft.score.factor_set or "0.5"]), Decimal(0))


def _range(draft: Draft, key: FactorKey) -> Range:
    one = draft.factors[key]
    return Range(value=one.value, low=one.low, high=one.high)


def _point(value: Decimal) -> Range:
    return Range(value=value, low=value, high=value)
