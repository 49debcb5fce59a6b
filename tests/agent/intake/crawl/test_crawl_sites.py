"""Which sites a listing leads to, and what of them is read: hosts of documentation, moves, versions, query strings."""

import pytest

from agent.errors import RefusedError
from agent.intake.crawl.addresses import edition, named_path, template, version
from agent.intake.crawl.guard import Guard
from agent.intake.crawl.network import open_network
from agent.intake.reader import read_inputs
from agent.settings import Settings
from tests.fakes.intake.wire import Names, Wire, http, no_robots
from tests.fakes.site import page

NOW = "2026-11-01T00:00:00Z"
QUICK = Settings(delay_seconds=0.0)
PUBLIC = "93.184.216.34"
PROSE = (
    "<h1>Acme Mail Agent</h1><p>The Acme Mail Agent reads the shared mailbox of a team and drafts replies to it.</p>"
)
DEEP = "http://dir.example.org/agents/acme"
OWN = "http://www.acme.example.com/"


def said(topic):
    words = " ".join(f"{topic}{letter}" for letter in "abcdefghijklmnopqrst")
    return page(topic, f"<h1>{topic}</h1><p>Acme Mail Agent and its {topic}: {words}.</p>")


def moved(to):
    return b"HTTP/1.1 302 Found\r\nlocation: " + to.encode() + b"\r\ncontent-length: 0\r\n\r\n"


def crawled(pages, start):
    """The intake of `start` over a web of `pages` (address without scheme to text or raw answer), and the wire."""

    def answer(host, path):
        found = pages.get(host + path)
        if isinstance(found, bytes):
            return found
        if found is None:
            return http(b"none", 404)
        kind = "text/xml" if found.startswith("<?xml") else "text/html"
        return http(found.encode(), kind=kind)

    wire = Wire(no_robots(answer))
    with open_network(QUICK, resolve=Names({}, otherwise=[PUBLIC]), backend=wire) as (guard, web):
        return read_inputs([start], web, QUICK, guard=guard, now=NOW).intake, wire


def hosts(wire):
    return {host for host, _, _ in wire.requests}


def states(intake):
    return {link.url: (link.state, link.reason) for link in intake.links}


def read_of(intake):
    return {document.url for document in intake.documents}


def test_the_map_of_a_documentation_host_below_the_vendors_own_site_is_read():
    docs = "http://docs.acme.example.com"
    entries = "".join(f"<url><loc>{docs}/{path}</loc></url>" for path in ("latest/permissions", "latest/audit-log"))
    pages = {
        "www.acme.example.com/": page("Acme", PROSE + f"<a href={docs}/latest/>Docs</a>"),
        "docs.acme.example.com/latest/": said("documentation"),
        "docs.acme.example.com/sitemap.xml": f"<?xml version='1.0'?><urlset>{entries}</urlset>",
        "docs.acme.example.com/latest/permissions": said("permissions"),
        "docs.acme.example.com/latest/audit-log": said("audit"),
    }
    intake, _ = crawled(pages, OWN)
    assert {f"{docs}/latest/permissions", f"{docs}/latest/audit-log"} <= read_of(intake)


@pytest.mark.parametrize("words", ["Website", "Visit our website", "Home page"])
def test_the_footer_of_the_vendors_own_site_names_no_other_site(words):
    foot = f"<a href=http://agency.example.net/>{words}</a>"
    intake, wire = crawled({"www.acme.example.com/": page("Acme", PROSE, footer=foot)}, OWN)
    assert intake.sites == ()
    assert hosts(wire) == {"www.acme.example.com"}


def test_the_footer_of_the_vendors_own_site_may_name_its_documentation():
    foot = "<a href=http://acme.readthedocs.io/>Documentation</a>"
    pages = {"www.acme.example.com/": page("Acme", PROSE, footer=foot), "acme.readthedocs.io/": said("documentation")}
    intake, _ = crawled(pages, OWN)
    assert [site.url for site in intake.sites] == ["http://acme.readthedocs.io/"]


@pytest.mark.parametrize("role", ["ugc", "nofollow ugc", "sponsored", "homepage ugc"])
def test_links_of_visitors_and_advertisers_name_no_site(role):
    links = f"<a rel='{role}' href=http://stranger.example.net/>Website</a><a href=http://acme.example.com/>Website</a>"
    pages = {"dir.example.org/agents/acme": page("Acme", PROSE + links), "acme.example.com/": said("product")}
    intake, wire = crawled(pages, DEEP)
    assert [site.url for site in intake.sites] == ["http://acme.example.com/"]
    assert "stranger.example.net" not in hosts(wire)


