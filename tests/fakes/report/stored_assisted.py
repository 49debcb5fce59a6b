"""A stored draft with an LLM that answered well, except for one failed call and values at the ends of the scale."""

from functools import cache
from typing import Final

from pydantic import TypeAdapter

from agent.records import Document, Draft, MadeBy
from agent.report.draft_json import load
from tests.places import GOLDEN

FILE: Final = GOLDEN / "drafts" / "assisted-0.1.0.json"
TEXTS: Final = TypeAdapter(tuple[Document, ...]).validate_json(
    (GOLDEN / "drafts" / "texts" / FILE.name).read_text("utf-8")
)
PROPOSED: Final = "L6-proposed-2"
"""The threat that the LLM proposed."""


@cache
def golden() -> Draft:
    return load(FILE, TEXTS)


def made(draft: Draft, *parts: MadeBy) -> Draft:
    """Return the draft with the given authors for these parts."""
    return draft.model_copy(update={"drafter": draft.drafter.model_copy(update={"parts": parts})})


def items(draft: Draft) -> list[str]:
    """Return every item that `explain` accepts."""
    chains = [name for n, chain in enumerate(draft.chains, 1) for name in (f"chain {n}", chain.title)]
    threats = [threat.id for layer in draft.layers.values() for threat in layer.threats]
    rest = [item.id for group in (draft.evidence, draft.questions, draft.system.capabilities) for item in group]
    return ["score", *draft.factors, *draft.layers, *threats, *rest, *chains]
