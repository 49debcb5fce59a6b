"""Pages outside a single review: the queue, product comparison, people, help."""

from typing import Annotated, Final, Literal, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from agent.errors import ConflictError, InputError
from agent.review.domain.records import Action, Reviewer, Role
from agent.review.store.queue import MAX_PAGE, QueueQuery
from agent.review.web.access import ENTER
from agent.review.web.context import Analyst, Context, Ctx, Sent, Who, reviewer_of
from agent.review.web.forms import Form

PAGE: Final = 50
MOST_SIDE_BY_SIDE: Final = 6
_OFFERED: Final = 8
"""The number of further reviews that the comparison offers to add."""
_SORTS: Final = {
    "product": "Product",
    "score": "Score",
    "open": "Open items",
    "uncertain": "Uncertain layers",
    "changed": "Changed",
}
_BANDS: Final = ("Critical", "High", "Medium", "Low", "None", "withheld")
_FILTERS: Final = ("text", "stage", "severity", "assigned", "contested", "asked", "sort", "reverse")
router = APIRouter(dependencies=[Depends(reviewer_of)])


class Asked:
    """The queue's query, parsed from the page's address; unknown fields are ignored."""

    def __init__(self, request: Request, reviewer: Reviewer) -> None:
        given = request.query_params
        self.fields = {name: given[name] for name in _FILTERS if given.get(name)}
        self.page = min(max(int(given["page"]), 1), 10_000) if given.get("page", "").isdecimal() else 1
        raw: dict[str, object] = {"limit": PAGE, "offset": (self.page - 1) * PAGE}
        raw |= {name: self.fields[name] for name in ("stage", "severity", "sort") if name in self.fields}
        raw["text"] = self.fields.get("text", "")[:200]
        raw["reverse"] = self.fields.get("reverse") == "yes"
        if assigned := self.fields.get("assigned"):
            raw["assigned"] = {"me": reviewer.name, "nobody": ""}.get(assigned, assigned)
        if self.fields.get("contested") == "yes":
            raw["contested"] = True
        if self.fields.get("asked") == "me":
            raw["asked"] = reviewer.name
        try:
            self.query = QueueQuery.model_validate(raw)
        except ValidationError as error:
            where = str(error.errors()[0]["loc"][0])
            raise InputError("the queue has no such filter", where=where, hint="use the form above the table") from None

    def link(self, **changed: object) -> str:
        """Return the address of the queue with these fields changed."""
        fields = {**self.fields, **{name: str(value) for name, value in changed.items()}}
        return "/?" + urlencode({name: value for name, value in fields.items() if value})

    def sort_link(self, name: str) -> str:
        """Return the address that sorts by a column, in reverse if the queue is already sorted by it."""
        again = self.query.sort == name and not self.query.reverse
        return self.link(sort=name, reverse="yes" if again else "")


@router.get("/")
def queue(request: Request, app: Ctx, reviewer: Who, did: str = "", n: int = 0, left: int = 0) -> Response:
    """Show the queue and, after a bulk action, how many reviews it assigned."""
    asked = Asked(request, reviewer)
    found = app.service.queue(asked.query)
    mine = app.service.queue(QueueQuery(asked=reviewer.name, limit=MAX_PAGE, sort="changed"))
    return app.page(
        request, "queue.html", asked=asked, found=found,
        pages=max(-(-found.total // PAGE), 1), sorts=_SORTS, bands=_BANDS, assignees=app.service.assignees(),
        waiting=mine.total if asked.query.asked == "" else 0, for_me={row.key for row in mine.rows},
        did=did if did == "assign" else "", counts=(n, left),
    )  # fmt: skip


@router.post("/bulk")
def bulk(form: Sent, app: Ctx, reviewer: Analyst) -> Response:
    """Assign several reviews, skipping signed and conflicting ones, or redirect to their comparison."""
    keys, verb = form.all("key"), form.get("verb")
    if verb == "compare":
        return RedirectResponse("/compare?" + urlencode({"keys": ",".join(keys)}), 303)
    if verb != "assign":
        raise InputError(
            "this action is not available for several reviews", where="verb", hint="assign or compare them"
        )
    done = [_assigned(app, key, form, reviewer) for key in keys[:PAGE]]
    return RedirectResponse(f"/?did={verb}&n={sum(done)}&left={len(done) - sum(done)}", 303)


def _assigned(app: Context, key: str, form: Form, reviewer: Reviewer) -> bool:
    try:
        version = app.service.review(key).version
        app.service.act(key, Action(verb="assign", version=version, fields={"to": form.get("to").strip()}), reviewer)
    except (InputError, ConflictError):
        return False
    return True


@router.get("/compare")
def side_by_side(
    request: Request, app: Ctx, keys: Annotated[str, Query(max_length=200)] = "",
    find: Annotated[str, Query(max_length=200)] = "", only: Literal["", "differing"] = "",
) -> Response:  # fmt: skip
    """Show reviews side by side, and offer others to add."""
    named = list(dict.fromkeys(key.strip() for key in keys.split(",") if key.strip()))[:MOST_SIDE_BY_SIDE]
    sides = app.service.compare_reviews(named) if named else None
    found = app.service.queue(QueueQuery(text=find, sort="changed", limit=MOST_SIDE_BY_SIDE + _OFFERED))
    offered = [row for row in found.rows if row.key not in named][:_OFFERED]
    return app.page(
        request, "side_by_side.html", sides=sides, keys=named, find=find, only=only, offered=offered,
        more=found.total - len(named) - len(offered) if not find else 0, full=len(named) == MOST_SIDE_BY_SIDE,
    )  # fmt: skip


@router.get("/people")
def people(request: Request, app: Ctx) -> Response:
    """Show who has a session."""
    return _people(request, app)


@router.post("/people")
def invite(request: Request, form: Sent, reviewer: Analyst, app: Ctx) -> Response:
    """Create and show a one-time address that opens a session for somebody else."""
    named = form.get("name").strip()
    try:
        invited = Reviewer.model_validate({"name": named, "role": form.get("role", "analyst")})
    except ValidationError:
        raise InputError(
            "the name or the role is not valid",
            where="name",
            hint="enter a name of 1 to 80 characters, and choose a role",
        ) from None
    return _people(request, app, named, f"http://{request.headers['host']}{ENTER}?token={app.access.invite(invited)}")


def _people(request: Request, app: Context, invited: str = "", address: str = "") -> Response:
    return app.page(
        request, "people.html", sessions=app.access.reviewers, roles=get_args(Role), invited=invited, address=address
    )


@router.get("/help")
def help_(request: Request, app: Ctx) -> Response:
    """Show the keys and explain the terms."""
    return app.page(request, "help.html")
