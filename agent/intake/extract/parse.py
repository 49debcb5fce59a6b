"""Turns bytes into blocks: recognises the format and calls its reader.

Plain text is read here. Everything that needs a parser goes to a child process that can be killed
(`parse_process`), because some two-megabyte pages hang every HTML parser, and some Markdown keeps its parser busy for
too long.
"""

import json
import re
from pathlib import PurePosixPath
from typing import Final, Literal

from pydantic import TypeAdapter

from agent.errors import SourceError
from agent.intake.extract.formats.charset import Unreadable, decode_lines
from agent.intake.extract.formats.markdown import is_marked, read_text
from agent.intake.extract.parse_process import PARSER, Stopped
from agent.intake.page import Page, Part
from agent.settings import Settings

MediaKind = Literal["html", "markdown", "text", "pdf", "json", "yaml", "xml"]

_KINDS: Final[dict[MediaKind, tuple[str, str]]] = {
    "html": ("text/html application/xhtml+xml", ".html .htm .xhtml"),
    "markdown": ("text/markdown text/x-markdown", ".md .markdown .mdx"),
    "text": ("text/plain", ".txt .text .rst"),
    "pdf": ("application/pdf", ".pdf"),
    "json": ("application/json text/json +json", ".json"),
    "yaml": ("application/yaml application/x-yaml text/yaml text/x-yaml +yaml", ".yaml .yml"),
    "xml": ("application/xml text/xml", ".xml"),
}
"""For each kind, its media types (the first is the one recorded) and its file suffixes, both separated by spaces.

`+json` matches any media type with that ending, such as `application/openapi+json`."""
SUFFIXES: Final = {suffix: kind for kind, (_, suffixes) in _KINDS.items() for suffix in suffixes.split()}
_BY_MEDIA: Final = {media: kind for kind, (known, _) in _KINDS.items() for media in known.split()}
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
# A body counts as JSON only if it begins and ends like JSON, so that `[draft] notes` stays text.
_JSON_START: Final = re.compile(rb"[\xef\xbb\xbf\s]*(?:\{\s*(?:\"|\})|\[\s*(?:[\[{\"\d\]-]|true|false|null))")
_JSON_ENDS: Final = (b"}", b"]")
_SNIFFED: Final = 1024
_FRONT: Final = re.compile(r"---[ \t]*\n(?:[^\n]*\n){0,40}?(?:description|allowed-tools|tools)[ \t]*:")
_PARTS: Final = TypeAdapter(tuple[Part, ...])
_SAVE: Final = "save the page's text as a Markdown or text file and use that file"
_HINT: Final = "use an HTML, Markdown, text, PDF or JSON document"
_WORST: Final = {
    "not-text": ("not a text document", _SAVE),
    "too-large": ("too large to be parsed", _SAVE),
    "too-deep": ("nested too deeply to be parsed", _SAVE),
    "attributes": ("an element with too many attributes to be parsed", _SAVE),
    "json": ("not valid JSON", "check the file with a JSON validator"),
    "yaml": ("not valid YAML", "check the file with a YAML validator"),
    "xml": ("not valid XML", _SAVE),
    "other-xml": ("an XML document that is not a sitemap", "use an HTML, Markdown, text, PDF, JSON or YAML document"),
    "expands": ("expands to more than is allowed", _SAVE),
    "entities": ("an XML document that declares entities", _SAVE),
    "killed": ("took too long or too much memory to parse", _SAVE),
}
_UNPARSED: Final = ("cannot be parsed", _SAVE)
_DETAILED: Final = frozenset({"json", "yaml", "xml"})
"""Failures whose detail says where in the document the error is."""


