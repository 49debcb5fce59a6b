"""From the answers of a draft's calls to items: which part each belongs to, and why a part has none.

An answer is taken item by item. An item for a key that was not asked for, or a key that is answered twice in one
answer, is nobody's, and is listed as dropped. The answer to a re-ask takes the first one's place where more of its
claims hold; what became of the other one's claims is listed as well.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel

from agent.drafting_old.assisted.asking import Ask
from agent.drafting_old.assisted.checking import Checked, Shown, check
from agent.drafting_old.assisted.proposals import NOT_ANSWERED, Item
from agent.drafting_old.assisted.shapes import (
    ChainsAnswer,
    CritiqueAnswer,
    FactorItem,
    FactorsAnswer,
    LayerItem,
    LayersAnswer,
    PictureAnswer,
    PostureAnswer,
    QuestionsAnswer,
    ThreatItem,
    ThreatsAnswer,
)
from agent.errors import LlmReason
from agent.llm.port import Reply
from agent.records import Dropped, Missing, MissingReason
from agent.taxonomy.keys import FACTORS, LAYERS, FactorKey, LayerKey

UNRELIABLE: Final = 0.2
"""A part that loses more than this share of its claims is named as unreliable."""
MAX_THREATS: Final = 12
"""Of one answer; what follows is counted and not read, so that a flood of them costs no time and no room."""
PARTS: Final = (
    *(f"factors/{key}" for key in FACTORS),
    *(f"layers/{key}" for key in LAYERS),
    *("threats", "system", "posture", "questions", "chains"),
)
"""All parts of a draft that an LLM may have a hand in, named as in `records.MadeBy`."""
_PARTS: Final = {"picture": "system"}
"""Parts that are not named as their prompt is."""

ItemT = TypeVar("ItemT", FactorItem, LayerItem)
KeyT = TypeVar("KeyT", bound=str)


class Outcome(NamedTuple):
    """What became of one call."""

    ask: Ask[BaseModel]
    value: BaseModel | None
    reason: LlmReason | None
    """Why there is no value; None when there is one."""
    detail: str
    replies: tuple[Reply, ...]


@dataclass
class Read:
    """All items of a draft, and the parts without one."""

    factors: dict[FactorKey, Item[FactorItem]] = field(default_factory=dict)
    layers: dict[LayerKey, Item[LayerItem]] = field(default_factory=dict)
    threats: tuple[Item[ThreatItem], ...] = ()
    picture: PictureAnswer | None = None
    posture: Item[PostureAnswer] | None = None
    questions: QuestionsAnswer | None = None
    chains: ChainsAnswer | None = None
    critique: CritiqueAnswer | None = None
    missing: dict[str, Missing] = field(default_factory=dict)
    dropped: list[Dropped] = field(default_factory=list)
    """What of the answers is nobody's item."""


def read_answers(outcomes: Iterable[Outcome], shown: Shown) -> Read:
    """The items of all answers; a later answer to the same part counts where it holds better."""
    read = Read()
    for outcome in outcomes:
        _take(read, outcome.value, outcome.ask, shown)
        for part in parts(outcome.ask):
            if _has(read, part):
                read.missing.pop(part, None)
            elif part not in read.missing or outcome.reason is not None:
                read.missing[part] = missing(outcome)
    return read


def parts(ask: Ask[BaseModel]) -> tuple[str, ...]:
    """The parts of the draft that a call is about, named as in `records.MadeBy`."""
    if ask.keys:
        return tuple(f"{ask.prompt}/{key}" for key in ask.keys)
    return (_PARTS.get(ask.prompt, ask.prompt),)


def missing(outcome: Outcome) -> Missing:
    """Why a call gave nothing for a part."""
    if outcome.reason is None:
        return NOT_ANSWERED
    reason: MissingReason = outcome.reason.replace("_", "-")  # type: ignore[assignment]
    return Missing(reason=reason, detail=outcome.detail or "no answer of the LLM")


def why_lost(checked: Checked) -> str:
    """How many claims were dropped and for which faults, in one line without a word of the answer."""
    faults = Counter(lost.fault for lost in checked.lost)
    told = ", ".join(f"{fault} ({count})" for fault, count in sorted(faults.items()))
    return f"{len(checked.lost)} of {checked.proposed} claims: {told}"


def _take(read: Read, value: BaseModel | None, ask: Ask[BaseModel], shown: Shown) -> None:
    if isinstance(value, FactorsAnswer):
        _merge(read.factors, [(item.factor, item) for item in value.factors], ask, shown, read.dropped)
    elif isinstance(value, LayersAnswer):
        _merge(read.layers, [(item.layer, item) for item in value.layers], ask, shown, read.dropped)
    elif isinstance(value, ThreatsAnswer):
        read.threats = tuple(Item(item, check(item, shown)) for item in value.threats[:MAX_THREATS])
        if unread := len(value.threats) - len(read.threats):
            reason = f"{unread} items beyond the first {MAX_THREATS} are not read"
            read.dropped.append(Dropped(what="answer of the LLM, threats", reason=reason))
    elif isinstance(value, PictureAnswer):
        read.picture = value
    elif isinstance(value, PostureAnswer):
        read.posture = Item(value, check(value, shown))
    elif isinstance(value, QuestionsAnswer):
        read.questions = value
    elif isinstance(value, ChainsAnswer):
        read.chains = value
    elif isinstance(value, CritiqueAnswer):
        read.critique = value


def _merge(
    items: dict[KeyT, Item[ItemT]],
    rows: Sequence[tuple[KeyT, ItemT]],
    ask: Ask[BaseModel],
    shown: Shown,
    dropped: list[Dropped],
) -> None:
    """Puts the items of one answer beside those of earlier ones; each key once, and only keys that were asked for."""
    counts = Counter(key for key, _ in rows)
    for key, count in counts.items():
        if key not in ask.keys or count > 1:
            reason = f"answered {count} times" if key in ask.keys else "nobody asked for it in this call"
            dropped.append(Dropped(what=f"answer of the LLM, {ask.prompt}/{key}", reason=reason))
    for key, said in rows:
        if counts[key] > 1 or key not in ask.keys:
            continue
        made = Item(said, check(said, shown))
        known = items.get(key)
        better = known is None or len(made.checked.claims) > len(known.checked.claims)
        if known is not None:
            other = known if better else made
            dropped.append(
                Dropped(
                    what=f"{'first' if better else 'second'} answer of the LLM, {ask.prompt}/{key}",
                    reason=f"the other one's claims hold better; dropped of this one: {why_lost(other.checked)}",
                )
            )
        if better:
            items[key] = made


def _has(read: Read, part: str) -> bool:
    group, _, key = part.partition("/")
    held: dict[str, object] = {
        "factors": key in read.factors,
        "layers": key in read.layers,
        "threats": bool(read.threats),
        "system": read.picture is not None,
        "posture": read.posture is not None,
        "questions": read.questions is not None,
        "chains": read.chains is not None,
        "critique": read.critique is not None,
    }
    return bool(held[group])
