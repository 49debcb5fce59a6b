"""The log of HTTP responses: written during a crawl, read to resume or repeat it offline.

A crawl is determined by its responses, so the log is all that needs to be stored. An entry records either a requested
address, with its response or its error, or a budget that ran out. The bytes of a response are stored separately, under
their hash.

On disk, a log has one JSON object per line, each flushed after the bytes that it refers to: after a kill, the file
contains whole entries and at most one torn line, which is cut off when the file is opened.

    blobs/<xx>/<sha256>          bytes of responses
    pages/<xx>/<address>.json    the last response for a page, by its URL and the user agent of the request
    crawls/<key>/log.jsonl       responses of an interrupted crawl, beside a lock held by its process

The cache is always optional: anything missing, torn or changed is treated as not cached, and nothing is cached if the
folder is not writable. Two processes may share the folder; every file is either whole or absent.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from math import inf
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from agent.errors import IntegrityError, RefusedError, SeptetError, SourceError, UnavailableError
from agent.intake.crawl.answer import BYTES_USED_UP, Fetched, Outcome, Web
from agent.intake.snapshots import digest, load_body, place, write_whole
from agent.records.base import Record

_CLASSES: Final[Mapping[str, type[SeptetError]]] = {
    kind.__name__: kind for kind in (SeptetError, SourceError, RefusedError, UnavailableError)
}
_MAX_AGE: Final = timedelta(days=1)  # age at which a response of an interrupted crawl is requested again
_STALE_SECONDS: Final = 3600.0  # age at which a temporary file is assumed to be abandoned
_VALIDATORS: Final = frozenset({"etag", "last-modified"})
"""Response headers with which a cached response can be revalidated."""


class Answered(Record):
    """An address and its response; the bytes are stored separately."""

    kind: Literal["answer"] = "answer"
    asked: str
    url: str
    media_type: str
    charset: str
    headers: tuple[tuple[str, str], ...]
    fetched_at: str
    user_agent: str
    sha256: str
    """Hash of the body."""


_SHARED: Final = tuple(field.name for field in fields(Fetched) if field.name in Answered.model_fields)
"""Fields that an entry copies from its response."""


class Failed(Record):
    """An address and the error that ended its request."""

    kind: Literal["error"] = "error"
    asked: str
    error: str
    """Name of the error class."""
    what: str
    where: str
    hint: str


class Stopped(Record):
    """Records that a budget was used up at one of the crawl's checks."""

    kind: Literal["stop"] = "stop"
    look: int
    """Number of budget checks in this crawl before this one."""
    reason: str


Entry = Annotated[Answered | Failed | Stopped, Field(discriminator="kind")]
_ENTRY: Final[TypeAdapter[Entry]] = TypeAdapter(Entry)


@dataclass
class Log:
    """Entries in the order of the requests, and the bytes of the responses by SHA-256."""

    entries: list[Entry] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)


