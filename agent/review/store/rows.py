"""Records that enter and leave the store, their table rows (packed blobs, hashed events and reviews), and the rules for
clashing events."""

import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from pydantic import ValidationError
from sqlalchemy import Connection, Executable, RowMapping, insert, select

from agent.errors import ChainError, InputError, StaleError
from agent.records import Record
from agent.review.domain.records import Event, Planned, Reviewer, Verb
from agent.review.domain.replay import SHEET
from agent.review.store import queue
from agent.review.store.chain import Unreadable, canonical, digest
from agent.review.store.queue import QueueColumns
from agent.review.store.tables import blobs, events, reviews

BlobKind = Literal["draft", "documents", "reviewed"]
"""draft: the JSON of a draft; documents: the JSON of its sources' texts; reviewed: the JSON of a signed draft."""
_WHOLE: Final[frozenset[Verb]] = frozenset({"sign", "reopen", "redraft", "undo", "redo"})
"""Verbs that depend on the state of the whole review as the reviewer saw it."""
_TURNS: Final[frozenset[Verb]] = frozenset({"sign", "reopen", "redraft"})
"""Verbs that make everything that a reviewer has seen of the review out of date."""
MAX_BLOB: Final = 100_000_000
"""The maximum size of a blob in bytes."""
_JSON: Final = ("before", "after")


class MissingError(InputError):
    """Raised for a review, version or source that does not exist."""


class Blob(NamedTuple):
    """Bytes that are stored once and never changed."""

    kind: BlobKind
    data: bytes


class NewReview(Record):
    """A draft to be imported as a new review."""

    draft_id: str
    product: str
    vendor: str
    draft: str
    """The draft's JSON, as returned by `agent.report.draft_json.dump`."""
    documents: str
    """The texts of the draft's sources, as returned by `dump_documents`."""


class StoredReview(Record):
    """The stored fields of a review, without its events."""

    key: str
    draft_id: str
    product: str
    vendor: str
    draft_sha256: str
    """The hash of the imported draft; the hash of a redraft is in its event."""
    documents_sha256: str
    version: int


# ---------------------------------------------------------------- which events clash


def clashing(planned: Sequence[Planned], events: Sequence[Event], seen: int) -> tuple[Event, ...]:
    """Return the events of a review after version `seen` that clash with `planned`, oldest first.

    `events` are all events of the review. Events clash if they touch the same item. A planned signature, reopening,
    redraft, undo, redo or change of the facts clashes with any later event, and every planned event clashes with a
    later signature, reopening or redraft. There are two exceptions: an assignment clashes only with another
    assignment, and a planned contest only with a redraft, because a contest removes nothing.
    """

    def clash(plan: Planned, event: Event) -> bool:
        if "assign" in (plan.verb, event.verb):
            return plan.verb == event.verb
        if plan.verb == "contest":
            return event.verb == "redraft"
        if plan.verb in _WHOLE or event.verb in _TURNS or SHEET in (plan.after or {}):
            return True
        touched = _touches(event, events)
        return not touched or plan.item in touched or not touched.isdisjoint(together(plan))

    later = (event for event in events if event.number > seen)
    return tuple(event for event in later if any(clash(plan, event) for plan in planned))


def together(event: Planned | Event) -> tuple[str, ...]:
    """Return the items of a bulk confirmation; empty for any other event."""
    return tuple((event.after or {})["items"]) if event.verb == "bulk" else ()


def _touches(event: Event, events: Sequence[Event]) -> frozenset[str]:
    """Return the items that an event touched; for an undo or redo, those of its target batch. Empty means any item."""
    if event.verb == "bulk":
        return frozenset(together(event))
    if event.verb not in ("undo", "redo"):
        return frozenset(filter(None, (event.item,)))
    numbers = {part.get("batch") for part in (event.before, event.after) if part is not None}
    batch = [other for other in events if other.batch in numbers and other.number < event.number]
    items = {item for other in batch if other.verb != event.verb for item in _touches(other, events)}
    return frozenset(filter(None, items | {event.item}))


def refuse_clash(planned: Sequence[Planned], before: Sequence[Event], version: int, key: str) -> None:
    """Raise StaleError if an event after `version` clashes with the planned ones, InputError for an unknown version."""
    if not 0 <= version <= len(before):
        what = f"there is no version {version}; the last is {len(before)}"
        raise InputError(what, where=f"review {key}", hint="reload the review")
    theirs = clashing(planned, before, version)
    if theirs:
        names = ", ".join(sorted({event.reviewer for event in theirs}))
        raise StaleError(
            f"{names} changed {theirs[0].item or 'the review'} in the meantime",
            where=f"review {key}, version {version}",
            hint="look at both versions and save the one to keep",
            numbers=tuple(event.number for event in theirs),
        )


# ---------------------------------------------------------------- blobs


