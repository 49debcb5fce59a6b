"""Part 8 of the report and its section in the appendix: what to ask the vendor, why, and what answers change."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from agent.records import Question
from agent.report import document as doc
from agent.report.document import Bullets, Part, Span, Table, Text
from agent.report.front_pages import Writer, base_of, on_page
from agent.report.sentences import listed, tenth
from agent.report.view import name_of

_CONDITION: Final = re.compile(r"(?:If|Without|Unless|Until|Where|When|Otherwise|Should|Wherever)\b")
_MOVED: Final = Decimal("0.5")
"""The smallest decrease of a CVSS base that the page calls "lowers"; a confirmation lowers many bases by only 0.1."""
_NARROWS: Final = 0.1
"""The smallest reduction of the likely range, in points of the score, that the page mentions."""


def questions(writer: Writer) -> Part:
    """Build part 8: what to ask the vendor, why, and what each answer changes."""
    shown, title = writer.asked, "Ask the vendor"
    if not shown:
        return doc.part("questions", title, doc.paragraph("There are no open questions."))
    if writer.view.draft.drafter.kind != "llm":
        return doc.part(
            "questions", title, question_table(writer, shown, writer.room.answer, why=bool(writer.room.why))
        )
    items = []
    for item in shown:
        changes = writer.brief(f"{item.id}, what changes", item.changes, writer.room.answer)
        if item.why:
            writer.shortened.append((f"{item.id}, why", item.why))
        asked = writer.brief(item.id, item.text, writer.room.answer + 5)
        # This describes the effect of a bad answer; without a label or a condition it would read as a fact.
        if changes and not _CONDITION.match(item.changes):
            changes = doc.joined(doc.soft("Worst case:"), changes)
        items.append(doc.joined((*doc.refs(item.id), Span(" ·")), doc.stressed(asked), changes, _eases(writer, item)))
    return doc.part("questions", title, Bullets(tuple(items), ids=tuple(item.id for item in shown)))


def _eases(writer: Writer, item: Question) -> Text:
    """List the threats on the page whose CVSS base a good answer clearly lowers, and those that it makes less likely.

    The appendix has the new bases, with their metrics.
    """
    eases = {ease.threat: ease for ease in item.eases}
    falls = {
        each.name: base_of(each) - eases[each.threat.id].after for each in on_page(writer) if each.threat.id in eases
    }
    lower = [name for name, fall in falls.items() if fall >= _MOVED]
    rarer = [name for name in falls if name not in lower]
    told = [(Span("lowers "), *doc.listed_refs(*lower))] if lower else []
    told += [(*doc.listed_refs(*rarer), Span(" less likely"))] if rarer else []
    return (*doc.soft("Good answer:"), Span(" "), *doc.joined(*told, by="; "), Span(".")) if told else ()


def answers(writer: Writer) -> Part:
    """Build the appendix table of the metrics that a good answer changes for each threat on the page."""
    shown = {item.threat.id: item for item in on_page(writer)}
    rows = [
        doc.row(doc.refs(asked.id), doc.refs(shown[ease.threat].name), tenth(ease.after), doc.code(ease.changes))
        for asked in writer.asked
        for ease in asked.eases
        if ease.threat in shown and ease.changes
    ]
    table = [doc.table(("Question", "Threat", "CVSS base", "Metrics"), rows, 2)] if rows else []
    return doc.part("answers", "What good answers change" if rows else "", *table)


def question_table(writer: Writer, shown: Sequence[Question], limit: int, *, why: bool = True) -> Table:
    """Build a table of questions with what their answers change and, if `why`, why they matter."""
    rows = []
    for item in shown:
        settled = listed([name_of(key) for key in item.settles])
        reason = item.why or (f"The answer settles {settled}." if settled else "")
        narrowed = f"It narrows the likely range by {tenth(item.effect)}." if item.effect >= _NARROWS else ""
        if reason and not why:
            writer.shortened.append((f"{item.id}, why", reason))
        cells = [writer.brief(item.id, item.text, limit + 5)]
        cells += [writer.brief(f"{item.id}, why", reason, limit)] if why else []
        cells.append(writer.brief(f"{item.id}, what changes", item.changes or narrowed, limit))
        rows.append(doc.row(doc.refs(item.id), *cells, id_=item.id))
    heads = ("", "Question", *(("Why it matters",) if why else ()), "What the answer changes")
    return doc.table(heads, rows)
