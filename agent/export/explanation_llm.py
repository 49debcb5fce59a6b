"""What an explanation says of an LLM: who made the item, and how a proposed value was weighed."""

from collections.abc import Iterator, Sequence
from typing import Final

from agent.export.authors import (
    authorships,
    drafter_words,
    made_by,
    proposed_value,
    reason_words,
    usage_sentences,
    who_made,
)
from agent.export.explanation_rows import Passage, Row, passage, row
from agent.export.view import COUNTING_RANK, View
from agent.records import Capability, Chain, Draft, FactorEstimate, Part
from agent.taxonomy.keys import FactorKey

PROPOSED_SIGNAL: Final = "proposed"
"""What stands for the signal of a capability that an LLM found."""
PROPOSED_ID: Final = "-proposed-"
_LABEL: Final = "made by"
_HAIR: Final = 0.0006
"""Parts are stored with four digits and the label with one; what differs by less was not held."""
_LIMIT: Final = "; held: "
"""Stands in a part's label before why its quotes may not lower further."""


def makers(draft: Draft) -> list[Row]:
    """Who made what, and what the LLM took; nothing for a draft without an LLM."""
    if draft.drafter.kind == "embedded":
        return []
    rows = [row("drafter", drafter_words(draft))]
    rows += [row("", text) for text in usage_sentences(draft)]
    rows += [row(part, f"{who}; {why}" if why else who) for part, who, why in authorships(draft)]
    return rows


def maker(draft: Draft, part: str) -> list[Row]:
    """Who made a part, named as in `records.MadeBy`, and why not the LLM; nothing for a draft without an LLM."""
    made = made_by(draft, part)
    if made is None:
        return []
    who = who_made(part.partition("/")[0], made.by)
    return [row(_LABEL, f"{who}; {reason_words(made.missing)}" if made.missing else who)]


def maker_of_question(draft: Draft) -> list[Row]:
    """Who chose and worded the questions of a draft."""
    made = made_by(draft, "questions")
    if made is None or made.by == "embedded":
        return maker(draft, "questions")
    return [row(_LABEL, "chosen by the program, as is the answer; the question may be in the LLM's words")]


def maker_of_chain(draft: Draft, chain: Chain) -> list[Row]:
    """Who linked the threats of a chain, as far as it can be told."""
    made = made_by(draft, "chains")
    if made is None or made.by == "embedded":
        return maker(draft, "chains")
    if made.by == "llm" or any(PROPOSED_ID in threat for threat in chain.threats):
        return [row(_LABEL, "the LLM; the program found a quote for each step")]
    return [row(_LABEL, "the catalogue or the LLM; the program found a quote for each step")]


def maker_of_capability(draft: Draft, item: Capability) -> list[Row]:
    """Who found a capability; nothing for a draft without an LLM."""
    if item.signal == PROPOSED_SIGNAL:
        return [row(_LABEL, "the LLM, in words of the quote; credential and approver are the program's")]
    return [row(_LABEL, "the program")] if draft.drafter.kind == "llm" else []


def weighing(view: View, key: FactorKey) -> Passage:
    """How an LLM's value was weighed with the estimate, on which quote, and what held it; no rows without one."""
    estimate = view.draft.factors[key]
    part = next((part for part in estimate.parts if part.kind == "proposal"), None)
    return passage("Weighed with the LLM's proposal", [] if part is None else list(_weighed(view, key, estimate, part)))


def _weighed(view: View, key: FactorKey, estimate: FactorEstimate, part: Part) -> Iterator[Row]:
    value = proposed_value(part.label)
    total = sum(other.effect for other in estimate.parts)
    before = min(max(total - part.effect, 0.0), 1.0)
    marks = (part.evidence,) if part.evidence else ()
    yield row("the LLM proposes", part.label if value is None else f"{value:.1f}", marks, value)
    yield row("the estimate without it", f"{before:.3f}", number=round(before, 4))
    mix = _constants(view.draft, key)
    if mix is None or value is None:
        yield row("weighed", f"{total:.3f}; by weights that this version does not know", number=round(total, 4))
    else:
        intercept, llm, embedded, below, above = mix
        free = min(max(intercept + llm * value + embedded * before, 0.0), 1.0)
        yield row(
            "weighed",
            f"{intercept:.3f} + {llm:.3f} × {value:.1f} + {embedded:.3f} × {before:.3f} = {free:.3f}".replace("-", "−"),
            number=round(free, 4),
        )
        yield row("held", _held(free, total, before, value, part.label.partition(_LIMIT)[2]))
        yield row(
            "range",
            f"{total + below:.2f} to {total + above:.2f}, where four of five labelled products lie; then held, rounded",
        )
    best = view.evidence.get(part.evidence or "")
    if best is not None:
        counts = "at least" if best.rank >= COUNTING_RANK else "below"
        yield row("quote", f"rank {best.rank}, {counts} the {COUNTING_RANK} that may leave the estimate's range", marks)


def _held(free: float, total: float, before: float, value: float, limit: str) -> str:
    """What kept the value from the weighed one; `before` is the estimate, `value` what the LLM proposes.

    `limit` is why its quotes may not lower further, where the part says so.
    """
    if abs(free - total) < _HAIR:
        return "no"
    if abs(before - total) < _HAIR and not limit:
        says = "not below it lowers" if value >= before else "below it raises"
        return f"at {total:.3f}, the estimate: a proposal that is {says} nothing"
    if limit:
        return f"at {total:.3f}: {limit}"
    side = "lower" if free < total else "upper"
    return f"at {total:.3f}, the {side} end of the estimate's range: no quote of rank {COUNTING_RANK} bears it out"


def _constants(draft: Draft, key: FactorKey) -> Sequence[float] | None:
    """Intercept, weight of the LLM and of the estimate, and the spread; None when the draft was made with others."""
    from agent.drafting_old.combine import UNLABELLED, load_combination

    known = load_combination()
    if draft.manifest.get("combination") != known.fingerprint:
        return None
    mix = known.factors.get(key, UNLABELLED)
    return mix.intercept, mix.llm, mix.embedded, mix.below, mix.above
