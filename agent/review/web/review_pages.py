"""The pages of one review: the draft next to its sources, history, versions, questions, contests, signing, exports."""

import time
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query
from fastapi.responses import RedirectResponse, Response

from agent.errors import ConflictError, InputError, SeptetError, StoreError
from agent.report.formats.questionnaire import Export
from agent.review.domain.acts import now_of, unanswered
from agent.review.domain.effects.compare import words
from agent.review.domain.effects.decisions import ActResult, what_moved, why_not_narrower, why_still
from agent.review.domain.facts.from_answers import question_of
from agent.review.domain.records import Action, ReviewState
from agent.review.domain.response_acts import contest_form
from agent.review.domain.undo import blocking
from agent.review.store.rows import MissingError, together
from agent.review.store.signed import progress
from agent.review.web import context, new_threat
from agent.review.web.context import Acting, At, BroughtIn, Sent, Version, Visit
from agent.review.web.forms import Field, Form, action_of, answer_fields, fields_for, refilled
from agent.review.web.views import wording
from agent.review.web.views.differences import changed
from agent.review.web.views.document import counted, document
from agent.review.web.views.items import Items, ItemView, dom_id
from agent.review.web.views.review import ReviewView, every_quote, question_number
from agent.review.web.views.sources import Quotes, source
from agent.review.web.views.work import SORTS, work_csv, work_page
from agent.taxonomy.layers import LAYERS

Word = Annotated[str, Query(max_length=80)]
ItemName = Annotated[str, Query(max_length=100)]
_BACK: Final = ("questions", "contests", "sign", "mitigations", "history")
"""The pages that are shown again after one of their forms is submitted; forms on all other pages lead to the review
page."""
_WORDED: Final = {
    "note": "Note", "text": "Text", "rule": "Why", "quote": "Quote", "url": "Public page", "sender": "Sender",
    "to": "To", "document": "Source", "start": "From", "end": "To",
}  # fmt: skip
"""Labels of the fields that a refused form shows again, besides those of a correction; other fields stay hidden."""
_MOVING: Final = ("confirm", "correct", "strike", "add", "answer", "manage", "attach")
"""Verbs whose effect is shown on the item's card."""
_NOT_AGAIN: Final = ("version", "seen", "reason", "file")
"""Fields of a refused form that the page fills in itself."""
USES: Final = (
    ("use", "yes, as it is"), ("use with conditions", "yes, with conditions"),
    ("wait for answers", "not until the vendor has answered"),
)  # fmt: skip
"""The decisions that a signer can make on the use of the product."""
router = APIRouter()


# ---------------------------------------------------------------- reading


@router.get("/r/{key}")
def review(at: At, as_of: Version = None, cite: str = "", since: Version = None) -> Response:
    """Show the draft next to its sources, now or as of an event, and what the last act changed."""
    state = at.state if as_of is None else at.service.review(at.key, as_of)
    view = ReviewView(state, at.documents, at.seconds, acts=at.acts and as_of is None, today=at.service.today)
    return at.page(
        "review.html", as_of=as_of, view=view, cite=cite, layers=LAYERS, last=_last(at, state, since),
        what_moved=_moved(at, state, since),
    )  # fmt: skip


@router.get("/r/{key}/source/{document}")
def whole_source(at: At, document: Annotated[str, Path(pattern=r"^D[1-9][0-9]{0,5}$")], cite: str = "") -> Response:
    """Show the whole text of a source."""
    found = next((each for each in at.documents if each.id == document), None)
    if found is None:
        raise MissingError("there is no such source", where=document, hint="see the review's sources")
    return at.page("source.html", source=source(found, at.state.reviewed.evidence, whole=True), cite=cite)


