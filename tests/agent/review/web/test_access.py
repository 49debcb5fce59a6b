"""Access to the review app: every route refuses strangers; routes are found by walking the app's own list."""

import asyncio
from collections.abc import Sequence

import pytest
from starlette.testclient import TestClient

from agent.review.domain.records import Reviewer
from agent.review.web.access import COOKIE, MAX_BODY, POLICY, SAFE, Access
from agent.review.web.app import create_app
from tests.fakes.review.served_reviews import CaseReviews
from tests.fakes.review.web import HOST, ORIGIN, PORT, Browser, Walked, asked, cookie_of, walk

ROUTES = walk()
UNSAFE = [route for route in ROUTES if route.method not in SAFE]
OTHERS = (
    "evil.example",
    "127.0.0.1",
    f"127.0.0.1:{PORT + 1}",
    f"evil.example:{PORT}",
    f"127.0.0.1.evil.example:{PORT}",
    f"127.0.0.1:{PORT}.",
    f"0.0.0.0:{PORT}",
    f"user@127.0.0.1:{PORT}",
    "",
)


@pytest.fixture(scope="module")
def browser() -> Browser:
    return Browser()


def status(browser: Browser, route: Walked, *headers: tuple[str, str], host: Sequence[str] = (HOST,)) -> int:
    raw = [(b"host", name.encode()) for name in host]
    raw += [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return asyncio.run(asked(browser, route.method, route.path, raw))


def session(browser: Browser) -> tuple[str, str]:
    return "cookie", cookie_of(browser).decode()


def test_the_walk_finds_pages_twin_files_and_acts() -> None:
    found = {(route.method, route.path) for route in ROUTES}
    wanted = {("GET", "/"), ("GET", "/r/r1"), ("POST", "/r/r1/act"), ("GET", "/api/queue"), ("POST", "/api/r/r1/act")}
    wanted |= {("GET", "/static/app.css"), ("GET", "/api/openapi.json"), ("POST", "/people"), ("POST", "/bulk")}
    assert wanted <= found
    assert len(UNSAFE) >= 11


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: " ".join(route))
class TestEveryRoute:
    def test_answers_its_own_session(self, browser: Browser, route: Walked) -> None:
        """With a session, each route answers, so a refusal below comes from the guard and not from a missing path."""
        if route.method in SAFE:
            assert status(browser, route, session(browser)) in (200, 422)
        else:
            assert status(browser, route, session(browser), ("origin", ORIGIN)) == 422

    @pytest.mark.parametrize("host", OTHERS)
    def test_refuses_a_foreign_host(self, browser: Browser, route: Walked, host: str) -> None:
        assert status(browser, route, session(browser), ("origin", ORIGIN), host=(host,)) == 421

    @pytest.mark.parametrize("hosts", [(HOST, "evil.example"), ("evil.example", HOST), (HOST, HOST), ()])
    def test_refuses_two_hosts_and_none(self, browser: Browser, route: Walked, hosts: tuple[str, ...]) -> None:
        assert status(browser, route, session(browser), ("origin", ORIGIN), host=hosts) == 421

    @pytest.mark.parametrize(
        "cookie", ["", f"{COOKIE}=", f"{COOKIE}=wrong", "other=1", f"{COOKIE}=\xff", f'{COOKIE}="a']
    )
    def test_refuses_without_session(self, browser: Browser, route: Walked, cookie: str) -> None:
        given = (("cookie", cookie),) if cookie else ()
        assert status(browser, route, ("origin", ORIGIN), *given) == 401

    def test_takes_no_token_in_place_of_a_session(self, browser: Browser, route: Walked) -> None:
        token = browser.access.invite(Reviewer(name="Eve"))
        with_token = Walked(route.method, route.path)
        assert status(browser, with_token, ("origin", ORIGIN), ("authorization", f"Bearer {token}")) == 401
        assert status(browser, with_token, ("origin", ORIGIN), ("cookie", f"{COOKIE}={token}")) == 401

    def test_refuses_a_large_body(self, browser: Browser, route: Walked) -> None:
        if route.method not in SAFE:
            for length in (str(MAX_BODY + 1), "-1", "many", "1e3"):
                assert status(browser, route, session(browser), ("origin", ORIGIN), ("content-length", length)) == 413