def test_a_role_does_not_outdo_an_earlier_link_that_says_so_in_words():
    links = (
        "<p><a href=http://acme.example.com/>Visit website</a></p>"
        "<p>I wrote about it on <a rel=homepage href=http://stranger.example.net/>my page</a></p>"
    )
    pages = {"dir.example.org/agents/acme": page("Acme", PROSE + links), "acme.example.com/": said("product")}
    intake, wire = crawled(pages, DEEP)
    assert [site.url for site in intake.sites] == ["http://acme.example.com/"]
    assert "stranger.example.net" not in hosts(wire)


@pytest.mark.parametrize("start", [DEEP, OWN])
def test_a_redirect_to_a_stranger_is_not_followed(start):
    path = start.removeprefix("http://")
    docs = start.rstrip("/") + "/security"
    pages = {
        path: page("Acme", PROSE + f"<a href={docs}>Security</a>"),
        docs.removeprefix("http://"): moved("http://stranger.example.net/docs/security"),
        "stranger.example.net/docs/security": said("security"),
    }
    intake, wire = crawled(pages, start)
    assert "stranger.example.net" not in hosts(wire)
    assert states(intake)[docs] == ("refused", "it redirects to another site")


def test_a_style_sheet_may_move_within_its_site_only():
    head = "<link rel=stylesheet href=/a.css><link rel=stylesheet href=/b.css>"
    pages = {
        "www.acme.example.com/": page("Acme", PROSE + "<p class=gone>Nobody sees these words.</p>", head=head),
        "www.acme.example.com/a.css": moved("/real.css"),
        "www.acme.example.com/b.css": moved("http://stranger.example.net/b.css"),
        "www.acme.example.com/real.css": http(b".gone{display:none}", kind="text/css"),
    }
    intake, wire = crawled(pages, OWN)
    assert "stranger.example.net" not in hosts(wire)
    assert "Nobody sees" not in intake.documents[0].text


def test_a_start_may_redirect_anywhere():
    pages = {"dir.example.org/agents/acme": moved(OWN), "www.acme.example.com/": page("Acme", PROSE)}
    intake, _ = crawled(pages, DEEP)
    assert intake.final_url == OWN


def test_a_product_site_that_moved_is_followed_once():
    pages = {
        "dir.example.org/agents/acme": page("Acme", PROSE + "<a href=http://acme.example.com/>Website</a>"),
        "acme.example.com/": moved("http://www.acme.example.net/"),
        "www.acme.example.net/": page("Acme", said("product") + "<a href=/security>Security</a>"),
        "www.acme.example.net/security": moved("http://stranger.example.edu/"),
    }
    intake, wire = crawled(pages, DEEP)
    assert [site.url for site in intake.sites] == ["http://www.acme.example.net/"]
    assert "http://www.acme.example.net/" in read_of(intake)
    assert "stranger.example.edu" not in hosts(wire)


def test_a_further_source_that_needs_javascript_is_told():
    app = "<!doctype html><title>Acme</title><div id=root></div><script src=/app.js></script>"
    pages = {
        "dir.example.org/agents/acme": page("Acme", PROSE),
        "docs.acme.example.net/app": app,
        "docs.acme.example.net/bare": page("Acme", "<p>Soon.</p>"),
    }
    wire = Wire(no_robots(lambda host, path: http(pages.get(host + path, "none").encode())))
    sources = [DEEP, "http://docs.acme.example.net/app", "http://docs.acme.example.net/bare"]
    with open_network(QUICK, resolve=Names({}, otherwise=[PUBLIC]), backend=wire) as (guard, web):
        missing = read_inputs(sources, web, QUICK, guard=guard, now=NOW).intake.missing
    assert [(found.reason, found.detail.split()[0]) for found in missing] == [
        ("needs-javascript", sources[1]),
        ("near-empty", sources[2]),
    ]
    assert "septet[browser]" in missing[0].detail


