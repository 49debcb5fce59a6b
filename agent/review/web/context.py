"""Code shared by all routes: the service, the reviewer, the form and review of a request, and error responses."""

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Path, Query, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from agent import errors
from agent.errors import InputError, RefusedError, SeptetError
from agent.records import Document, Record
from agent.report.formats.questionnaire import Export
from agent.review.domain.effects.decisions import ActResult
from agent.review.domain.records import Action, Event, Reviewer, ReviewState
from agent.review.domain.undo import own_undo
from agent.review.service import Service
from agent.review.store.cache import LruCache
from agent.review.store.rows import MissingError
from agent.review.web.access import MAX_BODY, Access
from agent.review.web.forms import Brought, Form, sound
from agent.review.web.templating import render
from agent.review.web.views.review import Bar
from agent.review.web.views.wording import act_words

_STATUS: Final[tuple[tuple[type[SeptetError], int], ...]] = (
    (MissingError, 404),
    (errors.ConflictError, 409),
    (errors.FullError, 507),
    (errors.StoreError, 503),
    (errors.IntegrityError, 500),
    (RefusedError, 403),
    (InputError, 422),
)
FORM: Final = "application/x-www-form-urlencoded"
UPLOAD: Final = "multipart/form-data"
MAX_PARTS: Final = 20
"""Maximum number of fields in a form that contains a file."""
KEPT_FORMS: Final = 40
LONGEST_LOOK: Final = 120
"""The maximum focus time, in seconds, that one request can report."""

Key = Annotated[str, Path(pattern=r"^r[1-9][0-9]{0,8}$", description="The review's key, as in r1.", examples=["r1"])]
Version = Annotated[int | None, Query(ge=0, le=10_000_000)]


class Problem(Record):
    """The reason why a request failed. Nothing was stored."""

    error: str
    where: str = ""
    """The affected field, item or file."""
    hint: str = ""
    """The suggested remedy."""


class Versions(Problem):
    """A conflict between two people's changes to one item: the requested values, the current ones, and their common
    base."""

    mine: dict[str, object]
    theirs: dict[str, object]
    base: dict[str, object]


def status_of(error: SeptetError) -> int:
    """Return the HTTP status for an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def problem_of(error: SeptetError) -> Problem:
    """Convert an error to the record that the JSON API returns for it."""
    told = {"error": error.what, "where": error.where, "hint": error.hint}
    if isinstance(error, errors.ConflictError):
        return Versions(**told, mine=dict(error.mine), theirs=dict(error.theirs), base=dict(error.base))
    return Problem(**told)


class Context(NamedTuple):
    """The resources shared by all routes."""

    service: Service
    access: Access
    assets: Mapping[str, str]
    """Addresses of the static files by name."""
    unfinished: LruCache[tuple[str, str], Form]
    """The last form for a new threat, by review and reviewer."""

    def page(
        self, request: Request, template: str, status: int = 200, *, acted: Sequence[Event] = (), **values: object
    ) -> HTMLResponse:
        """Render a page with the values that all pages need; `acted` are the events of the review shown, if any."""
        reviewer = reviewer_of(request)
        text = render(
            template, assets=self.assets, reviewer=reviewer, now=int(time.time()), path=request.url.path,
            people=[name for name in self.people(acted) if name != reviewer.name], **values,
        )  # fmt: skip
        return HTMLResponse(text, status)

    def people(self, events: Sequence[Event] = ()) -> list[str]:
        """Return the names of everyone who has a session, has been invited, or acted in the `events` of a review."""
        known = (*self.access.sessions.values(), *self.access.tokens.values())
        return sorted({event.reviewer for event in events} | {one.name for one in known})

    def act(self, key: str, action: Action, reviewer: Reviewer) -> ActResult:
        """Store a requested act, as `Service.act` does. Raises InputError for a comment to an unknown person."""
        to = action.fields.get("to") if action.verb == "comment" else None
        if to and to not in (names := self.people(self.service.history(key))):
            hint = f"choose {' or '.join(names)}, or invite them under People first"
            raise InputError(f"there is no reviewer called {str(to)[:80]!r}", where="to", hint=hint)
        return self.service.act(key, action, reviewer)


async def context_of(request: Request) -> Context:
    """Return the resources of the app that handles a request."""
    found: Context = request.app.state.context
    return found


def reviewer_of(request: Request) -> Reviewer:
    """Return the reviewer of the session. Raises RefusedError if there is no session."""
    found = getattr(request.state, "reviewer", None)
    if not isinstance(found, Reviewer):
        raise RefusedError("no session", where="the request", hint="open the link that `septet review` printed")
    return found


def analyst_of(request: Request) -> Reviewer:
    """Return the session's reviewer, for acts not allowed to viewers. Raises RefusedError for a viewer."""
    found = reviewer_of(request)
    if found.role == "viewer":
        raise RefusedError("a viewer cannot change anything", where=found.name, hint="ask for the analyst role")
    return found


