"""Determines the name of a page's product, and why, by a weighted vote over names that parts of the page propose.

Order of precedence: a manifest or front matter; a heading that names something; the window title; the repository in
the address or in the page's own links; file and folder. A reliable source wins by its weight; a doubtful one (a slogan,
a section word, a name used nowhere else on the page) is outvoted when the rest of the page agrees on another name.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from agent.intake.extract.documents import heading_about, is_honest
from agent.intake.extract.identity import name_shapes as names
from agent.intake.extract.identity.name_shapes import GENERIC_FILES, GENERIC_FOLDERS
from agent.intake.extract.identity.repositories import Repository, named_packages, named_repositories
from agent.intake.page import Block, Page

_OPENING: Final = 14
"""Number of blocks at the start of a page that are searched for an introduction of its product."""
_MAX_TEXT: Final = 60_000
"""Number of characters at the start of the text in which uses of a name are counted."""
_MAX_COUNTED: Final = 40
"""Maximum number of candidates whose uses are counted."""
_MAX_ALIASES: Final = 12
_HEADLINE_WORDS: Final = 14
_SPONSORS: Final = 2
"""Maximum number of headings, such as sponsors' names, above a page's title."""
_LATEST: Final = 4
"""Maximum number of headings that may precede a lower-level heading that names the product."""
_SHORT: Final = 2
_OFTEN: Final = 2

# Weights of the sources. A good heading (6) whose name is used once beats a repository (4) whose name is used often;
# a slogan without other support (1.5) loses to any two other sources.
_HEADING: Final = 6.0
_GENERIC_HEADING: Final = 4.0
_LATER_HEADING: Final = 2.0
_LOWER_HEADING: Final = 2.5
_SLOGAN: Final = 1.5
_PIECE: Final = 1.5
_TITLE: Final = 4.0
_SITE: Final = 2.5
_ADDRESS: Final = 4.0
_LINKED: Final = 3.0
_PACKAGE: Final = 2.0
_DEFINED: Final = 4.0
_LOGO: Final = 2.5
_FIRST_IMAGE: Final = 1.5
"""Also the weight of a banner, since banners may advertise campaigns and sister products."""
_LINE: Final = 2.0
_FILE: Final = 1.0
_FOLDER: Final = 0.9
_USED: Final = 3.0
"""Maximum score added for uses of the name in the text."""
_SOUND: Final = 4.0
"""Added for the first heading if it names something and the rest of the page confirms the name."""
_UNUSED: Final = 1.5
"""Subtracted if the name has a single source and is never used in the page's text."""

_NAME: Final = r"[A-Z0-9@`][\w.+#@/`’'-]*|[a-z]+[A-Z\d][\w.+#-]*|[a-z][a-z0-9]*(?:[-_.][a-z0-9]+)+"
_DEFINES: Final = re.compile(
    rf"[\"“«*_'‘]{{0,3}}(?:(?i:the|le|la|el|der|die|das) )?(?P<name>(?:{_NAME})(?: (?:{_NAME}|of|for|by|de)){{0,5}})"
    r"[\"”»*_'’]{0,3}(?:\s?[(（][^()（）]{1,120}[)）])?,?"
    r"(?:\s(?:is|es|est|ist|permet|permite|lets|helps|provides|gives|enables|allows|brings|turns|connects|exposes|"
    r"combines|offers|makes|transforms|supports|automates|wraps|bridges|integrates|has|adds|runs)\s|"
    r"\s?(?:は|とは|是|为|為|是一|은|는|이란)|\s=\s)"
)
_PRONOUN: Final = re.compile(
    r"(?i)(?:this|it|these|that|those|we|you|here|there|a|an|our|your|each|all|any|everything|what|which|if|when|most"
    r"|both|no|note|features?|goal|project|server|tool|agent|agents|library|package|plugin|documentation|support"
    r"|example|dieses?|ce|cette|este|esta|il|es|ein|eine|un|una|une|本项目|このプロジェクト|he|she|they|currently"
    r"|unlike|with|by|as|license|status|version|contributions?|ai|llms?|mcp|the model context protocol"
    r"|model context protocol)"
)
_LOGO_ALT: Final = re.compile(
    r"(?P<name>.{1,60}?)[\s_-]*(?P<sort>logo(?:type|mark)?|banner|header|icon|cover|hero|wordmark|lock-?up)\b.*",
    re.IGNORECASE,
)
_FORMER: Final = re.compile(
    r"(?:formerly(?: known as| called)?|f\.?k\.?a\.?|previously(?: known as| called)?|renamed from|originally called|"
    r"also known as|a\.?k\.?a\.?)\s+[\"“`*]*((?:[A-Z0-9][\w.+#-]*)(?: [A-Z0-9][\w.+#-]*){0,3})"
)
_LEAD_MARKS: Final = re.compile(r"^[^\w@`\"“«*'‘]+")
_STOPS: Final = re.compile(r"(?<=[.!?。！？])\s*(?=\S)")
_BETWEEN: Final = re.compile(r"[\s_-]+")
_SERVER_END: Final = re.compile(r"[\s_-]*\bServer$", re.IGNORECASE)
_MCP_SERVER: Final = re.compile(r"[\s_-]*\b(?:MCP|Server)\b(?:[\s_-]*\bServer\b)?", re.IGNORECASE)
_WEB: Final = re.compile(r"https?://", re.IGNORECASE)

