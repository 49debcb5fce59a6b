"""The report as a tree of plain records: title, notices, parts and their blocks. Templates turn the tree into Markdown
and HTML; this module is independent of both.

Source text is kept verbatim: the renderer of a span escapes it. A mark refers to an entry: a quote (E1), a search that
found nothing (N1), a threat (T1), a question (Q1) or a fact.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from agent.taxonomy.kinds import Band

SpanKind = Literal["text", "strong", "em", "code", "quote", "chip", "marks", "ref", "bar"]
"""text: words. strong, em: emphasised words. code: an id, hash or vector. quote: words of a source, shown in quotation
marks. chip: a severity with its number. marks: ids of quotes and searches. ref: the id of a threat or question. bar: a
drawn range."""
MAX_FRONT_WORDS: Final = 1230
"""Maximum number of words of the first two pages; table pipes, vectors and marks (E1, T1, Q1) are not counted."""
_WORD: Final = re.compile(r"\w")
_UNCOUNTED: Final = frozenset({"marks", "ref", "code", "bar"})


@dataclass(frozen=True)
class Extent:
    """A value within its range, on a scale from 0 to `most`."""

    value: float
    low: float
    high: float
    most: float


@dataclass(frozen=True)
class Span:
    """A run of text with one role."""

    text: str
    kind: SpanKind = "text"
    ids: tuple[str, ...] = ()
    """For marks and refs: the ids that they refer to."""
    band: Band | None = None
    """The severity of a chip."""
    extent: Extent | None = None
    """The value and range that a bar shows."""


Text = tuple[Span, ...]


@dataclass(frozen=True)
class Paragraph:
    """Running text."""

    text: Text


@dataclass(frozen=True)
class Heading:
    """A heading within a part."""

    text: Text


@dataclass(frozen=True)
class Bullets:
    """A list, numbered if the order matters; `ids` are the ids of its items that marks refer to, if any."""

    items: tuple[Text, ...]
    numbered: bool = False
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Entry:
    """A block about one item, such as a threat, with an id that marks refer to. It has a heading of its own; `standing`
    is the line below it that says how grave the item is."""

    id: str
    title: Text
    standing: Text
    text: Text
    items: tuple[Text, ...] = ()


@dataclass(frozen=True)
class Row:
    """The cells of a table row, with the id that marks refer to, if any."""

    cells: tuple[Text, ...]
    id: str = ""


@dataclass(frozen=True)
class Table:
    """A table; `numeric` holds the indexes of right-aligned columns."""

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Code:
    """Lines to be copied or shown verbatim."""

    lines: tuple[str, ...]
    language: str


@dataclass(frozen=True)
class Picture:
    """A drawing as an `svg` element and as Mermaid text; both contain only escaped text."""

    svg: str
    mermaid: str


@dataclass(frozen=True)
class Meter:
    """A score with its likely range on a scale from 0 to 10."""

    extent: Extent


Block = Paragraph | Heading | Bullets | Entry | Table | Code | Picture | Meter


@dataclass(frozen=True)
class Part:
    """One numbered part of the report; `title` is empty for a part that needs no heading."""

    key: str
    title: Text
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Report:
    """The whole report: `front` is what readers act on, `reference` is the material to check it against."""

    title: str
    notices: tuple[Text, ...]
    front: tuple[Part, ...]
    reference: tuple[Part, ...]
    headline: str = ""
    """Id of the threat on which the score is based; empty if there is none."""
    lost: tuple[str, ...] = ()
    """Marks in the draft's sentences that match nothing in the draft; they are not shown."""

    def part(self, key: str) -> Part | None:
        """Return the part with the given key, or None if the report has none."""
        return next((part for part in (*self.front, *self.reference) if part.key == key), None)


def words(text: Text | str) -> Text:
    """Convert a plain string to one span, or to none if it is empty; a `Text` is returned unchanged."""
    if isinstance(text, str):
        return (Span(text),) if text else ()
    return text


def joined(*pieces: Text, by: str = " ") -> Text:
    """Join pieces of text with a separator, skipping empty ones."""
    made: list[Span] = []
    for piece in pieces:
        if piece:
            made += [Span(by), *piece] if made and by else piece
    return tuple(made)


