"""Splits documents into statements: sentences, table rows and code blocks, each with its sort.

A statement is verbatim (`document.text[start:end]`), so that it can be quoted. Headings are not statements: a
heading only names its section (`Statement.path`). A heading of whole sentences is both, since pages set their tagline
as one.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from agent.intake.extract.statements.claims import COUNTING_RANK, is_claim
from agent.intake.extract.statements.sorts import Sort, classify, names_its_setting
from agent.records import MILD_FINDINGS, Document, DocumentBlock, FindingKind, Rank, Section, Statement

_ABBREVIATIONS: Final = frozenset(
    {
        "e.g",
        "i.e",
        "vs",
        "cf",
        "approx",
        "incl",
        "dr",
        "mr",
        "mrs",
        "ms",
        "prof",
        "nos",
        "fig",
        "al",
        "ca",
        "dept",
        "eq",
    }
    | {
        "resp",
        "viz",
        "a.k.a",
        "a.m",
        "p.m",
        "jan",
        "feb",
        "mar",
        "apr",
        "jun",
        "jul",
        "aug",
        "sep",
        "sept",
        "oct",
        "nov",
    }
)
_ENDS_OR_NOT: Final = frozenset(
    {
        "inc",
        "ltd",
        "corp",
        "co",
        "min",
        "max",
        "sec",
        "gen",
        "est",
        "ver",
        "ch",
        "st",
        "dec",
        "u.s",
        "u.k",
        "e.u",
        "etc",
    }
)
"""Abbreviations that may end a sentence: the sentence continues if a small letter or a digit follows."""
_LIST_MARK = re.compile(r"[ \t]*(?:[-*+•‣◦▪–·]|\d{1,3}[.)]|\[[ xX]\])[ \t]+")
_HEADING_MARK = re.compile(r"[ \t]*#{1,6}[ \t]+")
_TABLE_RULE = re.compile(r"[\s|:+=-]*")
_END = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’)\]*_`]*(?=\s)")
_MAX_WORD: Final = 40
"""Characters examined before and after a full stop to decide whether it ends a sentence; limits the cost per stop."""
_LAST_WORD = re.compile(r"[\w.]*$")
_HAS_WORD = re.compile(r"[^\W_]")
_RUN_ON = re.compile(r"(?:[,/(]|\b(?:a|an|the|of|to|in|on|by|for|with|and|or|from|as|at|that|which|is|are|its))$", re.I)
_WRAPPED_WIDTH: Final = 60
"""Minimum line length at which a paragraph counts as hard-wrapped rather than as separate short lines."""
_WRAPPED_LINES: Final = 3
_TABLE_BARS: Final = 2
_MAX_CHARS: Final = 1200
"""Maximum length of a statement: a longer run is cut at a semicolon or blank, so that it can be embedded."""


_RUNS: Final = frozenset({"item", "row"})
"""Block kinds whose consecutive blocks form a list or a table."""
_PLAIN: Final = DocumentBlock(start=0, end=0, kind="paragraph")
_Span = tuple[int, int, DocumentBlock]
"""The start and end of a statement, and its block."""

_ANALYST: Final = 5

_TAGLINE_WORDS: Final = 8
"""The least words of a heading that reads as a sentence."""


class _Line(NamedTuple):
    start: int
    end: int
    sort: str
    """`text`, `item` or `row`."""


def statements(documents: Sequence[Document]) -> tuple[Statement, ...]:
    """Return all statements of `documents`, in reading order.

    Each has its sort, its rank, the `about` and heading path of its section, and `flagged` if a finding of the
    document covers part of it. The ranks are 1 for marketing, 2 for the vendor's text, 3 for the vendor's documentation
    that names a setting, its default, its scope and who can change it, 4 for text outside the vendor's control (no file
    of a vendor, not even its manifest or tool list), and 5 for an analyst's note; never 0.
    """
    found: list[Statement] = []
    for document in documents:
        found.extend(_of_document(document))
    return tuple(found)


def said_once(found: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return the statements in order, without duplicates.

    A sentence that the vendor repeats is kept once: where its rank is highest, or else at its first occurrence. All
    pages of the vendor count as one publisher. The analyst's notes are all kept.
    """
    best: dict[str, int] = {}
    for index, statement in enumerate(found):
        key = _words_of(statement)
        if key not in best or statement.rank > found[best[key]].rank:
            best[key] = index
    kept = set(best.values())
    return tuple(each for n, each in enumerate(found) if n in kept or each.rank == _ANALYST)


