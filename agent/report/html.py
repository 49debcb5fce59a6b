"""The report as one HTML page: no script, no external resources, and one style that the page's policy names.

`render` builds the page from the report's tree: every text is escaped, characters that change text direction are shown
as codes, and marks link to their entries. `page` converts a report that exists only as Markdown, with a CommonMark
reader that allows neither raw HTML nor images nor links.
"""

import base64
import hashlib
import itertools
import re
from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from agent.records import Document, Draft
from agent.records.evidence import MARK
from agent.report.document import Extent, Part, Report, Span, Text, entries
from agent.report.markdown import TEMPLATES
from agent.report.report import build
from agent.report.safe_markdown import one_line
from agent.report.view import InReview

if TYPE_CHECKING:
    from jinja2 import Environment
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

STYLE: Final = Path(__file__).with_name("templates") / "report.css"
_PICTURE: Final = "picture"
_OTHER: Final = re.compile(r"[^a-z0-9]+")
_CALLED: Final = {"headline": "Score"}
"""Names in the table of contents for parts whose title is their message."""
_HEADING_ID: Final = 60
"""The most characters of a heading used in its anchor."""


def page(markdown: str, title: str, picture: str = "") -> str:
    """Convert the report `markdown` (as `agent.report.markdown.render` writes it) to a whole HTML document.

    `picture`, an `svg` element, is placed before the Mermaid text. The page ends with a line feed. The same text gives
    the same bytes.
    """
    return _framed(body(markdown, picture), title)


def render(draft: Draft, documents: tuple[Document, ...] = (), progress: InReview | None = None) -> str:
    """Render the report of a draft as a whole HTML document, ending with a line feed.

    The arguments are those of `markdown.render`. The same input gives the same bytes.
    """
    return as_page(build(draft, documents, progress))


def as_page(report: Report) -> str:
    """Render a report's tree as a whole HTML document."""
    known = frozenset(mark for part in (*report.front, *report.reference) for mark in entries(part))
    template = _environment().get_template("report.html.j2")
    return _framed(template.render(report=report, inline=lambda text: inline(text, known)), report.title)


def _framed(inner: str, title: str) -> str:
    style = STYLE.read_text("utf-8")
    policy = f"default-src 'none'; style-src '{hash_source(style)}'; base-uri 'none'; form-action 'none'"
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(one_line(title))}</title>\n<style>{style}</style>\n</head>\n"
    )
    return f"{head}<body>\n<main>\n{inner}</main>\n</body>\n</html>\n"


def body(markdown: str, picture: str = "") -> str:
    """Convert the report to HTML without a head, for a page that has its own; `picture` as in `page`."""
    reader = _reader()
    tokens = reader.parse(markdown)
    known = {token.content for before, token in itertools.pairwise(tokens) if _is_mark_cell(before, token)}
    taken: set[str] = set()
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.attrs.pop("style", None) == "text-align:right":
            # The page's policy forbids style attributes.
            token.attrSet("class", "number")
        if token.type == "inline":
            if before is not None and _is_mark_cell(before, token):
                before.attrSet("id", token.content)
            elif token.children:
                token.children = _linked(token.children, known)
            if before is not None and before.type == "heading_open":
                before.attrSet("id", _address(token.content, taken))
    rendered: str = reader.renderer.render(tokens, reader.options, {_PICTURE: picture})
    return rendered


def _is_mark_cell(before: "Token", token: "Token") -> bool:
    return before.type == "td_open" and token.type == "inline" and bool(MARK.fullmatch(token.content))


def _linked(children: Sequence["Token"], known: set[str]) -> list["Token"]:
    """Turn evidence marks that the page lists into links to that evidence."""
    from markdown_it.token import Token

    made: list[Token] = []
    for child in children:
        at = 0
        for found in MARK.finditer(child.content) if child.type == "text" else ():
            if found.group() not in known:
                continue
            made.append(Token("text", "", 0, content=child.content[at : found.start()]))
            link = Token("link_open", "a", 1, attrs={"href": f"#{found.group()}"})
            made += [link, Token("text", "", 0, content=found.group()), Token("link_close", "a", -1)]
            at = found.end()
        made.append(child.copy(content=child.content[at:]) if at else child)
    return made


def _address(heading: str, taken: set[str]) -> str:
    plain = _OTHER.sub("-", heading.lower()).strip("-")[:_HEADING_ID] or "part"
    number = 1
    while (name := plain if number == 1 else f"{plain}-{number}") in taken:
        number += 1
    taken.add(name)
    return name


