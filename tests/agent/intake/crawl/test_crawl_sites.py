"""The sites that a listing leads to, and what is read there: documentation hosts, moves, versions, planted URLs."""

import pytest

from agent.errors import RefusedError
from agent.intake.crawl.addresses import edition, version
from agent.intake.crawl.guard import Guard
from agent.intake.crawl.sites import registered_domain
from tests.fakes.intake.wire import crawl, http, moved
from tests.fakes.site import page

PUBLIC = "93.184.216.34"
PROSE = (
    "<h1>Acme Mail Agent</h1><p>The Acme Mail Agent reads the shared mailbox of a team and drafts replies to it.</p>"
)
DEEP = "http://dir.example.org/agents/acme"
OWN = "http://www.acme.example.com/"


def said(topic):
    words = " ".join(f"{topic}{letter}" for letter in "abcdefghijklmnopqrst")
    return page(topic, f"<h1>{topic}</h1><p>Acme Mail Agent and its {topic}: {words}.</p>")


def listing(body="", at=DEEP, **more):
    """Return a listing page with `body`, served at its address."""
    return {at.removeprefix("http://"): page("Acme", PROSE + body, **more)}


def hosts(wire):
    return {host for host, _, _ in wire.requests}


def states(intake):
    return {link.url: (link.state, link.reason) for link in intake.links}


def read_of(intake):
    return {document.url for document in intake.documents}


def test_the_map_of_a_documentation_host_below_the_vendors_own_site_is_read():
    docs = "http://docs.acme.example.com"
    entries = "".join(f"<url><loc>{docs}/{path}</loc></url>" for path in ("latest/permissions", "latest/audit-log"))
    pages = listing(f"<a href={docs}/latest/>Docs</a>", OWN) | {
        "docs.acme.example.com/latest/": said("documentation"),
        "docs.acme.example.com/sitemap.xml": f"<?xml version='1.0'?><urlset>{entries}</urlset>",
        "docs.acme.example.com/latest/permissions": said("permissions"),
        "docs.acme.example.com/latest/audit-log": said("audit"),
    }
    intake, _ = crawl(pages, OWN)
    assert {f"{docs}/latest/permissions", f"{docs}/latest/audit-log"} <= read_of(intake)


@pytest.mark.parametrize("words", ["Website", "Visit our website", "Home page"])
def test_the_footer_of_the_vendors_own_site_names_no_other_site(words):
    foot = f"<a href=http://agency.example.net/>{words}</a>"
    intake, wire = crawl(listing(at=OWN, footer=foot), OWN)
    assert intake.sites == ()
    assert hosts(wire) == {"www.acme.example.com"}


def test_the_footer_of_the_vendors_own_site_may_name_its_documentation():
    foot = "<a href=http://acme.readthedocs.io/>Documentation</a>"
    pages = listing(at=OWN, footer=foot) | {"acme.readthedocs.io/": said("documentation")}
    intake, _ = crawl(pages, OWN)
    assert [site.url for site in intake.sites] == ["http://acme.readthedocs.io/"]


@pytest.mark.parametrize(
    "links",
    [
        # Links of visitors and advertisers name no site.
        *(
            f"<a rel='{role}' href=http://stranger.example.net/>Website</a>{{}}"
            for role in ("ugc", "nofollow ugc", "sponsored", "homepage ugc")
        ),
        # Words that name the site outdo the role of a later link, and an address that counts visitors.
        "{}<p>I wrote about it on <a rel=homepage href=http://stranger.example.net/>my page</a></p>",
        "<a href=/go/acme>Visit website</a>{}",
    ],
)
def test_of_several_links_one_names_the_site(links):
    body = links.format("<a href=http://acme.example.com/>Website</a>")
    intake, wire = crawl(listing(body) | {"acme.example.com/": said("product")}, DEEP)
    assert [site.url for site in intake.sites] == ["http://acme.example.com/"]
    assert "stranger.example.net" not in hosts(wire)
    assert "/go/acme" not in {path for _, path, _ in wire.requests}


