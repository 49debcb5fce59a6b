"""The product's own repository and packages, as named in addresses, links and clone commands."""

import re
from collections import Counter
from typing import Final, NamedTuple
from urllib.parse import unquote

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
"""Paths below a repository's address to which a README normally links only in its own repository."""
_CLONE: Final = re.compile(r"git clone\s+(?:--?[\w=-]{1,20}\s+){0,4}\S{0,200}")
_PAGES_SITE: Final = re.compile(r"https?://([\w-]{1,39})\.github\.io/([\w.-]{1,100})")
_PACKAGE_PAGE: Final = re.compile(
    r"(?:pypi\.org/project|pypi\.python\.org/pypi|npmjs\.com/package|pepy\.tech/projects?|badge\.fury\.io/(?:py|js)|"
    r"img\.shields\.io/(?:npm/v|pypi/v|npm/dm|pypi/dm))/(@[\w.-]{1,60}/)?([\w.-]{1,100}?)(?:\.svg)?(?=[/?#)\s\"']|$)"
)
_INSTALL: Final = re.compile(
    r"(?:pip3?|pipx|uv(?: pip| tool)?|npm|pnpm|yarn|bun|brew|cargo|go|gem)\s+(?:install|add|i|global add"
    r"|run)\s+((?:--?(?!r\s)[\w=-]{1,30}\s+){0,3})[\"']?(@[\w.-]{1,60}/)?([A-Za-z][\w.-]{1,80})(?![\w.-]*/)|(?:npx|uvx"
    r"|bunx|pnpm dlx|claude mcp add)\s+((?:--?[\w=-]{1,30}\s+){0,3})[\"']?(@[\w.-]{1,60}/)?([A-Za-z][\w.-]{1,80})"
)
_NO_OWNER: Final = frozenset(
    {"orgs", "sponsors", "topics", "features", "settings", "marketplace", "user-attachments", "apps", "login", "about"}
)
_SERVICE: Final = re.compile(r"deepwiki|img\.shields|codecov|goreportcard|ghcr")
"""Services whose badges in a README are about the README's own repository."""
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
    """Whether the page's own address is in this repository."""
    cloned: bool = False
    """Whether the page tells its reader to clone this repository."""
    entered: bool = False
    """Whether the page treats the repository as its own: links to its inner pages (issues, files), shows its badges or
    tells the reader to clone it."""

    @property
    def path(self) -> str:
        """The owner and the name in lower case, which are the same for all spellings."""
        return f"{self.owner}/{self.name}".casefold()


def named_repositories(page: Page, where: str, *, least: int = _MIN_LINKS) -> tuple[Repository, ...]:
    """Return the repositories that may be the page's own, the likeliest first.

    The one in the page's address comes first, then those that are `entered`, then the others, each group by number of
    mentions.

    A repository named fewer than `least` times counts only if no other is named; a clone line counts four times.
    """
    mentions: list[tuple[Repository | None, int]] = []
    for link in page.links:
        href = unquote(link.href)
        for match in filter(None, (_HOSTED.search(href), _PAGES_SITE.search(href))):
            inner = _INNER.match(href, match.end()) is not None
            mentions.append((_made(match), _BADGE if _SERVICE.match(match[0]) else 1 + inner))
    for block in page.blocks:
        if block.kind == "code" or "git clone" in block.text:
            lines = (_HOSTED.search(line[0]) for line in _CLONE.finditer(block.text))
            mentions.extend((_made(match), _CLONED) for match in lines if match)
    found: dict[str, Repository] = {}
    counts: Counter[str] = Counter()
    for made, worth in mentions:
        if made is not None:
            known = found.get(made.path, made)
            entered, cloned = known.entered or worth > 1, known.cloned or worth == _CLONED
            found[made.path] = known._replace(entered=entered, cloned=cloned)
            counts[made.path] += worth
    kept = [found[path] for path, worth in counts.most_common() if worth >= least or len(counts) == 1]
    kept.sort(key=lambda repository: not repository.entered)
    address = _HOSTED.search(where)
    own = _made(address) if address else None
    if own is None:
        return tuple(kept)
    return (own._replace(in_address=True), *(repository for repository in kept if repository.path != own.path))


def named_packages(page: Page) -> tuple[str, ...]:
    """Return the packages that the page installs or links to in a registry, without scope, the most mentioned first."""
    counts = Counter(match[2] for link in page.links for match in _PACKAGE_PAGE.finditer(link.href))
    for block in page.blocks:
        if block.kind == "code" or "`" in block.text:
            counts.update((match[3] or match[6]).rstrip(".") for match in _INSTALL.finditer(block.text))
    kept = [name for name, _ in counts.most_common(12) if name.casefold() not in INSTALLERS and len(name) > 1]
    return tuple(dict.fromkeys(re.sub(r"@(?:latest|next|[\d.]+)$", "", name) for name in kept))


def _made(match: re.Match[str]) -> Repository | None:
    """Return the repository of an address, or None if the address is not a repository's."""
    owner, name = match[1], re.sub(r"(?:\.git|[.,;:]+)$", "", match[2])
    return None if owner.casefold() in _NO_OWNER or name in ("", ".", "..") else Repository(owner, name)
