"""What a crawl reads, in which order, and why it skips the rest, on loopback sites and fake webs."""

import re
from dataclasses import replace

import pytest

from agent.errors import RefusedError, SourceError, UsageError
from agent.intake.capture import read_remembered
from agent.intake.crawl.answer import Fetched
from agent.intake.crawl.guard import Guard
from agent.intake.reader import read_inputs
from agent.intake.sources import LocalFile
from agent.settings import Settings
from tests.fakes.site import Answer, Site, page, redirect

NOW = "2026-11-01T00:00:00Z"
QUICK = replace(Settings(), delay_seconds=0.0)
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
PROSE = "The Acme Mail Agent reads the shared mailbox of a team, drafts replies and sends them when somebody asks."
CARD = "Robo Trader moves money between bank accounts at night and never asks anybody for an approval of it."


def said(topic, number=0):
    """Return a page about `topic` whose text no other page shares."""
    words = " ".join(f"{topic}{number}{letter}" for letter in "abcdefghijklmnopqrst")
    return page(f"{topic} — Acme Mail Agent", f"<h1>{topic}</h1><p>Acme Mail Agent and its {topic}: {words}.</p>")


def listing(body, **more):
    return page("Acme Mail Agent — Directory", f"<h1>Acme Mail Agent</h1><p>{PROSE}</p>{body}", **more)


class Memory:
    """A web of answers from a table of addresses to texts; counts the requests."""

    def __init__(self, pages):
        self.pages = dict(pages)
        self.asked = []

    def get_all(self, urls):
        self.asked += urls
        return [self._one(url) for url in urls]

    def exhausted(self):
        return None

    def _one(self, url):
        found = self.pages.get(url)
        if found is None:
            return SourceError("the server answered 404", where=url)
        body, media = found if isinstance(found, tuple) else (found, "text/html")
        return Fetched(url, url, media, "utf-8", body.encode())


class Backwards(Memory):
    """The same answers, computed in the opposite order."""

    def get_all(self, urls):
        return list(reversed(super().get_all(list(reversed(urls)))))


def crawl(pages, start, settings=QUICK, web=Memory, **more):
    memory = web(pages)
    found = read_inputs([start], memory, settings, guard=Guard(), now=NOW, **more)
    return found.intake, memory


def states(intake):
    return {link.url: (link.state, link.reason) for link in intake.links}


HOME = "https://dir.example.com/agents/acme"
VENDOR = "https://acme.example.org"


def vendor(body):
    """The front page of the vendor's site."""
    return {f"{VENDOR}/": page("Acme", f"<h1>Acme</h1><p>{PROSE}</p>{body}")}


def own(document):
    """Return the text of a document about the product."""
    return "".join(document.text[s.start : s.end] for s in document.sections if s.about == "product")


def test_one_product_site_and_one_repository_are_followed():
    body = (
        f"<p><a href={VENDOR}/>Website</a> <a href=https://www.second.example.net/>Visit our website</a>"
        "<a href=https://github.com/acme/mail>Source code</a> <a href=https://github.com/acme/other>GitHub</a>"
        "<a href=https://stranger.example.net/docs>Our partner</a></p>"
    )
    raw = "https://raw.githubusercontent.com/acme/mail/HEAD/README.md"
    pages = {
        HOME: listing(body),
        **vendor("<p>It is made by Acme.</p><a href=https://docs.acme.example.org/security>Security</a>"),
        "https://docs.acme.example.org/security": said("security"),
        raw: (f"# acme mail\n\nAcme Mail Agent in the terminal: {' '.join(map(str, range(300, 330)))}\n", "text/plain"),
        "https://www.second.example.net/": said("second"),
        "https://stranger.example.net/docs": said("stranger"),
    }
    intake, memory = crawl(pages, HOME)
    assert [(site.role, site.url, site.because) for site in intake.sites] == [
        ("product", f"{VENDOR}/", "Website"),
        ("repository", "https://github.com/acme/mail", "Source code"),
    ]
    urls = {document.url for document in intake.documents}
    assert urls == {HOME, f"{VENDOR}/", "https://docs.acme.example.org/security", raw}
    assert {document.kind for document in intake.documents} == {"listing", "docs", "repo"}
    hosts = {url.split("/")[2] for url in memory.asked}
    assert hosts == {"dir.example.com", "acme.example.org", "docs.acme.example.org", "raw.githubusercontent.com"}
    assert states(intake)["https://stranger.example.net/docs"] == ("skipped", "another site")
    assert states(intake)["https://www.second.example.net/"] == ("skipped", "another site")


@pytest.mark.parametrize(
    ("link", "footer"),
    [
        ("<a href=https://other.example.net/>Partner of ours</a>", ""),
        ("<a href=https://other.example.net/>https://other.example.net/</a>", ""),
        ("<a href=https://other.example.net/>Read more about websites</a>", ""),
        ("<section class=related-agents><a href=https://other.example.net/>Website</a></section>", ""),
        ("<a href=https://twitter.com/acme>Website</a>", ""),
        ("", "<a href=https://other.example.net/>Website</a> <a href=https://github.com/dir/site>GitHub</a>"),
    ],
)
def test_a_link_that_does_not_name_a_product_site_is_not_followed(link, footer):
    intake, memory = crawl({HOME: listing(link, footer=footer), "https://other.example.net/": said("other")}, HOME)
    assert intake.sites == ()
    assert all(url.startswith("https://dir.example.com/") for url in memory.asked)