def _words_of(statement: Statement) -> str:
    """Return a key for detecting equal statements: letters and digits, subject, and whether flagged or a claim."""
    apart = f"{statement.about}{statement.flagged}{statement.claim}"
    return apart + "".join(re.findall(r"\w+", statement.text.lower())) or statement.text


def _of_document(document: Document) -> Iterator[Statement]:
    text = document.text
    for section, group in _grouped(document) if document.blocks else _guessed(document):
        together = " ".join(text[start:end] for start, end, _ in group)
        for start, end, block in group:
            quote = text[start:end]
            sort = classify(quote)
            rank = _rank(document, quote, sort, together)
            yield Statement(
                document=document.id,
                start=start,
                end=end,
                text=quote,
                path=section.path,
                sort=sort,
                rank=rank,
                about=("product" if document.kind == "analyst-note" else section.about),
                flagged=covered(document, start, end, MILD_FINDINGS),
                claim=rank < COUNTING_RANK and is_claim(quote),
                block=block.kind,
                heads=block.heads,
                language=block.language,
            )


def _grouped(document: Document) -> Iterator[tuple[Section, list[_Span]]]:
    """Yield the statements of each paragraph, list, table and so on, cut from the blocks that intake kept."""
    sections = iter(document.sections)
    section = next(sections, None)
    group: list[_Span] = []
    previous: DocumentBlock | None = None
    for number, block in enumerate(document.blocks):
        while section is not None and section.end <= block.start:
            if group:
                yield section, group
            group = []
            section = next(sections, None)
        if section is None:
            return
        runs_on = previous is not None and block.kind == previous.kind and block.kind in _RUNS
        if group and not runs_on:
            yield section, group
            group = []
        previous = block
        states = block.kind != "heading" or _is_tagline(document.text[block.start : block.end])
        if states and not _is_head(document, number):
            group.extend((start, end, block) for start, end in _spans(document.text, block))
    if section is not None and group:
        yield section, group


