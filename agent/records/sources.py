"""What intake read: snapshots, findings, documents, and what could not be determined."""

from typing import Annotated, Final, Literal

from pydantic import Field

from agent.records.base import About, BlockKind, DocumentForm, FindingKind, MissingReason, Record, SourceKind


class Snapshot(Record):
    """Bytes as they were received, addressed by their hash."""

    sha256: str
    """Hash of the bytes, lower-case hex."""
    requested_url: str
    """Requested URL, or the file's name (never an absolute local path)."""
    final_url: str
    """URL from which the bytes came, after redirects."""
    fetched_at: str
    """UTC, ISO 8601 with seconds and `Z`."""
    media_type: str
    kind: SourceKind
    size: int
    """Size in bytes."""
    charset: str = ""
    """As declared by the server; may be empty or wrong."""
    headers: tuple[tuple[str, str], ...] = ()
    """Response headers that are needed later (validators, caching, robots, language), with their names in lower
    case."""
    user_agent: str = ""
    """User agent of the request; empty for a file."""


class Finding(Record):
    """Something in a source that the analyst must see."""

    kind: FindingKind
    document: str
    start: int
    """Offset into the document's text, in characters; equal to `end` if the text was removed."""
    end: int
    where: str
    """Location in words: a tag path, a page, a heading."""
    excerpt: str
    """At most 200 characters of the text in question."""
    count: Annotated[int, Field(ge=1)] = 1
    """Number of places that the finding covers; all vendor claims of a document form one finding."""


class Section(Record):
    """A stretch of a document's text under one heading path."""

    start: int
    end: int
    path: tuple[str, ...]
    """Headings from the outermost inwards; empty before the first heading."""
    about: About


class DocumentBlock(Record):
    """A block of a document's text. text[start:end] contains its words, without the bullet or number of a list item."""

    start: int
    end: int
    kind: BlockKind
    level: int = 0
    """1 to 6 for a heading, the depth of the list (from 1) for an item, otherwise 0."""
    language: str = ""
    """For code: the language declared by its block, in lower case; empty when the block declares none."""
    heads: tuple[str, ...] = ()
    """For a table row: the column headings, in order; empty when the table has none."""
    links: tuple[tuple[int, int], ...] = ()
    """Start and end of each link in the block's text, in order and without overlap."""


class Document(Record):
    """Plain text of a snapshot with stable character offsets."""

    id: str
    """D1, D2, … in reading order, the listing first."""
    sha256: str
    """Hash of the snapshot."""
    url: str
    title: str
    kind: SourceKind
    media_type: str
    fetched_at: str
    text: str
    sections: tuple[Section, ...]
    """Sections that cover the whole text without gap or overlap."""
    blocks: tuple[DocumentBlock, ...] = ()
    """Blocks in text order, without overlap; empty in older documents, which did not store blocks."""
    language: str = ""
    """The language of the text as an ISO 639-1 code; empty when it cannot be determined."""
    form: DocumentForm = "prose"
    user_agent: str = ""
    """User agent with which the page was requested; the server may send a different page to another user agent."""
    findings: tuple[Finding, ...] = ()

    def kind_at(self, offset: int) -> BlockKind | None:
        """Return the kind of the block at an offset of the text; None between blocks, and if none were stored."""
        return next((block.kind for block in self.blocks if block.start <= offset < block.end), None)


MILD_FINDINGS: Final[frozenset[FindingKind]] = frozenset(
    (
        "needs-javascript", "near-empty", "content-changed", "cloaking-suspected", "retrieval-dominance",
        "remote-resource", "path", "vendor-claim",
    )
)  # fmt: skip
"""Findings about the page as a whole, or about wording that may still state a risk. They exclude no sentence
from reading."""


def flagged_spans(document: Document) -> list[tuple[int, int]]:
    """Return the start and end of each non-empty passage that findings hide from all readers, sorted by start."""
    found = (f for f in document.findings if f.kind not in MILD_FINDINGS and f.start < f.end)
    return sorted((finding.start, finding.end) for finding in found)


class Link(Record):
    """A link found by intake, and what became of it."""

    url: str
    state: Literal["read", "skipped", "refused"]
    reason: str


class Missing(Record):
    """Something that could not be determined, and why. It must not be treated as a default value or as content."""

    reason: MissingReason
    detail: str
    """One plain sentence without a full stop."""


class Budget(Record):
    """The limits of intake, and how much of each was used."""

    pages: int
    pages_used: int
    bytes: int
    bytes_used: int
    seconds: float
    depth: int
    connections_per_host: int = 0
    delay_seconds: float = 0.0
    """Pause between two requests to the same host; if a robots.txt asked for more, the longest pause used."""


class Site(Record):
    """A host reached from the listing through a link whose text says what the host is."""

    role: Literal["product", "repository"]
    url: str
    because: str
    """The text of the link, or the manifest field, that led to the host."""


class Intake(Record):
    """Everything that intake read about one product."""

    source: str
    final_url: str
    snapshots: tuple[Snapshot, ...]
    documents: tuple[Document, ...]
    links: tuple[Link, ...] = ()
    missing: tuple[Missing, ...] = ()
    budget: Budget
    product: str = ""
    """The product's name from `--product`, the listing or its data; empty if it is in none of them."""
    aliases: tuple[str, ...] = ()
    """Other names of the product: variants, its repository, its package, a former name."""
    vendor: str = ""
    """The vendor, from a manifest, the repository's owner, a copyright line or the domain; empty if unknown."""
    naming: str = ""
    """Why this name was chosen for the product, in words for display."""
    candidates: tuple[str, ...] = ()
    """Names of the products on the listing page, if there are several."""
    sites: tuple[Site, ...] = ()
    """Sites beyond the listing's own host that the crawl was allowed to read."""
