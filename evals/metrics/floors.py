"""Checks whether a draft's factors respect the floors that its own facts imply."""

from typing import Final

from agent.facts.vocabulary import Vocabulary, load_vocabulary
from agent.records import Draft
from agent.taxonomy.factors import FactorKey
from evals.metrics.results import FloorCell

_TINY: Final = 1e-9


def floor_cell(draft: Draft, vocabulary: Vocabulary | None = None) -> FloorCell | None:
    """Count the factors with a floor and list those below it; None without facts.

    Asserted facts set floors, unless their readers only inferred them.
    """
    if draft.facts is None:
        return None
    words = vocabulary or load_vocabulary()
    floors: dict[FactorKey, float] = {}
    for fact in draft.facts.facts:
        if fact.about != "product" or fact.polarity != "asserted" or not fact.counts or fact.key not in words:
            continue
        if fact.only_inferred:
            continue
        for factor, least in words[fact.key].floor.items():
            floors[factor] = max(floors.get(factor, 0.0), float(least))
    below = sorted(
        factor
        for factor, least in floors.items()
        if factor in draft.factors and float(draft.factors[factor].value) < least - _TINY
    )
    return FloorCell(implied=len(floors), below=tuple(below))
