"""From the answers of a draft's calls to items: which part each belongs to, and why a part has none.

An answer is taken item by item. An item for a key that was not asked for, or a key that is answered twice in one
answer, is nobody's. The answer to a re-ask takes the first one's place where more of its claims hold.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeVar

from pydantic import BaseModel

from agent.drafting.assisted.asking import Ask
from agent.drafting.assisted.checking import Checked, Shown, check
from agent.drafting.assisted.proposals import NOT_ANSWERED, Item
from agent.drafting.assisted.shapes import (
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
from agent.records import Missing, MissingReason
from agent.taxonomy.keys import FactorKey, LayerKey

UNRELIABLE: Final = 0.2
"""A part that loses more than this share of its claims is named as unreliable."""
MAX_THREATS: Final = 12
"""Of one answer; what follows is not read, so that a flood of them costs no time and no room."""
_PARTS: Final = {"picture": "system"}

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

    def items(self) -> tuple[tuple[str, Item[BaseModel]], ...]:
        """Every item whose claims were checked, with its part, in the order of the draft."""
        rows: list[tuple[str, Item[BaseModel]]] = [(f"factors/{key}", item) for key, item in self.factors.items()]
        rows += [(f"layers/{key}", item) for key, item in self.layers.items()]
        rows += [(f"threats/{number}", item) for number, item in enumerate(self.threats, start=1)]
        rows += [("posture", self.posture)] if self.posture is not None else []
        return tuple(rows)


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


def why_lost(part: str, checked: Checked) -> str:
    """One line for a re-ask: how many claims were dropped and for which faults, without a word of the answer."""
    faults = Counter(lost.fault for lost in checked.lost)
    told = ", ".join(f"{fault} ({count})" for fault, count in sorted(faults.items()))
    return f"- {part.partition('/')[2]}: {len(checked.lost)} of {checked.proposed} claims: {told}"


def _take(read: Read, value: BaseModel | None, ask: Ask[BaseModel], shown: Shown) -> None:
    if isinstance(value, FactorsAnswer):
        _merge(read.factors, _once([(item.factor, item) for item in value.factors], ask.keys), shown)
    elif isinstance(value, LayersAnswer):
        _merge(read.layers, _once([(item.layer, item) for item in value.layers], ask.keys), shown)
    elif isinstance(value, ThreatsAnswer):
        read.threats = tuple(Item(item, check(item, shown)) for item in value.threats[:MAX_THREATS])
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


def _once(rows: Sequence[tuple[KeyT, ItemT]], wanted: Sequence[str]) -> list[tuple[KeyT, ItemT]]:
    counts = Counter(key for key, _ in rows)
    return [(key, item) for key, item in rows if counts[key] == 1 and key in wanted]


def _merge(items: dict[KeyT, Item[ItemT]], rows: Sequence[tuple[KeyT, ItemT]], shown: Shown) -> None:
    for key, said in rows:
        made = Item(said, check(said, shown))
        if key not in items or len(made.checked.claims) > len(items[key].checked.claims):
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
