"""A small web site on loopback: routes in a dict, hostile answers as functions, every request recorded.

with Site({"/": page("Acme", "<p>…</p>")}) as site:
    read_remembered([site.url("/")], …, allow_private=[site.host])
"""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import NamedTuple, Self

HTML = "text/html; charset=utf-8"


class Answer(NamedTuple):
    """What a route sends."""

    body: bytes | str = b""
    media_type: str = HTML
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()


Stream = Callable[[BaseHTTPRequestHandler], None]
"""A route that writes its whole answer itself."""
Route = Answer | Stream | str


class Site:
    """Serves `routes` (path with query to answer) on a free port of 127.0.0.1 inside a `with` block."""

    def __init__(self, routes: Mapping[str, Route]) -> None:
        self.routes: dict[str, Route] = dict(routes)
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def host(self) -> str:
        """HOST:PORT, as --allow-private expects it."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def url(self, path: str = "/") -> str:
        """Return the address of a route."""
        return f"http://{self.host}{path}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.requests.append(self.path)
                site.headers.append({name.lower(): value for name, value in self.headers.items()})
                route = site.routes.get(self.path, Answer("<h1>Not found</h1>", status=404))
                self.close_connection = True
                try:
                    if callable(route) and not isinstance(route, Answer):
                        route(self)
                    else:
                        self._send(Answer(route) if isinstance(route, str) else route)
                except (BrokenPipeError, ConnectionResetError):
                    pass

            def _send(self, answer: Answer) -> None:
                body = answer.body.encode() if isinstance(answer.body, str) else answer.body
                self.send_response(answer.status)
                for name, value in (("content-type", answer.media_type), *answer.headers):
                    if value:
                        self.send_header(name, value)
                self.send_header("content-length", str(len(body)))
                self.send_header("connection", "close")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return

        return Handler


def redirect(location: str, status: int = 302) -> Answer:
    """Return a redirect to `location`."""
    return Answer("", status=status, headers=(("location", location),))


def bomb(size: int) -> Answer:
    """Return a gzip body that expands to `size` bytes of markup."""
    return Answer(gzip.compress(b"<p>" + b"a" * size, mtime=0), headers=(("content-encoding", "gzip"),))


def _dripping(seconds: float, head: bytes, piece: bytes) -> Stream:
    def send(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(head)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            handler.wfile.write(piece)
            handler.wfile.flush()
            time.sleep(0.05)

    return send


def drip(seconds: float) -> Stream:
    """Return a route that sends one byte of the body every 50 ms for `seconds`."""
    return _dripping(seconds, f"HTTP/1.1 200 OK\r\ncontent-type: {HTML}\r\n\r\n".encode(), b"a")


def drip_headers(seconds: float) -> Stream:
    """Return a route that sends headers without an end."""
    return _dripping(seconds, b"HTTP/1.1 200 OK\r\n", b"x-a: b\r\n")


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    """Close the connection without sending anything."""
    handler.connection.shutdown(socket.SHUT_RDWR)


def page(title: str, body: str, *, nav: str = "", footer: str = "", head: str = "") -> str:
    """Return an HTML page with navigation, a main part and a footer."""
    return (
        f"<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title>{head}</head><body>"
        f"<nav><a href=/>Home</a> {nav}</nav><main>{body}</main><footer><p>© Example Directory</p>{footer}</footer>"
        "</body></html>"
    )


LISTING_PATH = "/agents/acme"
NAV = '<a href="/agents/">All agents</a> <a href="/login">Log in</a> <a href="/docs/">Docs</a>'
FOOTER = (
    "<p>Example Directory lists agents. We never sell your data to anybody.</p>"
    '<a href="/privacy">Privacy of this site</a> <a href="https://social.example.org/x">Follow us</a>'
)


def acme() -> dict[str, Route]:
    """Return the routes of a directory with one listing, its documentation, navigation, footer noise and neighbour
    cards.
    """
    listing = page(
        "Acme Mail Agent — Example Directory",
        """<h1>Acme Mail Agent</h1>
        <p>Acme Mail Agent reads a team's shared mailbox, drafts replies and sends them through Gmail.</p>
        <h2>Features</h2><ul><li>Sends mail through the Gmail API with the owner's account</li>
        <li>Runs Python snippets in a container to fill in spreadsheets</li></ul>
        <div>The agent remembers earlier conversations for 90 days.</div>
        <h2>Permissions</h2>
        <table><tr><th>Scope</th><th>Why</th></tr><tr><td>gmail.send</td><td>to answer</td></tr></table>
        <p><a href="/agents/acme/security">Security</a> · <a href="/docs/acme/setup.html">Setup guide</a> ·
        <a href="https://vendor.example.com/">Vendor</a> · <a href="http://169.254.169.254/latest/">Status</a></p>
        <section class="related-agents"><h2>Similar agents</h2>
        <a href="/agents/robo"><h3>Robo Trader</h3></a>
        <p>Robo Trader moves money between bank accounts at night.</p></section>
        """,
        nav=NAV,
        footer=FOOTER,
    )
    security = page(
        "Security — Acme Mail Agent",
        """<h1>Security of Acme Mail Agent</h1><p>Every outgoing message waits until an approver in the Finance group
        accepts it; the setting approval.required is on by default and set by the administrator under Settings.</p>
        <p>Tokens are kept in a vault and rotated each week.</p><a href="/agents/acme/security/audit">Audit log</a>""",
        nav=NAV,
        footer=FOOTER,
    )
    audit = page(
        "Audit — Acme Mail Agent",
        "<h1>Audit log of Acme Mail Agent</h1><p>Each action is written to an audit log that is kept for one year.</p>",
        nav=NAV,
        footer=FOOTER,
    )
    setup = page(
        "Setup — Acme Mail Agent",
        """<h1>Set up Acme Mail Agent</h1><p>Connect a Google account with OAuth; the agent acts with that account's
        rights and can read every label.</p><pre>pip install acme-agent
acme login --scope gmail.send</pre>""",
        nav=NAV,
        footer=FOOTER,
    )
    return {
        LISTING_PATH: listing,
        "/agents/acme/security": security,
        "/agents/acme/security/audit": audit,
        "/docs/acme/setup.html": setup,
        "/agents/robo": page(
            "Robo Trader", "<h1>Robo Trader</h1><p>Moves money at night without asking anybody for approval.</p>"
        ),
        "/privacy": page(
            "Privacy",
            "<h1>Privacy of Example Directory</h1><p>This directory keeps the address of its visitors for a week.</p>",
        ),
        "/docs/": page(
            "Docs",
            "<h1>How to submit a listing</h1><p>Fill in the form and wait until a person of the directory answers.</p>",
        ),
    }
