"""Builds the report's tree from a draft: the fullest first two pages within 1,250 words, and the appendix."""

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from agent.records import Document, Draft
from agent.report import arithmetic, conditions, front_pages, questions, reference_pages
from agent.report.document import (
    MAX_FRONT_WORDS,
    Bullets,
    Entry,
    Paragraph,
    Part,
    Report,
    Table,
    Text,
    front_words,
    texts,
)
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
    front_pages.abilities,
    front_pages.layers,
    questions.questions,
)
_REFERENCE: Final = (
    reference_pages.quotes,
    conditions.residuals,
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
"""The most lines of the posture on the first screen."""


def build(draft: Draft, documents: tuple[Document, ...] = (), progress: InReview | None = None) -> Report:
    """Build the report of a draft, including older drafts. `documents` may be empty; `progress` is the review's
    progress.

    The same input gives the same tree. If even the shortest form exceeds 1,250 words, that form is returned.
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
    # Cuts remove whole sentences, so the last steps may have freed too many words: give them to the layers first.
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
    """Build the report without its appendix, and return the writer too, since it knows which absences it named."""
    tags = {item.threat.id: item.name for item in view.threats}
    writer = Writer(view, Prose(view.draft, tags, [item.id for item in view.questions]), room)
    # Build the parts in reading order, since absences are numbered as they are first named.
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
    """Return lines of plain text without escapes: score, posture, threats, conditions, questions, layers at a glance.

    Characters that would hide text or change its direction are shown as codes.
    """
    report = build(view.draft, view.documents, view.progress)
    lines = [one_line(report.title), *_wrapped(_line(report.notices[0])), ""]
    for part in report.front:
        if part.key in ("headline", "posture"):
            lines += [*_title(part), *_paragraphs(part)[:_POSTURE], ""]
        elif part.key in ("threats", "conditions", "questions"):
            lines += [*_title(part), *(shorten(row, _WIDTH) for row in list(_rows(part))[:_ROWS]), ""]
    lines += ["Layers at a glance: ● certain, ? not certain, – does not apply", "  " + _glance(view)]
    return lines[:MAX_LINES]


def _title(part: Part) -> list[str]:
    return [_line(part.title)] if part.title else []


def _paragraphs(part: Part) -> list[str]:
    """Return the lines of a part's running text and lists."""
    found: list[str] = []
    for block in part.blocks:
        if isinstance(block, Paragraph):
            found += _wrapped(_line(block.text))
        elif isinstance(block, Bullets):
            found += [line for item in block.items for line in _wrapped(f"- {_line(item)}")]
    return found


def _rows(part: Part) -> Iterator[str]:
    """Yield one line for each row or item, or the paragraphs of a part without rows or items."""
    found = False
    for block in part.blocks:
        if isinstance(block, Table):
            for row in block.rows:
                found = True
                yield "  " + "  ".join(cell for cell in map(_line, row.cells) if cell)
        elif isinstance(block, Entry):
            found = True
            yield f"  {_line(block.title)} {_line(block.text)}"
        elif isinstance(block, Bullets):
            for item in block.items:
                found = True
                yield f"  - {_line(item)}"
    if not found:
        yield from (f"  {line}" for line in _paragraphs(part))


def _line(text: Text) -> str:
    shown = []
    for span in text:
        words = f"[{span.text}]" if span.kind == "marks" else f"“{span.text}”" if span.kind == "quote" else span.text
        shown.append(words)
    return one_line("".join(shown))


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, _WIDTH) or [""]


def _glance(view: View) -> str:
    return "  ".join(
        f"{LAYER_CODES[key]} {'–' if layer.applies == 'no' else '●' if layer.certain else '?'}"
        for key, layer in view.layers
    )
