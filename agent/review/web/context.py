"""The resources shared by all routes: the service, access control, and the reviewer and form of a request."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, NamedTuple, TypeVar

from fastapi import Depends, Path, Request
from fastapi.responses import HTMLResponse
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from agent.errors import (
    BusyError,
    ConflictError,
    FullError,
    InputError,
    IntegrityError,
    RefusedError,
    SeptetError,
    StoreError,
)
from agent.records import Record
from agent.review.domain.effects.compare import Comparison
from agent.review.domain.effects.decisions import ActResult
from agent.review.domain.records import Action, Event, Reviewer, ReviewState
from agent.review.domain.undo import own_undo
from agent.review.service import Service
from agent.review.store.cache import LruCache
from agent.review.web.access import MAX_BODY, Access
from agent.review.web.forms import Brought, Form, sound
from agent.review.web.templating import render
from agent.review.web.views.review import Bar
from agent.review.web.views.wording import act_words

Result = TypeVar("Result")

_STATUS: Final[tuple[tuple[type[SeptetError], int], ...]] = (
    (ConflictError, 409),
    (FullError, 507),
    (BusyError, 503),
    (StoreError, 503),
    (IntegrityError, 500),
    (RefusedError, 403),
    (InputError, 422),
)
NOT_FOUND: Final = 404
_OTHER: Final = 500
FORM: Final = "application/x-www-form-urlencoded"
UPLOAD: Final = "multipart/form-data"
MAX_PARTS: Final = 20
"""The most fields of a form that contains a file."""
_KEPT_FORMS: Final = 40
KEY: Final = r"^r[1-9][0-9]{0,8}$"
LONGEST_LOOK: Final = 120
"""The maximum focus time, in seconds, between loading a page and sending its form."""

Key = Annotated[str, Path(pattern=KEY, description="The review's key, as in r1.", examples=["r1"])]


class NotHereError(InputError):
    """Raised if a review, version or source does not exist."""


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
    if isinstance(error, NotHereError):
        return NOT_FOUND
    return next((status for kind, status in _STATUS if isinstance(error, kind)), _OTHER)


def problem_of(error: SeptetError) -> Problem:
    """Convert an error into the form of the JSON API."""
    if isinstance(error, ConflictError):
        return Versions(
            error=error.what,
            where=error.where,
            hint=error.hint,
            mine=dict(error.mine),
            theirs=dict(error.theirs),
            base=dict(error.base),
        )
    return Problem(error=error.what, where=error.where, hint=error.hint)


def of_review(key: str, ask: Callable[[], Result]) -> Result:
    """Return the result of `ask`, converting an InputError into a NotHereError if no review has this key."""
    try:
        return ask()
    except InputError as error:
        if error.where == f"review {key[:40]!r}":
            raise NotHereError(error.what, where=error.where, hint=error.hint) from None
        raise


class Unfinished:
    """Unfinished forms: the last one of each reviewer in each review."""

    def __init__(self) -> None:
        self._kept: LruCache[tuple[str, str], Form] = LruCache(_KEPT_FORMS)

    def of(self, key: str, reviewer: Reviewer) -> Form:
        """Return the last form sent, or a form without fields if there is none."""
        return self._kept.get((key, reviewer.name), lambda: Form(()))

    def keep(self, key: str, reviewer: Reviewer, form: Form) -> None:
        """Store the form that was sent; a form without fields clears it."""
        self._kept.put((key, reviewer.name), form)


class Turns(NamedTuple):
    """Descriptions of what undo and redo would do; empty if they would do nothing."""

    batch: int = 0
    undo: str = ""
    redo: str = ""


class Context(NamedTuple):
    """The resources shared by all routes."""

    service: Service
    access: Access
    assets: Mapping[str, str]
    """Addresses of the static files by name."""
    unfinished: Unfinished
    """Unfinished forms of added threats."""

    def page(self, request: Request, template: str, status: int = 200, **values: object) -> HTMLResponse:
        """Render a page with the values that all pages need."""
        events: Sequence[Event] = ()
        if isinstance(shown := values.get("bar"), Bar):
            events = self.service.history(shown.key)
            values["turns"] = self._turns(self.service.review(shown.key), events, reviewer_of(request))
        text = render(
            template,
            assets=self.assets,
            reviewer=reviewer_of(request),
            now=int(time.time()),
            path=request.url.path,
            people=[name for name in self.people(events) if name != reviewer_of(request).name],
            **values,
        )
        return HTMLResponse(text, status)

    def _turns(self, state: ReviewState, events: Sequence[Event], reviewer: Reviewer) -> Turns:
        """Describe what the reviewer's undo would revert and what a redo would repeat."""
        batch = own_undo(state, reviewer.name)
        if not batch and not state.redoable:
            return Turns()
        titles = {one.item.id: one.item.title for one in state.items}
        undo, redo = (act_words(number, events, titles) if number else "" for number in (batch, state.redoable))
        by = next((event.reviewer for event in events if event.number == state.redoable), "")
        return Turns(batch, undo, f"{by} {redo}" if redo and by != reviewer.name else redo)

    def people(self, events: Sequence[Event] = ()) -> list[str]:
        """Return the names of everyone who has a session, is invited, or acted in the `events` of a review."""
        known = (*self.access.sessions.values(), *self.access.tokens.values())
        return sorted({event.reviewer for event in events} | {one.name for one in known})

    def act(self, key: str, action: Action, reviewer: Reviewer) -> ActResult:
        """Store a requested act, as `Service.act`. Raises InputError for a comment to an unknown person."""
        to = action.fields.get("to") if action.verb == "comment" else None
        if to and to not in (names := of_review(key, lambda: self.people(self.service.history(key)))):
            hint = f"choose {' or '.join(names)}, or invite them under People first"
            raise InputError(f"nobody here is called {str(to)[:80]!r}", where="to", hint=hint)
        return of_review(key, lambda: self.service.act(key, action, reviewer))

    def review(self, key: str, as_of: int | None = None) -> ReviewState:
        """Return a review, now or as of an event. Raises NotHereError for an unknown key or event."""
        try:
            return self.service.review(key, as_of)
        except InputError as error:
            raise NotHereError(error.what, where=error.where, hint=error.hint) from None

    def versions(self, key: str, a: int, b: int) -> Comparison:
        """Compare two versions of a review. Raises NotHereError for a version that does not exist."""
        last = self.review(key).version
        if max(a, b) > last:
            raise NotHereError("there is no such version", where=f"version {max(a, b)}", hint=f"the last one is {last}")
        return self.service.compare(key, a, b)


