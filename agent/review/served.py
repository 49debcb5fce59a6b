"""What the review's service gives to pages, to the JSON twin and to verbs, and how they ask it."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

from agent.records import Document, Record
from agent.review.compare import Comparison, SideBySide
from agent.review.decisions import Moved, Pace
from agent.review.questionnaire import Format
from agent.review.records import Action, Event, Reviewer, ReviewState
from agent.review.stored import QueuePage, QueueQuery

ExportFormat = Literal["md", "html", "json"]


class ActResult(Record):
    """What an action came to."""

    events: tuple[Event, ...]
    """Empty when everything stood like that already."""
    state: ReviewState
    moved: Moved
    """The score before and after, and why."""


class Export(NamedTuple):
    """A file that a page offers."""

    name: str
    """Made of ids, never of a product's name."""
    media_type: str
    data: bytes


class ReviewService(Protocol):
    """What the web app asks for. Errors are those of `agent.errors`; an unknown review is an InputError."""

    def queue(self, query: QueueQuery) -> QueuePage:
        """One page of the queue."""

    def assignees(self) -> tuple[str, ...]:
        """Who has reviews assigned, by name."""

    def review(self, key: str, as_of: int | None = None) -> ReviewState:
        """A review, now or as of an event's number."""

    def documents(self, key: str) -> tuple[Document, ...]:
        """All sources of a review, answers that were drafted with among them."""

    def act(self, key: str, action: Action, reviewer: Reviewer) -> ActResult:
        """Store an action. Raises ConflictError with three versions, InputError, FullError."""

    def preview(self, key: str, action: Action, reviewer: Reviewer) -> Moved:
        """What an action would move, without storing it. Raises as `act` does."""

    def redraft(self, key: str, reviewer: Reviewer, version: int) -> ActResult:
        """Draft again with the answers so far."""

    def respond(self, key: str, raw: bytes, reviewer: Reviewer, version: int) -> ActResult:
        """Store the answers and contests of a response file."""

    def history(self, key: str) -> tuple[Event, ...]:
        """All events of a review, oldest first."""

    def compare(self, key: str, a: int, b: int) -> Comparison:
        """Two versions of a review."""

    def compare_reviews(self, keys: Sequence[str]) -> SideBySide:
        """Products, or drafts of one product, side by side."""

    def focus(self, key: str, item: str, seconds: float, reviewer: Reviewer) -> None:
        """Add focus time of an item."""

    def focus_by_item(self, key: str) -> Mapping[str, float]:
        """Focus time so far, seconds by item."""

    def pace(self) -> Pace:
        """How long decisions took of late, by kind of item."""

    def export(self, key: str, format_: ExportFormat) -> Export:
        """The reviewed draft, with its stamp when it is signed."""

    def questionnaire(self, key: str, format_: Format) -> Export:
        """The questions that are still open or sent."""

    def reply(self, key: str) -> str:
        """What became of each contested point, as Markdown."""
