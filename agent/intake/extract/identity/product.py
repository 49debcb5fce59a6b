"""Determines which product a listing is about, which others are on the page, and which text is the directory's.

This module answers two questions. Which blocks of a page about X are about something else (its hosted sibling, a
predecessor, a product of the same vendor)? And if the user asks for Y on a page about X or about both, which blocks are
about Y?
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from agent.errors import UsageError
from agent.intake.extract.documents import honest_title
from agent.intake.extract.identity import name_shapes as names
from agent.intake.extract.identity.naming import Name, name_page
from agent.intake.extract.identity.repositories import named_repositories
from agent.intake.page import AboutHint, Block, Page
from agent.records import About

_MARKS: Final = r"[\W_]{0,6}"
_MAX_LABEL: Final = 6
"""Maximum number of words in a line that labels a card."""
_VERSUS: Final = re.compile(r"\s+(?:vs\.?|versus)\s+", re.IGNORECASE)
_SIDES: Final = 2
_MAX_OTHERS: Final = 20
_HOSTED: Final = r"(?:Cloud|Enterprise|Platform|SaaS|Hosted|Business|Teams|Premium)"
_SAYS: Final = (
    r"(?:is|are|was|has|have|had|offers|provides|gives|adds|includes|runs|lets|helps|supports|comes|handles|hosts|brings|"
    r"uses|stores|keeps|reads|writes|sends|can|will|also|supersedes|replaces)"
)
_PITCH: Final = (
    r"(?:looking for|try|check out|see|want|wants|prefer|need|interested in|don['’]t want|rather|or use|consider|"
    r"switch to|new users should|if you (?:want|need|prefer|are looking for)|"
    r"for (?:a|the) (?:hosted|managed|cloud|commercial))\b"
)
_INSTEAD: Final = re.compile(
    r"(?i)\b(?:superseded|replaced|succeeded) by|in favou?r of|successor (?:to|of)|predecessor(?: of|,)?"
    r"|migrate (?:to|from)|(?:our|the) other (?:product|project)s?|sister (?:product|project)|alternative to|unlike"
    r"|compared (?:to|with)"
)
_PROPER: Final = re.compile(r"\s{1,2}(?:the\s|our\s)?[\[`*\"“]{0,3}([A-Z][\w.+-]*(?: [A-Z][\w.+-]*){0,3})")
_COPYRIGHT: Final = re.compile(
    r"(?i)(?:copyright|©|\(c\))[\s,:]{0,3}(?:\(c\)|©)?\s{0,3}(?:\d{4}(?:\s?[-–]\s?(?:\d{4}"
    r"|present))?)?[\s,]{0,3}(?:by\s)?(?P<name>[A-Z][\w&'’-]*(?:[ ,]{1,2}[A-Z][\w.&'’-]*){0,5})"
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
"""The number of blocks in a card, including its name."""
# Titles of catalogue pages, never of a product: "All agents", "MCP servers", "Browse the directory", "Search results".
_GENERIC: Final = re.compile(
    r"(?i)(?:(?:all|our|the|best|top|new|popular|featured|browse|explore|more|latest|ai|mcp|\d+"
    r"|[a-z]+) ){0,2}(?:agents|assistants|copilots|bots|tools|products|apps|servers|plugins|skills|integrations"
    r"|listings)(?: (?:directory|marketplace|catalog(?:ue)?|list|gallery|store))?|(?:[a-z]+ ){0,3}(?:directory"
    r"|marketplace|catalog(?:ue)?|category|collection|search results|gallery|app store)|browse|explore|home|welcome"
    r"|index|"
)
_PRODUCT: Final = re.compile(
    r"(?:[A-Z0-9][\w.'’&+-]* ){1,4}(?:Agent|Assistant|Copilot|Bot|Server|Plugin|Skill|Connector)(?: [A-Z0-9][\w.]*)?"
)
_ASKED: Final = "given by --product"
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
"""Maximum number of words in a line that can be a score, a rating or a note on them."""


def mark_others(page: Page, name: Name) -> Page:
    """Return `page`, about `name`, with text about other products marked `other` and the hosted platform `platform`.

    Only blocks whose subject is another product, and sections whose heading names another product, are marked.
    """
    own = (name.name, *name.aliases)
    marked: list[tuple[str, AboutHint]] = [(each, "platform") for each in _hosted(page, name)]
    marked += [(each, "other") for each in _others(page, name)]
    tests = [(_subject(each), hint) for each, hint in marked]
    titles = {names.key(each): hint for each, hint in reversed(marked)}
    spelled = (names.pattern_of(known).pattern for known in own)
    mine = [re.compile(rf"{_MARKS}(?:the )?{each}{_MARKS}\s*{_SAYS}\b", re.IGNORECASE) for each in spelled]
    blocks: list[Block] = []
    level = 0
    about: AboutHint = ""
    said: AboutHint
    found: AboutHint
    for place, block in enumerate(page.blocks):
        said = about
        if block.kind == "heading":
            if level and block.level <= level:
                level, about = 0, ""
            parts = (names.key(part) for part in (names.tidy(block.text), *names.pieces(block.text)))
            found = next((titles[part] for part in parts if part in titles), "") or _compared(block.text, own)
            if found and place:
                level, about = block.level, found
            said = about
        elif block.kind in ("paragraph", "item"):
            if said and any(test.match(block.text) for test in mine):
                said = ""
            elif not said:
                said = next((hint for pattern, hint in tests if pattern.match(block.text)), "")
        blocks.append(block._replace(hint=said) if said and not block.hint else block)
    return page._replace(blocks=tuple(blocks))


def leave_only(page: Page, wanted: str, own: Name) -> Page | None:
    """Return `page` with everything that is not about `wanted` marked `other`.

    A section or card is about `wanted` if its heading or label names it. So is a block that names `wanted` but not the
    page's `own` product. Returns None if the page does not distinguish the two products, because it is about `wanted`
    under another name or never mentions it.
    """
    parts, owned = _parts(wanted), _parts(own.name)
    if not own.name or parts <= owned or any(names.same(wanted, known) for known in (own.name, *own.aliases)):
        return None
    naming, rival = names.pattern_of(wanted), names.pattern_of(own.name)
    apart = any(
        (_is_label(block) or (block.kind == "heading" and place)) and _labels(block.text, wanted)
        for place, block in enumerate(page.blocks)
    )
    if (owned < parts and not apart) or not any(naming.search(block.text) for block in page.blocks):
        return None
    blocks: list[Block] = []
    level, inside = 0, False
    for block in page.blocks:
        if block.kind == "heading":
            if _labels(block.text, wanted):
                level, inside = block.level, True
            elif level and block.level <= level:
                level, inside = 0, False
        elif _is_label(block) and not level:
            inside = _labels(block.text, wanted) or (inside and not _labels(block.text, own.name))
        text = naming.sub(" ", block.text) if parts >= owned else block.text
        speaks = naming.search(block.text) is not None and rival.search(text) is None
        blocks.append(block if inside or speaks else block._replace(hint="other"))
    return page._replace(blocks=tuple(blocks))


def _parts(name: str) -> set[str]:
    """Return the words of a name, except those that say that the product is an MCP server."""
    return {word for word in names.words(name) if word not in ("mcp", "server", "the")}


def _labels(text: str, name: str) -> bool:
    """Return whether a heading or label is `name`, or has `name` as one of its parts."""
    return any(names.key(part) == names.key(name) for part in (names.tidy(text), *names.pieces(text)))


def _is_label(block: Block) -> bool:
    return block.kind in ("paragraph", "item") and len(block.text.split()) <= _MAX_LABEL


def _subject(name: str) -> re.Pattern[str]:
    """Return a pattern for a block whose subject is `name`, or that directs the reader to `name`."""
    spelled = names.pattern_of(name).pattern
    return re.compile(
        rf"{_MARKS}(?:(?:the|our|with|on|in) )?{spelled}{_MARKS}?\s*(?:\([^()]{{0,80}}\)\s*)?(?:{_SAYS}\b|[:,—–-])"
        rf"|{_MARKS}{_PITCH}[^.\n]{{0,120}}?{spelled}",
        re.IGNORECASE,
    )


def _compared(text: str, own: Sequence[str]) -> AboutHint:
    """Return `other` for a heading that compares the product with another ("Acme vs. Zeta"), otherwise empty."""
    sides = _VERSUS.split(text.strip())
    apart = len(sides) == _SIDES and any(names.same(names.tidy(side), known) for side in sides for known in own)
    return "other" if apart else ""


def _hosted(page: Page, name: Name) -> tuple[str, ...]:
    """Return the names of the vendor's hosted platform that begin with the product's name, as in "Acme Cloud"."""
    if names.key(name.name) == "" or re.search(rf"\b{_HOSTED}\b", name.name):
        return ()
    bare = re.sub(r"[\s_-]*\b(?:MCP|Server)\b", "", name.name).strip(" -_") or name.name
    pattern = re.compile(rf"(?<![\w-]){re.escape(bare)} {_HOSTED}(?![\w-])")
    found = {match[0] for block in page.blocks for match in pattern.finditer(block.text)}
    return tuple(sorted(found))[:_MAX_OTHERS]


def _others(page: Page, name: Name) -> tuple[str, ...]:
    """Return other products that the page itself distinguishes: the vendor's other repositories, successors, rivals."""
    found: dict[str, None] = {}
    if name.repository is not None:
        owner = name.repository.owner.casefold()
        linked = {" ".join(link.text.split()): link.href.casefold() for link in page.links}
        for repository in named_repositories(page, "", least=1):
            if repository.owner.casefold() == owner and repository.name != name.repository.name:
                found[repository.name] = None
                path = f"/{owner}/{repository.name.casefold()}"
                found |= {t: None for t, href in linked.items() if href.rstrip("/").endswith(path) and t[:1].isupper()}
    for block in page.blocks:
        if block.kind in ("paragraph", "item"):
            for cue in _INSTEAD.finditer(block.text):
                match = _PROPER.match(block.text, cue.end())
                if match:
                    found[match[1].rstrip(".")] = None
    # A name must be long enough, and different enough from the product's own, to be another product's.
    known = [(alias, set(names.words(alias))) for alias in (name.name, *name.aliases)]
    apart = (
        other
        for other in found
        if not (len(names.key(other)) < _MIN_NAME or names.is_section(other) or names.is_generic(other))
        and not any(names.same(other, alias) or set(names.words(other)) <= parts for alias, parts in known)
    )
    return tuple(apart)[:_MAX_OTHERS]


