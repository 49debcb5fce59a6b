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
from agent.review.web import api, new_threat, queue_pages, review_pages
from agent.review.web.access import MAX_BODY, Access, Guard, TooLarge
from agent.review.web.context import NOT_FOUND, Context, Problem, Unfinished, problem_of, status_of

STATIC: Final = Path(__file__).with_name("static")
API: Final = "/api"
_MEDIA: Final = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_BAD, _UNREADABLE = 400, 422
_NO_PAGE: Final = Problem(
    error="there is no such page", hint="reviews are opened from the queue; the key of one looks like r1"
)
_TAG: Final = 12
_log = logging.getLogger(__name__)


class _File(NamedTuple):
    """A static file."""

    data: bytes
    media: str
    tag: str


def _files() -> dict[str, _File]:
    """Read the static files, by name."""
    found = [path for path in sorted(STATIC.glob("*")) if path.suffix in _MEDIA]
    read = [(path, path.read_bytes()) for path in found]
    read.append((Path("document.css"), _document_style()))
    return {path.name: _File(data, _MEDIA[path.suffix], hashlib.sha256(data).hexdigest()[:_TAG]) for path, data in read}


def _document_style() -> bytes:
    """Limit the style of the HTML export to the part of a page that shows the document."""
    style = STYLE.read_text("utf-8")
    for alone in (":root {", "body {"):
        style = style.replace(alone, "& {")
    return f".document {{\n{style}}}\n".encode()


def create_app(service: Service, access: Access) -> ASGIApp:
    """Create the whole app over `service`, behind a guard that admits only requests allowed by `access`."""
    return Guard(unguarded(service, access), access)


def unguarded(service: Service, access: Access) -> FastAPI:
    """Create the app without its guard, so that its routes can be listed."""
    files = _files()
    assets = {name: f"/static/{name}?{file.tag}" for name, file in files.items()}
    context = Context(service, access, assets, Unfinished())
    app = FastAPI(
        title="Septet review",
        version="1",
        description="The JSON twin of the review pages. A session's cookie says who asks.",
        docs_url=None,
        redoc_url=None,
        openapi_url=f"{API}/openapi.json",
    )
    for room in (queue_pages, new_threat, review_pages):
        app.include_router(room.routes(context), include_in_schema=False)
    app.include_router(review_pages.act_routes(context), include_in_schema=False)
    app.include_router(api.routes(context), prefix=API)
    _serve(app, files)
    _answer_errors(app, context)
    return app


def _serve(app: FastAPI, files: Mapping[str, _File]) -> None:
    @app.get("/static/{name}", include_in_schema=False)
    def static(name: str, request: Request) -> Response:
        if name not in files:
            raise HTTPException(404)
        data, media, tag = files[name]
        headers = {"etag": f'"{tag}"', "cache-control": "private, max-age=31536000, immutable"}
        if request.url.query != tag:
            headers["cache-control"] = "private, no-cache"
            if request.headers.get("if-none-match") == f'"{tag}"':
                return Response(status_code=304, headers=headers)
        return Response(data, media_type=media, headers=headers)


def _answer_errors(app: FastAPI, context: Context) -> None:
    def answer(request: Request, status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
        if request.url.path.startswith(f"{API}/"):
            made: Response = JSONResponse(problem.model_dump(mode="json"), status)
        else:
            made = context.page(request, "problem.html", status, problem=problem, code=status)
        made.headers.update(headers or {})
        return made

    @app.exception_handler(SeptetError)
    async def known(request: Request, error: SeptetError) -> Response:
        return answer(request, status_of(error), problem_of(error))

    @app.exception_handler(TooLarge)
    async def too_large(request: Request, _: Exception) -> Response:
        return answer(request, 413, Problem(error="the request is too large", hint=f"at most {MAX_BODY} bytes"))

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        # For a choice field, the error location also lists all possible values; leave that part out.
        where = ".".join(str(part) for part in first["loc"] if "[" not in str(part))
        told = str(first["msg"]).lower()
        if request.url.path.startswith(f"{API}/"):
            return answer(request, _UNREADABLE, Problem(error=told, where=where, hint="see the description"))
        if first["loc"][:1] == ("path",):
            return answer(request, NOT_FOUND, _NO_PAGE)
        return answer(
            request, _UNREADABLE, Problem(error="the address cannot be read", where=str(first["loc"][-1]), hint=told)
        )

    @app.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        if isinstance(error.__cause__, TooLarge):
            return await too_large(request, error.__cause__)
        if error.status_code == _BAD:
            # The framework reports a body that is not JSON with this status.
            return answer(
                request, _UNREADABLE, Problem(error="the body cannot be read", where="body", hint="send JSON")
            )
        if error.status_code == NOT_FOUND and not request.url.path.startswith(f"{API}/"):
            return answer(request, NOT_FOUND, _NO_PAGE, error.headers)
        hints = {404: "see the queue", 405: "see the description of the routes"}
        problem = Problem(error=str(error.detail).lower(), hint=hints.get(error.status_code, ""))
        return answer(request, error.status_code, problem, error.headers)

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        _log.error("%s %s", request.method, request.url.path, exc_info=error)
        hint = "nothing was stored by it; load the page again"
        return answer(request, 500, Problem(error="the app failed at this", hint=hint))
