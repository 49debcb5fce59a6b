"""Politeness: robots.txt, spacing, connections per host, Retry-After, conditional requests; time is faked."""

import itertools
import threading
from dataclasses import replace
from time import monotonic, sleep

import httpcore2
import pytest

from agent.errors import RefusedError, UnavailableError
from agent.intake.crawl.answer import Fetched
from agent.intake.crawl.connections import Meter, TimedStream
from agent.intake.crawl.network import MAX_ROBOTS_BYTES, open_network
from agent.settings import Settings
from tests.fakes.intake.hostile import hostile
from tests.fakes.intake.wire import FakeTime, Names, Wire, http, no_robots
from tests.fakes.site import Answer

PUBLIC = "93.184.216.34"
SITE = "http://a.example.com"
NO_DELAY = Settings(delay_seconds=0)


def ask(urls, answer, settings=NO_DELAY, time=None, kept=None):
    time = time or FakeTime()
    wire = Wire(answer, time.clock)
    meter = Meter(settings, time.clock, time.sleep)
    with open_network(settings, resolve=Names({}, [PUBLIC]), backend=wire, meter=meter, kept=kept) as (_, network):
        return network.get_all(urls), wire


def with_robots(robots, status=200, **headers):
    return lambda host, path: http(robots, status, "text/plain", **headers) if path == "/robots.txt" else http()


ALL = b"User-agent: *\n"
US = b"User-agent: septet\n"
ROBOTS = [
    *((b"", "/a", True), (b"nonsense", "/a", True), (ALL + b"Disallow:\n", "/a", True)),
    *((ALL + b"Disallow: /\n", "/a", False), (ALL + b"Disallow: /\nAllow: /a\n", "/a", True)),
    *((ALL + b"Disallow: /\nAllow: /a\n", "/b", False), (ALL + b"Disallow: /a\n", "/ab", False)),
    *((ALL + b"Disallow: /a/\n", "/a", True), (ALL + b"Disallow: /a/\n", "/a/b", False)),
    *((ALL + b"Disallow: /a$\n", "/ab", True), (ALL + b"Disallow: /a$\n", "/a", False)),
    *((ALL + b"Disallow: /*.pdf$\n", "/x/y.pdf", False), (ALL + b"Disallow: /*.pdf$\n", "/x/y.pdf?z", True)),
    *((ALL + b"Disallow: /*?\n", "/x?y", False), (ALL + b"Disallow: /A\n", "/a", True)),
    *((ALL + b"Disallow: /x\nAllow: /x/y\n", "/x/y/z", True), (ALL + b"Allow: /x\nDisallow: /x/y\n", "/x/y/z", False)),
    *((US + b"Disallow: /a\n", "/a", False), (b"User-agent: SEPTET\nDisallow: /a\n", "/a", False)),
    *((b"User-agent: other\nDisallow: /\n", "/a", True), (ALL + b"Disallow: /\n\n" + US + b"Disallow:\n", "/a", True)),
    (US + b"Disallow: /a\n\n" + ALL + b"Disallow: /b\n", "/b", True),
    (b"User-agent: other\nUser-agent: septet\nDisallow: /a\n", "/a", False),
    (US + b"Disallow: /a\n\nUser-agent: x\nDisallow: /\n\n" + US + b"Disallow: /b\n", "/b", False),
    *((b"\xef\xbb\xbf" + ALL + b"Disallow: /a\n", "/a", False), (b"User-agent: *\r\nDisallow: /a\r\n", "/a", False)),
    (b"User-agent: *\rDisallow: /a\r", "/a", False),
    (b"# note\nUser-agent: * # all\nDisallow: /a # not this\n", "/a", False),
    *((b"user-AGENT : *\nDISALLOW : /a\n", "/a", False), (ALL + b"Disallow: /caf%C3%A9\n", "/café", False)),
    (ALL + "Disallow: /café\n".encode(), "/caf%c3%a9", False),
    (ALL + b"Disallow: /\xff\xfe\nDisallow: /a\n", "/a", False),
    (ALL + b"Sitemap: http://x.example.com/s.xml\nDisallow: /a\n", "/a", False),
    (b"<!doctype html>\n" + ALL + b"Disallow: /\n", "/a", True),
    (b"#" * MAX_ROBOTS_BYTES + b"\n" + ALL + b"Disallow: /\n", "/a", True),
    (ALL + b"Disallow: /a\n" + b"# x\n" * 2_000_000, "/a", False),
]


