"""Paperhawk, a product of ten sentences that pays invoices: its reading, what an LLM is shown, and its plain draft."""

from functools import cache

from agent.drafting_old.assisted.checking import Shown
from agent.drafting_old.assisted.shapes import Quote
from agent.drafting.calibration import load_calibration
from agent.drafting_old.combine import load_combination
from agent.drafting_old.composition import Composition
from agent.drafting_old.embedded import compose
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pack import WHOLE_CHARS, pack

from agent.llm.tokens import by_bytes
from agent.pipeline import read_documents
from agent.records import About, Document, Section
from agent.settings import Settings

LISTING = (
    "Paperhawk reads supplier invoices that arrive by mail and writes bookings into the ledger of the company. "
    "It keeps the history of every supplier in a database. "
    "It sends a payment file to the bank for every invoice that matches an order. "
    "Paperhawk uses the API key of the finance team. It does not use Redis. "
    "It does not print cheques."
)
DOCS = (
    "The matcher compares the account number of an invoice with the supplier record and updates the record when the "
    "supplier asks for it by mail. "
    "An `approval_required` setting, on by default and locked to administrators, makes an operator confirm each "
    "payment file. "
    "Nightly exports of the ledger go to Datadog. Paperhawk copies scanned receipts to the archive of the auditor."
)
NAME = "Paperhawk"
CONSTANTS = load_combination()


def page(number: int, text: str, kind: str, about: About = "product") -> Document:
    """A page of one section."""
    return Document.model_validate(
        {
            "id": f"D{number}",
            "sha256": "0" * 64,
            "url": f"page{number}.md",
            "title": NAME,
            "kind": kind,
            "media_type": "text/markdown",
            "fetched_at": "2026-11-01T00:00:00Z",
            "text": text,
            "sections": (Section(start=0, end=len(text), path=(NAME,), about=about),),
            "findings": (),
        }
    )


@cache
def documents() -> tuple[Document, ...]:
    """The listing and one page of documentation."""
    return (page(1, LISTING, "listing"), page(2, DOCS, "docs"))


def shown_of(*pages: Document) -> Shown:
    """All of some pages, as an LLM is shown them."""
    reading = read_documents(pages, Settings())
    packed = pack(reading, "f3a91c07be2d4456", by_bytes().count, free_chars=WHOLE_CHARS)
    assert packed.left_out == 0
    return Shown(reading, packed, (NAME,))


@cache
def shown() -> Shown:
    """All of Paperhawk's."""
    return shown_of(*documents())


@cache
def interim() -> Composition:
    """The embedded drafter's draft."""
    return compose(shown().reading, name=NAME, calibration=load_calibration())


def quote(text: str, within: Shown | None = None) -> Quote:
    """A quote with the id of the passage that has it; of the first passage when none has."""
    passages = (within or shown()).packed.passages
    key = next((key for key, passage in passages.items() if text in passage.shown), next(iter(passages)))
    return Quote(passage=key, text=text)


def ledger() -> Ledger:
    """A ledger that holds the plain draft's quotes under their ids."""
    reading = shown().reading
    made = Ledger(reading.documents, reading.statements)
    for row in interim().evidence:
        index = next(
            n
            for n, s in enumerate(reading.statements)
            if s.document == row.document and s.start <= row.start and row.end <= s.end
        )
        made.cite(index, row.start, row.end)
    assert made.evidence() == interim().evidence
    return made