# The parts of a page that propose a name, described in words for display.
_MANIFEST: Final = "its manifest or front matter"
_BESIDE: Final = "a manifest beside the page"
_HEADED: Final = "its first heading"
_TITLED: Final = "the page's title"
_SENTENCE: Final = "a sentence that defines it"
_REPOSITORY: Final = "the repository's name"
_OWNER: Final = "its repository and its owner"
_INSTALLED: Final = "the package to install"
_LOGO_WORDS: Final = "the words in its logo"
_OF_ONE: Final = frozenset({_MANIFEST, _BESIDE, _SENTENCE, _REPOSITORY, _INSTALLED, _LOGO_WORDS})
_SAID: Final = frozenset({_SENTENCE, _REPOSITORY, _LOGO_WORDS})
"""Sources that give a name independently of the heading."""
_CALLED: Final = frozenset({_MANIFEST, _HEADED, _TITLED, _SENTENCE})
"""Sources in which the page itself names its product."""
_UNNAMED: Final = (names.is_section, names.is_badge, names.is_switcher)
_SLUGS: Final = frozenset(
    {_OWNER, _REPOSITORY, _INSTALLED, "its address", "the name of its file", "the name of its folder"}
)
"""Sources that spell a name as a slug, as in addresses."""


class Candidate(NamedTuple):
    """A name proposed by one part of the page."""

    name: str
    weight: float
    source: str
    """The part of the page, described in words for display."""


class Name(NamedTuple):
    """The product's name, its other names, and why it was chosen."""

    name: str
    aliases: tuple[str, ...] = ()
    reason: str = ""
    repository: Repository | None = None
    """The product's own repository, if the page or its address identifies it."""
    sources: tuple[str, ...] = ()
    """The parts of the page that propose this name, in descending order of weight."""

    @property
    def is_borne_out(self) -> bool:
        """Whether the name has a source that a catalogue page of many products lacks."""
        return bool(_OF_ONE & set(self.sources))


def name_page(page: Page, where: str, *, folder: str = "", siblings: Sequence[Page] = ()) -> Name:
    """Return the name of the product that `page` is about.

    `where` is the page's address or file name, `folder` the name of that file's folder, and `siblings` the pages
    of manifests in the same folder. The name is empty if nothing on the page names the product.
    """
    page = _own_part(page)
    repositories = named_repositories(page, where)
    own = repositories[0] if repositories else None
    found = [*_from_headings(page), *_from_images(page), *_from_text(page), *_from_titles(page, where)]
    found += [*_from_addresses(where, folder, repositories, page), *_from_manifests(page, siblings)]
    text = _text(page)
    groups: dict[str, list[Candidate]] = {}
    for candidate in _without_tails([candidate for candidate in found if is_honest(candidate.name)], text):
        groups.setdefault(names.core(candidate.name), []).append(candidate)
    if not groups:
        return Name("", repository=own)
    counted = list(groups.values())[:_MAX_COUNTED]
    scored = sorted(counted, key=lambda group: -_score(group, text))
    best = _beyond_the_vendor(scored, repositories)
    order = sorted(best, key=lambda c: -c.weight)
    form = _form(order)
    if form.source in _SLUGS:
        form = form._replace(name=_spelled(form.name, text))
    others = [source for source in dict.fromkeys(c.source for c in best) if source != form.source]
    used = _uses(text, form.name)
    reason = f"named by {form.source}" + (f", confirmed by {' and '.join(others[:3])}" if others else "")
    return Name(
        form.name,
        _aliases(form.name, order, [group for group in scored if group is not best], page, own),
        reason + (f"; used {used} times in the text" if used > 1 else ""),
        own,
        tuple(dict.fromkeys(c.source for c in order)),
    )


