"""What of a page is about another product than its own: sections, cards and sentences, marked block by block.

Two questions are answered here. Which blocks of a page about X speak of something else (its hosted sibling, a
predecessor, a product of the same vendor)? And which blocks are left for Y, when the reader asks for Y on a page that
is about X, or holds both?
"""

import re
from collections.abc import Sequence
from typing import Final

from agent.intake import names
from agent.intake.naming import LETTER, Name
from agent.intake.pages.page import AboutHint, Block, Page
from agent.intake.repositories import named_repositories

_MAX_LABEL: Final = 6
"""Words of a line that labels a card."""
_MIN_NAME: Final = 3
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
    r"\b(?:superseded|replaced|succeeded) by|in favou?r of|successor (?:to|of)|predecessor(?: of|,)?|"
    r"migrate (?:to|from)|(?:our|the) other (?:product|project)s?|"
    r"sister (?:product|project)|alternative to|unlike|compared (?:to|with)",
    re.IGNORECASE,
)
_PROPER: Final = re.compile(r"\s{1,2}(?:the\s|our\s)?[\[`*\"“]{0,3}([A-Z][\w.+-]*(?: [A-Z][\w.+-]*){0,3})")


def mark_others(page: Page, name: Name) -> Page:
    """`page`, about `name`, with blocks about other products marked `other`, about its hosted platform `platform`.

    Only a block whose subject is the other product, or a section that its heading gives to it, is marked.
    """
    own = (name.name, *name.aliases)
    others = _others(page, name)
    hosted = _hosted(page, name)
    tests: list[tuple[re.Pattern[str], AboutHint]] = [(_subject(h), "platform") for h in hosted]
    tests += [(_subject(o), "other") for o in others]
    titles: dict[str, AboutHint] = {}
    titles.update({names.key(other): "other" for other in others})
    titles.update({names.key(platform): "platform" for platform in hosted})
    mine = [_speaking(known) for known in own]
    blocks: list[Block] = []
    level = 0
    about: AboutHint = ""
    for place, block in enumerate(page.blocks):
        hint: AboutHint = block.hint
        if block.kind == "heading":
            if level and block.level <= level:
                level, about = 0, ""
            found = (_titled(block.text, titles) or _compared(block.text, own)) if place else ""
            if found:
                level, about = block.level, found
        said = about
        if said and block.kind in ("paragraph", "item") and any(test.match(block.text) for test in mine):
            said = ""
        elif not said and block.kind in ("paragraph", "item"):
            said = _said(block, tests)
        blocks.append(block._replace(hint=said) if said and not hint else block)
    return page._replace(blocks=tuple(blocks))


def leave_only(page: Page, wanted: str, own: Name) -> Page | None:
    """`page` with everything that is not about `wanted` marked `other`.

    What is about it: sections under headings and cards under labels that name it, and blocks that name it and not
    the page's `own` product. None when the page does not tell the two apart: it is about `wanted` under another
    name, or never speaks of it.
    """
    if not _is_another(wanted, own):
        return None
    naming = _naming(wanted)
    titled = any(block.kind == "heading" and _labels(block.text, wanted) for block in page.blocks[1:])
    labelled = any(_is_label(block) and _labels(block.text, wanted) for block in page.blocks)
    within = _parts(own.name) < _parts(wanted) and not titled and not labelled
    if within or not any(naming.search(block.text) for block in page.blocks):
        return None
    rival = _naming(own.name)
    rest = naming if _parts(wanted) >= _parts(own.name) else None
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
        text = rest.sub(" ", block.text) if rest else block.text
        speaks = naming.search(block.text) is not None and rival.search(text) is None
        blocks.append(block if inside or speaks else block._replace(hint="other"))
    return page._replace(blocks=tuple(blocks))


def _is_another(wanted: str, own: Name) -> bool:
    """Whether `wanted` is a product of its own beside the page's: no variant, alias or part of its name."""
    if not own.name or any(names.same(wanted, known) for known in (own.name, *own.aliases)):
        return False
    return not _parts(wanted) <= _parts(own.name)


