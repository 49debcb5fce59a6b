"""A reviewed draft as a file: Markdown, HTML or JSON, with its signature, or with how far its review has come."""

from collections.abc import Sequence
from typing import Final

from agent.export import html, markdown
from agent.export.draft_json import dump
from agent.export.picture import picture
from agent.export.view import InReview
from agent.records import Document
from agent.review.records import ReviewState
from agent.review.served import Export, ExportFormat

_MEDIA: Final[dict[ExportFormat, str]] = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
}


def export(state: ReviewState, documents: Sequence[Document], format_: ExportFormat) -> Export:
    """The reviewed draft of `state`; the same state gives the same bytes. Its name is made of the review's key."""
    name = f"{state.key}-{state.stage if state.stamp else f'version-{state.version}'}.{format_}"
    if format_ == "json":
        return Export(name, _MEDIA[format_], dump(state.reviewed).encode())
    text = report(state, documents)
    if format_ == "html":
        text = html.page(text, f"{state.reviewed.product.name}: agentic threat model", picture(state.reviewed.system))
    return Export(name, _MEDIA[format_], text.encode())


def report(state: ReviewState, documents: Sequence[Document]) -> str:
    """The report of a review as Markdown."""
    decided = len(state.items) - len(state.open)
    progress = None if state.stamp else InReview(decided, len(state.items))
    return markdown.render(state.reviewed, tuple(documents), progress)
