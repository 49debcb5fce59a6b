"""Find and read a limited number of sitemaps, named in robots.txt or at the usual place."""

import re
from collections.abc import Callable
from typing import Final
from urllib.parse import urljoin

from agent.errors import RefusedError, SeptetError
from agent.intake.crawl.addresses import identity
from agent.intake.crawl.answer import Fetched, Web
from agent.intake.crawl.fetch import resolve
from agent.intake.crawl.guard import Guard, Target
from agent.intake.crawl.sites import Scope
from agent.intake.extract.parse import read_page, sniff
from agent.intake.page import Page, PageLink, Removed
from agent.settings import Settings

_AT_ROOT: Final = (
    "/llms.txt",
    "/.well-known/agent-card.json",
    "/.well-known/agent.json",
    "/.well-known/mcp.json",
    "/server.json",
    "/openapi.json",
    "/.well-known/ai-plugin.json",
    "/SKILL.md",
)
_IN_FOLDER: Final = ("llms.txt", "agent-card.json", "server.json", "SKILL.md", "openapi.json")
_ON_DOCS_HOST: Final = ("/llms.txt",)
_IN_REPOSITORY: Final = (
    "README.md",
    "SKILL.md",
    "server.json",
    ".claude-plugin/plugin.json",
    "manifest.json",
    "SECURITY.md",
    "PRIVACY.md",
)
SITEMAP: Final = "/sitemap.xml"
MAX_SITEMAPS: Final = 5
"""Maximum number of sitemaps read in one crawl, index files included."""
NO_FILE: Final = "no such file"
_MAX_ENTRIES: Final = 5000
_MAX_NAMED: Final = 10
"""Maximum number of sitemaps taken from one robots.txt."""
_ROBOTS_BYTES: Final = 500 * 1024
_MAP_LINE: Final = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)

Note = Callable[[str, str, str], None]
"""Function that records the outcome for an address: the address, its state, the reason."""


def at_root(site: Target) -> tuple[str, ...]:
    """Return the files to try at the root of the product's site."""
    return tuple(urljoin(site.url, path) for path in _AT_ROOT)


def in_folder(listing: Target) -> tuple[str, ...]:
    """Return the files to try below a listing that is a page on someone else's site."""
    base = listing._replace(path=listing.path.partition("?")[0].rstrip("/") + "/")
    return tuple(urljoin(base.url, name) for name in _IN_FOLDER)


def on_docs_host(site: Target) -> tuple[str, ...]:
    """Return the files to try on a further host of the product's site."""
    return tuple(urljoin(site.url, path) for path in _ON_DOCS_HOST)


def in_repository(raw: str) -> tuple[str, ...]:
    """Return the files to try in a repository whose raw files are below `raw`."""
    return tuple(urljoin(raw, name) for name in _IN_REPOSITORY)


def sitemap_rank(url: str) -> tuple[int, str]:
    """Return a sort key for the parts of a sitemap: documentation first, blogs, tags and media last."""
    low = url.lower()
    if any(word in low for word in ("docs", "help", "guide", "security", "page", "main")):
        return (0, url)
    return (2 if any(word in low for word in ("blog", "news", "post", "tag", "image", "video", "author")) else 1, url)


class Maps:
    """The sitemaps of one crawl; one limit on their number applies to all its sites."""

    def __init__(self, web: Web, guard: Guard, settings: Settings, note: Note) -> None:
        self._web = web
        self._guard = guard
        self._settings = settings
        self._note = note
        self._read = 0
        self._known: set[str] = set()
        self.removed: list[Removed] = []
        """Findings about the sitemaps, such as text addressed to assessors; a sitemap has no document to hold them."""

    def entries(self, scope: Scope, site: Target) -> list[tuple[PageLink, Target]]:
        """Return the pages listed in the sitemaps of `site`, with their parsed addresses, in order."""
        found: list[tuple[PageLink, Target]] = []
        waiting = list(dict.fromkeys((*self._named(site), resolve(site.url, SITEMAP))))
        while waiting and self._read < MAX_SITEMAPS and not self._web.exhausted():
            target = self._parsed(scope, waiting.pop(0))
            if target is None:
                continue
            if identity(target) in self._known:
                self._note(target.url, "skipped", "a sitemap that was read already")
                continue
            self._known.add(identity(target))
            self._read += 1
            [outcome] = self._web.get_all([target.url])
            page = self._page(target, outcome)
            inner = [resolve(target.url, link.href) for link in page.links if _is_map(link.href)]
            waiting += [url for url in sorted(inner, key=sitemap_rank) if url not in waiting]
            for link in page.links[:_MAX_ENTRIES]:
                if not _is_map(link.href):
                    found.extend(self._entry(target, link))
        for url in waiting:
            self._note(url, "skipped", "a sitemap beyond those that are read")
        return found

    def _named(self, site: Target) -> list[str]:
        [robots] = self._web.get_all([resolve(site.url, "/robots.txt")])
        if not isinstance(robots, Fetched):
            return []
        text = robots.body[:_ROBOTS_BYTES].decode("utf-8-sig", "replace")
        return [resolve(robots.url, url) for url in _MAP_LINE.findall(text)[:_MAX_NAMED]]

    def _parsed(self, scope: Scope, url: str) -> Target | None:
        try:
            target = self._guard.parse(url)
        except RefusedError as error:
            self._note(url, "refused", error.what)
            return None
        if scope.place(target):
            return target
        self._note(target.url, "skipped", "another site")
        return None

    def _entry(self, source: Target, link: PageLink) -> list[tuple[PageLink, Target]]:
        address = resolve(source.url, link.href)
        try:
            return [(link, self._guard.parse(address.partition("#")[0]))]
        except RefusedError as error:
            self._note(address, "refused", error.what)
            return []

    def _page(self, target: Target, outcome: Fetched | SeptetError) -> Page:
        empty = Page("", ())
        if isinstance(outcome, SeptetError):
            missing = "404" in outcome.what
            state = "refused" if isinstance(outcome, RefusedError) else "skipped"
            self._note(target.url, state, NO_FILE if missing else outcome.what)
            return empty
        try:
            kind = sniff(outcome.body, outcome.media_type, outcome.url)
            page = read_page(outcome.body, kind, outcome.charset, outcome.url, self._settings)
        except SeptetError as error:
            self._note(target.url, "skipped", f"the site's map: {error.what}")
            return empty
        if kind in ("html", "pdf"):
            self._note(target.url, "skipped", NO_FILE)
            return empty
        self._note(target.url, "read", "the site's map")
        self.removed.extend(found._replace(where=f"{found.where}, {target.url}") for found in page.removed)
        return page


def _is_map(href: str) -> bool:
    path = href.partition("?")[0].lower()
    return path.endswith((".xml", ".xml.gz")) or "sitemap" in path.rpartition("/")[2]
