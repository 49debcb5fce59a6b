"""Records the responses of an LLM in a folder, and replays them without the LLM.

Both work at the level of the port, so a recording remains valid if the SDK or the endpoint changes. Each call is
identified by its key: the SHA-256 of everything that affects the response (stage, messages, schema, cap, attempt, the
LLM's name, the epoch) and nothing else (no address, time or order). Calls with the same key are answered in the order
of recording.

    folder/manifest.json                      which LLM, when, and the key and SHA-256 of every file
    folder/<stage>-<key>-e<epoch>-<n>.json    one interaction: the full request and its reply or error

Replay is strict: a call without a recording fails, and closing fails if any recording was not used. The random
delimiter of a run is stored as a placeholder and restored on replay, so that keys do not differ between runs. Secrets
are removed before anything is written. A run that is being recorded continues with exactly what was written, so that
its replay gives the same result.
"""

import hashlib
import json
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import unified_diff
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from agent.errors import DriftError, SourceError, UsageError
from agent.llm.port import Call, Llm, LlmError, Message, Reason, Reply, Usage

MANIFEST: Final = "manifest.json"
MAX_LINES: Final = 60
"""Maximum number of lines of a diff that are shown."""
_HINT: Final = "give a new folder; recordings are never overwritten"
_LINE_CHARS: Final = 160
_SENTENCE_END: Final = re.compile(r"(?<=[.!?]) ")
_WORD: Final = re.compile(r"\w+")
_MAX_FILE_BYTES: Final = 4_000_000
_SCHEMA: Final = "septet/cassette/1"
_EPOCH: Final = 1
"""Part of the key that tells repeated recordings of the same calls apart."""
_KEY_CHARS: Final = 8
_MIN_SECRET_CHARS: Final = 6
_REDACTED: Final = "[redacted]"
_MARK: Final = "⟦"
_PLACE: Final = "⟦delimiter⟧"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
# Patterns that could backtrack are bounded or anchored, so that a page full of key prefixes is still scanned quickly.
KEY_LIKE: Final = re.compile(
    r"\bsk-[\w-]{16,}|\bgh[pousr]_\w{20,}|\bAKIA[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\bxox[abprs]-[\w-]{10,}"
    r"|(?<![\w-])eyJ[\w-]{8,}+\.[\w-]{8,}+\.[\w-]{8,}|\bBearer\s+[\w.~+/=-]{16,}"
    r"|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[^-]*(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?"
)
"""Matches text that looks like an API key, token or private key."""


