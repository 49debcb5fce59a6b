"""Replace a draft's folder atomically, even if the process is killed.

A new draft is written to a sibling folder, which its process keeps locked. Then the two folders are exchanged in one
step. The next run cleans up after a killed run.
"""

import ctypes
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from agent.errors import InputError
from agent.report.draft_json import FILE_NAME, SNAPSHOTS

REPORT: Final = "draft.md"
INDEX: Final = "index"
_OWN: Final = frozenset({FILE_NAME, REPORT, SNAPSHOTS, INDEX})
_AT_FDCWD: Final = -100
_EXCHANGE: Final = 2


def check(out: Path) -> None:
    """Restore a draft that a killed run left under another name.

    Raises InputError if `out` is not a folder, or contains anything but a draft.
    """
    old = _sibling(out, "old")
    if old.is_dir() and not out.exists():
        # A run was killed between its two renames; the earlier draft is still intact under its temporary name.
        old.rename(out)
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError("the output is not a folder", where=str(out), hint="specify a new or empty folder")
    foreign = sorted(entry.name for entry in out.iterdir() if entry.name not in _OWN)
    if foreign:
        what = f"the folder contains other files, such as {foreign[0]!r}"
        hint = "specify a new or empty folder; a draft replaces only another draft"
        raise InputError(what, where=str(out), hint=hint)


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Yield an empty folder for a draft; it replaces `out` if the block ends without an error.

    Raises InputError if `out` is not suitable for a draft or another process is writing to it, OSError if the disk is
    full or the place is not writable; `out` is then unchanged.
    """
    out = out.absolute()
    check(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    staged, old = _sibling(out, "new"), _sibling(out, "old")
    staged.mkdir(exist_ok=True)
    handle = _locked(staged, out)
    try:
        _empty(staged)
        shutil.rmtree(old, ignore_errors=True)
        yield staged
        _flush(staged)
        if not out.exists():
            staged.rename(out)
        elif not _exchange(staged, out):
            out.rename(old)
            staged.rename(out)
        _flush(out.parent)
    finally:
        for left in (staged, old) if out.exists() else (staged,):
            shutil.rmtree(left, ignore_errors=True)
        os.close(handle)


def write(path: Path, text: str) -> None:
    """Write a UTF-8 text file and wait until it is on disk. Raises OSError."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sibling(out: Path, role: str) -> Path:
    return out.with_name(f".{out.name}.{role}")


def _locked(staged: Path, out: Path) -> int:
    handle = os.open(staged, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), staged.stat()):
            return handle
    except OSError as error:
        # The other run may have finished and removed the folder after we opened it but before we locked it.
        if not isinstance(error, FileNotFoundError) and error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
            os.close(handle)
            raise
    os.close(handle)
    raise InputError("another run is writing to this folder", where=str(out), hint="wait for it to finish")


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step. Returns False if the system does not support it."""
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        return False
    return bool(call(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) == 0)


def _flush(folder: Path) -> None:
    """Flush a folder to disk, so that its file names survive a power cut."""
    with suppress(OSError):  # some file systems cannot flush folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