@pytest.mark.parametrize(("robots", "path", "allowed"), ROBOTS, ids=itertools.count())
def test_robots(robots, path, allowed):
    [outcome], wire = ask([SITE + path], with_robots(robots))
    assert isinstance(outcome, Fetched if allowed else RefusedError)
    assert len(wire.requests) == (2 if allowed else 1)
    if not allowed:
        assert outcome.what == "the site's robots.txt does not allow this page"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((404, Fetched), (401, Fetched), (403, Fetched), (410, Fetched), (429, Fetched)),
        *((500, UnavailableError), (502, UnavailableError), (503, UnavailableError)),
    ],
)
def test_status_of_robots(status, kind):
    outcomes, wire = ask([f"{SITE}/a", f"{SITE}/b"], with_robots(ALL + b"Disallow: /\n", status))
    assert [type(outcome) for outcome in outcomes] == [kind, kind]
    assert [path for _, path, _ in wire.requests].count("/robots.txt") == 1


def test_robots_of_each_origin_also_behind_a_redirect():
    def answer(host, path):
        if path == "/robots.txt":
            return http(ALL + (b"Disallow: /private\n" if host == "b.example.com" else b""))
        return http(b"", 302, location="http://b.example.com/private") if host == "a.example.com" else http()

    [outcome], wire = ask([f"{SITE}/a"], answer)
    assert isinstance(outcome, RefusedError)
    assert [(host, path) for host, path, _ in wire.requests] == [
        *(("a.example.com", "/robots.txt"), ("a.example.com", "/a"), ("b.example.com", "/robots.txt"))
    ]


def test_robots_is_given_to_the_crawl_for_its_sitemaps():
    robots = ALL + b"Disallow: /\nSitemap: http://a.example.com/s.xml\nsitemap: http://a.example.com/t.xml\n"
    [outcome], wire = ask([f"{SITE}/robots.txt"], with_robots(robots))
    assert outcome.body == robots
    assert len(wire.requests) == 1


@pytest.mark.parametrize(
    ("delay", "robots", "wanted"),
    [(0.5, ALL, 0.5), (0.1, ALL + b"Crawl-delay: 3\n", 3.0), (2.0, ALL + b"Crawl-delay: 1\n", 2.0)],
)
def test_spacing_of_the_requests_to_a_host(delay, robots, wanted):
    # Any thread's sleep moves the one clock, so a request may seem to take as long as others waited.
    settings = Settings(delay_seconds=delay, connections_per_host=1, total_seconds=1000, request_seconds=1000)
    outcomes, wire = ask([f"{SITE}/{n}" for n in range(20)], with_robots(robots), settings)
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)
    gaps = [after - before for before, after in itertools.pairwise(wire.starts)]
    assert len(gaps) == 20
    # A longer delay is unknown until robots.txt is read; the gap after it already counts.
    assert min(gaps) >= wanted - 1e-9


class Shelf:
    """One earlier answer for every address, with validators."""

    def __init__(self, *headers):
        self.headers = headers
        self.kept = []

    def page(self, url, user_agent):
        return Fetched(url, url, "text/html", "utf-8", b"kept", self.headers, "2026-01-01T00:00:00Z", user_agent)

    def keep(self, fetched):
        self.kept.append(fetched)


def redirecting(host, path):
    return http(b"", 302, location="/there" + path) if path.startswith("/moved") else http()


confirming = no_robots(lambda host, path: b'HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n')


@pytest.mark.parametrize("answer", [with_robots(ALL), with_robots(b"", 404), redirecting, confirming])
def test_spacing_holds_with_two_connections(answer):
    settings = Settings(delay_seconds=0.5, connections_per_host=2, total_seconds=1000)
    urls = [f"{SITE}/{'moved' if n % 3 == 0 else 'page'}{n}" for n in range(20)]
    outcomes, wire = ask(urls, answer, settings, kept=Shelf(("etag", '"1"')) if answer is confirming else None)
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)
    assert len(wire.starts) >= 21
    assert min(after - before for before, after in itertools.pairwise(sorted(wire.starts))) >= 0.5 - 1e-9


