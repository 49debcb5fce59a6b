"""The queue of pages to fetch, best first: spread over topics, with a quota for generated API reference.

The first page of a topic comes before the second page of any topic of similar value. Pages of an API reference, and
pages of one template, get a small quota as soon as there are enough of them to crowd out the rest; pages beyond the
quota wait until no others are left.
"""

import re
from collections import Counter, defaultdict, deque
from collections.abc import Set
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from agent.intake.crawl.addresses import cleaned, edition, folder, identity, is_varied, named_path, template, version
from agent.intake.crawl.guard import Target
from agent.intake.crawl.page_topics import NONE, Topic, is_said, of_path, of_words
from agent.intake.crawl.sites import CODE_HOSTS, Place, Scope
from agent.intake.page import Page, PageLink

_RUN: Final = 5  # words in one shingle
_SAME: Final = 0.9  # share of known shingles at or above which a page brings nothing new
_MIN_SHINGLES: Final = 12
_BARREN: Final = 3  # number of pages without new content at which a template counts as a trap
_NOT_FOUND: Final = re.compile(
    r"(?:error )?404\b.*|(?:sorry[,.! ]*)?(?:the |this |that )?(?:page|file|document|article)(?: you .*)? "
    r"(?:was |is |could |can)?(?: ?not)(?: be)? found.*|(?:page |file )?not found.*|"
    r"(?:the |this )?page (?:does not|doesn['’]t) exist.*|"
    r"(?:oops|sorry)\b.*\b(?:not found|exist|find)\b.*|nothing (?:was )?found(?: here)?.*",
    re.IGNORECASE,
)
_SHORT_PAGE: Final = 120  # maximum words of a page that may be just an error message
_FIRST: Final = 3

TRAP: Final = "stopped: crawl trap"
_LOG_IN: Final = re.compile(
    r"/(?:log-?in|sign-?in|sign-?up|register|log-?out|accounts?|sso|oauth2?/authorize|auth)(?:/|$|\?)", re.IGNORECASE
)
# Addresses in which log-in words are the subject of documentation.
_LOG_IN_TOPIC: Final = re.compile(
    r"/(?:docs?|documentation|help|guides?|manual|reference|latest|stable|current|security|trust)/(?:[^?]*/)?"
    r"(?:accounts?|sso|auth)(?:/|$|\?)",
    re.IGNORECASE,
)
_EVENTS: Final = re.compile(r"/(?:events?|calendar|webinars?)(?:/|$|\?)", re.IGNORECASE)
_NEVER: Final = re.compile(
    r"/(?:cart|checkout|careers|jobs|press|contact(?:-us)?|rss|feed|"
    r"share|compare|submit|cdn-cgi|wp-admin|wp-json|testimonials|reviews|ratings?|"
    r"customers|case-stud(?:y|ies)|partners|newsletter|subscribe|unsubscribe|tags?|authors?|demo|book-a-demo)(?:/|$|\?)",
    re.IGNORECASE,
)
_BLOG: Final = re.compile(r"/(?:blog|news|articles|posts|community|forum|stories)(?:/|$|\?)", re.IGNORECASE)
_ASSESSMENT: Final = re.compile(
    r"/(?:[\w-]*(?:threat-?model|risk-?score|aivss|maestro)[\w-]*|(?:trust-?)?score(?:card|s)?|assessment|verdict)(?:/|$|\?)",
    re.IGNORECASE,
)
_ASSET: Final = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|ico|css|js|mjs|map|woff2?|ttf|zip|gz|tgz|tar|exe|dmg|pkg|deb|rpm|whl|mp[34]|webm|mov|"
    r"xml|rss|atom|ya?ml|csv|xlsx?|docx?|pptx?|iso|bin|jar|apk)$",
    re.IGNORECASE,
)
_API_FILE: Final = re.compile(r"(?:openapi|swagger)[\w.-]*\.(?:ya?ml|json)$", re.IGNORECASE)
_SHELVES: Final = re.compile(r"/(?:products?|apps|agents)/([^/]+)")
_SEARCH: Final = re.compile(r"/(?:[\w-]*-)?search(?:-results)?(?:\.\w+)?(?:/|$|\?)", re.IGNORECASE)
_NO_PAGE: Final = re.compile(r"(?:mailto|tel|sms|javascript|data|blob|about):", re.IGNORECASE)
_SUFFIX: Final = re.compile(r"\.(?:html?|md|mdx|txt|pdf|php|aspx?|json|ya?ml)$")
_REPOSITORY_FILE: Final = re.compile(r"\.(?:md|mdx|txt|rst|pdf|json|ya?ml)$", re.IGNORECASE)
_DOCS_HOST: Final = re.compile(r"(?:docs?|help|trust|security|support|developers?|dev|api|learn|kb|guide)\.")
_OWN: Final = 5
_BELOW: Final = 3
_DEPTH_COST: Final = 2
_VARIED_COST: Final = 2
_BESIDE_COST: Final = 100
_LAST_COST: Final = 50
_EDITION_COST: Final = 40
_LISTED_COST: Final = 6  # deduction that puts a page named only in the sitemap after linked pages of similar value
_TOPICS: Final = 2  # multiplier of a template's limit if the link names a topic, because the address may not show it
_SIDE_BY_SIDE: Final = 3  # maximum pages of one varied template in a batch, so that a trap is noticed in time
_AGAIN_COSTS: Final = (0, 3, 6, 8, 9)  # deductions by number of pages already taken on the topic
_LEAST: Final = 3  # minimum value of another page on a topic, so that it still comes before a changelog or an example
_EVERYTHING: Final = ("", "documentation")
"""Topics too broad to group pages by. Their pages are grouped by folder, so that no folder is read completely first."""
_DEAD_COST: Final = 2
_MOST_DEAD: Final = 12  # maximum deduction for the links of a page whose other links led nowhere
_CROWD: Final = 12  # number of pages at which a reference or template counts as a crowd: more than a draft needs
_CROWD_COST: Final = 5  # deduction that puts a page of a crowd after other pages of similar value
_LATER_COST: Final = 25  # deduction that puts pages beyond the quota after all others, even those only in the sitemap
# Name of a folder that contains the pages of a reference.
_REFERENCE: Final = re.compile(
    r"(?:api|apis|rest|rest-?api|sdk|sdks|(?:api|sdk|cli|code|class|python|js|typescript)?[-_]?references?|"
    r"(?:api|auto|java|type|go|rust|py)-?docs?|_?auto-?(?:api|summary)|_?generated|endpoints|classes|_?modules)",
    re.IGNORECASE,
)
_SORTED: Final = re.compile(r"/\d{1,3}[-_](?=[^\W\d_])")  # a number that only puts the pages of a folder in order
# Name of a page about one member of a module.
_DOTTED: Final = re.compile(r"[a-z_]\w*(?:\.[a-z_]\w*){2,}", re.IGNORECASE)
_SAME_WORDS: Final = 2  # number of leading words that the names of pages of one template share