def packed(blob: Blob) -> dict[str, object]:
    """Convert a blob to a row. Raises InputError when the blob is too large."""
    if len(blob.data) > MAX_BLOB:
        what = f"{len(blob.data)} bytes are too many to store"
        raise InputError(what, where=f"blob of kind {blob.kind}", hint=f"at most {MAX_BLOB}")
    sha256 = hashlib.sha256(blob.data).hexdigest()
    return {"sha256": sha256, "kind": blob.kind, "size": len(blob.data), "data": zlib.compress(blob.data)}


def put(connection: Connection, row: Mapping[str, object]) -> None:
    """Store a packed blob unless it is already stored."""
    if connection.execute(select(blobs.c.size).where(blobs.c.sha256 == row["sha256"])).first() is None:
        connection.execute(insert(blobs).values(row))


def unpacked(sha256: str, data: object, size: object) -> bytes | None:
    """Unpack the bytes of a stored blob. Returns None if they do not match the hash or size."""
    if not isinstance(data, bytes) or not isinstance(size, int):
        return None
    # Never unpack more than the stored size, since the row may have been tampered with.
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, min(max(size, 0), MAX_BLOB) + 1)
    except zlib.error:
        return None
    return found if len(found) == size and hashlib.sha256(found).hexdigest() == sha256 else None


# ---------------------------------------------------------------- events


def sealed(
    last: tuple[int, str], key: str, number: int, batch: int, at: str, reviewer: Reviewer, plan: Planned
) -> Event:
    """Build the event that follows `last` (row number and hash). Raises InputError for an invalid value."""
    # Normalise to the form in which the store returns events, so that an event is equal before and after storing.
    before, after = (None if part is None else json.loads(canonical(part)) for part in (plan.before, plan.after))
    fields: dict[str, object] = {
        "seq": last[0] + 1, "review": key, "number": number, "batch": batch, "at": at, "reviewer": reviewer.name,
        "role": reviewer.role, "verb": plan.verb, "item": plan.item, "before": before, "after": after,
        "reason": plan.reason, "note": plan.note, "previous": last[1],
    }  # fmt: skip
    try:
        event = Event.model_validate({**fields, "hash": digest(fields, last[1])}, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        where = f"event field {'.'.join(map(str, first['loc']))}"
        raise InputError("a value cannot be stored", where=where, hint=first["msg"]) from None
    assert digest(dict(event), last[1]) == event.hash
    return event


def row_of(event: Event) -> dict[str, object]:
    """Convert an event to a row."""
    parts = ((name, getattr(event, name)) for name in _JSON)
    return dict(event) | {name: None if part is None else canonical(part).decode() for name, part in parts}


def events_of(connection: Connection, query: Executable) -> Iterator[Event | Unreadable]:
    """Return the events that a query on the events table finds, with invalid rows as `Unreadable`."""
    return map(_event, connection.execute(query).mappings())


def events_in(connection: Connection, key: str, after: int = 0, to: int | None = None) -> tuple[Event, ...]:
    """Return the events of a review after number `after` and up to number `to`. Raises ChainError for a row that is not
    a valid event."""
    query = select(events).where(events.c.review == key, events.c.number > after).order_by(events.c.number)
    found = []
    for event in events_of(connection, query if to is None else query.where(events.c.number <= to)):
        if isinstance(event, Unreadable):
            where = f"row {event.seq} of the audit log"
            raise ChainError(event.what, where=where, hint="run `septet audit-log verify`")
        found.append(event)
    return tuple(found)


def _event(row: RowMapping) -> Event | Unreadable:
    fields = dict(row)
    try:
        for name in _JSON:
            text = fields[name]
            if text is None:
                continue
            fields[name] = json.loads(text)
            if canonical(fields[name]).decode() != text:
                return Unreadable(row["seq"], f"`{name}` was altered after it was written")
        return Event.model_validate(fields, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        return Unreadable(row["seq"], f"`{'.'.join(map(str, first['loc']))}` is not a valid value of an event")
    except (ValueError, TypeError, RecursionError, InputError):
        return Unreadable(row["seq"], "its before or after is not JSON")


# ---------------------------------------------------------------- reviews


def review_row(connection: Connection, key: str) -> dict[str, object]:
    """Return the row of a review. Raises MissingError when there is no such review."""
    row = connection.execute(select(reviews).where(reviews.c.key == key)).mappings().first()
    if row is None:
        raise MissingError("there is no such review", where=f"review {key[:40]!r}", hint="look up its key in the queue")
    return dict(row)


def made_row(fixed: Mapping[str, object], made: QueueColumns, last: Event) -> dict[str, object]:
    """Build a review's whole row from its constant columns `fixed`, its queue columns `made` and its last event."""
    row = dict(fixed) | queue.columns_of(made)
    row |= {"version": last.number, "changed_seq": last.seq, "changed_at": last.at}
    row["search"] = queue.search_text((str(row["product"]), str(row["vendor"]), str(row["key"]), made.search))
    row["digest"] = queue.row_digest(row)
    return row
