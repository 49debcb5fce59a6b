"""A case as the documents that a drafter reads: its listing and its notes, nothing else of it."""

import hashlib
import re
from typing import Final

from agent.records import Document, Section, SourceKind
from evals.cases import Case, Page

READ_AT: Final = "2026-11-01T00:00:00Z"
"""The time in every record of an evaluation, so that two runs write the same bytes."""
_HEADING: Final = re.compile(r"(#+) (.*)")


def documents_of(case: Case) -> tuple[Document, ...]:
    """The listing as D1 and the notes as D2 onwards. Name, category, vendor and sources of the case stay out."""
    return (
        _document(1, "listing", case.listing),
        *(_document(number, "docs", page) for number, page in enumerate(case.docs, start=2)),
    )


def _document(number: int, kind: SourceKind, page: Page) -> Document:
    text, sections = _plain(page.markdown)
    return Document(
        id=f"D{number}",
        sha256=hashlib.sha256(page.markdown.encode()).hexdigest(),
        url=f"{number:02d}.md",
        title=page.title,
        kind=kind,
        media_type="text/markdown",
        fetched_at=READ_AT,
        text=text,
        sections=sections,
    )


def _plain(markdown: str) -> tuple[str, tuple[Section, ...]]:
    """The text with headings as plain lines, and its sections."""
    text, start = "", 0
    path: list[str] = []
    sections: list[Section] = []
    for line in markdown.splitlines():
        heading = _HEADING.match(line)
        if heading:
            if len(text) > start:
                sections.append(Section(start=start, end=len(text), path=tuple(path), about="product"))
                start = len(text)
            path[len(heading[1]) - 1 :] = [heading[2]]
            line = heading[2]
        text += line + "\n"
    if len(text) > start:
        sections.append(Section(start=start, end=len(text), path=tuple(path), about="product"))
    return text, tuple(sections)
