"""Access control for the review app: one ASGI layer around every route, including static files and errors.

- Exactly one Host header, which must name this server. This refuses requests with two Host headers, and requests for a
  foreign name that resolves to this machine (DNS rebinding).
- A request that changes something has to come from a page of this server: `Sec-Fetch-Site: same-origin` (or `none`, for
  an address typed by a person), or this server's `Origin` if a browser does not send that header.
- A session: a one-time token in the printed address is exchanged for a cookie that scripts cannot read and other
  sites cannot send. The reviewer's name comes from the session, never from a form.
- Request bodies of at most a megabyte; response headers that let a page load and run only this server's own files.
"""

import secrets
from dataclasses import dataclass, field
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from agent.review.domain.records import Reviewer

ENTER: Final = "/enter"
"""The path where a token is exchanged for a session."""
COOKIE: Final = "septet_review"
MAX_BODY: Final = 1_000_000
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
_HEADERS: Final = (
    (b"content-security-policy", POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    # Not "no-referrer": browsers would then send "Origin: null" with forms of our own pages.
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)
_TOKEN_BYTES: Final = 24
_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")


@dataclass
class Access:
    """The hosts that this server answers to, the valid tokens and the open sessions."""

    hosts: frozenset[str]
    tokens: dict[str, Reviewer] = field(default_factory=dict)
    sessions: dict[str, Reviewer] = field(default_factory=dict)

    @classmethod
    def loopback(cls, port: int) -> "Access":
        """Create the access rules for a server on this machine's loopback at `port`."""
        return cls(frozenset(f"{name}:{port}" for name in _LOOPBACK))

    @property
    def reviewers(self) -> list[Reviewer]:
        """Everyone who has a session, sorted by name."""
        return sorted(set(self.sessions.values()), key=lambda each: each.name)

    def invite(self, reviewer: Reviewer) -> str:
        """Create a token that opens one session for `reviewer`."""
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        self.tokens[token] = reviewer
        return token

    def enter(self, token: str) -> str | None:
        """Exchange `token` for a new session. Returns None if the token is unknown or has been used."""
        known = next((each for each in self.tokens if secrets.compare_digest(each.encode(), token.encode())), None)
        if known is None:
            return None
        session = secrets.token_urlsafe(_TOKEN_BYTES)
        self.sessions[session] = self.tokens.pop(known)
        return session


class Guard:
    """The ASGI layer around the app. Every accepted request has the session's reviewer in
    `scope["state"]["reviewer"]`."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app, self._access = app, access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond to a refused request; pass all others on to the app."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return
        taken = 0

        async def limited() -> Message:
            """Receive a part of the body and enforce the size limit, since the length header may be wrong."""
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > MAX_BODY:
                raise TooLarge
            return message

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message.get("headers", []) if pair[0] not in dict(_HEADERS)]
                cached = any(name == b"cache-control" for name, _ in kept)
                more = () if cached else ((b"cache-control", b"no-store"),)
                message = {**message, "headers": [*kept, *_HEADERS, *more]}
            await send(message)

        refusal = self._refusal(scope, HTTPConnection(scope))
        if refusal is not None:
            await refusal(scope, receive, guarded)
        else:
            await self._app(scope, limited, guarded)

    def _refusal(self, scope: Scope, asked: HTTPConnection) -> Response | None:
        headers, hosts = asked.headers, asked.headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._access.hosts:
            return PlainTextResponse("This server responds only at its own address.\n", 421)
        if scope["method"] not in SAFE and not _own(headers):
            return PlainTextResponse("Refused: the request comes from another site.\n", 403)
        length = headers.get("content-length")
        if length is not None and (not length.isdigit() or int(length) > MAX_BODY):
            return PlainTextResponse(f"Refused: at most {MAX_BODY} bytes.\n", 413)
        reviewer = self._access.sessions.get(asked.cookies.get(COOKIE, ""))
        if scope["path"] == ENTER and scope["method"] in ("GET", "HEAD"):
            token = asked.query_params.get("token", "")
            session = self._access.enter(token) if scope["method"] == "GET" else None
            if session is None and reviewer is None:
                return _no_session("This link is unknown or has already been used")
            # If there is no new session, the link was opened again, from a bookmark or the browser's history.
            answer = RedirectResponse("/", 303)
            if session is not None:
                answer.set_cookie(COOKIE, session, httponly=True, samesite="strict", path="/")
            return answer
        if reviewer is None:
            return _no_session("This browser has no session")
        scope.setdefault("state", {})["reviewer"] = reviewer
        return None


def _no_session(why: str) -> Response:
    """Return a self-contained page, since this server serves its static files only to sessions."""
    return HTMLResponse(
        f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>No session · Septet</title></head>
<body><main><h1>{why}</h1>
<p>A link to the review app opens one session, in one browser. To get another link:</p>
<ul><li>in the terminal where <code>septet review</code> is running, press Enter to print a new one;</li>
<li>or ask someone who has a session to invite you under People.</li></ul>
<p>Nothing is lost: all decisions are stored.</p></main></body></html>
""",
        401,
    )


def _own(headers: Headers) -> bool:
    """Return whether a state-changing request comes from a page of this server, or from no page at all."""
    sites, origins = headers.getlist("sec-fetch-site"), headers.getlist("origin")
    if len(sites) > 1 or len(origins) > 1 or (origins and origins[0] != f"http://{headers['host']}"):
        return False
    return sites[0] in ("same-origin", "none") if sites else bool(origins)


class TooLarge(Exception):  # noqa: N818  (a response of its own, not an error of the program)
    """Raised if the body of a request exceeds the limit, regardless of its length header."""
