"""The folder of an exchange: waiting requests, and the files that answer them.

    FOLDER/requests/003-FactorsAnswer.json ── somebody reads, writes ──► FOLDER/replies/003-FactorsAnswer.json | .txt

Requests are written atomically. An answer is used once it is complete: one JSON object, or raw text that has not
changed for a while. Equal requests share one file, even across runs.
"""

import contextlib
import hashlib
import json
import re
import threading
import time
from pathlib import Path
from typing import Annotated, Final

import click
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from agent.errors import SourceError
from agent.llm.wire import read_object

REQUESTS: Final = "requests"
REPLIES: Final = "replies"
DEFAULT_SECONDS: Final = 3600.0
POLL_SECONDS: Final = 0.1
SETTLED_SECONDS: Final = 0.5
"""Raw text that has not changed for this long counts as complete."""
_PLACE: Final = "(delimiter)"
_DELIMITER: Final = re.compile(r"<<<([A-Za-z0-9]{8,})\n")
_NAME_CHARS: Final = 40
_ODD: Final = re.compile(r"[^A-Za-z0-9_-]+")


class _Form(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Turn(_Form):
    role: str
    content: str


class _Shape(_Form):
    name: str = ""
    wire: Annotated[dict[str, JsonValue] | None, Field(alias="schema")] = None


class _Format(_Form):
    json_schema: _Shape = _Shape()


class Body(_Form):
    """The fields of a Chat Completions request that are used here; the others (temperature, …) are ignored."""

    model: str
    messages: Annotated[list[_Turn], Field(min_length=1)]
    response_format: _Format = _Format()
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stream: bool = False


class Asked(BaseModel):
    """One request as stored in its file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    key: str
    """SHA-256 of the request, without the delimiter and the token limit."""
    llm: str
    reply_to: str
    """Where the answer is expected, relative to the folder."""
    schema_name: str
    max_tokens: int | None
    """Maximum number of tokens in the answer."""
    messages: list[dict[str, str]]
    """The messages, each with `role` and `content`."""
    wire_schema: dict[str, JsonValue] | None
    """JSON schema of the answer; None when the request has none, or has it only in the text of its last message."""


class UnansweredError(Exception):
    """Raised if nobody answered in time, the endpoint is stopping, or the request could not be written."""


class RequestFolder:
    """The folder with its requests and the threads that wait for answers. Thread-safe."""

    def __init__(self, folder: Path, seconds: float = DEFAULT_SECONDS) -> None:
        """Load the requests that earlier runs left in `folder`. Raises SourceError for a bad folder or request."""
        self._folder = folder
        self._seconds = seconds
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        try:
            for name in (REQUESTS, REPLIES):
                (folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SourceError("the folder cannot be created", where=f"{folder}: {error.strerror}") from None
        earlier = read_requests(folder)
        self._names = {asked.key: asked.name for asked in earlier}
        self._count = max((int(asked.name.partition("-")[0]) for asked in earlier), default=0)

    def answer(self, body: Body) -> str:
        """Write the request to its file and wait for the answer. Raises UnansweredError."""
        name, is_new = self._placed(body)
        if is_new:
            say(f"asked: {name}")
        until = time.monotonic() + self._seconds
        complaint = ""
        while not self._stopped.is_set():
            text, why = _object(self._folder / REPLIES / f"{name}.json")
            text = _settled(self._folder / REPLIES / f"{name}.txt") if text is None else text
            if text is not None:
                say(f"answered: {name}")
                return text
            if why and why != complaint:
                say(f"not accepted: {why}")
            complaint = why
            if time.monotonic() >= until:
                raise UnansweredError(f"nobody answered {name} within {self._seconds:g} seconds")
            self._stopped.wait(POLL_SECONDS)
        raise UnansweredError("the endpoint is stopping; start it again with the same folder to continue")

    def stop(self) -> None:
        """Stop waiting for answers."""
        self._stopped.set()

    def _placed(self, body: Body) -> tuple[str, bool]:
        key = _key(body)
        shape = body.response_format.json_schema
        with self._lock:
            known = self._names.get(key)
            if known is not None:
                return known, False
            self._count += 1
            name = f"{self._count:03}-{_ODD.sub('-', shape.name)[:_NAME_CHARS].strip('-') or 'answer'}"
            asked = Asked(
                name=name,
                key=key,
                llm=body.model,
                reply_to=f"{REPLIES}/{name}.json",
                schema_name=shape.name,
                max_tokens=body.max_tokens or body.max_completion_tokens,
                messages=[turn.model_dump() for turn in body.messages],
                wire_schema=shape.wire,
            )
            content = json.dumps(asked.model_dump(mode="json"), indent=2, ensure_ascii=False)
            path = self._folder / REQUESTS / f"{name}.json"
            try:
                # Write under another name first, so that a request file is complete as soon as it appears.
                path.with_suffix(".part").write_bytes(content.encode("utf-8", "replace"))
                path.with_suffix(".part").replace(path)
            except OSError as error:
                raise UnansweredError(f"{name} cannot be written: {error.strerror}") from None
            self._names[key] = name
            return name, True


def read_requests(folder: Path) -> tuple[Asked, ...]:
    """Load all requests in `folder`, ordered by number. Raises SourceError naming an invalid request file."""
    found = []
    for path in sorted((folder / REQUESTS).glob("[0-9]*-*.json")):
        try:
            asked = Asked.model_validate_json(path.read_bytes())
        except (OSError, ValidationError):
            raise SourceError("this is not a request", where=str(path), hint="remove it, or use a new folder") from None
        if asked.name != path.stem or not asked.name.partition("-")[0].isdecimal():
            raise SourceError("a request's name differs from its file's", where=str(path), hint="use a new folder")
        found.append(asked)
    return tuple(sorted(found, key=lambda asked: int(asked.name.partition("-")[0])))


def open_requests(folder: Path) -> tuple[Asked, ...]:
    """Return the requests in `folder` without a usable answer. Raises SourceError as `read_requests` does."""
    replies = folder / REPLIES
    return tuple(
        asked
        for asked in read_requests(folder)
        if not (replies / f"{asked.name}.txt").is_file() and _object(replies / f"{asked.name}.json")[0] is None
    )


def _settled(path: Path) -> str | None:
    """Return the text of a file, or None while it is missing, empty or still changing, since nothing marks its end."""
    with contextlib.suppress(OSError):
        found = path.stat()
        if found.st_size and time.time() - found.st_mtime >= SETTLED_SECONDS:
            return path.read_bytes().decode("utf-8", "replace")
    return None


def _object(path: Path) -> tuple[str | None, str]:
    """Return the text of a file if it is a complete JSON object, otherwise None and the reason."""
    try:
        content = path.read_bytes()
    except OSError:
        return None, ""
    try:
        read_object(content)
    except ValueError as error:
        return None, f"{path.name}: {error}"
    return content.decode(), ""


def _key(body: Body) -> str:
    """Hash LLM, messages and answer format, without the delimiter and the token limit, to identify equal requests."""
    asked = [body.model, [turn.model_dump() for turn in body.messages], body.response_format.model_dump()]
    text = json.dumps(asked)
    # Search the messages for delimiters, not the JSON text, where a line end is the two characters \n.
    for delimiter in sorted(set(_DELIMITER.findall("\n".join(turn.content for turn in body.messages)))):
        text = text.replace(delimiter, _PLACE)
    return hashlib.sha256(text.encode()).hexdigest()


def say(line: str) -> None:
    """Print one line of progress on stderr."""
    click.echo(line, err=True)
