"""The crawl: listing and linked documentation, best pages first, in batches, within the budget.

A crawl requests pages in batches and processes the outcomes in the order of the requests, so that the set of pages read
depends on the responses alone, not on their order of arrival.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from agent.errors import RefusedError, SeptetError, SourceError
from agent.intake.crawl import sitemaps as maps
from agent.intake.crawl.addresses import cleaned, identity, is_maze, named_path
from agent.intake.crawl.answer import Fetched, Web
from agent.intake.crawl.fetch import resolve
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
    worth_of_path,
    worth_of_text,
)
from agent.intake.crawl.guard import Guard, Target
from agent.intake.crawl.page_topics import topic_of
from agent.intake.crawl.sitemaps import NO_FILE, Maps
from agent.intake.crawl.sites import CODE_HOSTS, Scope, named_sites, same_site
from agent.intake.crawl.style_sheets import Sheets
from agent.intake.extract.identity.product import Subject, product_name, resolve_subject, speaks_of
from agent.intake.extract.parse import MediaKind, read_parts, sniff
from agent.intake.page import Block, Page, PageLink, Part
from agent.records import About, Link, Site, SourceKind
from agent.settings import Settings

MIN_WORDS: Final = 12
"""Minimum number of words; a shorter page contains nothing that could be modelled."""
_WALL_WORDS: Final = 80
"""Word count below which a page may consist only of a form, a consent notice or a request to enable JavaScript."""
NO_TEXT: Final = "next to no text"
NEEDS_SCRIPT: Final = "JavaScript"
_WALLS: Final = {
    "login": "behind a log-in",
    "consent": "behind a consent wall",
    "script": "it builds its text with JavaScript",
}
_MIN_LETTERS: Final = 2
_LETTERS_LOOKED_AT: Final = 5_000_000
"""Maximum number of letters searched for the headings above one page's links; later links get no heading."""
_MAX_LINKS_KEPT: Final = 3000
_SHOWN: Final = 500
_ATTEMPTS: Final = 4
"""Page requests allowed for each page of the budget."""
_MORE_ATTEMPTS: Final = 20
_MAX_REFRESH: Final = 2
_MAX_HOSTS: Final = 5
"""Maximum number of vendor hosts whose sitemaps and well-known files are requested."""
_FIRST: Final = 12
"""Worth of the product's own page."""
_PROBE: Final = 9
"""Worth of a file at a conventional path, such as `llms.txt`."""
_BUDGET: Final = "the budget of pages is used up"
_QUOTA_SHARE: Final = 8
"""Divisor of the page budget that gives the quota for a large API reference while other pages wait."""
_MIN_QUOTA: Final = 2


def fault(page: Page, *, probe: bool) -> str:
    """Return why a page does not count as a document, or an empty text. `probe` marks a file that no page links to."""
    if is_soft_404(page):
        return NO_FILE if probe else "not found: a page that says there is none"
    if page.wall and is_nearly_empty(page):
        return _WALLS[page.wall]
    if words(page) < MIN_WORDS:
        return NO_TEXT + (", it needs JavaScript" if page.scripts else "")
    return ""


def is_nearly_empty(page: Page) -> bool:
    """Return whether a page has so little text that it may be nothing but a log-in or consent wall."""
    return words(page) < _WALL_WORDS


def words(page: Page) -> int:
    """Return the number of words in the blocks of a page."""
    return sum(len(block.text.split()) for block in page.blocks)


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


def headed(page: Page) -> tuple[PageLink, ...]:
    """Return the links of `page`, each with the nearest heading above it; a link that already has a heading keeps it.

    Links and blocks are both in the order of the page, so the search for each link starts where the last was found.
    """
    found: list[PageLink] = []
    above = _above(page.blocks)
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
        found.append(link._replace(under=heading))
    return tuple(found)


