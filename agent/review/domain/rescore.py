"""Rescores a reviewed draft by the drafter's own rules.

    headline     the reviewer's choice, if there is one. Otherwise the drafted headline, until it is struck or made
                 milder, or another threat in default use is added or made more severe; from then on, by the drafter's
                 rule, the most severe supported threat in default use. For older drafts: the drafted headline or, once
                 it is gone, the first remaining threat with a quote
    base         the base score of the headline's vector. Its range is the drafted one while the headline and its vector
                 are unchanged; otherwise it covers the bases of the remaining threats that lie within the width of the
                 drafted range
    factors      the current values, with their ranges
    likely       the drafted constants, applied to the new raw score. A drafted range may reach beyond the corners,
                 since drafts err by more than the ranges of their factors; this excess shrinks to nothing as more is
                 decided
    withheld     for the same reasons as in the drafter

A draft with unchanged inputs keeps its score exactly, so confirming never changes a score.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Decimal
from operator import attrgetter
from typing import Final, NamedTuple

from agent.drafting.conditions_for_use import proposal_of, weighed
from agent.drafting.score import why_withheld
from agent.drafting.threats.cvss_vectors import base_of
from agent.drafting.threats.headline import choose, is_supported
from agent.records import (
    Condition,
    Draft,
    FormulaId,
    LikelyConstants,
    Range,
    Residual,
    Score,
    ScoreInputs,
    Threat,
    WithoutClaims,
)
from agent.report.view import View, is_proposed, number_added, place_of
from agent.review.domain.items import shares, threats_of, with_basis, with_threats
from agent.review.domain.records import Plain, ScoreShown, replaced
from agent.scoring import Request, score, severity, with_controls, withhold
from agent.scoring.aivss import TENTHS, Point, capped, exact, raw, units
from agent.scoring.interval import corners, score_at, sum_ranges, typical
from agent.scoring.tables import DEFAULT_FORMULA
from agent.taxonomy.factors import FACTOR_SETS, FactorSet

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
    advice, before = reviewed.advice, drafted.advice
    if advice is None:
        return reviewed
    was, now = threats_of(drafted), threats_of(reviewed)
    key = attrgetter("score.cvss_vector", "default_use")
    same = {name for name, threat in now.items() if name in was and key(threat) == key(was[name])}
    conditions, residual = advice.conditions, advice.residual
    if len(same) < max(len(was), len(now)):
        conditions = tuple(
            replaced(
                one,
                threats=tuple(name for name in one.threats if name in now),
                after={name: base for name, base in one.after.items() if name in same},
            )
            for one in conditions
            if not one.threats or not now.keys().isdisjoint(one.threats)
        )
        residual = _residual(now, same, conditions, before.residual if before else None)
    asked, had = bool(reviewed.questions), bool(drafted.questions)
    own = proposal_of(reviewed.score, residual, asked=asked)
    if before is not None and before.proposal != proposal_of(drafted.score, before.residual, asked=had):
        # The drafted proposal is not the one that the score gives, so it is the LLM's.
        own = weighed(before.proposal, reviewed.score, residual, asked=asked, conditions=bool(conditions))
    return replaced(reviewed, advice=replaced(advice, proposal=own, conditions=conditions, residual=residual))


def _residual(
    now: Mapping[str, Threat], same: set[str], conditions: Sequence[Condition], before: Residual | None
) -> Residual | None:
    usual = [threat for threat in now.values() if threat.default_use]
    left: dict[str, Decimal] = {}
    for threat in usual:
        bases = [threat.score.cvss_base, *(each.after[threat.id] for each in conditions if threat.id in each.after)]
        # The drafted residual is the maximum over all threats with every condition in place, so no threat was higher.
        bases += [before.after] if before is not None and threat.id in same else []
        left[threat.id] = min(bases)
    last = max(usual, key=lambda threat: (left[threat.id], threat.score.cvss_base), default=None)
    if last is None:
        return None
    return Residual(before=max(threat.score.cvss_base for threat in usual), after=left[last.id], threat=last.id)


class Choice(NamedTuple):
    """A reviewer's decisions on the score itself."""

    headline: str | None = None
    """Id of the chosen threat."""
    mitigation_factor: Decimal | None = None
    evidence: tuple[str, ...] = ()
    """Ids of the evidence for the mitigation factor."""

    @classmethod
    def of(cls, edits: Plain, attached: Sequence[str] = ()) -> "Choice":
        """Build the choice from corrections of the score and the quotes attached to it."""
        factor = edits.get("mitigation_factor")
        cited = dict.fromkeys((*edits.get("evidence", ()), *attached))
        return cls(edits.get("headline"), Decimal(str(factor)) if factor is not None else None, tuple(cited))