def reviewer_of(request: Request) -> Reviewer:
    """Return the reviewer of the session. Raises RefusedError if there is no session."""
    found = getattr(request.state, "reviewer", None)
    if not isinstance(found, Reviewer):
        raise RefusedError("no session", where="the request", hint="open the address that `septet review` printed")
    return found


def analyst_of(request: Request) -> Reviewer:
    """Return the session's reviewer, for acts not allowed to viewers. Raises RefusedError for a viewer."""
    found = reviewer_of(request)
    if found.role == "viewer":
        raise RefusedError("a viewer changes nothing", where=found.name, hint="ask for the role of an analyst")
    return found


async def form_of(request: Request) -> Form:
    """Return the form that was sent. Raises InputError for another content type."""
    if _kind(request) != FORM:
        raise InputError("the form is of another kind", where="content-type", hint=f"send it as {FORM}")
    return Form.read(await request.body())


async def brought_of(request: Request) -> Brought:
    """Return the form with a response file, with or without an upload. Raises InputError if it cannot be read."""
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
        raise InputError("the form cannot be read", where="form", hint="send it from the page again") from None
    return Brought(Form.of(pairs), uploaded)


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


Who = Annotated[Reviewer, Depends(reviewer_of)]
Analyst = Annotated[Reviewer, Depends(analyst_of)]
Sent = Annotated[Form, Depends(form_of)]
BroughtIn = Annotated[Brought, Depends(brought_of)]
