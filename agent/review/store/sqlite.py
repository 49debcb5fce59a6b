"""All SQLite-specific parts of the store: connections, triggers, checks, backups, and translation of its errors.

Another database would need a module like this one; tables, queries and the store itself use SQLAlchemy Core.
"""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

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
_GUARDED: Final = ("events", "blobs")
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
    way = "write"
    if read_only:
        way = "read" if _readable(path) else "still"

    def connect() -> sqlite3.Connection:
        return _connect(path, way, foreign_keys=foreign_keys)

    with guarded(path):
        engine = create_engine(
            URL.create("sqlite", database=str(path)),
            creator=connect,
            poolclass=QueuePool,
            pool_size=_POOL,
            max_overflow=_OVERFLOW,
            pool_timeout=BUSY_SECONDS,
        )
    event.listen(engine, "begin", _begin)
    return engine


@contextmanager
def reading(engine: Engine, path: Path) -> Iterator[Connection]:
    """Yield a connection that sees one state of the store until the block ends."""
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


def in_file(path: Path) -> str:
    """Return the file's URI for `sqlite3.connect(…, uri=True)`, without the mode."""
    return path.absolute().as_uri()


def _connect(path: Path, way: str, *, foreign_keys: bool = True) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{in_file(path)}?{_WAYS[way]}",
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
    for table in _GUARDED:
        for act in ("UPDATE", "DELETE"):
            connection.execute(
                text(
                    f"CREATE TRIGGER IF NOT EXISTS {_trigger(table, act)} BEFORE {act} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
                )
            )


def missing_triggers(connection: Connection) -> list[str]:
    """Return the names of missing triggers."""
    rows = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"))
    there = {name for name, sql in rows if "RAISE(ABORT" in str(sql)}
    wanted = [_trigger(table, act) for table in _GUARDED for act in ("UPDATE", "DELETE")]
    return [name for name in wanted if name not in there]


def _trigger(table: str, act: str) -> str:
    return f"{table}_no_{act.lower()}"


def schema_of(connection: Connection) -> str | None:
    """Return the `migrations` step of the file, or None if the file is not a store."""
    found = connection.execute(text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")).scalar()
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if found else None


def damage_of(connection: Connection, *, whole: bool = False) -> str:
    """Return SQLite's first complaint about the file in one line; empty if none. `whole` checks the indexes as well."""
    try:
        first = connection.execute(text("PRAGMA integrity_check(1)" if whole else "PRAGMA quick_check(1)")).scalar()
    except exc.DatabaseError as error:
        if _code(error) & _PRIMARY not in _DAMAGED:
            raise
        return str(error.orig)
    return "" if first == "ok" else " ".join(str(first).split())


def check_foreign_keys(connection: Connection, path: Path) -> None:
    """Raise DamagedError when a row refers to a missing row."""
    lost = connection.execute(text("PRAGMA foreign_key_check")).first()
    if lost is not None:
        raise damaged(path, f"a row of {lost[0]} refers to a row of {lost[2]} that is not there")


def back_up(path: Path, target: Path) -> None:
    """Back up the current store to `target` atomically, while others read and write.

    An existing file at `target` is replaced. Raises FullError, BusyError, StoreError.
    """
    new = target.with_name(f".{target.name}.new")
    try:
        with guarded(path):
            new.unlink(missing_ok=True)
            os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            with closing(_connect(path, "write")) as connection:
                connection.execute("VACUUM INTO ?", (str(new),))
            sync(new)
            new.replace(target)
            sync(target.parent)
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Flush a file, or a folder's entries, to disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def guarded(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and the system into errors of the store. Violated table constraints pass through."""
    try:
        yield
    except exc.TimeoutError:
        raise _busy(path) from None
    except exc.IntegrityError:
        raise
    except exc.DBAPIError as error:
        if not isinstance(error.orig, sqlite3.Error):
            raise
        _raise(error.orig, path)
    except sqlite3.Error as error:
        _raise(error, path)
    except UnicodeDecodeError:
        # SQLite raises this when its error message quotes a damaged schema.
        raise damaged(path, "its schema is no text") from None
    except OSError as error:
        raise of_system(error, path) from None


def of_system(error: OSError, path: Path) -> SeptetError:
    """Convert an operating-system error to an error of the store."""
    if error.errno in _DISK_ERRNO:
        return _full(path)
    if error.errno in _FILES_ERRNO:
        return StoreError("too many files are open", where=str(path), hint="close some, or raise `ulimit -n`")
    return _closed_off(path, error.strerror or str(error))


def _code(error: exc.DBAPIError | sqlite3.Error) -> int:
    """Return SQLite's extended error code."""
    own = error.orig if isinstance(error, exc.DBAPIError) else error
    # Errors of the Python module itself, such as a closed connection, have no code.
    code = getattr(own, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return int(code)


def _raise(error: sqlite3.Error, path: Path) -> NoReturn:
    code = _code(error)
    primary = code & _PRIMARY
    if primary == sqlite3.SQLITE_FULL or code in _FULL:
        raise _full(path) from None
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        raise _busy(path) from None
    if primary in _CLOSED_OFF:
        raise _closed_off(path, str(error)) from None
    if primary in _DAMAGED or primary == sqlite3.SQLITE_IOERR:
        raise damaged(path, str(error)) from None
    raise StoreError(f"the store could not do that: {error}", where=str(path), hint=restore_hint(path)) from error


def damaged(path: Path, what: str) -> DamagedError:
    """Build the error for a damaged file."""
    return DamagedError(f"the store is damaged: {what}", where=str(path), hint=restore_hint(path))


def restore_hint(path: Path) -> str:
    """Return a hint for a damaged store that names the newest backup."""
    with suppress(OSError):
        found = sorted(path.parent.glob(f"{_escaped(path.name)}*{BACKUP}"), key=lambda file: file.stat().st_mtime)
        if found:
            return (
                f"the last backup is {found[-1]}: keep the damaged file under another name, delete {path.name}-wal and "
                f"{path.name}-shm, and copy the backup to {path.name}"
            )
    return "there is no backup beside it: keep the file, and import the drafts into a new store"


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _full(path: Path) -> FullError:
    hint = "free some space and save again"
    return FullError("there is no space left to write to the store", where=str(path), hint=hint)


def _busy(path: Path) -> BusyError:
    return BusyError("the store is busy", where=str(path), hint="try the same again")


def _closed_off(path: Path, why: str) -> StoreError:
    hint = "give the file and its folder to your user, or name another place by --store"
    return StoreError(f"the store cannot be opened or written ({why})", where=str(path), hint=hint)