def test_the_order_of_completion_does_not_matter():
    body = f"<p><a href={VENDOR}/>Website</a></p>"
    links = "".join(f"<a href=/docs/topic-{n}-security>security {n}</a>" for n in range(40))
    pages = {HOME: listing(body), **vendor(links)}
    pages |= {f"{VENDOR}/docs/topic-{n}-security": said("security", n) for n in range(40)}
    settings = replace(QUICK, max_pages_per_template=50)
    first, one = crawl(pages, HOME, settings)
    second, other = crawl(pages, HOME, settings, web=Backwards)
    assert first == second
    assert sorted(one.asked) == sorted(other.asked)
    assert first.budget.pages_used == settings.max_pages


def test_failed_pages_do_not_eat_the_budget_of_pages():
    links = "".join(f"<a href=/docs/gone-{letter}>docs</a>" for letter in "abcdefgh") + "<a href=/pricing>Pricing</a>"
    pages = {**vendor(links), f"{VENDOR}/pricing": said("pricing")}
    intake, _ = crawl(pages, f"{VENDOR}/", replace(QUICK, max_pages=2))
    assert [document.url for document in intake.documents] == [f"{VENDOR}/", f"{VENDOR}/pricing"]
    assert states(intake)[f"{VENDOR}/docs/gone-a"] == ("skipped", "the server answered 404")


def test_a_trap_of_one_template_stops():
    words = "Nothing happens on this day in the documentation of Acme, nothing at all, come back tomorrow for the next "
    words += "day of ours."
    pages = vendor("<a href=/docs/day-0>docs</a>")
    for n in range(300):
        body = f"<h1>Docs {n}</h1><p>{words}</p><a href=/docs/day-{n + 1}>docs of tomorrow</a>"
        pages[f"{VENDOR}/docs/day-{n}"] = page("Docs", body)
    intake, memory = crawl(pages, f"{VENDOR}/", replace(QUICK, max_depth=200))
    assert sum("/day-" in url for url in memory.asked) < 10
    assert len(intake.documents) <= 3


def test_sessions_and_tracking_are_one_page():
    links = "".join(f"<a href='/docs/setup?sid={n}&utm_source=x{n}'>setup</a>" for n in range(9))
    pages = {**vendor(links), f"{VENDOR}/docs/setup": said("setup")}
    _, memory = crawl(pages, f"{VENDOR}/")
    assert [url for url in memory.asked if "/docs/setup" in url] == [f"{VENDOR}/docs/setup"]


def test_walls_and_soft_404_are_named():
    log_in = page("Hello", "<h1>Members</h1><form>Mail <input name=m> Key <input type=password></form>")
    consent = page("Hello", "<h1>Before you continue</h1><p>Accept cookies of ours.</p><button>Yes</button>")
    absent = page("Not found", "<h1>Page not found</h1><p>Have a look at the front page instead of it.</p>")
    ends = {
        "security": (log_in, "behind a log-in"),
        "privacy": (consent, "behind a consent wall"),
        "permissions": ("<html><body><div id=root></div><script src=/app.js></script></body></html>", "JavaScript"),
        "tools": (absent, "not found"),
    }
    pages = vendor("".join(f"<a href=/docs/{topic}>{topic}</a>" for topic in ends))
    intake, _ = crawl(pages | {f"{VENDOR}/docs/{topic}": body for topic, (body, _) in ends.items()}, f"{VENDOR}/")
    for topic, (_, reason) in ends.items():
        assert reason in states(intake)[f"{VENDOR}/docs/{topic}"][1]
    assert [missing.reason for missing in intake.missing] == ["needs-javascript"]


def test_a_refresh_of_an_empty_listing_is_a_guarded_redirect():
    onwards = "<html><head><meta http-equiv=refresh content='0; url={}'></head><body><p>Wait.</p></body></html>"
    pages = {HOME: onwards.format("/agents/acme/new"), f"{HOME}/new": listing("")}
    intake, _ = crawl(pages, HOME)
    assert intake.final_url == f"{HOME}/new"
    with pytest.raises(RefusedError):
        crawl({HOME: onwards.format("http://127.0.0.1/")}, HOME)


def test_the_map_is_read_and_its_strange_entries_are_refused():
    docs, stranger = f"{VENDOR}/docs/security", "https://stranger.example.net/docs"
    inside = ("file:///etc/passwd", "http://127.0.0.1/")
    urlset = "".join(f"<url><loc>{loc}</loc></url>" for loc in (docs, *inside, stranger))
    sitemap = f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urlset}</urlset>'
    robots = "Sitemap: /map.xml\nSitemap: http://10.0.0.1/map.xml\n"
    pages = {f"{VENDOR}/robots.txt": (robots, "text/plain"), f"{VENDOR}/map.xml": (sitemap, "application/xml")}
    intake, memory = crawl(vendor("") | pages | {docs: said("security")}, f"{VENDOR}/")
    found = states(intake)
    assert found[docs][0] == "read"
    assert {found[url][0] for url in (*inside, "http://10.0.0.1/map.xml")} == {"refused"}
    assert found[stranger] == ("skipped", "another site")
    assert all(url.startswith(VENDOR) for url in memory.asked)


