"""What the review pages send: one act, and the page that answers when it was refused, with nothing lost."""

import time
from typing import Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from agent.errors import ConflictError, InputError, SeptetError, StoreError
from agent.review.acts import now_of
from agent.review.compare import words
from agent.review.decisions import ActResult
from agent.review.records import Action, Reviewer, ReviewState
from agent.review.web.desk import (
    LONGEST_LOOK,
    NOT_FOUND,
    Analyst,
    BroughtIn,
    Desk,
    Key,
    Sent,
    of_review,
    problem_of,
    status_of,
)
from agent.review.web.forms import Field, Form, action_of, fields_for, refilled, threat_fields
from agent.review.web.shown import bar
from agent.review.web.shown_items import dom_id
from agent.taxonomy.keys import LAYERS

_BACK: Final = {"questions": "/questions", "contests": "/contests", "sign": "/sign"}
"""Where a page's forms lead back to; the review page without one."""
_WORDED: Final = {
    "note": "Note", "text": "Text", "rule": "Why", "quote": "Quote", "url": "Public page", "sender": "Sender",
    "to": "To", "document": "Source", "start": "From", "end": "To",
}  # fmt: skip
"""Fields of a refused form that are shown again, beside those of a correction."""
_FRAME: Final = ("version", "seen")


class Row(NamedTuple):
    """One field of a conflict, three times."""

    name: str
    base: str
    mine: str
    theirs: str


def routes(desk: Desk) -> APIRouter:
    """The routes of these acts."""
    router = APIRouter()

    @router.post("/r/{key}/act")
    def act(request: Request, key: Key, form: Sent, reviewer: Analyst) -> Response:
        try:
            action = action_of(form)
            done = of_review(key, lambda: desk.service.act(key, action, reviewer))
        except ConflictError as error:
            return _conflict(desk, request, key, form, error)
        except (InputError, StoreError) as error:
            if status_of(error) == NOT_FOUND:
                raise
            return _refused(desk, request, key, form, error)
        _look(desk, key, form, reviewer)
        return _onwards(key, form, action, done)

    @router.post("/r/{key}/redraft")
    def redraft(request: Request, key: Key, form: Sent, reviewer: Analyst) -> Response:
        version = form.whole("version")
        of_review(key, lambda: desk.service.redraft(key, reviewer, version))
        return RedirectResponse(f"/r/{key}/questions?since={version}#last", 303)

    @router.post("/r/{key}/response")
    def response(request: Request, key: Key, brought: BroughtIn, reviewer: Analyst) -> Response:
        form, version = brought.again, brought.form.whole("version")
        try:
            of_review(key, lambda: desk.service.respond(key, brought.raw, reviewer, version))
        except ConflictError as error:
            return _conflict(desk, request, key, form, error)
        except (InputError, StoreError) as error:
            if status_of(error) == NOT_FOUND:
                raise
            return _refused(desk, request, key, form, error)
        return RedirectResponse(f"/r/{key}/contests?since={version}#last", 303)

    return router


def _onwards(key: str, form: Form, action: Action, done: ActResult) -> Response:
    """To the item that was acted on, with the version from which on the page says what moved."""
    place = _BACK.get(form.get("back"), "")
    item = done.events[0].item if action.verb == "add" and done.events else action.item
    since = urlencode({"since": action.version})
    anchor = dom_id(item) if item else f"section-{action.section}" if action.section else "last"
    return RedirectResponse(f"/r/{key}{place}?{since}#{anchor}", 303)


def _look(desk: Desk, key: str, form: Form, reviewer: Reviewer) -> None:
    """Where no script measures it: the time between the page and what was sent from it."""
    if form.get("seen").isdecimal() and form.get("item"):
        seconds = min(max(time.time() - float(form.get("seen")[:12]), 0.0), LONGEST_LOOK)
        desk.service.focus(key, form.get("item"), round(seconds, 1), reviewer)


def _refused(desk: Desk, request: Request, key: str, form: Form, error: SeptetError) -> Response:
    """The form again, with everything that was written into it."""
    state = desk.review(key)
    shown = bar(state, desk.service.focus_by_item(key), desk.service.pace())
    if form.get("verb") == "add":
        documents = [(each.id, each.title or each.url) for each in desk.service.documents(key)]
        return desk.page(
            request, "add.html", status_of(error), bar=shown, fields=_rows_too(form, state), layers=LAYERS,
            layer=form.get("layer"), documents=documents, problem=problem_of(error), sent=form,
        )  # fmt: skip
    return desk.page(
        request, "refused.html", status_of(error), bar=shown, problem=problem_of(error), **_again(form, state)
    )  # fmt: skip


def _conflict(desk: Desk, request: Request, key: str, form: Form, error: ConflictError) -> Response:
    """Three versions side by side, and the form with the reviewer's own, to be saved over the other or merged."""
    state = desk.review(key)
    mine, theirs, base = error.mine, error.theirs, error.base
    names = [name for name in {**mine, **theirs} if name not in ("verb", "version", "marks")]
    rows = [Row(name.replace("_", " "), *(words(side.get(name)) for side in (base, mine, theirs))) for name in names]
    return desk.page(
        request,
        "conflict.html",
        status_of(error),
        bar=bar(state, desk.service.focus_by_item(key), desk.service.pace()),
        problem=problem_of(error),
        rows=[row for row in rows if not row.base == row.mine == row.theirs],
        **_again(form, state),
    )


def _again(form: Form, state: ReviewState) -> dict[str, object]:
    """The form as it was sent: fields of a correction, other fields that were written, and the rest, hidden."""
    one = next((each for each in state.items if each.item.id == form.get("item")), None)
    fields: tuple[Field, ...] = ()
    if one is not None and form.get("verb") == "correct":
        fields = refilled(_with_rows(fields_for(one.item.kind, now_of(state, one), state.reviewed), form), form)
    named = {field.name for field in fields}
    rest = [pair for pair in form.pairs if pair[0] not in named and pair[0] not in _FRAME and pair[0] != "reason"]
    return {
        "item": one.item if one else None,
        "dom": dom_id(one.item.id) if one else "",
        "verb": form.get("verb"),
        "fields": fields,
        "written": [(name, _WORDED[name], value) for name, value in rest if name in _WORDED],
        "hidden": [(name, value) for name, value in rest if name not in _WORDED and name != "file"],
        "reason": form.get("reason"),
        "file": form.get("file"),
        "target": "response" if form.has("file") else "act",
    }


def _rows_too(form: Form, state: ReviewState) -> tuple[Field, ...]:
    return refilled(_with_rows(threat_fields({}, state.reviewed), form), form)


def _with_rows(fields: tuple[Field, ...], form: Form) -> tuple[Field, ...]:
    """The fields, with rows of lists that the form had beyond those of the page."""
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
