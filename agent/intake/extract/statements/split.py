"""Splits documents into statements: sentences, table rows and code blocks, each with its sort.

A statement is verbatim (`document.text[start:end]`), so that it can be quoted. Headings are not statements: a
heading only names its section (`Statement.path`). A heading that consists of whole sentences is also a statement, since
pages often set their tagline as a heading.
"""

import re
from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from agent.intake.extract.statements.claims import COUNTING_RANK, is_claim
from agent.intake.extract.statements.sorts import Sort, classify, names_its_setting
from agent.records import MILD_FINDINGS, Document, DocumentBlock, FindingKind, Rank, Section, Statement

_ABBREVIATION: Final = re.compile(
    r"e\.g|i\.e|vs|cf|approx|incl|dr|mrs?|ms|prof|nos|fig|al|ca|dept|eq|resp|viz|a\.k\.a|[ap]\.m"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov"
)
_ENDS_OR_NOT: Final = re.compile(r"inc|ltd|corp|co|min|max|sec|gen|est|ver|ch|st|dec|u\.[sk]|e\.u|etc")
"""Abbreviations that may end a sentence: the sentence continues if a lower-case letter or a digit follows."""
_END: Final = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’)\]*_`]*(?=\s)")
_MAX_WORD: Final = 40
"""Characters examined before and after a full stop to decide whether it ends a sentence; this limits the work for each
full stop."""
_LAST_WORD: Final = re.compile(r"[\w.]*$")
_HAS_WORD: Final = re.compile(r"[^\W_]")
_BARE_LINE: Final = re.compile(r"^[ \t]*(?:(?:[-*+•‣◦▪–·]|\d{1,3}[.)])[ \t]+)?(?!#{1,6}[ \t])(\S.*)$", re.MULTILINE)
_MAX_CHARS: Final = 1200
"""Maximum length of a statement: a longer run is cut at a semicolon, comma or space, so that it can be embedded."""
_RUNS: Final = frozenset({"item", "row"})
"""Block kinds whose consecutive blocks form a list or a table."""
_Span = tuple[int, int, DocumentBlock]
"""The start and end of a statement, and its block."""
_ANALYST: Final = 5
_TAGLINE_WORDS: Final = 8
"""Minimum number of words of a heading that reads as a sentence."""


def statements(documents: Sequence[Document]) -> tuple[Statement, ...]:
    """Return all statements of `documents`, in reading order.

    Each has its sort, its rank, the `about` and heading path of its section, and `flagged` if a finding of the
    document covers part of it. The ranks are 1 for marketing, 2 for the vendor's text, 3 for the vendor's documentation
    that names a setting, its default, its scope and who can change it, 4 for text outside the vendor's control (never
    a vendor's file, not even its manifest or tool list), and 5 for an analyst's note. There is no rank 0.
    """
    found: list[Statement] = []
    for document in documents:
        # Keyword stuffing may be quoted, but each occurrence counts only as a claim. The finding covers just the first
        # occurrence, so the others are recognised by their text.
        stuffed = {_plain(document.text[f.start : f.end]) for f in document.findings if f.kind == "retrieval-dominance"}
        for section, group in _groups(document):
            together = " ".join(document.text[start:end] for start, end, _ in group)
            for start, end, block in group:
                quote = document.text[start:end]
                repeated = any(text in _plain(quote) for text in stuffed)
                sort = classify(quote)
                rank = _rank(document, quote, sort, together)
                found.append(
                    Statement(
                        document=document.id,
                        start=start,
                        end=end,
                        text=quote,
                        path=section.path,
                        sort=sort,
                        rank=rank,
                        about="product" if document.kind == "analyst-note" else section.about,
                        flagged=covered(document, start, end, MILD_FINDINGS),
                        claim=rank < COUNTING_RANK and (repeated or is_claim(quote)),
                        block=block.kind,
                        heads=block.heads,
                        language=block.language,
                    )
                )
    return tuple(found)


def said_once(found: Sequence[Statement]) -> tuple[Statement, ...]:
    """Return the statements in order, without duplicates.

    A sentence that the vendor repeats is kept once: where its rank is highest, or else at its first occurrence. All
    pages of the vendor count as one publisher. The analyst's notes are all kept.
    """
    best: dict[str, int] = {}
    for index, statement in enumerate(found):
        # Duplicates have the same words, are about the same thing, and agree in whether they are flagged or claims.
        apart = f"{statement.about}{statement.flagged}{statement.claim}"
        key = apart + "".join(re.findall(r"\w+", statement.text.lower()))
        if key not in best or statement.rank > found[best[key]].rank:
            best[key] = index
    kept = set(best.values())
    return tuple(each for n, each in enumerate(found) if n in kept or each.rank == _ANALYST)


def _groups(document: Document) -> Iterator[tuple[Section, list[_Span]]]:
    """Yield the section and the statements of each paragraph, list, table and so on, cut from the document's blocks."""
    text, ends = document.text, [section.end for section in document.sections]
    # A document without blocks is read line by line.
    bare = (DocumentBlock(start=line.start(1), end=line.end(), kind="paragraph") for line in _BARE_LINE.finditer(text))
    blocks = document.blocks or tuple(bare)
    group: list[_Span] = []
    last = (0, "")
    for number, block in enumerate(blocks):
        at = bisect_right(ends, block.start)
        if group and (last != (at, block.kind) or block.kind not in _RUNS):
            yield document.sections[last[0]], group
            group = []
        if at == len(ends):
            return
        last = (at, block.kind)
        words = text[block.start : block.end].strip()
        if document.blocks:
            named = _is_head(blocks, number) or (block.kind == "heading" and not _is_tagline(words))
        else:
            named = words == "".join(document.sections[at].path[-1:])
        if not named:
            group.extend((start, end, block) for start, end in _spans(text, block))
    if group:
        yield document.sections[last[0]], group


def _is_tagline(heading: str) -> bool:
    """Return whether a heading is a sentence: many words, and a full stop or an exclamation mark at its end."""
    return heading.endswith((".", "!")) and len(heading.split()) >= _TAGLINE_WORDS


def _is_head(blocks: Sequence[DocumentBlock], number: int) -> bool:
    """Return whether a row contains the column headings of the following rows, which store these headings too."""
    block = blocks[number]
    if block.kind != "row" or not block.heads:
        return False
    before, after = (
        n in range(len(blocks)) and (blocks[n].kind, blocks[n].heads) == ("row", block.heads)
        for n in (number - 1, number + 1)
    )
    return after and not before


def _spans(text: str, block: DocumentBlock) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each statement in a block.

    A table row and the description of a picture are one statement each. So is a block of code: the whole block shows
    its purpose (a configuration, a command to start the product, a sample), which a single line seldom does, and
    readers get one statement of thirty lines rather than thirty braces and keys. Code too long to embed is cut between
    lines.
    """
    if block.kind == "code":
        cuts = _cut_lines(text, block.start, block.end)
    elif block.kind in ("row", "image"):
        cuts = _cut(text, block.start, block.end)
    else:
        cuts = _sentences(text, block.start, block.end)
    for start, end in cuts:
        quote = text[start:end]
        start += len(quote) - len(quote.lstrip())
        if _HAS_WORD.search(quote):
            yield start, start + len(quote.strip())


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def covered(document: Document, start: int, end: int, besides: Collection[FindingKind]) -> bool:
    """Return whether a finding overlaps the span, ignoring findings whose kind is in `besides`."""
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


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    at = start
    for mark in _END.finditer(text, start, end):
        stop = mark.end()
        if mark[0].startswith("."):
            word = _LAST_WORD.search(text, max(at, mark.start() - _MAX_WORD), mark.start())
            following = text[stop : min(end, stop + _MAX_WORD)].lstrip()[:1]
            if word and _is_abbreviation(word[0], following):
                continue
        yield from _cut(text, at, stop)
        at = stop
    yield from _cut(text, at, end)


def _is_abbreviation(word: str, following: str) -> bool:
    """Return whether the full stop after `word`, before the character `following`, belongs to an abbreviation."""
    bare = word.lower().rstrip(".")
    if bare == "no":
        return following.isdigit()
    if _ENDS_OR_NOT.fullmatch(bare):
        return following.islower() or following.isdigit()
    initial = len(bare) == 1 and bare.isalpha() and word.isupper() and following != ""
    return initial or _ABBREVIATION.fullmatch(bare) is not None


def _cut(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a run of text at a semicolon, a comma or a space into pieces of at most `_MAX_CHARS` characters."""
    while end - start > _MAX_CHARS:
        most = start + _MAX_CHARS
        stop = max(text.rfind("; ", start, most), text.rfind(", ", start, most))
        stop = stop if stop > start else text.rfind(" ", start, most)
        stop = stop + 1 if stop > start else most
        yield start, stop
        start = stop
    yield start, end


def _cut_lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut a block of code between lines into pieces of at most `_MAX_CHARS` characters."""
    while end - start > _MAX_CHARS:
        stop = text.rfind("\n", start, start + _MAX_CHARS)
        if stop > start:
            yield start, stop
        else:
            stop = text.find("\n", start, end)
            stop = end if stop < 0 else stop
            yield from _cut(text, start, stop)
        start = stop
    yield start, end
