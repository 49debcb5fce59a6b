"""Snapshots on disk, addressed by the hash of their bytes.

A blob is stored at `<folder>/<first two hex digits>/<sha256>`, with its record next to it as `<sha256>.json`. Both are
written under a temporary name, flushed to disk and renamed, so that a reader never sees a partial file. The record is
written last, so no record exists without its blob. Bytes without a record of their own (responses that did not become
documents, files given as sources) are stored in the same way.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from agent.errors import IntegrityError, SourceError
from agent.intake.page import MAX_EXCERPT
from agent.records import Document, Finding, Snapshot

_ADDRESS: Final = re.compile(r"[0-9a-f]{64}")
_SHORT_HASH: Final = 12
_AGAIN: Final = "read the source again"


def digest(body: bytes) -> str:
    """Return the SHA-256 of `body` in lower-case hex, which serves as its address."""
    return hashlib.sha256(body).hexdigest()


def place(folder: Path, sha256: str) -> Path:
    """Return the path of the blob with this address. Raises IntegrityError when the address is invalid."""
    if not _ADDRESS.fullmatch(sha256):
        raise IntegrityError("not the address of a snapshot", where=sha256[:64])
    return folder / sha256[:2] / sha256


def store(folder: Path, snapshot: Snapshot, body: bytes) -> Path:
    """Write `body` and its record under `folder` and return the blob's path; writing them again changes nothing.

    Raises IntegrityError when the record has another hash or size, SourceError when the folder cannot be written.
    """
    if digest(body) != snapshot.sha256 or len(body) != snapshot.size:
        raise IntegrityError("the record does not match the content", where=snapshot.final_url)
    path = place(folder, snapshot.sha256)
    with _writing(folder):
        write_whole(path, body)
        write_whole(path.with_suffix(".json"), (snapshot.model_dump_json(indent=1) + "\n").encode("utf-8"))
    return path


def store_body(folder: Path, body: bytes) -> None:
    """Write `body` under `folder` without a record, unless it is there already.

    Raises SourceError when the folder cannot be written.
    """
    path = place(folder, digest(body))
    with _writing(folder):
        if not path.is_file():
            write_whole(path, body)


def load_body(folder: Path, sha256: str) -> bytes:
    """Return the bytes at an address. Raises SourceError when there are none, IntegrityError when they were changed."""
    try:
        body = place(folder, sha256).read_bytes()
    except OSError:
        raise SourceError("there is no such snapshot", where=sha256[:_SHORT_HASH], hint=_AGAIN) from None
    if digest(body) != sha256:
        raise IntegrityError("the bytes of a snapshot were changed", where=sha256[:_SHORT_HASH], hint=_AGAIN)
    return body


def load(folder: Path, sha256: str) -> tuple[Snapshot, bytes]:
    """Return the record and the bytes at an address.

    Raises SourceError when there is none, IntegrityError when the bytes or the record were changed.
    """
    try:
        record = place(folder, sha256).with_suffix(".json").read_bytes()
    except OSError:
        raise SourceError("there is no such snapshot", where=sha256[:_SHORT_HASH], hint=_AGAIN) from None
    body = load_body(folder, sha256)
    try:
        snapshot = Snapshot.model_validate_json(record)
    except ValidationError:
        raise IntegrityError("the record of a snapshot was changed", where=sha256[:_SHORT_HASH]) from None
    if snapshot.sha256 != sha256 or snapshot.size != len(body):
        raise IntegrityError("the bytes of a snapshot were changed", where=sha256[:_SHORT_HASH], hint=_AGAIN)
    return snapshot, body


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(
            f"snapshots cannot be written ({reason})", where=folder.name, hint="check the folder"
        ) from None


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


def write_snapshots(folder: Path, snapshots: Sequence[Snapshot], blobs: Mapping[str, bytes]) -> None:
    """Store every snapshot with its bytes; raises the same errors as `store`."""
    for snapshot in snapshots:
        store(folder, snapshot, blobs[snapshot.sha256])


def compare(before: Sequence[Document], after: Sequence[Document]) -> tuple[Finding, ...]:
    """Return a finding for each document of `after` whose bytes differ from those under the same address in `before`.

    The excerpt is the first line of the new text that differs. It is empty when only the bytes differ, or when the text
    was only truncated.
    """
    known = {(document.url, document.kind): document for document in before}
    found: list[Finding] = []
    for document in after:
        old = known.get((document.url, document.kind))
        if old is None or old.sha256 == document.sha256:
            continue
        lines = zip_longest(old.text.splitlines(), document.text.splitlines(), fillvalue="")
        excerpt = next((" ".join(line.split())[:MAX_EXCERPT] for was, line in lines if was != line), "")
        same = "; its text is the same" if old.text == document.text else ""
        where = f"was {old.sha256[:_SHORT_HASH]} on {old.fetched_at}{same}"
        found.append(
            Finding(kind="content-changed", document=document.id, start=0, end=0, where=where, excerpt=excerpt)
        )
    return tuple(found)


def mark(documents: Sequence[Document], changes: Sequence[Finding]) -> tuple[Document, ...]:
    """Return the documents with each change added to the findings of its document."""
    return tuple(
        document.model_copy(update={"findings": (*document.findings, *own)}) if own else document
        for document in documents
        for own in [tuple(change for change in changes if change.document == document.id)]
    )
