"""What a reader proposes, before anything of it was checked, and the port behind which all readers stand."""

from collections.abc import Sequence
from typing import Protocol

from agent.records import Confidence, Document, FactAbout, Polarity, ReaderName, Record, Statement
from agent.records.base import DocumentForm


class Quote(Record):
    """Words that a reader says a document has."""

    text: str
    document: str = ""
    """Id of the document; empty when the reader does not know."""
    near: int | None = None
    """Offset near which they stand, in characters, when the reader knows."""


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
    """The quotes make it likely and do not say so."""
    granted: bool = False
    """A manifest grants or lists it: outside the vendor's prose. Believed only of readers of such formats."""


class Reader(Protocol):
    """A reader of facts. Its proposals are checked by `agent.facts.verify`; it is trusted with nothing."""

    @property
    def name(self) -> ReaderName:
        """Under which name its facts are listed."""
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
        """What it finds in `documents`, which were cut into `statements`."""
        ...
