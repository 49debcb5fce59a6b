"""Cut documents along their headings into passages of 200 to 400 tokens: verbatim text with a heading path."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from agent.records import Chunk, Document

LEAST: Final = 200
MOST: Final = 400
_CHARS_A_TOKEN: Final = 4
_WIDE: Final = 0x2E80
"""First code point of the scripts that take about one token per character."""

Count = Callable[[str], int]
"""Function that returns the number of tokens in a text."""


def estimate(text: str) -> int:
    """Estimate the tokens of a text from its length: one per four letters, one per character of a wide script."""
    wide = 0 if text.isascii() else sum(ord(char) >= _WIDE for char in text)
    return wide + -(-(len(text) - wide) // _CHARS_A_TOKEN)


def cut(documents: Sequence[Document], count: Count = estimate) -> tuple[Chunk, ...]:
    """Cut documents into passages, in order; the text of a passage is exactly text[start:end] of its document.

    A passage ends at the next heading once it has 200 tokens, and where the next line would bring it over 400. Short
    sections are joined; their path is the common start of their heading paths. Lines of more than 400 tokens are cut
    at blanks. Ids are `document id/start`.
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
    """Yield the spans of non-blank lines in text[start:end], stripped; long lines are cut into pieces."""
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
            # Cut by characters first, so that a line of a megabyte is not counted again and again.
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
    """Return the location of a passage as one line: the document title, then the headings, without repeats."""
    parts = dict.fromkeys(part.strip() for part in (document.title, *path) if part.strip())
    return " › ".join(parts)