def hash_source(text: str) -> str:
    """Return the source expression by which a policy allows an inline style or script."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _reader() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.disable(["image", "link", "autolink", "html_block", "html_inline", "reference"])
    reader.add_render_rule("fence", _fence)
    reader.add_render_rule(
        "table_open", lambda *_: '<div class="wide" tabindex="0" role="region" aria-label="Table"><table>\n'
    )
    reader.add_render_rule("table_close", lambda *_: "</table></div>\n")
    return reader


def _fence(_: object, tokens: Sequence["Token"], at: int, __: object, given: Mapping[str, str]) -> str:
    token = tokens[at]
    code = f"<pre>{escape(token.content)}</pre>\n"
    if token.info == "mermaid":
        return f"{given[_PICTURE]}<details><summary>The picture as Mermaid text</summary>\n{code}</details>\n"
    return code


# ------------------------------------------------------------ from the tree


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"kind": lambda block: type(block).__name__, "anchor": _anchor, "lines": _lines}
    made.filters["short"] = _short
    made.filters |= {"drawing": Markup, "meter": _meter, "visible": one_line}
    return made


def inline(text: Text, known: frozenset[str]) -> Markup:
    """Render a text as escaped HTML; a mark becomes a link if the page has its entry."""
    return Markup().join(_span(span, known) for span in text)


def _span(span: Span, known: frozenset[str]) -> Markup:
    shown = _visible(span.text)
    match span.kind:
        case "quote":
            return Markup('<span class="quote">“{}”</span>').format(shown)
        case "strong":
            return Markup("<strong>{}</strong>").format(shown)
        case "em":
            return Markup("<em>{}</em>").format(shown)
        case "code":
            return Markup("<code>{}</code>").format(shown)
        case "chip":
            return Markup('<span class="chip {}">{}</span>').format((span.band or "").lower(), shown)
        case "marks":
            linked = Markup(", ").join(_link(mark, known) for mark in span.ids)
            return Markup('<span class="marks">[{}]</span>').format(linked)
        case "ref":
            return Markup().join(_link(mark, known) for mark in span.ids)
        case "bar":
            return _bar(span.extent) if span.extent else Markup.escape(shown)
    return Markup.escape(shown)


def _link(mark: str, known: frozenset[str]) -> Markup:
    shown = one_line(mark)
    return Markup('<a href="#{}">{}</a>').format(shown, shown) if mark in known else Markup.escape(shown)


def _short(part: Part) -> str:
    """Shorten the title of a part for the table of contents by dropping the explanation in brackets."""
    if part.key in _CALLED:
        return _CALLED[part.key]
    return one_line("".join(span.text for span in part.title)).partition(" (")[0]


def _anchor(identifier: str) -> Markup:
    return Markup(' id="{}"').format(one_line(identifier)) if identifier else Markup()


def _visible(text: str) -> str:
    """Show hidden characters of a text on one line, keeping leading and trailing blanks."""
    before = " " if text[:1].isspace() else ""
    after = " " if text[-1:].isspace() and text.strip() else ""
    return f"{before}{one_line(text)}{after}"


def _lines(text: str | Sequence[str]) -> str:
    """Return lines verbatim, except that hidden characters are shown."""
    written = text.split("\n") if isinstance(text, str) else [line for piece in text for line in piece.split("\n")]
    return "\n".join(" " * (len(line) - len(line.lstrip(" "))) + one_line(line) for line in written)


def _meter(extent: Extent) -> Markup:
    """Draw a score with its likely range on a scale from 0 to 10."""
    low, value, high = (20 + 360 * each / extent.most for each in (extent.low, extent.value, extent.high))
    return Markup(
        '<svg class="meter" viewBox="0 0 400 24" role="img" aria-label="{} of 10, likely {} to {}">'
        '<text x="2" y="16" font-size="11">0</text><text x="398" y="16" font-size="11" text-anchor="end">10</text>'
        '<rect class="scale" x="20" y="10" width="360" height="4"/><rect class="range" x="{}" y="8" width="{}" '
        'height="8"/><circle cx="{}" cy="12" r="6"/></svg>'
    ).format(extent.value, extent.low, extent.high, f"{low:.1f}", f"{max(high - low, 2):.1f}", f"{value:.1f}")


def _bar(extent: Extent | None) -> Markup:
    """Draw a value within its range on a scale from 0 to 1."""
    if extent is None:
        return Markup()
    low, value, high = (4 + 100 * each / extent.most for each in (extent.low, extent.value, extent.high))
    return Markup(
        '<svg class="bar" viewBox="0 0 108 12" role="img" aria-label="{} to {}"><rect class="scale" x="4" y="5" '
        'width="100" height="2"/><rect class="range" x="{}" y="3" width="{}" height="6"/><circle cx="{}" cy="6" '
        'r="4"/></svg>'
    ).format(extent.low, extent.high, f"{low:.1f}", f"{max(high - low, 1):.1f}", f"{value:.1f}")
