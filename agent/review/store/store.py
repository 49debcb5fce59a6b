"""The store of reviews: drafts as blobs, events in one hash chain, and the queue's columns, in one file.

Each append is one transaction: it checks for conflicting events, hashes and stores the new events, and updates the
queue's columns. If the call returns, the events are durable; if it raises, nothing is stored.
"""

import fcntl
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Connection, Engine, func, insert, select, update

from agent.errors import BusyError, DamagedError, InputError, IntegrityError, SchemaError, SeptetError, StoreError
from agent.review.domain.records import Event, Planned, Reviewer, Verb
from agent.review.store import queue, rows, sqlite
from agent.review.store.chain import Head, genesis, verify
from agent.review.store.queue import QueueColumns, QueuePage, QueueQuery
from agent.review.store.rows import Blob, NewReview, StoredReview
from agent.review.store.tables import SCHEMA, blobs, events, focus, meta, reviews

LOCK: Final = ".lock"
_TAIL: Final = 2_000
"""Number of events at the end of the chain to verify on opening; `septet audit-log verify` verifies all events."""
_ID_BYTES: Final = 16
_CLOSE_SECONDS: Final = 5.0
_WINDOW: Final = 10
Columns = Callable[[tuple[Event, ...]], QueueColumns]
"""Computes the queue columns of a review from all its events. It is called within the transaction, so an error that
it raises leaves the store unchanged; it may also raise to reject a state."""


