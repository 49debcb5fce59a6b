"""What a draft records about the LLM that helped with it: who made which part, usage, and irregular replies."""

import hashlib
import re
from collections.abc import Iterator
from typing import Final

from agent.assist.asking import Assistant
from agent.assist.run import Assisted
from agent.records import Draft, DrafterRef, Dropped

_ID_CHARS: Final = 16
_NUMBER: Final = re.compile(r"\d+")


def with_llm(draft: Draft, assistant: Assistant, helped: Assisted) -> Draft:
    """Return the draft with its drafter, usage and manifest updated for the LLM that helped with it."""
    used, name = helped.usage, assistant.llm.name
    counts = {
        "llm_calls": helped.calls,
        "input_tokens": used.input_tokens,
        "cached_tokens": used.cached_tokens,
        "output_tokens": used.output_tokens,
    }
    money = assistant.price.cost(used) if assistant.price is not None else None
    kept = {
        "facts_accepted": sum(fact.read_by("llm") for fact in helped.sheet.facts),
        "threats_accepted": len(helped.judgement.threats),
        "claims_dropped": len(helped.judgement.dropped),
    }
    dollars = {} if money is None else {"dollars": money}
    usage = {**draft.usage, **{key: float(value) for key, value in (counts | dollars | kept).items()}}
    assistant.told(
        f"llm: {name} used {helped.calls} calls, {used.input_tokens} tokens in ({used.cached_tokens} cached), "
        f"{used.output_tokens} out{'' if money is None else f', ${float(money):.4f}'}; {kept['facts_accepted']} facts "
        f"accepted, {kept['claims_dropped']} statements dropped"
    )
    drafter = DrafterRef(
        kind="llm",
        llm=name,
        prompts=(*draft.drafter.prompts, *helped.prompts),
        parts=helped.judgement.parts,
    )
    manifest = {
        **draft.manifest,
        "llm": helped.llm,
        "llm_answers": helped.answers,
        "llm_tokens": "as reported" if not used.estimated else f"estimated, {assistant.counter.source}",
    }
    address = hashlib.sha256((draft.id + name + helped.answers).encode()).hexdigest()[:_ID_CHARS]
    return draft.model_copy(
        update={
            "id": f"draft-{address}",
            "drafter": drafter,
            "usage": usage,
            "dropped": (*draft.dropped, *_remarks(helped.details)),
            "manifest": manifest,
        }
    )


def _remarks(details: tuple[str, ...]) -> Iterator[Dropped]:
    """Yield remarks on irregular replies, merging those that differ only in their numbers."""
    kinds: dict[str, list[str]] = {}
    for detail in details:
        kinds.setdefault(_NUMBER.sub("0", detail), []).append(detail)
    for first, *more in kinds.values():
        yield Dropped(what="replies of the LLM", reason=first + (f" (and {len(more)} like it)" if more else ""))