@pytest.mark.parametrize("door", ["/go/acme", "/out?url=acme", "/agents/acme/visit", "/redirect/77"])
def test_a_directory_that_counts_its_visitors_leads_to_the_product(door):
    pages = {
        "dir.example.org/agents/acme": page("Acme", PROSE + f"<a href='{door}' rel=nofollow>Visit website</a>"),
        f"dir.example.org{door}": moved("http://www.acme.example.com/?utm_source=dir"),
        "www.acme.example.com/?utm_source=dir": page("Acme", said("product") + "<a href=/security>Security</a>"),
        "www.acme.example.com/security": said("security"),
    }
    intake, _ = crawled(pages, DEEP)
    assert [(site.role, site.because) for site in intake.sites] == [("product", "Visit website")]
    assert OWN + "security" in read_of(intake)


@pytest.mark.parametrize("lands", ["https://twitter.com/acme", "http://10.0.0.1/", "http://dir.example.org/"])
def test_a_door_to_nobodys_site_names_none(lands):
    pages = {
        "dir.example.org/agents/acme": page("Acme", PROSE + "<a href=/go/acme>Visit website</a>"),
        "dir.example.org/go/acme": moved(lands),
        "dir.example.org/": said("directory"),
    }
    intake, wire = crawled(pages, DEEP)
    assert intake.sites == ()
    assert {address for address, _ in wire.connects} == {PUBLIC}


def test_a_link_with_words_that_name_the_site_outdoes_a_door():
    links = "<a href=/go/acme>Visit website</a><a href=http://acme.example.com/>Website</a>"
    pages = {"dir.example.org/agents/acme": page("Acme", PROSE + links), "acme.example.com/": said("product")}
    intake, wire = crawled(pages, DEEP)
    assert [site.url for site in intake.sites] == ["http://acme.example.com/"]
    assert "/go/acme" not in {path for _, path, _ in wire.requests}


@pytest.mark.parametrize(
    ("words", "url", "named"),
    [
        ("GitHub", "http://stranger.example.net/acme/mail", False),
        ("Source code on GitHub", "http://github.example.net.stranger.example.edu/a", False),
        ("GitHub", "https://github.com.example.net/acme/mail", False),
        ("GitHub", "https://github.com/acme", False),
        ("GitHub", "https://github.com/orgs/acme", False),
        ("GitHub", "https://github.com/acme/mail", True),
        ("GitLab", "https://gitlab.acme.example.com/acme/mail", True),
        ("Source code", "https://git.acme.example.com/acme/mail", True),
    ],
)
def test_what_a_link_calls_its_code_host_must_be_one(words, url, named):
    pages = {"dir.example.org/agents/acme": page("Acme", PROSE + f"<a href={url}>{words}</a>")}
    intake, _ = crawled(pages, DEEP)
    assert [site.role for site in intake.sites] == ["repository"] * named


@pytest.mark.parametrize("how", ["link", "repository", "door", "start", "redirect"])
def test_a_public_page_does_not_lead_to_a_host_that_the_operator_admitted(how):
    inner = "http://wiki.corp:8080/team/notes"
    body = {"link": f"<a href={inner}>Website</a>", "repository": f"<a href={inner}>Source code</a>"}
    ways = {"door": "<a href=/go/acme>Visit website</a>", "redirect": "<a href=/agents/acme/security>Security</a>"}
    pages = {
        "dir.example.org/agents/acme": moved(inner) if how == "start" else page("Acme", PROSE + (body | ways)[how]),
        "dir.example.org/go/acme": moved(inner),
        "dir.example.org/agents/acme/security": moved(inner),
    }

    def answer(host, path):
        found = pages.get(host + path, "none")
        return found if isinstance(found, bytes) else http(found.encode())

    wire = Wire(no_robots(answer))
    names = Names({"wiki.corp": [["10.0.0.1"]]}, otherwise=[PUBLIC])
    with open_network(QUICK, ["wiki.corp:8080"], resolve=names, backend=wire) as (guard, web):
        if how == "start":
            with pytest.raises(RefusedError, match="admitted"):
                read_inputs([DEEP], web, QUICK, guard=guard, now=NOW)
        else:
            assert read_inputs([DEEP], web, QUICK, guard=guard, now=NOW).intake.sites == ()
    assert {address for address, _ in wire.connects} == {PUBLIC}


