"""Maps of sites: sitemap files, found by robots.txt and at the agreed place, read within a small allowance."""

import re
from collections.abc import Callable
from typing import Final

from agent.errors import RefusedError, SeptetError
from agent.intake import discovery
from agent.intake.identity import identity
from agent.intake.net.answer import Fetched, Web
from agent.intake.net.fetch import resolve
from agent.intake.net.netguard import Guard, Target
from agent.intake.pages.extract import read_page, sniff
from agent.intake.pages.page import Page, PageLink, Removed
from agent.intake.sites import Scope
from agent.settings import Settings

_MAX_ENTRIES: Final = 5000
_MAX_NAMED: Final = 10
"""Maps that one robots.txt may name."""
_ROBOTS_BYTES: Final = 500 * 1024
_MAP_LINE: Final = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)

Note = Callable[[str, str, str], None]
"""Records what became of an address: the address, its state, the reason."""


class Maps:
    """The maps of one crawl; all sites share the allowance."""

    def __init__(self, web: Web, guard: Guard, settings: Settings, note: Note) -> None:
        self._web = web
        self._guard = guard
        self._settings = settings
        self._note = note
        self._read = 0
        self._known: set[str] = set()
        self.removed: list[Removed] = []
        """What the maps say to assessors, or is odd about them; they have no text that it could stand beside."""

    def entries(self, scope: Scope, site: Target) -> list[tuple[PageLink, Target]]:
        """The pages that the maps of `site` list, with their strict readings, in the maps' order."""
        found: list[tuple[PageLink, Target]] = []
        waiting = list(dict.fromkeys((*self._named(site), resolve(site.url, discovery.SITEMAP))))
        while waiting and self._read < discovery.MAX_SITEMAPS and not self._web.exhausted():
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
            waiting += [url for url in sorted(inner, key=discovery.sitemap_rank) if url not in waiting]
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
            self._note(target.url, state, discovery.NO_FILE if missing else outcome.what)
            return empty
        try:
            kind = sniff(outcome.body, outcome.media_type, outcome.url)
            page = read_page(outcome.body, kind, outcome.charset, outcome.url, self._settings)
        except SeptetError as error:
            self._note(target.url, "skipped", f"the site's map: {error.what}")
            return empty
        if kind in ("html", "pdf"):
            self._note(target.url, "skipped", discovery.NO_FILE)
            return empty
        self._note(target.url, "read", "the site's map")
        self.removed.extend(found._replace(where=f"{found.where}, {target.url}") for found in page.removed)
        return page


def _is_map(href: str) -> bool:
    path = href.partition("?")[0].lower()
    return path.endswith((".xml", ".xml.gz")) or "sitemap" in path.rpartition("/")[2]
