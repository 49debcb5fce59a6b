"""`septet search DRAFT "question"`: search a draft's index for passages that answer a question."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.source_options import PATH
from agent.errors import SourceError
from agent.report.safe_markdown import one_line

if TYPE_CHECKING:
    from agent.records import Document
    from agent.retrieval.library import Found

SCHEMA = "septet/search/1"
WITHHELD = "[flagged text]"
_TEXT = 600
"""Maximum number of characters of a passage shown on a terminal; the JSON has the full text."""


@click.command("search")
@click.argument("draft", type=PATH, metavar="DRAFT")
@click.argument("question", metavar="QUESTION")
@click.option("-k", "k", type=click.IntRange(1, 100), default=5, show_default=True, help="Number of passages.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON (septet/search/1) instead of text.")
def command(draft: Path, question: str, k: int, as_json: bool) -> None:
    """Find the passages in the sources of DRAFT (a folder that `draft --out` made) that answer QUESTION.

    The draft's index is opened, or rebuilt if it is stale or damaged. Each passage is shown with its document, its
    character range there, its headings and a score; scores can be compared only within one question. Text that a
    finding covers (hidden text, orders to assessors) is not searched.

    \b
    Examples:
      septet search acme "who approves a payment?"
      septet search acme "retention of logs" -k 3 --json
    """
    from agent.intake.extract.statements.split import statements
    from agent.report.draft_folder import INDEX
    from agent.report.draft_json import draft_file, load_whole
    from agent.retrieval.library import Library
    from agent.settings import load_settings

    _, documents = load_whole(draft)
    if not documents:
        hint = "specify a folder that `draft --out` wrote"
        raise SourceError("the source texts of this draft are missing", where=str(draft), hint=hint)
    settings = load_settings(os.environ)  # noqa: TID251
    with Library(documents, statements(documents), settings.vector_store) as library:
        library.open_or_memory(draft_file(draft).parent / INDEX)
        found = library.search(question, k)
    by_id = {document.id: document for document in documents}
    shown = _json(question, found, by_id) if as_json else _text(found, by_id)
    click.echo(shown, nl=False)


def _json(question: str, found: "tuple[Found, ...]", documents: "Mapping[str, Document]") -> str:
    rows = [
        {
            "document": one.passage.document,
            "url": documents[one.passage.document].url,
            "start": one.passage.start,
            "end": one.passage.end,
            "path": list(one.path),
            "score": one.score,
            "sentence": {"start": one.start, "end": one.end},
            "text": _shown(one, documents[one.passage.document]),
        }
        for one in found
    ]
    return json.dumps({"schema": SCHEMA, "question": question, "passages": rows}, ensure_ascii=False, indent=2) + "\n"


def _text(found: "tuple[Found, ...]", documents: "Mapping[str, Document]") -> str:
    lines = [] if found else ["Nothing in the sources answers this."]
    for number, one in enumerate(found, start=1):
        document, passage = documents[one.passage.document], one.passage
        place = f"{document.id} {passage.start}-{passage.end}"
        lines.append(f"{number}. {place}  {one.score:.3f}  {one_line(document.url)}")
        if one.path:
            lines.append(f"   {one_line(' › '.join(one.path))}")
        text = one_line(_shown(one, document))
        lines.append(f"   {text[:_TEXT]}{'…' if len(text) > _TEXT else ''}")
    return "\n".join(lines) + "\n"


def _shown(one: "Found", document: "Document") -> str:
    """Return the passage with flagged text replaced, since hidden text and orders to assessors are never passed on."""
    from agent.records import flagged_spans

    start, text = one.passage.start, ""
    for first, last in flagged_spans(document):
        if start < last and first < one.passage.end:
            text += document.text[start : max(first, start)] + WITHHELD
            start = last
    return text + document.text[start : one.passage.end]
