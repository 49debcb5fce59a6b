"""All SQLite-specific parts of the store: connections, triggers, checks, backups, and translation of its errors.

Another database would need a module like this one; tables, queries and the store itself use SQLAlchemy Core.
"""

import errno
import glob
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, exc, text

from agent.errors import BusyError, DamagedError, FullError, SeptetError, StoreError

BUSY_SECONDS: Final = 5.0
"""How long a write waits for another write, in seconds."""
BACKUP: Final = ".backup"
"""The suffix appended to the store's file name for a backup."""
_POOL: Final = 4
_OVERFLOW: Final = 12
_CACHE_KB: Final = 4096
_BEGIN: Final = "septet_begin"
_PRIMARY: Final = 0xFF
_TRIGGERS: Final = {
    f"{table}_no_{act.lower()}": (act, table) for table in ("events", "blobs") for act in ("UPDATE", "DELETE")
}
_DISK_ERRNO: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FILES_ERRNO: Final = frozenset({errno.EMFILE, errno.ENFILE})
_FULL: Final = frozenset({sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_FSYNC})
"""The error codes that a disk quota or file-size limit causes instead of SQLITE_FULL."""
_CLOSED_OFF: Final = frozenset(
    {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}
)
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_WAYS: Final = {"write": "mode=rw", "read": "mode=ro", "still": "mode=ro&immutable=1"}


def make_engine(path: Path, *, read_only: bool, foreign_keys: bool = True) -> Engine:
    """Create a pool of connections to an existing file; usable from several threads.

    Only a migration turns off `foreign_keys`: while it rebuilds a table, references to that table must not fail.
    """
    way = "write" if not read_only else "read" if _readable(path) else "still"
    with guarded(path):
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            creator=lambda: _connect(path, way, foreign_keys=foreign_keys),
            poolclass=QueuePool,
            pool_size=_POOL,
            max_overflow=_OVERFLOW,
            pool_timeout=BUSY_SECONDS,
        )
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def reading(engine: Engine, path: Path) -> Iterator[Connection]:
    """Yield a connection that sees the same snapshot of the store until the block ends."""
    with guarded(path), engine.connect() as connection:
        yield connection


@contextmanager
def writing(engine: Engine, path: Path) -> Iterator[Connection]:
    """Yield a connection in a transaction that excludes other writers; commits unless the block raises."""
    with (
        guarded(path),
        engine.connect().execution_options(**{_BEGIN: "BEGIN IMMEDIATE"}) as connection,
        connection.begin(),
    ):
        yield connection


def _connect(path: Path, way: str, *, foreign_keys: bool = True) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{_WAYS[way]}",
        uri=True,
        timeout=BUSY_SECONDS,
        # We begin SQLAlchemy's transactions ourselves (`_begin`); its pool lends a connection to one thread at a time.
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        for pragma in (
            "synchronous = FULL",
            f"foreign_keys = {int(foreign_keys)}",
            "trusted_schema = OFF",
            "cell_size_check = ON",
            f"cache_size = -{_CACHE_KB}",
        ):
            connection.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        connection.close()  # A damaged file raises here, before the pool knows the connection.
        raise
    return connection


def _readable(path: Path) -> bool:
    """Return whether the file opens for ordinary reading; in a read-only folder, only if its WAL file exists."""
    try:
        with closing(_connect(path, "read")) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master")
    except sqlite3.OperationalError as error:
        wal = Path(f"{path}-wal")
        closed_off = error.sqlite_errorcode & _PRIMARY in _CLOSED_OFF
        # Without a WAL file the database file is complete, and in a read-only folder nobody can be writing to it.
        return not (closed_off and not (wal.exists() and wal.stat().st_size))
    except (sqlite3.DatabaseError, UnicodeDecodeError):
        return True
    return True


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(str(connection.get_execution_options().get(_BEGIN, "BEGIN")))


