"""The guard without a network: resolver and connector only record."""

import ipaddress
import json

import pytest
from hypothesis import given, strategies as st

from agent.errors import RefusedError, UnavailableError, UsageError
from agent.intake.crawl.guard import Guard, looks_like_address, refusal
from agent.intake.crawl.network import open_network
from agent.settings import Settings
from tests.fakes.intake.wire import Names, Wire, http, moved, no_robots
from tests.places import VECTORS

PUBLIC = "93.184.216.34"

_ADDRESSES = json.loads((VECTORS / "addresses.json").read_text("utf-8"))
REFUSED_URLS = (*_ADDRESSES["refused_urls"], "http://example.com/" + "a" * 9000)
ALLOWED_URLS = {url: tuple(reading) for url, reading in _ADDRESSES["allowed_urls"].items()}
# The first and last address of each refused range, and the public neighbours just outside.
EDGES_REFUSED, EDGES_ALLOWED = _ADDRESSES["edges_refused"], _ADDRESSES["edges_allowed"]


def fetch(url, answers, table, allow=()):
    """Return the outcome of `url` with sockets that give `answers` in turn, and the addresses connected to."""
    left = list(answers)
    wire = Wire(no_robots(lambda host, path: left.pop(0)))
    with open_network(Settings(delay_seconds=0), allow, resolve=Names(table), backend=wire) as (_, network):
        [outcome] = network.get_all([url])
    return outcome, set(wire.connects)


@pytest.mark.parametrize("url", REFUSED_URLS, ids=lambda url: ascii(url)[:50])
def test_refused_url(url):
    with pytest.raises(RefusedError) as caught:
        Guard().parse(url)
    assert caught.value.exit_code == 3
    assert caught.value.hint


@pytest.mark.parametrize(("url", "reading"), ALLOWED_URLS.items())
def test_allowed_url(url, reading):
    target = Guard().parse(url)
    assert (target.host, target.port, target.url) == reading
    assert Guard().parse(target.url) == target


@pytest.mark.parametrize("address", [*EDGES_REFUSED, *EDGES_ALLOWED])
def test_the_edges_of_ranges(address):
    assert bool(refusal(ipaddress.ip_address(address))) is (address in EDGES_REFUSED)


@given(st.text(max_size=60))
def test_a_reading_is_final(text):
    try:
        target = Guard().parse("http://" + text)
    except RefusedError:
        return
    assert Guard().parse(target.url) == target
    assert target.url.isascii()
    assert target.port in (80, 443)


@pytest.mark.parametrize(
    "answers",
    [
        *(["127.0.0.1"], [PUBLIC, "10.0.0.7"], ["127.0.0.1", PUBLIC], ["64:ff9b::a9fe:a9fe"], ["::ffff:10.0.0.1"]),
        *(["0.0.0.0"], ["not-an-address"], []),
    ],
)
def test_every_answer_must_pass(answers):
    error, connects = fetch("http://a.example.com/", [http()], {"a.example.com": [answers]})
    assert isinstance(error, RefusedError if answers else UnavailableError)
    assert connects == set()


@pytest.mark.parametrize(
    "location",
    [
        *("http://127.0.0.1/", "//169.254.169.254/latest/", "http://[::ffff:127.0.0.1]/", "http://inside.example.net/"),
        *("http://flip.example.net/", "file:///etc/passwd", "http://a.example.com:6379/", "http:\\\\127.0.0.1\\"),
        *("http://user@a.example.com/", "https://2130706433/"),
    ],
)
def test_redirects_are_judged(location):
    table = {"a.example.com": [[PUBLIC]], "inside.example.net": [["10.0.0.1"]]}
    table["flip.example.net"] = [["127.0.0.1"], [PUBLIC]]
    error, connects = fetch("http://a.example.com/", [moved(location), http()], table)
    assert isinstance(error, RefusedError)
    assert connects == {(PUBLIC, 80)}


@pytest.mark.parametrize("location", ["/next", "?page=2", "http://b.example.com/"])
def test_honest_redirects_are_followed(location):
    table = {"a.example.com": [[PUBLIC]], "b.example.com": [["93.184.216.35"]]}
    got, _ = fetch("http://a.example.com/", [moved(location), http()], table)
    assert got.body == b"<p>hello</p>"
    assert got.url != got.requested


def test_admitted_host_and_port_only():
    guard = Guard(["127.0.0.1:8080", "intranet.corp", "[::1]:8443", "localhost"])
    for url in ("http://127.0.0.1:8080/", "http://intranet.corp/", "https://intranet.corp/", "http://[::1]:8443/"):
        target = guard.parse(url)
        assert guard.admits(target.host, target.port)
    for url in ("http://127.0.0.1/", "http://127.0.0.1:8081/", "http://intranet.corp:8080/", "http://x.intranet.corp/"):
        with pytest.raises(RefusedError):
            guard.parse(url)


def test_admitted_name_may_be_private():
    got, connects = fetch("http://box.corp/", [http()], {"box.corp": [["10.1.2.3"]]}, ["box.corp"])
    assert got.body == b"<p>hello</p>"
    assert connects == {("10.1.2.3", 80)}


@pytest.mark.parametrize("entry", ["", "http://x/", "a@b", "x:99999", "127.1:80", "a b"])
def test_malformed_admission(entry):
    with pytest.raises(UsageError):
        Guard([entry])


def test_what_is_meant_as_an_address():
    addresses = ("file:///x", "//host/x", "a b", "x\x00y", "mailto:a@b.example", "HTTP://x")
    assert all(map(looks_like_address, addresses))
    assert not any(map(looks_like_address, ("listing.md", "example.com/agents/acme", "./docs", "")))