def rescore(drafted: Draft, reviewed: Draft, choice: Choice) -> Draft:
    """Recompute every number of `reviewed` from its threats, factors and flags.

    `drafted` is the draft as the drafter produced it: it provides constants, formula and all unchanged values. Raises
    InputError for a vector or mitigation factor that cannot be scored.
    """
    reviewed = _scored_threats(drafted, reviewed)
    first = _headline(drafted, reviewed, choice)
    scored = _score(drafted, reviewed, first, choice)
    made = replaced(_placed(reviewed, first) if first is not None else reviewed, score=scored)
    if scored != drafted.score:
        if made.product.posture == drafted.product.posture:
            word = f"{scored.severity} before controls" if scored.severity else "Not scored"
            posture = _BAND.sub(word, made.product.posture, count=1)
            made = replaced(made, product=replaced(made.product, posture=posture))
        if scored.inputs is not None and scored.inputs.cvss_base is not None:
            share = shares(made)
            made = replaced(made, questions=tuple(replaced(one, effect=share(one.settles)) for one in made.questions))
    return advised(drafted, made)


def shown(scored: Score) -> ScoreShown:
    """Convert a score to the form shown on pages."""
    low, high = scored.likely_low, scored.likely_high
    return ScoreShown(aivss=scored.aivss, severity=scored.severity, low=low, high=high, withheld=scored.withheld)


def headline_of(draft: Draft) -> Threat | None:
    """Return the threat whose vector sets the score, or None."""
    first = View(draft).headline
    return first.threat if first is not None and first.threat.score.cvss_vector == draft.score.cvss_vector else None


def raw_score(draft: Draft) -> Decimal:
    """Return the unrounded score, even if it is withheld; without inputs, the rounded score, or 0 if there is none."""
    ends = ends_of(draft.score.formula, draft.score.inputs)
    return ends.at if ends is not None else draft.score.aivss or draft.score.provisional or Decimal(0)


# ---------------------------------------------------------------- headline and threats


def _headline(drafted: Draft, reviewed: Draft, choice: Choice) -> Threat | None:
    standing, was = threats_of(reviewed), threats_of(drafted)
    chosen = standing.get(choice.headline or "")
    if chosen is not None and chosen.evidence:
        return chosen
    before = headline_of(drafted)
    kept = standing.get(before.id) if before is not None else None
    if all(threat.basis is None for threat in was.values()):
        if kept is not None:
            return kept
        places = {threat.id: threat.place for threat in standing.values() if threat.place is not None}
        able = [one for one in standing.values() if one.evidence and not is_proposed(one)]
        return min(able, key=lambda one: (place_of(one, places), -one.score.cvss_base, one.id), default=None)
    ranked = sorted(map(with_basis, standing.values()), key=lambda one: (one.place is None, one.place or 0, one.id))
    if kept is not None and before is not None and kept.evidence and kept.score.cvss_base >= before.score.cvss_base:
        graver = (
            threat for threat in ranked
            if is_supported(threat) and threat.score.cvss_base > kept.score.cvss_base
            and (threat.id not in was or threat.score.cvss_base > was[threat.id].score.cvss_base)
        )  # fmt: skip
        if next(graver, None) is None:
            return kept
    found = choose(ranked)
    return standing[found.id] if found is not None else None


def _scored_threats(drafted: Draft, reviewed: Draft) -> Draft:
    """Rescore the threats under the reviewed factors as the drafter does: AIVSS 0.8, mitigation factor 1."""
    total, was = _sum(reviewed), threats_of(drafted)
    moved = total != _sum(drafted)

    def scored(threat: Threat) -> Threat:
        before = was.get(threat.id)
        if not moved and before is not None and before.score.cvss_vector == threat.score.cvss_vector:
            return threat
        base = base_of(threat.score.cvss_vector)
        at = Point(units(base, TENTHS), units(total), units(drafted.score.threat_multiplier), units(_FULL))
        value = score_at(DEFAULT_FORMULA, at)
        return replaced(threat, score=replaced(threat.score, cvss_base=base, aivss=value, severity=severity(value)))

    return with_threats(reviewed, scored)


def _placed(draft: Draft, first: Threat) -> Draft:
    """Assign new places (headline, added threats, others) if the headline is not first or an added threat has none."""
    threats = [threat for layer in draft.layers.values() for threat in layer.threats]
    others = sorted((t for t in threats if t.place is not None), key=lambda threat: (threat.place or 0, threat.id))
    if not others:
        return draft
    added = [threat for threat in threats if threat.place is None and threat.like is None and not is_proposed(threat)]
    keeps = first.place is not None and number_added(first.id) > 0
    if not added and (keeps or (others[0].id, others[0].place) == (first.id, 1)):
        return draft
    added.sort(key=lambda threat: threat.id)
    order = dict.fromkeys(threat.id for threat in (others[0] if keeps else first, *added, *others))
    places = {name: number for number, name in enumerate(order, start=1)}
    return with_threats(draft, lambda threat: replaced(threat, place=places.get(threat.id)))


# ---------------------------------------------------------------- score


