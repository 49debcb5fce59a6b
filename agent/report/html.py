"""The report as one HTML page: no script, no external resources, and one style sheet that the page's policy allows.

The page is built from the report's tree: all text is escaped, characters that change text direction are shown as codes,
and marks link to their entries.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from agent.records import Document, Draft
from agent.report.document import Extent, Part, Report, Span, Text, entries
from agent.report.markdown import TEMPLATES, environment
from agent.report.report import build
from agent.report.safe_markdown import kept_blanks, one_line
from agent.report.view import InReview

if TYPE_CHECKING:
    from jinja2 import Template

STYLE: Final = TEMPLATES / "report.css"


def render(draft: Draft, documents: tuple[Document, ...] = (), progress: InReview | None = None) -> str:
    """Render the report of a draft as a complete HTML document, ending with a line feed.

    The arguments are those of `markdown.render`. The same input gives the same bytes.
    """
    return as_page(build(draft, documents, progress))


def as_page(report: Report) -> str:
    """Render a report's tree as a complete HTML document."""
    known = frozenset(mark for part in (*report.front, *report.reference) for mark in entries(part))
    style = STYLE.read_text("utf-8")
    policy = f"default-src 'none'; style-src '{hash_source(style)}'; base-uri 'none'; form-action 'none'"
    head = {"title": Markup(escape(one_line(report.title))), "policy": Markup(escape(policy)), "style": Markup(style)}
    return _template().render(report=report, inline=lambda text: inline(text, known), **head) + "\n"


def hash_source(text: str) -> str:
    """Return the Content Security Policy source (`sha256-…`) that allows an inline style or script with this text."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _template() -> "Template":
    made = environment(autoescape=True)
    made.filters |= {"kind": lambda block: type(block).__name__, "anchor": _anchor, "lines": _lines, "short": _short}
    made.filters |= {"drawing": Markup, "meter": _meter, "visible": one_line}
    return made.get_template("report.html.j2")


def inline(text: Text, known: frozenset[str]) -> Markup:
    """Render a `Text` as escaped HTML; a mark becomes a link if the page has its entry."""
    return Markup().join(_span(span, known) for span in text)


def _span(span: Span, known: frozenset[str]) -> Markup:
    shown = kept_blanks(span.text, one_line(span.text))
    match span.kind:
        case "quote":
            return Markup('<span class="quote">“{}”</span>').format(shown)
        case "strong" | "em" | "code":
            tag = Markup(span.kind)
            return Markup("<{}>{}</{}>").format(tag, shown, tag)
        case "chip":
            return Markup('<span class="chip {}">{}</span>').format((span.band or "").lower(), shown)
        case "marks":
            linked = Markup(", ").join(_link(mark, known) for mark in span.ids)
            return Markup('<span class="marks">[{}]</span>').format(linked)
        case "ref":
            return Markup().join(_link(mark, known) for mark in span.ids)
        case "bar" if span.extent:
            return _bar(span.extent)
    return Markup.escape(shown)


def _link(mark: str, known: frozenset[str]) -> Markup:
    shown = one_line(mark)
    return Markup('<a href="#{}">{}</a>').format(shown, shown) if mark in known else Markup.escape(shown)


def _short(part: Part) -> str:
    """Shorten a part's title for the table of contents. The headline becomes "Score", since its title is a message."""
    return "Score" if part.key == "headline" else one_line("".join(span.text for span in part.title)).partition(" (")[0]


def _anchor(identifier: str) -> Markup:
    return Markup(' id="{}"').format(one_line(identifier)) if identifier else Markup()


def _lines(text: str | Sequence[str]) -> str:
    """Return lines verbatim, with hidden characters made visible."""
    written = (text if isinstance(text, str) else "\n".join(text)).split("\n")
    return "\n".join(" " * (len(line) - len(line.lstrip(" "))) + one_line(line) for line in written)


def _meter(extent: Extent) -> Markup:
    low, value, high = (20 + 360 * each / extent.most for each in (extent.low, extent.value, extent.high))
    return Markup(
        '<svg class="meter" viewBox="0 0 400 24" role="img" aria-label="{} of 10, likely {} to {}">'
        '<text x="2" y="16" font-size="11">0</text><text x="398" y="16" font-size="11" text-anchor="end">10</text>'
        '<rect class="scale" x="20" y="10" width="360" height="4"/><rect class="range" x="{}" y="8" width="{}" '
        'height="8"/><circle cx="{}" cy="12" r="6"/></svg>'
    ).format(extent.value, extent.low, extent.high, f"{low:.1f}", f"{max(high - low, 2):.1f}", f"{value:.1f}")


def _bar(extent: Extent) -> Markup:
    low, value, high = (4 + 100 * each / extent.most for each in (extent.low, extent.value, extent.high))
    return Markup(
        '<svg class="bar" viewBox="0 0 108 12" role="img" aria-label="{} to {}"><rect class="scale" x="4" y="5" '
        'width="100" height="2"/><rect class="range" x="{}" y="3" width="{}" height="6"/><circle cx="{}" cy="6" '
        'r="4"/></svg>'
    ).format(extent.low, extent.high, f"{low:.1f}", f"{max(high - low, 1):.1f}", f"{value:.1f}")
