"""Opening a store: its lock, a new file, the schema it is at, what is wrong with it."""

import fcntl
import os
import secrets
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, insert, select, update

from agent.errors import BusyError, SchemaError, SeptetError, StoreError
from agent.review import sqlite
from agent.review.chain import verify_tail
from agent.review.store_rows import last_rows
from agent.review.tables import SCHEMA, meta

LOCK: Final = ".lock"
_TAIL: Final = 2_000
"""Events at the end of the chain that are verified at start; all of them by `septet audit-log verify`."""
_ID_BYTES: Final = 16


@dataclass
class Opened:
    """An open file. `damage` says what is wrong with it; it then takes no writes."""

    engine: Engine
    id: str
    damage: str
    lock: "Lock | None"

    def close(self) -> None:
        """Closes the file, and gives the lock up."""
        self.engine.dispose()
        if self.lock is not None:
            self.lock.release()


class Lock:
    """The one process that may write to a store; free at once when the process ends, however it ends.

    Its file also remembers which store was here, since a file's log says nothing about whose it is.
    """

    def __init__(self, path: Path) -> None:
        """Raises BusyError when another process holds it, StoreError when it cannot be made."""
        self.path = Path(f"{path}{LOCK}")
        try:
            self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise sqlite.of_system(error, path) from None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._handle)
            hint = "close the other review app, or do it there"
            raise BusyError("another process has the store open", where=str(path), hint=hint) from None

    def store_id(self) -> str:
        """The store that was here when it was last opened; empty when none was."""
        return os.pread(self._handle, 200, 0).decode("ascii", "replace").strip()

    def remember(self, store_id: str) -> None:
        """Notes which store is here."""
        # A full disk must not keep a store from being opened.
        with suppress(OSError):
            os.pwrite(self._handle, f"{store_id}\n".encode(), 0)

    def release(self) -> None:
        """Gives it up."""
        os.close(self._handle)


def open_to_write(path: Path, *, to: str = SCHEMA, more: Sequence[Path] = ()) -> Opened:
    """Opens the store at `path`, makes it when nothing is there, and takes its schema to step `to`.

    A backup is written beside it before its schema changes. `more` are folders with further steps. Raises StoreError
    (BusyError, FullError, DamagedError) and SchemaError for a store of a newer Septet.
    """
    if path.is_dir():
        raise StoreError("the store is a folder", where=str(path), hint="name a file by --store")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise sqlite.of_system(error, path) from None
    lock = Lock(path)
    with ExitStack() as left:
        left.callback(lock.release)
        if not path.exists():
            _create(path, to, more)
        _writable(path)
        opened = _opened(path, lock, to, more)
        left.pop_all()
    return opened


def open_to_read(path: Path) -> Opened:
    """Opens the store at `path` without its lock, also while another process writes to it.

    Raises StoreError, DamagedError, SchemaError.
    """
    if not path.is_file():
        raise StoreError("there is no store", where=str(path), hint="name its file by --store")
    return _opened(path, None, SCHEMA, ())


def _create(path: Path, to: str, more: Sequence[Path]) -> None:
    """A new store under another name first, so that there is never half of one."""
    left = [name for name in (f"{path}-wal", f"{path}-shm") if Path(name).exists()]
    if left:
        raise sqlite.damaged(path, f"{Path(left[0]).name} is there without its store")
    new = path.with_name(f".{path.name}.new")
    try:
        with sqlite.guarded(path):
            new.unlink(missing_ok=True)
            os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        engine = sqlite.make_engine(new, read_only=False)
        try:
            with sqlite.writing(engine, path) as connection:
                _upgrade(connection, to, more)
                connection.execute(insert(meta).values(name="store", value=secrets.token_hex(_ID_BYTES)))
        finally:
            engine.dispose()
        sqlite.prepare(new)
        with sqlite.guarded(path):
            sqlite.sync(new)
            new.replace(path)
            sqlite.sync(path.parent)
    finally:
        for name in (new, Path(f"{new}-journal"), Path(f"{new}-wal"), Path(f"{new}-shm")):
            with suppress(OSError):
                name.unlink(missing_ok=True)


def _writable(path: Path) -> None:
    if not path.is_file() or not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
        hint = "give the file and its folder to your user, or name another place by --store"
        raise StoreError("the store is read-only", where=str(path), hint=hint)
    if path.stat().st_size == 0:
        raise sqlite.damaged(path, "its file is empty")


def _opened(path: Path, lock: Lock | None, to: str, more: Sequence[Path]) -> Opened:
    with ExitStack() as left:
        engine = sqlite.make_engine(path, read_only=lock is None)
        left.callback(engine.dispose)
        with sqlite.reading(engine, path) as connection:
            damage = sqlite.damage_of(connection)
            schema = _schema(connection, path, to)
        if schema != to and damage:
            raise sqlite.damaged(path, damage)
        if schema != to and lock is None:
            hint = f"start `septet review` once, which brings it to {to}"
            raise StoreError(f"the store has the older schema {schema}", where=str(path), hint=hint)
        if lock is not None and not damage:
            if schema != to:
                _migrate(path, schema, to, more)
            sqlite.prepare(path)
            with sqlite.writing(engine, path):
                pass  # So that it is told at start, not at the first save, when nothing can be written.
        with sqlite.reading(engine, path) as connection:
            store_id = connection.execute(select(meta.c.value).where(meta.c.name == "store")).scalar() or ""
            damage = damage or _wrong(connection, lock, store_id)
        if lock is None or not damage:
            left.pop_all()
    if lock is not None and damage:
        return Opened(sqlite.make_engine(path, read_only=True), store_id, damage, lock)
    if lock is not None:
        lock.remember(store_id)
    return Opened(engine, store_id, damage, lock)


def _wrong(connection: Connection, lock: Lock | None, store_id: str) -> str:
    """What is wrong with the content of a file that is sound as a file; empty when nothing."""
    before = lock.store_id() if lock is not None else ""
    if before and before != store_id:
        return f"another store was here before; if you put this one in its place, delete the {LOCK} file beside it"
    missing = sqlite.missing_triggers(connection)
    if missing:
        return f"its guard {missing[0]} was taken away"
    broken = verify_tail(last_rows(connection, _TAIL), store_id)
    return "" if broken is None else f"row {broken.seq} of its audit log: {broken.what}"


def _schema(connection: Connection, path: Path, to: str) -> str:
    """The step that the file is at. Raises StoreError when it is no store, SchemaError when it is a newer one's."""
    schema = sqlite.schema_of(connection)
    if schema is None:
        raise StoreError("this is no store of reviews", where=str(path), hint="name another file by --store")
    if schema > to:
        needs = connection.execute(select(meta.c.value).where(meta.c.name == "needs")).scalar()
        what = f"the store has schema {schema}, this Septet knows up to {to}"
        raise SchemaError(what, where=str(path), hint=f"it needs Septet {needs or '(newer)'}; install that one again")
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
    # Imported here: Alembic takes longer to load than a store to open.
    from agent.review.migrations import upgrade

    upgrade(connection, to, more=more)
    sqlite.make_triggers(connection)
    if not connection.execute(update(meta).where(meta.c.name == "needs").values(value=version("septet"))).rowcount:
        connection.execute(insert(meta).values(name="needs", value=version("septet")))
