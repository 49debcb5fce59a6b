"""Cut documents into chunks with right offsets, and say which chunk each statement belongs to.

Chunks are what a reader (a person or an LLM) is shown around a hit; statements are what is searched. The splitter
measures in characters, about four a token.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from agent.errors import IntegrityError
from agent.records import Chunk, Document, Statement
from agent.retrieval.quiet import silence
from agent.settings import Settings

_SEPARATOR: Final = " › "
_CODES: Final = 0x10000
"""First of the code points that stand for positions: everything above is neither white space nor surrogate."""
_BLOCK: Final = 1_000_000
"""Characters split at a time: there are 1,048,576 such code points."""


def context_line(document: Document, path: Sequence[str]) -> str:
    """Where a passage stands, in one line: document title, then headings, each once."""
    parts = dict.fromkeys(part.strip() for part in (document.title, *path) if part.strip())
    return _SEPARATOR.join(parts)


def chunks(documents: Sequence[Document], settings: Settings) -> tuple[Chunk, ...]:
    """Chunks of about `chunk_chars` characters, none across a heading, overlapping by `chunk_overlap_chars`.

    Every chunk is verbatim: text[start:end] of its document. Ids are `document id/start`.
    """
    found: list[Chunk] = []
    for document in documents:
        for section in document.sections:
            text = document.text[section.start : section.end]
            found.extend(
                Chunk(
                    id=f"{document.id}/{section.start + start}",
                    document=document.id,
                    start=section.start + start,
                    end=section.start + end,
                    path=section.path,
                    text=text[start:end],
                )
                for start, end in _split(text, settings)
            )
    return tuple(found)


def owners(statements: Sequence[Statement], made: Sequence[Chunk]) -> tuple[int, ...]:
    """For each statement the index of the chunk that holds most of it, the earlier of two equal ones.

    `made` are chunks of the same documents, in order. Raises IntegrityError for a statement in no chunk.
    """
    by_document: dict[str, list[int]] = {}
    for index, chunk in enumerate(made):
        by_document.setdefault(chunk.document, []).append(index)
    starts = {key: [made[index].start for index in indices] for key, indices in by_document.items()}
    return tuple(_owner(s, made, by_document.get(s.document, []), starts.get(s.document, [])) for s in statements)


def _split(text: str, settings: Settings) -> list[tuple[int, int]]:
    """Start and end of the pieces of `text`. A text that fits needs no splitter, whose import takes 0.3 s."""
    size = max(settings.chunk_chars, 1)
    bare = text.strip()
    if len(bare) <= size:
        start = len(text) - len(text.lstrip())
        return [(start, start + len(bare))] if bare else []
    with silence():
        from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=size, chunk_overlap=min(settings.chunk_overlap_chars, size - 1)
    )
    placed: list[tuple[int, int]] = []
    for block in range(0, len(text), _BLOCK):
        # The splitter hands back strings, and its start index is the first place that fits: wrong where a text
        # repeats itself. It looks at white space and lengths only, so it is given a text in which every other
        # character says its own position.
        coded = "".join(
            char if char.isspace() else chr(_CODES + at) for at, char in enumerate(text[block : block + _BLOCK])
        )
        for piece in splitter.split_text(coded):
            start = block + ord(piece[0]) - _CODES
            end = start + len(piece)
            # With a large overlap the splitter also gives pieces that lie inside a neighbour.
            while placed and start <= placed[-1][0] and placed[-1][1] <= end:
                placed.pop()
            if not placed or end > placed[-1][1]:
                placed.append((start, end))
    return placed


def _owner(statement: Statement, made: Sequence[Chunk], indices: list[int], starts: list[int]) -> int:
    best, most = -1, 0
    for at in range(bisect_right(starts, statement.end) - 1, -1, -1):
        chunk = made[indices[at]]
        shared = min(chunk.end, statement.end) - max(chunk.start, statement.start)
        if shared > 0 and shared >= most:
            best, most = indices[at], shared
        if shared < 0 and best >= 0:
            break
    if best < 0:
        raise IntegrityError(
            "a statement lies in no chunk",
            where=f"{statement.document} characters {statement.start} to {statement.end}",
            hint="sections must cover the document's text",
        )
    return best
