"""Interpret a SOURCE argument: an existing file or folder, else an http(s) address, else an error."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from agent.errors import RefusedError, SourceError, UsageError
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
_HINT: Final = "give a file (html, md, txt, pdf, json), a folder of them, or an address that begins with https://"


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
    """Open each source as an address, a file or a folder; files are read here and never again.

    Raises UsageError when there is no source or one is neither a path nor an address, RefusedError for an address
    with another scheme, SourceError when a file cannot be read or all files together exceed `max_total_bytes`.
    """
    if not sources:
        raise UsageError("no source", hint="give the address of a listing, a file or a folder")
    opened = tuple(_open(locate(source), settings) for source in sources)
    size = sum(len(file.body) for found in opened for file in files_of(found))
    if size > settings.max_total_bytes:
        raise SourceError("the bytes for one product are used up", where=sources[0], hint="raise max_total_bytes")
    return opened


def files_of(found: Input) -> tuple[LocalFile, ...]:
    """Return the files of an opened source, or none for an address."""
    if isinstance(found, str):
        return ()
    return (found,) if isinstance(found, LocalFile) else found.files


def _open(place: Path | str, settings: Settings) -> Input:
    if isinstance(place, str):
        return place
    whole = place.resolve()
    if place.is_dir():
        return read_folder(place, settings.max_pages, settings)
    return replace(read_file(place, whole.name, settings), folder=whole.parent.name)


def locate(source: str) -> Path | str:
    """Return the path of an existing file or folder, or the text of a web address.

    Raises RefusedError for an address with another scheme, a blank, a control character or a leading `//`, and
    UsageError for anything else.
    """
    try:
        path = Path(source)
        if source and path.exists():
            return path
    except (OSError, ValueError):
        pass  # too long or with a NUL character: not a path, so treat it as an address
    shown = "".join(character if character.isprintable() else "?" for character in source)[:_SHOWN]
    if _WEB.match(source):
        return source
    if looks_like_address(source):
        raise RefusedError("only plain http and https addresses are read", where=shown, hint=_HINT)
    raise UsageError("no such file or folder", where=shown or "an empty source", hint=_HINT)


def read_file(path: Path, name: str, settings: Settings) -> LocalFile:
    """Read one file of at most `max_page_bytes` (`max_pdf_bytes` for a PDF).

    Raises SourceError when the file cannot be read, is not a regular file, is too large, is empty, or has an
    unsupported format.
    """
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
        raise SourceError("the file is empty", where=name, hint="give a listing with text in it")
    return LocalFile(name, sniff(body, "", name), body)


def read_folder(folder: Path, pages: int, settings: Settings) -> Folder:
    """Read the documents of a folder and its sub-folders, at most `pages`: listing, index or README first, then sorted.

    Skips hidden files, links that lead out of the folder, files in other formats, empty documents, and all YAML and
    XML files except API descriptions, manifests and sitemaps.
    Raises SourceError when there is no document at all or one cannot be read.
    """
    root = folder.resolve()
    found: list[Path] = []
    try:
        for place, folders, names in os.walk(root):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in names:
                path = Path(place) / name
                if name.startswith(".") or path.suffix.lower() not in SUFFIXES:
                    continue
                if path.resolve().is_relative_to(root) and path.is_file() and path.stat().st_size and _is_named(path):
                    found.append(path)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise SourceError(
            f"the folder cannot be read ({reason})", where=root.name, hint="check its permissions"
        ) from None
    if not found:
        raise SourceError("no document in the folder", where=root.name, hint=_HINT)
    names = sorted((path.relative_to(root).as_posix() for path in found), key=_order)
    files = tuple(read_file(root / name, name, settings) for name in names[: max(1, pages)])
    return Folder(root.name, files, tuple(names[max(1, pages) :]))


def _is_named(path: Path) -> bool:
    """Return whether a file in a folder is a document: YAML and XML only count if they describe APIs, products or
    sitemaps.

    Settings, labels and build files have the same suffixes, but a user who names a folder does not mean them.
    """
    if path.suffix.lower() not in _DATA:
        return True
    with path.open("rb") as file:
        return bool(_DESCRIBES.search(file.read(_HEAD)))


def _order(name: str) -> tuple[int, str, str]:
    stem = name.rpartition(".")[0].lower()
    # A file in a sub-folder is never the listing, regardless of its name.
    return (_FIRST.index(stem) if stem in _FIRST else len(_FIRST), name.casefold(), name)
