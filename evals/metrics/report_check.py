"""Find problems in a report's tree: dangling marks, missing parts, repetition, excess length, wrong order, unused
controls.

A report built from a consistent draft has no problems; tests and evaluations check this.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from agent.facts.vocabulary import load_vocabulary
from agent.report.document import (
    MAX_FRONT_WORDS,
    Paragraph,
    Part,
    Report,
    Span,
    Table,
    Text,
    entries,
    front_words,
    texts,
)
from agent.report.front_pages import PREFIX
from agent.report.prose import split
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS

FRONT: Final = ("headline", "threats", "conditions", "abilities", "layers", "questions")
REFERENCE: Final = ("quotes", "factors", "picture", "chains", "controls", "scores", "findings", "evidence", "method")
_CHIP: Final = "\0"
"""Replaces each severity before the text is searched for repeated sentences."""
_LEAST: Final = 5
"""A repeated sentence counts only if it has at least this many words."""
_NAMED: Final = re.compile(r"(?<![\w/.:@-])[EQTN][1-9]\d{0,2}(?![\w/@-]|[.:]\w)")
_KEY: Final = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_PROMISE: Final = re.compile(r"\bin the (?:appendix|reference)\b", re.IGNORECASE)


def check(report: Report) -> list[str]:
    """Return the problems of a report, each in one sentence; empty when there is none."""
    return [
        *_size(report),
        *_parts(report),
        *_marks(report),
        *_order(report),
        *_repetition(report),
        *_internal_keys(report),
        *_idle_controls(report),
    ]


def _size(report: Report) -> Iterator[str]:
    count = front_words(report)
    if count > MAX_FRONT_WORDS:
        yield f"the first two pages have {count} words, more than {MAX_FRONT_WORDS}"


def _parts(report: Report) -> Iterator[str]:
    for keys, parts in ((FRONT, report.front), (REFERENCE, report.reference)):
        found = [part.key for part in parts]
        # The part on abilities moves to the appendix if it does not fit on the first two pages.
        found += [part.key for part in report.reference if part.key == "abilities"] if keys == FRONT else []
        yield from (f"the part {key} is missing" for key in keys if key not in found and key != "quotes")
        yield from (f"the part {part.key} is empty" for part in parts if not part.blocks and part.key != "headline")
        placed = [part.key for part in parts if part.key in keys]
        if placed != [key for key in keys if key in placed]:
            yield f"the parts are in the order {', '.join(placed)}"
    for text in _all(report):
        if _PROMISE.search(_said(text)) and not report.reference:
            yield f"a promise is not kept: {_said(text)}"
    layers = report.part("layers")
    told = [block.text for block in layers.blocks if isinstance(block, Paragraph)] if layers else []
    for item in told:
        if _said(item).startswith("?") and PREFIX not in _said(item):
            yield f"an uncertain layer is not introduced as uncertain: {_said(item)[:60]}"


def _marks(report: Report) -> Iterator[str]:
    listed = {mark for part in report.reference for mark in _listed(part)}
    named = {mark for text in _all(report) for span in text for mark in span.ids}
    for text in _all(report):
        for span in text:
            if span.kind in ("text", "em", "strong"):
                named |= set(_NAMED.findall(span.text))
    yield from (
        f"{mark} is mentioned but not listed in the appendix" for mark in sorted({*named, *report.lost} - listed)
    )
    shown = {mark for part in report.front for mark in _listed(part)}
    further = {mark for part in report.reference for mark in entries(part)}
    for mark in sorted(listed - shown - further):
        if mark[0] in "TQ":
            yield f"{mark} is listed in the appendix but described nowhere"


def _order(report: Report) -> Iterator[str]:
    part = report.part("threats")
    first = next(entries(part), "") if part else ""
    if report.headline and first != report.headline:
        yield f"the headline {report.headline} is not first; {first or 'nothing'} is"


def _repetition(report: Report) -> Iterator[str]:
    found: Counter[str] = Counter()

    def told(span: Span) -> bool:
        return span.kind not in ("marks", "code", "ref")

    for part in report.front:
        for text in texts(part):
            for sentence in split("".join(_CHIP if span.kind == "chip" else span.text for span in text if told(span))):
                # Skip a threat's severity and its condition: these are values that many threats share.
                if _CHIP in sentence:
                    continue
                words = re.findall(r"\w+", sentence.casefold())
                if len(words) >= _LEAST:
                    found[" ".join(words)] += 1
    yield from (f"said {count} times: {sentence}" for sentence, count in found.items() if count > 1)


def _internal_keys(report: Report) -> Iterator[str]:
    known = {*FACTORS, *LAYERS, *(key.id for key in load_vocabulary())}
    for part in report.front:
        for text in texts(part):
            for span in text:
                if span.kind not in ("quote", "code"):
                    yield from (f"{part.key} mentions the key {key}" for key in _KEY.findall(span.text) if key in known)


def _idle_controls(report: Report) -> Iterator[str]:
    """Yield a problem for each control that the report counts although no metric or factor cites its quotes."""
    used = {
        mark for key in ("scores", "factors") for part in [report.part(key)] if part
        for text in texts(part) for span in text if span.kind == "marks" for mark in span.ids
    }  # fmt: skip
    part = report.part("controls")
    for table in [block for block in part.blocks if isinstance(block, Table)] if part else []:
        for row in table.rows:
            if _said(row.cells[3]) == "yes" and not used & set(_ids(row.cells[0])):
                yield f"a control counts but changes no metric: {_said(row.cells[0])[:80]}"


def _all(report: Report) -> Iterator[Text]:
    yield from report.notices
    for part in (*report.front, *report.reference):
        yield from texts(part)


def _listed(part: Part) -> Iterator[str]:
    """Yield the ids that a part lists: its entries, and the rows of its tables that begin with an id."""
    yield from entries(part)
    for block in part.blocks:
        if isinstance(block, Table):
            first = [row.cells[0] for row in block.rows if row.cells]
            yield from (mark for cell in first if len(cell) == 1 for mark in _ids(cell))


def _ids(text: Text) -> tuple[str, ...]:
    return tuple(mark for span in text for mark in span.ids)


def _said(text: Text) -> str:
    return "".join(span.text for span in text if span.kind != "marks")
