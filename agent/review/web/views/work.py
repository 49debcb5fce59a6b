"""The mitigations of all threats in one table: owner, due date, status and residual severity of each."""

import csv
import io
from collections.abc import Sequence
from typing import Final

from agent.errors import InputError
from agent.records import Mitigation, Record
from agent.report.safe_csv import cell
from agent.report.sentences import tenth
from agent.report.view import View
from agent.review.domain.effects.decisions import score_words
from agent.review.domain.items import threats_of
from agent.review.domain.mitigations import WORK, Left, Work, left_with, work_left_over, work_of
from agent.review.domain.records import ReviewState
from agent.review.domain.rescore import shown

SORTS: Final = {"due": "Due", "threat": "Threat", "owner": "Owner", "status": "Status"}
_NEVER: Final = "9999"
"""A placeholder that sorts after every date."""
_HEADS: Final = (
    "threat", "title", "mitigation", "who", "owner", "due", "status", "base", "base with it", "vector with it", "note",
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
    """The table, and the sums above it."""

    rows: tuple[WorkRow, ...]
    total: int
    late: int
    """The number of late mitigations among all, not only among those shown."""
    owners: tuple[str, ...]
    done: str
    """The product's score with all mitigations that are done; empty if no vector states it."""
    planned: str
    """The product's score with every mitigation that is not rejected."""
    now: str


def work_view(state: ReviewState, work: Work, today: str) -> WorkView:
    """Build the view of a mitigation, with the residual if it were the only one."""
    left = left_with(state, [work])
    return WorkView(
        threat=work.threat, mitigation=work.mitigation, owner=work.owner, due=work.due, status=work.status,
        note=work.note, residual=work.residual, gone=work.gone, known=work.known, left=work.left,
        product=score_words(left.score) if left else "", is_late=work.late(today),
    )  # fmt: skip


def work_page(
    state: ReviewState, today: str, *, status: str = "", owner: str = "", late: bool = False, sort: str = "due"
) -> WorkPage:
    """Build the table of a review, filtered and sorted. Raises InputError for an unknown status or order."""
    if status and status not in WORK:
        raise InputError("there is no such status", where="status", hint=", ".join(WORK))
    if sort not in SORTS:
        raise InputError("the table has no such order", where="sort", hint=", ".join(SORTS))
    every = [*work_of(state), *work_left_over(state)]
    rows = [
        row for row in _rows(state, every, today)
        if (not status or row.work.status == status)
        and (not owner or row.work.owner == owner)
        and (not late or row.work.is_late)
    ]  # fmt: skip
    steps = list(WORK)
    orders = {
        "due": lambda row: row.work.due or _NEVER,
        "threat": lambda row: "",
        "owner": lambda row: (not row.work.owner, row.work.owner.casefold()),
        "status": lambda row: steps.index(row.work.status),
    }
    rows.sort(key=orders[sort])
    return WorkPage(
        rows=tuple(rows),
        total=len(every),
        late=sum(work.late(today) for work in every),
        owners=tuple(sorted({work.owner for work in every if work.owner})),
        done=_left_words(left_with(state, [work for work in every if work.status == "done"])),
        planned=_left_words(left_with(state, [work for work in every if work.status != "rejected"])),
        now=score_words(shown(state.reviewed.score)),
    )


def _left_words(left: Left | None) -> str:
    return score_words(left.score) if left else ""


def _rows(state: ReviewState, every: Sequence[Work], today: str) -> list[WorkRow]:
    """Build the rows in the order of the report, with those whose threat is gone last."""
    places = {placed.threat.id: at for at, placed in enumerate(View(state.reviewed).threats)}
    standing = threats_of(state.reviewed)
    titles = {one.item.id: one.item.title for one in state.items}
    ordered = sorted(every, key=lambda work: (bool(work.gone), places.get(work.threat, len(places))))
    made = []
    for work in ordered:
        threat = standing.get(work.threat)
        item = f"threat/{work.threat}"
        made.append(
            WorkRow(
                work=work_view(state, work, today),
                tag=state.tag(work.threat) if work.threat in places else "",
                title=titles.get(item, work.threat),
                item=item if item in titles else "",
                base=tenth(threat.score.cvss_base) if threat else "",
                vector=threat.score.cvss_vector if threat else "",
            )
        )
    return made


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