@pytest.mark.parametrize("start", [DEEP, OWN])
def test_a_redirect_to_a_stranger_is_not_followed(start):
    docs = start.rstrip("/") + "/security"
    pages = listing(f"<a href={docs}>Security</a>", start) | {
        docs.removeprefix("http://"): moved("http://stranger.example.net/docs/security"),
        "stranger.example.net/docs/security": said("security"),
    }
    intake, wire = crawl(pages, start)
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
    intake, wire = crawl(pages, OWN)
    assert "stranger.example.net" not in hosts(wire)
    assert "Nobody sees" not in intake.documents[0].text


def test_a_start_may_redirect_anywhere():
    intake, _ = crawl({"dir.example.org/agents/acme": moved(OWN)} | listing(at=OWN), DEEP)
    assert intake.final_url == OWN


def test_a_product_site_that_moved_is_followed_once():
    pages = {
        "dir.example.org/agents/acme": page("Acme", PROSE + "<a href=http://acme.example.com/>Website</a>"),
        "acme.example.com/": moved("http://www.acme.example.net/"),
        "www.acme.example.net/": page("Acme", said("product") + "<a href=/security>Security</a>"),
        "www.acme.example.net/security": moved("http://stranger.example.edu/"),
    }
    intake, wire = crawl(pages, DEEP)
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
    sources = [DEEP, "http://docs.acme.example.net/app", "http://docs.acme.example.net/bare"]
    missing = crawl(pages, *sources)[0].missing
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
    intake, _ = crawl(pages, DEEP)
    assert [(site.role, site.because) for site in intake.sites] == [("product", "Visit website")]
    assert OWN + "security" in read_of(intake)


@pytest.mark.parametrize("lands", ["https://twitter.com/acme", "http://10.0.0.1/", "http://dir.example.org/"])
def test_a_door_to_nobodys_site_names_none(lands):
    pages = listing("<a href=/go/acme>Visit website</a>")
    pages |= {"dir.example.org/go/acme": moved(lands), "dir.example.org/": said("directory")}
    intake, wire = crawl(pages, DEEP)
    assert intake.sites == ()
    assert {address for address, _ in wire.connects} == {PUBLIC}


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
    intake, _ = crawl(listing(f"<a href={url}>{words}</a>"), DEEP)
    assert [site.role for site in intake.sites] == ["repository"] * named


@pytest.mark.parametrize("how", ["link", "repository", "door", "start", "redirect"])
def test_a_public_page_does_not_lead_to_a_host_that_the_operator_admitted(how):
    inner = "http://wiki.corp:8080/team/notes"
    ways = {"link": f"<a href={inner}>Website</a>", "repository": f"<a href={inner}>Source code</a>"}
    ways |= {"door": "<a href=/go/acme>Visit website</a>", "redirect": "<a href=/agents/acme/security>Security</a>"}
    pages = listing(ways.get(how, "")) | dict.fromkeys(
        ("dir.example.org/go/acme", "dir.example.org/agents/acme/security"), moved(inner)
    )
    operator = {"allow": ["wiki.corp:8080"], "names": {"wiki.corp": [["10.0.0.1"]]}}
    if how == "start":
        with pytest.raises(RefusedError, match="allowed private host"):
            crawl({"dir.example.org/agents/acme": moved(inner)}, DEEP, **operator)
        return
    intake, wire = crawl(pages, DEEP, **operator)
    assert intake.sites == ()
    assert {address for address, _ in wire.connects} == {PUBLIC}


def test_strangers_below_a_shared_suffix_are_not_the_product():
    more = "<a href=http://evil.github.io/security>Security</a><a href=http://evil.co.uk/docs>Docs</a>"
    pages = listing("<a href=http://acme.github.io/>Website</a>")
    _, wire = crawl(pages | {"acme.github.io/": page("Acme", said("product") + more)}, DEEP)
    assert hosts(wire) <= {"dir.example.org", "acme.github.io"}