class Novelty:
    """Judges whether a page brings anything new, compared with the pages already read in this crawl."""

    def __init__(self) -> None:
        self._known: set[bytes] = set()
        self._shingles: set[bytes] = set()
        self._barren: Counter[str] = Counter()

    def judge(self, body: bytes, page: Page, kind: str) -> str:
        """Return why the page brings nothing new, or remember the page and return an empty string.

        `kind` is the template of its address; after a few pages without new content, the template counts as a trap.
        """

        def digest(words: list[str], size: int) -> bytes:
            # Python's own hash differs between runs.
            return blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=size).digest()

        words = [word for block in page.blocks for word in re.findall(r"\w+", block.text.casefold())]
        own = {b"body" + blake2b(body, digest_size=16).digest()} | ({b"text" + digest(words, 16)} if words else set())
        if own & self._known:
            self._barren[kind] += 1
            return "the same content as another page"
        shingles = {digest(words[start : start + _RUN], 8) for start in range(len(words) - _RUN + 1)}
        if len(shingles) >= _MIN_SHINGLES and len(shingles & self._shingles) >= _SAME * len(shingles):
            self._barren[kind] += 1
            return "nearly the same text as pages already read"
        self._known |= own
        self._shingles |= shingles
        return ""

    def is_trap(self, kind: str) -> bool:
        """Return whether pages of this template no longer bring anything new."""
        return self._barren[kind] >= _BARREN


def is_soft_404(page: Page) -> bool:
    """Return whether a page sent with status 200 only says that there is no such page."""
    heads = (page.title, *(block.text for block in page.blocks[:_FIRST]))
    return page.words <= _SHORT_PAGE and any(_NOT_FOUND.fullmatch(head.strip()) for head in heads)


class Verdict(NamedTuple):
    """The verdict on a link: `score` is above 0 if the link is worth reading, otherwise `reason` says why not."""

    score: int
    reason: str = ""
    beside: bool = False
    """Whether the page may be about the directory itself; such a page counts only if it mentions the product."""
    place: Place = "listing"


