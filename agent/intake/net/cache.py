"""What is kept between runs: bodies, the last answer of each page, and the logs of crawls that did not finish.

    blobs/<xx>/<sha256>          bytes of answers
    pages/<xx>/<address>.json    the last answer of a page, by its URL and the name that it was asked under
    crawls/<key>/log.jsonl       answers of a crawl that was interrupted, and a lock that its process holds

A cache is never needed: whatever is missing, torn or changed is as if it had not been kept, and a folder that cannot
be written is a cache that keeps nothing. Two processes may share it; every file is whole under its name or absent.
"""

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from agent.errors import IntegrityError, SourceError
from agent.intake.net.answer import Fetched
from agent.intake.net.log import Answered, Entry, Log, LogFile, entry_of, outcome_of
from agent.intake.snapshot import digest, has_body, load_body, store_body, write_whole

_BLOBS: Final = "blobs"
_PAGES: Final = "pages"
_CRAWLS: Final = "crawls"
_LOG: Final = "log.jsonl"
_LOCK: Final = "lock"
_TEMPORARY: Final = ".new-"
_MAX_AGE: Final = timedelta(days=1)
"""Age at which an answer of an interrupted crawl is asked for again."""
_STALE_SECONDS: Final = 3600.0
"""Age at which a temporary file has no writer any more."""
_VALIDATORS: Final = frozenset({"etag", "last-modified"})
"""Headers with which a server can be asked whether an answer still holds."""


class Cache:
    """The cache in `folder`; at most `max_bytes` are left in it by `prune`."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.blobs: Final = folder / _BLOBS
        """Folder of the bytes."""
        self._folder = folder
        self._max_bytes = max_bytes

    def page(self, url: str, user_agent: str) -> Fetched | None:
        """The last answer that was kept for `url`, or None. It must not be used before the server confirmed it."""
        path = self._page_path(url, user_agent)
        try:
            entry = Answered.model_validate_json(path.read_bytes())
            body = load_body(self.blobs, entry.sha256)
            found = outcome_of(entry, {entry.sha256: body})
        except (OSError, ValidationError, SourceError, IntegrityError):
            return None
        if not isinstance(found, Fetched) or entry.asked != url or entry.user_agent != user_agent:
            return None
        return found

    def keep(self, fetched: Fetched) -> None:
        """Remember an answer that can be asked for conditionally; others are of no use to a later run."""
        entry = entry_of(fetched.requested, fetched)
        if _VALIDATORS.isdisjoint(name for name, _ in fetched.headers) or not isinstance(entry, Answered):
            return
        with contextlib.suppress(OSError, SourceError):
            self.put(fetched.body)
            path = self._page_path(fetched.requested, fetched.user_agent)
            write_whole(path, entry.model_dump_json().encode("utf-8", "replace"))

    def crawl(self, key: str, now: str) -> "Unfinished | None":
        """The log of the crawl `key`, from an interrupted run or new; None when another process holds it.

        `now` is UTC, ISO 8601: answers older than a day are not given again.
        """
        folder = self._folder / _CRAWLS / key
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return Unfinished(self, folder, handle, now)
        except OSError:
            os.close(handle)
            return None

    def prune(self) -> None:
        """Remove the oldest files until `max_bytes` hold, interrupted crawls of more than a day, torn leftovers."""
        with contextlib.suppress(OSError):
            self._prune_crawls()
        kept: list[tuple[float, int, Path]] = []
        for path in self._files():
            with contextlib.suppress(OSError):
                state = path.stat()
                if path.name.startswith(_TEMPORARY):
                    if time.time() - state.st_mtime > _STALE_SECONDS:
                        path.unlink()
                    continue
                kept.append((state.st_mtime, state.st_size, path))
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self._max_bytes:
                return
            with contextlib.suppress(OSError):
                path.unlink()
                total -= size

    def put(self, body: bytes) -> str:
        """Keep `body`; bytes that were kept before become the newest again, changed ones are replaced.

        Raises OSError or SourceError when the folder cannot be written.
        """
        blobs, sha256 = self.blobs, digest(body)
        if has_body(blobs, sha256):
            try:
                load_body(blobs, sha256)
                os.utime(blobs / sha256[:2] / sha256)
            except (SourceError, IntegrityError):
                write_whole(blobs / sha256[:2] / sha256, body)
            return sha256
        return store_body(blobs, body)

    def _page_path(self, url: str, user_agent: str) -> Path:
        address = digest(f"{user_agent}\n{url}".encode("utf-8", "replace"))
        return self._folder / _PAGES / address[:2] / f"{address}.json"

    def _files(self) -> Iterator[Path]:
        for part in (_BLOBS, _PAGES):
            for place, _, names in os.walk(self._folder / part):
                for name in names:
                    yield Path(place) / name

    def _prune_crawls(self) -> None:
        for folder in (self._folder / _CRAWLS).iterdir():
            if time.time() - folder.stat().st_mtime < _MAX_AGE.total_seconds():
                continue
            held = self.crawl(folder.name, "")
            if held is not None:
                held.finish()


class Unfinished:
    """The log of a crawl while it runs; the process that holds it is the only one that writes to it."""

    def __init__(self, cache: Cache, folder: Path, handle: int, now: str) -> None:
        """Raises OSError when the log cannot be read."""
        self._cache = cache
        self._folder = folder
        self._handle = handle
        self._file = LogFile(folder / _LOG)
        self._writes = True
        self.known = Log()
        """Answers of the interrupted run that may be given again, with their bytes."""
        for entry in self._file.read():
            if isinstance(entry, Answered) and _is_young(entry.fetched_at, now):
                with contextlib.suppress(SourceError, IntegrityError):
                    self.known.bodies[entry.sha256] = load_body(cache.blobs, entry.sha256)
                    self.known.entries.append(entry)

    def add(self, entry: Entry, body: bytes) -> None:
        """Keep a new entry, its bytes first. A disk that is full ends the keeping, not the crawl."""
        if not self._writes:
            return
        try:
            if isinstance(entry, Answered):
                self._cache.put(body)
            self._file.append(entry)
        except (OSError, SourceError):
            self._writes = False

    def finish(self) -> None:
        """Forget the log: the crawl is over and what came of it is safe."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self.close()

    def close(self) -> None:
        """Let go of the log and leave it for the next run."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


def _is_young(then: str, now: str) -> bool:
    try:
        age = datetime.fromisoformat(now) - datetime.fromisoformat(then)
    except (ValueError, TypeError):
        return False
    return timedelta(0) <= age < _MAX_AGE