def test_older_versions_of_a_page_are_left_out():
    links = "".join(
        f"<a href=/docs/{edition}/{topic}>{topic}</a> "
        for edition in ("v1", "2.0", "latest", "next")
        for topic in ("security", "permissions")
    )
    pages = listing(links + "<a href=/docs/v1/roles>Roles</a>", OWN)
    for old in ("v1", "2.0", "next"):
        pages |= {f"www.acme.example.com/docs/{old}/{topic}": said("old") for topic in ("security", "permissions")}
    for path in ("latest/security", "latest/permissions", "v1/roles"):
        pages[f"www.acme.example.com/docs/{path}"] = said(path.rpartition("/")[2])
    intake, _ = crawl(pages, OWN)
    found = {url.removeprefix(OWN) for url in read_of(intake)}
    assert found == {"", "docs/latest/security", "docs/latest/permissions", "docs/v1/roles"}
    assert "another version (v1)" in states(intake)[OWN + "docs/v1/security"][1]


def test_a_topic_of_documentation_is_no_log_in_page():
    links = "<a href=/docs/sso>SSO</a> <a href=/sso>Sign in</a> <a href=/docs/login>Log in</a>"
    intake, wire = crawl(listing(links, OWN) | {"www.acme.example.com/docs/sso": said("sso")}, OWN)
    assert OWN + "docs/sso" in read_of(intake)
    assert {"/sso", "/docs/login"}.isdisjoint(path for _, path, _ in wire.requests)


def test_pages_that_a_query_names_are_found():
    topics = ("security", "permissions", "roles", "secrets", "approvals", "audit", "sandbox", "privacy", "retention")
    topics += ("encryption", "connectors", "webhooks", "memory", "limits", "deployment", "tools")
    links = "".join(f"<a href='/?page=docs&id={n}'>{topic}</a> " for n, topic in enumerate(topics))
    noise = "".join(f"<a href='/?page=item&id={n}'>Item {n}</a> " for n in range(40))
    pages = {"www.acme.example.com/": page("Acme", PROSE + noise + links)}
    pages |= {f"www.acme.example.com/?page=docs&id={n}": said(topic) for n, topic in enumerate(topics)}
    intake, _ = crawl(pages, OWN)
    assert read_of(intake) == {OWN, *(f"{OWN}?page=docs&id={n}" for n in range(len(topics)))}


def test_a_language_in_the_query_is_another_edition():
    name, bare = edition(Guard().parse("http://a.example.com/?page=docs&lang=de"))
    assert (name, bare.path) == ("the edition in another language (de)", "/?page=docs")


@pytest.mark.parametrize(
    ("older", "newer"),
    [("v1", "v2"), ("1.9", "1.10"), ("v3", "latest"), ("next", "v1"), ("nightly", "stable"), ("v2.x", "v3.0")],
)
def test_ages_of_versions(older, newer):
    first, second = (version(Guard().parse(f"http://a.example.com/docs/{name}/roles")) for name in (older, newer))
    assert first[1] < second[1]
    assert first[2] == second[2] == Guard().parse("http://a.example.com/docs/roles")


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        *(("docs.acme.ai", "acme.ai"), ("docs.acme.co.uk", "acme.co.uk"), ("docs.acme.co.id", "acme.co.id")),
        *(("acme.github.io", "acme.github.io"), ("a.acme.vercel.app", "acme.vercel.app"), ("github.io", "github.io")),
        *(("docs.acme.zendesk.com", "acme.zendesk.com"), ("zendesk.com", "zendesk.com"), ("127.0.0.1", "127.0.0.1")),
        *(("::1", "::1"), ("localhost", "localhost"), ("acme.xn--bcher-kva", "acme.xn--bcher-kva")),
    ],
)
def test_the_domain_that_one_owner_registered(host, domain):
    assert registered_domain(host) == domain


# ---------------------------------------------------------------- planted addresses