CATEGORY = "".join(
    f"<h2><a href=/agents/{name.lower()}>{name} Agent</a></h2>"
    f"<p>{name} Agent does {name} work for teams all the day long.</p>"
    for name in ("Acme", "Robo", "Zeta")
)
SHELF = "https://dir.example.com/agents"
SHELVES = page("All agents", f"<h1>All agents</h1><p>Agents of every kind, with what they do.</p>{CATEGORY}")


@pytest.mark.parametrize("product", [None, "Nobody"])
def test_a_page_of_several_products_wants_a_name(product):
    with pytest.raises(UsageError) as caught:
        crawl({SHELF: SHELVES}, SHELF, product=product)
    assert "Acme Agent, Robo Agent, Zeta Agent" in caught.value.hint


def test_a_named_product_leaves_the_others_out():
    pages = {SHELF: SHELVES, f"{SHELF}/acme": said("acme"), f"{SHELF}/robo": said("robo")}
    intake, memory = crawl(pages, SHELF, product="acme agent")
    assert (intake.product, intake.candidates) == ("Acme Agent", ("Acme Agent", "Robo Agent", "Zeta Agent"))
    assert "does Acme work" in own(intake.documents[0])
    assert "Robo" not in own(intake.documents[0])
    assert f"{SHELF}/robo" not in memory.asked
    assert f"{SHELF}/acme" in memory.asked


@pytest.mark.parametrize(
    ("body", "stranger"),
    [
        (f"<div><div><a href=/agents/robo>Robo Trader</a></div><p>{CARD}</p></div>", CARD),
        (f"<section class=related-agents><h3>Robo Trader</h3><p>{CARD}</p></section>", CARD),
        (f"<h2>Similar agents</h2><p>{CARD}</p>", CARD),
        (f"<div class='reviews'><p>{CARD}</p></div>", CARD),
        *(
            (f"<table>{''.join(f'<tr><td>{name}</td><td>{value}</td></tr>' for name, value in rows)}</table>", " | ")
            for rows in (
                [("Autonomy of Action", "0.20"), ("Self-Modification", "0.10")],
                [("Risk score", "2.1 / 10"), ("Trust rating", "A+")],
                [("AIVSS", "3.4 (Low)"), ("User rating", "4.8")],
            )
        ),
    ],
)
def test_cards_of_neighbours_and_scores_of_a_directory_are_no_evidence(body, stranger):
    intake, _ = crawl({HOME: listing(f"{body}<h2>Limits</h2><p>It stops after ninety mails.</p>")}, HOME)
    assert stranger in intake.documents[0].text
    assert stranger not in own(intake.documents[0])
    assert "ninety mails" in own(intake.documents[0])


def test_two_runs_over_loopback_are_equal():
    routes = {
        "/": page("Acme", f"<h1>Acme</h1><p>{PROSE}</p><a href=/docs/a>Docs</a><a href=/old>Security</a>"),
        "/docs/a": said("docs"),
        "/old": redirect("/security"),
        "/security": said("security"),
        "/llms.txt": Answer("# Acme\n\n## Docs\n\n- [Privacy](/privacy): what is kept\n", "text/plain"),
        "/privacy": said("privacy"),
    }
    with Site(routes) as site:
        runs = [read_remembered([site.url()], QUICK, allow_private=[site.host], now=NOW).result for _ in range(2)]
        paths = [document.url.removeprefix(site.url("")) for document in runs[0].intake.documents]
    # A run may begin in a different second.
    first, second = (TIMES.sub("", run.intake.model_dump_json()) for run in runs)
    assert first == second
    assert runs[0].blobs == runs[1].blobs
    assert {"/", "/docs/a", "/security", "/privacy"} <= set(paths)


def test_every_named_source_is_read_before_the_links_of_the_first():
    links = "".join(f"<a href=/docs/{letter}>docs</a>" for letter in "abcdefgh")
    pages = {**vendor(links), "https://more.example.net/p": said("more")}
    pages |= {f"{VENDOR}/docs/{letter}": said(letter) for letter in "abcdefgh"}
    readme = LocalFile("README.md", "markdown", f"# Acme\n\n{PROSE} This file says so again.\n".encode())
    sources = [f"{VENDOR}/", "https://more.example.net/p", readme]
    intake = read_inputs(sources, Memory(pages), replace(QUICK, max_pages=4), guard=Guard(), now=NOW).intake
    assert [(document.url, document.kind) for document in intake.documents[:3]] == [
        *((f"{VENDOR}/", "listing"), ("https://more.example.net/p", "docs"), ("README.md", "repo"))
    ]
    assert {missing.reason for missing in intake.missing} == {"budget"}
