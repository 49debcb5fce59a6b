"""The reader that an LLM is: what it answered about facts becomes proposals, which are checked as any reader's.

A quote is written `D1: the words`. A slot is written `name: value`. A slot that the key does not have is left
away, since the LLM is told the slots of a group and not of each key.
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
"""Facts of one answer that are read; a flood of them costs no time."""
CLAIMED: Final = 0.9
"""How sure an LLM counts as of what it says that a quote states."""
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
    """The quote that `D1: the words` stands for; without a document's id any document may have it."""
    name, colon, words = text.partition(":")
    name = name.strip(" []")
    if colon and len(name) <= _LONGEST_ID and name[:1] == "D" and name[1:].isdecimal():
        return Quote(text=_bare(words), document=name)
    return Quote(text=_bare(text))


def proposals(items: Iterable[FactItem], vocabulary: Vocabulary | None = None) -> tuple[Proposal, ...]:
    """What an LLM's facts propose."""
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
    """A reader that says what an LLM answered; nothing is asked here."""

    name: ReaderName = "llm"
    forms: frozenset[DocumentForm] = frozenset({"prose", "tools", "manifest", "api"})

    def __init__(self, items: Sequence[FactItem], looks_for: Sequence[str] = ()) -> None:
        self._items = tuple(items)
        self.looks_for = tuple(looks_for)
        """The keys that it was asked about; empty for all."""

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """Its proposals; where they stand is looked up by the check."""
        return proposals(self._items)


def _slot(text: str) -> ProposedSlot | None:
    name, colon, value = text.partition(":")
    return ProposedSlot(name=name.strip().lower(), value=value.strip()) if colon and value.strip() else None


def _bare(words: str) -> str:
    """Without the quotation marks that the LLM put round a quote."""
    text = words.strip()
    for left, right in ('""', "“”", "``"):
        if len(text) > 1 and text[0] == left and text[-1] == right:
            return text[1:-1].strip()
    return text