def _parts(name: str) -> set[str]:
    """The words of a name but those that say that it is an MCP server."""
    return {word for word in names.words(name) if word not in ("mcp", "server", "the")}


def _labels(text: str, name: str) -> bool:
    """Whether a heading or label is the name, alone or as one part of it."""
    return any(names.key(part) == names.key(name) for part in (names.tidy(text), *names.pieces(text)))


def _is_label(block: Block) -> bool:
    return block.kind in ("paragraph", "item") and len(block.text.split()) <= _MAX_LABEL


def _naming(name: str) -> re.Pattern[str]:
    """Finds `name` as a whole, whatever its case and its blanks and hyphens."""
    parts = [re.escape(part) for part in re.split(r"[\s_-]+", name) if part]
    return re.compile(rf"(?<!{LETTER})" + r"[\s_-]?".join(parts) + rf"(?!{LETTER})", re.IGNORECASE)


def _speaking(name: str) -> re.Pattern[str]:
    """Finds a block that says at its start what `name` is or does."""
    return re.compile(rf"[\W_]{{0,6}}(?:the )?{_naming(name).pattern}[\W_]{{0,6}}\s*{_SAYS}\b", re.IGNORECASE)


def _subject(name: str) -> re.Pattern[str]:
    """Finds a block whose subject is `name`, or that sends its reader there."""
    spelled = _naming(name).pattern
    marks = r"[\W_]{0,6}"
    return re.compile(
        rf"{marks}(?:(?:the|our|with|on|in) )?{spelled}{marks}?\s*(?:\([^()]{{0,80}}\)\s*)?(?:{_SAYS}\b|[:,—–-])"
        rf"|{marks}{_PITCH}[^.\n]{{0,120}}?{spelled}",
        re.IGNORECASE,
    )


def _said(block: Block, tests: Sequence[tuple[re.Pattern[str], AboutHint]]) -> AboutHint:
    """What a block is about, by its subject; empty when that is the page's own product."""
    for pattern, hint in tests:
        if pattern.match(block.text):
            return hint
    return ""


def _titled(text: str, titles: dict[str, AboutHint]) -> AboutHint:
    for part in (names.tidy(text), *names.pieces(text)):
        if names.key(part) in titles:
            return titles[names.key(part)]
    return ""


def _compared(text: str, own: Sequence[str]) -> AboutHint:
    """`other` for a heading that sets the product beside another: "Acme vs. Zeta"."""
    sides = _VERSUS.split(text.strip())
    apart = len(sides) == _SIDES and any(names.same(names.tidy(side), known) for side in sides for known in own)
    return "other" if apart else ""


def _hosted(page: Page, name: Name) -> tuple[str, ...]:
    """Names of the vendor's hosted platform, made of the product's own: "Acme Cloud"."""
    if names.key(name.name) == "" or re.search(rf"\b{_HOSTED}\b", name.name):
        return ()
    bare = re.sub(r"[\s_-]*\b(?:MCP|Server)\b", "", name.name).strip(" -_") or name.name
    pattern = re.compile(rf"(?<![\w-]){re.escape(bare)} {_HOSTED}(?![\w-])")
    found = {match[0] for block in page.blocks for match in pattern.finditer(block.text)}
    return tuple(sorted(found))[:_MAX_OTHERS]


def _others(page: Page, name: Name) -> tuple[str, ...]:
    """Other products that the page itself sets apart: the vendor's further repositories, a successor, a rival."""
    found: dict[str, None] = {}
    own = (name.name, *name.aliases)
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
    return tuple(other for other in found if _sets_apart(other, own))[:_MAX_OTHERS]


def _sets_apart(other: str, own: Sequence[str]) -> bool:
    """Whether a name is long and unlike enough to be another product's."""
    if len(names.key(other)) < _MIN_NAME or names.is_section(other) or names.is_generic(other):
        return False
    parts = set(names.words(other))
    return not any(names.same(other, known) or parts <= set(names.words(known)) for known in own)
