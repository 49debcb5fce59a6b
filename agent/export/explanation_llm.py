"""What an explanation says of an LLM: who made the item."""

from typing import Final

from agent.export.authors import (
    authorships,
    drafter_words,
    made_by,
    reason_words,
    usage_sentences,
    who_made,
)
from agent.export.explanation_rows import Row, row
from agent.records import Capability, Chain, Draft

PROPOSED_SIGNAL: Final = "proposed"
"""What stands for the signal of a capability that an LLM found."""
PROPOSED_ID: Final = "-proposed-"
_LABEL: Final = "made by"


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