def sniff(body: bytes, declared: str, name: str) -> MediaKind:
    """Return the kind of `body`, judged by its first bytes, then its declared media type, then the suffix of `name`.

    Markdown may begin like HTML, so a media type or suffix that says Markdown takes precedence, unless the body is a
    PDF or a complete HTML document. Raises SourceError if the body is not of a supported kind.
    """
    head = body[:_SNIFFED].lstrip(_MARKS).lower()
    suffix = PurePosixPath(name.partition("?")[0].partition("#")[0]).suffix.lower()
    by_suffix = SUFFIXES.get(suffix)
    by_media = _BY_MEDIA.get(declared) or _BY_MEDIA.get(declared[declared.rfind("+") :])
    by_label = by_media or (by_suffix if not declared or declared in _UNTOLD else None)
    # Code hosts serve repository files as plain text.
    if by_media == "markdown" or (by_suffix == "markdown" and by_media in (None, "text") and by_label is not None):
        return "pdf" if head.startswith(_PDF_MARK) else "html" if head.startswith(_WHOLE_HTML) else "markdown"
    shown = _by_content(body, head, suffix, by_label or by_suffix)
    if shown is not None:
        return shown
    if by_label == "pdf":
        raise SourceError(
            "declared as a PDF, but it is not one", where=name, hint="use a PDF, HTML, Markdown or text file"
        )
    if by_media == "text" and by_suffix in ("json", "yaml"):
        return by_suffix
    if by_label is not None:
        return by_label
    if head.startswith(b"<") and b"</" in head and not declared:
        return "html"
    if declared.startswith("text/") or not declared:
        return "text"
    raise SourceError(f"not a text document ({declared})", where=name, hint=_HINT)


def _by_content(body: bytes, head: bytes, suffix: str, expected: MediaKind | None) -> MediaKind | None:
    """Return the kind that the bytes clearly indicate, whatever the declared type; None if they are ambiguous."""
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
    if head[:1] in (b"{", b"[") and _JSON_START.match(body) and body.rstrip().endswith(_JSON_ENDS):
        return "json"
    if expected in ("text", "html", None) and _API.search(head):
        return "yaml"
    # Markdown labelled as HTML has a Markdown heading and no HTML element.
    if expected == "html" and b"</" not in body[: 64 * _SNIFFED] and _HEADING.search(head):
        return "markdown"
    return None


def media_type(kind: MediaKind) -> str:
    """Return the media type recorded for `kind`."""
    return _KINDS[kind][0].split()[0]


def read_page(body: bytes, kind: MediaKind, charset: str, name: str, settings: Settings) -> Page:
    """Read `body` as a page, or only its first document if it contains several; `name` is used in error messages.

    Raises SourceError if the bytes are not text, or if the parser fails or exceeds its time or memory limit.
    """
    return read_parts(body, kind, charset, name, settings)[0].page


def read_parts(body: bytes, kind: MediaKind, charset: str, name: str, settings: Settings) -> tuple[Part, ...]:
    """Read every document in `body` (there is at least one); a JSON listing also yields its documentation pages.

    Raises SourceError as `read_page` does.
    """
    reader: str = kind
    if kind in ("markdown", "text"):
        try:
            text = decode_lines(body, charset)
        except Unreadable as error:
            raise SourceError(f"not a text document ({error})", where=name, hint=_HINT) from None
        if _FRONT.match(text):
            reader = "skill"
        elif kind == "text" and not is_marked(text):
            return (Part(read_text(text), ""),)
        else:
            reader = "markdown"
    sort = detail = ""
    try:
        # Every field of the answer is checked: a compromised parser can at most return false text.
        fields = json.loads(PARSER.parse(body, reader, charset, settings.parse_seconds, settings.parse_memory_mb))
        if isinstance(fields, dict) and "error" not in fields:
            return _PARTS.validate_python(fields.get("parts")) or (Part(Page("", ()), ""),)
        if isinstance(fields, dict):
            sort, detail = str(fields["error"]), str(fields.get("detail", ""))
    except Stopped as stop:
        sort = str(stop)
    except (ValueError, RecursionError):
        sort = ""
    what, hint = _WORST.get(sort, _UNPARSED)
    raise SourceError(what, where=f"{name}: {detail}" if detail and sort in _DETAILED else name, hint=hint)
