"""The review app for tests: a client over ASGI with a session, and the list of the app's routes."""

from typing import NamedTuple

from fastapi.routing import iter_route_contexts
from lxml import html
from lxml.html import HtmlElement
from starlette.testclient import TestClient
from starlette.types import Message, Scope

from agent.review.domain.records import Event, Reviewer, ReviewState, Role
from agent.review.domain.rescore import headline_of
from agent.review.service import Service
from agent.review.web.access import COOKIE, Access
from agent.review.web.app import create_app, unguarded
from tests.fakes.review.reviewing import case_draft
from tests.fakes.review.served_reviews import SERVED, CaseReviews

PORT = 8765
HOST = f"127.0.0.1:{PORT}"
ORIGIN = f"http://{HOST}"
HEADLINE = f"threat/{headline_of(case_draft(SERVED)).id}"
"""The threat that the score of `r1` rests on."""
KEYS = {
    "{key}": "r1",
    "{document}": "D1",
    "{item:path}": "posture",
    "{format}": "md",
    "{name}": "app.css",
}


class Browser:
    """A reviewer's browser: does not follow redirects, and sends an Origin with POST requests."""

    def __init__(self, reviews: Service | None = None, *, name: str = "Ada", role: Role = "analyst") -> None:
        self.reviews = reviews or CaseReviews()
        self.access = Access.loopback(PORT)
        self.client = TestClient(create_app(self.reviews, self.access), base_url=ORIGIN, follow_redirects=False)
        self.enter(name, role)

    def enter(self, name: str, role: Role = "analyst") -> None:
        token = self.access.invite(Reviewer(name=name, role=role))
        assert self.client.get("/enter", params={"token": token}).status_code == 303

    def second(self, name: str) -> "Browser":
        """Return another browser on the same reviews."""
        return Browser(self.reviews, name=name)

    def events(self) -> tuple[Event, ...]:
        """Return what was done in the first review since its draft was imported."""
        return self.reviews.history("r1")[1:]

    @property
    def state(self) -> ReviewState:
        """The first review as it is now."""
        return self.reviews.review("r1")

    def get(self, path: str, status: int = 200) -> str:
        """Return the page at a path or at the target of a redirect."""
        answer = self.client.get(path.partition("#")[0])
        assert answer.status_code == status, answer.text[:500]
        return answer.text

    def page(self, path: str, status: int = 200) -> HtmlElement:
        return html.document_fromstring(self.get(path, status))

    def text(self, path: str, status: int = 200) -> str:
        return words(self.page(path, status))

    def card(self, item: str, path: str = "/r/r1") -> HtmlElement:
        """Return the card of an item on a page."""
        (found,) = self.page(path).xpath(f'//*[@data-item="{item}"]')
        return found

    def told(self, item: str, path: str = "/r/r1") -> str:
        """Return the words on the card of an item."""
        return words(self.card(item, path))

    def post(self, path: str, status: int = 303, /, **fields: object) -> str:
        """Return the body of the answer, or the redirect target."""
        named = {name.replace("__", "."): value for name, value in fields.items()}
        answer = self.client.post(path, data=named, headers={"origin": ORIGIN})
        assert answer.status_code == status, answer.text[:800]
        return str(answer.headers["location"]) if status == 303 else answer.text

    def act(self, verb: str, item: str = "", status: int = 303, /, *, key: str = "r1", **fields: object) -> str:
        """Act at the newest version, unless `version` is given."""
        version = fields.pop("version", self.reviews.review(key).version)
        return self.post(f"/r/{key}/act", status, verb=verb, item=item, version=version, **fields)

    def form(self, item: str, verb: str, path: str = "/r/r1") -> dict[str, str]:
        """Return what a browser would send from a form on an item's card."""
        return filled(self.card(item, path).xpath(f'.//form[@data-verb="{verb}"]')[0])

    def bulk_all(self) -> None:
        """Confirm what quotes support, section by section."""
        every = " ".join(one.item.id for one in self.state.items)
        for section in dict.fromkeys(one.item.section for one in self.state.items):
            self.act("bulk", section=section, seen=every)


class Walked(NamedTuple):
    """A route with a path that it answers."""

    method: str
    path: str


def walk() -> list[Walked]:
    """Return every route of the app, found in its own list, with each of its methods."""
    app = unguarded(CaseReviews(), Access.loopback(PORT))
    found = []
    for route in iter_route_contexts(app.routes):
        path = route.path or ""
        for name, value in KEYS.items():
            path = path.replace(name, value)
        assert "{" not in path, path
        found += [Walked(method, path) for method in sorted(route.methods or ())]
    return found


async def asked(browser: Browser, method: str, path: str, headers: list[tuple[bytes, bytes]]) -> int:
    """Return the status of a request with exactly these headers, passed to the app as a server would."""
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
        "raw_path": path.encode(), "query_string": b"", "root_path": "", "scheme": "http", "headers": headers,
        "server": ("127.0.0.1", PORT), "client": ("127.0.0.1", 40000), "state": {},
    }  # fmt: skip
    statuses: list[int] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(int(message["status"]))

    await browser.client.app(scope, receive, send)
    return statuses[0]


def cookie_of(browser: Browser) -> bytes:
    """Return the cookie header of a browser's session."""
    return f"{COOKIE}={browser.client.cookies[COOKIE]}".encode()


def tree(page: str) -> HtmlElement:
    return html.document_fromstring(page)


def article(page: str, item: str) -> HtmlElement:
    found = tree(page).xpath(f'//*[@data-item="{item}"]')
    assert len(found) == 1
    return found[0]


def words(element: HtmlElement) -> str:
    return " ".join(" ".join(element.itertext()).split())


def filled(form: HtmlElement) -> dict[str, str]:
    """Return what a browser would send from a form; it drops a line feed at the start of a text area."""
    return {name: (value or "").removeprefix("\n") for name, value in form.form_values()}
