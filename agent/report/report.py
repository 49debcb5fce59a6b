"""Build the report's tree from a draft: first two pages as full as `MAX_FRONT_WORDS` allows, and the appendix."""

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from agent.records import Document, Draft
from agent.report import arithmetic, conditions, document as doc, front_pages, questions, reference_pages
from agent.report.document import MAX_FRONT_WORDS, Part, Report, Span, Text, front_words, texts
from agent.report.front_pages import STEPS, WIDEST, Room, Writer
from agent.report.prose import Prose
from agent.report.safe_markdown import one_line, shorten
from agent.report.view import InReview, View
from agent.taxonomy.layers import LAYER_CODES

_FRONT: Final = (
    front_pages.headline,
    front_pages.posture,
    front_pages.threats,
    conditions.conditions,
    front_pages.conflicts,
    front_pages.abilities,
    front_pages.layers,
    questions.questions,
)
_REFERENCE: Final = (
    reference_pages.quotes,
    conditions.residuals,
    questions.answers,
    front_pages.more_abilities,
    reference_pages.factors,
    reference_pages.picture,
    reference_pages.chains,
    reference_pages.controls,
    reference_pages.scores,
    reference_pages.findings,
    reference_pages.evidence,
    reference_pages.method,
)
MAX_LINES: Final = 45
_WIDTH: Final = 100
_ROWS: Final = 5
_POSTURE: Final = 8
"""Maximum number of lines of the posture on the first screen."""


def build(draft: Draft, documents: tuple[Document, ...] = (), progress: InReview | None = None) -> Report:
    """Build the report of a draft; drafts of earlier releases are supported. `documents` may be empty, and `progress`
    is the progress of an unsigned review, if there is one.

    The same input gives the same tree. If even the shortest form exceeds `MAX_FRONT_WORDS`, that form is returned.
    """
    view = View(draft, documents, progress)
    room = WIDEST
    writer, report = _front(view, room)
    wider: list[tuple[str, int]] = []
    for name, value in STEPS:
        if front_words(report) <= MAX_FRONT_WORDS:
            break
        wider.append((name, getattr(room, name)))
        room = room._replace(**{name: value})
        writer, report = _front(view, room)
    # Cuts remove whole sentences, so the last steps may have freed more words than necessary; give these to the layers
    # first.
    layers = [("layer", words) for words in range(room.layer + 1, WIDEST.layer + 1)] if wider else []
    for name, value in (*layers, *reversed(wider)):
        if value > getattr(room, name):
            tried = _front(view, room._replace(**{name: value}))
            if front_words(tried[1]) <= MAX_FRONT_WORDS:
                room, (writer, report) = room._replace(**{name: value}), tried
    # The numbers do not count as words of the two pages, so build them once.
    below = arithmetic.numbers(writer)
    report = replace(report, front=(*report.front, *((below,) if below.blocks else ())))
    writer.cited |= {mark for part in report.front for text in texts(part) for span in text for mark in span.ids}
    reference = tuple(part for part in (make(writer) for make in _REFERENCE) if part.blocks or part.title)
    return Report(report.title, report.notices, report.front, reference, report.headline, tuple(writer.prose.lost))


def _front(view: View, room: Room) -> tuple[Writer, Report]:
    """Build the report without its appendix, and return it with its writer, which records the cited absences."""
    tags = {item.threat.id: item.name for item in view.threats}
    writer = Writer(view, Prose(view.draft, tags), room)
    # Build the parts in reading order, since absences are numbered when they are first cited.
    standing = front_pages.standing(writer)
    front = tuple(part(writer) for part in _FRONT)
    scored = view.headline if view.draft.score.aivss is not None else None
    report = Report(
        title=f"{one_line(view.draft.product.name)}: agentic threat model",
        notices=(standing, front_pages.explained(writer)),
        front=tuple(part for part in front if part.blocks or part.title),
        reference=(),
        headline=scored.name if scored else "",
    )
    return writer, report


def first_screen(view: View) -> list[str]:
    """Return lines of plain text, not Markdown: score, posture, threats, conditions, questions, layers at a glance.

    Characters that would hide text or change its direction are shown as codes.
    """
    report = build(view.draft, view.documents, view.progress)
    lines = [one_line(report.title), *_wrapped(report.notices[0]), ""]
    for part in report.front:
        title = [_line(part.title)] if part.title else []
        if part.key in ("headline", "posture"):
            lines += [*title, *_paragraphs(part)[:_POSTURE], ""]
        elif part.key in ("threats", "conditions", "questions"):
            rows = [*_rows(part)] or _paragraphs(part)
            lines += [*title, *(shorten(row, _WIDTH) for row in rows[:_ROWS]), ""]
    lines.append("Layers at a glance: ● certain, ? not certain, – does not apply")
    lines.append("  " + "  ".join(f"{LAYER_CODES[key]} {front_pages.sign_of(layer)}" for key, layer in view.layers))
    return lines[:MAX_LINES]


def _paragraphs(part: Part) -> list[str]:
    found: list[str] = []
    for block in part.blocks:
        if isinstance(block, doc.Paragraph):
            found += _wrapped(block.text)
        elif isinstance(block, doc.Bullets):
            found += [line for item in block.items for line in _wrapped((Span("- "), *item))]
    return found


def _rows(part: Part) -> Iterator[str]:
    """Yield one line for each row, entry or list item."""
    for block in part.blocks:
        if isinstance(block, doc.Table):
            yield from (" ".join(filter(None, map(_line, row.cells))) for row in block.rows)
        elif isinstance(block, doc.Entry):
            yield " ".join(filter(None, map(_line, (block.title, block.standing, block.text))))
        elif isinstance(block, doc.Bullets):
            yield from (f"- {_line(item)}" for item in block.items)


def _line(text: Text) -> str:
    forms = {"marks": "[{}]", "quote": "“{}”"}
    return one_line("".join(forms.get(span.kind, "{}").format(span.text) for span in text))


def _wrapped(text: Text) -> list[str]:
    return textwrap.wrap(_line(text), _WIDTH) or [""]
