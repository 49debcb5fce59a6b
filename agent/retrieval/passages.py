"""Passages of 200 to 400 tokens along headings: what a search shows of a document, verbatim, with its heading path."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from agent.records import Chunk, Document

LEAST: Final = 200
MOST: Final = 400
_CHARS_A_TOKEN: Final = 4
_WIDE: Final = 0x2E80
"""From here on scripts take about a token a character."""

Count = Callable[[str], int]
"""How many tokens a text takes."""


def estimate(text: str) -> int:
    """Tokens of a text by its length: a token for four letters, one for each character of a wide script."""
    wide = 0 if text.isascii() else sum(ord(char) >= _WIDE for char in text)
    return wide + -(-(len(text) - wide) // _CHARS_A_TOKEN)


def cut(documents: Sequence[Document], count: Count = estimate) -> tuple[Chunk, ...]:
    """All passages, in the order of the documents; text[start:end] of the document is verbatim.

    A passage ends where a heading begins once it has 200 tokens, and where the next line would bring it over 400. Short
    sections are joined; their path is what their headings have in common. Lines of more than 400 tokens are cut at
    blanks. Ids are `document id/start`.
    """
    return tuple(passage for document in documents for passage in _of_document(document, count))


def _of_document(document: Document, count: Count) -> Iterator[Chunk]:
    held: list[tuple[int, int, tuple[str, ...]]] = []
    size = 0
    for section in document.sections:
        if held and size >= LEAST:
            yield _passage(document, held)
            held, size = [], 0
        for start, end in _lines(document.text, section.start, section.end, count):
            tokens = count(document.text[start:end])
            if held and size + tokens > MOST:
                yield _passage(document, held)
                held, size = [], 0
            held.append((start, end, section.path))
            size += tokens
    if held:
        yield _passage(document, held)


def _lines(text: str, start: int, end: int, count: Count) -> Iterator[tuple[int, int]]:
    """The lines of text[start:end] that say anything, without the blanks around them, long ones in pieces."""
    at = start
    while at < end:
        stop = text.find("\n", at, end)
        stop = end if stop < 0 else stop
        line = text[at:stop]
        first, last = at + len(line) - len(line.lstrip()), stop - len(line) + len(line.rstrip())
        if first < last:
            yield from _pieces(text, first, last, count)
        at = stop + 1


def _pieces(text: str, start: int, end: int, count: Count) -> Iterator[tuple[int, int]]:
    while start < end:
        stop = end
        if count(text[start:stop]) > MOST:
            # By characters first, so that a line of a megabyte is not counted again and again.
            stop = min(end, start + MOST * _CHARS_A_TOKEN)
            while count(text[start:stop]) > MOST:
                stop = start + max(1, (stop - start) * 3 // 4)
            blank = max(text.rfind(" ", start + 1, stop), text.rfind("\t", start + 1, stop))
            stop = blank if blank > start and stop < end else stop
        yield start, stop
        start = stop
        while start < end and text[start].isspace():
            start += 1


def _passage(document: Document, held: Sequence[tuple[int, int, tuple[str, ...]]]) -> Chunk:
    start, end = held[0][0], held[-1][1]
    path = held[0][2]
    for _, _, other in held[1:]:
        common = 0
        while common < min(len(path), len(other)) and path[common] == other[common]:
            common += 1
        path = path[:common]
    return Chunk(
        id=f"{document.id}/{start}", document=document.id, start=start, end=end, path=path or held[0][2],
        text=document.text[start:end],
    )  # fmt: skip


def context_line(document: Document, path: Sequence[str]) -> str:
    """Where a passage stands, in one line: document title, then headings, each once."""
    parts = dict.fromkeys(part.strip() for part in (document.title, *path) if part.strip())
    return " › ".join(parts)
