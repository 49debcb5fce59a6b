"""The JSON API: the data of every page, and the same acts, described at `/api/openapi.json`."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import PlainTextResponse, Response
from pydantic import Field, JsonValue

from agent.records import Document, Record
from agent.report.formats.questionnaire import MEDIA_TYPES, Format
from agent.review.domain.effects.compare import Comparison, SideBySide
from agent.review.domain.effects.decisions import (
    ActResult,
    Decision,
    Moved,
    WeakSpot,
    first_decisions,
    minutes_left,
    pace_words,
    review_order,
    what_moved,
)
from agent.review.domain.new_threat import Written
from agent.review.domain.records import Contest, Event, Reason, Reviewer, ReviewState, Verb
from agent.review.domain.response import MAX_BYTES
from agent.review.store.queue import QueuePage, QueueQuery
from agent.review.web import context
from agent.review.web.access import ENTER
from agent.review.web.context import Analyst, Ctx, Key, Problem, Versions, Who
from agent.review.web.forms import MAX_WHOLE, acting, sound
from agent.review.web.views.work import WorkPage, work_page
from agent.taxonomy.lists import entries, schemes

_PLAIN: Final = {"content": {"text/plain": {"schema": {"type": "string"}}}}
_REFUSALS: Final[dict[int | str, dict[str, object]]] = {
    401: {"description": "No session", **_PLAIN},
    403: {"model": Problem, "description": "From another site, or not allowed for this role", **_PLAIN},
    404: {"model": Problem, "description": "There is no such review, version or source"},
    413: {"model": Problem, "description": "Too large", **_PLAIN},
    421: {"description": "The request was for another host", **_PLAIN},
    422: {"model": Problem, "description": "A field is not valid"},
}
_WRITING: Final[dict[int | str, dict[str, object]]] = {
    409: {"model": Versions, "description": "Someone else changed the same item; contains the three versions"},
    503: {"model": Problem, "description": "The store is busy or read-only"},
    507: {"model": Problem, "description": "The disk is full; nothing was stored"},
}
Number = Annotated[int, Query(ge=0, le=MAX_WHOLE)]


class Asked(Record):
    """A requested act; `version` is the version of the review that the reviewer saw."""

    verb: Verb
    item: str = ""
    version: Annotated[int, Field(ge=0, le=MAX_WHOLE)]
    fields: dict[str, JsonValue] = Field(default_factory=dict)
    """correct: the item's own fields. attach: document with start and end or with quote, or evidence (a list of these
    or of ids). add: layer, title, how, lost, statement (source, prerequisite, action, impact, asset), cvss_vector,
    taxonomy, mitigations, evidence, facts (ids of the sheet). answer: text, url, kind, states (each with key, polarity
    and, quoted from the answer, value and quote). ask: key. contest: kind, text, url, sender. decide: decision, rule,
    number. assign: to. bulk, with a section: seen (ids of items that were on screen). comment: text. manage: mitigation
    (its text), owner, due (a day), status, residual (a CVSS vector). Other verbs have no fields; unknown fields are
    refused."""
    reason: Reason | Literal[""] = ""
    note: Annotated[str, Field(max_length=2_000)] = ""
    section: str = ""


class Seen(Record):
    """How long a reviewer looked at an item while the page was visible and had the focus, in seconds."""

    item: Annotated[str, Field(max_length=100)]
    seconds: Annotated[float, Field(ge=0, le=context.LONGEST_LOOK)]


class AtVersion(Record):
    """The version of the review that the reviewer saw."""

    version: Annotated[int, Field(ge=0, le=MAX_WHOLE)]


class Weighing(Record):
    """An unfinished threat, with the fields of `add`."""

    fields: dict[str, JsonValue] = Field(default_factory=dict)


class ResponseFile(AtVersion):
    """A vendor's response file, YAML or JSON."""

    file: Annotated[str, Field(max_length=MAX_BYTES)]


class ReviewPage(Record):
    """The data of the review page."""

    state: ReviewState
    moved: Moved
    """The changes from the draft to the current state."""
    decisions: tuple[Decision, ...]
    weak: tuple[WeakSpot, ...]
    minutes_left: float
    minutes_from: str
    """The basis of the estimated minutes, in one line."""
    focus: dict[str, float]
    """Focus time in seconds, by item."""


class Invited(Record):
    """A one-time address that opens a session."""

    address: str


class Entry(Record):
    """An id of a published list."""

    scheme: str
    id: str
    title: str


router = APIRouter(responses=_REFUSALS, dependencies=[Depends(context.reviewer_of)])
files = APIRouter(dependencies=[Depends(context.reviewer_of)])
"""The routes for exports, which the pages use as well."""


@router.get("/queue", operation_id="queue")
def queue(query: Annotated[QueueQuery, Query()], app: Ctx) -> QueuePage:
    """Return one page of the reviews, filtered and sorted."""
    sound(query.model_dump())
    return app.service.queue(query)


@router.get("/compare", operation_id="compare_reviews")
def side_by_side(keys: Annotated[str, Query(max_length=200, examples=["r1,r2"])], app: Ctx) -> SideBySide:
    """Compare reviews by factor and layer; the keys are separated by commas."""
    return app.service.compare_reviews(list(dict.fromkeys(key.strip() for key in keys.split(",") if key.strip())))


@router.get("/taxonomy", operation_id="taxonomy")
def taxonomy() -> list[Entry]:
    """Return the ids of all published lists with their titles."""
    return [Entry(scheme=name, id=e.id, title=e.title) for name in schemes() for e in entries(name)]


