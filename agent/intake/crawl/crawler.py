"""Crawls the listing and the documentation that it links to: best pages first, in batches, within the budget.

A crawl requests pages in batches and processes the outcomes in the order of the requests, so that the set of pages read
depends only on the responses, not on their order of arrival.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urljoin

from agent.errors import RefusedError, SeptetError, SourceError
from agent.intake.crawl.addresses import absolute, identity, is_maze, named_path
from agent.intake.crawl.answer import Fetched, Outcome, Web
from agent.intake.crawl.frontier import (
    TRAP,
    Candidate,
    Frontier,
    Novelty,
    Verdict,
    is_log_in,
    is_no_page,
    is_other_product,
    is_soft_404,
    judge,
)
from agent.intake.crawl.guard import Guard, Target
from agent.intake.crawl.page_topics import of_path, of_words, topic_of
from agent.intake.crawl.sites import CODE_HOSTS, Scope, named_sites, same_site
from agent.intake.crawl.style_sheets import Sheets
from agent.intake.extract.identity.product import Subject, product_name, resolve_subject, speaks_of
from agent.intake.extract.parse import MediaKind, read_parts, sniff
from agent.intake.page import Page, PageLink, Part, Removed
from agent.records import About, Link, Site, SourceKind
from agent.settings import Settings

MIN_WORDS: Final = 12
"""Minimum number of words of a page; a shorter one contains nothing on which to base a threat model."""
_WALL_WORDS: Final = 80
NO_TEXT: Final = "almost no text"
NO_FILE: Final = "no such file"
NEEDS_SCRIPT: Final = "JavaScript"
_WALLS: Final = {
    "login": "behind a log-in",
    "consent": "behind a consent wall",
    "script": "it builds its text with JavaScript",
}
_MIN_LETTERS: Final = 2
_LETTERS_LOOKED_AT: Final = 5_000_000  # characters searched for headings above links; later links get no heading
_MAX_LINKS_KEPT: Final = 3000
_SHOWN: Final = 500
_ATTEMPTS: Final = 4  # page requests allowed for each page of the budget
_MORE_ATTEMPTS: Final = 20
_MAX_REFRESH: Final = 2
_MAX_HOSTS: Final = 5  # vendor hosts whose sitemaps and well-known files are requested
_FIRST: Final = 12  # value of the product's own page
_PROBE: Final = 9  # value of a file at a conventional path, such as `llms.txt`
_QUOTA_SHARE: Final = 8  # the page budget divided by this is the quota for a large API reference while other pages wait
_MIN_QUOTA: Final = 2
_AT_ROOT: Final = (
    *("/llms.txt", "/.well-known/agent-card.json", "/.well-known/agent.json", "/.well-known/mcp.json", "/server.json"),
    *("/openapi.json", "/.well-known/ai-plugin.json", "/SKILL.md"),
)
_IN_FOLDER: Final = ("llms.txt", "agent-card.json", "server.json", "SKILL.md", "openapi.json")
_IN_REPOSITORY: Final = (
    *("README.md", "SKILL.md", "server.json", ".claude-plugin/plugin.json", "manifest.json", "SECURITY.md"),
    "PRIVACY.md",
)
_MAX_SITEMAPS: Final = 5  # sitemaps read in one crawl, including index files
_MAX_ENTRIES: Final = 5000
_MAX_NAMED: Final = 10  # sitemaps taken from one robots.txt
_ROBOTS_BYTES: Final = 500 * 1024
_MAP_LINE: Final = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_GOOD_MAP: Final = re.compile(r"docs|help|guide|security|page|main", re.IGNORECASE)
_POOR_MAP: Final = re.compile(r"blog|news|post|tag|image|video|author", re.IGNORECASE)


def fault(page: Page, *, probe: bool) -> str:
    """Return why a page does not count as a document, or an empty string; `probe` means that no page links to it."""
    if is_soft_404(page):
        return NO_FILE if probe else "not found: the page itself says so"
    if page.wall and is_nearly_empty(page):
        return _WALLS[page.wall]
    if page.words < MIN_WORDS:
        return NO_TEXT + (", it needs JavaScript" if page.scripts else "")
    return ""


def is_nearly_empty(page: Page) -> bool:
    """Return whether a page has so little text that it may be only a log-in or consent wall."""
    return page.words < _WALL_WORDS


@dataclass(frozen=True)
class Read:
    """One page that was read."""

    fetched: Fetched
    kind: MediaKind
    page: Page
    about: About = "product"
    """`platform` for a page that names the vendor, not the product."""
    source: SourceKind = "docs"
    parts: tuple[Part, ...] = ()
    """Additional documents contained in the same response."""


def headed(page: Page) -> list[PageLink]:
    """Return the links of `page` to other pages, each with the nearest heading above it unless it already has one.

    Links and blocks are both in page order, so the search for each link starts where the last one was found. The
    page's own title is above everything and does not count as a heading.
    """
    above: list[str] = []
    words = ""
    for block in page.blocks:
        above.append(words)
        if block.kind == "heading":
            words = block.text if block.level > 1 else ""
    found: list[PageLink] = []
    at, left = 0, _LETTERS_LOOKED_AT
    for link in page.links:
        heading = link.under
        if link.region == "main" and not heading and len(link.text) >= _MIN_LETTERS:
            for place in range(at, len(page.blocks)):
                left -= len(page.blocks[place].text)
                if left < 0:
                    break
                if link.text in page.blocks[place].text:
                    at, heading = place, above[place]
                    break
        if not is_no_page(link.href):
            found.append(link._replace(under=heading))
    return found


@dataclass
class Crawl:
    """A crawl of one product: its start pages share one budget, and no address is read twice."""

    web: Web
    guard: Guard
    settings: Settings
    progress: Callable[[str], None]
    product: str | None = None
    links: dict[str, Link] = field(default_factory=dict)
    sites: list[Site] = field(default_factory=list)
    subject: Subject | None = None
    pages_used: int = 0
    unread: int = 0
    """Number of links to documentation left unread because a budget was used up."""
    thin: list[str] = field(default_factory=list)
    """Addresses of pages with next to no text."""
    scripted: list[str] = field(default_factory=list)
    """Addresses of pages whose text needs JavaScript."""
    removed: list[Removed] = field(default_factory=list)
    """Findings about the sitemaps, such as text addressed to assessors; a sitemap has no document to hold them."""

    def __post_init__(self) -> None:
        """Initialise the crawl state, without sending a request."""
        self.guard.may_lead = self._may_lead
        self._free: set[str] = set()
        self._attempts = 0
        self._starts: list[tuple[Scope, Read]] = []
        quota = max(_MIN_QUOTA, self.settings.max_pages // _QUOTA_SHARE)
        self._frontier = Frontier(self.settings.max_pages_per_template, quota)
        self._novelty = Novelty()
        self._seen: set[str] = set()
        self._hosts: set[str] = set()
        self._maps: set[str] = set()
        self._sheets = Sheets(self.web, self.settings)

    def start(self, url: str, *, listing: bool) -> Read:
        """Read the page at `url`, which the user gave; for the listing, also determine the product.

        Raises the errors of the guard, the network and the parser.
        """
        first = self._read_start(self.guard.parse(url), 0)
        home = self.guard.parse(first.fetched.url)
        scope = Scope(home, self.guard.admits)
        if listing:
            neighbours = set()
            for link, target in self._targets(home, headed(first.page)):
                verdict = judge(scope, home, link, target)
                if not verdict.score and ("neighbour" in verdict.reason or link.region == "neighbour"):
                    neighbours.add(" ".join(link.text.split()))
            others = frozenset(neighbours - {""})
            self.subject = resolve_subject(
                first.page, self.product, where=home.url, own_site=scope.own_site, neighbours=others
            )
            first = replace(first, page=self.subject.page, source="listing")
        else:
            self._note_thin(home.url, fault(first.page, probe=False))
        self._canonical(home, first.page)
        self._novelty.judge(first.fetched.body, first.page, identity(home))
        self._starts.append((scope, first))
        return first

    def follow(self) -> tuple[Read, ...]:
        """Read the documentation linked from the start pages and return it in reading order."""
        for place, (scope, read) in enumerate(self._starts):
            targets = self._targets(scope.home, headed(read.page))
            discovers = place == 0 and self.settings.max_depth
            if discovers:
                self._name_sites(scope, targets)
            self._push_links(scope, scope.home, targets, 0)
            if discovers:
                self._discover(scope)
        found: list[Read] = []
        while batch := self._batch():
            found.extend(self._take(batch))
        return tuple(found)

    # Start pages

    def _read_start(self, target: Target, hops: int) -> Read:
        reason = self.web.exhausted()
        if reason:
            raise SourceError(reason, where=target.url, hint="raise total_seconds or max_total_bytes")
        self._tell(target)
        self._free.add(identity(target))
        [outcome] = self.web.get_all([target.url])
        read = self._opened(outcome)
        landed = self.guard.parse(read.fetched.url)
        self._note(target.url, "read", "the source itself")
        if landed != target:
            self._note(landed.url, "read", "the page to which the source redirects")
        self._seen |= {identity(target), identity(landed)}
        if read.page.refresh and hops < _MAX_REFRESH and is_nearly_empty(read.page):
            return self._read_start(self.guard.parse(absolute(read.fetched.url, read.page.refresh)), hops + 1)
        [page] = self._sheets.styled([(read.fetched, read.page)])
        self.pages_used += 1
        return replace(read, page=page)

    def _opened(self, outcome: Outcome, source: SourceKind = "docs", *, probe: bool = False) -> Read:
        """Parse a response; raise its error or the parser's. For a `probe`, an HTML page or a PDF counts as no file."""
        if isinstance(outcome, SeptetError):
            raise outcome
        kind = sniff(outcome.body, outcome.media_type, outcome.url)
        if probe and kind in ("html", "pdf"):
            raise SourceError(NO_FILE)
        first, *others = read_parts(outcome.body, kind, outcome.charset, outcome.url, self.settings)
        return Read(outcome, kind, first.page, source=source, parts=tuple(others))

    def _tell(self, target: Target, ahead: int = 0) -> None:
        """Report the page being requested; `ahead` is the number of uncounted pages before it in its batch."""
        number = self.pages_used + ahead + 1
        self.progress(f"reading page {number} of at most {max(number, self.settings.max_pages)}: {target.url}")

    def _name_sites(self, scope: Scope, targets: Sequence[tuple[PageLink, Target]]) -> None:
        product, code = named_sites(scope, self._name(), targets)
        if code is not None:
            scope.repository = code[0]
            self.sites.append(code[1])
        if product is not None:
            scope.product = product[0]
            self.sites.insert(0, product[1])
        front = scope.product or scope.door
        if front is not None:
            self._push(Candidate(front, scope, Verdict(_FIRST, place="product")))
        if self.subject and self.subject.chosen:
            for link, target in targets:
                if " ".join(link.text.split()) == self.subject.name and scope.place(target) == "listing":
                    scope.home = target
                    self._push(Candidate(target, scope, Verdict(_FIRST)))
                    return

    def _discover(self, scope: Scope) -> None:
        """Queue files at conventional paths of the product's site and repository, and the pages of its sitemaps."""
        site, code = scope.product or (scope.home if scope.own_site else None), scope.repository
        if code is not None and code.page.host not in CODE_HOSTS:  # code hosts provide the README as a file
            self._push(Candidate(code.page, scope, Verdict(_PROBE, place="repository")))
        if site is not None:
            self._hosts.add(site.origin)
            self._probe(scope, site.url, _AT_ROOT)
        if not scope.own_site:
            folder = scope.home._replace(path=scope.home.path.partition("?")[0].rstrip("/") + "/")
            self._probe(scope, folder.url, _IN_FOLDER)
        if code is not None:
            self._probe(scope, code.raw, _IN_REPOSITORY)
        if site is not None:
            self._push_map(scope, site)

    def _probe(self, scope: Scope, base: str, names: Iterable[str]) -> None:
        for name in names:
            if (target := self._parse(urljoin(base, name))) and (place := scope.place(target)):
                self._push(Candidate(target, scope, Verdict(_PROBE, place=place), probe=True))

    # Sitemaps

    def _push_map(self, scope: Scope, site: Target) -> None:
        """Queue the pages on known topics from the sitemaps of `site`: those in its robots.txt, and `/sitemap.xml`."""
        [robots] = self.web.get_all([absolute(site.url, "/robots.txt")])
        waiting = []
        if isinstance(robots, Fetched):
            text = robots.body[:_ROBOTS_BYTES].decode("utf-8-sig", "replace")
            waiting = [absolute(robots.url, url) for url in _MAP_LINE.findall(text)[:_MAX_NAMED]]
        waiting = list(dict.fromkeys((*waiting, absolute(site.url, "/sitemap.xml"))))
        found: list[tuple[PageLink, Target]] = []
        while waiting and len(self._maps) < _MAX_SITEMAPS and not self.web.exhausted():
            target = self._parse(waiting.pop(0))
            if target is None:
                continue
            if not scope.place(target):
                self._note(target.url, "skipped", "another site")
                continue
            if identity(target) in self._maps:
                self._note(target.url, "skipped", "a sitemap that was already read")
                continue
            self._maps.add(identity(target))
            [outcome] = self.web.get_all([target.url])
            page = self._map(target, outcome)
            inner = sorted(
                (absolute(target.url, link.href) for link in page.links if _is_map(link.href)),
                key=lambda url: (0 if _GOOD_MAP.search(url) else 2 if _POOR_MAP.search(url) else 1, url),
            )
            waiting += [url for url in inner if url not in waiting]
            entries = [link for link in page.links[:_MAX_ENTRIES] if not _is_map(link.href)]
            found += self._targets(target, entries)
        for url in waiting:
            self._note(url, "skipped", "a sitemap beyond the maximum number")
        named = [(link, target) for link, target in found if of_path(target.path).worth]
        self._push_links(scope, site, named, 0, listed=True)

    def _map(self, target: Target, outcome: Outcome) -> Page:
        """Return the parsed sitemap, or an empty page if there is none."""
        try:
            read = self._opened(outcome)
        except SeptetError as error:
            if error is outcome:
                self._note_error(target.url, error, probe=True)
            else:
                self._note(target.url, "skipped", f"the sitemap: {error.what}")
            return Page("", ())
        if read.kind in ("html", "pdf"):
            self._note(target.url, "skipped", NO_FILE)
            return Page("", ())
        self._note(target.url, "read", "the sitemap")
        self.removed += [found._replace(where=f"{found.where}, {target.url}") for found in read.page.removed]
        return read.page

    # The queue

    def _parse(self, address: str) -> Target | None:
        """Return an address without its fragment, or record that the guard refuses it."""
        try:
            return self.guard.parse(address.partition("#")[0])
        except RefusedError as error:
            self._note(address, "refused", error.what)
            return None

    def _targets(self, source: Target, links: Iterable[PageLink]) -> list[tuple[PageLink, Target]]:
        """Return links with their parsed addresses; addresses refused by the guard are recorded."""
        parsed = ((link, self._parse(absolute(source.url, link.href))) for link in links)
        return [(link, target) for link, target in parsed if target is not None]

    def _push_links(
        self,
        scope: Scope,
        source: Target,
        targets: Sequence[tuple[PageLink, Target]],
        depth: int,
        *,
        beside: bool = False,
        listed: bool = False,
    ) -> None:
        if depth >= self.settings.max_depth:
            return
        for link, target in targets:
            known = self.links.get(target.url)
            if known is not None and known.state != "skipped":
                continue
            verdict = judge(scope, source, link, target)
            if not verdict.score:
                if identity(target) not in self._seen:
                    self._note(target.url, "skipped", verdict.reason)
                continue
            if verdict.place == "product" and is_other_product(target, self._name()):
                self._note(target.url, "skipped", "another product of the vendor")
                continue
            candidate = Candidate(
                target,
                scope,
                verdict._replace(beside=verdict.beside or (beside and verdict.place == "listing")),
                depth + 1,
                last="nofollow" in link.rel.split(),
                listed=listed,
                named=of_words(link.text).worth > 0,
                topic=topic_of(named_path(target), link.text, link.under),
                source="the site's map" if listed else identity(source),
            )
            self._push(candidate)

    def _push(self, candidate: Candidate) -> None:
        if candidate.key in self._seen:
            if candidate.shown not in self.links:
                self._note(candidate.shown, "skipped", "the same page as one that was already read")
        elif is_maze(candidate.target):
            self._note(candidate.shown, "skipped", TRAP)
        else:
            other = self._frontier.push(candidate)
            if other and other not in self.links:
                self._note(other, "skipped", "the same page as another: its address is spelled differently")

    def _batch(self) -> list[Candidate]:
        room = self.settings.max_pages - self.pages_used
        reason = "the page budget is used up" if room <= 0 else self.web.exhausted() if self._frontier else None
        if not reason and self._attempts >= _ATTEMPTS * self.settings.max_pages + _MORE_ATTEMPTS:
            reason = "the request budget is used up"
        if reason:
            for candidate in self._frontier.drain():
                self.unread += not candidate.probe
                why = NO_FILE if candidate.probe else self._frontier.later(candidate) or reason
                self._note(candidate.shown, "skipped", why)
            return []
        most = max(1, min(self.settings.connections, room))
        batch, dropped = self._frontier.pop(most, self._novelty, self._seen)
        self._seen |= {candidate.key for candidate in batch}
        for candidate, why in dropped:
            self._note(candidate.shown, "skipped", why)
        return batch

    # Outcomes

    def _take(self, batch: Sequence[Candidate]) -> list[Read]:
        for place, candidate in enumerate(batch):
            self._tell(candidate.target, place)
            self._attempts += not candidate.probe
        outcomes = self.web.get_all([candidate.target.url for candidate in batch])
        parsed = [self._parsed(candidate, outcome) for candidate, outcome in zip(batch, outcomes, strict=True)]
        styled = iter(self._sheets.styled([(read.fetched, read.page) for read in parsed if read]))
        found: list[Read] = []
        for candidate, read in zip(batch, parsed, strict=True):
            kept = self._judged(candidate, replace(read, page=next(styled))) if read else None
            self._frontier.came(candidate, read=kept is not None)
            found += [kept] if kept else []
        return found

    def _parsed(self, candidate: Candidate, outcome: Outcome) -> Read | None:
        try:
            source: SourceKind = "repo" if candidate.verdict.place == "repository" else "docs"
            return self._opened(outcome, source, probe=candidate.probe)
        except SeptetError as error:
            self._note_error(candidate.shown, error, probe=candidate.probe)
            return None

    def _judged(self, candidate: Candidate, read: Read) -> Read | None:
        """Return `read` if it counts as a page, else record the reason and return None. Queues the page's links."""
        landed = self.guard.parse(read.fetched.url)
        about: About = "product"
        reason = self._where_landed(candidate, landed) or fault(read.page, probe=candidate.probe)
        thin = self._note_thin(candidate.target.url, reason)
        if not reason and candidate.verdict.beside and self._name():
            about = speaks_of(read.page, product_name(self._name()))
            reason = "does not mention the product" if about == "other" else ""
        reason = reason or self._novelty.judge(read.fetched.body, read.page, candidate.kind)
        self._seen.add(identity(landed))
        self._canonical(landed, read.page)
        if reason:
            self._note(candidate.shown, "skipped", reason)
            if thin:
                self._onwards(candidate, landed, read.page)
            return None
        self.pages_used += 1
        topic = f": {candidate.topic.name}" if candidate.topic.name else ""
        self._note(candidate.shown, "read", f"documentation{topic}")
        if read.fetched.url not in (candidate.shown, candidate.target.url):
            self._note(read.fetched.url, "read", "the page to which a link redirects")
        self._onwards(candidate, landed, read.page)
        return replace(read, about=about)

    def _where_landed(self, candidate: Candidate, landed: Target) -> str:
        """Return why the destination of a redirect is not a new page of this crawl, or an empty string."""
        site = candidate.scope.moved(candidate.target, landed)
        if site is not None:
            self.sites = [site, *(known for known in self.sites if known.role != site.role)]
        if identity(landed) == candidate.key:
            return ""
        if not candidate.scope.place(landed):
            return "it redirects to another site"
        if is_log_in(landed):
            return "it redirects to a log-in page"
        return "the same page as one that was already read" if identity(landed) in self._seen else ""

    def _may_lead(self, first: Target, landed: Target) -> bool:
        """Return whether a redirect is allowed.

        Only a source, the product's front page and the door to it may redirect to a site outside the crawl.
        """
        if identity(first) in self._free or same_site(first, landed):
            return True
        return any(scope.place(landed) or scope.may_move(first) for scope, _ in self._starts)

    def _canonical(self, landed: Target, page: Page) -> None:
        """Mark the page's canonical address as seen, so that it is never requested."""
        named = self._parse(absolute(landed.url, page.canonical))
        # Accept only another spelling of the same path: a forged canonical address must not hide a real page.
        if named and named.host == landed.host and named.path.partition("?")[0] == landed.path.partition("?")[0]:
            self._seen.add(identity(named))

    def _onwards(self, candidate: Candidate, landed: Target, page: Page) -> None:
        if page.refresh:
            page = page._replace(links=(*page.links, PageLink(page.refresh, "", "main")))
        targets = self._targets(landed, headed(page))
        self._push_links(candidate.scope, landed, targets, candidate.depth, beside=candidate.verdict.beside)
        place = candidate.verdict.place
        vendors = place == "product" or (place == "listing" and candidate.scope.own_site)
        if vendors and landed.origin not in self._hosts and len(self._hosts) < _MAX_HOSTS:
            self._hosts.add(landed.origin)
            self._probe(candidate.scope, landed.url, ["/llms.txt"])
            self._push_map(candidate.scope, landed)

    def _name(self) -> str:
        return product_name(self.subject.name) if self.subject else ""

    def _note_thin(self, url: str, reason: str) -> bool:
        """Record a page that lacks text or needs JavaScript; return whether it lacks text."""
        thin = reason.startswith(NO_TEXT)
        if thin or NEEDS_SCRIPT in reason:
            (self.scripted if NEEDS_SCRIPT in reason else self.thin).append(url)
        return thin

    def _note_error(self, url: str, error: SeptetError, *, probe: bool) -> None:
        if isinstance(error, RefusedError):
            self._note(url, "refused", error.what)
        else:
            self._note(url, "skipped", NO_FILE if probe and "404" in error.what else error.what)

    def _note(self, url: str, state: str, reason: str) -> None:
        if url in self.links or len(self.links) < _MAX_LINKS_KEPT:
            self.links[url] = Link.model_validate({"url": url[:_SHOWN], "state": state, "reason": reason})


def _is_map(href: str) -> bool:
    path = href.partition("?")[0].lower()
    return path.endswith((".xml", ".xml.gz")) or "sitemap" in path.rpartition("/")[2]
