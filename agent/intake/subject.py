"""Which product a listing is about, which others stand on the same page, and what of it is the directory's own."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.errors import UsageError
from agent.intake import names
from agent.intake.compose import honest_title
from agent.intake.naming import Name, name_page
from agent.intake.others import leave_only, mark_others
from agent.intake.pages.page import Block, Page
from agent.intake.repositories import host_of
from agent.records import About

_COPYRIGHT: Final = re.compile(
    r"(?:copyright|©|\(c\))[\s,:]{0,3}(?:\(c\)|©)?\s{0,3}(?:\d{4}(?:\s?[-–]\s?(?:\d{4}|present))?)?[\s,]{0,3}(?:by\s)?"
    r"(?P<name>[A-Z][\w&'’-]*(?:[ ,]{1,2}[A-Z][\w.&'’-]*){0,5})",
    re.IGNORECASE,
)
_ENDS: Final = re.compile(r"[\s,.]*(?:all rights reserved.*)?$", re.IGNORECASE)
_CODE_HOSTS: Final = frozenset(
    {"github.com", "raw.githubusercontent.com", "gitlab.com", "codeberg.org", "bitbucket.org", "npmjs.com", "pypi.org"}
)
_NOBODY: Final = frozenset(
    {"the", "authors", "contributors", "license", "copyright", "notice", "your", "year", "owner"}
)
_MIN_NAME: Final = 3
_COMMON: Final = frozenset({"the", "agent", "agents", "open", "smart", "auto", "data", "code", "chat", "cloud", "mcp"})
_NAME_END: Final = re.compile(r"\s[—–|·:-]\s|\s\(|:\s")
_MAX_NAME: Final = 6
_SEVERAL: Final = 2
_CARD: Final = 3
"""Blocks of a card, its name included."""
# The title of a shelf, never of a product: "All agents", "MCP servers", "Browse the directory", "Search results".
_GENERIC: Final = re.compile(
    r"(?:(?:all|our|the|best|top|new|popular|featured|browse|explore|more|latest|ai|mcp|\d+|[a-z]+) ){0,2}"
    r"(?:agents|assistants|copilots|bots|tools|products|apps|servers|plugins|skills|integrations|listings)"
    r"(?: (?:directory|marketplace|catalog(?:ue)?|list|gallery|store))?"
    r"|(?:[a-z]+ ){0,3}(?:directory|marketplace|catalog(?:ue)?|category|collection|search results|gallery|app store)"
    r"|browse|explore|home|welcome|index|",
    re.IGNORECASE,
)
_PRODUCT: Final = re.compile(
    r"(?:[A-Z0-9][\w.'’&+-]* ){1,4}(?:Agent|Assistant|Copilot|Bot|Server|Plugin|Skill|Connector)(?: [A-Z0-9][\w.]*)?"
)
_ASKED: Final = "named by --product"
_FACTORS: Final = (
    r"(?:autonomy(?: of action)?|goal[- ]driven planning|self[- ]modification|dynamic tool use|persistent memory|"
    r"contextual awareness|dynamic identity|multi[- ]agent interactions?|non[- ]determinism|"
    r"opacity(?: ?(?:&|and) ?reflexivity)?|natural language interface)"
)
_NUMBER: Final = r"\(?\d{1,3}(?:\.\d+)?\)?(?: ?(?:/|out of) ?\d+| ?%)?"
_SCORED: Final = re.compile(
    rf"{_FACTORS}[\s|:—–-]+{_NUMBER}(?:[\s|].*)?"
    r"|.*\b(?:AIVSS|AARS)\b.{0,40}?\d.*|CVSS(?: ?v?\d(?:\.\d)?)?(?: base)?(?: score)?\s*[|:]\s*\d.*"
    rf"|(?:overall |our |the )?(?:risk|trust|threat|safety|security|editor(?:['’]?s)?|user|community|average)?[- ]?"
    rf"(?:score|rating|grade)\s*[|:—–-]?\s*(?:{_NUMBER}|[A-F][+-]?|(?:very )?(?:low|medium|high|critical))(?:[\s|(].*)?"
    r"|(?:[★☆⭐]\s*)+.*|.*\b\d(?:\.\d)? (?:out of|/) 5\b.*|rated \d.*|.*\(\d[\d,.]*k? (?:reviews|ratings|votes)\).*"
    r"|\d[\d,.]*k? (?:reviews|ratings|upvotes|votes|likes|stars|forks|watching|watchers|followers|downloads)"
    r"|(?:stars?|forks?|watchers?|watching|followers) \d[\d,.]*k?"
    r"|(?:[A-Z][\w+#. -]{0,24} \d{1,3}(?:\.\d+)?%[\s|·]*)+"
    r"|(?-i:.*\bMAESTRO\b).{0,40}\b(?:threat|layer|framework)s?\b.*|.*\bagentic threat model\b.*"
    r"|not certain from (?:the )?listing\b.*",
    re.IGNORECASE,
)
_MAX_SCORED: Final = 60
"""Words of a line that can be a score, a rating or a note on them."""


def maker(page: Page, name: Name, where: str, *, own_site: bool = False) -> str:
    """Who makes the product: a manifest's author, the repository's owner, a copyright line, the vendor's own domain.

    `own_site` says that the page is the vendor's own and no directory's. Empty when none of them tells.
    """
    if page.vendor:
        return page.vendor
    if name.repository is not None:
        return name.repository.owner
    for block in reversed(page.blocks):
        match = _COPYRIGHT.search(block.text) if block.kind in ("paragraph", "item") else None
        holder = _ENDS.sub("", match["name"]) if match else ""
        if holder[:1].isupper() and holder.split()[0].casefold() not in _NOBODY:
            return holder
    host = host_of(where)
    return host if own_site and host not in _CODE_HOSTS else ""


class Subject(NamedTuple):
    """The product of a listing."""

    name: str
    candidates: tuple[str, ...]
    """The products that the page holds; empty when it is about one."""
    chosen: bool
    """Whether one of several was picked, by name or by the page's title."""
    page: Page
    """The page with what is about other products, and the directory's own, marked."""
    aliases: tuple[str, ...] = ()
    """What the product is also called."""
    vendor: str = ""
    """Who makes it; empty when neither manifest, repository, copyright line nor domain tells."""
    reason: str = ""
    """Why it has this name."""