def maker(page: Page, name: Name, where: str, *, own_site: bool = False) -> str:
    """Return the product's maker: a manifest's author, the repository's owner, a copyright holder or the vendor's host.

    `own_site` says whether the page is the vendor's own rather than a directory's. Returns an empty string if no maker
    is known.
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
    host = (urlsplit(where).hostname or "").removeprefix("www.") if "://" in where else ""
    return host if own_site and host not in _CODE_HOSTS else ""


class Subject(NamedTuple):
    """The product of a listing."""

    name: str
    candidates: tuple[str, ...]
    """The products on the page; empty if it is about a single product."""
    chosen: bool
    """Whether the product was selected from several, by name or by the page's title."""
    page: Page
    """The page, with text about other products and the directory's own text marked."""
    aliases: tuple[str, ...] = ()
    """Other names of the product."""
    vendor: str = ""
    """The product's maker; empty if neither manifest, repository, copyright line nor domain identifies it."""
    reason: str = ""
    """Why this name was chosen."""


def resolve_subject(
    page: Page,
    wanted: str | None,
    *,
    where: str,
    own_site: bool = False,
    neighbours: frozenset[str] = frozenset(),
    folder: str = "",
    siblings: Sequence[Page] = (),
) -> Subject:
    """Return the product that the listing `page` is about; `wanted` selects a product by name.

    `neighbours` are the link texts of other products; `own_site` is set for the front page of a vendor, where scores
    and ratings are the vendor's own. `folder` is the name of a file's folder, `siblings` are the pages of the
    manifests in that folder.
    Raises UsageError if the page has several products and `wanted` matches none of them, or if nothing indicates which
    one is meant; the hint lists the names.
    """
    title = title_name(honest_title(page))
    candidates = _candidates(page)
    marked = page if own_site else _without_assessments(page, neighbours)
    named = name_page(page, where, folder=folder, siblings=siblings)
    vendor = maker(page, named, where, own_site=own_site)
    is_catalog = _GENERIC.fullmatch(title) is not None and not named.is_borne_out
    if len(candidates) < _SEVERAL or (wanted is None and not is_catalog):
        # The title decides, since the headings below it name the product's parts.
        return _single(marked, wanted, named, title, vendor)
    shown = ", ".join(candidates)
    if wanted is None:
        raise UsageError("the page lists several products", where=where, hint=f"choose one with --product: {shown}")
    asked = wanted.strip().casefold()
    whole = [name for name in candidates if name.casefold() == asked]
    matching = whole or [name for name in candidates if asked in name.casefold()]
    if len(matching) != 1:
        if title.casefold() == asked or not is_catalog:
            return _single(marked, wanted, named, title, vendor)._replace(candidates=candidates)
        raise UsageError(f"the page does not list a product {wanted!r}", where=where, hint=f"it lists: {shown}")
    # On a catalogue page only the product's own card is about it; the rest is about all products or the directory.
    blocks: list[Block] = []
    level, other = 0, is_catalog
    for block in marked.blocks:
        if block.kind == "heading":
            if level and block.level <= level:
                level, other = 0, is_catalog
            if block.text in candidates:
                level, other = block.level, block.text != matching[0]
        blocks.append(block._replace(hint="other") if other else block)
    return Subject(matching[0], candidates, True, marked._replace(blocks=tuple(blocks)), reason=_ASKED)


