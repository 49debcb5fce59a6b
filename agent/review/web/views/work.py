"""The mitigations of all threats in one table: owner, due date, status and residual severity of each."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Final

from agent.errors import InputError
from agent.records import Mitigation, Record
from agent.report.safe_csv import cell
from agent.report.sentences import tenth
from agent.report.view import View
from agent.review.domain.effects.decisions import score_words
from agent.review.domain.items import threats_of
from agent.review.domain.mitigations import WORK, Work, left_with, work_left_over, work_of
from agent.review.domain.records import ReviewState
from agent.review.domain.rescore import shown

SORTS: Final = {"due": "Due", "threat": "Threat", "owner": "Owner", "status": "Status"}
_NEVER: Final = "9999"
"""A placeholder that sorts after every date."""
_HEADS: Final = (
    "threat", "title", "mitigation", "who", "owner", "due", "status", "base", "base with mitigation",
    "vector with mitigation", "note",
)  # fmt: skip


class WorkView(Record):
    """A mitigation as a work item, for the threat's card and for the table."""

    threat: str
    mitigation: Mitigation
    owner: str
    due: str
    status: str
    note: str
    residual: str
    gone: str
    known: bool
    left: str
    """The CVSS base with the mitigation in place; empty if nobody stated it."""
    product: str
    """The product's score with the mitigation in place; empty if nobody stated the residual."""
    is_late: bool


class WorkRow(Record):
    """A row of the table."""

    work: WorkView
    tag: str
    """The threat's tag, such as T1; empty if the threat is gone."""
    title: str
    item: str
    """The threat's item id; empty if the threat is no longer an item."""
    base: str
    vector: str


class WorkPage(Record):
    """The table, and the totals above it."""

    rows: tuple[WorkRow, ...]
    total: int
    late: int
    """The number of late mitigations in the whole review, not only in the rows shown."""
    owners: tuple[str, ...]
    done: str
    """The product's score with all finished mitigations in place; empty if none of them has a residual vector."""
    planned: str
    """The product's score with all mitigations in place except rejected ones; empty if none has a residual vector."""
    now: str


def work_view(state: ReviewState, work: Work, today: str) -> WorkView:
    """Build the view of a mitigation, with the severity that would remain if it were the only one in place."""
    left = left_with(state, [work])
    return WorkView(
        **work._asdict(), known=work.known, left=work.left, product=score_words(left.score) if left else "",
        is_late=work.late(today),
    )  # fmt: skip


def work_page(
    state: ReviewState, today: str, *, status: str = "", owner: str = "", late: bool = False, sort: str = "due"
) -> WorkPage:
    """Build the table of a review, filtered and sorted. Rows that sort equally keep the report's order, followed by
    mitigations that are no longer in the draft. Raises InputError for an unknown status or order."""
    if status and status not in WORK:
        raise InputError("there is no such status", where="status", hint=", ".join(WORK))
    if sort not in SORTS:
        raise InputError("the table cannot be sorted by this column", where="sort", hint=", ".join(SORTS))
    every = [*work_of(state), *work_left_over(state)]
    listed = [
        work for work in every
        if (not status or work.status == status) and (not owner or work.owner == owner)
        and (not late or work.late(today))
    ]  # fmt: skip
    places = {placed.threat.id: at for at, placed in enumerate(View(state.reviewed).threats)}
    listed.sort(key=lambda work: (bool(work.gone), places.get(work.threat, len(places))))
    orders: dict[str, Callable[[Work], tuple[object, ...]]] = {
        "due": lambda work: (work.due or _NEVER,),
        "threat": lambda work: (),
        "owner": lambda work: (not work.owner, work.owner.casefold()),
        "status": lambda work: (list(WORK).index(work.status),),
    }
    listed.sort(key=orders[sort])
    standing, titles = threats_of(state.reviewed), {one.item.id: one.item.title for one in state.items}
    rows = []
    for work in listed:
        threat, item = standing.get(work.threat), f"threat/{work.threat}"
        rows.append(
            WorkRow(
                work=work_view(state, work, today),
                tag=state.tag(work.threat) if work.threat in places else "",
                title=titles.get(item, work.threat),
                item=item if item in titles else "",
                base=tenth(threat.score.cvss_base) if threat else "",
                vector=threat.score.cvss_vector if threat else "",
            )
        )
    done, planned = (
        left_with(state, [work for work in every if work.status in kept])
        for kept in (("done",), [status for status in WORK if status != "rejected"])
    )
    return WorkPage(
        rows=tuple(rows),
        total=len(every),
        late=sum(work.late(today) for work in every),
        owners=tuple(sorted({work.owner for work in every if work.owner})),
        done=score_words(done.score) if done else "",
        planned=score_words(planned.score) if planned else "",
        now=score_words(shown(state.reviewed.score)),
    )


def work_csv(rows: Sequence[WorkRow]) -> str:
    """Format the table as CSV."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEADS)
    for row in rows:
        work = row.work
        values = (
            row.tag or work.gone, row.title, work.mitigation.text, work.mitigation.who, work.owner, work.due,
            WORK[work.status], row.base, work.left, work.residual, work.note,
        )  # fmt: skip
        writer.writerow([cell(value) for value in values])
    return out.getvalue()