def test_a_second_try_waits_its_turn():
    """A server that closes the connection after each answer without announcing it."""
    moments = []

    def rude(connection, path, over):
        moments.append(monotonic())
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ntrue")
        if path == "/0":
            connection.recv(65536)  # the next request, which is read but not answered
            moments.append(monotonic())

    settings = Settings(delay_seconds=0.3, connections_per_host=1)
    with hostile(rude) as host, open_network(settings, [host]) as (_, network):
        outcomes = [network.get_all([f"http://{host}/{n}"])[0] for n in range(2)]
    assert [outcome.body for outcome in outcomes] == [b"true", b"true"]
    assert len(moments) == 3
    assert min(after - before for before, after in itertools.pairwise(moments)) >= 0.25


def test_hosts_do_not_wait_for_each_other():
    time = FakeTime()
    urls = [f"http://h{n}.example.com/" for n in range(8)]
    outcomes, _ = ask(urls, lambda host, path: http(), Settings(delay_seconds=1.0, connections=1), time)
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)
    assert time.now - 1000.0 == 8.0  # one delay per host, between robots.txt and the page


def test_connections_to_a_host(serve):
    open_now, most, lock = [0], [0], threading.Lock()
    wait = threading.Event()

    def slow(handler):
        with lock:
            open_now[0] += 1
            most[0] = max(most[0], open_now[0])
        wait.wait(0.05)
        with lock:
            open_now[0] -= 1
        handler.send_response(200)
        handler.send_header("content-length", "0")
        handler.end_headers()

    site = serve({f"/{n}": slow for n in range(8)})
    with open_network(replace(NO_DELAY, connections_per_host=3), [site.host]) as (_, network):
        outcomes = network.get_all([site.url(f"/{n}") for n in range(8)])
    assert all(isinstance(outcome, Fetched) for outcome in outcomes)
    assert most[0] == 3


def test_a_host_that_asks_for_too_long_a_delay_is_left():
    [outcome], wire = ask([f"{SITE}/a"], with_robots(ALL + b"Crawl-delay: 120\n"))
    assert isinstance(outcome, RefusedError)
    assert "120 seconds" in outcome.what
    assert len(wire.requests) == 1


def test_a_wait_beyond_the_time_of_the_product_is_named():
    settings = Settings(delay_seconds=0, total_seconds=60)
    outcomes, wire = ask([f"{SITE}/{n}" for n in range(5)], with_robots(ALL + b"Crawl-delay: 25\n"), settings)
    assert [isinstance(outcome, Fetched) for outcome in outcomes].count(True) == 2
    assert {outcome.what for outcome in outcomes if not isinstance(outcome, Fetched)} == {
        "the product's time budget is used up"
    }
    assert len(wire.requests) == 3


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("after", "waited"), [("7", 7.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0)])
def test_retry_after_is_honoured_once(status, after, waited):
    answers, time = [http(b"", status, retry_after=after), http()], FakeTime()
    [outcome], wire = ask([f"{SITE}/a"], no_robots(lambda host, path: answers.pop(0)), time=time)
    assert isinstance(outcome, Fetched)
    assert time.now - 1000.0 == waited
    assert len(wire.requests) == 3


@pytest.mark.parametrize(("after", "requests"), [("7", 3), ("31", 2), ("9999999", 2), ("soon", 2), ("-1", 2), ("", 2)])
def test_retry_after_that_helps_nobody_is_named(after, requests):
    [outcome], wire = ask([f"{SITE}/a"], no_robots(lambda host, path: http(b"", 429, retry_after=after)))
    assert isinstance(outcome, UnavailableError)
    assert outcome.what.startswith("the server answered 429")
    assert len(wire.requests) == requests


def test_a_kept_answer_is_confirmed():
    shelf = Shelf(("etag", '"1"'), ("vary", "accept"))
    [outcome], wire = ask([f"{SITE}/a"], confirming, kept=shelf)
    assert outcome.body == b"kept"
    assert (outcome.media_type, outcome.charset) == ("text/html", "utf-8")
    assert sorted(outcome.headers) == [("etag", '"1"'), ("vary", "accept")]
    assert outcome.fetched_at > "2026-01-01T00:00:00Z"
    assert b'if-none-match: "1"' in wire.requests[-1][2].lower()
    assert shelf.kept == [outcome]


