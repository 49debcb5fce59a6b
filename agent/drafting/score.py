"""The score of a draft: AIVSS 0.8 from the headline's base and the ten factors, before controls.

Two further scores accompany it: one that counts the documented controls named by the headline's pattern (rank 3 or
more, on by default), and one in which the vendor's general claims do not lower the score.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, Protocol

from agent.drafting.threats.catalogue import load_catalogue
from agent.drafting.threats.expressions import CONTROL_RANK, FactIndex
from agent.drafting.threats.selection import Found, find_threats
from agent.drafting.threats.severity import MITIGATION, THREAT_MULTIPLIER, point
from agent.drafting.withholding import why_withheld
from agent.facts.sheet import counted, without
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, FactorEstimate, FactSheet, LikelyConstants, Range, Score, WithoutClaims
from agent.scoring import Request, score, severity, with_controls, withhold
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LayerKey

STEPS: Final = tuple(map(Decimal, ("1.00", "0.94", "0.88", "0.83")))
"""Mitigation factor by number of controls. The last is AIVSS 0.8's "partial", the limit for untested controls."""
USUAL_BASE: Final = Range(value=Decimal("7.6"), low=Decimal("6.0"), high=Decimal("8.7"))
"""Base of the provisional score if no threat in default use was found.

Measured on a third of the bundled cases: for cards without such a threat, readers give the full listing a mean base of
7.61, and the median base of its draft is 7.6."""


class Certain(Protocol):
    """An object that knows whether a layer is certain."""

    @property
    def certain(self) -> bool:
        """Whether verified facts settle the layer."""


def score_of(
    found: Found,
    factors: Mapping[FactorKey, FactorEstimate],
    certainty: Mapping[LayerKey, Certain],
    sheet: FactSheet,
    *,
    constants: Callable[[Decimal], LikelyConstants] | None = None,
    bare_factors: Mapping[FactorKey, FactorEstimate] | None = None,
) -> Score:
    """Compute the score and its headline, withholding the score if the evidence does not support it.

    `constants` returns the likely range of a raw score; if omitted, there is no range. `bare_factors` are the factors
    of `without_claims(sheet)`; if given, `without_vendor_claims` uses the higher value of each factor.
    """
    certain = sum(one.certain for one in certainty.values())
    scored = _scored(found, factors, certain, constants)
    if scored.withheld is None:
        scored = _with_controls(scored, found, sheet)
    return scored.model_copy(
        update={"without_vendor_claims": _beside(scored, found, factors, bare_factors, certain, constants, sheet)}
    )


def _scored(
    found: Found,
    factors: Mapping[FactorKey, FactorEstimate],
    certain: int,
    constants: Callable[[Decimal], LikelyConstants] | None,
) -> Score:
    base = found.base if found.headline and found.base else USUAL_BASE
    request = Request(
        cvss_vector=found.headline.score.cvss_vector if found.headline else None,
        cvss_base=base,
        factors={key: _range(factors[key]) for key in FACTOR_SETS["0.5"]},
        factor_set="0.5",
        threat_multiplier=point(THREAT_MULTIPLIER),
        mitigation_factor=point(MITIGATION),
        formula="aivss-0.8",
        mode="directory",
    )
    total = sum((factors[key].value for key in FACTOR_SETS["0.5"]), Decimal(0))
    scored = score(request, constants=constants(raw_score(base.value, total)) if constants else None)
    reason = why_withheld(scored, found.headline, certain)
    return withhold(scored, reason) if reason else scored


def raw_score(base: Decimal, factor_sum: Decimal) -> Decimal:
    """Compute the unrounded AIVSS 0.8 score before controls: base + (10 − base) · sum / 10 · 0.97."""
    return base + (10 - base) * factor_sum / 10 * THREAT_MULTIPLIER


# ---------------------------------------------------------------- with controls


def counted_controls(found: Found, sheet: FactSheet) -> tuple[Fact, ...]:
    """Find the controls (rank 3 or more, on by default) that mitigate the headline and are not yet in its vector."""
    headline = found.headline
    pattern = load_catalogue().patterns.get(headline.like or headline.id) if headline else None
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


def _with_controls(scored: Score, found: Found, sheet: FactSheet) -> Score:
    controls = counted_controls(found, sheet)
    if not controls:
        return scored
    factor = STEPS[min(len(controls), len(STEPS) - 1)]
    cited = tuple(dict.fromkeys(mark for fact in controls for mark in fact.evidence))
    return with_controls(scored, factor, cited)


# ---------------------------------------------------------------- without the vendor's claims


def without_claims(sheet: FactSheet) -> FactSheet:
    """Drop facts of rank 2 or less that lower the score: vaguely described controls, limits and denials."""
    words = load_vocabulary()
    gone = [
        fact.id
        for fact in counted(sheet)
        if fact.rank < CONTROL_RANK and words[fact.key].comforting != (fact.polarity == "denied")
    ]
    return without(sheet, *gone) if gone else sheet


def _beside(
    scored: Score,
    found: Found,
    factors: Mapping[FactorKey, FactorEstimate],
    bare_factors: Mapping[FactorKey, FactorEstimate] | None,
    certain: int,
    constants: Callable[[Decimal], LikelyConstants] | None,
    sheet: FactSheet,
) -> WithoutClaims:
    bare = without_claims(sheet)
    higher = {key: max(one, bare_factors[key], key=_value) if bare_factors else one for key, one in factors.items()}
    if bare is sheet and higher == dict(factors):
        return WithoutClaims(aivss=scored.aivss, severity=scored.severity, withheld=scored.withheld)
    plain = _scored(find_threats(bare, found.kind, higher, found.judgement, found.usual), higher, certain, constants)
    same = _scored(found, higher, certain, constants)
    if scored.withheld is not None:
        return WithoutClaims(aivss=None, severity=None, withheld=scored.withheld)
    values = [one.aivss for one in (scored, plain, same) if one.aivss is not None]
    return WithoutClaims(aivss=max(values), severity=severity(max(values)), withheld=None)


def _value(estimate: FactorEstimate) -> Decimal:
    return estimate.value


def _range(estimate: FactorEstimate) -> Range:
    return Range(value=estimate.value, low=estimate.low, high=estimate.high)
