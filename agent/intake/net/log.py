"""What the web answered, as a log: written while a crawl runs, read again to go on with it or to repeat it.

A crawl is determined by its answers, so its log is all that must be remembered. An entry stands for one asked address
(the answer without its bytes, which are addressed by their hash, or the named error) or for a budget that ran out.
On disk a log is one JSON object a line, each flushed after the bytes that it names: after a kill the file holds whole
entries and at most one torn line, which is cut off when it is opened.
"""

import os
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from agent import errors
from agent.errors import IntegrityError, SeptetError, SourceError
from agent.intake.net.answer import Fetched, Outcome, Web
from agent.intake.snapshot import digest
from agent.records.base import Record

_BYTES_USED_UP: Final = "the bytes for one product are used up"
_CLASSES: Final[Mapping[str, type[SeptetError]]] = {
    kind.__name__: kind
    for kind in (
        *(errors.SeptetError, errors.UsageError, errors.SourceError, errors.InputError, errors.SchemaError),
        *(errors.IntegrityError, errors.RefusedError, errors.UnavailableError, errors.DriftError),
    )
}


class Answered(Record):
    """An address and what it gave; the bytes are kept apart."""

    kind: Literal["answer"] = "answer"
    asked: str
    url: str
    media_type: str
    charset: str
    headers: tuple[tuple[str, str], ...]
    fetched_at: str
    user_agent: str
    sha256: str
    """Of the body."""


class Failed(Record):
    """An address and the error that it ended in."""

    kind: Literal["error"] = "error"
    asked: str
    error: str
    """Name of its class."""
    what: str
    where: str
    hint: str


class Stopped(Record):
    """A budget was used up when the crawl looked."""

    kind: Literal["stop"] = "stop"
    look: int
    """How often the crawl had looked before."""
    reason: str


Entry = Annotated[Answered | Failed | Stopped, Field(discriminator="kind")]
_ENTRY: Final[TypeAdapter[Answered | Failed | Stopped]] = TypeAdapter(Entry)


@dataclass
class Log:
    """Entries in the order in which they were asked for, and the bytes of the answers by SHA-256."""

    entries: list[Answered | Failed | Stopped] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)


Sink = Callable[[Answered | Failed | Stopped, bytes], None]
"""Takes a new entry and, for an answer, its bytes."""


class Logged:
    """A `Web` that remembers what another one answers, and answers from what is remembered.

    With `inner` it goes on with an unfinished crawl: answers that are `known` are given again, failures are tried
    again, everything new goes to `sink`. Without `inner` it repeats a finished one: nothing but `known`, its failures
    and its budgets that ran out included; an address that is not in it is an error of its own.
    """

    def __init__(
        self,
        inner: Web | None,
        known: Log | None = None,
        *,
        sink: Sink | None = None,
        max_bytes: int | None = None,
    ) -> None:
        self.heard = Log()
        """All that was answered in this run, known or new."""
        self._inner = inner
        self._sink = sink
        self._max_bytes = max_bytes
        self._bytes = 0
        self._looks = 0
        self._stops: dict[int, str] = {}
        self._known: defaultdict[str, deque[Outcome]] = defaultdict(deque)
        for entry in known.entries if known else ():
            if isinstance(entry, Stopped):
                self._stops[entry.look] = entry.reason
            elif known and (inner is None or isinstance(entry, Answered)):
                self._known[entry.asked].append(outcome_of(entry, known.bodies))

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """What each address gave, in the order asked for."""
        outcomes: dict[int, Outcome] = {}
        for place, url in enumerate(urls):
            if self._known[url]:
                outcomes[place] = self._known[url].popleft()
            elif self._inner is None:
                outcomes[place] = SourceError("not in the stored answers", where=url, hint="read the source again")
        new = [place for place in range(len(urls)) if place not in outcomes]
        fresh = self._inner.get_all([urls[place] for place in new]) if self._inner and new else []
        outcomes.update(zip(new, fresh, strict=True))
        for place, url in enumerate(urls):
            self._keep(url, outcomes[place], new=place in new)
        return [outcomes[place] for place in range(len(urls))]

    def exhausted(self) -> str | None:
        """Which budget is used up, or was at this point of the crawl that is repeated."""
        look = self._looks
        self._looks += 1
        if self._inner is None:
            reason = self._stops.get(look)
        else:
            # Answers that are given again cost the network nothing, but count as they did the first time.
            full = self._max_bytes is not None and self._bytes >= self._max_bytes
            reason = self._inner.exhausted() or (_BYTES_USED_UP if full else None)
        if reason:
            self._add(Stopped(look=look, reason=reason), b"", new=True)
        return reason

    def _keep(self, url: str, outcome: Outcome, *, new: bool) -> None:
        entry = entry_of(url, outcome)
        body = outcome.body if isinstance(outcome, Fetched) else b""
        self._bytes += len(body)
        self._add(entry, body, new=new)

    def _add(self, entry: Answered | Failed | Stopped, body: bytes, *, new: bool) -> None:
        self.heard.entries.append(entry)
        if isinstance(entry, Answered):
            self.heard.bodies[entry.sha256] = body
        if new and self._sink is not None:
            self._sink(entry, body)