def _above(blocks: tuple[Block, ...]) -> list[str]:
    """Return the heading above each block, ignoring the page's own title because it is above everything."""
    found: list[str] = []
    words = ""
    for block in blocks:
        found.append(words)
        if block.kind == "heading":
            words = block.text if block.level > 1 else ""
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

    def __post_init__(self) -> None:
        """Initialise the crawl state; nothing has been requested yet."""
        self.guard.may_lead = self._may_lead
        self._free: set[str] = set()
        self._attempts = 0
        self._starts: list[tuple[Scope, Read]] = []
        quota = max(_MIN_QUOTA, self.settings.max_pages // _QUOTA_SHARE)
        self._frontier = Frontier(self.settings.max_pages_per_template, quota)
        self._novelty = Novelty()
        self._seen: set[str] = set()
        self._asked: set[str] = set()
        self._hosts: set[str] = set()
        self.maps = Maps(self.web, self.guard, self.settings, self._note)
        self._sheets = Sheets(self.web, self.settings)

    def start(self, url: str, *, listing: bool) -> Read:
        """Read the page at `url`, which the user named; for the listing, also determine the product.

        Raises the errors of the guard, the network and the parser.
        """
        first = self._read_start(self.guard.parse(url), 0)
        home = self.guard.parse(first.fetched.url)
        scope = Scope(home, self.guard.admits)
        if listing:
            neighbours = self._neighbours(scope, first.page)
            self.subject = resolve_subject(
                first.page, self.product, where=home.url, own_site=scope.own_site, neighbours=neighbours
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
            targets = self._targets(scope.home, read.page)
            if place == 0 and self.settings.max_depth:
                self._name_sites(scope, targets)
            self._push_links(scope, scope.home, targets, 0, beside=False)
            if place == 0 and self.settings.max_depth:
                self._discover(scope)
        found: list[Read] = []
        while batch := self._batch():
            found.extend(self._take(batch))
        return tuple(found)

    # Starts

    def _read_start(self, target: Target, hops: int) -> Read:
        reason = self.web.exhausted()
        if reason:
            raise SourceError(reason, where=target.url, hint="raise total_seconds or max_total_bytes")
        self._tell(target)
        self._free.add(identity(target))
        [outcome] = self.web.get_all([target.url])
        if isinstance(outcome, SeptetError):
            raise outcome
        kind = sniff(outcome.body, outcome.media_type, outcome.url)
        parts = read_parts(outcome.body, kind, outcome.charset, outcome.url, self.settings)
        page = parts[0].page
        landed = self.guard.parse(outcome.url)
        self._note(target.url, "read", "the source itself")
        if landed != target:
            self._note(landed.url, "read", "where the source led")
        self._seen |= {identity(target), identity(landed)}
        if page.refresh and hops < _MAX_REFRESH and is_nearly_empty(page):
            return self._read_start(self.guard.parse(resolve(outcome.url, page.refresh)), hops + 1)
        if kind == "html":
            [page] = self._sheets.styled([(outcome, page)])
        self.pages_used += 1
        return Read(outcome, kind, page, parts=parts[1:])

    def _tell(self, target: Target, ahead: int = 0) -> None:
        """Report the page being requested; `ahead` is the number of earlier pages in its batch not counted yet."""
        number = self.pages_used + ahead + 1
        self.progress(f"reading page {number} of at most {max(number, self.settings.max_pages)}: {target.url}")

    def _neighbours(self, scope: Scope, page: Page) -> frozenset[str]:
        """Return the link texts on the listing that lead to other products."""
        found = set()
        for link, target in self._targets(scope.home, page):
            verdict = judge(scope, scope.home, link, target)
            if not verdict.score and ("neighbour" in verdict.reason or link.region == "neighbour"):
                found.add(" ".join(link.text.split()))
        return frozenset(found - {""})

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
            self._push(scope, Candidate(front, scope, Verdict(_FIRST, "", False, "product"), 1))
        if self.subject and self.subject.chosen:
            for link, target in targets:
                if " ".join(link.text.split()) == self.subject.name and scope.place(target) == "listing":
                    scope.home = target
                    self._push(scope, Candidate(target, scope, Verdict(_FIRST, "", False, "listing"), 1))
                    return

    def _discover(self, scope: Scope) -> None:
        """Queue files at conventional paths of the product's site and repository, and the pages of its sitemaps."""
        site = scope.product or (scope.home if scope.own_site else None)
        urls: list[str] = []
        if site is not None:
            urls += maps.at_root(site)
            self._hosts.add(site.origin)
        if not scope.own_site:
            urls += maps.in_folder(scope.home)
        if scope.repository is not None:
            urls += maps.in_repository(scope.repository.raw)
            if scope.repository.page.host not in CODE_HOSTS:  # code hosts provide the README as a file
                verdict = Verdict(_PROBE, "", False, "repository")
                self._push(scope, Candidate(scope.repository.page, scope, verdict, 1))
        for url in urls:
            self._probe(scope, url)
        if site is not None:
            self._push_map(scope, site)

    def _push_map(self, scope: Scope, site: Target) -> None:
        entries = self.maps.entries(scope, site)
        named = [(link, target) for link, target in entries if worth_of_path(target.path)]
        self._push_links(scope, site, named, 0, beside=False, listed=True)

    def _probe(self, scope: Scope, url: str) -> None:
        try:
            target = self.guard.parse(url)
        except RefusedError:
            return
        place = scope.place(target)
        if place:
            self._push(scope, Candidate(target, scope, Verdict(_PROBE, "", False, place), 1, probe=True))

    # The queue

    def _targets(self, source: Target, page: Page) -> list[tuple[PageLink, Target]]:
        """Return the links of `page` with their parsed addresses; addresses refused by the guard are recorded."""
        found: list[tuple[PageLink, Target]] = []
        for link in headed(page):
            if is_no_page(link.href):
                continue
            address = resolve(source.url, link.href)
            try:
                found.append((link, self.guard.parse(address.partition("#")[0])))
            except RefusedError as error:
                self._note(address, "refused", error.what)
        return found

    def _push_links(
        self,
        scope: Scope,
        source: Target,
        targets: Sequence[tuple[PageLink, Target]],
        depth: int,
        *,
        beside: bool,
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
            last = "nofollow" in link.rel.split()
            own = verdict._replace(beside=verdict.beside or (beside and verdict.place == "listing"))
            named = worth_of_text(link.text) > 0
            topic = topic_of(named_path(target), link.text, link.under)
            waiting = Candidate(target, scope, own, depth + 1, last=last, listed=listed, named=named, topic=topic)
            self._push(scope, replace(waiting, source="the site's map" if listed else identity(source)))

    def _push(self, scope: Scope, candidate: Candidate) -> None:
        target = cleaned(candidate.target)
        key = identity(target)
        if key in self._seen:
            if candidate.target.url not in self.links:
                self._note(candidate.target.url, "skipped", "the same page as one that was read already")
            return
        if is_maze(target):
            self._note(candidate.target.url, "skipped", TRAP)
            return
        other = self._frontier.push(key, replace(candidate, target=target, shown=candidate.target.url))
        if other and other not in self.links:
            self._note(other, "skipped", "the same page as another: its address is spelled differently")

    def _batch(self) -> list[Candidate]:
        room = self.settings.max_pages - self.pages_used
        reason = _BUDGET if room <= 0 else self.web.exhausted() if self._frontier else None
        if not reason and self._attempts >= _ATTEMPTS * self.settings.max_pages + _MORE_ATTEMPTS:
            reason = "the budget of requests is used up"
        if reason:
            for candidate in self._frontier.drain():
                self.unread += not candidate.probe
                why = maps.NO_FILE if candidate.probe else self._frontier.later(candidate) or reason
                self._note(candidate.shown, "skipped", why)
            return []
        batch = self._frontier.pop(
            max(1, min(self.settings.connections, room)), self._novelty.is_trap, self._seen.__contains__
        )
        self._seen |= {candidate.key for candidate in batch}
        for candidate, why in self._frontier.dropped():
            self._note(candidate.shown, "skipped", why)
        return batch

    # Outcomes

    def _take(self, batch: Sequence[Candidate]) -> list[Read]:
        for place, candidate in enumerate(batch):
            self._tell(candidate.target, place)
            self._attempts += not candidate.probe
        outcomes = self.web.get_all([candidate.target.url for candidate in batch])
        parsed = [self._parsed(candidate, outcome) for candidate, outcome in zip(batch, outcomes, strict=True)]
        html = [read for read in parsed if read is not None and read.kind == "html"]
        styled = self._sheets.styled([(read.fetched, read.page) for read in html])
        again = {id(read): page for read, page in zip(html, styled, strict=True)}
        found: list[Read] = []
        for candidate, read in zip(batch, parsed, strict=True):
            judged = None
            if read is not None:
                judged = self._judged(candidate, replace(read, page=again.get(id(read), read.page)))
            self._frontier.came(candidate, read=judged is not None)
            if judged is not None:
                found.append(judged)
        return found

    def _parsed(self, candidate: Candidate, outcome: Fetched | SeptetError) -> Read | None:
        if isinstance(outcome, SeptetError):
            self._note_error(candidate.shown, outcome, probe=candidate.probe)
            return None
        try:
            kind = sniff(outcome.body, outcome.media_type, outcome.url)
            if candidate.probe and kind in ("html", "pdf"):
                self._note(candidate.shown, "skipped", maps.NO_FILE)
                return None
            parts = read_parts(outcome.body, kind, outcome.charset, outcome.url, self.settings)
        except SeptetError as error:
            self._note_error(candidate.shown, error, probe=candidate.probe)
            return None
        source: SourceKind = "repo" if candidate.verdict.place == "repository" else "docs"
        return Read(outcome, kind, parts[0].page, "product", source, parts[1:])

    def _judged(self, candidate: Candidate, read: Read) -> Read | None:
        """Return `read` if it counts as a page, else record the reason and return None. Queues the page's links."""
        landed = self.guard.parse(read.fetched.url)
        about: About = "product"
        reason = self._where_landed(candidate, landed) or fault(read.page, probe=candidate.probe)
        thin = self._note_thin(candidate.target.url, reason)
        if not reason and candidate.verdict.beside and self._name():
            about = speaks_of(read.page, product_name(self._name()))
            reason = "does not speak of the product" if about == "other" else ""
        reason = reason or self._novelty.judge(read.fetched.body, read.page, candidate.kind)
        self._seen.add(identity(landed))
        self._canonical(landed, read.page)
        if reason:
            self._note(candidate.shown, "skipped", reason)
            if thin:
                self._onwards(candidate, landed, read)
            return None
        self.pages_used += 1
        about_what = f"documentation: {candidate.topic.name}" if candidate.topic.name else "documentation"
        self._note(candidate.shown, "read", about_what)
        if read.fetched.url not in (candidate.shown, candidate.target.url):
            self._note(read.fetched.url, "read", "where a link led")
        self._onwards(candidate, landed, read)
        return replace(read, about=about)

    def _where_landed(self, candidate: Candidate, landed: Target) -> str:
        """Return why the destination of a redirect is not a new page of this crawl, or an empty text."""
        site = candidate.scope.moved(candidate.target, landed)
        if site is not None:
            self.sites = [site, *(known for known in self.sites if known.role != site.role)]
        if identity(landed) == candidate.key:
            return ""
        if not candidate.scope.place(landed):
            return "it redirects to another site"
        if is_log_in(landed):
            return "it redirects to a log-in page"
        return "the same page as one that was read already" if identity(landed) in self._seen else ""

    def _may_lead(self, first: Target, landed: Target) -> bool:
        """Return whether a redirect is allowed. Only sources and the product's front page may leave the crawl."""
        if identity(first) in self._free or same_site(first, landed):
            return True
        return any(scope.place(landed) or scope.may_move(first) for scope, _ in self._starts)

    def _canonical(self, landed: Target, page: Page) -> None:
        """Mark the page's canonical address as seen, so that it is never requested."""
        address = resolve(landed.url, page.canonical)
        try:
            named = self.guard.parse(address.partition("#")[0])
        except RefusedError as error:
            self._note(address, "refused", error.what)
            return
        # Accept only another spelling of the same path: a forged canonical address must not keep a real page unread.
        if named.host == landed.host and named.path.partition("?")[0] == landed.path.partition("?")[0]:
            self._seen.add(identity(named))

    def _onwards(self, candidate: Candidate, landed: Target, read: Read) -> None:
        page = read.page
        if page.refresh:
            page = page._replace(links=(*page.links, PageLink(page.refresh, "", "main")))
        targets = self._targets(landed, page)
        self._push_links(candidate.scope, landed, targets, candidate.depth, beside=candidate.verdict.beside)
        place = candidate.verdict.place
        vendors = place == "product" or (place == "listing" and candidate.scope.own_site)
        if vendors and landed.origin not in self._hosts and len(self._hosts) < _MAX_HOSTS:
            self._hosts.add(landed.origin)
            for url in maps.on_docs_host(landed):
                self._probe(candidate.scope, url)
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
            missing = probe and not error.what.startswith(("no answer", "no connection"))
            self._note(url, "skipped", maps.NO_FILE if missing and "404" in error.what else error.what)

    def _note(self, url: str, state: str, reason: str) -> None:
        if url in self.links or len(self.links) < _MAX_LINKS_KEPT:
            self.links[url] = Link.model_validate({"url": url[:_SHOWN], "state": state, "reason": reason})
