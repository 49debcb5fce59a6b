"""All parts of a draft that a drafter makes, in one place."""

from typing import NamedTuple

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
    parts: tuple[MadeBy, ...] = ()
    """Who made each part, when an LLM had a hand in it."""