@router.get("/r/{key}/history")
def history(at: At, item: ItemName = "", by: Word = "", since: Version = None) -> Response:
    """Show the events, optionally only those on an item or by a person, with what can be undone."""
    state, every = at.state, at.events
    events = [
        event for event in every
        if (not item or item in (event.item, *together(event))) and (not by or event.reviewer == by)
    ]  # fmt: skip
    # Offer to undo every act that no later act depends on.
    free = [turn.batch for turn in state.undos if blocking(state.undos, turn.batch) is None]
    acts = at.acts and state.stage == "open"
    return at.page(
        "history.html", events=events[::-1], titles=at.titles, item=item, by=by, total=len(every),
        names=sorted({event.reviewer for event in every}), last=_last(at, state, since),
        turned={one.number: wording.undone(one, every, at.titles) for one in events if one.verb in ("undo", "redo")},
        returned=wording.brought_back(every),
        undos={batch: wording.act_words(batch, every, at.titles) for batch in free} if acts else {},
    )  # fmt: skip


@router.get("/r/{key}/compare")
def versions(at: At, a: Version = None, b: Version = None) -> Response:
    """Show the differences between two versions, and who made them."""
    one, two = 0 if a is None else a, at.state.version if b is None else b
    found = at.service.compare(at.key, one, two)
    every = list(changed(at.service.review(at.key, one), at.service.review(at.key, two), found))
    by: dict[str, dict[str, None]] = {}
    for event in at.events[min(one, two) : max(one, two)]:
        for item in (event.item, *together(event)):
            by.setdefault(item, {}).setdefault(event.reviewer)
    return at.page(
        "versions.html", found=found,
        said=[each for each in every if each.differences], decided=[each for each in every if not each.differences],
        choices=wording.version_choices(at.events, at.titles, (one, two)), by=by,
    )  # fmt: skip


# ---------------------------------------------------------------- deciding


@router.get("/r/{key}/questions")
def questions(at: At, since: Version = None) -> Response:
    """Show the questions to the vendor, and what an answer changed."""
    moved = _moved(at, at.state, since)
    return at.page(
        "questions.html", last=_last(at, at.state, since), waiting=at.service.waiting(at.key),
        questions=sorted((one for one in _items(at, at.acts) if one.kind == "question"), key=question_number),
        follows=at.service.follows(at.key), what_moved=moved._replace(item=moved.question or moved.item),
    )  # fmt: skip


@router.get("/r/{key}/contests")
def contests(at: At, since: Version = None, item: ItemName = "") -> Response:
    """Show every contested point next to its item. Quotes are not links, since the page shows no sources."""
    named = {one.item for one in at.state.contests}
    views = {one.id: one for one in _items(at, acts=False) if one.id in named} if named else {}
    for one in views.values():
        one.quotes = tuple(each._replace(linked=False) for each in one.quotes)
    return at.page(
        "contests.html", contests=at.state.contests, titles=at.titles, item=item, views=views,
        last=_last(at, at.state, since), draft=at.state.drafted.id,
    )  # fmt: skip


@router.get("/r/{key}/sign")
def sign(at: At) -> Response:
    """Show the document that would be or was signed, what is missing, and what the signature covers."""
    state = at.state
    left, waived = {one.item.id for one in state.open}, {one.item.id for one in state.waived}
    items = _items(at, at.acts)
    return at.page(
        "sign.html", left=[one for one in items if one.id in left],
        refused=at.service.why_not_sign(at.key, at.reviewer),
        disputed=[one for one in items if one.id in left and one.standing.contested],
        waived=[one for one in items if one.id in waived],
        bulk=[one for one in items if one.standing.bulk and not one.via], unanswered=unanswered(state),
        again=sum(one.earlier for one in state.waived), decisions=USES,
        proposal=state.reviewed.advice.proposal if state.reviewed.advice else "",
        comments=[one for one in items if one.standing.comments], doubts=counted(state.own, at.seconds),
        document=document(state, at.documents, progress(state), at.seconds),
    )  # fmt: skip


@router.get("/r/{key}/mitigations")
def mitigations(
    at: At, status: Word = "", owner: Word = "", late: Word = "", sort: Word = "due", since: Version = None
) -> Response:
    """Show the mitigations of all threats in one table."""
    table = work_page(at.state, at.service.today, status=status, owner=owner, late=late == "yes", sort=sort)
    return at.page(
        "mitigations.html", table=table, sorts=SORTS, acts=at.acts, last=_last(at, at.state, since),
        asked={"status": status, "owner": owner, "late": late, "sort": sort},
    )  # fmt: skip