class _Stored(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Request(_Stored):
    llm: str
    stage: str
    attempt: int
    epoch: int
    max_tokens: int
    schema_name: str
    schema_sha256: str
    """Hash of the schema as sent. Field order matters, but the sorted JSON behind `key` would hide it."""
    wire_schema: dict[str, JsonValue]
    messages: list[Message]

    @property
    def key(self) -> str:
        content = self.model_dump(mode="json", exclude={"wire_schema"})
        return _sha(json.dumps([_SCHEMA, content], sort_keys=True, ensure_ascii=True).encode())

    @property
    def called(self) -> str:
        return f"stage {self.stage!r}, attempt {self.attempt}, key {self.key[:_KEY_CHARS]}"

    def lines(self) -> Iterator[str]:
        """Yield the request as short lines, one per sentence, so that a small change affects only one line."""
        head = self.model_dump(mode="json", exclude={"messages", "wire_schema"})
        yield from (f"{name}: {head[name]}" for name in sorted(head))
        for message in self.messages:
            yield f"[{message.role}]"
            for line in message.text.splitlines():
                for sentence in _SENTENCE_END.split(line):
                    yield from (sentence[at : at + _LINE_CHARS] for at in range(0, max(len(sentence), 1), _LINE_CHARS))

    def words(self) -> Counter[str]:
        return Counter(word for line in self.lines() for word in _WORD.findall(line))


class _Failed(_Stored):
    reason: Reason
    what: str
    where: str
    hint: str
    usage: Usage


class _Interaction(_Stored):
    request: _Request
    outcome: Reply | _Failed
    milliseconds: int


class _Entry(_Stored):
    key: str
    sha256: str


_FileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+-[0-9a-f]{8}-e[0-9]+-[0-9]+\.json$")]


class _Manifest(_Stored):
    form: Literal["septet/cassette/1"] = "septet/cassette/1"
    llm: str
    alias: str
    epoch: Annotated[int, Field(ge=1)]
    recorded_at: str
    interactions: dict[_FileName, _Entry]


@dataclass(frozen=True)
class Run:
    """Values specific to one run, which must not appear in keys or recorded files."""

    delimiter: str = ""
    """The random delimiter around untrusted text; empty when there is none."""
    secrets: tuple[str, ...] = ()
    """API keys of endpoints. Keys of fewer than six characters are not redacted, because such short strings may also
    occur in ordinary text.
    """

    def stored(self, text: str) -> str:
        """Return the text to write: secrets redacted, the delimiter as a placeholder, lone surrogates replaced."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            if len(secret) >= _MIN_SECRET_CHARS:
                text = text.replace(secret, _REDACTED)
        text = _SURROGATE.sub("\ufffd", KEY_LIKE.sub(_REDACTED, text)).replace(_MARK, _MARK * 2)
        return text.replace(self.delimiter, _PLACE) if self.delimiter else text

    def restored(self, text: str) -> str:
        """Return recorded text with this run's delimiter in place of the placeholder."""
        return re.sub(f"{_MARK * 2}|{_PLACE}", lambda found: _MARK if found[0] == _MARK * 2 else self.delimiter, text)


class Record:
    """A wrapper that records the replies and errors of an LLM."""

    def __init__(
        self, inner: Llm, folder: Path, run: Run, *, recorded_at: datetime, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Create and lock the folder. Raises UsageError when it is not empty, already locked, or not a folder."""
        if folder.exists() and not folder.is_dir():
            raise UsageError("the recording needs a folder, but this is not one", where=folder.name, hint=_HINT)
        if folder.is_dir() and any(folder.iterdir()):
            raise UsageError("the folder for the recording is not empty", where=folder.name, hint=_HINT)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            # The empty manifest is the lock: no second run records into the folder.
            (folder / MANIFEST).touch(exist_ok=False)
        except FileExistsError:
            raise UsageError("another run is recording into this folder", where=folder.name, hint=_HINT) from None
        self.name = inner.name
        self._inner = inner
        self._folder = folder
        self._run = run
        self._clock = clock
        # The profile is not part of the key, so that a recording also fits the same LLM behind another endpoint.
        self._alias = inner.name.partition("/")[2] or inner.name
        self._recorded_at = recorded_at
        self._entries: dict[str, _Entry] = {}
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._closed = False

    def complete(self, call: Call) -> Reply:
        """Call the LLM and record the outcome. Re-raises its LlmError; raises SourceError if the disk is full.

        An outcome that arrives after `close` is returned but not recorded, since the caller has given up.
        """
        start = self._clock()
        outcome: Reply | _Failed
        try:
            outcome = _changed(self._inner.complete(call), self._run.stored)
        except LlmError as error:
            what, where, hint = map(self._run.stored, (error.what, error.where, error.hint))
            outcome = _Failed(reason=error.reason, what=what, where=where, hint=hint, usage=error.usage)
        request = _request(call, self._run, self._alias, _EPOCH)
        spent = round((self._clock() - start) * 1000)
        content = _pretty(_Interaction(request=request, outcome=outcome, milliseconds=spent))
        stage = re.sub(r"[^a-z0-9_-]", "-", call.stage.lower()) or "call"
        with self._lock:
            if not self._closed:
                self._counts[request.key] += 1
                name = f"{stage}-{request.key[:_KEY_CHARS]}-e{_EPOCH}-{self._counts[request.key]}.json"
                _put(self._folder / name, content)
                self._entries[name] = _Entry(key=request.key, sha256=_sha(content))
        return _replayed(outcome, self._run)

    def close(self) -> None:
        """Close the LLM and write the manifest, without which the recording cannot be replayed.

        Raises SourceError if the manifest cannot be written.
        """
        with self._lock:
            self._closed = True
        try:
            self._inner.close()
        finally:
            manifest = _Manifest(
                llm=self.name,
                alias=self._alias,
                epoch=_EPOCH,
                recorded_at=self._recorded_at.isoformat(timespec="seconds"),
                interactions=self._entries,
            )
            _put(self._folder / MANIFEST, _pretty(manifest))


class Replay:
    """An LLM that answers only from a recording."""

    def __init__(self, folder: Path, run: Run) -> None:
        """Load the recording. Raises DriftError when it is missing or incomplete, or was changed after it was
        recorded."""
        self._manifest = _read(folder / MANIFEST, _Manifest)
        self.name = self._manifest.llm
        self.recorded_at = self._manifest.recorded_at
        self._folder = folder
        self._run = run
        self._waiting: dict[str, list[tuple[str, _Interaction]]] = defaultdict(list)
        self._recorded: dict[str, _Request] = {}
        self._misses: list[str] = []
        self._lock = threading.Lock()
        known = self._manifest.interactions
        odd = {file.name for file in folder.glob("*.json")} ^ {MANIFEST, *known}
        if odd:
            raise _drift(f"the files do not match the manifest: {', '.join(sorted(odd))}", folder)
        for name in sorted(known, key=lambda name: (len(name), name)):
            entry, file = known[name], folder / name
            interaction = _read(file, _Interaction)
            if _sha(file.read_bytes()) != entry.sha256 or interaction.request.key != entry.key:
                raise _drift("the file was changed after it was recorded", file)
            self._waiting[entry.key].append((name, interaction))
            self._recorded[name] = interaction.request

    def complete(self, call: Call) -> Reply:
        """Return the recorded reply. Raises the recorded LlmError, or LlmError cassette_miss if there is no
        recording."""
        request = _request(call, self._run, self._manifest.alias, self._manifest.epoch)
        with self._lock:
            waiting = self._waiting.get(request.key)
            if waiting:
                return _replayed(waiting.pop(0)[1].outcome, self._run)
            self._misses.append(self._miss(request))
        hint = "the end of the run shows the difference from the closest recording"
        raise LlmError("cassette_miss", "this call has no recording", where=request.called, hint=hint)

    def close(self) -> None:
        """Raise DriftError for calls without a recording and for unused recordings, with a diff from the closest
        recording.
        """
        unused = sorted(name for waiting in self._waiting.values() for name, _ in waiting)
        if not unused and not self._misses:
            return
        lines = [*self._misses, *(f"unused: {name}" for name in unused)]
        raise DriftError(
            f"calls without a recording: {len(self._misses)}, recordings without a call: {len(unused)}",
            where=self._folder.name,
            hint="\n".join(["undo the change or record again", *lines]),
        )

    def _miss(self, request: _Request) -> str:
        """Return the difference from the most similar recorded request, preferring the same stage."""
        head = f"no recording: {request.called}"
        alike = {name: one for name, one in self._recorded.items() if one.stage == request.stage} or self._recorded
        if not alike:
            return f"{head}; the recording is empty"
        words = request.words()

        def overlap(name: str) -> float:
            own = alike[name].words()
            return (words & own).total() / max((words | own).total(), 1)

        name = max(sorted(alike), key=overlap)
        lines = list(unified_diff([*alike[name].lines()], [*request.lines()], "recorded", "asked", n=1, lineterm=""))
        more = [f"… and {len(lines) - MAX_LINES} more lines"] if len(lines) > MAX_LINES else []
        return "\n".join([f"{head}; the closest is {name}", *lines[:MAX_LINES], *more])


def _request(call: Call, run: Run, alias: str, epoch: int) -> _Request:
    schema = json.dumps(call.schema, ensure_ascii=True)
    return _Request(
        llm=alias,
        stage=call.stage,
        attempt=call.attempt,
        epoch=epoch,
        max_tokens=call.max_tokens,
        schema_name=call.schema_name,
        schema_sha256=_sha(schema.encode()),
        wire_schema=json.loads(schema),
        messages=[replace(message, text=run.stored(message.text)) for message in call.messages],
    )


def _changed(reply: Reply, change: Callable[[str], str]) -> Reply:
    return replace(reply, text=change(reply.text), llm=change(reply.llm), detail=change(reply.detail))


def _replayed(outcome: Reply | _Failed, run: Run) -> Reply:
    """Return the reply of a stored outcome. Raises LlmError for a stored failure."""
    if isinstance(outcome, Reply):
        return _changed(outcome, run.restored)
    what, where, hint = map(run.restored, (outcome.what, outcome.where, outcome.hint))
    raise LlmError(outcome.reason, what, where=where, hint=hint, usage=outcome.usage)


_S = TypeVar("_S", bound=_Stored)


def _read(file: Path, kind: type[_S]) -> _S:
    try:
        if file.stat().st_size > _MAX_FILE_BYTES:
            raise _drift(f"the file is larger than {_MAX_FILE_BYTES} bytes", file)
        content = file.read_bytes()
        if not content:
            raise _drift("the file is empty, so the recording is incomplete", file)
        return kind.model_validate_json(content)
    except OSError:
        raise _drift("the file is missing, so the recording is incomplete", file) from None
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise _drift(f"the file is not part of a recording: {place}: {first['msg']}", file) from None


def _drift(what: str, place: Path) -> DriftError:
    return DriftError(what, where="/".join(place.parts[-2:]), hint="record again into a new folder")


def _pretty(record: BaseModel) -> bytes:
    return f"{json.dumps(record.model_dump(mode='json'), indent=2, sort_keys=True, ensure_ascii=False)}\n".encode()


def _sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _put(file: Path, content: bytes) -> None:
    """Write a file, leaving no partial file behind. Raises SourceError if writing fails, for example on a full disk."""
    try:
        file.write_bytes(content)
    except OSError as error:
        file.unlink(missing_ok=True)
        where = f"{file.parent.name}/{file.name}: {error.strerror}"
        hint = "check the folder and free space"
        raise SourceError("the recording cannot be written", where=where, hint=hint) from None
