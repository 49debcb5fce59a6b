"""What a reader proposes, before anything is checked, and the protocol that all readers implement."""

from collections.abc import Sequence
from typing import Protocol

from agent.records import Confidence, Document, FactAbout, Polarity, ReaderName, Record, Statement
from agent.records.base import DocumentForm


class Quote(Record):
    """Words that, according to a reader, stand in a document."""

    text: str
    document: str = ""
    """Id of the document; empty when the reader does not know."""
    near: int | None = None
    """Offset near which the words stand, in characters, when the reader knows."""


class ProposedSlot(Record):
    """One detail that a reader adds to a fact."""

    name: str
    value: str
    quote: Quote | None = None
    """Where the value stands, when the fact's own quotes do not have it."""


class Proposal(Record):
    """One fact as a reader proposes it. Names are free text here: the check refuses what the vocabulary lacks."""

    reader: ReaderName
    key: str
    polarity: Polarity = "asserted"
    about: FactAbout = "product"
    quotes: tuple[Quote, ...]
    slots: tuple[ProposedSlot, ...] = ()
    confidence: Confidence = 1.0
    inferred: bool = False
    """The quotes make the fact likely but do not state it."""
    granted: bool = False
    """A manifest, not the vendor's prose, grants or lists the fact. Believed only from readers of such formats."""


class Reader(Protocol):
    """A reader of facts. Readers are not trusted: `agent.facts.verify` checks their proposals."""

    @property
    def name(self) -> ReaderName:
        """The name under which its facts are listed."""
        ...

    @property
    def forms(self) -> frozenset[DocumentForm]:
        """The forms of documents that it reads."""
        ...

    @property
    def looks_for(self) -> tuple[str, ...]:
        """The keys that it can find; empty for all. Only what was looked for can be said to be absent."""
        ...

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """Propose the facts found in `documents`, which were cut into `statements`."""
        ...
