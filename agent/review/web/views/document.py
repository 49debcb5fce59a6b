"""The document on the Sign page: the export, with marks on items that nobody opened or decided individually."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from markupsafe import Markup

from agent.records import Document
from agent.report import html
from agent.report.document import Block, Entry, Paragraph, Part, Span, Table
from agent.report.report import build
from agent.report.view import InReview, View, number_added
from agent.review.domain.items import facts_of
from agent.review.domain.records import ItemState, ReviewState

_OF_PART: Final[Mapping[str, tuple[str, ...]]] = {
    "headline": ("score",), "posture": ("posture",), "threats": ("threat",), "layers": ("layer",),
    "questions": ("question",), "abilities": ("capability", "fact"),
    "more-abilities": ("capability", "fact"), "factors": ("factor",), "chains": ("chain",),
    "evidence": ("fact",),
}  # fmt: skip
"""The item kinds that each part of the report covers."""


def doubts_of(one: ItemState, opened: Mapping[str, float]) -> tuple[str, ...]:
    """Return the reasons for marking an item in the document: not decided, waived, confirmed in bulk, never opened."""
    # The person who added a threat wrote all of it, and so has seen it.
    own = one.item.kind == "threat" and number_added(one.item.id.partition("/")[2]) > 0
    doubts = {
        "not decided": one.verdict == "open" or one.contested,
        "waived": one.verdict == "waived",
        "confirmed in bulk": one.bulk,
        "never opened": not opened.get(one.item.id) and not one.fell and one.verdict != "struck" and not own,
    }
    return tuple(words for words, there in doubts.items() if there)


def counted(items: Sequence[ItemState], opened: Mapping[str, float]) -> Counter[str]:
    """Count the items to be marked, by reason for the mark."""
    return Counter(words for one in items for words in doubts_of(one, opened))


def document(
    state: ReviewState, documents: Sequence[Document], progress: InReview | None, opened: Mapping[str, float]
) -> Markup:
    """Render the HTML export's body with each doubt marked in place; `opened` are focus times in seconds by item."""
    names = {placed.name: f"threat/{placed.threat.id}" for placed in View(state.reviewed).threats}
    names |= {asked.id: f"question/{asked.id}" for asked in state.reviewed.questions}
    names |= {fact.id: f"fact/{fact.id}" for fact in facts_of(state.reviewed)}
    doubts = {one.item.id: ", ".join(doubts_of(one, opened)) for one in state.items}
    told = {mark: f"⚑ {doubts[item]}" for mark, item in names.items() if doubts.get(item)}

    def block(one: Block) -> Block:
        if isinstance(one, Entry) and one.id in told:
            return replace(one, standing=(*one.standing, Span(f" {told[one.id]}", "em")))
        if isinstance(one, Table):
            rows = (
                replace(row, cells=((*row.cells[0], Span(f" {told[row.id]}", "em")), *row.cells[1:]))
                if row.id in told and row.cells else row
                for row in one.rows
            )  # fmt: skip
            return replace(one, rows=tuple(rows))
        return one

    def part(one: Part) -> Part:
        found = counted([each for each in state.own if each.item.kind in _OF_PART.get(one.key, ())], opened)
        words = "; ".join(f"{count} {word}" for word, count in found.items())
        head = [Paragraph((Span(f"⚑ {words}", "em"),))] if found else []
        return replace(one, blocks=(*head, *map(block, one.blocks)))

    report = build(state.reviewed, tuple(documents), progress)
    marked = replace(report, front=tuple(map(part, report.front)), reference=tuple(map(part, report.reference)))
    inner = html.as_page(marked).partition("<main>\n")[2].rpartition("</main>")[0]
    # The markup is safe, since the export escapes all text. Its h1 becomes an h2, since the page has its own h1.
    return Markup(inner.replace("<h1", "<h2").replace("</h1>", "</h2>"))