def prepare(path: Path) -> None:
    """Switch the file to a write-ahead log, so that readers never wait for a writer."""
    with guarded(path), closing(_connect(path, "write")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")


def make_triggers(connection: Connection) -> None:
    """Create the triggers that keep events and blobs append-only. Call again after rebuilding a table."""
    for name, (act, table) in _TRIGGERS.items():
        stop = f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
        connection.execute(text(f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {act} ON {table} {stop}"))


def missing_triggers(connection: Connection) -> list[str]:
    """Return the names of missing triggers."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    there = {name for name, sql in rows if "RAISE(ABORT" in str(sql)}
    return [name for name in _TRIGGERS if name not in there]


def schema_of(connection: Connection) -> str | None:
    """Return the `migrations` step of the file, or None if the file is not a store."""
    found = connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")).scalar()
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if found else None


def damage_of(connection: Connection, *, whole: bool = False) -> str:
    """Return SQLite's first complaint about the file in one line; empty if none. `whole` checks the indexes as well."""
    try:
        first = connection.execute(text("PRAGMA integrity_check(1)" if whole else "PRAGMA quick_check(1)")).scalar()
    except exc.DatabaseError as error:
        if _code(error.orig) & _PRIMARY not in _DAMAGED:
            raise
        return str(error.orig)
    return "" if first == "ok" else " ".join(str(first).split())


def check_foreign_keys(connection: Connection, path: Path) -> None:
    """Raise DamagedError when a row refers to a missing row."""
    lost = connection.execute(text("PRAGMA foreign_key_check")).first()
    if lost is not None:
        raise damaged(path, f"a row of {lost[0]} refers to a row of {lost[2]} that does not exist")


def back_up(path: Path, target: Path) -> None:
    """Back up the current store to `target` atomically, while others read and write.

    An existing file at `target` is replaced. Raises FullError, BusyError, StoreError.
    """
    with new_file(target, path) as new, closing(_connect(path, "write")) as connection:
        connection.execute("VACUUM INTO ?", (str(new),))


@contextmanager
def new_file(target: Path, store: Path) -> Iterator[Path]:
    """Yield an empty file that replaces `target` if the block succeeds, so that `target` is never half written. Errors
    are raised as errors of the store."""
    new = target.with_name(f".{target.name}.new")
    try:
        with guarded(store):
            new.unlink(missing_ok=True)
            os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            yield new
            _sync(new)
            new.replace(target)
            _sync(target.parent)
    finally:
        for name in (new, *(Path(f"{new}-{log}") for log in ("journal", "wal", "shm"))):
            with suppress(OSError):
                name.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Flush a file, or a folder's entries, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Convert errors of SQLite and the operating system to errors of the store, except violated table constraints."""
    try:
        yield
    except exc.TimeoutError:
        raise busy(path) from None
    except exc.IntegrityError:
        raise
    except exc.DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        raise error_of(error.orig, path) from error
    except (sqlite3.Error, OSError) as error:
        raise error_of(error, path) from error
    except UnicodeDecodeError:
        # SQLite raises this when its error message quotes a damaged schema.
        raise damaged(path, "its schema is not text") from None


def error_of(error: sqlite3.Error | OSError, path: Path) -> SeptetError:
    """Convert an error of SQLite or of the operating system to an error of the store."""
    code, why = _code(error), str(error)
    primary, system = code & _PRIMARY, error.errno if isinstance(error, OSError) else None
    if primary == sqlite3.SQLITE_FULL or code in _FULL or system in _DISK_ERRNO:
        hint = "free some space and save again"
        return FullError("there is no space left to write to the store", where=str(path), hint=hint)
    if system in _FILES_ERRNO:
        return StoreError("too many files are open", where=str(path), hint="close some, or raise `ulimit -n`")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return busy(path)
    if isinstance(error, OSError) or primary in _CLOSED_OFF:
        why = error.strerror or why if isinstance(error, OSError) else why
        hint = "make the file and its folder writable for your user, or choose another place with --store"
        return StoreError(f"the store cannot be opened or written ({why})", where=str(path), hint=hint)
    if primary in _DAMAGED or primary == sqlite3.SQLITE_IOERR:
        return damaged(path, why)
    return StoreError(f"the operation on the store failed: {why}", where=str(path), hint=restore_hint(path))


def _code(error: BaseException | None) -> int:
    """Return SQLite's extended error code; errors of its Python module, such as a closed connection, have none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR))


def busy(path: Path) -> BusyError:
    """Build the error for a file that another process is writing to."""
    return BusyError("the store is busy", where=str(path), hint="try again")


def damaged(path: Path, what: str) -> DamagedError:
    """Build the error for a damaged file."""
    return DamagedError(f"the store is damaged: {what}", where=str(path), hint=restore_hint(path))


def restore_hint(path: Path) -> str:
    """Return a hint for a damaged store that names the newest backup."""
    with suppress(OSError):
        found = sorted(path.parent.glob(f"{glob.escape(path.name)}*{BACKUP}"), key=lambda file: file.stat().st_mtime)
        if found:
            return (
                f"the last backup is {found[-1]}: keep the damaged file under another name, delete {path.name}-wal and "
                f"{path.name}-shm, and copy the backup to {path.name}"
            )
    return "there is no backup next to it: keep the file, and import the drafts into a new store"
