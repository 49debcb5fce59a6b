"""From a draft to the report's tree: the roomiest first two pages that keep to 900 words, and the appendix."""

from typing import Final

from agent.export import report_front, report_reference
from agent.export.document import MAX_FRONT_WORDS, Report, front_words, texts
from agent.export.prose import Prose
from agent.export.report_front import STEPS, WIDEST, Room, Writer
from agent.export.safe_markdown import one_line
from agent.export.view import InReview, View
from agent.records import Document, Draft

_FRONT: Final = (
    report_front.headline,
    report_front.posture,
    report_front.threats,
    report_front.conditions,
    report_front.abilities,
    report_front.layers,
    report_front.questions,
)
_REFERENCE: Final = (
    report_reference.quotes,
    report_front.more_abilities,
    report_reference.factors,
    report_reference.picture,
    report_reference.chains,
    report_reference.controls,
    report_reference.scores,
    report_reference.findings,
    report_reference.evidence,
    report_reference.method,
)


def build(draft: Draft, documents: tuple[Document, ...] = (), progress: InReview | None = None) -> Report:
    """The report of a draft, of any age; `documents` may be empty; `progress` is how far a review has come.

    The same input gives the same tree. When even the tightest form has more than 900 words, that is what is given.
    """
    view = View(draft, documents, progress)
    room = WIDEST
    writer, report = _front(view, room)
    for name, value in STEPS:
        if front_words(report) <= MAX_FRONT_WORDS:
            break
        room = room._replace(**{name: value})
        writer, report = _front(view, room)
    writer.cited |= {mark for part in report.front for text in texts(part) for span in text for mark in span.ids}
    reference = tuple(part for part in (make(writer) for make in _REFERENCE) if part.blocks or part.title)
    return Report(report.title, report.notices, report.front, reference, report.headline, tuple(writer.prose.lost))


def _front(view: View, room: Room) -> tuple[Writer, Report]:
    """The report without its appendix, and the writer that knows which absences it named."""
    tags = {item.threat.id: item.name for item in view.threats}
    writer = Writer(view, Prose(view.draft, tags, [item.id for item in view.questions]), room)
    # In reading order, since absences are numbered as they are first named.
    notices = report_front.notices(writer)
    front = tuple(part(writer) for part in _FRONT)
    scored = view.headline if view.draft.score.aivss is not None else None
    report = Report(
        title=f"{one_line(view.draft.product.name)}: agentic threat model",
        notices=notices,
        front=tuple(part for part in front if part.blocks or part.title),
        reference=(),
        headline=scored.name if scored else "",
    )
    return writer, report
