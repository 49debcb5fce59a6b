"""Hand-made facts, fact sheets and factors."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from agent.facts.sheet import build_sheet, combined, fact_id
from agent.facts.vocabulary import load_vocabulary
from agent.records import SLOTS, Evidence, Fact, FactorEstimate, FactSheet, FactSource, Outlook, Search, Slot
from agent.taxonomy.factors import FACTORS, FactorKey


def fact(
    key: str,
    *marks: str,
    polarity: str = "asserted",
    about: str = "product",
    rank: int = 2,
    state: str = "claimed",
    reader: str = "embedded",
    confidence: float = 0.9,
    **slots: str,
) -> Fact:
    """Return a fact of one reader; without marks it cites E1."""
    filled = tuple(Slot(name=name, value=slots[name]) for name in SLOTS if name in slots)
    sources, sure = combined([FactSource(reader=reader, confidence=confidence, state=state)])
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


def evidence(number: int, quote: str = "words", rank: int = 2) -> Evidence:
    """Return the quote with this number, at its own place."""
    start = 1000 * number
    end = start + len(quote)
    return Evidence(id=f"E{number}", document="D1", start=start, end=end, quote=quote, rank=rank, about="product")


def sheet(
    *facts: Fact | str, quote: str = "words", chances: dict[str, float] | None = None, outlook: Outlook | None = None
) -> FactSheet:
    """Return a sheet of facts; a key alone means an asserted fact with its own quote."""
    made = [fact(one, f"E{n}") if isinstance(one, str) else one for n, one in enumerate(facts, start=1)]
    numbers = sorted({int(mark[1:]) for one in made for mark in one.evidence})
    known = outlook or Outlook(chances=chances or {})
    return build_sheet(made, [evidence(number, quote) for number in numbers], outlook=known)


class Row(NamedTuple):
    """A fact to be made."""

    key: str
    quote: str
    slots: dict[str, str]
    polarity: str
    rank: int


def row(key: str, quote: str = "", polarity: str = "asserted", rank: int = 2, **slots: str) -> Row:
    """Return one fact; by default its quote contains the key's title."""
    return Row(key, quote or f"It {load_vocabulary()[key].title}.", slots, polarity, rank)


def sheet_of(*rows: Row, statements: int = 40) -> FactSheet:
    """Return a sheet of facts that an LLM read in one document of several statements; E1 is the first fact's quote."""
    facts = [
        fact(one.key, f"E{n}", polarity=one.polarity, rank=one.rank, reader="llm", **one.slots)
        for n, one in enumerate(rows, start=1)
    ]
    quotes = [evidence(n, one.quote, one.rank) for n, one in enumerate(rows, start=1)]
    return build_sheet(facts, quotes, (Search(reader="llm", documents=("D1",), statements=statements),))


def doubtful(made: FactSheet, confidence: float = 0.7, keys: Iterable[str] = ()) -> FactSheet:
    """Return the sheet as if the embedded reader alone had found its facts, or those with some keys."""
    update = {"sources": (FactSource(reader="embedded", confidence=confidence),), "confidence": confidence}
    changed = (one.model_copy(update=update) if not keys or one.key in keys else one for one in made.facts)
    return made.model_copy(update={"facts": tuple(changed)})


def factors(value: str = "0.4", width: str = "0") -> dict[FactorKey, FactorEstimate]:
    """Return the same estimate for every factor."""
    middle, half = Decimal(value), Decimal(width)
    ends = {"low": max(middle - half, Decimal(0)), "high": min(middle + half, Decimal(1))}
    one = FactorEstimate(value=middle, **ends, state="claimed", parts=(), rationale="", evidence=())
    return dict.fromkeys(FACTORS, one)