def _items(at: Visit, acts: bool) -> list[ItemView]:
    quotes = Quotes(at.documents, every_quote(at.state))
    items = Items(at.state, quotes, at.seconds, acts=acts, today=at.service.today)
    return [ItemView(items, one) for one in at.state.items]


# ---------------------------------------------------------------- files


@router.get("/r/{key}/mitigations/csv")
def work(at: At) -> Response:
    """Export the table of mitigations."""
    text = work_csv(work_page(at.state, at.service.today).rows)
    return context.attached(Export(f"{at.key}-mitigations.csv", "text/csv; charset=utf-8", text.encode()))


@router.get("/r/{key}/contest/{item:path}")
def contest_file(at: At, item: str) -> Response:
    """Export a blank response file for contesting an item."""
    if item not in at.titles:
        raise MissingError("there is no such item", where=item[:80], hint="see the ids under “More” on each item")
    text = contest_form(at.state.drafted.id, item, list(at.titles))
    return context.attached(
        Export(f"{at.key}-contest-{item.replace('/', '-')}.yaml", "application/yaml", text.encode())
    )


@router.get("/r/{key}/reply")
def reply(at: At) -> Response:
    """Export the reply to the vendor."""
    text = at.service.reply(at.key)
    return context.attached(Export(f"{at.key}-reply.md", "text/markdown; charset=utf-8", text.encode()))


# ---------------------------------------------------------------- what the last action did


class MovedBy(NamedTuple):
    """The item of the last decision and the resulting changes, line by line; no lines if nothing changed."""

    item: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    question: str = ""
    """Item id of the question that the decision answered, or whose answer it confirmed."""


def _moved(at: Visit, state: ReviewState, since: int | None) -> MovedBy:
    """Return the changes made by the last act; for an answer, there are lines even if nothing changed."""
    if since is None or since >= state.version:
        return MovedBy()
    last = at.events[state.version - 1]
    if not last.item or last.verb not in _MOVING:
        return MovedBy()
    before = at.service.review(at.key, since)
    moved = what_moved(before, state)
    own = last.verb == "answer" or last.item.removeprefix("fact/") in state.answered
    anything = moved.before != moved.after or any(names for _, names in wording.effects(moved))
    question = f"question/{question_of(last.item.partition('/')[2])}" if last.verb == "confirm" else last.item
    why = ""
    if own and question.startswith("question/Q"):
        why = why_still(before, state, question) or why_not_narrower(before, state, question)
    return MovedBy(last.item, wording.moved_lines(moved, why) if own or anything else (), question)


def _last(at: Visit, state: ReviewState, since: int | None) -> str:
    """Describe the last act and its effects for the bar; empty if the address contains no version."""
    if since is None:
        return ""
    if since >= state.version:
        return "Nothing changed: the item already had this decision"
    titles = {one.item.id: one.item.title for one in state.items}
    return wording.answer_to(at.events[: state.version], titles, what_moved(at.service.review(at.key, since), state))


# ---------------------------------------------------------------- acting


@router.post("/r/{key}/act")
def act(form: Sent, at: Acting) -> Response:
    """Store an act and redirect to its item, or show the form again."""
    try:
        action = action_of(form)
        done = at.context.act(at.key, action, at.reviewer)
    except (ConflictError, InputError, StoreError) as error:
        return _again(at, form, error)
    if form.get("seen").isdecimal() and form.get("item"):
        # Count the time from loading the page to sending its form, in case no script measures focus time.
        seconds = min(max(time.time() - float(form.get("seen")[:12]), 0.0), context.LONGEST_LOOK)
        at.service.focus(at.key, form.get("item"), round(seconds, 1), at.reviewer)
    if action.verb == "add":
        at.keep(Form(()))
    return _onwards(at.key, form, action, done)


