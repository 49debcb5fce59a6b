"""The pages of one review: the draft next to its sources, history, versions, questions, contests, signing, exports."""

import time
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, RedirectResponse, Response

from agent.errors import ConflictError, InputError, SeptetError, StoreError
from agent.report.formats.questionnaire import Export, Format
from agent.review.domain.acts import now_of, unanswered
from agent.review.domain.effects.compare import words
from agent.review.domain.effects.decisions import ActResult, what_moved, why_not_narrower, why_still
from agent.review.domain.facts.from_answers import question_of
from agent.review.domain.records import Action, Event, Reviewer, ReviewState
from agent.review.domain.response_acts import contest_form
from agent.review.domain.undo import blocking
from agent.review.store.signed import progress
from agent.review.web import new_threat
from agent.review.web.context import (
    LONGEST_LOOK,
    NOT_FOUND,
    Analyst,
    BroughtIn,
    Context,
    Key,
    NotHereError,
    Sent,
    Who,
    of_review,
    problem_of,
    reviewer_of,
    status_of,
)
from agent.review.web.forms import Field, Form, action_of, answer_fields, fields_for, refilled
from agent.review.web.views.differences import changed
from agent.review.web.views.document import counted, document
from agent.review.web.views.items import Items, ItemView, dom_id
from agent.review.web.views.review import Bar, bar, every_quote, question_number, review_view, score_view
from agent.review.web.views.sources import Quotes, source
from agent.review.web.views.wording import (
    act_words,
    answer_to,
    brought_back,
    moved_lines,
    together,
    undone,
    version_choices,
)
from agent.review.web.views.work import SORTS, work_csv, work_page
from agent.taxonomy.layers import LAYERS

_SOURCE: Final = r"^D[1-9][0-9]{0,5}$"
Version = Annotated[int | None, Query(ge=0, le=10_000_000)]
Word = Annotated[str, Query(max_length=80)]
_BACK: Final = {
    "questions": "/questions", "contests": "/contests", "sign": "/sign", "mitigations": "/mitigations",
    "history": "/history",
}  # fmt: skip
"""The pages to which their own forms return; forms of all other pages return to the review page."""
_WORDED: Final = {
    "note": "Note", "text": "Text", "rule": "Why", "quote": "Quote", "url": "Public page", "sender": "Sender",
    "to": "To", "document": "Source", "start": "From", "end": "To",
}  # fmt: skip
"""Labels for fields of a refused form that are shown again, in addition to those of a correction."""
_MOVING: Final = ("confirm", "correct", "strike", "add", "answer", "manage", "attach")
"""Verbs whose effect is shown on the item's card."""
_FRAME: Final = ("version", "seen")
USES: Final = (
    ("use", "use it as it is"), ("use with conditions", "use it with conditions"),
    ("wait for answers", "not before the vendor has answered"),
)  # fmt: skip
"""The decisions on the use of the product that a signer can make."""


def routes(context: Context) -> APIRouter:
    """Create the routes of these pages."""
    router = APIRouter()
    _reading(router, context)
    _deciding(router, context)
    _working(router, context)
    _files(router, context)
    return router


def _bar(context: Context, state: ReviewState, as_of: int | None = None) -> Bar:
    return bar(state, context.service.focus_by_item(state.key), context.service.pace(), as_of=as_of)