def is_no_page(href: str) -> bool:
    """Return whether a link is a mail address, a phone number, a script or an anchor on the same page."""
    return not href or href.startswith("#") or bool(_NO_PAGE.match(href))


def is_log_in(target: Target) -> bool:
    """Return whether an address leads to an account or log-in page."""
    return bool(_LOG_IN.search(target.path)) and not _LOG_IN_TOPIC.search(target.path)


def judge(scope: Scope, source: Target, link: PageLink, target: Target) -> Verdict:
    """Judge whether `target`, linked from the page `source`, documents the product of `scope`."""
    place = scope.place(target)
    path = urlsplit(target.path).path
    if not place:
        return Verdict(0, "another site")
    if link.region == "neighbour" and place == "listing" and source == scope.home:
        return Verdict(0, "about something other than this product")
    if is_log_in(target):
        return Verdict(0, "an account or log-in page, not documentation")
    if _EVENTS.search(target.path):
        return Verdict(0, "a calendar of events, not documentation")
    if _SEARCH.search(target.path):
        return Verdict(0, "search results or a page of one session, not documentation")
    if _NEVER.search(target.path) or (_ASSET.search(path) and not _API_FILE.search(path)):
        return Verdict(0, "not a page of documentation")
    if place == "repository":
        raw = scope.repository and target.url.startswith(scope.repository.raw) and target.host not in CODE_HOSTS
        if not _REPOSITORY_FILE.search(path) and not raw:
            return Verdict(0, "a page of the code host, not documentation")
        worth = max(of_path(path).worth, of_words(link.text).worth)
        if path.lower().endswith((".md", ".mdx", ".txt", ".rst", ".pdf")):
            worth = max(worth, _BELOW)
        return Verdict(worth, "" if worth else "not documentation", place=place)
    if _BLOG.search(path):
        return Verdict(0, "a blog or news, not documentation")
    if place == "listing" and not scope.own_site and _ASSESSMENT.search(path):
        return Verdict(0, "the directory's own score or assessment")
    home = scope.product if place == "product" and scope.product is not None else scope.home
    return _ranked(home, source, link, target, place)


def _ranked(home: Target, source: Target, link: PageLink, target: Target, place: Place) -> Verdict:
    path = urlsplit(target.path).path
    own = home.path.partition("?")[0].rstrip("/")
    own_folder = own.rpartition("/")[0]
    same_host = (target.host, target.port) == (home.host, home.port)
    inside = bool(own) and path.startswith(own + "/") and same_host
    words = of_path(named_path(target)).worth
    sibling = (
        same_host and bool(own_folder) and path.startswith(own_folder + "/") and not inside and own != path.rstrip("/")
    )
    # A page next to the listing is another product, even if its path names a topic. Next to a product's own page, such
    # a path leads to documentation.
    if sibling and (place == "listing" or not words):
        last = _SUFFIX.sub("", unquote(path).lower().rstrip("/").rpartition("/")[2])
        tokens = [token for token in re.split(r"[\W_]+", last) if token]
        if not tokens or not all(map(is_said, tokens)):  # it may be the name of a product
            return Verdict(0, "a neighbouring product in the directory")
    folder = source.path.partition("?")[0].rpartition("/")[0]
    below = source != home and bool(folder) and path.startswith(folder + "/") and source.host == target.host
    hosted = _OWN if not same_host and _DOCS_HOST.match(target.host) else 0
    text = of_words(link.text).worth if not sibling else 0
    score = max(words, text, hosted, _OWN if inside else 0, _BELOW if below else 0)
    if place == "product" and not score and not path.strip("/"):
        score = _OWN
    if not score:
        return Verdict(0, "not documentation")
    deep = own.count("/") > 1
    beside = place == "listing" and deep and same_host and not inside and not below
    return Verdict(score, "", beside and (link.region == "chrome" or source != home or not words), place)


def is_other_product(target: Target, name: str) -> bool:
    """Return whether an address is in a product folder (`/products/…`) whose name shares no word with `name`."""
    match = _SHELVES.search(unquote(urlsplit(target.path).path).lower())
    if match is None or not name:
        return False
    tokens = {token for token in re.split(r"[\W_]+", match[1]) if token}
    own = set(re.split(r"[\W_]+", name.casefold()))
    return not tokens & own and not all(map(is_said, tokens))


