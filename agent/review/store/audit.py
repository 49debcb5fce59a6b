"""Audits a store: verifies the hash chain first, then everything that the chain does not cover."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from agent.review.domain.records import Event
from agent.review.store import sqlite
from agent.review.store.chain import Broken, Head, verify
from agent.review.store.queue import row_digest
from agent.review.store.rows import events_of, unpacked
from agent.review.store.store import Store
from agent.review.store.tables import blobs, events, reviews

_BATCH = 1_000
_FIXED = ("product", "vendor", "draft_sha256", "documents_sha256")


class Fault(NamedTuple):
    """A problem found by an audit, and its location."""

    where: str
    what: str


class Audit(NamedTuple):
    """The result of an audit. The store is sound if there is neither a broken row nor a fault."""

    broken: Broken | None
    """The first bad row of the chain; None if the chain is intact."""
    faults: tuple[Fault, ...]
    events: int
    reviews: int
    head: Head | None

    @property
    def sound(self) -> bool:
        """Whether the audit found nothing wrong."""
        return self.broken is None and not self.faults


def audit(store: Store, head: Head | None = None) -> Audit:
    """Verify a store's whole chain and everything it does not cover. If `head` is given, the chain must contain it.

    Raises DamagedError when the file is too damaged to be read.
    """
    with store.reading() as connection:
        rows = select(events).order_by(events.c.seq).execution_options(yield_per=_BATCH)
        broken = verify(events_of(connection, rows), store.id, head)
        faults = tuple(_faults(connection))
        counts = [connection.execute(select(func.count()).select_from(each)).scalar_one() for each in (events, reviews)]
    return Audit(broken, faults, counts[0], counts[1], store.head())


def _faults(connection: Connection) -> Iterator[Fault]:
    damage = sqlite.damage_of(connection, whole=True)
    if damage:
        yield Fault("the file", damage)
    for name in sqlite.missing_triggers(connection):
        yield Fault(f"trigger {name}", "it was removed")
    numbers = select(events.c.review, func.max(events.c.number)).group_by(events.c.review)
    rows = select(events).where(events.c.number == 1).execution_options(yield_per=_BATCH)
    first = {event.review: event.after or {} for event in events_of(connection, rows) if isinstance(event, Event)}
    last: dict[str, int] = {row[0]: row[1] for row in connection.execute(numbers)}
    for row in connection.execute(select(reviews).order_by(reviews.c.number)).mappings():
        end, said = last.pop(row["key"], 0), first.get(row["key"], {})
        differs = [name for name in _FIXED if said.get(name) != row[name]]
        what = f"its {differs[0]} is not that of the imported draft" if differs else ""
        if row["version"] != end:
            what = f"it is at version {row['version']} but its last event is {end}"
        if row_digest(dict(row)) != row["digest"]:
            what = "its row was changed"
        if what:
            yield Fault(f"review {row['key']}", what)
    for key in sorted(last):
        yield Fault(f"review {key}", "it has events but no row")
    for row in connection.execute(select(blobs)).mappings():
        if unpacked(row["sha256"], row["data"], row["size"]) is None:
            yield Fault(f"blob {row['sha256']}", "its content is not what was stored")
