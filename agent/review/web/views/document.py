"""The signed document on the Sign page: the export, with marks on items that nobody opened or decided."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from markupsafe import Markup

from agent.records import Document
from agent.report import html
from agent.report.document import Block, Entry, Paragraph, Part, Report, Row, Span, Table
from agent.report.report import build
from agent.report.view import InReview, View, number_added
from agent.review.domain.records import ItemState, ReviewState

_OF_PART: Final[Mapping[str, tuple[str, ...]]] = {
    "headline": ("score",), "posture": ("posture",), "threats": ("threat",), "layers": ("layer",),
    "questions": ("question",), "abilities": ("capability", "fact"), "factors": ("factor",), "chains": ("chain",),
    "evidence": ("fact",),
}  # fmt: skip
"""The item kinds that each part of the report covers."""
_MAIN: Final = ("<main>\n", "</main>")


class Doubt(NamedTuple):
    """A reason to doubt items that a signature would cover, and the number of items affected."""

    words: str
    items: int


def doubts_of(one: ItemState, opened: Mapping[str, float]) -> tuple[str, ...]:
    """Return the reasons for marking an item in the document: not decided, waived, confirmed in bulk, never opened."""
    found = []
    if one.verdict == "open" or one.contested:
        found.append("not decided")
    if one.verdict == "waived":
        found.append("waived")
    if one.bulk:
        found.append("confirmed in bulk")
    # Whoever added a threat wrote all of it, and has therefore seen it.
    own = one.item.kind == "threat" and number_added(one.item.id.partition("/")[2]) > 0
    if not opened.get(one.item.id) and not one.fell and one.verdict != "struck" and not own:
        found.append("never opened")
    return tuple(found)


def counted(state: ReviewState, opened: Mapping[str, float]) -> tuple[Doubt, ...]:
    """Count the marked items by reason."""
    found = Counter(words for one in state.own for words in doubts_of(one, opened))
    return tuple(Doubt(words, items) for words, items in found.items())


def document(
    state: ReviewState, documents: Sequence[Document], progress: InReview | None, opened: Mapping[str, float]
) -> Markup:
    """Render the HTML export's body with each doubt marked in place; `opened` are focus times in seconds by item."""
    report = build(state.reviewed, tuple(documents), progress)
    page = html.as_page(_marked(report, state, opened))
    inner = page.partition(_MAIN[0])[2].rpartition(_MAIN[1])[0]
    # The markup is safe, since the export escapes all text. Its h1 becomes an h2, since the page has its own h1.
    return Markup(inner.replace("<h1", "<h2").replace("</h1>", "</h2>"))


def _marked(report: Report, state: ReviewState, opened: Mapping[str, float]) -> Report:
    items = {one.item.id: one for one in state.items}
    names = {placed.name: f"threat/{placed.threat.id}" for placed in View(state.reviewed).threats}
    names |= {asked.id: f"question/{asked.id}" for asked in state.reviewed.questions}
    facts = state.reviewed.facts.facts if state.reviewed.facts else ()
    names |= {fact.id: f"fact/{fact.id}" for fact in facts}
    told = {
        mark: ", ".join(found)
        for mark, item in names.items()
        if item in items and (found := doubts_of(items[item], opened))
    }

    def part(one: Part) -> Part:
        kinds = _OF_PART.get(one.key, ())
        found = Counter(words for each in state.own if each.item.kind in kinds for words in doubts_of(each, opened))
        blocks = tuple(_block(block, told) for block in one.blocks)
        if found:
            words = "; ".join(f"{count} {word}" for word, count in found.items())
            blocks = (Paragraph((Span(f"⚑ {words}", "em"),)), *blocks)
        return replace(one, blocks=blocks)

    return replace(
        report,
        front=tuple(part(each) for each in report.front),
        reference=tuple(part(each) for each in report.reference),
    )


def _block(block: Block, told: Mapping[str, str]) -> Block:
    if isinstance(block, Entry) and block.id in told:
        return replace(block, text=(Span(f" ⚑ {told[block.id]} ", "em"), *block.text))
    if isinstance(block, Table):
        return replace(block, rows=tuple(_row(row, told) for row in block.rows))
    return block


def _row(row: Row, told: Mapping[str, str]) -> Row:
    if row.id not in told or not row.cells:
        return row
    first, *others = row.cells
    return replace(row, cells=((*first, Span(f" ⚑ {told[row.id]}", "em")), *others))
