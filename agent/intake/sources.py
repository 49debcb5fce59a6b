"""Interpret a SOURCE argument: an existing file or folder, else an http(s) address, else an error."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from agent.errors import RefusedError, SourceError, UsageError
from agent.intake.crawl.answer import BYTES_USED_UP
from agent.intake.crawl.guard import looks_like_address
from agent.intake.extract.parse import SUFFIXES, MediaKind, sniff
from agent.settings import Settings

_WEB: Final = re.compile(r"https?://", re.IGNORECASE)
_FIRST: Final = ("listing", "index", "readme", "skill")
_SHOWN: Final = 200
_DATA: Final = frozenset({".yaml", ".yml", ".xml"})
_HEAD: Final = 4096
_DESCRIBES: Final = re.compile(
    rb"^\s*['\"]?(?:openapi|swagger|display_information)['\"]?\s*:|<(?:urlset|sitemapindex)\b", re.M
)
_HINT: Final = "specify a file (html, md, txt, pdf, json), a folder of such files, or an https:// address"


@dataclass(frozen=True)
class LocalFile:
    """The bytes of a file, and the name that records use for it."""

    name: str
    """File name, or the path within the given folder; never an absolute path."""
    kind: MediaKind
    body: bytes
    folder: str = ""
    """For a file given on its own, the name of its folder: the fallback for naming the product."""


@dataclass(frozen=True)
class Folder:
    """The documents of a folder, the listing first."""

    name: str
    files: tuple[LocalFile, ...]
    left_out: tuple[str, ...]
    """Names of documents left out because the page budget was used up."""


Input = str | LocalFile | Folder
"""An opened source: the text of a web address, or files in memory."""


def open_sources(sources: Sequence[str], settings: Settings) -> tuple[Input, ...]:
    """Open each source as an address, a file or a folder; files are read here and not opened again.

    Raises UsageError when one is neither a path nor an address, RefusedError for an address with another scheme,
    SourceError when a file cannot be read or all files together exceed `max_total_bytes`.
    """
    opened: list[Input] = []
    for source in sources:
        place = _locate(source)
        if isinstance(place, str):
            opened.append(place)
        elif place.is_dir():
            opened.append(_read_folder(place.resolve(), settings))
        else:
            whole = place.resolve()
            opened.append(replace(_read_file(place, whole.name, settings), folder=whole.parent.name))
    files = (found.files if isinstance(found, Folder) else (found,) for found in opened if not isinstance(found, str))
    if sum(len(file.body) for group in files for file in group) > settings.max_total_bytes:
        raise SourceError(BYTES_USED_UP, where=sources[0], hint="raise max_total_bytes")
    return tuple(opened)


def _locate(source: str) -> Path | str:
    """Return the path of an existing file or folder, or the text of a web address."""
    try:
        path = Path(source)
        if source and path.exists():
            return path
    except (OSError, ValueError):
        pass  # too long or with a NUL character: not a path, so treat it as an address
    if _WEB.match(source):
        return source
    shown = "".join(character if character.isprintable() else "?" for character in source)[:_SHOWN]
    if looks_like_address(source):
        raise RefusedError("only plain http and https addresses are supported", where=shown, hint=_HINT)
    raise UsageError("no such file or folder", where=shown or "an empty source", hint=_HINT)


def _read_file(path: Path, name: str, settings: Settings) -> LocalFile:
    limit = settings.max_pdf_bytes if path.suffix.lower() == ".pdf" else settings.max_page_bytes
    try:
        if not path.is_file():
            raise SourceError("not a regular file", where=name, hint=_HINT)
        with path.open("rb") as file:
            body = file.read(limit + 1)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise SourceError(f"the file cannot be read ({reason})", where=name, hint="check its permissions") from None
    if len(body) > limit:
        raise SourceError(f"larger than {limit} bytes", where=name, hint="raise max_page_bytes or max_pdf_bytes")
    if not body.strip():
        raise SourceError("the file is empty", where=name, hint="use a listing that contains text")
    return LocalFile(name, sniff(body, "", name), body)


def _read_folder(root: Path, settings: Settings) -> Folder:
    """Read the documents of a folder and its sub-folders: the listing, index or README first, the others sorted.

    Skips hidden files, links that lead out of the folder, files in other formats and empty files. YAML and XML files
    are read only if they are API descriptions, manifests or sitemaps: settings, labels and build files have the same
    suffixes, but a user who passes a folder does not mean those.
    """
    names: list[str] = []
    try:
        for place, folders, files in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for path in (Path(place) / name for name in files if not name.startswith(".")):
                suffix = path.suffix.lower()
                inside = suffix in SUFFIXES and path.resolve().is_relative_to(root)
                if not (inside and path.is_file() and path.stat().st_size):
                    continue
                if suffix in _DATA:
                    with path.open("rb") as file:
                        if not _DESCRIBES.search(file.read(_HEAD)):
                            continue
                names.append(path.relative_to(root).as_posix())
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        what = f"the folder cannot be read ({reason})"
        raise SourceError(what, where=root.name, hint="check its permissions") from None
    if not names:
        raise SourceError("the folder contains no documents", where=root.name, hint=_HINT)

    def order(name: str) -> tuple[int, str, str]:
        stem = name.rpartition(".")[0].lower()
        # A file in a sub-folder is never the listing, regardless of its name.
        return (_FIRST.index(stem) if stem in _FIRST else len(_FIRST), name.casefold(), name)

    names.sort(key=order)
    most = max(1, settings.max_pages)
    return Folder(
        root.name, tuple(_read_file(root / name, name, settings) for name in names[:most]), tuple(names[most:])
    )
