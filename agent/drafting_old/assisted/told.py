"""What a draft tells of the LLM that had a hand in it: who made which part, what it took, what was dropped."""

import hashlib
import re
from decimal import Decimal
from typing import Final

from agent.drafting_old.assisted.answers import UNRELIABLE
from agent.drafting_old.assisted.proposals import Proposals, items_of
from agent.drafting_old.assisted.run import Assistant, Assisted
from agent.drafting_old.composition import Composition
from agent.records import Draft, DrafterRef, Dropped

_ID_CHARS: Final = 16
_NUMBER: Final = re.compile(r"\d+")


def with_llm(draft: Draft, made: Composition, assistant: Assistant, helped: Assisted) -> Draft:
    """The draft with drafter, usage, unreliable parts and manifest of a draft that an LLM had a hand in."""
    usage = {**draft.usage, **_tokens(assistant, helped), **_counts(helped.proposals)}
    assistant.told(_used_line(assistant.llm.name, usage))
    drafter = DrafterRef(
        kind="llm",
        llm=assistant.llm.name,
        prompts=(*draft.drafter.prompts, *helped.prompts),
        parts=made.parts,
    )
    manifest = {
        **draft.manifest,
        "combination": helped.proposals.constants.fingerprint,
        "llm": helped.llm,
        "llm_answers": helped.answers,
        "llm_tokens": "as reported" if not helped.usage.estimated else f"estimated, {assistant.counter.source}",
    }
    return draft.model_copy(
        update={
            "id": f"draft-{_sha(draft.id + assistant.llm.name + helped.answers)}",
            "drafter": drafter,
            "usage": usage,
            "dropped": (
                *draft.dropped,
                *helped.proposals.dropped,
                *_unjudged(helped.proposals),
                *_unreliable(helped.proposals),
                *_remarks(helped.details),
            ),
            "manifest": manifest,
        }
    )


def _unjudged(proposals: Proposals) -> tuple[Dropped, ...]:
    """Why a second LLM that was to judge the claims did not."""
    missing = proposals.missing.get("critique")
    return () if missing is None else (Dropped(what="verdicts of a second LLM", reason=missing.detail),)


def _remarks(details: tuple[str, ...]) -> tuple[Dropped, ...]:
    """What was odd about the replies, remarks that differ in their numbers once."""
    kinds: dict[str, list[str]] = {}
    for detail in details:
        kinds.setdefault(_NUMBER.sub("0", detail), []).append(detail)
    return tuple(
        Dropped(what="replies of the LLM", reason=found[0] + (f" (and {len(found) - 1} like it)" if found[1:] else ""))
        for found in kinds.values()
    )


def _tokens(assistant: Assistant, helped: Assisted) -> dict[str, float]:
    used = helped.usage
    found = {
        "llm_calls": float(helped.calls),
        "input_tokens": float(used.input_tokens),
        "cached_tokens": float(used.cached_tokens),
        "output_tokens": float(used.output_tokens),
    }
    if assistant.price is not None:
        found["dollars"] = float(assistant.price.cost(used).quantize(Decimal("0.000001")))
    return found


def _counts(proposals: Proposals) -> dict[str, float]:
    """Quotes and claims of the items whose claims are checked, and what became of them."""
    checked = [item.checked for _, item in items_of(proposals)]
    states = [claim.state for one in checked for claim in one.claims]
    return {
        "quotes_proposed": float(sum(len(one.places) for one in checked)),
        "quotes_found": float(sum(len(one.found) for one in checked)),
        "claims_proposed": float(sum(one.proposed for one in checked)),
        "claims_supported": float(states.count("claimed")),
        "claims_inferred": float(states.count("inferred")),
        "claims_dropped": float(sum(len(one.lost) for one in checked)),
    }


def _unreliable(proposals: Proposals) -> tuple[Dropped, ...]:
    """A line for each part that lost more than a fifth of its claims."""
    return tuple(
        Dropped(
            what=f"reliability of the LLM, {part}",
            reason=f"unreliable: {len(one.lost)} of {one.proposed} claims were dropped",
        )
        for part, (_, one) in items_of(proposals)
        if len(one.lost) > UNRELIABLE * one.proposed
    )


def _used_line(name: str, usage: dict[str, float]) -> str:
    money = f", ${usage['dollars']:.4f}" if "dollars" in usage else ""
    tokens = f"{usage['input_tokens']:.0f} tokens in ({usage['cached_tokens']:.0f} cached)"
    return (
        f"llm: {name} took {usage['llm_calls']:.0f} calls, {tokens}, {usage['output_tokens']:.0f} out{money};"
        f" {usage['claims_dropped']:.0f} of {usage['claims_proposed']:.0f} claims dropped"
    )


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_CHARS]
