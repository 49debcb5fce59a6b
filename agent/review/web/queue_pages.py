"""Pages outside a single review: the queue, product comparison, people, help."""

from typing import Annotated, Final, Literal, get_args
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from agent.errors import ConflictError, InputError
from agent.review.domain.records import Action, Reviewer, Role
from agent.review.store.queue import MAX_PAGE, QueueQuery
from agent.review.web.access import ENTER
from agent.review.web.context import Analyst, Context, Sent, Who
from agent.review.web.forms import Form
from agent.review.web.views.review import score_view

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


class Asked:
    """The queue's query, parsed from the page's address; unknown fields are ignored."""

    def __init__(self, request: Request, reviewer: Reviewer) -> None:
        given = request.query_params
        self.fields = {name: given[name] for name in _FILTERS if given.get(name)}
        self.page = min(max(int(given["page"]), 1), 10_000) if given.get("page", "").isdecimal() else 1
        raw: dict[str, object] = {"limit": PAGE, "offset": (self.page - 1) * PAGE}
        raw |= {name: value for name, value in self.fields.items() if name in ("text", "stage", "severity", "sort")}
        raw["text"] = self.fields.get("text", "")[:200]
        if self.fields.get("assigned"):
            named = {"me": reviewer.name, "nobody": ""}
            raw["assigned"] = named.get(self.fields["assigned"], self.fields["assigned"])
        if self.fields.get("contested") == "yes":
            raw["contested"] = True
        if self.fields.get("asked") == "me":
            raw["asked"] = reviewer.name
        raw["reverse"] = self.fields.get("reverse") == "yes"
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


def routes(context: Context) -> APIRouter:
    """Create the routes of these pages."""
    router = APIRouter()
    _reviews(router, context)
    _people(router, context)
    return router


def _reviews(router: APIRouter, context: Context) -> None:
    @router.get("/")
    def queue(request: Request, reviewer: Who, did: str = "", n: int = 0, left: int = 0) -> Response:
        asked = Asked(request, reviewer)
        found = context.service.queue(asked.query)
        mine = context.service.queue(QueueQuery(asked=reviewer.name, limit=MAX_PAGE, sort="changed"))
        return context.page(
            request,
            "queue.html",
            asked=asked,
            found=found,
            rows=[(row, score_view(row.score)) for row in found.rows],
            pages=max(-(-found.total // PAGE), 1),
            sorts=_SORTS,
            bands=_BANDS,
            assignees=context.service.assignees(),
            waiting=mine.total if asked.query.asked == "" else 0,
            for_me={row.key for row in mine.rows},
            did=did if did == "assign" else "",
            counts=(n, left),
        )

    @router.post("/bulk")
    def bulk(form: Sent, reviewer: Analyst) -> Response:
        keys, verb = form.all("key"), form.get("verb")
        if verb == "compare":
            return RedirectResponse("/compare?" + urlencode({"keys": ",".join(keys)}), 303)
        if verb != "assign":
            raise InputError("there is no such action on several reviews", where="verb", hint="assign, or compare")
        done = [_each(context, key, form, reviewer) for key in keys[:PAGE]]
        return RedirectResponse(f"/?did={verb}&n={sum(done)}&left={len(done) - sum(done)}", 303)

    @router.get("/compare")
    def side_by_side(
        request: Request, reviewer: Who, keys: Annotated[str, Query(max_length=200)] = "",
        find: Annotated[str, Query(max_length=200)] = "", only: Literal["", "differing"] = "",
    ) -> Response:  # fmt: skip
        named = list(dict.fromkeys(key.strip() for key in keys.split(",") if key.strip()))[:MOST_SIDE_BY_SIDE]
        for key in named:
            context.review(key)
        sides = context.service.compare_reviews(named) if named else None
        scores = [score_view(column.score) for column in sides.columns] if sides else []
        found = context.service.queue(QueueQuery(text=find, sort="changed", limit=MOST_SIDE_BY_SIDE + _OFFERED))
        offered = [row for row in found.rows if row.key not in named][:_OFFERED]
        return context.page(
            request, "side_by_side.html", sides=sides, scores=scores, keys=named, find=find, only=only,
            offered=offered, more=found.total - len(named) - len(offered) if not find else 0,
            full=len(named) == MOST_SIDE_BY_SIDE,
        )  # fmt: skip


def _people(router: APIRouter, context: Context) -> None:
    @router.get("/people")
    def people(request: Request, reviewer: Who) -> Response:
        return context.page(
            request, "people.html", sessions=_sessions(context), roles=get_args(Role), address="", invited=""
        )

    @router.post("/people")
    def invite(request: Request, form: Sent, reviewer: Analyst) -> Response:
        named = form.get("name").strip()
        try:
            invited = Reviewer.model_validate({"name": named, "role": form.get("role", "analyst")})
        except ValidationError:
            raise InputError(
                "nobody can be invited by this name and role", where="name", hint="1 to 80 characters, and a role"
            ) from None
        address = f"http://{request.headers['host']}{ENTER}?token={context.access.invite(invited)}"
        return context.page(
            request, "people.html", sessions=_sessions(context), roles=get_args(Role), address=address, invited=named
        )

    @router.get("/help")
    def help_(request: Request, reviewer: Who) -> Response:
        return context.page(request, "help.html")


def _sessions(context: Context) -> list[Reviewer]:
    return sorted(set(context.access.sessions.values()), key=lambda each: each.name)


def _each(context: Context, key: str, form: Form, reviewer: Reviewer) -> bool:
    """Assign one review of a bulk action. Returns False if a conflict or a signature prevents it."""
    try:
        state = context.review(key)
        asked = Action(verb="assign", version=state.version, fields={"to": form.get("to").strip()})
        context.service.act(key, asked, reviewer)
    except (InputError, ConflictError):
        return False
    return True