@router.get("/people", operation_id="people")
def people(app: Ctx) -> list[Reviewer]:
    """Return the reviewers who have a session."""
    return app.access.reviewers


@router.post("/people", operation_id="invite")
def invite(invited: Reviewer, reviewer: Analyst, app: Ctx) -> Invited:
    """Create a one-time address on this machine for another reviewer. `role` says what they may do."""
    sound(invited.model_dump())
    return Invited(address=f"http://{min(app.access.hosts)}{ENTER}?token={app.access.invite(invited)}")


@router.get("/r/{key}", operation_id="review")
def review(key: Key, app: Ctx, as_of: Annotated[int | None, Query(ge=0, le=MAX_WHOLE)] = None) -> ReviewPage:
    """Return a review, now or as of an event."""
    state, pace = app.service.review(key, as_of), app.service.pace()
    return ReviewPage(
        state=state,
        moved=what_moved(state.model_copy(update={"reviewed": state.drafted}), state),
        decisions=first_decisions(state),
        weak=review_order(state),
        minutes_left=minutes_left(state, pace),
        minutes_from=pace_words(pace),
        focus=app.service.focus_by_item(key),
    )


@router.get("/r/{key}/sources", operation_id="sources")
def sources(key: Key, app: Ctx) -> tuple[Document, ...]:
    """Return the texts behind the draft, with the findings in them."""
    return app.service.documents(key)


@router.get("/r/{key}/history", operation_id="history")
def history(key: Key, app: Ctx) -> tuple[Event, ...]:
    """Return all events, oldest first."""
    return app.service.history(key)


@router.get("/r/{key}/compare", operation_id="compare_versions")
def versions(key: Key, a: Number, b: Number, app: Ctx) -> Comparison:
    """Return the differences between two versions."""
    return app.service.compare(key, a, b)


@router.get("/r/{key}/contests", operation_id="contests")
def contests(key: Key, app: Ctx) -> tuple[Contest, ...]:
    """Return every contested point with its outcome."""
    return app.service.review(key).contests


@router.get("/r/{key}/mitigations", operation_id="mitigations")
def mitigations(key: Key, app: Ctx) -> WorkPage:
    """Return the mitigations of all threats as work items, by due date."""
    return work_page(app.service.review(key), app.service.today)


@router.post("/r/{key}/act", operation_id="act", responses=_WRITING)
def act(key: Key, asked: Asked, reviewer: Analyst, app: Ctx) -> ActResult:
    """Store one act."""
    return app.act(key, acting(asked.model_dump()), reviewer)


@router.post("/r/{key}/preview", operation_id="preview", responses={409: _WRITING[409]})
def preview(key: Key, asked: Asked, reviewer: Analyst, app: Ctx) -> Moved:
    """Return the changes that an act would make, without storing it."""
    return app.service.preview(key, acting(asked.model_dump()), reviewer)


@router.post("/r/{key}/weigh", operation_id="weigh")
def weigh(key: Key, asked: Weighing, reviewer: Analyst, app: Ctx) -> Written:
    """Return the wording and the score of an unfinished threat, and its effect on the overall score."""
    return app.service.weigh(key, sound(asked.model_dump()["fields"]))


@router.post("/r/{key}/focus", operation_id="focus", status_code=204, responses=_WRITING)
def focus(key: Key, seen: Seen, reviewer: Who, app: Ctx) -> Response:
    """Add to the focus time of an item."""
    sound(seen.model_dump())
    app.service.focus(key, seen.item, seen.seconds, reviewer)
    return Response(status_code=204)


@router.post("/r/{key}/redraft", operation_id="redraft", responses=_WRITING)
def redraft(key: Key, at: AtVersion, reviewer: Analyst, app: Ctx) -> ActResult:
    """Redraft with the answers so far. Only for drafts that are not derived from their facts."""
    return app.service.redraft(key, reviewer, at.version)


@router.post("/r/{key}/response", operation_id="respond", responses=_WRITING)
def respond(key: Key, given: ResponseFile, reviewer: Analyst, app: Ctx) -> ActResult:
    """Store the answers and contests of a response file."""
    sound(given.model_dump())
    return app.service.respond(key, given.file.encode(), reviewer, given.version)


def _file(*kinds: str) -> dict[int | str, dict[str, object]]:
    return {200: {"description": "The file", "content": {kind: {} for kind in kinds}}}


@files.get(
    "/r/{key}/export/{format}", operation_id="export", response_class=Response,
    responses=_file("text/markdown", "text/html", "application/json"),
)  # fmt: skip
def export(key: Key, format_: Annotated[Literal["md", "html", "json"], Path(alias="format")], app: Ctx) -> Response:
    """Export the reviewed draft as Markdown, HTML or JSON, with a stamp if it is signed."""
    return context.attached(app.service.export(key, format_))


@files.get(
    "/r/{key}/questionnaire/{format}", operation_id="questionnaire", response_class=Response,
    responses=_file(*(kind.partition(";")[0] for kind in MEDIA_TYPES.values())),
)  # fmt: skip
def questionnaire(key: Key, format_: Annotated[Format, Path(alias="format")], app: Ctx) -> Response:
    """Export the questions to the vendor."""
    return context.attached(app.service.questionnaire(key, format_))


router.include_router(files)


@router.get("/r/{key}/reply", operation_id="reply", responses={200: _PLAIN | {"description": "The reply"}})
def reply(key: Key, app: Ctx) -> Response:
    """Return the reply to the vendor as Markdown: the outcome of each contested point."""
    return PlainTextResponse(app.service.reply(key))