@dataclass(eq=False)
class Candidate:
    """An address waiting in the queue; everything by which the queue ranks and groups it is computed on creation."""

    target: Target
    """Passed as written on the linking page, then stored without tracking and session parameters."""
    scope: Scope
    verdict: Verdict
    depth: int = 1
    probe: bool = False
    """Whether this is a file at a conventional path that no page links to."""
    last: bool = False
    """Whether the linking page does not vouch for the link (`nofollow`)."""
    listed: bool = False
    """Whether only the sitemap names the page."""
    named: bool = False
    """Whether the link's text names documentation."""
    topic: Topic = NONE
    """What the page is about, judging by its address and the link."""
    source: str = ""
    """Identity of the first page that linked to this address."""

    def __post_init__(self) -> None:
        """Compute the key, the template, the groups of similar pages and the worth."""
        self.shown: str = self.target.url
        target = self.target = cleaned(self.target)
        self.key: str = identity(target)
        # The address template under which the page is counted.
        self.kind: str = template(target) if self.probe or of_path(target.path).worth else folder(target)
        # Similar pages share their topic, or their folder if they have none.
        broad = self.topic.name in _EVERYTHING
        self.subject: str = self.topic.name if not broad else "" if self.probe else folder(target)
        self.crowds: tuple[str, ...] = () if self.probe else _crowds(target)
        # Whether the address has parts that could vary endlessly.
        self.varied: bool = not self.probe and is_varied(target._replace(path=_SORTED.sub("/", target.path)))
        self.value: int = max(self.verdict.score, self.topic.worth)
        # The priority before any page is taken.
        self.worth: int = (
            self.value
            - _DEPTH_COST * (self.depth - 1)
            - _BESIDE_COST * self.verdict.beside
            - _LAST_COST * self.last
            - _EDITION_COST * bool(edition(target)[0])
            - _LISTED_COST * self.listed
        )


def _crowds(target: Target) -> tuple[str, ...]:
    """Return the API reference that contains a page, and the family of pages whose names begin with the same words."""
    segments = unquote(target.path.partition("?")[0]).lower().split("/")
    host = f"{target.host}:{target.port}"
    references = (place for place, segment in enumerate(segments[:-1]) if _REFERENCE.fullmatch(segment))
    found = [host + "/".join(segments[: place + 1]) for place in references][:1]
    *outer, name = segments if segments[-1] else segments[:-1]
    above = host + "/".join(outer)
    tokens = [token for token in re.split(r"[\W_]+", name) if token]
    if len(tokens) > _SAME_WORDS or _DOTTED.fullmatch(name):
        found.append("/".join((above, *tokens[:_SAME_WORDS])) + "*")
    return tuple(found)


