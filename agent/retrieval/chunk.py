"""Cut documents into chunks with right offsets, and say which chunk each statement belongs to.

Chunks are what a reader (a person or an LLM) is shown around a hit; statements are what is searched. The splitter
measures in characters: with a token length it gives wrong start offsets for up to half of the chunks.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from agent.errors import IntegrityError
from agent.records import Chunk, Document, Section, Statement
from agent.retrieval.quiet import silence
from agent.settings import Settings

_SEPARATOR: Final = " › "


def context_line(document: Document, path: Sequence[str]) -> str:
    """Where a passage stands, in one line: document title, then headings, each once."""
    parts = dict.fromkeys(part.strip() for part in (document.title, *path) if part.strip())
    return _SEPARATOR.join(parts)


def chunks(documents: Sequence[Document], settings: Settings) -> tuple[Chunk, ...]:
    """Chunks of about `chunk_chars` characters, none across a heading, overlapping by `chunk_overlap_chars`.

    Every chunk is verbatim: text[start:end] of its document. Ids are `document id/start`. Raises IntegrityError
    when the splitter hands back an offset that does not hold.
    """
    found: list[Chunk] = []
    for document in documents:
        for section in document.sections:
            text = document.text[section.start : section.end]
            found.extend(_chunk(document, section, piece, at) for piece, at in _split(text, settings))
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


def _split(text: str, settings: Settings) -> list[tuple[str, int]]:
    """Pieces of `text` with their offsets. A text that fits needs no splitter, whose import takes 0.3 s."""
    size = max(settings.chunk_chars, 1)
    bare = text.strip()
    if len(bare) <= size:
        return [(bare, text.index(bare))] if bare else []
    with silence():
        from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=size, chunk_overlap=min(settings.chunk_overlap_chars, size - 1), add_start_index=True
    )
    return [(piece.page_content, int(piece.metadata["start_index"])) for piece in splitter.create_documents([text])]


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


def _chunk(document: Document, section: Section, piece: str, at: int) -> Chunk:
    start = section.start + at
    if at < 0 or document.text[start : start + len(piece)] != piece:
        raise IntegrityError(
            "the splitter gave a wrong offset",
            where=f"{document.id} section at {section.start}, offset {at}",
            hint="report the version of langchain-text-splitters",
        )
    return Chunk(
        id=f"{document.id}/{start}",
        document=document.id,
        start=start,
        end=start + len(piece),
        path=section.path,
        text=piece,
    )
