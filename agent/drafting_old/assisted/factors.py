"""Factors with an LLM: two calls that ask for the eleven values, and what their checked answers do to the estimates.

An answer moves a value only by a claim that quotes about the product carry. What these allow downwards is `grounds`'s
to say, how far the value then moves `combine`'s. The proposal becomes one more part of the factor, so that the parts
still add up.
"""

import dataclasses
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from agent.drafting_old.assisted.asking import Ask
from agent.drafting_old.assisted.checking import Carried, Checked, cite
from agent.drafting_old.assisted.grounds import Ground, lowering, says_so, standing
from agent.drafting_old.assisted.proposals import CLAIMS_DROPPED, NOT_ANSWERED, Item, Notes, Proposals
from agent.drafting_old.assisted.prose import of_product, told, unused
from agent.drafting_old.assisted.shapes import FactorItem, FactorsAnswer
from agent.drafting_old.combine import FREEING_RANK, Combined, Proposal, combine, unrounded
from agent.drafting_old.composition import Composition
from agent.drafting_old.exemplars import Exemplar
from agent.drafting_old.factors import FactorResult
from agent.drafting_old.ledger import Ledger
from agent.llm.prompts import cards
from agent.llm.schema import unit
from agent.records import Dropped, FactorEstimate, Lowering, MadeBy, Missing, Part, State
from agent.taxonomy.keys import FACTORS, FactorKey

PROMPT: Final = "factors"
GROUPS: Final[tuple[tuple[FactorKey, ...], ...]] = (FACTORS[:5], FACTORS[5:])
"""Which factors each call asks for; two calls of like length are done sooner than one."""
SENTENCES: Final = 2
"""Of the LLM's paragraph, in a rationale."""
EXAMPLE_CHARS: Final = 160
REASONS: Final = 3
"""Named with each estimate that the LLM is shown."""
INSUFFICIENT: Final = Missing(reason="too-little-evidence", detail="the LLM found that the quotes do not suffice")
NO_CLAIM_LEFT: Final = Missing(
    reason="claims-dropped", detail="no claim of the LLM is left that quotes about the product carry"
)
OUT_OF_RANGE: Final = Missing(
    reason="invalid-schema", detail="the value that the LLM proposes lies outside the range that it gives"
)
CONTROLS_ONLY: Final = Missing(
    reason="control-claim-only",
    detail=f"the LLM proposes less for controls of rank {FREEING_RANK - 1} or less, of some actions only or of another "
    "matter, which lower nothing",
)
_ANSWERED: Final = frozenset(("claims-dropped", "not-answered"))
"""Reasons that are about an answer; any other means that the call failed."""
_DIGITS: Final = 4
_CENTS: Final = 2
_TEN: Final = 10


class _Move(NamedTuple):
    """What a proposal does to one estimate."""

    combined: Combined
    before: float
    """The estimate before rounding."""
    total: float
    """The combination before rounding."""
    ground: Ground
    """What of the quotes stands behind it."""


# ---------------------------------------------------------------- asking


def asks(
    interim: Composition, examples: Sequence[Exemplar], only: Collection[FactorKey] | None = None
) -> tuple[Ask[FactorsAnswer], ...]:
    """The calls about the factors, or about those of `only`; a call with none of them is left out."""
    found = []
    for number, group in enumerate(GROUPS, start=1):
        keys = tuple(key for key in group if only is None or key in only)
        if keys:
            values = {
                "cards": "\n".join(_card(key) for key in keys),
                "examples": "\n".join(_example(exemplar, keys) for exemplar in examples) or "- none",
                "estimates": "\n".join(_estimate(key, interim.factors[key]) for key in keys),
            }
            found.append(Ask(stage=f"{PROMPT}-{number}", prompt=PROMPT, values=values, shape=FactorsAnswer, keys=keys))
    return tuple(found)


def _card(key: FactorKey) -> str:
    """A factor's rubric: what 0, 5 and 10 mean, what raises and what lowers; that says what it is, too."""
    card = cards()[key]
    anchors = " ".join(f"{tenths}: {text}" for tenths, text in zip((0, 5, 10), card.anchors.values(), strict=True))
    body = " ".join(card.render().replace("\n- ", "\n").split())
    return f"- {key}\n  {anchors}\n  {body}"


