"""The LLM as a reader: its answers about facts become proposals, which are verified like those of any other reader.

A quote is written `D1: the words`, a slot `name: value`. A slot that the key does not have is dropped, since the prompt
lists the slots per group and not per key.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from agent.facts.proposal import Proposal, ProposedSlot, Quote
from agent.facts.verify import MAX_QUOTES, MAX_SLOTS
from agent.facts.vocabulary import load_vocabulary
from agent.records import Document, FactAbout, Polarity, ReaderName, Statement
from agent.records.base import DocumentForm

MAX_FACTS: Final = 80
"""Maximum number of facts read from one answer, so that an oversized answer does not take long to process."""
CLAIMED: Final = 0.9
"""Confidence in a fact if the LLM says that a quote states it."""
INFERRED: Final = 0.7
_MARKED: Final = re.compile(r"[ \[\]]*(D\d{1,7})[ \[\]]*:(.*)", re.DOTALL)


class FactItem(BaseModel):
    """One fact as an LLM writes it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    polarity: Polarity
    about: FactAbout
    quotes: Annotated[list[str], Field(description="each as `D1: words copied letter by letter`")]
    slots: Annotated[list[str], Field(description="each as `name: value`")]
    inferred: bool


def read_quote(text: str) -> Quote:
    """Parse a quote written as `D1: the words`. Without a document id, the quote may occur in any document."""
    marked = _MARKED.match(text)
    return Quote(text=_bare(marked[2]), document=marked[1]) if marked else Quote(text=_bare(text))


def proposals(items: Sequence[FactItem]) -> tuple[Proposal, ...]:
    """Convert an LLM's facts into proposals."""
    words = load_vocabulary()
    made = []
    for item in items[:MAX_FACTS]:
        known = words[item.key].slots if item.key in words else ()
        parts = [slot.partition(":") for slot in item.slots]
        slots = [ProposedSlot(name=name.strip().lower(), value=value.strip()) for name, _, value in parts]
        made.append(
            Proposal(
                reader="llm",
                key=item.key,
                polarity=item.polarity,
                about=item.about,
                quotes=tuple(map(read_quote, item.quotes))[:MAX_QUOTES],
                slots=tuple(slot for slot in slots if slot.value and slot.name in known)[:MAX_SLOTS],
                confidence=INFERRED if item.inferred else CLAIMED,
                inferred=item.inferred,
            )
        )
    return tuple(made)


class LlmReader:
    """A reader that returns facts from earlier LLM answers, without calling the LLM."""

    name: ReaderName = "llm"
    forms: frozenset[DocumentForm] = frozenset({"prose", "tools", "manifest", "api"})

    def __init__(self, items: Sequence[FactItem], looks_for: Sequence[str] = ()) -> None:
        self._items = tuple(items)
        self.looks_for = tuple(looks_for)
        """The keys that the LLM was asked about; empty for all."""

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """Return the proposals from the answer; verification locates their quotes."""
        return proposals(self._items)


def _bare(words: str) -> str:
    """Strip the quotation marks that the LLM put around a quote."""
    text = words.strip()
    for left, right in ('""', "“”", "``"):
        if len(text) > 1 and text[0] == left and text[-1] == right:
            return text[1:-1].strip()
    return text
