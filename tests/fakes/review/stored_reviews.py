"""Reviews for the store's tests: hand-made planned events, and queue columns that count them."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from agent.review.domain.records import Event, Reviewer, ScoreShown, Verb
from agent.review.store.queue import QueueColumns
from agent.review.store.rows import NewReview
from agent.review.store.store import Store

ANNA = Reviewer(name="Anna")
BO = Reviewer(name="Bo", role="approver")
AT = "2026-03-01T09:00:00Z"
ITEMS = 40


@dataclass(frozen=True)
class Plan:
    """An event before it has a place in the log."""

    item: str = "posture"
    verb: Verb = "confirm"
    before: dict[str, object] | None = None
    after: dict[str, object] | None = None
    reason: str = ""
    note: str = ""


def columns(events: tuple[Event, ...]) -> QueueColumns:
    """Return the queue columns: each event closes one item; the score stays the same."""
    score = ScoreShown(aivss=Decimal("7.9"), severity="High", low=Decimal("6.1"), high=Decimal("8.0"), withheld=None)
    return QueueColumns(
        score=score,
        open=max(0, ITEMS + 1 - len(events)),
        items=ITEMS,
        uncertain=2,
        contested=0,
        stage="open",
        assigned="",
        changed=f"{len(events) - 1} decisions",
    )


def arriving(number: int = 1, product: str = "") -> NewReview:
    """Return a draft to import."""
    return NewReview(
        draft_id=f"draft-{number}",
        product=product or f"Product {number}",
        vendor="Größe & Söhne",
        draft=f'{{"id": "draft-{number}"}}',
        documents=f'[{{"text": "text of product {number}"}}]',
    )


def filled(path: Path, reviews: int = 3, events: int = 4) -> Store:
    """Return a new store with this many reviews, each with this many events after its import."""
    store = Store.open(path)
    for number in range(1, reviews + 1):
        key = store.add_review(arriving(number), ANNA, AT, columns)
        for event in range(events):
            plan = Plan(f"threat/T{event}", note=f"review {number}, event {event} — “seen”")
            store.append(key, [plan], ANNA, AT, event + 1, columns)
    return store
