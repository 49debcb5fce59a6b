"""Turn documents into a fact sheet: run the readers, verify their proposals, and merge the accepted facts."""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.facts.proposal import Proposal, Reader
from agent.facts.sheet import build_sheet
from agent.facts.verify import Material, verify
from agent.facts.vocabulary import load_vocabulary
from agent.records import Document, FactSheet, Outlook, Search, Statement


@dataclass(frozen=True)
class Reading:
    """The result of reading one product without an LLM; immutable."""

    documents: tuple[Document, ...]
    """The documents in reading order, the listing first."""
    statements: tuple[Statement, ...]
    """All sentences, list items, rows and lines, each with its role, sorted by document and then by offset. Without an
    LLM, only statements whose role carries facts were read, and repeated ones only once."""
    sheet: FactSheet
    """The facts that the embedded reader and the format readers found in the statements."""


def read_sheet(
    documents: Sequence[Document],
    statements: Sequence[Statement],
    readers: Sequence[Reader],
    *,
    known: Sequence[str] = (),
    outlook: Outlook | None = None,
) -> FactSheet:
    """Build the fact sheet of `documents`, split into `statements`, from the proposals of all `readers`.

    `known` are names that need no quote, the product's and the vendor's; `outlook` is added to the sheet unchanged. The
    order of the readers matters only for the order of dropped proposals.
    """
    proposals: list[Proposal] = []
    searched: list[Search] = []
    for reader in readers:
        read = [document for document in documents if document.form in reader.forms]
        ids = {document.id for document in read}
        own = [statement for statement in statements if statement.document in ids]
        if not read:
            continue
        proposals += reader.read(read, own)
        wanted = reader.looks_for
        keys = tuple(key.id for key in load_vocabulary() if key.id in wanted)
        searched.append(Search(reader=reader.name, documents=tuple(d.id for d in read), statements=len(own), keys=keys))
    searched.sort(key=lambda search: (search.reader, search.documents))
    found = verify(proposals, Material(tuple(documents), tuple(statements), tuple(known)))
    return build_sheet(found.facts, found.evidence, searched, found.dropped, outlook)
