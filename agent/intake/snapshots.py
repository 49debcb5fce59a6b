"""Snapshots on disk, addressed by the hash of their bytes.

A blob is stored at `<folder>/<first two hex digits>/<sha256>`, its record beside it as `<sha256>.json`. Both are
written under a temporary name, flushed to disk and renamed, so that a reader sees a whole file or none. The record is
written last, so no record exists without its blob. Bytes without a record of their own (responses that became no
document, files given as sources) are stored in the same way.
"""

import hashlib
import os
import tempfile
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from agent.errors import IntegrityError, SourceError
from agent.intake.page import MAX_EXCERPT
from agent.records import Document, Finding, Snapshot

_HEX: Final = frozenset("0123456789abcdef")
_DIGITS: Final = 64
_FAN: Final = 2
_SHORT_HASH: Final = 12


def digest(body: bytes) -> str:
    """Return the SHA-256 of `body` in lower-case hex, which serves as its address."""
    return hashlib.sha256(body).hexdigest()


def store(folder: Path, snapshot: Snapshot, body: bytes) -> Path:
    """Write `body` and its record under `folder` and return the blob's path; writing them again changes nothing.

    Raises IntegrityError when the record names another hash or size, SourceError when the folder cannot be written.
    """
    if digest(body) != snapshot.sha256 or len(body) != snapshot.size:
        raise IntegrityError("the record does not belong to these bytes", where=snapshot.final_url)
    path = _place(folder, snapshot.sha256)
    try:
        write_whole(path, body)
        write_whole(path.with_name(path.name + ".json"), (snapshot.model_dump_json(indent=1) + "\n").encode("utf-8"))
    except OSError as error:
        raise _unwritable(folder, error) from None
    return path


def store_body(folder: Path, body: bytes) -> str:
    """Write `body` under `folder` without a record, unless it is there already, and return its address.

    Raises SourceError when the folder cannot be written.
    """
    sha256 = digest(body)
    try:
        if not has_body(folder, sha256):
            write_whole(_place(folder, sha256), body)
    except OSError as error:
        raise _unwritable(folder, error) from None
    return sha256


def has_body(folder: Path, sha256: str) -> bool:
    """Return whether `folder` holds a blob with this address; its bytes are not checked."""
    return _place(folder, sha256).is_file()


def load_body(folder: Path, sha256: str) -> bytes:
    """Return the bytes at an address. Raises SourceError when there are none, IntegrityError when they were changed."""
    try:
        body = _place(folder, sha256).read_bytes()
    except OSError:
        raise SourceError("there is no such snapshot", where=sha256[:12], hint="read the source again") from None
    if digest(body) != sha256:
        raise IntegrityError("the bytes of a snapshot were changed", where=sha256[:12], hint="read the source again")
    return body


def load(folder: Path, sha256: str) -> tuple[Snapshot, bytes]:
    """Return the record and the bytes at an address.

    Raises SourceError when there is none, IntegrityError when the bytes or the record were changed.
    """
    path = _place(folder, sha256)
    try:
        body = path.read_bytes()
        text = path.with_name(path.name + ".json").read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise SourceError("there is no such snapshot", where=sha256[:12], hint="read the source again") from None
    try:
        snapshot = Snapshot.model_validate_json(text)
    except ValidationError:
        raise IntegrityError("the record of a snapshot was changed", where=sha256[:12]) from None
    if digest(body) != sha256 or snapshot.sha256 != sha256 or snapshot.size != len(body):
        raise IntegrityError("the bytes of a snapshot were changed", where=sha256[:12], hint="read the source again")
    return snapshot, body


def _place(folder: Path, sha256: str) -> Path:
    if len(sha256) != _DIGITS or not _HEX.issuperset(sha256):
        raise IntegrityError("not the address of a snapshot", where=sha256[:_DIGITS])
    return folder / sha256[:_FAN] / sha256


def write_whole(path: Path, body: bytes) -> None:
    """Write a file atomically: even after a failure, `path` holds either all of `body` or its previous content.

    A missing folder is created; concurrent writers do not interfere. Raises OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _unwritable(folder: Path, error: OSError) -> SourceError:
    reason = error.strerror or type(error).__name__
    return SourceError(f"snapshots cannot be written ({reason})", where=folder.name, hint="check the folder")


def write_snapshots(folder: Path, snapshots: Sequence[Snapshot], blobs: Mapping[str, bytes]) -> None:
    """Store every snapshot with its bytes; raises the same errors as `store`."""
    for snapshot in snapshots:
        store(folder, snapshot, blobs[snapshot.sha256])


def compare(before: Sequence[Document], after: Sequence[Document]) -> tuple[Finding, ...]:
    """Return a finding for each document of `after` that has other bytes under the same address in `before`.

    The excerpt is the first line of the new text that differs. It is empty when only the bytes differ, or when the
    text only became shorter at its end.
    """
    known = {(document.url, document.kind): document for document in before}
    found: list[Finding] = []
    for document in after:
        old = known.get((document.url, document.kind))
        if old is None or old.sha256 == document.sha256:
            continue
        same = "; its text is the same" if old.text == document.text else ""
        found.append(
            Finding(
                kind="content-changed",
                document=document.id,
                start=0,
                end=0,
                where=f"was {old.sha256[:_SHORT_HASH]} on {old.fetched_at}{same}",
                excerpt=_first_difference(old.text, document.text),
            )
        )
    return tuple(found)


def mark(documents: Sequence[Document], changes: Sequence[Finding]) -> tuple[Document, ...]:
    """Return the documents with each change added to the findings of its document."""
    return tuple(
        document.model_copy(update={"findings": (*document.findings, *own)}) if own else document
        for document in documents
        for own in [tuple(change for change in changes if change.document == document.id)]
    )


def _first_difference(old: str, new: str) -> str:
    for was, line in zip_longest(old.splitlines(), new.splitlines(), fillvalue=""):
        if was != line:
            return " ".join(line.split())[:MAX_EXCERPT]
    return ""
