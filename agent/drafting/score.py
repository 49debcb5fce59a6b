"""The score of a draft: AIVSS 0.8 from the headline's base and the ten factors, before controls.

Two further scores accompany it: one that counts the documented controls listed in the headline's pattern (rank 3 or
more, on by default), and one in which the vendor's general claims do not lower the score.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from agent.drafting.score_range import MAX_BANDS, bands_spanned
from agent.drafting.threats.catalogue import load_catalogue
from agent.drafting.threats.expressions import FactIndex
from agent.drafting.threats.selection import Found, find_threats
from agent.drafting.threats.severity import THREAT_MULTIPLIER, Factors, aivss_request
from agent.facts.sheet import CONTROL_RANK, comforts, counted, without
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, FactSheet, LikelyConstants, Range, Score, Threat, WithoutClaims
from agent.scoring import score, severity, with_controls, withhold
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS

STEPS: Final = tuple(map(Decimal, ("1.00", "0.94", "0.88", "0.83")))
"""Mitigation factor by number of controls. The last is AIVSS 0.8's "partial", the limit for untested controls."""
USUAL_BASE: Final = Range(value=Decimal("7.6"), low=Decimal("6.0"), high=Decimal("8.7"))
"""Base of the provisional score if no threat in default use was found. The cards of a third of the bundled cases have
no such threat; readers give their full listings 7.61 on average. The median of drafts from full listings is 7.6."""
CERTAIN_NEEDED: Final = 2
"""Minimum number of certain layers for showing a score."""

Constants = Callable[[Decimal], LikelyConstants]
"""Function from a raw score to its likely range."""


def score_of(
    found: Found,
    factors: Factors,
    certain: int,
    sheet: FactSheet,
    *,
    constants: Constants | None = None,
    bare_factors: Factors | None = None,
) -> Score:
    """Compute the score of a draft, and withhold it if the evidence does not support it.

    `certain` is the number of certain layers. Without `constants`, there is no range. `bare_factors` are the factors of
    `without_claims(sheet)`; if given, `without_vendor_claims` uses the higher value of each factor.
    """
    scored = _scored(found, factors, certain, constants)
    controls = counted_controls(found, sheet) if scored.withheld is None else ()
    if controls:
        cited = tuple(dict.fromkeys(mark for fact in controls for mark in fact.evidence))
        scored = with_controls(scored, STEPS[min(len(controls), len(STEPS) - 1)], cited)
    bare = without_claims(sheet)
    higher = {
        key: max(one, bare_factors[key], key=lambda each: each.value) if bare_factors else one
        for key, one in factors.items()
    }
    plain = WithoutClaims(aivss=scored.aivss, severity=scored.severity, withheld=scored.withheld)
    if scored.withheld is None and (bare is not sheet or higher != dict(factors)):
        again = find_threats(bare, found.kind, higher, found.judgement, found.usual)
        both = (_scored(again, higher, certain, constants), _scored(found, higher, certain, constants))
        highest = max(one.aivss for one in (scored, *both) if one.aivss is not None)
        plain = WithoutClaims(aivss=highest, severity=severity(highest), withheld=None)
    return scored.model_copy(update={"without_vendor_claims": plain})


def _scored(found: Found, factors: Factors, certain: int, constants: Constants | None) -> Score:
    base = found.base if found.headline and found.base else USUAL_BASE
    ten = {key: factors[key] for key in FACTOR_SETS["0.5"]}
    request = aivss_request(
        cvss_vector=found.headline.score.cvss_vector if found.headline else None,
        cvss_base=base,
        factors={key: Range(value=one.value, low=one.low, high=one.high) for key, one in ten.items()},
        factor_set="0.5",
    )
    total = sum((one.value for one in ten.values()), Decimal(0))
    scored = score(request, constants=constants(raw_score(base.value, total)) if constants else None)
    reason = why_withheld(scored, found.headline, certain)
    return withhold(scored, reason) if reason else scored


def raw_score(base: Decimal, factor_sum: Decimal) -> Decimal:
    """Compute the unrounded AIVSS 0.8 score before controls: base + (10 − base) · sum / 10 · 0.97."""
    return base + (10 - base) * factor_sum / 10 * THREAT_MULTIPLIER


def counted_controls(found: Found, sheet: FactSheet) -> tuple[Fact, ...]:
    """Find the controls (rank 3 or more, on by default) that mitigate the headline and are not yet in its vector."""
    headline = found.headline
    pattern = load_catalogue().every.get(headline.like or headline.id) if headline else None
    if headline is None or pattern is None:
        return ()
    facts = FactIndex(sheet, found.kind)
    entered = headline.score.cvss_vector.split("/UI:")[1][0] == "A"
    controls: list[Fact] = []
    for key in pattern.controls:
        if key == "approval_before":
            controls += () if entered else facts.approvals(pattern.confirms)[:1]
        elif load_vocabulary()[key].claim == "control":
            controls += facts.says(key, "asserted", CONTROL_RANK)[:1]
    return tuple(controls)


def without_claims(sheet: FactSheet) -> FactSheet:
    """Drop facts of rank 2 or less that lower the score: vaguely described controls, limits and denials."""
    gone = [fact.id for fact in counted(sheet) if fact.rank < CONTROL_RANK and comforts(fact)]
    return without(sheet, *gone) if gone else sheet


def why_withheld(scored: Score, headline: Threat | None, certain: int) -> str | None:
    """Return why the score is withheld, or None if it is shown. `certain` is the number of certain layers, 0 to 7."""
    if headline is None or not headline.evidence:
        return "no threat in default use is supported by a quote"
    if certain < CERTAIN_NEEDED:
        return f"{f'only {certain}' if certain else 'none'} of the {len(LAYERS)} layers is certain"
    if scored.likely_low is not None and scored.likely_high is not None:
        spanned = bands_spanned(scored.likely_low, scored.likely_high)
        if spanned > MAX_BANDS:
            return f"the likely range {scored.likely_low}–{scored.likely_high} spans {spanned} severity bands"
    return None