def _spans(text: str, block: DocumentBlock) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each statement in a block.

    A table row and the description of a picture are one statement each. So is a block of code: the whole block shows
    its purpose (a configuration, a command to start the product, a sample), a single line seldom does, and readers get
    one statement of thirty lines rather than thirty braces and keys. Code too long to embed is cut between lines.
    """
    if block.kind == "code":
        yield from _cut_lines(text, block.start, block.end)
    elif block.kind in ("row", "image"):
        yield from _cut(text, block.start, block.end)
    else:
        yield from _sentences(text, (block.start, block.end))


def _is_tagline(heading: str) -> bool:
    """Return whether a heading is a sentence: many words, and a full stop or an exclamation mark at its end."""
    return heading.rstrip().endswith((".", "!")) and len(heading.split()) >= _TAGLINE_WORDS


def _is_head(document: Document, number: int) -> bool:
    """Return whether a row contains the column headings of the following rows, which store these headings too."""
    block = document.blocks[number]
    if block.kind != "row" or not block.heads or number + 1 == len(document.blocks):
        return False
    following = document.blocks[number + 1]
    before = document.blocks[number - 1] if number else None
    first = before is None or before.kind != "row" or before.heads != block.heads
    return first and following.kind == "row" and following.heads == block.heads


def _guessed(document: Document) -> Iterator[tuple[Section, list[_Span]]]:
    """Yield the statements of a document stored before blocks were kept, guessed from its lines."""
    text = document.text
    for section in document.sections:
        for runs in _blocks(text, section.start, section.end, section.path):
            yield section, [(start, end, _PLAIN) for run in runs for start, end in _sentences(text, run)]


def covered(document: Document, start: int, end: int, besides: Collection[FindingKind]) -> bool:
    """Return whether a finding overlaps the span, ignoring findings of the kinds `besides`."""
    return any(f.start < end and start < f.end for f in document.findings if f.kind not in besides)


def _rank(document: Document, quote: str, sort: Sort, paragraph: str) -> Rank:
    if document.kind == "analyst-note":
        return 5
    if document.kind == "listing" or sort == "assessment":
        return 1
    if document.kind in ("docs", "repo") and sort in ("control", "description"):
        context = paragraph if sort == "control" and len(paragraph) <= _MAX_CHARS else quote
        if names_its_setting(quote) or (sort == "control" and names_its_setting(context)):
            return 3
    return 2


def _blocks(text: str, start: int, end: int, path: tuple[str, ...]) -> Iterator[list[tuple[int, int]]]:
    """Return the paragraphs of a section, each as runs of text within which sentences may be cut."""
    lines: list[_Line] = []
    heading_due = bool(path)
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        raw = text[at:stop]
        bare = raw.strip()
        if heading_due and bare:
            heading_due = False
            if bare.lstrip("#").strip() == path[-1].strip():
                at = stop + 1
                continue
        if not bare or _HEADING_MARK.match(raw):
            if lines:
                yield _runs(text, lines)
            lines = []
        else:
            lines.append(_line(raw, at))
        at = stop + 1
    if lines:
        yield _runs(text, lines)


def _line(raw: str, at: int) -> _Line:
    lead = len(raw) - len(raw.lstrip())
    tail = len(raw.rstrip())
    mark = _LIST_MARK.match(raw)
    if mark and mark.end() < tail:
        return _Line(at + mark.end(), at + tail, "item")
    bars = raw.count("|") >= _TABLE_BARS or "\t" in raw[lead:tail]
    return _Line(at + lead, at + tail, "row" if bars else "text")


def _runs(text: str, lines: Sequence[_Line]) -> list[tuple[int, int]]:
    wrapped = (
        len(lines) >= _WRAPPED_LINES
        and all(line.sort == "text" for line in lines)
        and all(line.end - line.start >= _WRAPPED_WIDTH for line in lines[:-1])
    )
    runs: list[tuple[int, int]] = []
    previous: _Line | None = None
    for line in lines:
        if previous is not None and _goes_on(text, previous, line, wrapped):
            runs[-1] = (runs[-1][0], line.end)
            previous = _Line(runs[-1][0], line.end, previous.sort)
            continue
        if line.sort == "row" and _TABLE_RULE.fullmatch(text, line.start, line.end):
            previous = None
            continue
        runs.append((line.start, line.end))
        previous = line
    return runs


def _goes_on(text: str, previous: _Line, line: _Line, wrapped: bool) -> bool:
    """Return whether a line continues the sentence of the previous line."""
    if line.sort != "text" or previous.sort == "row" or text[previous.end - 1] in ".!?:;":
        return False
    return wrapped or text[line.start].islower() or bool(_RUN_ON.search(text, previous.start, previous.end))


def _sentences(text: str, run: tuple[int, int]) -> Iterator[tuple[int, int]]:
    start, end = run
    at = start
    for mark in _END.finditer(text, start, end):
        stop = mark.end()
        word = _LAST_WORD.search(text, max(at, mark.start() - _MAX_WORD), mark.start())
        if mark.group().startswith(".") and word and _is_abbreviation(word.group(), text, stop, end):
            continue
        yield from _cut(text, at, stop)
        at = stop
    yield from _cut(text, at, end)


def _is_abbreviation(word: str, text: str, stop: int, end: int) -> bool:
    bare = word.lower().rstrip(".")
    following = text[stop : min(end, stop + _MAX_WORD)].lstrip()[:1]
    if bare == "no":
        return following.isdigit()
    if bare in _ENDS_OR_NOT:
        return following.islower() or following.isdigit()
    return bare in _ABBREVIATIONS or (len(bare) == 1 and bare.isalpha() and word.isupper() and bool(following))


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while end - start > _MAX_CHARS:
        stop = max(text.rfind("; ", start, start + _MAX_CHARS), text.rfind(", ", start, start + _MAX_CHARS))
        stop = stop if stop > start else text.rfind(" ", start, start + _MAX_CHARS)
        stop = stop + 1 if stop > start else start + _MAX_CHARS
        yield from _trimmed(text, start, stop)
        start = stop
    yield from _trimmed(text, start, end)


def _cut_lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a block of code between lines into pieces of at most `_MAX_CHARS` characters."""
    while end - start > _MAX_CHARS:
        stop = text.rfind("\n", start, start + _MAX_CHARS)
        if stop <= start:
            stop = text.find("\n", start, end)
            stop = end if stop < 0 else stop
            yield from _cut(text, start, stop)
        else:
            yield from _trimmed(text, start, stop)
        start = stop
    yield from _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if _HAS_WORD.search(text, start, end):
        yield start, end