def test_strangers_below_a_shared_suffix_are_not_the_product():
    links = "<a href=http://acme.github.io/>Website</a>"
    more = "<a href=http://evil.github.io/security>Security</a><a href=http://evil.co.uk/docs>Docs</a>"
    pages = {
        "dir.example.org/agents/acme": page("Acme", PROSE + links),
        "acme.github.io/": page("Acme", said("product") + more),
    }
    _, wire = crawled(pages, DEEP)
    assert hosts(wire) <= {"dir.example.org", "acme.github.io"}


def test_older_versions_of_a_page_are_left_out():
    links = "".join(
        f"<a href=/docs/{edition}/{topic}>{topic}</a> "
        for edition in ("v1", "2.0", "latest", "next")
        for topic in ("security", "permissions")
    )
    pages = {"www.acme.example.com/": page("Acme", PROSE + links + "<a href=/docs/v1/roles>Roles</a>")}
    for path in (
        "v1/security",
        "2.0/security",
        "next/security",
        "v1/permissions",
        "2.0/permissions",
        "next/permissions",
    ):
        pages[f"www.acme.example.com/docs/{path}"] = said("old")
    for path in ("latest/security", "latest/permissions", "v1/roles"):
        pages[f"www.acme.example.com/docs/{path}"] = said(path.rpartition("/")[2])
    intake, _ = crawled(pages, OWN)
    found = {url.removeprefix(OWN) for url in read_of(intake)}
    assert found == {"", "docs/latest/security", "docs/latest/permissions", "docs/v1/roles"}
    assert "another version (v1)" in states(intake)[OWN + "docs/v1/security"][1]


def test_a_topic_of_documentation_is_no_log_in_page():
    links = "<a href=/docs/sso>SSO</a> <a href=/sso>Sign in</a> <a href=/docs/login>Log in</a>"
    pages = {"www.acme.example.com/": page("Acme", PROSE + links), "www.acme.example.com/docs/sso": said("sso")}
    intake, wire = crawled(pages, OWN)
    assert OWN + "docs/sso" in read_of(intake)
    assert {"/sso", "/docs/login"}.isdisjoint(path for _, path, _ in wire.requests)


def test_pages_that_a_query_names_are_found():
    topics = ("security", "permissions", "roles", "secrets", "approvals", "audit", "sandbox", "privacy", "retention")
    topics += ("encryption", "connectors", "webhooks", "memory", "limits", "deployment", "tools")
    links = "".join(f"<a href='/?page=docs&id={n}'>{topic}</a> " for n, topic in enumerate(topics))
    noise = "".join(f"<a href='/?page=item&id={n}'>Item {n}</a> " for n in range(40))
    pages = {"www.acme.example.com/": page("Acme", PROSE + noise + links)}
    pages |= {f"www.acme.example.com/?page=docs&id={n}": said(topic) for n, topic in enumerate(topics)}
    intake, _ = crawled(pages, OWN)
    assert read_of(intake) == {OWN, *(f"{OWN}?page=docs&id={n}" for n in range(len(topics)))}


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://a.example.com/?page=docs&id=12", "/docs/12"),
        ("http://a.example.com/index.php?topic=security", "/index.php/security"),
        ("http://a.example.com/docs?q=security", "/docs"),
        ("http://a.example.com/docs?id=7", "/docs"),
    ],
)
def test_the_path_that_a_query_names(url, expected):
    assert named_path(Guard().parse(url)) == expected


def test_templates_keep_the_names_of_pages_apart_and_no_numbers():
    def kind(query):
        return template(Guard().parse("http://a.example.com/?" + query))

    assert kind("page=docs&id=1") == kind("id=22&page=docs")
    assert kind("page=docs&id=1") != kind("page=item&id=1")
    assert kind("page=1") == kind("page=2")


def test_a_language_in_the_query_is_another_edition():
    name, bare = edition(Guard().parse("http://a.example.com/?page=docs&lang=de"))
    assert "language" in name
    assert bare.path == "/?page=docs"


@pytest.mark.parametrize(
    ("older", "newer"),
    [("v1", "v2"), ("1.9", "1.10"), ("v3", "latest"), ("next", "v1"), ("nightly", "stable"), ("v2.x", "v3.0")],
)
def test_ages_of_versions(older, newer):
    first, second = (version(Guard().parse(f"http://a.example.com/docs/{name}/roles")) for name in (older, newer))
    assert first[1] < second[1]
    assert first[2] == second[2] == Guard().parse("http://a.example.com/docs/roles")