def _from_headings(page: Page) -> Iterator[Candidate]:
    """Yield names from headings: the first top-level one counts most; lower ones count if it is missing or a slogan."""
    headings = [block for block in page.blocks if block.kind == "heading" and block.hint != "other"]
    top = [block for block in headings if block.level <= 1]
    if not top and page.title and page.title not in {block.text for block in headings}:
        top = [Block("heading", page.title, 1)]
    firsts = [block for block in top if names.pieces(block.text) and not names.is_section(block.text)]
    before = headings.index(firsts[0]) if firsts and firsts[0] in headings else 0
    for place, block in enumerate(firsts[:3]):
        # A title is at the top: a heading after several sections names a part, regardless of its level.
        weight = _HEADING if place == 0 and before <= _SPONSORS else _LATER_HEADING
        yield from _pieces_of(block.text, weight, _HEADED)
    if not firsts or names.is_slogan(firsts[0].text):
        # After several sections, a heading names a step or a part.
        early = headings[: _LATEST + 1]
        lower = [block for block in early if block.level > 1 and not names.is_section(block.text)]
        for block in lower[:2]:
            yield from _pieces_of(block.text, _LOWER_HEADING, "a heading")


def _pieces_of(title: str, weight: float, source: str) -> Iterator[Candidate]:
    """Yield the names in a title; for the first heading, also a descriptive or promotional first part at low weight."""
    for place, part in enumerate(names.pieces(title) if is_honest(title) else ()):
        if names.is_name(part):
            full = min(weight, _GENERIC_HEADING) if names.is_generic(part) else weight
            yield Candidate(part, full if place == 0 else _PIECE, source)
        elif place == 0 and source == _HEADED and not any(other(part) for other in _UNNAMED):
            yield Candidate(part, _SLOGAN, source)


def _from_images(page: Page) -> Iterator[Candidate]:
    """Yield candidates from the first images' alt texts: a logo, a banner, or the very first image."""
    for place, block in enumerate(block for block in page.blocks[:_OPENING] if block.kind == "image"):
        match = _LOGO_ALT.fullmatch(block.text.strip())
        name = next(iter(names.pieces(match["name"] if match else block.text)), "")
        plain = match is not None or place == 0
        if plain and names.is_name(name) and not names.is_generic(name) and is_honest(block.text):
            is_logo = match is not None and match["sort"].casefold().startswith(("logo", "icon", "wordmark", "lock"))
            yield Candidate(name, _LOGO if is_logo else _FIRST_IMAGE, _LOGO_WORDS)
        if match:
            return


def _from_text(page: Page) -> Iterator[Candidate]:
    """Yield candidates from the first line, and from sentences that define something."""
    text = [block for block in page.blocks if block.kind in ("paragraph", "item", "heading")]
    first = next((block for block in text if names.key(block.text)), None)
    if first is not None and first.kind == "paragraph" and len(first.text.split()) <= _HEADLINE_WORDS:
        parts = names.pieces(first.text)
        if parts and names.is_name(parts[0]) and not names.is_switcher(first.text):
            yield Candidate(parts[0], _LINE, "its first line")
    prose = [block.text for block in text if block.kind == "paragraph"][:_OPENING]
    for place, line in enumerate(prose):
        for sentence in filter(None, _STOPS.split(line, maxsplit=3)[:2]):
            match = _DEFINES.match(_LEAD_MARKS.sub("", sentence)) if is_honest(sentence) else None
            name = names.tidy(match["name"].strip("`'’*_ ")) if match else ""
            if not names.is_name(name) or _PRONOUN.fullmatch(name):
                continue
            if names.says_mcp(name) or not _PRONOUN.fullmatch(name.split()[0]):
                yield Candidate(name, _DEFINED - min(place, 8) * 0.25, _SENTENCE)


def _from_titles(page: Page, where: str) -> Iterator[Candidate]:
    """Yield candidates from the window title and `og:title` without the site's part, and from the site's name."""
    # The parts of the host name show whether a piece of the title is the site's name.
    host = (urlsplit(where).hostname or "").removeprefix("www.") if _WEB.match(where) else ""
    site = {names.key(part) for part in (host, *host.split(".")[:-1])} if _WEB.match(where) else set()
    for title in dict.fromkeys((page.head_title, page.og_title)):
        parts = [part for part in names.pieces(title) if names.is_name(part)] if is_honest(title) else []
        own = [part for part in parts if names.key(part) not in site]
        for place, part in enumerate(own or parts):
            weight = _TITLE if place == 0 else _PIECE
            yield Candidate(part, min(weight, _PIECE) if names.is_generic(part) else weight, _TITLED)
    name = names.tidy(page.site_name)
    if names.is_name(name):
        # A title that ends in the site's name suggests a site with many products, so the name counts less.
        pieces = names.pieces(page.head_title)
        known = len(pieces) > 1 and names.same(name, pieces[-1])
        yield Candidate(name, _PIECE if known else _SITE, "the site's name")


