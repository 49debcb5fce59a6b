"""What an LLM proposed for one draft, after code has checked it; and what the parts of the draft say of its use."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel

from agent.drafting_old.assisted.checking import Checked, Shown
from agent.drafting_old.assisted.shapes import (
    ChainsAnswer,
    FactorItem,
    LayerItem,
    PictureAnswer,
    PostureAnswer,
    QuestionsAnswer,
    ThreatItem,
)
from agent.drafting_old.combine import Combination
from agent.drafting_old.composition import Notes as Notes
from agent.records import Dropped, Missing
from agent.taxonomy.keys import FactorKey, LayerKey

CLAIMS_DROPPED: Final = Missing(
    reason="claims-dropped", detail="more than half of the LLM's claims were dropped, also when it was asked again"
)
NOT_ANSWERED: Final = Missing(reason="not-answered", detail="the LLM's answer says nothing of this part")

ItemT_co = TypeVar("ItemT_co", bound=BaseModel, covariant=True)


class Item(NamedTuple, Generic[ItemT_co]):
    """One item of an answer with what is left of it after the check."""

    said: ItemT_co
    checked: Checked


class Holder(Protocol):
    """What holds items whose claims were checked."""

    @property
    def factors(self) -> Mapping[FactorKey, Item[FactorItem]]:
        """By factor."""

    @property
    def layers(self) -> Mapping[LayerKey, Item[LayerItem]]:
        """By layer."""

    @property
    def threats(self) -> tuple[Item[ThreatItem], ...]:
        """In the order of the answer."""

    @property
    def posture(self) -> Item[PostureAnswer] | None:
        """None when there is none."""


def items_of(holder: Holder) -> tuple[tuple[str, Item[BaseModel]], ...]:
    """Every item with its part, in the order of the draft; threats by their number in the answer."""
    rows: list[tuple[str, Item[BaseModel]]] = [(f"factors/{key}", item) for key, item in holder.factors.items()]
    rows += [(f"layers/{key}", item) for key, item in holder.layers.items()]
    rows += [(f"threats/{number}", item) for number, item in enumerate(holder.threats, start=1)]
    rows += [("posture", holder.posture)] if holder.posture is not None else []
    return tuple(rows)


@dataclass(frozen=True)
class Proposals:
    """All that an LLM proposed for one draft. A part that it gave nothing for is in `missing`, with the reason."""

    shown: Shown
    constants: Combination
    factors: Mapping[FactorKey, Item[FactorItem]] = field(default_factory=dict)
    layers: Mapping[LayerKey, Item[LayerItem]] = field(default_factory=dict)
    threats: tuple[Item[ThreatItem], ...] = ()
    picture: PictureAnswer | None = None
    posture: Item[PostureAnswer] | None = None
    questions: QuestionsAnswer | None = None
    points: Mapping[str, str] = field(default_factory=dict)
    """The text of each open point that the questions were asked about, by the id that stood in the prompt."""
    chains: ChainsAnswer | None = None
    missing: Mapping[str, Missing] = field(default_factory=dict)
    """By part, named as in `records.MadeBy`, and "critique" for the judge: why there is no proposal for it."""
    dropped: tuple[Dropped, ...] = ()
    """What of the answers belongs to no part."""
