"""The LLM as a reader: its answers about facts become proposals, which are checked like those of any reader.

A quote is written `D1: the words`. A slot is written `name: value`. A slot that the key does not have is dropped,
since the LLM is told the slots of a group and not of each key.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from agent.facts.proposal import Proposal, ProposedSlot, Quote
from agent.facts.verify import MAX_QUOTES, MAX_SLOTS
from agent.facts.vocabulary import Vocabulary, load_vocabulary
from agent.records import Document, FactAbout, Polarity, ReaderName, Statement
from agent.records.base import DocumentForm

MAX_FACTS: Final = 80
"""The most facts read from one answer, so that a flood of them costs no time."""
CLAIMED: Final = 0.9
"""The confidence in a fact that a quote states according to the LLM."""
INFERRED: Final = 0.7
_LONGEST_ID: Final = 8


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
    """The quote that `D1: the words` stands for; without a document id it may stand in any document."""
    name, colon, words = text.partition(":")
    name = name.strip(" []")
    if colon and len(name) <= _LONGEST_ID and name[:1] == "D" and name[1:].isdecimal():
        return Quote(text=_bare(words), document=name)
    return Quote(text=_bare(text))


def proposals(items: Iterable[FactItem], vocabulary: Vocabulary | None = None) -> tuple[Proposal, ...]:
    """The proposals made from an LLM's facts."""
    words = vocabulary or load_vocabulary()
    made = []
    for item in list(items)[:MAX_FACTS]:
        known = words[item.key].slots if item.key in words else ()
        slots = [slot for slot in map(_slot, item.slots) if slot is not None and slot.name in known]
        made.append(
            Proposal(
                reader="llm",
                key=item.key,
                polarity=item.polarity,
                about=item.about,
                quotes=tuple(map(read_quote, item.quotes))[:MAX_QUOTES],
                slots=tuple(slots)[:MAX_SLOTS],
                confidence=INFERRED if item.inferred else CLAIMED,
                inferred=item.inferred,
            )
        )
    return tuple(made)


class LlmReader:
    """A reader that returns what an LLM has already answered; it asks nothing."""

    name: ReaderName = "llm"
    forms: frozenset[DocumentForm] = frozenset({"prose", "tools", "manifest", "api"})

    def __init__(self, items: Sequence[FactItem], looks_for: Sequence[str] = ()) -> None:
        self._items = tuple(items)
        self.looks_for = tuple(looks_for)
        """The keys that it was asked about; empty for all."""

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """The proposals from the answer; the check looks up where their quotes stand."""
        return proposals(self._items)


def _slot(text: str) -> ProposedSlot | None:
    name, colon, value = text.partition(":")
    return ProposedSlot(name=name.strip().lower(), value=value.strip()) if colon and value.strip() else None


def _bare(words: str) -> str:
    """The words of a quote without the quotation marks that the LLM put round it."""
    text = words.strip()
    for left, right in ('""', "“”", "``"):
        if len(text) > 1 and text[0] == left and text[-1] == right:
            return text[1:-1].strip()
    return text
