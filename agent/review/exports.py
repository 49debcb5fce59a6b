"""A reviewed draft as a file: Markdown, HTML or JSON, with its signature, or with how far its review has come."""

from collections.abc import Sequence
from typing import Final

from agent.export import html, markdown
from agent.export.draft_json import dump
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
    made = html.render if format_ == "html" else markdown.render
    return Export(name, _MEDIA[format_], made(state.reviewed, tuple(documents), _progress(state)).encode())


def report(state: ReviewState, documents: Sequence[Document]) -> str:
    """The report of a review as Markdown."""
    return markdown.render(state.reviewed, tuple(documents), _progress(state))


def _progress(state: ReviewState) -> InReview | None:
    return None if state.stamp else InReview(len(state.items) - len(state.open), len(state.items))
