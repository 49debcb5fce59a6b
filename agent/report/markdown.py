"""The report of a draft as Markdown: two pages to act on, a horizontal rule, then the supporting material.

Everything from a source is shown as text: it cannot break a table, start a heading, become a link or an image, or be
read as HTML.
"""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from agent.records import Document, Draft
from agent.report import document as doc
from agent.report.document import Block, Extent, Span, Text
from agent.report.report import build
from agent.report.safe_markdown import Column, code, fence, inner, kept_blanks, plain, table, verbatim
from agent.report.view import InReview

if TYPE_CHECKING:
    from jinja2 import Environment, Template

TEMPLATES: Final = Path(__file__).with_name("templates")
_CODE: Final = re.compile(r"`([^\s`|](?:[^`\n|]{0,78}[^\s`|])?)`")
_CLOSED_FIRST: Final = re.compile(r"[^`]*[^\s`(\[]`(?:\W|$)")
"""Text whose first backtick closes a code span."""
_LINE_OF_CODE: Final = re.compile(r"\w_\w|[{}]|\(\)")
_CELLS: Final = re.compile(r" \|(?= )")
"""The border between two cells of a table row; the space after it is kept."""
_UNLIKE_CODE: Final = re.compile(r"[`|<>]")
"""Characters that `code` would replace."""
_METER: Final = 40
_BAR: Final = 10


def render(draft: Draft, documents: tuple[Document, ...] = (), progress: InReview | None = None) -> str:
    """Render the report in Markdown, ending with one line feed. `documents` are optional.

    The report of a signed draft says so at the top, and ends with the signature's place in the audit log. `progress` is
    the state of an unsigned draft's review. The same input gives the same text.
    """
    return _template().render(report=build(draft, documents, progress)).rstrip("\n") + "\n"


def environment(*, autoescape: bool) -> "Environment":
    """Create the Jinja environment for the report's templates."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=autoescape,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _template() -> "Template":
    # No HTML escaping is needed here: all text goes through `inline` or `plain`, which produce safe Markdown.
    made = environment(autoescape=False)
    made.filters |= {"plain": plain, "inline": inline, "block": lines}
    return made.get_template("report.md.j2")


def lines(block: Block) -> str:
    """Render a block as lines of Markdown, without a trailing line feed."""
    match block:
        case doc.Paragraph(text):
            return _opened(inline(text))
        case doc.Heading(text):
            return f"### {inline(text)}"
        case doc.Bullets(items, numbered):
            return "\n".join(
                f"{f'{n}.' if numbered else '-'} {_opened(inline(item))}" for n, item in enumerate(items, 1)
            )
        case doc.Entry(_, title, standing, text, items):
            told = [_opened(inline(each)) for each in (standing, text) if each]
            listed = "\n".join(f"- {_opened(inline(item))}" for item in items)
            return "\n\n".join(filter(None, (f"### {inline(title)}", *told, listed)))
        case doc.Table(heads, rows, numeric):
            columns = [Column(head, n in numeric) for n, head in enumerate(heads)]
            return "\n".join(table(columns, [[inline(cell, in_table=True) for cell in row.cells] for row in rows]))
        case doc.Code(written, language):
            return "\n".join(fence(written, language))
        case doc.Picture(_, mermaid):
            return "\n".join(fence(mermaid.rstrip("\n").split("\n"), "mermaid"))
        case doc.Meter(extent):
            return f"`{meter(extent)}`"


def inline(text: Text, *, in_table: bool = False) -> str:
    """Render a `Text` as safe Markdown on one line; a quote in a table loses its pipes and backticks."""
    made = ""
    for span in text:
        piece = _span(span, in_table)
        # Two adjacent code spans would be parsed as one span that never ends.
        made += f" {piece}" if made.endswith("`") and piece.startswith("`") else piece
    return " ".join(made.split())


def _span(span: Span, in_table: bool) -> str:
    if span.kind == "text":
        return kept_blanks(span.text, plain(span.text))
    if span.kind == "quote":
        return f"“{_quoted(span.text, in_table)}”"
    if span.kind == "code":
        return code(span.text)
    if span.kind == "marks":
        return f"[{plain(span.text)}]"
    if span.kind == "ref":
        return plain(span.text)
    if span.kind == "bar":
        return f"`{bar(span.extent)}`" if span.extent else ""
    stress = "*" if span.kind == "em" else "**"
    words = plain(span.text)
    return kept_blanks(span.text, f"{stress}{words}{stress}") if words else ""


def _quoted(raw: str, in_table: bool) -> str:
    """Render a quote as safe Markdown; what is code in the source stays code."""
    if _CELLS.search(raw) and not in_table and "<" not in raw:
        return kept_blanks(raw, verbatim(raw))
    if _CELLS.search(raw):
        # Quotes of a table row often start within a code span, which leaves unpaired backticks.
        raw = _CELLS.sub(" ¦", raw.replace("`", ""))
    if _LINE_OF_CODE.search(raw) and not _UNLIKE_CODE.search(raw):
        return kept_blanks(raw, code(raw))
    # A quote that begins or ends within a code span has unpaired backticks.
    pieces = _CODE.split(raw if raw.count("`") % 2 == 0 and not _CLOSED_FIRST.match(raw) else raw.replace("`", ""))
    # Only the first piece can start a list, heading or quote, which `plain` escapes.
    shown = [code(piece) if n % 2 else (inner if n else plain)(piece) for n, piece in enumerate(pieces)]
    return "".join(one if n % 2 else kept_blanks(pieces[n], one) for n, one in enumerate(shown))


def _opened(line: str) -> str:
    """Escape a line so that it starts a paragraph, not a list, heading or quote."""
    return f"\\{line}" if line[:1] in "-+#=>" else line


def meter(extent: Extent) -> str:
    """Draw a score with its range in characters: `0 ──┝●━┥── 10`."""
    at = [round(value / extent.most * (_METER - 1)) for value in (extent.low, extent.value, extent.high)]
    cells = ["━" if at[0] <= n <= at[2] else "─" for n in range(_METER)]
    cells[at[0]], cells[at[2]] = "┝", "┥"
    cells[at[1]] = "●"
    return f"0 {''.join(cells)} 10"


def bar(extent: Extent) -> str:
    """Draw a value and its range in characters: `··░░█░·····`, one for each tenth of the scale."""
    low, value, high = (round(each / extent.most * _BAR) for each in (extent.low, extent.value, extent.high))
    return "".join("█" if n == value else "░" if low <= n <= high else "·" for n in range(_BAR + 1))
