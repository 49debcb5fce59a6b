"""Turns bytes into blocks: recognises the format and calls its reader.

Plain text is read here. Everything that needs a parser goes to a child process that can be killed
(`parse_process`), because some two-megabyte pages hang every HTML parser, and some texts keep a Markdown parser
busy.
"""

import json
import re
from pathlib import PurePosixPath
from typing import Final, Literal

from pydantic import TypeAdapter, ValidationError

from agent.errors import SeptetError, SourceError
from agent.intake.extract.formats.charset import NotText, decode
from agent.intake.extract.formats.markdown import is_marked, read_text
from agent.intake.extract.parse_process import PARSER, Limits, Stopped
from agent.intake.page import Page, Part
from agent.settings import Settings

MediaKind = Literal["html", "markdown", "text", "pdf", "json", "yaml", "xml"]

_MEDIA: Final[dict[MediaKind, str]] = {
    "html": "text/html",
    "markdown": "text/markdown",
    "text": "text/plain",
    "pdf": "application/pdf",
    "json": "application/json",
    "yaml": "application/yaml",
    "xml": "application/xml",
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
    ".yaml": "yaml",
    ".yml": "yaml",
    ".xml": "xml",
}
_BY_MEDIA: Final[dict[str, MediaKind]] = {
    "text/html": "html",
    "application/xhtml+xml": "html",
    "text/markdown": "markdown",
    "text/x-markdown": "markdown",
    "text/plain": "text",
    "application/pdf": "pdf",
    "application/json": "json",
    "text/json": "json",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
    "text/x-yaml": "yaml",
    "application/xml": "xml",
    "text/xml": "xml",
}
_MARKS: Final = b"\xef\xbb\xbf \t\r\n"
_PDF_MARK: Final = b"%pdf-"
_GZIP: Final = b"\x1f\x8b"
_UNTOLD: Final = frozenset(("application/octet-stream", "binary/octet-stream"))
"""Generic media types that servers send when they do not know the type."""
_WHOLE_HTML: Final = (b"<!doctype html", b"<html")
_HTML_MARKS: Final = (b"<!doctype html", b"<html", b"<head", b"<body", b"<div", b"<main", b"<article", b"<meta")
_SITEMAP: Final = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)\b")
_API: Final = re.compile(rb"(?:^|\n)[\"']?(?:openapi|swagger)[\"']?[ \t]*:[ \t]*[\"']?[23]\.")
_HEADING: Final = re.compile(rb"(?:^|\n)#{1,6} \S")
_SNIFFED: Final = 1024
_FRONT: Final = re.compile(r"---[ \t]*\n(?:[^\n]*\n){0,40}?(?:description|allowed-tools|tools)[ \t]*:")
_PARTS: Final = TypeAdapter(tuple[Part, ...])
_WORST: Final = {
    "not-text": "not a text document",
    "too-large": "too large to be parsed",
    "too-deep": "nested too deeply to be parsed",
    "attributes": "an element with too many attributes to be parsed",
    "unreadable": "cannot be parsed",
    "json": "not valid JSON",
    "yaml": "not valid YAML",
    "xml": "not valid XML",
    "other-xml": "an XML document that is no sitemap",
    "expands": "expands to more than is read",
    "entities": "an XML document that declares entities",
}
_HINTS: Final = {
    "json": "check the file with a JSON reader",
    "yaml": "check the file with a YAML reader",
    "other-xml": "give an HTML, Markdown, text, PDF, JSON or YAML document",
}


def sniff(body: bytes, declared: str, name: str) -> MediaKind:
    """Return the kind of `body`, judged by its first bytes, then its declared media type, then the suffix of `name`.

    Markdown may begin like HTML, so a media type or suffix that says Markdown decides, unless the bytes are those of
    a PDF or of a whole HTML document. Raises SourceError if the body is of no readable kind.
    """
    head = body[:_SNIFFED].lstrip(_MARKS).lower()
    suffix = PurePosixPath(name.partition("?")[0].partition("#")[0]).suffix.lower()
    by_suffix = SUFFIXES.get(suffix)
    by_media = _BY_MEDIA.get(declared) or _by_structure(declared)
    by_label = by_media or (by_suffix if not declared or declared in _UNTOLD else None)
    # Code hosts serve repository files as plain text.
    if by_media == "markdown" or (by_suffix == "markdown" and by_media in (None, "text") and by_label is not None):
        return "pdf" if head.startswith(_PDF_MARK) else "html" if head.startswith(_WHOLE_HTML) else "markdown"
    shown = _by_content(body, head, suffix, by_label or by_suffix)
    if shown is not None:
        return shown
    if by_label == "pdf":
        raise SourceError("not a PDF although it says so", where=name, hint="give a PDF, HTML, Markdown or text file")
    if by_media == "text" and by_suffix in ("json", "yaml"):
        return by_suffix
    if by_label is not None:
        return by_label
    if head.startswith(b"<") and b"</" in head and not declared:
        return "html"
    if declared.startswith("text/") or not declared:
        return "text"
    raise SourceError(
        f"not a text document ({declared})", where=name, hint="give an HTML, Markdown, text, PDF or JSON document"
    )