def _example(exemplar: Exemplar, keys: Sequence[FactorKey]) -> str:
    summary = exemplar.summary
    if len(summary) > EXAMPLE_CHARS:
        summary = summary[:EXAMPLE_CHARS].rsplit(" ", 1)[0].rstrip(".,;:…") + "…"
    labels = ", ".join(f"{key} {_tenths(exemplar.factors[key])}" for key in keys if key in exemplar.factors)
    return f"- {exemplar.who.name}: {summary} | {labels or 'no label'}"


def _estimate(key: FactorKey, estimate: FactorEstimate) -> str:
    """The embedded value and range in tenths, and what moved it most; no word of the sources."""
    evidence = sorted((part for part in estimate.parts if part.evidence), key=lambda part: -abs(part.effect))
    reasons = "; ".join(("" if part.effect > 0 else "lower: ") + part.label for part in evidence[:REASONS])
    numbers = f"{_tenths(estimate.value)} ({_tenths(estimate.low)} to {_tenths(estimate.high)})"
    return f"- {key} {numbers}: {reasons or 'nothing found, usual for such a product'}"


def _tenths(value: Decimal | float) -> int:
    return round(float(value) * _TEN)


# ---------------------------------------------------------------- combining


def combined(estimated: FactorResult, proposals: Proposals, ledger: Ledger) -> tuple[FactorResult, Notes]:
    """The estimates with the proposals worked in; `estimated` is the embedded drafter's and cited in `ledger`.

    A factor without a usable proposal keeps the embedded value, range and parts; where the call failed its state is
    unknown as well, since nobody read the sources for it as was asked. What the LLM lowered is in the notes and not
    in the result's own lowerings.
    """
    made: dict[FactorKey, FactorEstimate] = {}
    notes = Notes()
    for key in FACTORS:
        item = proposals.factors.get(key)
        if item is None:
            why = proposals.missing.get(f"factors/{key}", NOT_ANSWERED)
            made[key], new = _without(estimated.factors[key], why), _embedded(key, why, ())
        else:
            made[key], new = _with(key, estimated.factors[key], item, proposals, ledger)
        notes = notes.plus(new)
    return dataclasses.replace(estimated, factors=made), notes


def _without(estimate: FactorEstimate, why: Missing) -> FactorEstimate:
    """The embedded estimate; unknown when the call failed."""
    if why.reason in _ANSWERED:
        return estimate
    rationale = f"The LLM could not be asked ({why.detail}); the embedded estimate stands alone. {estimate.rationale}"
    return estimate.model_copy(update={"state": "unknown", "rationale": rationale})


def _embedded(key: FactorKey, why: Missing, lost: tuple[Dropped, ...]) -> Notes:
    return Notes(made=(MadeBy(part=f"factors/{key}", by="embedded", missing=why),), dropped=lost)


def _with(
    key: FactorKey, estimate: FactorEstimate, item: Item[FactorItem], proposals: Proposals, ledger: Ledger
) -> tuple[FactorEstimate, Notes]:
    part = f"factors/{key}"
    shown = proposals.shown
    checked, lost = of_product(part, item.checked, shown)
    outcome: _Move | Missing | None = _refusal(item, checked)
    if outcome is None:
        outcome = _move(key, estimate, item.said, checked.claims, proposals)
    if isinstance(outcome, Missing):
        rows = tuple(unused(part, claim, outcome.detail) for claim in checked.claims)
        return estimate, _embedded(key, outcome, (*lost, *rows))
    best = cite([outcome.ground.best], shown, ledger)[0]
    marks = [mark for claim in checked.claims for mark in cite(claim.places, shown, ledger)]
    evidence = (best, *marks, *estimate.evidence) if _moved(outcome) else (*estimate.evidence, *marks)
    effect = round(outcome.total - sum(row.effect for row in estimate.parts), _DIGITS)
    addend = Part(kind="proposal", label=_label(item.said, outcome), effect=effect, evidence=best)
    words, _ = told(item.said.paragraph, checked, shown, ledger, SENTENCES)
    proposes = f"The LLM proposes {unit(item.said.value):.1f}"
    made = FactorEstimate(
        value=outcome.combined.value,
        low=outcome.combined.low,
        high=outcome.combined.high,
        state=_state(
            estimate.state, said_so=says_so(key, checked.claims, shown), raised=outcome.total > outcome.before
        ),
        parts=(*estimate.parts, addend),
        rationale=f"{_start(estimate)} {proposes}: {words}" if words else f"{_start(estimate)} {proposes}.",
        evidence=tuple(dict.fromkeys(evidence)),
    )
    lowerings = _lowerings(key, estimate, outcome, best)
    return made, Notes((MadeBy(part=part, by="both"),), lost, lowerings)


