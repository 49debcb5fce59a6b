"""All parts of a draft that a drafter makes, in one place, and what an LLM's hand in them leaves to tell."""

from typing import NamedTuple

from agent.drafting_old.candidates import Candidate
from agent.drafting_old.ranking import Ranked
from agent.records import (
    Chain,
    Dropped,
    Evidence,
    FactorEstimate,
    LayerThreats,
    Lowering,
    MadeBy,
    Product,
    Question,
    Score,
    System,
    Threat,
)
from agent.taxonomy.keys import FactorKey, LayerKey


class Composition(NamedTuple):
    """All parts of a draft that the drafter makes."""

    product: Product
    evidence: tuple[Evidence, ...]
    system: System
    assumptions: tuple[str, ...]
    factors: dict[FactorKey, FactorEstimate]
    layers: dict[LayerKey, LayerThreats]
    chains: tuple[Chain, ...]
    questions: tuple[Question, ...]
    score: Score
    dropped: tuple[Dropped, ...]
    lowerings: tuple[Lowering, ...]
    statements: int
    knowledge: str
    candidates: tuple[Candidate, ...] = ()
    """All threats of the catalogue that the sources support, shown or not."""
    visible: tuple[Ranked, ...] = ()
    """Those of them that are shown."""
    parts: tuple[MadeBy, ...] = ()
    """Who made each part, when an LLM had a hand in it."""


class Placed(NamedTuple):
    """A threat and the layer that it counts for."""

    layer: LayerKey
    threat: Threat


class Notes(NamedTuple):
    """What using a proposal leaves to tell: who made the part, what was dropped, what was lowered."""

    made: tuple[MadeBy, ...] = ()
    dropped: tuple[Dropped, ...] = ()
    lowerings: tuple[Lowering, ...] = ()

    def plus(self, other: "Notes") -> "Notes":
        """Both together."""
        return Notes(self.made + other.made, self.dropped + other.dropped, self.lowerings + other.lowerings)
