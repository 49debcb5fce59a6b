"""A reader's proposal before any check, and the protocol that all readers implement."""

from collections.abc import Sequence
from typing import Protocol

from agent.records import Confidence, Document, FactAbout, Polarity, ReaderName, Record, Statement
from agent.records.base import DocumentForm


class Quote(Record):
    """Text that, according to a reader, occurs in a document."""

    text: str
    document: str = ""
    """Id of the document; empty if the reader does not know it."""
    near: int | None = None
    """Approximate character offset of the text, if the reader knows it."""


class ProposedSlot(Record):
    """One detail that a reader adds to a fact."""

    name: str
    value: str
    quote: Quote | None = None
    """Quote that contains the value, if the fact's own quotes do not."""


class Proposal(Record):
    """One fact as proposed by a reader. Names are free text here: verification rejects names missing from the
    vocabulary.
    """

    reader: ReaderName
    key: str
    polarity: Polarity = "asserted"
    about: FactAbout = "product"
    quotes: tuple[Quote, ...]
    slots: tuple[ProposedSlot, ...] = ()
    confidence: Confidence = 1.0
    inferred: bool = False
    """Whether the quotes make the fact likely without stating it."""
    granted: bool = False
    """Whether a manifest, rather than the vendor's prose, grants or lists the fact. Ignored unless the proposal comes
    from a reader of such formats."""


class Reader(Protocol):
    """A reader of facts. Readers are not trusted: `agent.facts.verify` checks their proposals."""

    @property
    def name(self) -> ReaderName:
        """The reader's name, under which its facts are listed."""

    @property
    def forms(self) -> frozenset[DocumentForm]:
        """The forms of documents that the reader accepts."""

    @property
    def looks_for(self) -> tuple[str, ...]:
        """The keys that the reader can find; empty for all. A key can be reported absent only if a reader looked for
        it."""

    def read(self, documents: Sequence[Document], statements: Sequence[Statement]) -> Sequence[Proposal]:
        """Propose the facts found in `documents`, which were split into `statements`."""
