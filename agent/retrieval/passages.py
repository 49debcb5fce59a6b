"""Cut documents along their headings into passages of 200 to 400 tokens: verbatim text with a heading path."""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Final

from agent.records import Chunk, Document

LEAST: Final = 200
MOST: Final = 400
_CHARS_A_TOKEN: Final = 4
_LINE: Final = re.compile(r"\S(?:[^\n]*\S)?")
"""A line without leading and trailing white space."""
_WIDE: Final = 0x2E80
"""First code point of the scripts that take about one token per character."""


def estimate(text: str) -> int:
    """Estimate the tokens of `text`: one per four characters, or one per character of a wide script."""
    wide = 0 if text.isascii() else sum(ord(char) >= _WIDE for char in text)
    return wide + -(-(len(text) - wide) // _CHARS_A_TOKEN)


def cut(documents: Sequence[Document]) -> tuple[Chunk, ...]:
    """Cut documents into passages, in order; the text of a passage is exactly text[start:end] of its document.

    A passage ends at the next heading once it has 200 tokens, or when the next line would bring it over 400. Short
    sections are joined; their path is the common start of their heading paths. Lines of more than 400 tokens are cut at
    spaces. Ids are `document id/start`.
    """
    return tuple(passage for document in documents for passage in _of_document(document))


def _of_document(document: Document) -> Iterator[Chunk]:
    held: list[tuple[int, int, tuple[str, ...]]] = []
    size = 0

    def passage() -> Chunk:
        start, end = held[0][0], held[-1][1]
        steps = takewhile(lambda names: len(set(names)) == 1, zip(*(path for _, _, path in held), strict=False))
        path = tuple(names[0] for names in steps) or held[0][2]
        text = document.text[start:end]
        return Chunk(id=f"{document.id}/{start}", document=document.id, start=start, end=end, path=path, text=text)

    for section in document.sections:
        if held and size >= LEAST:
            yield passage()
            held, size = [], 0
        for line in _LINE.finditer(document.text, section.start, section.end):
            for start, end in _pieces(document.text, *line.span()):
                tokens = estimate(document.text[start:end])
                if held and size + tokens > MOST:
                    yield passage()
                    held, size = [], 0
                held.append((start, end, section.path))
                size += tokens
    if held:
        yield passage()


def _pieces(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the span of a line, or the spans of its pieces if it is too long."""
    while start < end:
        stop = end
        if estimate(text[start:stop]) > MOST:
            # Cut by characters first, so that a line of a megabyte is not counted again and again.
            stop = min(end, start + MOST * _CHARS_A_TOKEN)
            while estimate(text[start:stop]) > MOST:
                stop = start + max(1, (stop - start) * 3 // 4)
            blank = max(text.rfind(" ", start + 1, stop), text.rfind("\t", start + 1, stop))
            stop = blank if blank > start and stop < end else stop
        yield start, stop
        start = stop
        while start < end and text[start].isspace():
            start += 1


def context_line(document: Document, path: Sequence[str]) -> str:
    """Return the location of a passage as one line: the document title, then the headings, without repeats."""
    parts = dict.fromkeys(part.strip() for part in (document.title, *path) if part.strip())
    return " › ".join(parts)