def _reading(router: APIRouter, context: Context) -> None:
    @router.get("/r/{key}")
    def review(
        request: Request, key: Key, reviewer: Who, as_of: Version = None, cite: str = "", since: Version = None
    ) -> Response:
        state = context.review(key, as_of)
        view = review_view(
            state,
            context.service.documents(key),
            context.service.focus_by_item(key),
            context.service.pace(),
            as_of=as_of,
            acts=reviewer.role != "viewer",
            today=context.service.today,
        )
        return context.page(
            request, "review.html", bar=view.bar, view=view, cite=cite, last=_last(context, state, since),
            layers=LAYERS, what_moved=_moved(context, state, since),
        )  # fmt: skip

    @router.get("/r/{key}/source/{document}")
    def whole_source(
        request: Request, key: Key, document: Annotated[str, Path(pattern=_SOURCE)], reviewer: Who, cite: str = ""
    ) -> Response:
        state = context.review(key)
        found = next((each for each in context.service.documents(key) if each.id == document), None)
        if found is None:
            raise NotHereError("there is no such source", where=document, hint="see the review's sources")
        shown = source(found, state.reviewed.evidence, whole=True)
        return context.page(request, "source.html", bar=_bar(context, state), source=shown, cite=cite)

    @router.get("/r/{key}/history")
    def history(
        request: Request, key: Key, reviewer: Who, item: Annotated[str, Query(max_length=100)] = "", by: Word = "",
        since: Version = None,
    ) -> Response:  # fmt: skip
        state = context.review(key)
        every, titles = context.service.history(key), {one.item.id: one.item.title for one in state.items}
        events = _picked(every, item, by)
        turned = {one.number: undone(one, every, titles) for one in events if one.verb in ("undo", "redo")}
        return context.page(
            request, "history.html", bar=_bar(context, state), events=events[::-1], titles=titles, item=item, by=by,
            names=sorted({event.reviewer for event in every}), total=len(every), turned=turned,
            returned=brought_back(every), last=_last(context, state, since),
            undos=_undos(state, every, titles) if reviewer.role != "viewer" and state.stage == "open" else {},
        )  # fmt: skip

    @router.get("/r/{key}/compare")
    def versions(request: Request, key: Key, reviewer: Who, a: Version = None, b: Version = None) -> Response:
        state = context.review(key)
        one, two = (0 if a is None else a), (state.version if b is None else b)
        found = context.versions(key, one, two)
        every = changed(context.review(key, one), context.review(key, two), found)
        titles, events = {each.item.id: each.item.title for each in state.items}, context.service.history(key)
        return context.page(
            request, "versions.html", bar=_bar(context, state), found=found,
            scores=(score_view(found.before), score_view(found.after)),
            said=[each for each in every if each.differences], decided=[each for each in every if not each.differences],
            choices=version_choices(events, titles, (one, two)), by=_by(events, one, two),
        )  # fmt: skip


def _picked(every: Sequence[Event], item: str, by: str) -> list[Event]:
    """Return the events on an item by a person; an empty `item` or `by` matches all."""
    told = (event for event in every if not item or item in (event.item, *together(event)))
    return [event for event in told if not by or event.reviewer == by]


