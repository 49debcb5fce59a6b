"""What goes into the store of reviews and comes out of it, beside events and blobs. Pure."""

from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from agent.records import Record
from agent.review.records import QueueRow, ScoreShown, Stage
from agent.taxonomy.keys import Band

MAX_PAGE = 200
"""Most rows of the queue on one page."""

BlobKind = Literal["draft", "documents", "reviewed", "text"]
"""draft: the JSON of a draft; documents: the JSON of its sources' texts; reviewed: the JSON of a signed draft; text:
anything else that a review keeps, such as a vendor's answer."""
QueueSort = Literal["score", "open", "uncertain", "changed", "product"]


class Blob(NamedTuple):
    """Bytes that are stored once and never changed."""

    kind: BlobKind
    data: bytes


class NewReview(Record):
    """A draft that comes in."""

    draft_id: str
    product: str
    vendor: str
    draft: str
    """The draft's JSON, as `agent.report.draft_json.dump` gives it."""
    documents: str
    """The texts of its sources, as `dump_documents` gives them."""


class StoredReview(Record):
    """What a store knows of a review without its events."""

    key: str
    draft_id: str
    product: str
    vendor: str
    draft_sha256: str
    """Of the draft that came in; a redraft's is in its event."""
    documents_sha256: str
    version: int


class QueueColumns(Record):
    """What the queue shows of a review, as of its last event."""

    score: ScoreShown
    open: int
    items: int
    uncertain: int
    contested: int
    stage: Stage
    assigned: str
    changed: str
    search: str = ""
    """Further words by which it is found, beside product, vendor and key."""


def asked_word(name: str) -> str:
    """The word by which the queue finds what a comment asks somebody to look at."""
    return "@" + "_".join(name.casefold().split()) + ";"


class QueueQuery(Record):
    """Which reviews, in which order, and which page of them. What is None or empty does not filter."""

    stage: Stage | None = None
    assigned: str | None = None
    """A reviewer's name; empty text: those of nobody."""
    severity: Band | Literal["withheld"] | None = None
    contested: bool | None = None
    asked: Annotated[str, Field(max_length=80)] = ""
    """The name of somebody whom a comment asks to look at an item."""
    text: Annotated[str, Field(max_length=200)] = ""
    """All of its words must be found in product, vendor, key or the review's own words."""
    sort: QueueSort = "score"
    reverse: bool = False
    """By itself a sort starts with what needs a look first: highest, most, latest; products from A."""
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = 50


class QueuePage(Record):
    """One page of the queue. `total` counts all reviews that the query finds."""

    rows: tuple[QueueRow, ...]
    total: int
    offset: int
    limit: int
