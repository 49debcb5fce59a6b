"""A case as the documents that a drafter reads: its listing and its documentation notes, nothing else."""

import hashlib
from typing import Final

from agent.intake.extract.documents import compose
from agent.intake.extract.formats.markdown import read_markdown
from agent.records import Document, Snapshot, SourceKind
from evals.cases.case import Case, Page

READ_AT: Final = "2026-11-01T00:00:00Z"
"""The fixed time in every record of an evaluation, so that repeated runs write identical bytes."""


def documents_of(case: Case) -> tuple[Document, ...]:
    """Return the listing as D1 and the documentation notes from D2 on, read as intake reads Markdown files.

    The name, category, vendor and sources of the case are left out.
    """
    return (
        _document(1, "listing", case.listing),
        *(_document(number, "docs", page) for number, page in enumerate(case.docs, start=2)),
    )


def _document(number: int, kind: SourceKind, page: Page) -> Document:
    received = page.markdown.encode()
    name = "listing.md" if kind == "listing" else f"docs/{number - 1:02d}.md"
    snapshot = Snapshot(
        sha256=hashlib.sha256(received).hexdigest(),
        requested_url=name,
        final_url=name,
        fetched_at=READ_AT,
        media_type="text/markdown",
        kind=kind,
        size=len(received),
    )
    return compose(f"D{number}", read_markdown(page.markdown), snapshot)