def _deciding(router: APIRouter, context: Context) -> None:
    @router.get("/r/{key}/questions")
    def questions(request: Request, key: Key, reviewer: Who, since: Version = None) -> Response:
        state = context.review(key)
        asked = [one for one in _items(context, state, reviewer.role != "viewer") if one.kind == "question"]
        asked.sort(key=question_number)
        moved = _moved(context, state, since)
        return context.page(
            request, "questions.html", bar=_bar(context, state), questions=asked, last=_last(context, state, since),
            waiting=context.service.waiting(key), follows=context.service.follows(key),
            what_moved=moved._replace(item=moved.question or moved.item),
        )  # fmt: skip

    @router.get("/r/{key}/contests")
    def contests(
        request: Request, key: Key, reviewer: Who, since: Version = None,
        item: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:  # fmt: skip
        state = context.review(key)
        titles = {one.item.id: one.item.title for one in state.items}
        return context.page(
            request, "contests.html", bar=_bar(context, state), contests=state.contests, titles=titles, item=item,
            last=_last(context, state, since), draft=state.drafted.id,
            views=_contested(context, state),
        )  # fmt: skip

    @router.get("/r/{key}/sign")
    def sign(request: Request, key: Key, reviewer: Who) -> Response:
        state = context.review(key)
        left = {one.item.id for one in state.open}
        items = _items(context, state, reviewer.role != "viewer")
        return context.page(
            request, "sign.html", bar=_bar(context, state), left=[one for one in items if one.id in left],
            refused=context.service.why_not_sign(key, reviewer),
            disputed=[one for one in items if one.id in left and one.contested],
            waived=[one for one in items if one.id in {each.item.id for each in state.waived}],
            bulk=[one for one in items if one.bulk and not one.via], unanswered=unanswered(state),
            again=sum(one.earlier for one in state.waived), decisions=USES,
            proposal=state.reviewed.advice.proposal if state.reviewed.advice else "",
            comments=[one for one in items if one.comments],
            doubts=counted(state, opened := context.service.focus_by_item(key)),
            document=document(state, context.service.documents(key), progress(state), opened),
        )  # fmt: skip


def _working(router: APIRouter, context: Context) -> None:
    @router.get("/r/{key}/mitigations")
    def mitigations(
        request: Request, key: Key, reviewer: Who, status: Word = "", owner: Word = "", late: Word = "",
        sort: Word = "due", since: Version = None,
    ) -> Response:  # fmt: skip
        state = context.review(key)
        table = work_page(state, context.service.today, status=status, owner=owner, late=late == "yes", sort=sort)
        return context.page(
            request, "mitigations.html", bar=_bar(context, state), table=table, sorts=SORTS,
            asked={"status": status, "owner": owner, "late": late, "sort": sort}, acts=reviewer.role != "viewer",
            last=_last(context, state, since),
        )  # fmt: skip

    @router.get("/r/{key}/mitigations/csv")
    def work(key: Key, reviewer: Who) -> Response:
        rows = work_page(context.review(key), context.service.today).rows
        return _file(Export(f"{key}-mitigations.csv", "text/csv; charset=utf-8", work_csv(rows).encode()))


def _by(events: Sequence[Event], one: int, two: int) -> dict[str, list[str]]:
    """Return the people who acted on each item between two versions, in order, by item."""
    found: dict[str, list[str]] = {}
    low, high = sorted((one, two))
    for event in events:
        for item in (event.item, *together(event)) if low < event.number <= high else ():
            if event.reviewer not in found.setdefault(item, []):
                found[item].append(event.reviewer)
    return found


def _undos(state: ReviewState, events: Sequence[Event], titles: Mapping[str, str]) -> dict[int, str]:
    """Describe every act that no later act depends on, by its number."""
    free = [turn.batch for turn in state.undos if blocking(state.undos, turn.batch) is None]
    return {batch: act_words(batch, events, titles) for batch in free}


def _files(router: APIRouter, context: Context) -> None:
    @router.get("/r/{key}/contest/{item:path}")
    def contest_file(key: Key, item: str, reviewer: Who) -> Response:
        state = context.review(key)
        items = [one.item.id for one in state.items]
        if item not in items:
            raise NotHereError("there is no such item", where=item[:80], hint="its id stands beside it")
        name = f"{key}-contest-{item.replace('/', '-')}.yaml"
        return _file(Export(name, "application/yaml", contest_form(state.drafted.id, item, items).encode()))

    @router.get("/r/{key}/export/{format_}")
    def export(key: Key, format_: Literal["md", "html", "json"], reviewer: Who) -> Response:
        return _file(of_review(key, lambda: context.service.export(key, format_)))

    @router.get("/r/{key}/questionnaire/{format_}")
    def questionnaire(key: Key, format_: Format, reviewer: Who) -> Response:
        return _file(of_review(key, lambda: context.service.questionnaire(key, format_)))

    @router.get("/r/{key}/reply")
    def reply(key: Key, reviewer: Who) -> Response:
        text = of_review(key, lambda: context.service.reply(key))
        return _file(Export(f"{key}-reply.md", "text/markdown; charset=utf-8", text.encode()))


def _file(export: Export) -> Response:
    """Return a file as a download: browsers never display it as a page of the app."""
    headers = {"content-disposition": f'attachment; filename="{export.name}"'}
    return PlainTextResponse(export.data, media_type=export.media_type, headers=headers)


def _items(context: Context, state: ReviewState, acts: bool) -> list[ItemView]:
    quotes = Quotes(context.service.documents(state.key), every_quote(state))
    items = Items(state, quotes, context.service.focus_by_item(state.key), {}, acts=acts, today=context.service.today)
    return [items.of(one) for one in state.items]


def _contested(context: Context, state: ReviewState) -> dict[str, ItemView]:
    """Return every contested item by id. Its quotes are not links, since the page shows no sources."""
    named = {one.item for one in state.contests}
    views = [one for one in _items(context, state, acts=False) if one.id in named] if named else []
    return {
        one.id: one._replace(quotes=tuple(each._replace(linked=False) for each in one.quotes)) for one in views
    }  # fmt: skip


class MovedBy(NamedTuple):
    """The item of the last decision and the resulting changes, line by line; no lines if nothing changed."""

    item: str = ""
    lines: tuple[tuple[str, str], ...] = ()
    question: str = ""
    """The item of the question that the decision answered or confirmed."""


def _moved(context: Context, state: ReviewState, since: int | None) -> MovedBy:
    """Return the changes by the last act; for an answer there are lines even if nothing changed."""
    if since is None or since >= state.version:
        return MovedBy()
    last = next(event for event in reversed(context.service.history(state.key)) if event.number <= state.version)
    if not last.item or last.verb not in _MOVING:
        return MovedBy()
    before = context.review(state.key, since)
    moved = what_moved(before, state)
    own = last.verb == "answer" or last.item.removeprefix("fact/") in state.answered
    told = (moved.causes, moved.falls, moved.alters, moved.returns, moved.comes, moved.reopens)
    anything = moved.before != moved.after or any(told)
    question = f"question/{question_of(last.item.partition('/')[2])}" if last.verb == "confirm" else last.item
    why = ""
    if own and question.startswith("question/Q"):
        why = why_still(before, state, question) or why_not_narrower(before, state, question)
    return MovedBy(last.item, moved_lines(moved, why) if own or anything else (), question)


def _last(context: Context, state: ReviewState, since: int | None) -> str:
    """Describe the last act and its effects for the bar; empty if the address names no version."""
    if since is None:
        return ""
    if since >= state.version:
        return "Nothing changed: it stands like that already"
    events = [event for event in context.service.history(state.key) if event.number <= state.version]
    titles = {one.item.id: one.item.title for one in state.items}
    return answer_to(events, titles, what_moved(context.review(state.key, since), state))


class Row(NamedTuple):
    """One field of a conflict in its three versions."""

    name: str
    base: str
    mine: str
    theirs: str


def act_routes(context: Context) -> APIRouter:
    """Create the routes that store acts."""
    router = APIRouter()

    @router.post("/r/{key}/act")
    def act(request: Request, key: Key, form: Sent, reviewer: Analyst) -> Response:
        try:
            action = action_of(form)
            done = context.act(key, action, reviewer)
        except ConflictError as error:
            return _conflict(context, request, key, form, error)
        except (InputError, StoreError) as error:
            if status_of(error) == NOT_FOUND:
                raise
            return _refused(context, request, key, form, error)
        _look(context, key, form, reviewer)
        if action.verb == "add":
            context.unfinished.keep(key, reviewer, Form(()))
        return _onwards(key, form, action, done)

    @router.post("/r/{key}/redraft")
    def redraft(request: Request, key: Key, form: Sent, reviewer: Analyst) -> Response:
        version = form.whole("version")
        of_review(key, lambda: context.service.redraft(key, reviewer, version))
        return RedirectResponse(f"/r/{key}/questions?since={version}#last", 303)

    @router.post("/r/{key}/response")
    def response(request: Request, key: Key, brought: BroughtIn, reviewer: Analyst) -> Response:
        form, version = brought.again, brought.form.whole("version")
        try:
            of_review(key, lambda: context.service.respond(key, brought.raw, reviewer, version))
        except ConflictError as error:
            return _conflict(context, request, key, form, error)
        except (InputError, StoreError) as error:
            if status_of(error) == NOT_FOUND:
                raise
            return _refused(context, request, key, form, error)
        return RedirectResponse(f"/r/{key}/contests?since={version}#last", 303)

    return router


def _onwards(key: str, form: Form, action: Action, done: ActResult) -> Response:
    """Redirect to the item of the act, passing the version since which the page reports changes."""
    place = _BACK.get(form.get("back"), "")
    # An added threat gets its id from the act, and an ability is struck by striking the facts that support it.
    item = done.events[0].item if action.verb in ("add", "strike") and done.events else action.item
    since = urlencode({"since": action.version})
    if action.verb == "ask":
        return RedirectResponse(f"/r/{key}?{since}#row-key-{action.fields['key']}", 303)
    anchor = dom_id(item) if item else f"section-{action.section}" if action.section else "last"
    return RedirectResponse(f"/r/{key}{place}?{since}#{anchor}", 303)


def _look(context: Context, key: str, form: Form, reviewer: Reviewer) -> None:
    """Record the time from loading a page to sending its form, in case no script measures focus time."""
    if form.get("seen").isdecimal() and form.get("item"):
        seconds = min(max(time.time() - float(form.get("seen")[:12]), 0.0), LONGEST_LOOK)
        context.service.focus(key, form.get("item"), round(seconds, 1), reviewer)


def _refused(context: Context, request: Request, key: str, form: Form, error: SeptetError) -> Response:
    """Show the form again with all values that the reviewer entered."""
    if form.get("verb") == "add":
        context.unfinished.keep(key, reviewer_of(request), form)
        return new_threat.page(context, request, key, form, status=status_of(error), problem=problem_of(error))
    state = context.review(key)
    shown = bar(state, context.service.focus_by_item(key), context.service.pace())
    return context.page(
        request, "refused.html", status_of(error), bar=shown, problem=problem_of(error), **_again(form, state)
    )  # fmt: skip


def _conflict(context: Context, request: Request, key: str, form: Form, error: ConflictError) -> Response:
    """Show the three versions side by side, with the reviewer's own form for overwriting or merging."""
    state = context.review(key)
    mine, theirs, base = error.mine, error.theirs, error.base
    names = [name for name in {**mine, **theirs} if name not in ("verb", "version", "marks")]
    rows = [Row(name.replace("_", " "), *(words(side.get(name)) for side in (base, mine, theirs))) for name in names]
    return context.page(
        request,
        "conflict.html",
        status_of(error),
        bar=bar(state, context.service.focus_by_item(key), context.service.pace()),
        problem=problem_of(error),
        rows=[row for row in rows if not row.base == row.mine == row.theirs],
        **_again(form, state),
    )


def _again(form: Form, state: ReviewState) -> dict[str, object]:
    """Return the form as it was sent: fields of a correction, other visible fields, and the rest, hidden."""
    one = next((each for each in state.items if each.item.id == form.get("item")), None)
    fields: tuple[Field, ...] = ()
    if one is not None and form.get("verb") == "correct":
        fields = refilled(_with_rows(fields_for(one.item.kind, now_of(state, one), state.reviewed), form), form)
    elif one is not None and form.get("verb") == "answer":
        fields = refilled(answer_fields(form), form)
    named = {field.name for field in fields}
    rest = [pair for pair in form.pairs if pair[0] not in named and pair[0] not in _FRAME and pair[0] != "reason"]
    return {
        "item": one.item if one else None,
        "dom": dom_id(one.item.id) if one else "",
        "verb": form.get("verb"),
        "fields": fields,
        "written": [(name, words, value) for name, value in rest if (words := _worded(name, value))],
        "hidden": [(name, value) for name, value in rest if not _worded(name, value) and name != "file"],
        "reason": form.get("reason"),
        "file": form.get("file"),
        "target": "response" if form.has("file") else "act",
    }


def _worded(name: str, value: str) -> str:
    """Return the label of a field that is shown again, or an empty string for a hidden field."""
    return _WORDED.get(name, "")


def _with_rows(fields: tuple[Field, ...], form: Form) -> tuple[Field, ...]:
    """Add list rows that the form had beyond those of the page."""
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
