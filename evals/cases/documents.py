"""Turn the texts of cases into the documents that a drafter reads."""

import hashlib
from typing import Final

from agent.intake.extract.documents import compose
from agent.intake.extract.formats.markdown import read_markdown
from agent.intake.extract.parse import read_page, sniff
from agent.intake.page import Page as Content
from agent.records import Document, Snapshot, SourceKind
from agent.settings import Settings
from evals.cases.case import Case

READ_AT: Final = "2026-11-01T00:00:00Z"
"""The fixed time in every record of an evaluation, so that repeated runs write identical bytes."""


def documents_of(case: Case) -> tuple[Document, ...]:
    """Return the listing of a case as D1 and the documentation notes from D2 on, as intake reads Markdown files.

    The name, category, vendor and sources of the case are left out.
    """
    names = ["listing.md", *(f"docs/{number:02d}.md" for number in range(1, len(case.docs) + 1))]
    return tuple(
        markdown_document(page.markdown, name, f"D{number}", "docs" if number > 1 else "listing")
        for number, (page, name) in enumerate(zip(case.pages, names, strict=True), start=1)
    )


def markdown_document(
    markdown: str, name: str = "listing.md", identity: str = "D1", kind: SourceKind = "listing"
) -> Document:
    """Return the document that intake makes from Markdown text."""
    return composed(read_markdown(markdown), markdown.encode(), name, identity, kind)


def file_document(body: bytes, name: str, identity: str = "D1", kind: SourceKind = "listing") -> Document:
    """Return the document that intake makes from a file's content; `name` is its path in a repository."""
    return composed(read_page(body, sniff(body, "", name), "", name, Settings()), body, name, identity, kind)


def composed(page: Content, body: bytes, name: str, identity: str, kind: SourceKind) -> Document:
    """Return the document of a page that was read from `body`."""
    snapshot = Snapshot(
        sha256=hashlib.sha256(body).hexdigest(),
        requested_url=name,
        final_url=name,
        fetched_at=READ_AT,
        media_type="text/markdown",
        kind=kind,
        size=len(body),
    )
    return compose(identity, page, snapshot)