def test_what_an_answer_carries(serve):
    site = serve({"/": Answer("hi", headers=(("ETag", '"x"'), ("X-Robots-Tag", "noindex"), ("Set-Cookie", "a=b")))})
    with open_network(NO_DELAY, [site.host]) as (_, network):
        [first] = network.get_all([site.url("/")])
        network.get_all([site.url("/")])
    assert dict(first.headers)["etag"] == '"x"'
    assert dict(first.headers)["x-robots-tag"] == "noindex"
    assert "set-cookie" not in dict(first.headers)
    assert first.user_agent == NO_DELAY.user_agent
    assert first.fetched_at.endswith("Z")
    assert not any("cookie" in headers for headers in site.headers)


class Dribble(httpcore2.NetworkStream):
    """A stream that yields some bytes every half second."""

    def __init__(self, time, size):
        self.time, self.size = time, size

    def read(self, max_bytes, timeout=None):
        self.time.sleep(0.5)
        return b"a" * self.size


def dribbled(size):
    time = FakeTime()
    meter = Meter(Settings(request_seconds=1000, total_seconds=2000), time.clock, time.sleep)
    meter.start_request()
    meter.start_hop()
    return time, TimedStream(Dribble(time, size), meter)


@pytest.mark.parametrize("size", [1, 400])
def test_a_server_must_keep_up_a_minimum_rate(size):
    time, stream = dribbled(size)
    begun = time.now
    for _ in range(9):
        assert stream.read(65536)
    with pytest.raises(UnavailableError, match="the server sends too slowly"):
        list(iter(lambda: stream.read(65536), b""))
    assert 5.0 <= time.now - begun <= 6.0


def test_a_server_that_keeps_it_up_may_take_its_time():
    time, stream = dribbled(2000)
    begun = time.now
    assert sum(len(stream.read(65536)) for _ in range(200)) == 400_000
    assert time.now - begun == 100.0


def test_leaving_ends_a_wait_for_a_host(serve):
    site = serve({"/robots.txt": Answer("User-agent: *\nCrawl-delay: 20\n", media_type="text/plain"), "/a": "hi"})
    with open_network(NO_DELAY, [site.host]) as (_, network):
        found = []
        reader = threading.Thread(target=lambda: found.extend(network.get_all([site.url("/a")])))
        begun = monotonic()
        reader.start()
        while not site.requests and monotonic() - begun < 5:
            sleep(0.01)
        sleep(0.1)
    reader.join()
    assert monotonic() - begun < 5
    assert [outcome.what for outcome in found] == ["stopped"]


@pytest.mark.parametrize(
    "validator", ['"\xe9"', '"\u65e5"', '"\ud800"', '"a\r\nx-evil: 1"', '"a\nx-evil: 1"', '"\x00"', ' "a"', "a" * 900]
)
def test_a_validator_that_is_no_header_is_not_sent(validator):
    shelf = Shelf(("etag", validator), ("last-modified", validator))
    [outcome], wire = ask([f"{SITE}/a"], with_robots(b"", 404), kept=shelf)
    assert outcome.body == b"<p>hello</p>"
    head = wire.requests[-1][2].lower()
    assert b"evil" not in head
    assert b"if-" not in head


@pytest.mark.parametrize(
    ("names", "location"), [([["10.0.0.1"]], ""), ([["169.254.169.254"]], ""), ([[PUBLIC]], "http://10.0.0.1/")]
)
def test_a_robots_txt_that_the_guard_refuses_is_refused(names, location):
    wire = Wire(lambda host, path: http(b"", 302, location=location))
    with open_network(NO_DELAY, resolve=Names({"a.example.com": names}, []), backend=wire) as (_, network):
        [outcome] = network.get_all([f"{SITE}/a"])
    assert isinstance(outcome, RefusedError)
    assert "robots.txt" in outcome.what
    assert "a private address" in outcome.what or "metadata" in outcome.what or "link-local" in outcome.what
    assert {address for address, _ in wire.connects} == ({PUBLIC} if location else set())