def _refusal(item: Item[FactorItem], checked: Checked) -> Missing | None:
    """Why a proposal is not used at all; None when it may move the value."""
    said = item.said
    if not said.low <= said.value <= said.high:
        return OUT_OF_RANGE
    if said.sufficiency == "insufficient":
        return INSUFFICIENT
    if item.checked.lost_most:
        return CLAIMS_DROPPED
    if not checked.claims:
        return NO_CLAIM_LEFT if item.checked.proposed else NOT_ANSWERED
    return None


def _move(
    key: FactorKey, estimate: FactorEstimate, said: FactorItem, claims: Sequence[Carried], proposals: Proposals
) -> _Move | Missing:
    """What the proposal comes to, or why it may not lower."""
    proposed = float(unit(said.value))
    before = min(max(round(sum(part.effect for part in estimate.parts), _DIGITS), 0.0), 1.0)
    ground = standing(claims, proposals.shown)
    total = unrounded(key, estimate, Proposal(proposed, ground.rank), proposals.constants)
    if total < before:
        found = lowering(key, estimate, before, claims, proposals.shown)
        if found is None:
            return CONTROLS_ONLY
        ground = found
    proposal = Proposal(proposed, ground.rank, ground.most)
    total = unrounded(key, estimate, proposal, proposals.constants)
    return _Move(combine(key, estimate, proposal, proposals.constants), before, total, ground)


# ---------------------------------------------------------------- telling


def _moved(move: _Move) -> bool:
    return round(move.total, _CENTS) != round(move.before, _CENTS)


def _label(said: FactorItem, move: _Move) -> str:
    """What was proposed and what became of it."""
    label = f"the LLM proposes {unit(said.value):.1f}, weighed with the estimate"
    if move.combined.held is None:
        return label
    if move.combined.held == "most":
        return f"{label}; held: {move.ground.limit}"
    side = "lower" if move.combined.held == "below" else "upper"
    return f"{label}; held at the {side} end of its range, as no quote of rank {FREEING_RANK} bears it out"


def _state(embedded: State, *, said_so: bool, raised: bool) -> State:
    """A quote's word counts; where quotes disagree, that is said."""
    if embedded == "contradicted" or (embedded == "denied" and not raised):
        return embedded
    if embedded == "denied":
        return "contradicted"
    return "claimed" if embedded == "claimed" or said_so else "inferred"


def _start(estimate: FactorEstimate) -> str:
    """The embedded rationale, except that it must not say that there is nothing where the LLM found something."""
    if estimate.state != "unknown" or not estimate.parts:
        return estimate.rationale
    first = estimate.parts[0]
    return f"The estimator found no word that bears on it; {first.effect:.2f} is usual for {first.label}."


def _lowerings(key: FactorKey, estimate: FactorEstimate, move: _Move, best: str) -> tuple[Lowering, ...]:
    if move.total >= move.before or not (_moved(move) or move.combined.value < estimate.value):
        return ()
    ground = move.ground
    rule = "an LLM proposes less, and this quote says something of the product for which that may count"
    if ground.rank is not None and ground.rank >= FREEING_RANK:
        rule = "an LLM proposes less, and the documentation pins down what this quote says"
    elif ground.limit:
        rule = "an LLM proposes less"
    if ground.limit:
        rule = f"{rule}; {ground.limit}"
    row = Lowering(
        evidence=best,
        rank=move.ground.best.rank,
        rule=rule,
        target=key,
        before=round(move.before, _CENTS),
        after=round(move.total, _CENTS),
    )
    return (row,)
