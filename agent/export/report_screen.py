"""The first screen for a terminal: at most 45 lines of plain text, enough to act on."""

import textwrap
from collections.abc import Iterator
from typing import Final

from agent.export.document import Bullets, Paragraph, Part, Table, Text
from agent.export.report import build
from agent.export.safe_markdown import one_line, shorten
from agent.export.view import View
from agent.taxonomy.keys import LAYER_CODES

MAX_LINES: Final = 45
_WIDTH: Final = 100
_ROWS: Final = 5
_POSTURE: Final = 8
"""Lines of the posture."""


def first_screen(view: View) -> list[str]:
    """Lines of plain text without escapes: score, posture, threats, conditions, questions, layers at a glance.

    Characters that would hide or turn text are shown as codes.
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
    return [line for block in part.blocks if isinstance(block, Paragraph) for line in _wrapped(_line(block.text))]


def _rows(part: Part) -> Iterator[str]:
    """One line a row or item; a part without any gives its paragraphs."""
    found = False
    for block in part.blocks:
        if isinstance(block, Table):
            for row in block.rows:
                found = True
                yield "  " + "  ".join(cell for cell in map(_line, row.cells) if cell)
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
