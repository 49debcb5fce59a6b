"""The hash chain over the events of a store: pure functions that hash events and verify a chain.

    hash of an event = sha256 of the canonical JSON of all its fields but `hash`; `previous` is one of them
    the first event's `previous` = sha256 of `GENESIS` and the store's id

The chain reveals every change before its last event. Removing events from the end goes unnoticed unless the chain is
compared with a head stored elsewhere; every signed export contains one.
"""

import hashlib
import html
import json
import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from agent.errors import InputError
from agent.records.draft import head_line as head_text
from agent.review.domain.records import GENESIS, Event

_TAG: Final = re.compile(r"<[^<>]{0,200}>")
_HEAD_LINE: Final = re.compile(r"\b(r[1-9][0-9]{0,8})#([1-9][0-9]{0,8})\s+sha256:([0-9a-f]{64})\b")
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MAX_DEPTH: Final = 100


class Head(NamedTuple):
    """An event that a chain must contain: number `number` of review `review`, with this hash."""

    review: str
    number: int
    hash: str


class Unreadable(NamedTuple):
    """A stored row that is not a valid event."""

    seq: int
    what: str


class Broken(NamedTuple):
    """The first bad row of a chain. If the row cannot be read, `review` is empty and `number` is 0."""

    seq: int
    review: str
    number: int
    what: str


def canonical(value: object) -> bytes:
    """Return the canonical form of a plain JSON value for hashing: keys sorted, no whitespace, UTF-8.

    Raises InputError for a value with no canonical form: a non-finite number, invalid Unicode, or another type.
    """
    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        # UnicodeEncodeError is a ValueError.
        where, hint = str(error)[:200], "use plain text and numbers"
        raise InputError("a value cannot be stored", where=where, hint=hint) from None


def genesis(store_id: str) -> str:
    """Return the `previous` of a store's first event."""
    return hashlib.sha256((GENESIS + store_id).encode()).hexdigest()


def digest(fields: Mapping[str, object], previous: str) -> str:
    """Hash an event with these fields that follows `previous`; its own `hash` and `previous` fields are ignored."""
    hashed = {name: value for name, value in fields.items() if name != "hash"} | {"previous": previous}
    return hashlib.sha256(canonical(hashed)).hexdigest()


def verify(
    events: Iterable[Event | Unreadable], store_id: str, head: Head | None = None, *, tail: bool = False
) -> Broken | None:
    """Return the first row at which the chain of a store breaks, or None if the chain is intact.

    `events` are all rows of the store in order. If `head` is given, it must be among them. The events of each review
    must be numbered from 1, and every event must begin a batch or belong to the batch of the event before it. With
    `tail`, `events` are the last rows only: the first one's `previous` is trusted unless it is row 1.
    """
    found, last, previous, seq = head is None, dict[str, Event](), genesis(store_id), 1
    for row in events:
        if isinstance(row, Unreadable):
            return Broken(row.seq, "", 0, row.what)
        if tail and not last:
            tail = row.seq != 1
            previous, seq = (row.previous, row.seq) if tail else (previous, seq)
        what, before = _wrong(row, seq, previous), last.get(row.review)
        number = before.number + 1 if before else 1
        if not what and not tail and row.number != number:
            what = f"it is number {row.number} of its review but {number} was expected"
        if not what and not tail and row.batch not in (number, before.batch if before else number):
            what = f"its batch {row.batch} neither begins with it nor includes the event before it"
        if not what and head and (row.review, row.number) == (head.review, head.number) and row.hash != head.hash:
            what = "its hash is not the one in the export"
        if what:
            return Broken(row.seq, row.review, row.number, what)
        found = found or (head is not None and row.hash == head.hash)
        last[row.review], previous, seq = row, row.hash, seq + 1
    if head is not None and not found:
        what = f"the store ends with row {seq - 1}; the event that the export refers to is not in it"
        return Broken(seq, head.review, head.number, what)
    return None


def _wrong(event: Event, seq: int, previous: str) -> str:
    """Return what is wrong with a row at this position; empty if the row is valid."""
    if event.seq != seq:
        return f"row {event.seq} is where row {seq} was expected"
    if event.previous != previous:
        before = "the store's id" if seq == 1 else f"row {seq - 1}"
        return f"it does not follow from {before}"
    try:
        hashed = digest(dict(event), previous)
    except InputError:
        return "its fields cannot be hashed"
    return "" if event.hash == hashed else "its hash does not match its fields"


def head_line(head: Head) -> str:
    """Return the line that states a head in an export for readers; `find_head` parses it."""
    return head_text(head.review, head.number, head.hash)


def find_head(text: str) -> Head | None:
    """Return the head in a signed export, or None.

    In JSON: the first object that has `head` and `number`; `review` is optional. In Markdown and HTML: the last
    line that `head_line` wrote, since the report text above it is partly untrusted.
    """
    if text.lstrip().startswith("{"):
        try:
            return _json_head(json.loads(text), 0)
        except (ValueError, RecursionError):
            return None
    found = _HEAD_LINE.findall(html.unescape(_TAG.sub("", text)))
    return Head(found[-1][0], int(found[-1][1]), found[-1][2]) if found else None


def _json_head(value: object, depth: int) -> Head | None:
    if depth > _MAX_DEPTH or not isinstance(value, dict | list):
        return None
    if isinstance(value, dict):
        hashed, number, review = (value.get(name) for name in ("head", "number", "review"))
        if isinstance(hashed, str) and _HASH.fullmatch(hashed) and isinstance(number, int):
            return Head(review if isinstance(review, str) else "", number, hashed)
    inside = value.values() if isinstance(value, dict) else value
    return next(filter(None, (_json_head(each, depth + 1) for each in inside)), None)