START = "http://acme.example.com/"
METADATA = "http://169.254.169.254/latest/meta-data/"
INNER = (
    *("http://127.0.0.1/", "http://127.0.0.1:8080/v1", METADATA, "http://[::ffff:10.0.0.1]/docs"),
    *("http://0x7f000001/docs", "http://10.0.0.1/docs/security", "http://rebound.example.com/docs/security"),
    "file:///etc/passwd",
)
STRANGER = "https://other-vendor.example.org/docs/security"
LIST = "<?xml version='1.0'?><{0} xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{1}</{0}>"
WAYS = {
    "link": ("/", PROSE + "<a href='{}'>Security documentation</a>"),
    "link role": ("/", "<link rel=help href='{}'>" + PROSE),
    "canonical": ("/", "<link rel=canonical href='{}'>" + PROSE),
    "refresh": ("/docs", "<meta http-equiv=refresh content='0; url={}'><p>Wait</p>"),
    "style sheet": ("/", "<link rel=stylesheet href='{}'>" + PROSE),
    "sitemap": ("/sitemap.xml", LIST.format("urlset", "<url><loc>{}</loc></url>")),
    "index": ("/sitemap.xml", LIST.format("sitemapindex", "<sitemap><loc>{}</loc></sitemap>")),
    "robots": ("/robots.txt", "Sitemap: {}\n"),
    "llms.txt": ("/llms.txt", "# Acme\n\n## Docs\n\n- [Docs]({}): all\n"),
    "agent card": (
        "/.well-known/agent-card.json",
        '{{"name": "Acme", "description": "Reads mail", "url": "{0}", "documentationUrl": "{0}"}}',
    ),
    "servers": (
        "/openapi.json",
        '{{"openapi": "3.1.0", "info": {{"title": "Acme", "version": "1"}}, "servers": [{{"url": "{}"}}],'
        '"paths": {{"/mail": {{"get": {{"summary": "Reads a mail of the team", "responses": {{}}}}}}}}}}',
    ),
}
"""A path, and a file in which an address is planted."""


def planted(how, url, **more):
    """Crawl a site that plants `url` in the way `how`."""
    path, body = WAYS[how]
    front = listing("<a href=/docs>Docs</a>", START)
    return crawl(front | {"acme.example.com" + path: body.format(url)}, START, **more)


@pytest.mark.parametrize("how", WAYS)
def test_no_planted_address_leads_inside_or_to_a_stranger(how):
    for url in (*INNER, STRANGER):
        intake, wire = planted(how, url, names={"rebound.example.com": [["10.0.0.1"]]})
        assert hosts(wire) == {"acme.example.com"}, url
        assert {address for address, _ in wire.connects} == {PUBLIC}, url
        assert intake.documents[0].url == START


@pytest.mark.parametrize("how", ["link", "canonical", "sitemap", "robots", "llms.txt"])
def test_a_refused_address_is_shown_with_its_reason(how):
    state, reason = states(planted(how, METADATA)[0])[METADATA]
    assert state == "refused"
    assert reason


def test_a_name_below_the_site_that_leads_inside_is_refused_before_any_socket():
    inner = "http://docs.acme.example.com/security"
    intake, wire = planted("link", inner, names={"docs.acme.example.com": [["127.0.0.1"]]})
    assert {address for address, _ in wire.connects} == {PUBLIC}
    state, reason = states(intake)[inner]
    assert state != "read"
    assert "a loopback address" in reason


def test_the_servers_of_an_api_are_shown_and_never_asked():
    intake, wire = planted("servers", "https://acme.example.com/api/v1")
    assert "/api/v1" not in {path for _, path, _ in wire.requests}
    assert any("/api/v1" in document.text for document in intake.documents)


def test_an_honest_page_of_the_site_is_read():
    pages = listing("<a href=/docs/security>Security</a>", START) | {"acme.example.com/docs/security": said("docs")}
    assert read_of(crawl(pages, START)[0]) == {START, START + "docs/security"}