class Logged:
    """A `Web` that records the responses of an inner `Web` and replays recorded ones.

    With `inner`, an unfinished crawl continues: `known` responses are replayed, failures are retried, and new entries
    go to `sink`, with their bytes if they are responses. Without `inner`, a finished crawl is repeated: only `known` is
    replayed, including its failures and exhausted budgets. Any other address then gives a SourceError.
    """

    def __init__(
        self,
        inner: Web | None,
        known: Log | None = None,
        *,
        sink: Callable[[Entry, bytes], None] | None = None,
        max_bytes: float = inf,
    ) -> None:
        self.heard = Log()
        """All entries of this run, replayed or new."""
        self._inner = inner
        self._sink = sink
        self._max_bytes = max_bytes
        self._bytes = 0
        self._looks = 0
        self._stops: dict[int, str] = {}
        self._known: defaultdict[str, deque[Outcome]] = defaultdict(deque)
        known = known or Log()
        for entry in known.entries:
            if isinstance(entry, Stopped):
                self._stops[entry.look] = entry.reason
            elif inner is None or isinstance(entry, Answered):
                self._known[entry.asked].append(outcome_of(entry, known.bodies))

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """Return the outcome for each address, in the order of `urls`."""
        known = [self._known[url].popleft() if self._known[url] else None for url in urls]
        new = [url for url, outcome in zip(urls, known, strict=True) if outcome is None]
        absent, again = "not among the stored responses", "read the source again"
        fresh = iter(
            self._inner.get_all(new) if self._inner and new else [SourceError(absent, where=u, hint=again) for u in new]
        )
        outcomes = [replayed or next(fresh) for replayed in known]
        for url, replayed, outcome in zip(urls, known, outcomes, strict=True):
            body = outcome.body if isinstance(outcome, Fetched) else b""
            self._bytes += len(body)
            self._add(entry_of(url, outcome), body, new=replayed is None)
        return outcomes

    def exhausted(self) -> str | None:
        """Return which budget is used up, or was used up at this point of the recorded crawl."""
        look = self._looks
        self._looks += 1
        if self._inner is None:
            reason = self._stops.get(look)
        else:
            # Replayed responses cause no network traffic, but count towards the budget as in the first run.
            reason = self._inner.exhausted() or (BYTES_USED_UP if self._bytes >= self._max_bytes else None)
        if reason:
            self._add(Stopped(look=look, reason=reason), b"", new=True)
        return reason

    def _add(self, entry: Entry, body: bytes, *, new: bool) -> None:
        self.heard.entries.append(entry)
        if isinstance(entry, Answered):
            self.heard.bodies[entry.sha256] = body
        if new and self._sink is not None:
            self._sink(entry, body)


def entry_of(url: str, outcome: Outcome) -> Answered | Failed:
    """Return the log entry for the outcome of `url`."""
    if isinstance(outcome, Fetched):
        shared = {name: getattr(outcome, name) for name in _SHARED}
        return Answered(asked=url, sha256=digest(outcome.body), **shared)
    what, where, hint = (t.encode("utf-8", "replace").decode() for t in (outcome.what, outcome.where, outcome.hint))
    # A module's private error class is recorded as the public class that it extends.
    name = next(kind.__name__ for kind in type(outcome).__mro__ if kind.__name__ in _CLASSES)
    return Failed(asked=url, error=name, what=what, where=where, hint=hint)


def outcome_of(entry: Answered | Failed, bodies: Mapping[str, bytes]) -> Outcome:
    """Return the outcome recorded in an entry, with its bytes from `bodies`.

    Raises IntegrityError if the bytes are missing or do not match the entry's hash.
    """
    if isinstance(entry, Failed):
        return _CLASSES.get(entry.error, SeptetError)(entry.what, where=entry.where, hint=entry.hint)
    body = bodies.get(entry.sha256)
    if body is None or digest(body) != entry.sha256:
        raise IntegrityError("the bytes of a response do not match the log", where=entry.asked)
    return Fetched(requested=entry.asked, body=body, **{name: getattr(entry, name) for name in _SHARED})


