"""From a draft to the report's tree: the roomiest first two pages that keep to 900 words, and the reference."""

from agent.export import report_front, report_reference
from agent.export.document import MAX_FRONT_WORDS, Report, front_words
from agent.export.prose import Prose
from agent.export.report_front import ROOMS, Room, Writer
from agent.export.safe_markdown import one_line
from agent.export.view import InReview, View
from agent.records import Document, Draft


def build(draft: Draft, documents: tuple[Document, ...] = (), progress: InReview | None = None) -> Report:
    """The report of a draft, of any age; `documents` may be empty; `progress` is how far a review has come.

    The same input gives the same tree. When even the tightest form has more than 900 words, that is what is given.
    """
    view = View(draft, documents, progress)
    report = _written(view, ROOMS[0])
    for room in ROOMS[1:]:
        if front_words(report) <= MAX_FRONT_WORDS:
            break
        report = _written(view, room)
    return report


def _written(view: View, room: Room) -> Report:
    tags = {item.threat.id: item.name for item in view.threats}
    prose = Prose(view.draft, tags, [item.id for item in view.questions])
    writer = Writer(view, prose, room)
    # In reading order, since absences are numbered as they are first named.
    notices = report_front.notices(writer)
    parts = (
        report_front.headline,
        report_front.posture,
        report_front.threats,
        report_front.conditions,
        report_front.abilities,
        report_front.layers,
        report_front.questions,
    )
    front = tuple(part(writer) for part in parts)
    reference = tuple(
        part(writer)
        for part in (
            report_reference.factors,
            report_reference.picture,
            report_reference.chains,
            report_reference.controls,
            report_reference.scores,
            report_reference.findings,
            report_reference.evidence,
            report_reference.method,
        )
    )
    headline = view.headline
    return Report(
        title=f"{one_line(view.draft.product.name)}: agentic threat model",
        notices=notices,
        front=tuple(part for part in front if part.blocks or part.title),
        reference=reference,
        headline=headline.name if headline and view.draft.score.aivss is not None else "",
        lost=tuple(prose.lost),
    )
