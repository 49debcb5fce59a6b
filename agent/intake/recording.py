"""The recording of a run: its inputs and the web responses, so that the run can be repeated offline.

It is stored in a draft's snapshot folder as `recording.json`, next to all bytes, which are stored under their hashes. A
repeated run passes the same inputs and responses through the same reader, so it gives the same records, times included.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter, ValidationError

from agent.errors import IntegrityError, SchemaError, SourceError
from agent.intake.crawl.answer_log import Answered, Entry, Log
from agent.intake.extract.parse import MediaKind
from agent.intake.snapshots import digest, load_body, store_body, write_whole
from agent.intake.sources import Folder, Input, LocalFile
from agent.records import Finding
from agent.records.base import Record
from agent.settings import Settings

RECORDING: Final = "recording.json"
_SCHEMA: Final = "septet/recording/1"
_SNAPSHOTS: Final = "snapshots"
_MAX_BYTES: Final = 50_000_000
OF_THIS_MACHINE: Final = frozenset({
    "cache_dir", "cache_max_bytes", "browser_path", "llm", "llm_base_url", "llm_call_seconds",
    "llm_context_tokens", "llm_prices", "llm_judge",
})  # fmt: skip
"""Settings that affect neither what is read nor what an LLM is asked."""
OF_THE_LLM: Final = frozenset({"llm_max_tokens", "llm_max_dollars", "llm_answer_tokens", "llm_passage_tokens"})
"""Settings that affect what an LLM is asked, but not what is read."""
_AGAIN: Final = "draft again from the sources"
_SETTINGS: Final = TypeAdapter(Settings)


class GivenFile(Record):
    """A file given as a source; its bytes are stored beside the recording."""

    kind: Literal["file"] = "file"
    name: str
    media: MediaKind
    sha256: str
    folder: str = ""
    """Name of the folder that contains the file, if the file was given on its own."""


class GivenFolder(Record):
    """A folder given as a source, with those of its documents that were read."""

    kind: Literal["folder"] = "folder"
    name: str
    files: tuple[GivenFile, ...]
    left_out: tuple[str, ...]


class GivenAddress(Record):
    """A web address given as a source."""

    kind: Literal["address"] = "address"
    url: str


Given = Annotated[GivenFile | GivenFolder | GivenAddress, Field(discriminator="kind")]


class Recording(Record):
    """Everything that determines a run, and nothing that is specific to the machine on which it ran."""

    septet: str
    """Version of the package; another version may read the same pages differently."""
    now: str
    """UTC, ISO 8601 with seconds and `Z`."""
    sources: tuple[Given, ...]
    notes: tuple[str, ...]
    product: str | None
    """Product name as given, not as resolved."""
    allow_private: tuple[str, ...]
    settings: dict[str, int | float | str]
    entries: tuple[Entry, ...]
    changes: tuple[Finding, ...] = ()
    """Changes since the previous draft in the same folder."""


@dataclass(frozen=True)
class Recorded:
    """A recording, and the bytes that it refers to, by SHA-256."""

    recording: Recording
    bodies: Mapping[str, bytes]

    def inputs(self) -> tuple[Input, ...]:
        """Return the sources in the form that the reader expects."""

        def file(given: GivenFile) -> LocalFile:
            return LocalFile(given.name, given.media, self.bodies[given.sha256], given.folder)

        return tuple(
            given.url
            if isinstance(given, GivenAddress)
            else file(given)
            if isinstance(given, GivenFile)
            else Folder(given.name, tuple(map(file, given.files)), given.left_out)
            for given in self.recording.sources
        )

    def settings(self, own: Settings) -> Settings:
        """Return the settings of the run, with machine-specific settings taken from `own`.

        Raises IntegrityError when the recording has unknown settings or values of the wrong type.
        """
        values = {field.name: getattr(own, field.name) for field in fields(Settings)}
        machine = {name: value for name, value in values.items() if name in OF_THIS_MACHINE}
        if not values.keys() - machine.keys() >= self.recording.settings.keys():
            raise IntegrityError("the recording has unknown settings", where=RECORDING, hint=_AGAIN)
        try:
            return _SETTINGS.validate_python({**self.recording.settings, **machine})
        except ValidationError:
            raise IntegrityError("the recording has settings of the wrong type", where=RECORDING, hint=_AGAIN) from None


def record(
    inputs: Sequence[Input],
    heard: Log,
    settings: Settings,
    *,
    now: str,
    notes: Sequence[str],
    product: str | None,
    allow_private: Sequence[str],
) -> Recorded:
    """Return the recording of a run over `inputs`, with the web responses in `heard`."""
    bodies = dict(heard.bodies)

    def given(found: LocalFile) -> GivenFile:
        sha256 = digest(found.body)
        bodies[sha256] = found.body
        return GivenFile(name=found.name, media=found.kind, sha256=sha256, folder=found.folder)

    recording = Recording(
        septet=version("septet"),
        now=now,
        sources=tuple(
            GivenAddress(url=found)
            if isinstance(found, str)
            else given(found)
            if isinstance(found, LocalFile)
            else GivenFolder(name=found.name, files=tuple(map(given, found.files)), left_out=found.left_out)
            for found in inputs
        ),
        notes=tuple(notes),
        product=product,
        allow_private=tuple(allow_private),
        settings={f.name: getattr(settings, f.name) for f in fields(Settings) if f.name not in OF_THIS_MACHINE},
        entries=tuple(heard.entries),
    )
    return Recorded(recording, bodies)


def store(folder: Path, recorded: Recorded) -> None:
    """Write a recording and its bytes into the snapshot folder, the bytes first.

    Raises SourceError when the folder cannot be written.
    """
    for body in recorded.bodies.values():
        store_body(folder, body)
    content = recorded.recording.model_dump(mode="json")
    whole = {"schema": _SCHEMA, "sha256": digest(_canonical(content)), "recording": content}
    text = json.dumps(whole, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    try:
        write_whole(folder / RECORDING, text.encode("utf-8", "replace"))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(f"the recording cannot be written ({reason})", where=folder.name) from None


def load(place: Path) -> Recorded:
    """Load the recording from a draft's folder or its snapshot folder, and verify all hashes.

    Raises SourceError when there is no recording or a body is missing, SchemaError when the recording has another
    schema version, IntegrityError when the recording or a body was changed.
    """
    if not place.is_dir():
        raise SourceError("no such folder", where=place.name, hint="specify the folder that `draft --out` wrote")
    folder = place if (place / RECORDING).is_file() else place / _SNAPSHOTS
    changed = IntegrityError("the recording was changed", where=RECORDING, hint=_AGAIN)
    try:
        with (folder / RECORDING).open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
        if len(raw) > _MAX_BYTES:
            raise IntegrityError(f"larger than {_MAX_BYTES} bytes", where=RECORDING, hint=_AGAIN)
        whole = json.loads(raw)
    except OSError:
        hint = f"it is too old or not a draft: {_AGAIN}"
        raise SourceError("the folder contains no recording of its run", where=place.name, hint=hint) from None
    except (ValueError, RecursionError):
        raise changed from None
    if not isinstance(whole, dict) or set(whole) != {"schema", "sha256", "recording"}:
        raise changed
    if whole["schema"] != _SCHEMA:
        hint = f"use the version that wrote it, or {_AGAIN}"
        raise SchemaError("the recording was written by another version", where=RECORDING, hint=hint)
    if digest(_canonical(whole["recording"])) != whole["sha256"]:
        raise changed
    try:
        recording = Recording.model_validate(whole["recording"])
    except ValidationError:
        raise changed from None
    wanted = {entry.sha256 for entry in recording.entries if isinstance(entry, Answered)}
    for given in recording.sources:
        files = given.files if isinstance(given, GivenFolder) else (given,)
        wanted.update(file.sha256 for file in files if isinstance(file, GivenFile))
    return Recorded(recording, {sha256: load_body(folder, sha256) for sha256 in sorted(wanted)})


def _canonical(content: object) -> bytes:
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode("ascii")
