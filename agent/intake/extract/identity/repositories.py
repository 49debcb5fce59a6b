"""The product's own repository and packages, as named in addresses, links and clone commands."""

import re
from collections import Counter
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from agent.intake.extract.identity.name_shapes import INSTALLERS
from agent.intake.page import Page

_HOSTED: Final = re.compile(
    r"(?:github\.com|raw\.githubusercontent\.com|gitlab\.com|codeberg\.org|bitbucket\.org|deepwiki\.com|"
    r"img\.shields\.io/github/[\w/-]{1,60}?|codecov\.io/gh|goreportcard\.com/report/github\.com|ghcr\.io)"
    r"[/:]([A-Za-z0-9][\w-]{0,38})/([\w.-]{1,100})"
)
_INNER: Final = re.compile(
    r"/(?:actions|stargazers|releases|issues|discussions|blob|tree|pulls?|wiki|network|graphs|commits?|fork|raw|main|"
    r"master|contributors|security|branches)\b"
)
"""Paths below a repository's address that a README normally links only in its own repository."""
_CLONE: Final = re.compile(r"git clone\s+(?:--?[\w=-]{1,20}\s+){0,4}\S{0,200}")
_PAGES_SITE: Final = re.compile(r"https?://([\w-]{1,39})\.github\.io/([\w.-]{1,100})")
_PACKAGE_PAGE: Final = re.compile(
    r"(?:pypi\.org/project|pypi\.python\.org/pypi|npmjs\.com/package|pepy\.tech/projects?|badge\.fury\.io/(?:py|js)|"
    r"img\.shields\.io/(?:npm/v|pypi/v|npm/dm|pypi/dm))/(@[\w.-]{1,60}/)?([\w.-]{1,100}?)(?:\.svg)?(?=[/?#)\s\"']|$)"
)
_INSTALL: Final = re.compile(
    r"(?:pip3?|pipx|uv(?: pip| tool)?|npm|pnpm|yarn|bun|brew|cargo|go|gem)\s+(?:install|add|i|global add|run)\s+"
    r"((?:--?(?!r\s)[\w=-]{1,30}\s+){0,3})[\"']?(@[\w.-]{1,60}/)?([A-Za-z][\w.-]{1,80})(?![\w.-]*/)"
    r"|(?:npx|uvx|bunx|pnpm dlx|claude mcp add)\s+((?:--?[\w=-]{1,30}\s+){0,3})[\"']?(@[\w.-]{1,60}/)?"
    r"([A-Za-z][\w.-]{1,80})"
)
_NO_OWNER: Final = frozenset(
    {"orgs", "sponsors", "topics", "features", "settings", "marketplace", "user-attachments", "apps", "login", "about"}
)
_SERVICE: Final = re.compile(r"deepwiki|img\.shields|codecov|goreportcard|ghcr")
"""Services whose badges in a README are about its own repository."""
_BADGE: Final = 3
"""Number of ordinary links that one badge link counts for."""
_CLONED: Final = 4
"""Number of ordinary links that one clone line counts for."""
_MIN_LINKS: Final = 2


class Repository(NamedTuple):
    """A code repository, and how a page refers to it."""

    owner: str
    name: str
    in_address: bool = False
    """Whether the page's own address lies in this repository."""
    cloned: bool = False
    """Whether the page tells its reader to clone this repository."""
    entered: bool = False
    """Whether this is the page's own: the page links its inner pages (issues, files), shows its badges or clones it."""


def repository_of(address: str) -> Repository | None:
    """Return the repository that an address lies in, or None if the address is not in a repository."""
    match = _HOSTED.search(address)
    return _made(match[1], match[2], in_address=True) if match else None


def named_repositories(page: Page, where: str, *, least: int = _MIN_LINKS) -> tuple[Repository, ...]:
    """Return the repositories that may be the page's own: that of its address first, then by number of mentions.

    A repository named fewer than `least` times counts only if no other is named; a clone line counts four times.
    """
    counts: Counter[tuple[str, str]] = Counter()
    cloned: set[tuple[str, str]] = set()
    entered: set[tuple[str, str]] = set()
    spelled: dict[tuple[str, str], Repository] = {}

    def count(owner: str, name: str, worth: int) -> None:
        made = _made(owner, name)
        if made is not None:
            at = (made.owner.casefold(), made.name.casefold())
            spelled.setdefault(at, made)
            counts[at] += worth
            if worth == _CLONED:
                cloned.add(at)
            if worth > 1:
                entered.add(at)

    for link in page.links:
        href = unquote(link.href)
        for pattern in (_HOSTED, _PAGES_SITE):
            match = pattern.search(href)
            if match:
                inner = _INNER.match(href, match.end()) is not None
                count(match[1], match[2], _BADGE if _SERVICE.match(match[0]) else 1 + inner)
    for block in page.blocks:
        if block.kind == "code" or "git clone" in block.text:
            for line in _CLONE.finditer(block.text):
                match = _HOSTED.search(line[0])
                if match:
                    count(match[1], match[2], _CLONED)
    kept = [at for at, worth in counts.most_common() if worth >= least or len(counts) == 1]
    kept.sort(key=lambda at: at not in entered)
    ordered = [spelled[at]._replace(cloned=at in cloned, entered=at in entered) for at in kept]
    own = repository_of(where)
    if own is not None:
        same = (own.owner.casefold(), own.name.casefold())
        return (own, *(r for r in ordered if (r.owner.casefold(), r.name.casefold()) != same))
    return tuple(ordered)


def named_packages(page: Page) -> tuple[str, ...]:
    """Return packages that the page installs or links in a registry, most often named first, without their scope."""
    counts: Counter[str] = Counter()
    for link in page.links:
        for match in _PACKAGE_PAGE.finditer(link.href):
            counts[match[2]] += 1
    for block in page.blocks:
        if block.kind == "code" or "`" in block.text:
            for match in _INSTALL.finditer(block.text):
                counts[(match[3] or match[6]).rstrip(".")] += 1
    kept = [name for name, _ in counts.most_common(12) if name.casefold() not in INSTALLERS and len(name) > 1]
    return tuple(dict.fromkeys(re.sub(r"@(?:latest|next|[\d.]+)$", "", name) for name in kept))


def host_of(address: str) -> str:
    """Return the host of an address without `www.`; empty for a file."""
    return (urlsplit(address).hostname or "").removeprefix("www.") if "://" in address else ""


def _made(owner: str, name: str, *, in_address: bool = False) -> Repository | None:
    bare = re.sub(r"(?:\.git|[.,;:]+)$", "", name)
    if owner.casefold() in _NO_OWNER or not bare or bare in (".", ".."):
        return None
    return Repository(owner, bare, in_address)
