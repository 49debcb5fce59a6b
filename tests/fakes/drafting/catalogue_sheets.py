"""Fact sheets and factors made by hand."""

from decimal import Decimal

from agent.facts.sheet import build_sheet, combined, fact_id
from agent.records import SLOTS, Evidence, Fact, FactorEstimate, FactSheet, FactSource, Outlook, Slot
from agent.taxonomy.factors import FACTORS, FactorKey

EVIDENCE = tuple(
    Evidence(id=f"E{n}", document="D1", start=10 * n, end=10 * n + 5, quote="words", rank=2, about="product")
    for n in range(1, 200)
)


def fact(
    key: str,
    *marks: str,
    polarity: str = "asserted",
    about: str = "product",
    rank: int = 2,
    state: str = "claimed",
    **slots: str,
) -> Fact:
    """A fact of one reader; without marks it cites E1."""
    filled = tuple(Slot(name=name, value=slots[name]) for name in SLOTS if name in slots)
    sources, sure = combined([FactSource(reader="embedded", confidence=0.9, state=state)])
    return Fact(
        id=fact_id(key, polarity, about, filled),
        key=key,
        polarity=polarity,
        slots=filled,
        about=about,
        evidence=marks or ("E1",),
        sources=sources,
        rank=rank,
        confidence=sure,
        state="denied" if polarity == "denied" else state,
    )


def sheet(*facts: Fact | str, chances: dict[str, float] | None = None) -> FactSheet:
    """A sheet of facts; a key alone is asserted, with a quote of its own."""
    made = [fact(one, f"E{n}") if isinstance(one, str) else one for n, one in enumerate(facts, start=1)]
    built = build_sheet(made, EVIDENCE)
    return built.model_copy(update={"outlook": Outlook(chances=chances)}) if chances else built


def factors(value: str = "0.4") -> dict[FactorKey, FactorEstimate]:
    """All factors at one value."""
    number = Decimal(value)
    return {
        key: FactorEstimate(value=number, low=number, high=number, state="claimed", parts=(), rationale="", evidence=())
        for key in FACTORS
    }