def entry_of(url: str, outcome: Outcome) -> Answered | Failed:
    """The entry for what `url` gave."""
    if isinstance(outcome, Fetched):
        return Answered(
            asked=url,
            url=outcome.url,
            media_type=outcome.media_type,
            charset=outcome.charset,
            headers=outcome.headers,
            fetched_at=outcome.fetched_at,
            user_agent=outcome.user_agent,
            sha256=digest(outcome.body),
        )
    texts = [text.encode("utf-8", "replace").decode() for text in (outcome.what, outcome.where, outcome.hint)]
    # A class of one module's own stands for the public one that it refines.
    name = next(kind.__name__ for kind in type(outcome).__mro__ if kind.__name__ in _CLASSES)
    return Failed(asked=url, error=name, what=texts[0], where=texts[1], hint=texts[2])


def outcome_of(entry: Answered | Failed, bodies: Mapping[str, bytes]) -> Outcome:
    """What an entry stands for, with its bytes from `bodies`. Raises IntegrityError when they are not the same."""
    if isinstance(entry, Failed):
        return _CLASSES.get(entry.error, SeptetError)(entry.what, where=entry.where, hint=entry.hint)
    body = bodies.get(entry.sha256)
    if body is None or digest(body) != entry.sha256:
        raise IntegrityError("the bytes of an answer are not those of the log", where=entry.asked)
    return Fetched(
        requested=entry.asked,
        url=entry.url,
        media_type=entry.media_type,
        charset=entry.charset,
        body=body,
        headers=entry.headers,
        fetched_at=entry.fetched_at,
        user_agent=entry.user_agent,
    )


class LogFile:
    """A log on disk to which entries are appended while a crawl runs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[Answered | Failed | Stopped]:
        """All whole entries; what a kill tore off at the end is removed from the file. Empty when there is no file.

        Raises OSError.
        """
        try:
            raw = self._path.read_bytes()
        except FileNotFoundError:
            return []
        entries, size = _whole(raw.splitlines(keepends=True))
        if size < len(raw):
            os.truncate(self._path, size)
        return entries

    def append(self, entry: Answered | Failed | Stopped) -> None:
        """Add an entry and wait until it is on the disk. Raises OSError."""
        line = entry.model_dump_json().encode("utf-8", "replace") + b"\n"
        with self._path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())


def _whole(lines: Iterable[bytes]) -> tuple[list[Answered | Failed | Stopped], int]:
    entries: list[Answered | Failed | Stopped] = []
    size = 0
    for line in lines:
        try:
            entries.append(_ENTRY.validate_json(line))
        except ValidationError:
            break
        if not line.endswith(b"\n"):
            entries.pop()
            break
        size += len(line)
    return entries, size
