"""Three loopback sites around one product: 25 pages that matter, several hundred that do not, and traps.

`big_sites()` starts a directory (with the listing), the vendor's site and a repository host. Products and figures are
invented. A page that matters contains a sentence of `FACTS`; a page that must not count contains `MARK`.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from typing import Final, NamedTuple

from tests.fakes.intake import big_site_words as texts
from tests.fakes.intake.big_site_traps import TRAP_ROUTES, trap_links
from tests.fakes.intake.pdf import document, words
from tests.fakes.site import Answer, Route, Site, page

PRODUCT: Final = "Harborline Ops Agent"
LISTING: Final = "/agents/harborline-ops"
JSON: Final = "application/json"

GOLD: Final = frozenset(
    {
        ("directory", LISTING),
        *(("vendor", path) for path in texts.pages_of_vendor()),
        *(("vendor", path) for path in ("/llms.txt", "/.well-known/agent-card.json", "/openapi.json")),
        *(("vendor", f"/mcp/{name}.json") for name in ("server", "tools")),
        *(("vendor", f"/papers/{name}.pdf") for name in ("security-whitepaper", "data-processing")),
        ("repository", "/harborline/ops-agent"),
    }
)
"""The pages that an analyst would read: (site, path)."""


class TimedList(list[str]):
    """Paths in the order of the requests, with the time of each."""

    def __init__(self) -> None:
        super().__init__()
        self.moments: list[float] = []

    def append(self, path: str) -> None:
        """Append `path` and the time."""
        self.moments.append(monotonic())
        super().append(path)


class Sites(NamedTuple):
    """The three sites while they are served."""

    directory: Site
    vendor: Site
    repository: Site

    @property
    def hosts(self) -> tuple[str, ...]:
        """HOST:PORT of each, as --allow-private expects it."""
        return (self.directory.host, self.vendor.host, self.repository.host)

    def url(self, site: str, path: str) -> str:
        """Return the address of a page on `site`."""
        return self[self._fields.index(site)].url(path)


@contextmanager
def big_sites() -> Iterator[Sites]:
    """Serve the three sites; `Site.requests` of each is a `TimedList`."""
    with ExitStack() as stack:
        sites = Sites(Site({}), Site({}), Site({}))
        sites.directory.routes.update(_directory(sites))
        sites.vendor.routes.update(_vendor(sites))
        sites.repository.routes.update(_repository(sites))
        for site in sites:
            site.requests = TimedList()
            stack.enter_context(site)
        yield sites


def _nav(*links: tuple[str, str]) -> str:
    return " ".join(f'<a href="{href}">{text}</a>' for href, text in links)


DIRECTORY_NAV: Final = _nav(
    *(("/agents/", "All agents"), ("/categories", "Categories"), ("/docs/", "Docs"), ("/docs/security", "Security")),
    *(("/blog", "Blog"), ("/login", "Log in"), ("/submit", "Submit")),
)


def _directory(sites: Sites) -> dict[str, Route]:
    cards = "".join(
        f'<a class="card" href="/agents/{slug}"><h3>{name}</h3><p>{line} {texts.MARK}</p></a>'
        for slug, name, line in texts.NEIGHBOURS[:6]
    )
    listing = f"""<h1>{PRODUCT}</h1>
    <p>{texts.FACTS["listing"]}</p>
    <p>By Harborline. It works in the cloud accounts and the chat of an operations team, day and night.</p>
    <p><a href="{sites.vendor.url("/")}" rel="noopener">Website</a> · <a href="{
        sites.repository.url("/harborline/ops-agent")
    }">Source code</a> · <a href="https://social.example.org/harborline">Follow</a></p>
    {
        texts.prose("listing")
    }<h2>Permissions</h2><p>The agent needs a role in each cloud account and a bot user in the chat.</p>
    <section class="agentic-threat-report"><h2>AIVSS score 7.3 of 10</h2>
    <p>Threat: goal hijack through tickets, rated high by Example Directory. {texts.MARK}</p>
    <a href="{LISTING}/score">How the score was computed</a></section>
    <section class="reviews"><h2>Reviews</h2><p>Moved all our money at night, five stars. {texts.MARK}</p></section>
    <section class="similar-agents"><h2>Similar agents</h2>{cards}</section>"""
    routes: dict[str, Route] = {
        "/robots.txt": Answer("User-agent: *\nDisallow: /admin/\n", media_type="text/plain"),
        LISTING: page(f"{PRODUCT} — Example Directory", listing, nav=DIRECTORY_NAV),
        f"{LISTING}/score": _noise("Score of Harborline Ops Agent", "The published score is 7.3 of 10."),
        "/docs/": _noise("Docs of Example Directory", "How to submit a listing."),
        "/docs/security": _noise("Security of Example Directory", "The directory keeps passwords of its users hashed."),
        "/docs/api": _noise("API of Example Directory", "The directory's own API lists agents."),
        "/privacy": _noise("Privacy of Example Directory", "The directory keeps addresses of visitors for a week."),
        "/login": _noise("Log in", '<form><input type="password" name="p"></form>'),
        "/submit": _noise("Submit", "Submit your agent."),
    }
    every = "".join(f'<li><a href="/agents/{slug}">{name}</a></li>' for slug, name, _ in texts.NEIGHBOURS)
    routes["/agents/"] = _noise("All agents", f"<ul>{every}</ul>" + '<a href="/agents/?page=2">Next</a>')
    for number in range(2, 22):
        body = f"<ul>{every}</ul><a href='/agents/?page={number + 1}'>Next</a>"
        routes[f"/agents/?page={number}"] = _noise(f"All agents, page {number}", body)
    for slug, name, line in texts.NEIGHBOURS:
        routes[f"/agents/{slug}"] = _noise(name, f"{line} It reads the security documentation of every customer.")
    categories = [f"category-{number}" for number in range(1, 21)]
    links = "".join(f'<a href="/categories/{name}">{name}</a>' for name in categories)
    routes["/categories"] = _noise("Categories", links)
    routes |= {f"/categories/{name}": _noise(name, every) for name in categories}
    routes |= _many("/blog", "Example Directory blog", texts.BLOG_TITLES[:15])
    return routes


VENDOR_NAV: Final = _nav(
    *(("/", "Harborline"), ("/docs/", "Documentation"), ("/security", "Security"), ("/trust", "Trust centre")),
    *(("/pricing", "Pricing"), ("/changelog", "Changelog"), ("/blog", "Blog"), ("/customers", "Customers")),
    *(("/events", "Events"), ("/careers", "Careers"), ("/login", "Log in"), ("/de/docs/permissions", "Deutsch")),
)
VENDOR_FOOTER: Final = _nav(
    *(("/legal/privacy", "Privacy"), ("/legal/subprocessors", "Subprocessors"), ("/legal/terms", "Terms")),
    *(("/legal/imprint", "Imprint"), ("/products/beacon", "Harborline Beacon"), ("/tags/cloud", "Tags")),
    ("https://social.example.org/x", "Follow us"),
)


def _vendor_page(title: str, body: str) -> str:
    return page(f"{title} — Harborline", f"<h1>{title}</h1>{body}", nav=VENDOR_NAV, footer=VENDOR_FOOTER)


def _noise(title: str, body: str) -> str:
    return page(title, f"<h1>{title}</h1><p>{body}</p>{texts.prose(title)}<p>{texts.MARK}</p>")


def _many(folder: str, title: str, names: list[str]) -> dict[str, Route]:
    """Return an index at `folder` and a page for each of `names`."""
    slugs = [name.lower().replace(" ", "-") for name in names]
    index = "".join(f'<li><a href="{folder}/{slug}">{name}</a></li>' for slug, name in zip(slugs, names, strict=True))
    pages: dict[str, Route] = {folder: _noise(title, f"<ul>{index}</ul>")}
    for slug, name in zip(slugs, names, strict=True):
        pages[f"{folder}/{slug}"] = _noise(name, f"{name}: what we learnt about it this year, told by our team.")
    return pages


def _vendor(sites: Sites) -> dict[str, Route]:
    routes: dict[str, Route] = {}
    for path, (title, fact, rest) in texts.pages_of_vendor().items():
        more = trap_links() if path in ("/docs/", "/security") else ""
        routes[path] = _vendor_page(title, f"<p>{fact}</p>{rest}{texts.prose(title)}{more}")
    routes |= _machine_files(sites)
    routes |= _noise_of_vendor()
    routes |= TRAP_ROUTES
    routes["/sitemap.xml"] = Answer(_sitemap(sites, list(routes)), media_type="application/xml")
    return routes


def _machine_files(sites: Sites) -> dict[str, Route]:
    listed = "".join(f"- [{title}]({path}): {fact}\n" for path, (title, fact, _) in texts.DOCS.items())
    tools = [
        {
            "name": name,
            "description": text,
            "inputSchema": {"type": "object", "properties": {"target": {"type": "string", "description": argument}}},
            "annotations": {"destructiveHint": destructive, "readOnlyHint": not destructive},
        }
        for name, text, argument, destructive in texts.TOOLS
    ]
    paths = {
        f"/v1/{name}": {"post": {"operationId": name, "summary": text, "responses": {"200": {"description": "done"}}}}
        for name, text, _, _ in texts.TOOLS
    }
    card = {
        "protocolVersion": "0.3.0",
        "name": PRODUCT,
        "description": texts.FACTS["card"],
        "url": "https://a2a.harborline.example/",
        "version": "2.4.0",
        "capabilities": {"streaming": True},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [{"id": "restart", "name": "Restart", "description": "Restarts a service", "tags": ["operations"]}],
    }
    server = {
        "$schema": "https://static.modelcontextprotocol.io/schemas/2025-09-29/server.schema.json",
        "name": "example.harborline/ops-agent",
        "description": texts.FACTS["server"],
        "version": "2.4.0",
        "remotes": [{"type": "streamable-http", "url": "https://mcp.harborline.example/mcp"}],
    }
    openapi = {
        "openapi": "3.1.0",
        "info": {"title": f"{PRODUCT} API", "version": "2.4.0", "description": texts.FACTS["openapi"]},
        "servers": [{"url": "https://api.harborline.example"}],
        "paths": paths,
    }
    return {
        "/robots.txt": Answer(
            "User-agent: *\nDisallow: /internal/\n"
            f"Sitemap: {sites.vendor.url('/sitemap.xml')}\nSitemap: {sites.vendor.url('/sitemap_index.xml')}\n",
            media_type="text/plain",
        ),
        "/sitemap_index.xml": Answer(
            '<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
            f"<sitemap><loc>{sites.vendor.url('/sitemap_index.xml')}</loc></sitemap></sitemapindex>",
            media_type="application/xml",
        ),
        "/llms.txt": Answer(f"# {PRODUCT}\n\n> {texts.FACTS['llms']}\n\n## Docs\n\n{listed}", media_type="text/plain"),
        "/.well-known/agent-card.json": Answer(json.dumps(card), media_type=JSON),
        "/mcp/server.json": Answer(json.dumps(server), media_type=JSON),
        "/mcp/tools.json": Answer(json.dumps({"tools": tools}), media_type=JSON),
        "/openapi.json": Answer(json.dumps(openapi), media_type=JSON),
        "/papers/security-whitepaper.pdf": _pdf(["Security white paper of Harborline Ops Agent", texts.FACTS["paper"]]),
        "/papers/data-processing.pdf": _pdf(["Data processing by Harborline Ops Agent", texts.FACTS["dpa"]]),
    }


def _noise_of_vendor() -> dict[str, Route]:
    routes = _many("/blog", "Blog", texts.BLOG_TITLES)
    routes |= _many("/customers", "Customers", [f"Customer {number}" for number in range(1, 26)])
    routes |= _many("/careers", "Careers", [f"Engineer {number}" for number in range(1, 16)])
    routes |= _many("/tags/cloud", "Tags", [f"Tag {number}" for number in range(1, 31)])
    routes |= _many("/authors", "Authors", [f"Author {number}" for number in range(1, 11)])
    beacon = ["Install", "Security", "Permissions", "Alerts", "Data", "API", "Pricing", "Changelog"]
    routes |= _many("/products/beacon", "Harborline Beacon", [f"Beacon {word}" for word in beacon])
    for path, (title, _, _) in texts.DOCS.items():
        for language, text in texts.TRANSLATED.items():
            body = f"<h1>{title}</h1>" + "".join(f"<p>{title}: {line} {texts.MARK}</p>" for line in text)
            routes[f"/{language}{path}"] = page(title, body).replace("lang=en", f"lang={language}")
        routes[f"/print{path}"] = _noise(f"{title} (print)", f"Print version of {title}.")
    routes["/legal/terms"] = _noise("Terms", "Terms of use of this website.")
    routes["/legal/imprint"] = _noise("Imprint", "Harborline, 1 Quay Road.")
    routes["/login"] = page(
        "Sign in", f'<h1>Sign in</h1>Sign in to continue. {texts.MARK} <form><input type="password"></form>'
    )
    return routes


def _sitemap(sites: Sites, paths: list[str]) -> str:
    """Return 400 entries, noise first, as generators write them."""
    wanted = sorted(paths, key=lambda path: (path in texts.pages_of_vendor(), path))
    filler = [f"/blog/archive/{number}" for number in range(400)]
    entries = [*filler, *wanted][-400:]
    locs = "".join(f"<url><loc>{sites.vendor.url(path).replace('&', '&amp;')}</loc></url>" for path in entries)
    return f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{locs}</urlset>'


def _repository(sites: Sites) -> dict[str, Route]:
    readme = f"""<article class="markdown-body"><h1>{PRODUCT}</h1><p>{texts.FACTS["readme"]}</p>
    <pre>helm install ops-agent harborline/ops-agent</pre>
    {texts.prose("readme")}<p>More at <a href="{sites.vendor.url("/docs/")}">the documentation</a>.</p></article>"""
    nav = _nav(("/harborline/ops-agent/issues", "Issues"), ("/harborline/ops-agent/pulls", "Pull requests"))
    routes: dict[str, Route] = {
        # A slow host: its requested delay must be obeyed without holding up the other two.
        "/robots.txt": Answer("User-agent: *\nCrawl-delay: 2\nDisallow: /search\n", media_type="text/plain"),
        "/harborline/ops-agent": page("harborline/ops-agent", readme, nav=nav),
        "/harborline/ops-agent/pulls": _noise("Pull requests", "Four are open."),
    }
    routes |= _many("/harborline/ops-agent/issues", "Issues", [f"Issue {number}" for number in range(1, 21)])
    return routes


def _pdf(lines: list[str]) -> Answer:
    """Return a PDF of one page with a line of text for each of `lines`, broken at 80 characters."""
    pieces = [line[start : start + 80] for line in lines for start in range(0, len(line), 80)]
    body = document("".join(words(piece, 780 - 18 * number) for number, piece in enumerate(pieces)))
    return Answer(body, media_type="application/pdf")