CROSS = (
    # Whether the request is accepted, and its headers, after the table of header rules of another local tool.
    (True, {"sec-fetch-site": "same-origin"}),
    (True, {"sec-fetch-site": "none"}),
    (True, {"sec-fetch-site": "same-origin", "origin": ORIGIN}),
    (True, {"origin": ORIGIN}),
    (True, {"origin": ORIGIN, "sec-fetch-mode": "navigate"}),
    (False, {}),
    (False, {"sec-fetch-site": "cross-site"}),
    (False, {"sec-fetch-site": "same-site"}),
    (False, {"sec-fetch-site": "Same-Origin"}),
    (False, {"sec-fetch-site": "same-origin, cross-site"}),
    (False, {"sec-fetch-site": "same-origin "}),
    (False, {"sec-fetch-site": ""}),
    (False, {"sec-fetch-site": "nonsense"}),
    (False, {"sec-fetch-site": "cross-site", "origin": ORIGIN}),
    (False, {"sec-fetch-site": "same-origin", "origin": "http://evil.example"}),
    (False, {"sec-fetch-site": "none", "origin": "null"}),
    (False, {"origin": "null"}),
    (False, {"origin": ""}),
    (False, {"origin": "http://evil.example"}),
    (False, {"origin": f"https://{HOST}"}),
    (False, {"origin": "http://127.0.0.1"}),
    (False, {"origin": f"http://127.0.0.1:{PORT + 1}"}),
    (False, {"origin": f"http://localhost:{PORT}"}),
    (False, {"origin": f"{ORIGIN}/"}),
    (False, {"origin": f"{ORIGIN}.evil.example"}),
    (False, {"origin": f"http://evil.example#{HOST}"}),
    (False, {"origin": f"http://user@{HOST}"}),
    (False, {"origin": f"HTTP://{HOST}"}),
    (False, {"origin": HOST}),
    (False, {"origin": f"{ORIGIN}, {ORIGIN}"}),
    (False, {"origin": "\xff\xfe"}),
    (False, {"referer": f"{ORIGIN}/r/r1"}),
    (False, {"x-requested-with": "XMLHttpRequest"}),
)  # fmt: skip


@pytest.mark.parametrize("route", UNSAFE, ids=lambda route: route.path)
@pytest.mark.parametrize(("through", "headers"), CROSS, ids=lambda value: str(value))
def test_what_changes_something_comes_from_a_page_of_this_server(
    browser: Browser, route: Walked, through: bool, headers: dict[str, str]
) -> None:
    answer = status(browser, route, session(browser), *headers.items())
    assert (answer == 422) if through else (answer == 403)


@pytest.mark.parametrize("route", UNSAFE, ids=lambda route: route.path)
@pytest.mark.parametrize("name", ["origin", "sec-fetch-site"])
def test_a_header_that_stands_twice_is_refused(browser: Browser, route: Walked, name: str) -> None:
    value = ORIGIN if name == "origin" else "same-origin"
    assert status(browser, route, session(browser), (name, value), (name, value)) == 403


def test_a_token_opens_one_session_and_is_used_up() -> None:
    access = Access.loopback(PORT)
    token = access.invite(Reviewer(name="Ada"))
    client = TestClient(create_app(CaseReviews(), access), base_url=ORIGIN, follow_redirects=False)
    assert client.get("/enter", params={"token": "wrong"}).status_code == 401
    assert client.get("/enter").status_code == 401
    assert client.head("/enter", params={"token": token}).status_code == 401
    entered = client.get("/enter", params={"token": token})
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    told = entered.headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=strict" in told
    again = client.get("/enter", params={"token": token})
    assert (again.status_code, again.headers["location"]) == (303, "/"), "its own browser is in already"
    assert "set-cookie" not in again.headers
    client.cookies.clear()
    used = client.get("/enter", params={"token": token})
    assert used.status_code == 401
    assert used.headers["content-type"].startswith("text/html")
    assert "press Enter" in used.text
    client.cookies.set(COOKIE, "made-up")
    assert client.get("/enter", params={"token": token}).status_code == 401


def test_the_name_of_a_reviewer_is_the_session_s() -> None:
    browser = Browser(name="Grace")
    browser.act("confirm", "posture", reviewer="Mallory", by="Mallory", role="approver")
    assert [(event.reviewer, event.role) for event in browser.events()] == [("Grace", "analyst")]


def test_a_viewer_changes_nothing() -> None:
    browser = Browser(role="viewer")
    assert 'data-verb="confirm"' not in browser.get("/r/r1")
    for route in UNSAFE:
        if not route.path.endswith("/focus"):
            status_ = browser.client.post(route.path, data={"verb": "confirm"}, headers={"origin": ORIGIN}).status_code
            assert status_ in (403, 422), route
    browser.post("/r/r1/act", 403, verb="confirm", item="posture", version=0)
    browser.post("/people", 403, name="Eve", role="approver")
    assert browser.events() == ()


def test_a_body_that_goes_on_is_cut_whatever_its_length_says() -> None:
    browser = Browser()

    def chunks() -> "Sequence[bytes]":
        return [b"verb=confirm&note=", *[b"x" * 100_000] * 11]

    for path, kind in (("/r/r1/act", "application/x-www-form-urlencoded"), ("/api/r/r1/act", "application/json")):
        answer = browser.client.post(path, content=iter(chunks()), headers={"origin": ORIGIN, "content-type": kind})
        assert answer.status_code == 413


def test_every_answer_carries_the_policy() -> None:
    browser = Browser()
    for path in ("/", "/r/r1", "/static/app.css", "/api/queue", "/r/r9", "/nothing", "/r/r1/export/html"):
        headers = browser.client.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert path.startswith("/static") or headers["cache-control"] == "no-store"
    assert browser.client.get("/r/r1/export/html").headers["content-disposition"].startswith("attachment")