def strong(text: str) -> Text:
    """Set words in bold."""
    return (Span(text, "strong"),) if text else ()


def soft(text: str) -> Text:
    """Set words in italics."""
    return (Span(text, "em"),) if text else ()


def quote(text: str) -> Text:
    """Format words of a source, to be shown in quotation marks."""
    return (Span(text, "quote"),)


def stressed(text: Text) -> Text:
    """Set the words of a `Text` in bold; its code, quotes and marks stay as they are."""
    made: list[Span] = []
    for span in text:
        if span.kind == "text" and made and made[-1].kind == "strong":
            made[-1] = replace(made[-1], text=made[-1].text + span.text)
        else:
            made.append(replace(span, kind="strong") if span.kind == "text" and span.text.strip(" .,;:") else span)
    return tuple(made)


def code(text: str) -> Text:
    """Format an id, hash, address or vector as code."""
    return (Span(text, "code"),) if text else ()


def chip(band: Band, number: str) -> Text:
    """Format a severity with its number as a chip."""
    return (Span(f"{band} {number}", "chip", band=band),)


def marks(*ids: str) -> Text:
    """Build marks for the ids of quotes and searches; duplicates are dropped."""
    known = tuple(dict.fromkeys(ids))
    return (Span(", ".join(known), "marks", known),) if known else ()


def refs(*ids: str) -> Text:
    """Build references to threats or questions, separated by commas."""
    return joined(*((Span(identifier, "ref", (identifier,)),) for identifier in ids), by=", ")


def listed_refs(*ids: str) -> Text:
    """Build references to threats or questions in words: "T1", "T1 and T2", "T1, T2 and T3"."""
    return joined(refs(*ids[:-1]), refs(*ids[-1:]), by=" and ")


def paragraph(text: Text | str) -> Paragraph:
    """Build a paragraph from a `Text` or a plain string."""
    return Paragraph(words(text))


def heading(text: Text | str) -> Heading:
    """Build a heading from a `Text` or a plain string."""
    return Heading(words(text))


def row(*cells: Text | str, id_: str = "") -> Row:
    """Build a table row from cells that are a `Text` or a plain string, with the id that marks refer to, if any."""
    return Row(tuple(words(cell) for cell in cells), id_)


def table(heads: Sequence[str], rows: Iterable[Row], *numeric: int) -> Table:
    """Build a table; `numeric` are the indexes of right-aligned columns."""
    return Table(tuple(heads), tuple(rows), frozenset(numeric))


def part(key: str, title: Text | str, *blocks: Block) -> Part:
    """Build a part. Its title is a `Text` or a plain string, empty if the part needs no heading."""
    return Part(key, words(title), blocks)


def texts(part: Part) -> Iterator[Text]:
    """Yield every `Text` of a part in reading order, its title first."""
    if part.title:
        yield part.title
    for block in part.blocks:
        match block:
            case Paragraph(text) | Heading(text):
                yield text
            case Bullets(items):
                yield from items
            case Entry(_, title, standing, text, items):
                yield from (title, standing, text, *items)
            case Table(heads, rows):
                yield from (words(head) for head in heads)
                yield from (cell for row in rows for cell in row.cells)


def entries(part: Part) -> Iterator[str]:
    """Yield the ids in a part that marks can refer to: those of entries, list items and table rows."""
    for block in part.blocks:
        match block:
            case Entry(id) if id:
                yield id
            case Bullets():
                yield from block.ids
            case Table(_, rows):
                yield from (row.id for row in rows if row.id)


def counted_words(text: Text) -> int:
    """Count the words of a `Text`, excluding marks, references, code and bars."""
    shown = "".join(span.text if span.kind not in _UNCOUNTED else " " for span in text)
    return sum(1 for piece in shown.split() if _WORD.search(piece))


def front_words(report: Report) -> int:
    """Count the words of the first two pages, including the title and notices but not the numbers below the text."""
    parts = sum(counted_words(text) for part in report.front if part.key != "numbers" for text in texts(part))
    return parts + sum(counted_words(text) for text in (words(report.title), *report.notices))