class Frontier:
    """Queue of waiting addresses; each identity is queued at most once, with the best verdict among its links."""

    def __init__(self, per_template: int, quota: int) -> None:
        """Create an empty queue; `quota` limits the pages read of a large reference or template while others wait."""
        self._per_template = per_template
        self._quota = quota
        self._waiting: dict[str, Candidate] = {}
        self._order: dict[str, int] = {}
        self._taken: Counter[str] = Counter()
        self._alike_taken: Counter[str] = Counter()
        self._counted: dict[str, tuple[str, ...]] = {}
        self._members: defaultdict[str, set[str]] = defaultdict(set)
        self._dead: Counter[str] = Counter()
        self._newest: dict[str, tuple[int, ...]] = {}

    def __len__(self) -> int:
        """Return the number of waiting addresses."""
        return len(self._waiting)

    def push(self, made: Candidate) -> str:
        """Add a candidate. Of two with the same identity, the better one is kept, in the position of the first.

        Returns the spelling that will not be requested if the two are spelled differently, otherwise an empty string. A
        spelling without tracking or session parameters is preferred.
        """
        for crowd in made.crowds:
            self._members[crowd].add(made.key)
        _, age, bare = version(made.target)
        page = identity(bare)
        self._newest[page] = max(age, self._newest.get(page, age))
        self._order.setdefault(made.key, len(self._order))
        known = self._waiting.setdefault(made.key, made)
        if known is made:
            return ""
        plain, other = (made, known) if made.shown == made.target.url else (known, made)
        lost = other.shown if other.shown != plain.shown else ""
        better = made if made.worth > known.worth else known
        better.target, better.shown, better.kind, better.source = plain.target, plain.shown, plain.kind, known.source
        self._waiting[made.key] = better
        return lost

    def pop(self, most: int, novelty: Novelty, asked: Set[str]) -> tuple[list[Candidate], list[tuple[Candidate, str]]]:
        """Take up to `most` of the best candidates; drop other editions of known pages and exhausted templates.

        Returns the candidates taken, and those dropped with the reasons. Priorities are updated after each candidate
        taken. `asked` contains the identities already requested.
        """
        batch: list[Candidate] = []
        dropped: list[tuple[Candidate, str]] = []
        within: Counter[str] = Counter()
        groups = self._alike()
        while groups and len(batch) < most:
            like = max(groups, key=lambda like: (self._priority(groups[like][0]), -self._order[groups[like][0].key]))
            candidate = groups[like].popleft()
            if not groups[like]:
                del groups[like]
            kind = candidate.kind
            reason = self._other_edition(candidate, asked) or (TRAP if novelty.is_trap(kind) else "")
            if not reason and self._taken[kind] >= self._per_template * (_TOPICS if candidate.named else 1):
                reason = "the maximum number of pages of one kind was read"
            if reason:
                dropped.append((self._waiting.pop(candidate.key), reason))
                continue
            if within[kind] >= _SIDE_BY_SIDE and is_varied(candidate.target):
                continue
            within[kind] += 1
            self._taken[kind] += 1
            # A page counts towards the quotas of its crowds or, if it has none, towards its topic.
            crowds = tuple(crowd for crowd in candidate.crowds if self._is_crowd(crowd))
            self._counted[candidate.key] = crowds or (candidate.subject,)
            self._alike_taken.update(self._counted[candidate.key])
            batch.append(self._waiting.pop(candidate.key))
        return batch, dropped

    def came(self, candidate: Candidate, *, read: bool) -> None:
        """Record whether a taken page was read; if not, it no longer counts for its topic and quota."""
        self._dead[candidate.source] += -1 if read else 1
        counted = self._counted.pop(candidate.key, ())
        if not read:
            self._alike_taken.subtract(counted)

    def drain(self) -> list[Candidate]:
        """Remove and return all waiting candidates, in order of arrival."""
        found = sorted(self._waiting.values(), key=lambda candidate: self._order[candidate.key])
        self._waiting = {}
        return found

    def later(self, candidate: Candidate) -> str:
        """Return why a page was put behind all others, or an empty string."""
        for place, crowd in enumerate(candidate.crowds):
            if self._is_crowd(crowd) and self._alike_taken[crowd] >= self._quota:
                template = place or crowd.endswith("*")
                what = "pages of one template beyond their" if template else "API reference beyond its"
                return f"kept for later: {what} quota"
        return ""

    def _is_crowd(self, crowd: str) -> bool:
        return len(self._members[crowd]) >= _CROWD

    def _other_edition(self, candidate: Candidate, asked: Set[str]) -> str:
        """Return why another edition of the page is read instead, or an empty string."""
        name, bare = edition(candidate.target)
        if name and (identity(bare) in asked or identity(bare) in self._order):
            return f"the same page as another: {name}"
        name, age, bare = version(candidate.target)
        if name and (age < self._newest[identity(bare)] or identity(bare) in asked):
            return f"the same page as another: the edition of another version ({name})"
        return ""

    def _alike(self) -> dict[tuple[object, ...], deque[Candidate]]:
        """Group the waiting candidates whose priorities always stay equal, each group in order of arrival."""
        groups: defaultdict[tuple[object, ...], deque[Candidate]] = defaultdict(deque)
        for found in self._waiting.values():
            counted = (found.kind, found.named) if found.varied else ()
            groups[(found.worth, found.value, found.subject, found.source, found.crowds, *counted)].append(found)
        return dict(groups)

    def _priority(self, candidate: Candidate) -> int:
        worth = candidate.worth
        if candidate.varied:
            # Pages that differ only in a number lose priority with each page taken, unless the link text names a topic.
            worth -= _VARIED_COST * (1 if candidate.named else 1 + self._taken[candidate.kind])
        if any(map(self._is_crowd, candidate.crowds)):
            worth -= _LATER_COST if self.later(candidate) else _CROWD_COST
        elif candidate.subject:
            again = _AGAIN_COSTS[min(self._alike_taken[candidate.subject], len(_AGAIN_COSTS) - 1)]
            worth -= min(again, max(0, candidate.value - _LEAST))
        return worth - max(0, min(_MOST_DEAD, _DEAD_COST * self._dead[candidate.source]))
