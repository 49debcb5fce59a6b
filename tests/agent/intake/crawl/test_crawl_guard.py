"""Addresses that a page plants for a crawl: each is judged like any other, and none is asked that must not be."""

import pytest

from agent.intake.crawl.network import open_network
from agent.intake.reader import read_inputs
from agent.settings import Settings
from tests.fakes.intake.wire import Names, Wire, http, no_robots
from tests.fakes.site import page

NOW = "2026-11-01T00:00:00Z"
PUBLIC = "93.184.216.34"
START = "http://acme.example.com/"
PROSE = "<h1>Acme</h1><p>The Acme Mail Agent reads the shared mailbox of a team and drafts replies when asked to.</p>"
INNER = (
    "http://127.0.0.1/",
    "http://127.0.0.1:8080/v1",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::ffff:10.0.0.1]/docs",
    "http://0x7f000001/docs",
    "http://10.0.0.1/docs/security",
    "http://rebound.example.com/docs/security",
    "file:///etc/passwd",
)
STRANGER = "https://other-vendor.example.org/docs/security"
DOCS = page(
    "Docs", "<h1>Docs</h1><p>Acme keeps each mail for ninety days and deletes it afterwards without a trace.</p>"
)


def crawled(pages):
    """The intake of the start page over a network whose sockets are in memory, and the wire."""

    def answer(host, path):
        found = pages.get(path) if host == "acme.example.com" else None
        if found is None:
            return http(b"none", 404)
        body, kind = found if isinstance(found, tuple) else (found, "text/html")
        return http(body.encode(), kind=kind)

    wire = Wire(answer if "/robots.txt" in pages else no_robots(answer))
    names = Names({"rebound.example.com": [["10.0.0.1"]]}, otherwise=[PUBLIC])
    settings = Settings(delay_seconds=0.0)
    with open_network(settings, resolve=names, backend=wire) as (guard, web):
        result = read_inputs([START], web, settings, guard=guard, now=NOW)
    return result.intake, wire


def asked(wire):
    """The hosts that requests went to, and the addresses that were connected to."""
    return {host for host, _, _ in wire.requests}, {address for address, _ in wire.connects}


def delivered(how, url):
    """A site that plants `url` in the way `how`."""
    urlset = "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{}</urlset>"
    index = "<?xml version='1.0'?><sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{}</sitemapindex>"
    refresh = f"<meta http-equiv=refresh content='0; url={url}'>"
    ways = {
        "link": {"/": page("Acme", f"{PROSE}<a href='{url}'>Security documentation</a>")},
        "link role": {"/": page("Acme", PROSE, head=f"<link rel=help href='{url}'>")},
        "canonical": {"/": page("Acme", PROSE, head=f"<link rel=canonical href='{url}'>")},
        "refresh": {
            "/": page("Acme", PROSE + "<a href=/docs>Docs</a>"),
            "/docs": page("Docs", "<p>Wait</p>", head=refresh),
        },
        "style sheet": {"/": page("Acme", PROSE, head=f"<link rel=stylesheet href='{url}'>")},
        "sitemap": {
            "/": page("Acme", PROSE),
            "/sitemap.xml": (urlset.format(f"<url><loc>{url}</loc></url>"), "text/xml"),
        },
        "index": {
            "/": page("Acme", PROSE),
            "/sitemap.xml": (index.format(f"<sitemap><loc>{url}</loc></sitemap>"), "text/xml"),
        },
        "robots": {"/": page("Acme", PROSE), "/robots.txt": (f"Sitemap: {url}\n", "text/plain")},
        "llms.txt": {
            "/": page("Acme", PROSE),
            "/llms.txt": (f"# Acme\n\n## Docs\n\n- [Docs]({url}): all\n", "text/plain"),
        },
        "agent card": {
            "/": page("Acme", PROSE),
            "/.well-known/agent-card.json": (
                f'{{"name": "Acme", "description": "Reads mail", "url": "{url}", "documentationUrl": "{url}"}}',
                "application/json",
            ),
        },
        "servers": {
            "/": page("Acme", PROSE),
            "/openapi.json": (
                f'{{"openapi": "3.1.0", "info": {{"title": "Acme", "version": "1"}}, "servers": [{{"url": "{url}"}}],'
                '"paths": {"/mail": {"get": {"summary": "Reads a mail of the team", "responses": {}}}}}',
                "application/json",
            ),
        },
    }
    return ways[how]


WAYS = ("link", "link role", "canonical", "refresh", "style sheet", "sitemap", "index", "robots", "llms.txt")
MANIFESTS = ("agent card", "servers")


@pytest.mark.parametrize("how", [*WAYS, *MANIFESTS])
def test_no_planted_address_leads_inside_or_to_a_stranger(how):
    for url in (*INNER, STRANGER):
        intake, wire = crawled(delivered(how, url))
        hosts, addresses = asked(wire)
        assert hosts == {"acme.example.com"}, url
        assert addresses == {PUBLIC}, url
        assert intake.documents[0].url == START


@pytest.mark.parametrize("how", ["link", "canonical", "sitemap", "robots", "llms.txt"])
def test_a_refused_address_is_shown_with_its_reason(how):
    intake, _ = crawled(delivered(how, "http://169.254.169.254/latest/meta-data/"))
    found = {link.url: link for link in intake.links}
    assert found["http://169.254.169.254/latest/meta-data/"].state == "refused"
    assert found["http://169.254.169.254/latest/meta-data/"].reason


def test_a_name_below_the_site_that_leads_inside_is_refused_before_any_socket():
    pages = {"/": page("Acme", f"{PROSE}<a href=http://docs.acme.example.com/security>Security</a>")}
    wire = Wire(no_robots(lambda host, path: http(pages.get(path, "none").encode(), 200 if path in pages else 404)))
    names = Names({"docs.acme.example.com": [["127.0.0.1"]]}, otherwise=[PUBLIC])
    settings = Settings(delay_seconds=0.0)
    with open_network(settings, resolve=names, backend=wire) as (guard, web):
        intake = read_inputs([START], web, settings, guard=guard, now=NOW).intake
    assert {address for address, _ in wire.connects} == {PUBLIC}
    [link] = [link for link in intake.links if link.url == "http://docs.acme.example.com/security"]
    assert link.state != "read"
    assert "a loopback address" in link.reason


def test_the_servers_of_an_api_are_shown_and_never_asked():
    intake, wire = crawled(delivered("servers", "https://acme.example.com/api/v1"))
    assert "/api/v1" not in {path for _, path, _ in wire.requests}
    assert any("/api/v1" in document.text for document in intake.documents)


def test_an_honest_page_of_the_site_is_read():
    pages = {"/": page("Acme", f"{PROSE}<a href=/docs/security>Security</a>"), "/docs/security": DOCS}
    intake, _ = crawled(pages)
    assert [document.url for document in intake.documents] == [START, START + "docs/security"]
