"""A small product that was read, and what an LLM might say of it: quotes by their words, items after the check."""

from typing import TypeVar

from agent.drafting_old.assisted.checking import Shown, check
from agent.drafting_old.assisted.proposals import Item, Proposals
from agent.drafting_old.assisted.shapes import Claim, FactorItem, LayerItem, PostureAnswer, Quote, ThreatItem
from agent.drafting_old.combine import Combination
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pack import WHOLE_CHARS, pack
from agent.evidence.reading import Reading

from agent.llm.tokens import by_bytes
from agent.pipeline import read_documents
from agent.records import Document, Section
from agent.settings import Settings

LISTING = (
    "Quill reads support tickets and sends replies to customers. "
    "It posts each reply with the OAuth token of the signed-in user. "
    "Quill stores every conversation in a Postgres database. "
    "Quill calls its tools without asking anybody. "
    "An index of old tickets is built from the public forum."
)
PLATFORM = "The Harbor platform starts containers for each customer on shared hosts."
SAID = TypeVar("SAID", FactorItem, LayerItem, PostureAnswer, ThreatItem)


def document(number: int, text: str, *, about: str = "product") -> Document:
    return Document.model_validate({
        "id": f"D{number}", "sha256": f"{number}" * 64, "url": f"page{number}.md", "title": f"Page {number}",
        "kind": "listing" if number == 1 else "docs", "media_type": "text/markdown",
        "fetched_at": "2026-11-01T00:00:00Z", "text": text,
        "sections": (Section.model_validate({"start": 0, "end": len(text), "path": ("Quill",), "about": about}),),
        "findings": (),
    })  # fmt: skip


def page(number: int, text: str, kind: str = "docs", about: str = "product") -> Document:
    """A page that is called Guide, of one section."""
    return Document.model_validate(
        {
            "id": f"D{number}",
            "sha256": "0" * 64,
            "url": "page.md",
            "title": "Guide",
            "kind": kind,
            "media_type": "text/markdown",
            "fetched_at": "2026-11-01T00:00:00Z",
            "text": text,
            "sections": (Section(start=0, end=len(text), path=("Guide",), about=about),),
            "findings": (),
        }
    )


def read(*more: Document) -> Reading:
    """The listing of Quill, and further pages."""
    return read_documents((document(1, LISTING), *more), Settings())


def shown(reading: Reading) -> Shown:
    """Everything of it, as an LLM is shown it."""
    packed = pack(reading, "f3a91c07be2d4456", by_bytes().count, free_chars=WHOLE_CHARS)
    return Shown(reading, packed, ("Quill", "Ink Ltd"))


def quote(text: str, seen: Shown) -> Quote:
    """A quote with the id of the passage that holds it; of the first passage when none does."""
    passages = seen.packed.passages
    return Quote(passage=next((key for key, p in passages.items() if text in p.shown), next(iter(passages))), text=text)


def claim(text: str, *numbers: int) -> Claim:
    return Claim(text=text, quotes=list(numbers))


def item(said: SAID, seen: Shown) -> Item[SAID]:
    """The item after the check."""
    return Item(said, check(said, seen))


def nothing(seen: Shown) -> Proposals:
    """An LLM that proposed nothing."""
    return Proposals(seen, Combination(rows=0, factors={}))


def ledger(reading: Reading) -> Ledger:
    return Ledger(reading.documents, reading.statements)