class Lock:
    """The lock of the one process that may write to a store; released as soon as the process ends for any reason.

    The lock file also records the id of the store, since SQLite's WAL file does not say which store it belongs to.
    """

    def __init__(self, path: Path) -> None:
        """Take the lock. Raises BusyError when another process holds it, StoreError when its file cannot be created."""
        with sqlite.guarded(path):
            self._handle = os.open(f"{path}{LOCK}", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self.release()
            hint = "close the other review app, or use that one"
            raise BusyError("another process has the store open", where=str(path), hint=hint) from None

    def store_id(self) -> str:
        """Return the id of the store last opened here; empty if there is none."""
        return os.pread(self._handle, 200, 0).decode("ascii", "replace").strip()

    def remember(self, store_id: str) -> None:
        """Record the id of the store opened here."""
        # A full disk must not prevent opening a store.
        with suppress(OSError):
            os.pwrite(self._handle, f"{store_id}\n".encode(), 0)

    def release(self) -> None:
        """Release the lock."""
        os.close(self._handle)


class Store:
    """An open store; its methods are thread-safe. Close it, or use it in a `with` block.

    Every method that writes may raise FullError (nothing is stored), BusyError (a retry may work), DamagedError and
    StoreError; every method that reads may raise BusyError and DamagedError.
    """

    def __init__(self, path: Path, lock: Lock | None, to: str, more: Sequence[Path]) -> None:
        self.path, self._lock = path, lock
        self._turn = threading.Lock()
        self._closed = False
        engine = sqlite.make_engine(path, read_only=lock is None)
        with ExitStack() as left:
            left.callback(engine.dispose)
            with sqlite.reading(engine, path) as connection:
                damage = sqlite.damage_of(connection)
                schema = _schema(connection, path, to)
            if schema != to and damage:
                raise sqlite.damaged(path, damage)
            if schema != to and lock is None:
                hint = f"start `septet review` once to upgrade it to {to}"
                raise StoreError(f"the store has the older schema {schema}", where=str(path), hint=hint)
            if lock is not None and not damage:
                if schema != to:
                    _migrate(path, schema, to, more)
                sqlite.prepare(path)
                with sqlite.writing(engine, path):
                    pass  # Fail at start, not at the first save, if nothing can be written.
            with sqlite.reading(engine, path) as connection:
                self.id: Final = connection.execute(select(meta.c.value).where(meta.c.name == "store")).scalar() or ""
                self.damage: Final = damage or _wrong(connection, lock, self.id)
                """A description of the damage to the file, if any. A damaged store is read-only."""
            if lock is None or not self.damage:
                left.pop_all()
        if lock is not None and self.damage:
            engine = sqlite.make_engine(path, read_only=True)
        elif lock is not None:
            lock.remember(self.id)
        self._engine: Engine = engine

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False, to: str = SCHEMA, more: Sequence[Path] = ()) -> Self:
        """Open the store at `path`, or create it if missing; `read_only` works while another process has it open.

        Upgrades the schema to step `to`, after a backup next to the store; `more` are folders with further steps.
        Raises BusyError when another process has the store open for writing, StoreError when it cannot be opened,
        DamagedError when it cannot be read at all, SchemaError when a newer Septet wrote it.
        """
        if read_only:
            if not path.is_file():
                raise StoreError("there is no store", where=str(path), hint="specify its file with --store")
            return cls(path, None, SCHEMA, ())
        if path.is_dir():
            raise StoreError("the store is a folder", where=str(path), hint="specify a file with --store")
        with sqlite.guarded(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = Lock(path)
        with ExitStack() as left:
            left.callback(lock.release)
            if not path.exists():
                _create(path, to, more)
            if not path.is_file() or not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
                hint = "make the file and its folder writable for your user, or choose another place with --store"
                raise StoreError("the store is read-only", where=str(path), hint=hint)
            if path.stat().st_size == 0:
                raise sqlite.damaged(path, "its file is empty")
            store = cls(path, lock, to, more)
            left.pop_all()
        return store

    def __enter__(self) -> Self:
        """Return the store itself, which is already open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        self.close()

    @property
    def hint(self) -> str:
        """How to repair `damage`; empty if there is none."""
        return sqlite.restore_hint(self.path) if self.damage else ""

    def close(self) -> None:
        """Wait at most five seconds for a write in progress, then close. Closing twice does nothing."""
        mine = self._turn.acquire(timeout=_CLOSE_SECONDS)
        try:
            if not self._closed:
                self._closed = True
                self._engine.dispose()
                if self._lock is not None:
                    self._lock.release()
        finally:
            if mine:
                self._turn.release()

    # -- reviews

    def add_review(self, new: NewReview, reviewer: Reviewer, at: str, columns: Columns) -> str:
        """Import a draft as the first event of a new review, and return the review's key.

        If the draft is already imported, the key of its review is returned instead. `at` is UTC, ISO 8601.
        """
        try:
            texts = new.draft.encode(), new.documents.encode()
        except UnicodeEncodeError:
            where, hint = "draft or documents", "draft again"
            raise InputError("the text is not valid Unicode", where=where, hint=hint) from None
        draft, documents = rows.packed(Blob("draft", texts[0])), rows.packed(Blob("documents", texts[1]))
        named = {
            "product": new.product, "vendor": new.vendor, "draft_sha256": draft["sha256"],
            "documents_sha256": documents["sha256"],
        }  # fmt: skip
        with self._writing() as connection:
            there = connection.execute(select(reviews.c.key).where(reviews.c.draft_id == new.draft_id)).scalar()
            if there is not None:
                return str(there)
            rows.put(connection, draft)
            rows.put(connection, documents)
            number = (connection.execute(select(func.max(reviews.c.number))).scalar() or 0) + 1
            fixed = named | {
                "number": number, "key": f"r{number}", "draft_id": new.draft_id,
                "sort_name": queue.search_text((new.product,)),
            }  # fmt: skip
            plan = Planned(verb="import", item="", after={"draft": new.draft_id, **named})
            event = rows.sealed(self._last(connection), f"r{number}", 1, 1, at, reviewer, plan)
            connection.execute(insert(reviews).values(rows.made_row(fixed, columns((event,)), event)))
            connection.execute(insert(events), [rows.row_of(event)])
        return f"r{number}"

    def review(self, key: str) -> StoredReview:
        """Return a review without its events. Raises MissingError if unknown, DamagedError when its row was changed."""
        with self.reading() as connection:
            row = rows.review_row(connection, key)
        if queue.row_digest(row) != row["digest"]:
            raise sqlite.damaged(self.path, f"the row of review {key} was changed")
        return StoredReview(**{name: row[name] for name in StoredReview.model_fields})

    def keys(self) -> tuple[str, ...]:
        """Return the keys of all reviews, oldest first."""
        with self.reading() as connection:
            return tuple(connection.execute(select(reviews.c.key).order_by(reviews.c.number)).scalars())

    def review_of(self, draft_id: str) -> str | None:
        """Return the key of a draft's review, or None if the draft was never imported."""
        with self.reading() as connection:
            return connection.execute(select(reviews.c.key).where(reviews.c.draft_id == draft_id)).scalar()

    def version(self, key: str) -> int:
        """Return the number of a review's last event. Raises MissingError when there is no such review."""
        with self.reading() as connection:
            return int(str(rows.review_row(connection, key)["version"]))

    # -- events

    def append(
        self, key: str, planned: Sequence[Planned], reviewer: Reviewer, at: str, version: int, columns: Columns, *,
        blobs: Sequence[Blob] = (),
    ) -> tuple[Event, ...]:  # fmt: skip
        """Store `planned` as the next events of a review, in one batch, and return them with their numbers and hashes.

        `planned` is based on version `version`; `blobs` are stored in the same transaction. Raises StaleError, with the
        numbers of the other events, if a later event touched the same item. Raises InputError for an unknown review, a
        future version, an empty `planned`, and values that are not JSON; and whatever `columns` raises.
        """
        if not planned:
            raise InputError("there is nothing to store", where=f"review {key}", hint="specify an item")
        packed = [rows.packed(blob) for blob in blobs]
        with self._writing() as connection:
            row = rows.review_row(connection, key)
            before = rows.events_in(connection, key)
            rows.refuse_clash(planned, before, version, key)
            for blob in packed:
                rows.put(connection, blob)
            last, batch = self._last(connection), len(before) + 1
            made: list[Event] = []
            for number, plan in enumerate(planned, batch):
                made.append(rows.sealed(last, key, number, batch, at, reviewer, plan))
                last = (made[-1].seq, made[-1].hash)
            connection.execute(insert(events), [rows.row_of(event) for event in made])
            values = rows.made_row(row, columns((*before, *made)), made[-1])
            connection.execute(update(reviews).where(reviews.c.key == key).values(values))
        return tuple(made)

    def _last(self, connection: Connection) -> tuple[int, str]:
        """Return the row number and hash of the chain's last event, or 0 and the genesis hash."""
        row = connection.execute(select(events.c.seq, events.c.hash).order_by(events.c.seq.desc()).limit(1)).first()
        return (0, genesis(self.id)) if row is None else (row.seq, row.hash)

    def events(self, key: str, *, after: int = 0, to: int | None = None) -> tuple[Event, ...]:
        """Return the events of a review after number `after` and up to number `to`, oldest first.

        Raises MissingError when there is no such review, ChainError for a row that is not a valid event.
        """
        with self.reading() as connection:
            rows.review_row(connection, key)
            return rows.events_in(connection, key, after, to)

    def head(self) -> Head | None:
        """Return the head of the chain: its last event, or None if the chain is empty."""
        last = select(events.c.review, events.c.number, events.c.hash).order_by(events.c.seq.desc()).limit(1)
        with self.reading() as connection:
            row = connection.execute(last).first()
        return None if row is None else Head(row.review, row.number, row.hash)

    def blob(self, sha256: str) -> bytes:
        """Return the bytes with this hash. Raises InputError if unknown, IntegrityError when they were changed."""
        with self.reading() as connection:
            row = connection.execute(select(blobs.c.data, blobs.c.size).where(blobs.c.sha256 == sha256)).first()
        if row is None:
            raise InputError("there is no such blob", where=f"blob {sha256[:64]}", hint="check the hash")
        data = rows.unpacked(sha256, row.data, row.size)
        if data is None:
            hint = sqlite.restore_hint(self.path)
            raise IntegrityError("a blob differs from what was stored", where=f"blob {sha256}", hint=hint)
        return data

    # -- queue and focus

    def queue(self, query: QueueQuery) -> QueuePage:
        """Return one page of the queue."""
        with self.reading() as connection:
            return queue.page(connection, query)

    def assignees(self) -> tuple[str, ...]:
        """Return the names of all reviewers with assigned reviews, sorted."""
        names = select(reviews.c.assigned).where(reviews.c.assigned != "").distinct().order_by(reviews.c.assigned)
        with self.reading() as connection:
            return tuple(connection.execute(names).scalars())

    def add_focus(self, key: str, item: str, reviewer: str, seconds: float) -> None:
        """Add to a reviewer's focus time on an item. Raises InputError for an unknown review or invalid seconds."""
        if not 0 <= seconds < float("inf"):
            raise InputError(f"{seconds} is not a duration", where="focus", hint="use a number of seconds")
        mine = (focus.c.review == key) & (focus.c.item == item) & (focus.c.reviewer == reviewer)
        with self._writing() as connection:
            rows.review_row(connection, key)
            more = update(focus).where(mine).values(seconds=focus.c.seconds + seconds)
            if not connection.execute(more).rowcount:
                new = {"review": key, "item": item, "reviewer": reviewer, "seconds": seconds}
                connection.execute(insert(focus).values(new))

    def focus(self, key: str) -> dict[str, float]:
        """Return the focus time on each item in seconds, summed over all reviewers; unviewed items are missing."""
        total = func.sum(focus.c.seconds)
        query = select(focus.c.item, total).where(focus.c.review == key).group_by(focus.c.item).order_by(focus.c.item)
        with self.reading() as connection:
            return {item: float(seconds) for item, seconds in connection.execute(query)}

    def timed(self, verbs: Sequence[Verb], most: int) -> tuple[tuple[str, float], ...]:
        """Return the items of the last `most` events with these verbs, with their reviewers' focus times in seconds.

        Only the last 10 × `most` events are searched, so that this stays fast in a store of ten thousand reviews.
        """
        recent = events.c.seq > select(func.max(events.c.seq)).scalar_subquery() - _WINDOW * most
        last = select(events.c.review, events.c.item, events.c.reviewer).where(recent, events.c.verb.in_(verbs))
        made = last.order_by(events.c.seq.desc()).limit(most).subquery()
        each = select(made.c.review, made.c.item, made.c.reviewer).distinct().subquery()
        same = (focus.c.review == each.c.review) & (focus.c.item == each.c.item) & (focus.c.reviewer == each.c.reviewer)
        query = select(focus.c.item, focus.c.seconds).join(each, same).where(focus.c.seconds > 0)
        with self.reading() as connection:
            return tuple((item, seconds) for item, seconds in connection.execute(query))

    # -- the file

    def back_up(self, target: Path) -> None:
        """Back up the current store to `target` atomically; others may read and write meanwhile."""
        if self.damage:
            raise sqlite.damaged(self.path, self.damage)
        sqlite.back_up(self.path, target)

    def keep_backup(self) -> Path:
        """Back up to a file next to the store, replacing the last such backup. After damage, `hint` names it."""
        target = self.path.with_name(f"{self.path.name}{sqlite.BACKUP}")
        self.back_up(target)
        return target

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection that sees the same snapshot of the store until the block ends."""
        self._refuse_closed()
        with sqlite.reading(self._engine, self.path) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if self.damage:
            raise DamagedError(f"the store is read-only: {self.damage}", where=str(self.path), hint=self.hint)
        if self._lock is None:
            raise StoreError("the store is open read-only", where=str(self.path), hint="open it for writing")
        # Queue the threads of this process here, since SQLite itself would only retry at intervals.
        if not self._turn.acquire(timeout=sqlite.BUSY_SECONDS):
            raise sqlite.busy(self.path)
        try:
            self._refuse_closed()
            with sqlite.writing(self._engine, self.path) as connection:
                yield connection
        finally:
            self._turn.release()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise StoreError("the store is closed", where=str(self.path), hint="open it again")


def _create(path: Path, to: str, more: Sequence[Path]) -> None:
    """Create a new store under a temporary name first, so that `path` never contains an incomplete store."""
    left = [name for name in (f"{path}-wal", f"{path}-shm") if Path(name).exists()]
    if left:
        raise sqlite.damaged(path, f"{Path(left[0]).name} exists without its store")
    with sqlite.new_file(path, path) as new:
        engine = sqlite.make_engine(new, read_only=False)
        try:
            with sqlite.writing(engine, path) as connection:
                _upgrade(connection, to, more)
                connection.execute(insert(meta).values(name="store", value=secrets.token_hex(_ID_BYTES)))
        finally:
            engine.dispose()
        sqlite.prepare(new)


def _wrong(connection: Connection, lock: Lock | None, store_id: str) -> str:
    """Return what is wrong with the content of a file that SQLite considers intact; empty if nothing is."""
    before = lock.store_id() if lock is not None else ""
    if before and before != store_id:
        return f"another store was here before; if you put this one in its place, delete the {LOCK} file next to it"
    missing = sqlite.missing_triggers(connection)
    if missing:
        return f"its trigger {missing[0]} was removed"
    last = connection.execute(select(func.max(events.c.seq))).scalar() or 0
    found = rows.events_of(connection, select(events).where(events.c.seq > last - _TAIL).order_by(events.c.seq))
    broken = verify(found, store_id, tail=True)
    return "" if broken is None else f"row {broken.seq} of its audit log: {broken.what}"


def _schema(connection: Connection, path: Path, to: str) -> str:
    """Return the migration step of the file. Raises StoreError if it is not a store, SchemaError for a newer step."""
    schema = sqlite.schema_of(connection)
    if schema is None:
        raise StoreError("this is not a review store", where=str(path), hint="specify another file with --store")
    if schema > to:
        needs = connection.execute(select(meta.c.value).where(meta.c.name == "needs")).scalar()
        what = f"the store has schema {schema}, but this Septet supports only up to {to}"
        raise SchemaError(what, where=str(path), hint=f"it needs Septet {needs or '(newer)'}; install that version")
    return schema


def _migrate(path: Path, schema: str, to: str, more: Sequence[Path]) -> None:
    target = path.with_name(f"{path.name}.schema-{schema}{sqlite.BACKUP}")
    try:
        sqlite.back_up(path, target)
    except SeptetError as error:
        what = f"no backup could be written, so the schema stays {schema}: {error.what}"
        raise type(error)(what, where=error.where, hint=error.hint) from None
    engine = sqlite.make_engine(path, read_only=False, foreign_keys=False)
    try:
        with sqlite.writing(engine, path) as connection:
            _upgrade(connection, to, more)
            sqlite.check_foreign_keys(connection, path)
    finally:
        engine.dispose()


def _upgrade(connection: Connection, to: str, more: Sequence[Path]) -> None:
    # Import Alembic here, because loading it takes longer than opening a store.
    from agent.review.store.migrations import upgrade

    upgrade(connection, to, more=more)
    sqlite.make_triggers(connection)
    if not connection.execute(update(meta).where(meta.c.name == "needs").values(value=version("septet"))).rowcount:
        connection.execute(insert(meta).values(name="needs", value=version("septet")))
