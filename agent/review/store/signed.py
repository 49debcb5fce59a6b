"""Exports reviews, and checks exports against what was signed: by their values (JSON) or text (Markdown, HTML).

The store keeps the signed draft unchanged, so a JSON export can be checked regardless of the Septet version that wrote
it. Markdown and HTML are compared with a new rendering of that draft, so an export written by another version of Septet
may differ in its wording.
"""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Final, Literal

from pydantic import ValidationError

from agent.errors import InputError
from agent.records import Document
from agent.report import html, markdown
from agent.report.draft_json import decode, dump, parse
from agent.report.formats.questionnaire import Export
from agent.report.view import InReview
from agent.review.domain.records import ReviewState, Stamp
from agent.review.store.cache import ReviewCache
from agent.review.store.chain import Head
from agent.review.store.store import Store

ExportFormat = Literal["md", "html", "json"]
_MEDIA: Final[dict[ExportFormat, str]] = {
    "md": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "json": "application/json",
}
_STAMP: Final = "review"
_NO_SIGNATURE: Final = "the event that it refers to is not a signature"


def export(state: ReviewState, documents: Sequence[Document], format_: ExportFormat) -> Export:
    """Export the reviewed draft of `state`, named after the review's key. The output is deterministic."""
    name = f"{state.key}-{state.stage if state.stamp else f'version-{state.version}'}.{format_}"
    if format_ == "json":
        text = dump(state.reviewed)
    else:
        make = html.render if format_ == "html" else markdown.render
        text = make(state.reviewed, tuple(documents), progress(state))
    return Export(name, _MEDIA[format_], text.encode())


def progress(state: ReviewState) -> InReview | None:
    """Return the progress of an unsigned review; None for a signed review."""
    if state.stamp:
        return None
    contested = frozenset(one.item for one in state.contests if one.decision == "open")
    return InReview(state.decided, len(state.own), len(state.waived), contested)


def otherwise(store: Store, head: Head, text: str) -> str:
    """Return how the export with this text and head differs from the signed draft; empty if they match.

    The caller has checked that `head` is in the store's chain. Raises IntegrityError when the signed draft is missing.
    """
    names = (head.review,) if head.review else store.keys()
    named = [event for name in names for event in store.events(name, to=head.number) if event.hash == head.hash]
    if not named or named[0].verb != "sign":
        return _NO_SIGNATURE
    shown = ReviewCache(store).shown(named[0].review, named[0].number)
    stamp = shown.state.stamp
    if stamp is None:
        return _NO_SIGNATURE
    frozen = store.blob(stamp.sha256).decode()
    if text.lstrip().startswith("{"):
        return _values(text, frozen, stamp)
    draft = parse(frozen, where=f"blob {stamp.sha256[:16]}").model_copy(update={"review": stamp})
    state = shown.state.model_copy(update={"reviewed": draft})
    format_: ExportFormat = "html" if text.lstrip().startswith("<") else "md"
    wanted = export(state, shown.documents, format_).data.decode()
    # Compare line by line, because mail and version control change line endings.
    pairs = zip_longest(text.splitlines(), wanted.splitlines())
    at = next((number for number, (given, line) in enumerate(pairs, 1) if given != line), 0)
    return f"line {at} differs from what was signed" if at else ""


def _values(text: str, frozen: str, stamp: Stamp) -> str:
    try:
        found = decode(text, "export")
    except InputError as error:
        return error.what
    wanted = decode(frozen, "store")
    if not isinstance(found, dict) or not isinstance(wanted, dict):
        return "it is not a draft"
    # Parse the stamp as a record, since older stamps lack fields added later.
    try:
        found[_STAMP] = Stamp.model_validate(found.get(_STAMP))
    except ValidationError:
        found[_STAMP] = None
    wanted[_STAMP] = stamp
    differs = next((name for name in sorted({*found, *wanted}) if found.get(name) != wanted.get(name)), "")
    return f"its {differs!r} differs from what was signed" if differs else ""
