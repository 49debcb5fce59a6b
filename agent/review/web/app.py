"""The review app: pages, JSON API, static files and error responses, behind one guard."""

import hashlib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from agent.errors import SeptetError
from agent.report.html import STYLE
from agent.review.service import Service
from agent.review.store.cache import LruCache
from agent.review.web import api, new_threat, queue_pages, review_pages
from agent.review.web.access import MAX_BODY, Access, Guard, TooLarge
from agent.review.web.context import KEPT_FORMS, Context, Problem, problem_of, status_of

STATIC: Final = Path(__file__).with_name("static")
API: Final = "/api"
_MEDIA: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_BAD, _NOT_FOUND, _UNREADABLE = 400, 404, 422
_NO_PAGE: Final = Problem(error="there is no such page", hint="open a review from the queue; its key looks like r1")
_HINTS: Final = {404: "see the queue", 405: "see the API description"}
_TAG: Final = 12
_log = logging.getLogger(__name__)


class _File(NamedTuple):
    """A static file."""

    data: bytes
    media: str
    tag: str


def _files() -> dict[str, _File]:
    """Read the static files by name, plus the style sheet of the HTML export, scoped to `.document`."""
    read = {path.name: path.read_bytes() for path in sorted(STATIC.glob("*")) if path.suffix in _MEDIA}
    style = STYLE.read_text("utf-8").replace(":root {", "& {").replace("body {", "& {")
    read["document.css"] = f".document {{\n{style}}}\n".encode()
    return {
        name: _File(data, _MEDIA[Path(name).suffix], hashlib.sha256(data).hexdigest()[:_TAG])
        for name, data in read.items()
    }


def create_app(service: Service, access: Access) -> ASGIApp:
    """Create the whole app for `service`, behind a guard that admits only requests allowed by `access`."""
    return Guard(unguarded(service, access), access)


def unguarded(service: Service, access: Access) -> FastAPI:
    """Create the app without its guard, so that its routes can be listed."""
    files = _files()
    app = FastAPI(
        title="Septet review",
        version="1",
        description="The JSON counterpart of the review pages. The session cookie identifies the reviewer.",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
    )
    assets = {name: f"/static/{name}?{file.tag}" for name, file in files.items()}
    app.state.context = Context(service, access, assets, LruCache(KEPT_FORMS))
    for pages in (queue_pages.router, new_threat.router, review_pages.router, api.files):
        app.include_router(pages, include_in_schema=False)
    app.include_router(api.router, prefix=API)

    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str, request: Request) -> Response:
        if name not in files:
            raise HTTPException(_NOT_FOUND)
        data, media, tag = files[name]
        headers = {"etag": f'"{tag}"', "cache-control": "private, max-age=31536000, immutable"}
        if request.url.query != tag:
            headers["cache-control"] = "private, no-cache"
            if request.headers.get("if-none-match") == f'"{tag}"':
                return Response(status_code=304, headers=headers)
        return Response(data, media_type=media, headers=headers)

    app.exception_handler(SeptetError)(_known)
    app.exception_handler(TooLarge)(_too_large)
    app.exception_handler(RequestValidationError)(_not_valid)
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(Exception)(_unforeseen)
    return app


def _is_api(request: Request) -> bool:
    return request.url.path.startswith(f"{API}/")


def _answer(request: Request, status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Return a problem as JSON or as a page, depending on the request."""
    context: Context = request.app.state.context
    if _is_api(request):
        made: Response = JSONResponse(problem.model_dump(mode="json"), status)
    else:
        made = context.page(request, "problem.html", status, problem=problem, code=status)
    made.headers.update(headers or {})
    return made


async def _known(request: Request, error: SeptetError) -> Response:
    return _answer(request, status_of(error), problem_of(error))


async def _too_large(request: Request, _: Exception) -> Response:
    return _answer(request, 413, Problem(error="the request is too large", hint=f"at most {MAX_BODY} bytes"))


async def _not_valid(request: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    told = str(first["msg"]).lower()
    if _is_api(request):
        # For a choice field, the error location also lists all possible values; leave that part out.
        where = ".".join(str(part) for part in first["loc"] if "[" not in str(part))
        return _answer(request, _UNREADABLE, Problem(error=told, where=where, hint="see the API description"))
    if first["loc"][:1] == ("path",):
        return _answer(request, _NOT_FOUND, _NO_PAGE)
    problem = Problem(error="the address cannot be read", where=str(first["loc"][-1]), hint=told)
    return _answer(request, _UNREADABLE, problem)


async def _refused(request: Request, error: HTTPException) -> Response:
    if isinstance(error.__cause__, TooLarge):
        return await _too_large(request, error.__cause__)
    if error.status_code == _BAD:
        # The framework reports a body that is not JSON with this status.
        problem = Problem(error="the body cannot be read", where="body", hint="send JSON")
        return _answer(request, _UNREADABLE, problem)
    if error.status_code == _NOT_FOUND and not _is_api(request):
        return _answer(request, _NOT_FOUND, _NO_PAGE, error.headers)
    problem = Problem(error=str(error.detail).lower(), hint=_HINTS.get(error.status_code, ""))
    return _answer(request, error.status_code, problem, error.headers)


async def _unforeseen(request: Request, error: Exception) -> Response:
    _log.error("%s %s", request.method, request.url.path, exc_info=error)
    hint = "nothing was stored; reload the page"
    return _answer(request, 500, Problem(error="an unexpected error occurred", hint=hint))