def _from_addresses(where: str, folder: str, repositories: Sequence[Repository], page: Page) -> Iterator[Candidate]:
    for place, repository in enumerate(repositories[:2]):
        linked = _LINKED + 1.0 if repository.cloned else _LINKED if repository.entered else _PIECE
        weight = _ADDRESS if repository.in_address else linked if place == 0 else _PIECE
        if repository.name.casefold() not in GENERIC_FOLDERS:
            yield Candidate(repository.name, weight, _REPOSITORY)
        else:
            # A repository name like "agents" is too generic without the owner's name.
            yield Candidate(f"{repository.owner} {repository.name}", weight, _OWNER)
    packages = [name for name in named_packages(page) if name.casefold() not in GENERIC_FOLDERS]
    for place, package in enumerate(packages[:3]):
        yield Candidate(package, _PACKAGE - place * 0.5, _INSTALLED)
    if _WEB.match(where):
        last = unquote(urlsplit(where).path).rstrip("/").rpartition("/")[2].rpartition(".")
        stem = names.tidy((last[0] or last[2]).replace("_", "-"))
        if not repositories and names.is_name(stem) and stem.casefold() not in GENERIC_FOLDERS:
            yield Candidate(stem, _FILE, "its address")
        return
    path = [part for part in where.split("/") if part]
    stem = path[-1].partition(".")[0] if path else ""
    if names.is_name(stem) and stem.casefold() not in GENERIC_FILES:
        yield Candidate(names.tidy(stem), _FILE, "the name of its file")
    folders = (inner for inner in (*reversed(path[:-1]), folder) if inner.casefold() not in GENERIC_FOLDERS)
    named = next(filter(names.is_name, folders), None)
    if named is not None:
        yield Candidate(named, _FOLDER, "the name of its folder")


def _from_manifests(page: Page, siblings: Sequence[Page]) -> Iterator[Candidate]:
    """Yield candidates from manifests, the page's own first; sibling manifests' names must also occur on the page."""
    own, *others = ((names.pieces(each.name) or (each.name.strip(),))[0] for each in (page, *siblings))
    if page.name:
        yield Candidate(own, 100.0, _MANIFEST)
    text = names.key(" ".join(block.text for block in page.blocks))
    for name in others:
        if name and names.core(name) in text:
            yield Candidate(name, _HEADING + 1, _BESIDE)


def _without_tails(found: list[Candidate], text: str) -> list[Candidate]:
    """Return the candidates, with a first heading that the page never repeats shortened to a name that the page uses.

    The words after that name are a badge or a status ("Acme  Maintenance Mode").
    """
    head = next((c for c in found if c.source == _HEADED and c.weight >= _GENERIC_HEADING), None)
    if head is None or names.says_mcp(head.name) or _uses(text, head.name):
        return found
    whole = names.words(head.name)
    for other in found:
        parts = names.words(other.name)
        begins = len(parts) < len(whole) and whole[: len(parts)] == parts
        if begins and other.source in _SAID and _uses(text, other.name) >= _OFTEN:
            spared = [c._replace(weight=_PIECE) if c is head else c for c in found]
            return [other._replace(weight=head.weight, source=head.source), *spared]
    return found


def _score(group: Sequence[Candidate], text: str) -> float:
    """Return the score of a group: each source's best weight, plus a bonus for uses of the name in the text."""
    best: dict[str, float] = {}
    for candidate in group:
        best[candidate.source] = max(best.get(candidate.source, 0.0), candidate.weight)
    used = max(_uses(text, candidate.name) for candidate in group)
    total = sum(best.values()) + min(_USED, math.log2(1 + used) / 2)
    total += _SOUND if best.get(_HEADED, 0.0) == _HEADING and (used or len(best) > 1) else 0.0
    alone = len(best) == 1 and used == 0 and not best.keys() & {_REPOSITORY, _LOGO_WORDS}
    return total - (_UNUSED if alone else 0.0)