def _by_structure(declared: str) -> MediaKind | None:
    """Return the kind named by a structured suffix, as in `application/openapi+json`."""
    if declared.endswith("+json"):
        return "json"
    return "yaml" if declared.endswith("+yaml") else None


def _by_content(body: bytes, head: bytes, suffix: str, expected: MediaKind | None) -> MediaKind | None:
    """Return the kind that the bytes clearly indicate, regardless of the declared type; None if they are ambiguous."""
    if head.startswith(_PDF_MARK):
        return "pdf"
    if body.startswith(_GZIP) and suffix == ".gz":
        return "xml"
    if head.startswith(b"<?xml") or expected == "xml":
        if b"<html" in head:
            return "html"
        return "xml" if _SITEMAP.search(head) or expected in ("xml", None) else None
    if _SITEMAP.match(head):
        return "xml"
    if head.startswith(_HTML_MARKS):
        return "html"
    if expected in ("json", "markdown"):
        return None
    if head[:1] in (b"{", b"[") and (expected in ("text", "html", "pdf", "yaml", None)) and _is_json(body):
        return "json"
    if expected in ("text", "html", None) and _API.search(head):
        return "yaml"
    # Markdown labelled as HTML has a Markdown heading and no HTML element.
    if expected == "html" and b"</" not in body[: 64 * _SNIFFED] and _HEADING.search(head):
        return "markdown"
    return None


def _is_json(body: bytes) -> bool:
    """Return whether the bytes begin and end like JSON, so that `[draft] notes` stays text."""
    return bool(
        re.match(rb"[\xef\xbb\xbf\s]*(?:\{\s*(?:\"|\})|\[\s*(?:[\[{\"\d\]-]|true|false|null))", body)
    ) and body.rstrip()[-1:] in (b"}", b"]")


def media_type(kind: MediaKind) -> str:
    """Return the media type under which a kind is recorded."""
    return _MEDIA[kind]


def read_page(body: bytes, kind: MediaKind, charset: str, name: str, settings: Settings) -> Page:
    """Read `body` of the given `kind` as a page, or its first document if there are several; `name` is for messages.

    Raises SourceError if the bytes are not text, or if the parser fails or exceeds its time or memory.
    """
    return read_parts(body, kind, charset, name, settings)[0].page


def read_parts(body: bytes, kind: MediaKind, charset: str, name: str, settings: Settings) -> tuple[Part, ...]:
    """Read all documents in `body`, at least one; a JSON listing includes its documentation.

    Raises SourceError as `read_page` does.
    """
    if kind not in ("markdown", "text"):
        return _in_child(body, kind, charset, name, settings)
    text = text_of(body, charset, name)
    if _FRONT.match(text):
        return _in_child(body, "skill", charset, name, settings)
    if kind == "markdown" or is_marked(text):
        return _in_child(body, "markdown", charset, name, settings)
    return (Part(read_text(text), ""),)


def text_of(body: bytes, charset: str, name: str) -> str:
    """Return the text of `body` with line ends normalised to line feeds.

    Raises SourceError if the body is binary.
    """
    try:
        return decode(body, charset).replace("\r\n", "\n").replace("\r", "\n")
    except NotText as error:
        raise SourceError(f"not a text document ({error})", where=name, hint=_HINT) from None


_HINT: Final = "give an HTML, Markdown, text, PDF or JSON document"


def _in_child(body: bytes, kind: str, charset: str, name: str, settings: Settings) -> tuple[Part, ...]:
    try:
        answer = PARSER.parse(body, kind, charset, Limits(settings.parse_seconds, settings.parse_memory_mb))
    except Stopped as stop:
        raise _failed(
            "took too long or too much memory to parse" if stop.killed else "cannot be parsed", name
        ) from None
    return _parts(answer, name)


def _parts(answer: bytes, name: str) -> tuple[Part, ...]:
    """Convert the child's answer to parts, checking every field: a compromised parser can at most return false text."""
    try:
        fields = json.loads(answer)
        if not isinstance(fields, dict):
            raise _failed("cannot be parsed", name)
        if "error" in fields:
            raise _named(str(fields["error"]), str(fields.get("detail", "")), name)
        parts = _PARTS.validate_python(fields.get("parts"))
    except (ValueError, ValidationError, RecursionError):
        raise _failed("cannot be parsed", name) from None
    return parts or (Part(Page("", ()), ""),)


def _named(sort: str, detail: str, name: str) -> SeptetError:
    what = _WORST.get(sort, "cannot be parsed")
    where = f"{name}: {detail}" if detail and sort in ("json", "yaml", "xml") else name
    return SourceError(what, where=where, hint=_HINTS[sort]) if sort in _HINTS else _failed(what, where)


def _failed(what: str, name: str) -> SeptetError:
    return SourceError(what, where=name, hint="save the text of the page as Markdown or text and give that file")