def read_log(path: Path) -> list[Entry]:
    """Read all complete entries and truncate a last line torn by a kill. Returns no entries if there is no file.

    Raises OSError.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return []
    entries: list[Entry] = []
    size = 0
    for line in raw.splitlines(keepends=True):
        try:
            entry = _ENTRY.validate_json(line)
        except ValidationError:
            break
        if not line.endswith(b"\n"):
            break
        entries.append(entry)
        size += len(line)
    if size < len(raw):
        os.truncate(path, size)
    return entries


def append(path: Path, entry: Entry) -> None:
    """Append an entry to the log at `path` and wait until it is on disk. Raises OSError."""
    with path.open("ab") as file:
        file.write(entry.model_dump_json().encode("utf-8", "replace") + b"\n")
        file.flush()
        os.fsync(file.fileno())


class Cache:
    """A cache of responses in `folder`, limited to `max_bytes` by `prune`."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.blobs: Final = folder / "blobs"
        """Folder with the bytes of the responses."""
        self._pages = folder / "pages"
        self._crawls = folder / "crawls"
        self._max_bytes = max_bytes

    def page(self, url: str, user_agent: str) -> Fetched | None:
        """Return the last response cached for `url`, or None. The caller must revalidate it before use."""
        try:
            entry = Answered.model_validate_json(self._page_path(url, user_agent).read_bytes())
            found = outcome_of(entry, {entry.sha256: load_body(self.blobs, entry.sha256)})
        except (OSError, ValidationError, SourceError, IntegrityError):
            return None
        own = entry.asked == url and entry.user_agent == user_agent
        return found if own and isinstance(found, Fetched) else None

    def keep(self, fetched: Fetched) -> None:
        """Cache a response if a later run can request it conditionally; ignore any other."""
        if _VALIDATORS.isdisjoint(name for name, _ in fetched.headers):
            return
        with contextlib.suppress(OSError):
            self.put(fetched.body)
            entry = entry_of(fetched.requested, fetched).model_dump_json()
            write_whole(self._page_path(fetched.requested, fetched.user_agent), entry.encode("utf-8", "replace"))

    def crawl(self, key: str, now: str) -> "Unfinished | None":
        """Open the log of the crawl `key`; create it unless an interrupted run left one.

        Returns None if another process has locked the log or the folder cannot be written. `now` is UTC, ISO 8601;
        responses that are a day old or older are not replayed.
        """
        folder = self._crawls / key
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return Unfinished(self, folder, handle, now)
        except OSError:
            os.close(handle)
            return None

    def prune(self) -> None:
        """Remove stale temporary files and interrupted crawls older than a day, then the oldest files until the rest
        fits into `max_bytes`.
        """
        with contextlib.suppress(OSError):
            for folder in self._crawls.iterdir():
                old = time.time() - folder.stat().st_mtime >= _MAX_AGE.total_seconds()
                held = self.crawl(folder.name, "") if old else None
                if held is not None:
                    held.finish()
        kept: list[tuple[float, int, Path]] = []
        for path in (*self.blobs.rglob("*"), *self._pages.rglob("*")):
            with contextlib.suppress(OSError):
                state = path.stat()
                if path.name.startswith(".new-"):
                    if time.time() - state.st_mtime > _STALE_SECONDS:
                        path.unlink()
                elif path.is_file():
                    kept.append((state.st_mtime, state.st_size, path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self._max_bytes:
                return
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size

    def put(self, body: bytes) -> None:
        """Store `body`. An existing copy is marked as newest; a damaged copy is replaced. Raises OSError."""
        sha256 = digest(body)
        try:
            load_body(self.blobs, sha256)
            os.utime(place(self.blobs, sha256))
        except (SourceError, IntegrityError):
            write_whole(place(self.blobs, sha256), body)

    def _page_path(self, url: str, user_agent: str) -> Path:
        address = digest(f"{user_agent}\n{url}".encode("utf-8", "replace"))
        return place(self._pages, address).with_suffix(".json")


class Unfinished:
    """The log of a running crawl; only the process that holds its lock writes to it."""

    def __init__(self, cache: Cache, folder: Path, handle: int, now: str) -> None:
        """Open the log. Raises OSError when it cannot be read."""
        self._cache = cache
        self._folder = folder
        self._handle = handle
        self._file = folder / "log.jsonl"
        self._writes = True
        self.known = Log()
        """Responses of the interrupted run that may be replayed, with their bytes."""
        for entry in read_log(self._file):
            # A response whose time cannot be read or whose bytes are missing counts as not cached.
            with contextlib.suppress(ValueError, TypeError, SourceError, IntegrityError):
                if isinstance(entry, Answered):
                    age = datetime.fromisoformat(now) - datetime.fromisoformat(entry.fetched_at)
                    if timedelta(0) <= age < _MAX_AGE:
                        self.known.bodies[entry.sha256] = load_body(cache.blobs, entry.sha256)
                        self.known.entries.append(entry)

    def add(self, entry: Entry, body: bytes) -> None:
        """Store a new entry, its bytes first. If writing fails, recording stops but the crawl goes on."""
        if not self._writes:
            return
        try:
            if isinstance(entry, Answered):
                self._cache.put(body)
            append(self._file, entry)
        except OSError:
            self._writes = False

    def finish(self) -> None:
        """Delete the log after the crawl has finished and its result is stored."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Release the log and leave it for the next run."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