@router.post("/r/{key}/redraft")
def redraft(form: Sent, at: Acting) -> Response:
    """Redraft with the answers so far."""
    version = form.whole("version")
    at.service.redraft(at.key, at.reviewer, version)
    return RedirectResponse(f"/r/{at.key}/questions?since={version}#last", 303)


@router.post("/r/{key}/response")
def response(brought: BroughtIn, at: Acting) -> Response:
    """Store a response file, or show the form again with its text."""
    version = brought.form.whole("version")
    try:
        at.service.respond(at.key, brought.raw, at.reviewer, version)
    except (ConflictError, InputError, StoreError) as error:
        return _again(at, brought.again, error)
    return RedirectResponse(f"/r/{at.key}/contests?since={version}#last", 303)


def _onwards(key: str, form: Form, action: Action, done: ActResult) -> Response:
    """Redirect to the item of the act, passing the version since which the page reports changes."""
    # An added threat gets its id from the act, and an ability is struck by striking the facts that support it.
    item = done.events[0].item if action.verb in ("add", "strike") and done.events else action.item
    place = f"/{form.get('back')}" if form.get("back") in _BACK else ""
    anchor = dom_id(item) if item else f"section-{action.section}" if action.section else "last"
    if action.verb == "ask":
        place, anchor = "", f"row-key-{action.fields['key']}"
    return RedirectResponse(f"/r/{key}{place}?{urlencode({'since': action.version})}#{anchor}", 303)


class Row(NamedTuple):
    """One field of a conflict in its three versions."""

    name: str
    base: str
    mine: str
    theirs: str


def _again(at: Visit, form: Form, error: SeptetError) -> Response:
    """Show the form again with all values that the reviewer entered; for a conflict, with the three versions."""
    if isinstance(error, MissingError):
        raise error
    status, problem, rows = context.status_of(error), context.problem_of(error), []
    if isinstance(error, ConflictError):
        sides = (error.base, error.mine, error.theirs)
        names = [name for name in {**error.mine, **error.theirs} if name not in ("verb", "version", "marks")]
        every = (Row(name.replace("_", " "), *(words(side.get(name)) for side in sides)) for name in names)
        rows = [row for row in every if not row.base == row.mine == row.theirs]
    elif form.get("verb") == "add":
        at.keep(form)
        return new_threat.page(at, form, status=status, problem=problem)
    verb, one = form.get("verb"), next((each for each in at.state.items if each.item.id == form.get("item")), None)
    fields: tuple[Field, ...] = ()
    if one is not None and verb == "correct":
        fields = refilled(_with_rows(fields_for(one.item.kind, now_of(at.state, one), at.state.reviewed), form), form)
    elif one is not None and verb == "answer":
        fields = refilled(answer_fields(form), form)
    known = {field.name for field in fields}
    rest = [pair for pair in form.pairs if pair[0] not in known and pair[0] not in _NOT_AGAIN]
    return at.page(
        "conflict.html" if isinstance(error, ConflictError) else "refused.html", status, problem=problem, rows=rows,
        item=one.item if one else None, dom=dom_id(one.item.id) if one else "", verb=verb, fields=fields,
        written=[(name, _WORDED[name], value) for name, value in rest if name in _WORDED],
        hidden=[(name, value) for name, value in rest if name not in _WORDED],
        reason=form.get("reason"), file=form.get("file"), target="response" if form.has("file") else "act",
    )  # fmt: skip


def _with_rows(fields: tuple[Field, ...], form: Form) -> tuple[Field, ...]:
    """Add the list rows that the submitted form had in addition to the page's own rows."""
    known = {field.name for field in fields}
    patterns = {field.name.rpartition(".")[2]: field for field in fields if field.name.startswith("mitigations.")}
    more = [
        patterns[name.rpartition(".")[2]]._replace(name=name, value="")
        for name, _ in form.pairs
        if name.startswith("mitigations.") and name not in known and name.rpartition(".")[2] in patterns
    ]
    listed = next((field for field in fields if field.kind == "listed"), None)
    if listed is not None:
        more += [
            listed._replace(name=name, value="")
            for name, _ in form.pairs
            if name.startswith("taxonomy.") and name not in known
        ]
    return (*fields, *more)