def _single(page: Page, wanted: str | None, named: Name, title: str, vendor: str) -> Subject:
    """Return the subject of a page that is not a catalogue: its own product, or the product that the user asked for."""
    if wanted is None:
        name = named.name or title
        return Subject(name, (), False, mark_others(page, named), named.aliases, vendor, named.reason)
    only = leave_only(page, wanted, named)
    if only is not None:
        return Subject(wanted, (), False, only, reason=_ASKED)
    apart = (alias for alias in (named.name, *named.aliases) if alias and names.key(alias) != names.key(wanted))
    known = tuple(dict.fromkeys(apart))
    marked = mark_others(page, named._replace(name=wanted, aliases=known))
    return Subject(wanted, (), False, marked, known, vendor, _ASKED)


def product_name(title: str) -> str:
    """Return the product's name in a page title, in lower case for comparison."""
    return title_name(title).casefold()


def title_name(title: str) -> str:
    """Return the product's name in a page title, as written: the text before the first dash, bar, colon or bracket."""
    return _NAME_END.split(title)[0].strip()


def speaks_of(page: Page, name: str) -> About:
    """Return `product` if a page contains the whole `name`, `platform` if only its first word, otherwise `other`.

    `name` must be in lower case, as from `product_name`.
    """
    text = "\n".join(block.text for block in page.blocks).casefold()
    if len(name) >= _MIN_NAME and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
        return "product"
    first = name.split()[0] if name.split() else ""
    known = len(first) >= _MIN_NAME and first not in _COMMON
    return "platform" if known and re.search(rf"(?<!\w){re.escape(first)}(?!\w)", text) else "other"


def _candidates(page: Page) -> tuple[str, ...]:
    """Return product names in headings of one level that link to their own pages or look like product names."""
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


def _without_assessments(page: Page, neighbours: frozenset[str]) -> Page:
    """Mark the directory's scores and ratings, notes on them, and cards of other products as `other` in `page`.

    A card is a few blocks beginning with the link text of another product.
    """
    title = page.title.casefold()
    others = [name for name in neighbours if len(name) >= _MIN_NAME and name.casefold() not in title]
    blocks: list[Block] = []
    left = 0
    for block in page.blocks:
        text = block.text
        if any(text == name or text.startswith((name + " ", name + ":")) for name in others):
            left = _CARD
        elif block.kind == "heading":
            left = 0
        scored = text != page.title and len(text.split()) <= _MAX_SCORED and _SCORED.fullmatch(text.strip())
        blocks.append(block._replace(hint="other") if left or scored else block)
        left = max(0, left - 1)
    return page._replace(blocks=tuple(blocks))