def _beyond_the_vendor(groups: Sequence[list[Candidate]], repositories: Sequence[Repository]) -> list[Candidate]:
    """Return the first group, unless it is only the vendor's name and another group extends that name.

    "Acme" occurs often on a page about "Acme Agents" and owns its repository, but no heading, title or sentence
    names it as the product.
    """
    best = groups[0]
    owners = {names.core(repository.owner) for repository in repositories[:2]}
    begin = names.words(best[0].name)
    if names.core(best[0].name) not in owners or any(c.source in _CALLED for c in best):
        return best
    naming = _CALLED | {_INSTALLED, _OWNER}
    for group in groups[1:]:
        if any(names.words(c.name)[: len(begin)] == begin and c.source in naming for c in group):
            return group
    return best


def _form(order: Sequence[Candidate]) -> Candidate:
    """Return the candidate whose spelling is shown: one of high weight, preferably with "MCP" or "server" in it."""
    first = order[0]
    saying = [c for c in order if names.says_mcp(c.name) and c.weight > _FILE]
    if first.weight >= _TITLE and first.source not in (_SENTENCE, _REPOSITORY):
        if first.source != _BESIDE:
            return first
        # A manifest's name is often an identifier, so the page's own human-readable spelling is preferred.
        longer = saying if not names.says_mcp(first.name) else []
        return next((c for c in order if c.source == _HEADED), (longer or [first])[0])
    said = [c for c in order if c.source not in _SLUGS]
    return ([c for c in said if c in saying] or saying or said or order)[0]


def _aliases(
    name: str, group: Sequence[Candidate], rivals: Sequence[Sequence[Candidate]], page: Page, own: Repository | None
) -> tuple[str, ...]:
    """Return other names: variants, repository, packages, former names, the name without "MCP server"."""
    found = [candidate.name for candidate in group]
    known = {word for alias in (*found, own.name if own else "") for word in names.words(alias) if len(word) > _SHORT}
    packages = [c.name for rival in rivals for c in rival if c.source == _INSTALLED]
    found += [package for package in packages if known & set(names.words(package))][:2]
    if own is not None and own.name.casefold() not in GENERIC_FOLDERS:
        found.append(own.name)
    found += [match[1].strip() for block in page.blocks[:_OPENING] for match in _FORMER.finditer(block.text)]
    if names.says_mcp(name):
        found += [_SERVER_END.sub("", name), _MCP_SERVER.sub("", name).strip(" -_")]
    unlike = [alias for alias in found if names.key(alias) and names.key(alias) != names.key(name)]
    return tuple({names.key(alias): alias for alias in reversed(unlike)}.values())[::-1][:_MAX_ALIASES]


def _own_part(page: Page) -> Page:
    """Drop blocks that hints or headings assign to something else: related products, reviews, comparisons."""
    kept: list[Block] = []
    level = 0
    for place, block in enumerate(page.blocks):
        if block.kind == "heading":
            if level and block.level <= level:
                level = 0
            if place and not level and heading_about(block.text, listing=True) == "other":
                level = block.level
        if not level and block.hint != "other":
            kept.append(block)
    return page._replace(blocks=tuple(kept))


def _text(page: Page) -> str:
    """Return the page's text without its first heading, for counting the uses of a name."""
    title = next((block for block in page.blocks if block.kind == "heading" and block.level <= 1), None)
    parts = [block.text for block in page.blocks if block is not title and block.kind != "image"]
    starts = accumulate(map(len, parts), initial=0)
    return "\n".join(part for part, start in zip(parts, starts, strict=False) if start <= _MAX_TEXT)


def _uses(text: str, name: str) -> int:
    """Count the uses of `name` in `text`; case matters only for a single capitalised word."""
    parts = _BETWEEN.split(name)
    plain = sum(map(bool, parts)) == 1 and name[:1].isupper()
    found = names.pattern_of(name, 0 if plain else re.IGNORECASE).finditer(text) if any(parts) else ()
    return sum(1 for _ in found)


def _spelled(name: str, text: str) -> str:
    """Return `name` in its most frequent capitalised spelling in the text; unchanged if there is none."""
    parts = [re.escape(part) for part in _BETWEEN.split(name) if part]
    pattern = re.compile(r"(?<![\w/.@-])" + r"[ _-]?".join(parts) + r"(?![\w/-])", re.IGNORECASE)
    found = Counter(match[0] for match in pattern.finditer(text) if match[0][:1].isupper())
    return max(found, key=lambda spelling: found[spelling]) if found else name
