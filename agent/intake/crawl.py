"""The listing page and the documentation pages of its site, best first, within the budget."""

import heapq
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from agent.errors import RefusedError, SeptetError, SourceError
from agent.intake.net.answer import Fetched, Web
from agent.intake.net.fetch import resolve
from agent.intake.net.netguard import Guard, Target
from agent.intake.pages.extract import MediaKind, read_page, sniff
from agent.intake.pages.page import Page
from agent.intake.ranking import is_no_page, judge
from agent.records import About, Link
from agent.settings import Settings

MIN_WORDS: Final = 12
"""Words below which a page says nothing that could be modelled."""
_MAX_LINKS_KEPT: Final = 500
_LAST: Final = 100
_SHOWN: Final = 500
_MIN_NAME: Final = 3
_COMMON: Final = frozenset({"the", "agent", "agents", "open", "smart", "auto", "data", "code", "chat", "cloud", "mcp"})
_NAME_END: Final = re.compile(r"\s[—–|·:-]\s|\s\(|:\s")
_BUDGET: Final = "the budget of pages is used up"


@dataclass(frozen=True)
class Read:
    """One page that was read."""

    fetched: Fetched
    kind: MediaKind
    page: Page
    about: About
    """`platform` for a page that only the site's navigation links and that names the vendor, not the product."""


@dataclass
class Crawl:
    """A crawl of one product: several starts share its budget and never read an address twice."""

    web: Web
    guard: Guard
    settings: Settings
    progress: Callable[[str], None]
    links: dict[str, Link] = field(default_factory=dict)
    pages_used: int = 0
    unread: int = 0
    """Links that were documentation and found no budget."""
    thin: list[str] = field(default_factory=list)
    """Addresses of pages with next to no text."""

    def run(self, url: str) -> tuple[Read, ...]:
        """The page at `url` first, then the documentation that it links, by depth and worth.

        Raises what the fetcher and the parser raise for the first page; any other page that fails is recorded in
        `links` with its reason.
        """
        start = self.guard.parse(url)
        first = self._read(start.url)
        name = product_name(first.page.title)
        home = self.guard.parse(first.fetched.url)
        self._note(start.url, "read", "the source itself")
        if home != start:
            self._note(home.url, "read", "where the source led")
        found = [first]
        bodies = {first.fetched.body}
        order = 0
        heap: list[tuple[int, int, int, Target, bool]] = []
        pending = [(home, first.page, 0)]
        while True:
            for source, page, depth in pending:
                if depth < self.settings.max_depth:
                    for score, target, beside in self._judged(home, source, page):
                        order += 1
                        heapq.heappush(heap, (depth + 1, -score, order, target, beside))
            pending = []
            if not heap:
                return tuple(found)
            depth, _, _, target, beside = heapq.heappop(heap)
            reason = _BUDGET if self.pages_used >= self.settings.max_pages else self.web.exhausted()
            if reason:
                self.unread += 1
                self._note(target.url, "skipped", reason)
                continue
            read = self._try(target, name if beside else "", bodies)
            if read is not None:
                found.append(read)
                pending = [(self.guard.parse(read.fetched.url), read.page, depth)]

    def _try(self, target: Target, name: str, bodies: set[bytes]) -> Read | None:
        """Read a linked page, or record why not; with a `name`, only a page that speaks of it or of its maker."""
        try:
            read = self._read(target.url)
        except RefusedError as error:
            self._note(target.url, "refused", error.what)
            return None
        except SeptetError as error:
            self._note(target.url, "skipped", error.what)
            return None
        if read.fetched.body in bodies:
            self._note(target.url, "skipped", "the same content as another page")
            return None
        bodies.add(read.fetched.body)
        if words(read.page) < MIN_WORDS:
            self.thin.append(target.url)
            self._note(
                target.url, "skipped", "next to no text" + (", it may need JavaScript" if read.page.scripts else "")
            )
            return None
        about = speaks_of(read.page, name) if name else "product"
        if about == "other":
            self._note(target.url, "skipped", "does not speak of the product")
            return None
        self._note(target.url, "read", "documentation")
        if read.fetched.url != target.url:
            self._note(read.fetched.url, "read", "where a link led")
        return replace(read, about=about)

    def _read(self, url: str) -> Read:
        reason = self.web.exhausted()
        if reason:
            raise SourceError(reason, where=url, hint="raise total_seconds or max_total_bytes")
        self.progress(f"reading {url}")
        self.pages_used += 1
        [fetched] = self.web.get_all([url])
        if isinstance(fetched, SeptetError):
            raise fetched
        kind = sniff(fetched.body, fetched.media_type, fetched.url)
        page = read_page(fetched.body, kind, fetched.charset, fetched.url, self.settings)
        return Read(fetched, kind, page, "product")

    def _judged(self, home: Target, source: Target, page: Page) -> list[tuple[int, Target, bool]]:
        """Links of `page` worth reading; each link is recorded once, the first time that it is seen."""
        wanted: dict[Target, tuple[int, bool]] = {}
        for link in page.links:
            if is_no_page(link.href):
                continue
            address = resolve(source.url, link.href)
            try:
                target = self.guard.parse(address.partition("#")[0])
            except RefusedError as error:
                self._note(address, "refused", error.what)
                continue
            known = self.links.get(target.url)
            if known is not None and known.state != "skipped":
                continue
            verdict = judge(home, source, link, target)
            if not verdict.score:
                if target not in wanted:
                    self._note(target.url, "skipped", verdict.reason)
                continue
            score, beside = wanted.get(target, (-_LAST, True))
            # What may be the directory's own is read after everything else of its depth.
            worth = verdict.score - _LAST if verdict.beside else verdict.score
            wanted[target] = (max(score, worth), beside and verdict.beside)
        for target in wanted:
            self._note(target.url, "read", "documentation")  # claimed now, corrected when it was tried
        return [(score, target, beside) for target, (score, beside) in wanted.items()]

    def _note(self, url: str, state: str, reason: str) -> None:
        if url in self.links or len(self.links) < _MAX_LINKS_KEPT:
            self.links[url] = Link.model_validate({"url": url[:_SHOWN], "state": state, "reason": reason})


def product_name(title: str) -> str:
    """The product's name in a page title, lower case: what stands before the first dash, bar, colon or bracket."""
    return _NAME_END.split(title)[0].strip().casefold()


def speaks_of(page: Page, name: str) -> About:
    """`product` when a page holds the whole `name`, `platform` when it holds its first word, otherwise `other`."""
    text = "\n".join(block.text for block in page.blocks).casefold()
    if len(name) >= _MIN_NAME and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
        return "product"
    first = name.split()[0] if name.split() else ""
    known = len(first) >= _MIN_NAME and first not in _COMMON
    return "platform" if known and re.search(rf"(?<!\w){re.escape(first)}(?!\w)", text) else "other"


def words(page: Page) -> int:
    """How many words the blocks of a page hold."""
    return sum(len(block.text.split()) for block in page.blocks)
