"""Fact sheets made by hand."""

from agent.facts.sheet import build_sheet, fact_id
from agent.records import Evidence, Fact, FactSheet, FactSource, Outlook, Polarity, Slot


def fact(key: str, polarity: Polarity = "asserted", *, mark: str = "E1", rank: int = 2, **slots: str) -> Fact:
    details = tuple(Slot(name=name, value=value) for name, value in slots.items())
    return Fact(
        id=fact_id(key, polarity, "product", details),
        key=key,
        polarity=polarity,
        slots=details,
        about="product",
        evidence=(mark,),
        sources=(FactSource(reader="embedded", confidence=0.9),),
        rank=rank,
        confidence=0.9,
        state="denied" if polarity == "denied" else "claimed",
    )


def sheet(*facts: Fact, outlook: Outlook | None = None) -> FactSheet:
    marks = sorted({mark for item in facts for mark in item.evidence})
    quotes = [Evidence(id=mark, document="D1", start=0, end=4, quote="text", rank=2, about="product") for mark in marks]
    return build_sheet(facts, quotes).model_copy(update={"outlook": outlook or Outlook()})
