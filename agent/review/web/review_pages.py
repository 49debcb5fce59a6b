"""The pages of one review: the draft beside its sources, history, versions, questions, contests, signing, exports."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import PlainTextResponse, Response

from agent.review.decisions import what_moved
from agent.review.questionnaire import Export, Format
from agent.review.records import ReviewState
from agent.review.responding import contest_form
from agent.review.web.desk import Desk, Key, NotHereError, Who, of_review
from agent.review.web.forms import threat_fields
from agent.review.web.shown import Bar, bar, review_view, score_view
from agent.review.web.shown_items import Items, ItemView
from agent.review.web.shown_sources import Quotes, source
from agent.review.web.wording import answer_to
from agent.taxonomy.keys import LAYERS

_SOURCE: Final = r"^D[1-9][0-9]{0,5}$"
Version = Annotated[int | None, Query(ge=0, le=10_000_000)]


def routes(desk: Desk) -> APIRouter:
    """The routes of these pages."""
    router = APIRouter()
    _reading(router, desk)
    _deciding(router, desk)
    _files(router, desk)
    return router


def _bar(desk: Desk, state: ReviewState, as_of: int | None = None) -> Bar:
    return bar(state, desk.service.focus_by_item(state.key), desk.service.pace(), as_of=as_of)


def _reading(router: APIRouter, desk: Desk) -> None:
    @router.get("/r/{key}")
    def review(
        request: Request, key: Key, reviewer: Who, as_of: Version = None, cite: str = "", since: Version = None
    ) -> Response:
        state = desk.review(key, as_of)
        view = review_view(
            state,
            desk.service.documents(key),
            desk.service.focus_by_item(key),
            desk.service.pace(),
            as_of=as_of,
            acts=reviewer.role != "viewer",
        )
        return desk.page(
            request, "review.html", bar=view.bar, view=view, cite=cite, last=_last(desk, state, since), layers=LAYERS
        )

    @router.get("/r/{key}/source/{document}")
    def whole_source(
        request: Request, key: Key, document: Annotated[str, Path(pattern=_SOURCE)], reviewer: Who, cite: str = ""
    ) -> Response:
        state = desk.review(key)
        found = next((each for each in desk.service.documents(key) if each.id == document), None)
        if found is None:
            raise NotHereError("there is no such source", where=document, hint="see the review's sources")
        shown = source(found, state.reviewed.evidence, whole=True)
        return desk.page(request, "source.html", bar=_bar(desk, state), source=shown, cite=cite)

    @router.get("/r/{key}/history")
    def history(
        request: Request, key: Key, reviewer: Who, item: Annotated[str, Query(max_length=100)] = ""
    ) -> Response:
        state = desk.review(key)
        every = desk.service.history(key)
        events = [event for event in every if not item or event.item == item]
        titles = {one.item.id: one.item.title for one in state.items}
        return desk.page(
            request, "history.html", bar=_bar(desk, state), events=events[::-1], titles=titles, item=item,
            total=len(every),
        )  # fmt: skip

    @router.get("/r/{key}/compare")
    def versions(request: Request, key: Key, reviewer: Who, a: Version = None, b: Version = None) -> Response:
        state = desk.review(key)
        one, two = (0 if a is None else a), (state.version if b is None else b)
        found = desk.versions(key, one, two)
        scores = (score_view(found.before), score_view(found.after))
        return desk.page(request, "versions.html", bar=_bar(desk, state), found=found, scores=scores)


def _deciding(router: APIRouter, desk: Desk) -> None:
    @router.get("/r/{key}/questions")
    def questions(request: Request, key: Key, reviewer: Who, since: Version = None) -> Response:
        state = desk.review(key)
        asked = [one for one in _items(desk, state, reviewer.role != "viewer") if one.kind == "question"]
        return desk.page(
            request, "questions.html", bar=_bar(desk, state), questions=asked, last=_last(desk, state, since),
            answered=sum(one.verdict == "answered" for one in asked),
        )  # fmt: skip

    @router.get("/r/{key}/contests")
    def contests(
        request: Request, key: Key, reviewer: Who, since: Version = None,
        item: Annotated[str, Query(max_length=100)] = "",
    ) -> Response:  # fmt: skip
        state = desk.review(key)
        titles = {one.item.id: one.item.title for one in state.items}
        return desk.page(
            request, "contests.html", bar=_bar(desk, state), contests=state.contests, titles=titles, item=item,
            last=_last(desk, state, since), draft=state.drafted.id,
        )  # fmt: skip

    @router.get("/r/{key}/sign")
    def sign(request: Request, key: Key, reviewer: Who) -> Response:
        state = desk.review(key)
        left = {one.item.id for one in state.open}
        items = _items(desk, state, reviewer.role != "viewer")
        return desk.page(
            request, "sign.html", bar=_bar(desk, state), left=[one for one in items if one.id in left],
            waived=[one for one in items if one.verdict == "waived"],
        )  # fmt: skip

    @router.get("/r/{key}/add")
    def add(request: Request, key: Key, reviewer: Who, layer: Annotated[str, Query(max_length=40)] = "") -> Response:
        state = desk.review(key)
        return desk.page(
            request, "add.html", bar=_bar(desk, state), fields=threat_fields({}, state.reviewed), layers=LAYERS,
            layer=layer, documents=[(each.id, each.title or each.url) for each in desk.service.documents(key)],
            problem=None, sent=None,
        )  # fmt: skip


def _files(router: APIRouter, desk: Desk) -> None:
    @router.get("/r/{key}/contest/{item:path}")
    def contest_file(key: Key, item: str, reviewer: Who) -> Response:
        state = desk.review(key)
        items = [one.item.id for one in state.items]
        if item not in items:
            raise NotHereError("there is no such item", where=item[:80], hint="its id stands beside it")
        name = f"{key}-contest-{item.replace('/', '-')}.yaml"
        return _file(Export(name, "application/yaml", contest_form(state.drafted.id, item, items).encode()))

    @router.get("/r/{key}/export/{format_}")
    def export(key: Key, format_: Literal["md", "html", "json"], reviewer: Who) -> Response:
        return _file(of_review(key, lambda: desk.service.export(key, format_)))

    @router.get("/r/{key}/questionnaire/{format_}")
    def questionnaire(key: Key, format_: Format, reviewer: Who) -> Response:
        return _file(of_review(key, lambda: desk.service.questionnaire(key, format_)))

    @router.get("/r/{key}/reply")
    def reply(key: Key, reviewer: Who) -> Response:
        text = of_review(key, lambda: desk.service.reply(key))
        return _file(Export(f"{key}-reply.md", "text/markdown; charset=utf-8", text.encode()))


def _file(export: Export) -> Response:
    """A file to keep: never shown in the app's own place."""
    headers = {"content-disposition": f'attachment; filename="{export.name}"'}
    return PlainTextResponse(export.data, media_type=export.media_type, headers=headers)


def _items(desk: Desk, state: ReviewState, acts: bool) -> list[ItemView]:
    quotes = Quotes(desk.service.documents(state.key), state.reviewed.evidence)
    items = Items(state, quotes, desk.service.focus_by_item(state.key), {}, acts=acts)
    return [items.of(one) for one in state.items]


def _last(desk: Desk, state: ReviewState, since: int | None) -> str:
    """What the last act was and what it moved, for the bar; empty when the address names no earlier version."""
    if since is None or since >= state.version:
        return ""
    events = [event for event in desk.service.history(state.key) if since < event.number <= state.version]
    titles = {one.item.id: one.item.title for one in state.items}
    return answer_to(events, titles, what_moved(desk.review(state.key, since), state))