def _score(drafted: Draft, reviewed: Draft, first: Threat | None, choice: Choice) -> Score:
    before, led = drafted.score, headline_of(drafted)
    request = _request(drafted, reviewed, first)
    if request == _request(drafted, drafted, led):
        scored = _bare(before)
    else:
        inputs = ScoreInputs(
            cvss_base=request.cvss_base,
            factor_sum=sum_ranges(tuple((request.factors or {})[key] for key in FACTOR_SETS[_set_of(drafted)])),
            threat_multiplier=request.threat_multiplier,
            mitigation_factor=request.mitigation_factor,
        )
        scored = score(request, constants=constants_at(before, inputs), revision=before.revision)
    # Keep the drafted reason for showing no score unless an input of the drafter's rules has changed.
    reason = _why_withheld(scored, first, reviewed)
    same = (scored.likely_low, scored.likely_high) == (before.likely_low, before.likely_high)
    if same and reason == _why_withheld(_bare(before), led, drafted):
        reason = before.withheld
    if reason:
        scored = withhold(scored, reason)
    elif choice.mitigation_factor is not None and choice.evidence:
        scored = with_controls(scored, choice.mitigation_factor, choice.evidence)
    # The drafted mitigation factor applies only to the drafted headline.
    elif before.with_controls is not None and (led is None or (first is not None and first.id == led.id)):
        scored = with_controls(scored, before.with_controls.mitigation_factor, before.with_controls.evidence)
    return replaced(scored, without_vendor_claims=_without_claims(before, scored))


def _why_withheld(scored: Score, first: Threat | None, draft: Draft) -> str | None:
    return why_withheld(scored, first, sum(layer.certain for layer in draft.layers.values()))


def _bare(scored: Score) -> Score:
    """Return a score as it was before withholding and controls."""
    if scored.withheld is None:
        return replaced(scored, with_controls=None)
    value = scored.provisional
    band = None if value is None else severity(value)
    return replaced(scored, aivss=value, severity=band, withheld=None, provisional=None)


def _request(drafted: Draft, reviewed: Draft, first: Threat | None) -> Request:
    before, own = drafted.score, drafted.score.cvss_vector
    base = before.inputs.cvss_base if before.inputs else None
    if first is not None and base is not None and first.score.cvss_vector != own:
        at, width = base_of(first.score.cvss_vector), base.high - base.low
        bases = (base_of(threat.score.cvss_vector) for threat in threats_of(reviewed).values() if threat.evidence)
        near = [at, *(other for other in bases if abs(other - at) <= width)]
        base = Range(value=at, low=min(near), high=max(near))
    keys = (before.inputs.factors if before.inputs else None) or FACTOR_SETS[_set_of(drafted)]
    factors = {key: reviewed.factors[key] for key in keys}
    return Request(
        # If no threat is left, keep the drafted vector only if the drafted score rested on no threat.
        cvss_vector=first.score.cvss_vector if first is not None else own if headline_of(drafted) is None else None,
        cvss_base=base,
        factors={key: Range(value=one.value, low=one.low, high=one.high) for key, one in factors.items()},
        factor_set=_set_of(drafted),
        threat_multiplier=before.inputs.threat_multiplier if before.inputs else _point(before.threat_multiplier),
        mitigation_factor=before.inputs.mitigation_factor if before.inputs else _point(before.mitigation_factor),
        formula=before.formula,
        mode=before.mode,
    )


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
    below, above = (end.quantize(_FINEST, rounding=ROUND_FLOOR) for end in (new.at - low, high - new.at))
    return LikelyConstants(below=below, above=above, calibration=old.calibration)


class Ends(NamedTuple):
    """The unrounded score and its lower and upper corner."""

    at: Decimal
    low: Decimal
    high: Decimal


def point_of(formula: FormulaId, inputs: ScoreInputs | None) -> Point | None:
    """Return the typical point of a score; None if its inputs lack base or factors, or its formula takes no factors."""
    return typical(inputs) if inputs is not None and formula != "cvss-bte" else None


def ends_of(formula: FormulaId, inputs: ScoreInputs | None) -> Ends | None:
    """Return the score and its corners for these inputs; None if they lack base or factors, or the formula takes
    no factors."""
    at = point_of(formula, inputs)
    found = corners(lambda point: raw(formula, point), inputs) if inputs is not None and at is not None else None
    if at is None or found is None:
        return None
    return Ends(*(exact(capped(raw(formula, point))) for point in (at, found.low, found.high)))


def _left_open(inputs: ScoreInputs) -> Decimal:
    """Return the width of the factor sum's range, which measures what is still undecided."""
    return inputs.factor_sum.high - inputs.factor_sum.low if inputs.factor_sum else Decimal(0)


def _without_claims(before: Score, scored: Score) -> WithoutClaims | None:
    """Return the score without vendor claims: the new score plus the drafted difference. Reviewers' decisions do not
    count as claims."""
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


def _sum(draft: Draft) -> Decimal:
    return sum((draft.factors[key].value for key in FACTOR_SETS[_set_of(draft)]), Decimal(0))


def _set_of(draft: Draft) -> FactorSet:
    return draft.score.factor_set or "0.5"


def _point(value: Decimal) -> Range:
    return Range(value=value, low=value, high=value)
