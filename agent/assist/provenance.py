"""What a draft records about the LLM that helped with it: who made which part, usage, and irregular replies."""

import hashlib
import re
from decimal import Decimal
from typing import Final

from agent.assist.asking import Assistant
from agent.assist.run import Assisted
from agent.records import Draft, DrafterRef, Dropped

_ID_CHARS: Final = 16
_NUMBER: Final = re.compile(r"\d+")


def with_llm(draft: Draft, assistant: Assistant, helped: Assisted) -> Draft:
    """Return the draft with its drafter, usage and manifest updated for the LLM that helped with it."""
    usage = {**draft.usage, **_tokens(assistant, helped), **_counts(helped)}
    assistant.told(_used_line(assistant.llm.name, usage))
    drafter = DrafterRef(
        kind="llm",
        llm=assistant.llm.name,
        prompts=(*draft.drafter.prompts, *helped.prompts),
        parts=helped.judgement.parts,
    )
    manifest = {
        **draft.manifest,
        "llm": helped.llm,
        "llm_answers": helped.answers,
        "llm_tokens": "as reported" if not helped.usage.estimated else f"estimated, {assistant.counter.source}",
    }
    return draft.model_copy(
        update={
            "id": f"draft-{_sha(draft.id + assistant.llm.name + helped.answers)}",
            "drafter": drafter,
            "usage": usage,
            "dropped": (*draft.dropped, *_remarks(helped.details)),
            "manifest": manifest,
        }
    )


def _remarks(details: tuple[str, ...]) -> tuple[Dropped, ...]:
    """Return remarks on irregular replies, merging those that differ only in their numbers."""
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


def _counts(helped: Assisted) -> dict[str, float]:
    """Count the facts and threats to which the LLM contributed, and its dropped claims."""
    facts = [fact for fact in helped.sheet.facts if fact.read_by("llm")]
    return {
        "facts_accepted": float(len(facts)),
        "threats_accepted": float(len(helped.judgement.threats)),
        "claims_dropped": float(len(helped.judgement.dropped)),
    }


def _used_line(name: str, usage: dict[str, float]) -> str:
    money = f", ${usage['dollars']:.4f}" if "dollars" in usage else ""
    tokens = f"{usage['input_tokens']:.0f} tokens in ({usage['cached_tokens']:.0f} cached)"
    return (
        f"llm: {name} took {usage['llm_calls']:.0f} calls, {tokens}, {usage['output_tokens']:.0f} out{money};"
        f" {usage['facts_accepted']:.0f} facts accepted, {usage['claims_dropped']:.0f} statements dropped"
    )


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_ID_CHARS]