Ctx = Annotated[Context, Depends(context_of)]
Who = Annotated[Reviewer, Depends(reviewer_of)]
Analyst = Annotated[Reviewer, Depends(analyst_of)]


class Visit:
    """A request for one review: the reviewer, the review as it is now, and its pages."""

    def __init__(self, request: Request, key: str, reviewer: Reviewer, context: Context) -> None:
        self.request, self.key, self.reviewer, self.context = request, key, reviewer, context
        self.service = context.service
        self.acts = reviewer.role != "viewer"
        """Whether the reviewer may act."""

    @cached_property
    def state(self) -> ReviewState:
        """The newest state of the review. Raises MissingError for an unknown review."""
        return self.service.review(self.key)

    @cached_property
    def documents(self) -> tuple[Document, ...]:
        """The sources."""
        return self.service.documents(self.key)

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """All events, oldest first."""
        return self.service.history(self.key)

    @cached_property
    def seconds(self) -> Mapping[str, float]:
        """The focus times in seconds, by item."""
        return self.service.focus_by_item(self.key)

    @cached_property
    def titles(self) -> Mapping[str, str]:
        """The titles of the items, by item id."""
        return {one.item.id: one.item.title for one in self.state.items}

    @property
    def unfinished(self) -> Form:
        """The reviewer's last submitted form for a new threat; without fields if there is none."""
        return self.context.unfinished.get((self.key, self.reviewer.name), lambda: Form(()))

    def keep(self, form: Form) -> None:
        """Store a submitted form for a new threat; a form without fields clears it."""
        self.context.unfinished.put((self.key, self.reviewer.name), form)

    def page(self, template: str, status: int = 200, *, as_of: int | None = None, **values: object) -> HTMLResponse:
        """Render a page of the review as it is now, or as of an event."""
        shown = self.state if as_of is None else self.service.review(self.key, as_of)
        own, redo = own_undo(self.state, self.reviewer.name), self.state.redoable
        by = next((event.reviewer for event in self.events if event.number == redo), "")
        undo_words, redo_words = (
            act_words(number, self.events, self.titles) if number else "" for number in (own, redo)
        )
        turns = {
            "batch": own, "undo": undo_words,
            "redo": f"{by} {redo_words}" if redo_words and by != self.reviewer.name else redo_words,
        }  # fmt: skip
        bar = Bar(shown, self.seconds, self.service.pace(), as_of)
        return self.context.page(self.request, template, status, acted=self.events, bar=bar, turns=turns, **values)


async def visit_of(request: Request, key: Key, reviewer: Who, context: Ctx) -> Visit:
    """Return the request for a review."""
    return Visit(request, key, reviewer, context)


async def acting_of(request: Request, key: Key, reviewer: Analyst, context: Ctx) -> Visit:
    """Return the request for a review by somebody who may act. Raises RefusedError for a viewer."""
    return Visit(request, key, reviewer, context)


async def form_of(request: Request) -> Form:
    """Return the form that was sent. Raises InputError for another content type."""
    if _kind(request) != FORM:
        raise InputError("the form has the wrong content type", where="content-type", hint=f"send it as {FORM}")
    return Form.read(await request.body())


async def brought_of(request: Request) -> Brought:
    """Return the form for a response file, with or without an upload. Raises InputError if it cannot be read."""
    if _kind(request) != UPLOAD:
        return Brought(await form_of(request), b"")
    try:
        # Allow a part as large as a whole body, so that nothing is ever written to a temporary file.
        async with request.form(max_files=1, max_fields=MAX_PARTS, max_part_size=MAX_BODY) as parts:
            pairs = [(name, value) for name, value in parts.multi_items() if isinstance(value, str)]
            files = [value for value in parts.values() if isinstance(value, UploadFile)]
            uploaded = await files[0].read() if files else b""
        sound({"fields": pairs})
    except HTTPException:
        raise InputError("the form cannot be read", where="form", hint="submit it from the page again") from None
    return Brought(Form.of(pairs), uploaded)


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def attached(export: Export) -> Response:
    """Return a file as a download, so that browsers never display it as a page of the app."""
    headers = {"content-disposition": f'attachment; filename="{export.name}"'}
    return Response(export.data, media_type=export.media_type, headers=headers)


At = Annotated[Visit, Depends(visit_of)]
Acting = Annotated[Visit, Depends(acting_of)]
Sent = Annotated[Form, Depends(form_of)]
BroughtIn = Annotated[Brought, Depends(brought_of)]
