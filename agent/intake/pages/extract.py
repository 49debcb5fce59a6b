"""From bytes to blocks: what the bytes are, and which reader takes them.

Markdown and text are read here, by code of our own; HTML and PDF go to a child process that can be killed, because
pages of two megabytes are known that hang every parser of theirs. The child is a fresh interpreter with an empty
environment: no key can be in it, and it starts in well under a tenth of a second.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from agent.errors import SeptetError, SourceError
from agent.intake.pages.charset import NotText, decode
from agent.intake.pages.markdown import read_markdown, read_text
from agent.intake.pages.page import Page
from agent.settings import Settings

MediaKind = Literal["html", "markdown", "text", "pdf", "json"]

_MEDIA: Final[dict[MediaKind, str]] = {
    "html": "text/html",
    "markdown": "text/markdown",
    "text": "text/plain",
    "pdf": "application/pdf",
    "json": "application/json",
}
SUFFIXES: Final[dict[str, MediaKind]] = {
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".mdx": "markdown",
    ".txt": "text",
    ".text": "text",
    ".rst": "text",
    ".pdf": "pdf",
    ".json": "json",
}
_BY_MEDIA: Final[dict[str, MediaKind]] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/plain": "text",
    "application/pdf": "pdf",
    "application/json": "json",
}
_PDF_MARK: Final = b"%PDF-"
_HTML_MARKS: Final = (b"<!doctype html", b"<html", b"<head", b"<body", b"<div", b"<main", b"<article", b"<meta")
_SNIFFED: Final = 1024
_PACKAGE_PARENT: Final = str(Path(__file__).resolve().parent.parent.parent.parent)
# -I: no environment, no user site, no current folder on the path; the package's own folder is added by name.
_BOOTSTRAP: Final = (
    "import sys; sys.path.insert(0, {parent!r}); from agent.intake.pages.parse_child import main; main()"
)
_GRACE: Final = 2.0
"""Wall-clock seconds beyond the allowance of processor time, times the load of a busy machine."""
_LOAD: Final = 3.0
_PAGE: Final = TypeAdapter(Page)
_WORST: Final = {
    "not-text": "not a text document",
    "too-large": "too large to be parsed",
    "unreadable": "cannot be parsed",
}


def sniff(body: bytes, declared: str, name: str) -> MediaKind:
    """What `body` is, from its own first bytes, then its declared media type, then the suffix of `name`.

    Raises SourceError when it is none of the kinds that are read.
    """
    head = body[:_SNIFFED].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(_PDF_MARK.lower()):
        return "pdf"
    by_suffix = SUFFIXES.get(PurePosixPath(name.partition("?")[0]).suffix.lower())
    by_media = _BY_MEDIA.get(declared)
    if by_media == "text" and by_suffix in ("markdown", "json"):
        return by_suffix
    kind = by_media or (by_suffix if not declared else None)
    if kind == "pdf":
        raise SourceError("not a PDF although it says so", where=name, hint="give a PDF, HTML, Markdown or text file")
    if kind is not None:
        return kind
    if head.startswith(_HTML_MARKS) or (not declared and head.startswith(b"<") and b"</" in head):
        return "html"
    if declared.startswith("text/") or not declared:
        return "text"
    raise SourceError(
        f"not a text document ({declared})", where=name, hint="give an HTML, Markdown, text, PDF or JSON document"
    )


def media_type(kind: MediaKind) -> str:
    """The media type under which a kind is recorded."""
    return _MEDIA[kind]


def read_page(body: bytes, kind: MediaKind, charset: str, name: str, settings: Settings) -> Page:
    """The blocks of `body`, which is of `kind` (JSON apart, see `listing_json`); `name` is for messages.

    Raises SourceError when the bytes are no text, or the parser failed or ran out of its time or memory.
    """
    if kind in ("html", "pdf"):
        return _in_child(body, kind, charset, name, settings)
    text = text_of(body, charset, name)
    return read_markdown(text) if kind == "markdown" else read_text(text)


def text_of(body: bytes, charset: str, name: str) -> str:
    """The text of `body` with plain line feeds.

    Raises SourceError when it is binary.
    """
    try:
        return decode(body, charset).replace("\r\n", "\n").replace("\r", "\n")
    except NotText as error:
        raise SourceError(f"not a text document ({error})", where=name, hint=_HINT) from None


_HINT: Final = "give an HTML, Markdown, text, PDF or JSON document"


def _in_child(body: bytes, kind: str, charset: str, name: str, settings: Settings) -> Page:
    bootstrap = _BOOTSTRAP.format(parent=_PACKAGE_PARENT)
    options = [kind, charset, str(settings.parse_seconds), str(settings.parse_memory_mb)]
    command = [sys.executable, "-I", "-X", "utf8", "-c", bootstrap, *options]
    # Files instead of pipes: the child's output is bounded by its file-size limit, and nothing can dead-lock.
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as result:
        source.write(body)
        source.seek(0)
        try:
            done = subprocess.run(
                command,
                stdin=source,
                stdout=result,
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                check=False,
                timeout=settings.parse_seconds * _LOAD + _GRACE,
            )
        except subprocess.TimeoutExpired:
            raise _failed("took too long to parse", name) from None
        result.seek(0)
        answer = result.read()
    if done.returncode != 0:
        raise _failed("took too long or too much memory to parse" if done.returncode < 0 else "cannot be parsed", name)
    return _page(answer, name)


def _page(answer: bytes, name: str) -> Page:
    """The child's answer, checked field by field: a parser that was taken over gets no further than its text."""
    try:
        fields = json.loads(answer)
        if not isinstance(fields, dict):
            raise _failed("cannot be parsed", name)
        if "error" in fields:
            raise _failed(_WORST.get(str(fields["error"]), "cannot be parsed"), name)
        return _PAGE.validate_python(fields.get("page"))
    except (ValueError, ValidationError, RecursionError):
        raise _failed("cannot be parsed", name) from None


def _failed(what: str, name: str) -> SeptetError:
    return SourceError(what, where=name, hint="save the text of the page as Markdown or text and give that file")