def resolve_subject(
    page: Page,
    wanted: str | None,
    *,
    where: str,
    own_site: bool = False,
    neighbours: frozenset[str] = frozenset(),
    folder: str = "",
    beside: Sequence[Page] = (),
) -> Subject:
    """The product that `page`, the listing, is about; `wanted` picks among several by name.

    `neighbours` are the words of links to other products; `own_site` is for the front page of a vendor, where scores
    and ratings are nobody else's. `folder` is the name of the folder that a file lies in, `beside` are pages of
    manifests that lie beside it.
    Raises UsageError when `wanted` is not on a page that holds several products, or the page holds several and
    nothing says which is meant; the names are in the hint.
    """
    title = title_name(honest_title(page))
    candidates = _candidates(page)
    marked = page if own_site else _without_assessments(page, neighbours)
    named = name_page(page, where, folder=folder, beside=beside)
    vendor = maker(page, named, where, own_site=own_site)
    shelf = _GENERIC.fullmatch(title) is not None and not named.is_borne_out
    if len(candidates) < _SEVERAL or (wanted is None and not shelf):
        # The title decides: what stands below it are the product's parts.
        return _single(marked, wanted, named, title, vendor)
    shown = ", ".join(candidates)
    if wanted is None:
        raise UsageError("the page holds several products", where=where, hint=f"name one with --product: {shown}")
    matching = [name for name in candidates if name.casefold() == wanted.strip().casefold()] or [
        name for name in candidates if wanted.strip().casefold() in name.casefold()
    ]
    if len(matching) != 1:
        if title.casefold() == wanted.strip().casefold() or not shelf:
            return _single(marked, wanted, named, title, vendor)._replace(candidates=candidates)
        raise UsageError(f"the page holds no product {wanted!r}", where=where, hint=f"it holds: {shown}")
    only = _only(marked, matching[0], candidates, shelf=shelf)
    return Subject(matching[0], candidates, True, only, reason=_ASKED)


