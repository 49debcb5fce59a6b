"""Events as rows of the store, and back: a row that is no event is told, not passed over."""

import json
from collections.abc import Iterator
from typing import Final

from pydantic import ValidationError
from sqlalchemy import Connection, Executable, RowMapping, func, select

from agent.errors import ChainError, InputError
from agent.review.chain import Unreadable, canonical
from agent.review.records import Event
from agent.review.tables import events

_BATCH: Final = 1_000
_JSON: Final = ("before", "after")


def row_of(event: Event) -> dict[str, object]:
    """The row of an event."""
    row: dict[str, object] = {name: getattr(event, name) for name in Event.model_fields}
    for name in _JSON:
        row[name] = None if row[name] is None else canonical(row[name]).decode()
    return row


def all_rows(connection: Connection) -> Iterator[Event | Unreadable]:
    """All rows of the store in their order, read as they are asked for."""
    query = select(events).order_by(events.c.seq)
    for row in connection.execution_options(yield_per=_BATCH).execute(query).mappings():
        yield _event(row)


def last_rows(connection: Connection, number: int) -> tuple[Event | Unreadable, ...]:
    """The last rows of the store in their order."""
    last = connection.execute(select(func.max(events.c.seq))).scalar() or 0
    query = select(events).where(events.c.seq > last - number).order_by(events.c.seq)
    return tuple(_event(row) for row in connection.execute(query).mappings())


def first_events(connection: Connection) -> Iterator[Event]:
    """The event with which each review began, as far as they can be read."""
    query = select(events).where(events.c.number == 1)
    for row in connection.execution_options(yield_per=_BATCH).execute(query).mappings():
        event = _event(row)
        if isinstance(event, Event):
            yield event


def events_of(connection: Connection, query: Executable) -> tuple[Event, ...]:
    """The events that a query over the table finds. Raises ChainError for a row that is none."""
    found = []
    for row in connection.execute(query).mappings():
        event = _event(row)
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
                return Unreadable(row["seq"], f"`{name}` is not as it was written")
        return Event.model_validate(fields, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        return Unreadable(row["seq"], f"`{'.'.join(map(str, first['loc']))}` is no value of an event")
    except (ValueError, TypeError, RecursionError, InputError):
        return Unreadable(row["seq"], "its before or after is not JSON")
