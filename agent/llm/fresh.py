"""A new folder that one run fills, file by file: nobody else's, and nothing in it is half written."""

from pathlib import Path
from typing import Final

from agent.errors import SourceError, UsageError

_HINT: Final = "give a new folder; recordings are never overwritten"


def claim(folder: Path, mark: str) -> None:
    """Makes the folder, with an empty file called `mark` that keeps a second run out of it.

    Raises UsageError when the folder holds something, or is none.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError("the recording needs a folder, and this is none", where=folder.name, hint=_HINT)
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError("the folder for the recording is not empty", where=folder.name, hint=_HINT)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (folder / mark).touch(exist_ok=False)
    except FileExistsError:
        raise UsageError("another run is recording into this folder", where=folder.name, hint=_HINT) from None


def put(file: Path, content: bytes) -> None:
    """Writes a file whole or not at all. Raises SourceError when it cannot be written, as on a full disk."""
    try:
        file.write_bytes(content)
    except OSError as error:
        file.unlink(missing_ok=True)
        where = f"{file.parent.name}/{file.name}: {error.strerror}"
        hint = "check the folder and free space"
        raise SourceError("the recording cannot be written", where=where, hint=hint) from None