def _single(page: Page, wanted: str | None, named: Name, title: str, vendor: str) -> Subject:
    """The subject of a page that is no shelf: its own product, or the one that the reader asks for."""
    if wanted is None:
        name = named.name or title
        return Subject(name, (), False, mark_others(page, named), named.aliases, vendor, named.reason)
    only = leave_only(page, wanted, named)
    if only is not None:
        return Subject(wanted, (), False, only, reason=_ASKED)
    aliases = tuple(alias for alias in (named.name, *named.aliases) if names.key(alias) != names.key(wanted))
    known = tuple(dict.fromkeys(alias for alias in aliases if alias))
    marked = mark_others(page, named._replace(name=wanted, aliases=known))
    return Subject(wanted, (), False, marked, known, vendor, _ASKED)


def product_name(title: str) -> str:
    """The product's name in a page title, lower case, to compare with."""
    return title_name(title).casefold()


def title_name(title: str) -> str:
    """The product's name in a page title as it is written: what stands before the first dash, bar, colon or bracket."""
    return _NAME_END.split(title)[0].strip()


def speaks_of(page: Page, name: str) -> About:
    """`product` when a page holds the whole `name`, `platform` when it holds its first word, otherwise `other`."""
    text = "\n".join(block.text for block in page.blocks).casefold()
    if len(name) >= _MIN_NAME and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
        return "product"
    first = name.split()[0] if name.split() else ""
    known = len(first) >= _MIN_NAME and first not in _COMMON
    return "platform" if known and re.search(rf"(?<!\w){re.escape(first)}(?!\w)", text) else "other"


def _candidates(page: Page) -> tuple[str, ...]:
    """Names of products in headings of one level that link to pages of their own or are named as products are."""
    linked = {" ".join(link.text.split()).casefold() for link in page.links if link.region == "main"}
    by_level: dict[int, list[str]] = {}
    for block in page.blocks:
        if block.kind != "heading" or block.hint or block.text == page.title or len(block.text.split()) > _MAX_NAME:
            continue
        named = bool(_PRODUCT.fullmatch(block.text))
        card = block.text.casefold() in linked and block.text[:1].isupper() and _GENERIC.fullmatch(page.title)
        if named or card:
            by_level.setdefault(block.level, []).append(block.text)
    best = max(by_level.values(), key=len, default=[])
    return tuple(dict.fromkeys(best))


def _only(page: Page, name: str, candidates: Sequence[str], *, shelf: bool) -> Page:
    """`page` with everything that stands under the heading of another candidate marked as about something else.

    On a shelf nothing but the product's own card is about it: the rest speaks of all of them, or of the directory.
    """
    blocks: list[Block] = []
    level = 0
    other = shelf
    for block in page.blocks:
        if block.kind == "heading":
            if level and block.level <= level:
                level, other = 0, shelf
            if block.text in candidates:
                level, other = block.level, block.text != name
        blocks.append(block._replace(hint="other") if other else block)
    return page._replace(blocks=tuple(blocks))


def _without_assessments(page: Page, neighbours: frozenset[str]) -> Page:
    """`page` with the directory's scores, ratings and notes on them, and its cards of other products, marked."""
    cards = _cards(page, neighbours)
    blocks = [
        block._replace(hint="other")
        if index in cards
        or (
            block.text != page.title
            and len(block.text.split()) <= _MAX_SCORED
            and _SCORED.fullmatch(block.text.strip())
        )
        else block
        for index, block in enumerate(page.blocks)
    ]
    return page._replace(blocks=tuple(blocks))


def _cards(page: Page, neighbours: frozenset[str]) -> frozenset[int]:
    """Blocks of cards: each begins with the words of a link to another product and goes on for a few blocks."""
    title = page.title.casefold()
    names = {name for name in neighbours if len(name) >= _MIN_NAME and name.casefold() not in title}
    found: set[int] = set()
    left = 0
    for index, block in enumerate(page.blocks):
        if any(block.text == name or block.text.startswith((name + " ", name + ":")) for name in names):
            left = _CARD
        elif block.kind == "heading":
            left = 0
        if left:
            found.add(index)
            left -= 1
    return frozenset(found)
