"""The scope of a crawl: the listing's host, and one product site and one repository to which the listing links."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from agent.intake.crawl.addresses import identity
from agent.intake.crawl.guard import Target
from agent.intake.page import PageLink
from agent.records import Site

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

Place = Literal["listing", "product", "repository", ""]

# Domains whose subdomains belong to unrelated owners, but which the Public Suffix List lacks.
_SHARED: Final = frozenset(
    (
        *("netlify.com", "windows.net", "amazonaws.com", "glitch.me", "railway.app", "gradio.live", "modal.run"),
        *("readme.io", "super.site", "squarespace.com", "weebly.com", "wordpress.com", "tumblr.com", "medium.com"),
        *("substack.com", "ghost.io", "zendesk.com", "freshdesk.com", "intercom.help", "helpscoutdocs.com"),
        *("atlassian.net", "statuspage.io", "mintlify.app", "sharepoint.com", "google.com", "apple.com"),
        *("microsoft.com", "canny.io", "typeform.com"),
    )
)
_NOBODYS: Final = frozenset(
    (
        *("twitter.com", "x.com", "facebook.com", "linkedin.com", "instagram.com", "youtube.com", "youtu.be"),
        *("reddit.com", "discord.com", "discord.gg", "t.me", "tiktok.com", "threads.net", "bsky.app"),
        *("mastodon.social", "producthunt.com", "slack.com", "g2.com", "capterra.com", "trustpilot.com"),
        *("crunchbase.com", "wikipedia.org", "news.ycombinator.com", "calendly.com", "bit.ly", "linktr.ee"),
        *("npmjs.com", "pypi.org"),
    )
)
_RAW: Final = {
    "github.com": "https://raw.githubusercontent.com/{}/HEAD/",
    "gitlab.com": "https://gitlab.com/{}/-/raw/HEAD/",
    "codeberg.org": "https://codeberg.org/{}/raw/HEAD/",
    "bitbucket.org": "https://bitbucket.org/{}/raw/HEAD/",
}
"""Code hosts, and where each of them serves the files of a repository (`owner/name`) as plain text."""
CODE_HOSTS: Final = frozenset(_RAW)
_RESERVED: Final = frozenset(
    (
        *("orgs", "features", "marketplace", "topics", "sponsors", "about", "pricing", "login", "apps", "users"),
        *("collections", "trending", "explore", "security", "enterprise", "readme", "settings", "join", "groups"),
    )
)
_LEAD: Final = (
    r"(?:(?:visit|go to|view|open|see|read|browse|the|our|their|its|official|product|vendor|company|developer|"
    r"project|full|online|main|app|technical|user)(?:['’]s)? )*"
)
_OF: Final = r"(?: (?:of|for) .{1,60})?"
_SITE: Final = re.compile(_LEAD + r"(?:web ?site|site|home ?page|product page|landing page)" + _OF, re.IGNORECASE)
_DOCS: Final = re.compile(_LEAD + r"(?:docs?|documentation|developer docs|help cent(?:er|re))" + _OF, re.IGNORECASE)
_CODE: Final = re.compile(
    r"(?:(?:view|see|open|star|fork|find|get|browse|us|it|the|our|on|in|at|from|official|public) )*"
    r"(?:git ?hub|git ?lab|codeberg|bitbucket|source(?: code)?|repo(?:sitory)?|code repository|"
    r"git(?: repo(?:sitory)?)?|code)(?: (?:on|at|in) (?:git ?hub|git ?lab|codeberg|bitbucket)| repo(?:sitory)?)?" + _OF,
    re.IGNORECASE,
)
_SITE_ROLES: Final = frozenset({"homepage", "home-page", "official"})
_CODE_ROLES: Final = frozenset({"vcs-git", "code-repository", "repository", "vcs"})
_ENDS: Final = re.compile(r"^[^\w]+|[^\w)]+$")
_BRANDS: Final = ("github", "gitlab", "codeberg", "bitbucket")
# Addresses that exist only to redirect visitors.
_DOOR: Final = re.compile(
    r"/(?:go|goto|out|outbound|external|exit|away|visit|redirect|redir|r|click|clicks|link|leave|track)(?:/|\.\w+|\?|$)"
    r"|/(?:visit|website|out|go|redirect)/?(?:\?|$)|[?&](?:url|u|to|target|dest|destination|redirect)=",
    re.IGNORECASE,
)
_OWNER_AND_NAME: Final = 2
_MAX_WORDS: Final = 10
_SHOWN: Final = 200
_SITE_GRADE: Final = 3
_DOCS_GRADE: Final = 2
_NOT_THE_PAGES_OWN: Final = frozenset({"ugc", "sponsored"})  # `rel` values of links posted by visitors or advertisers


class Repository(NamedTuple):
    """A code repository, and where its files are available as plain text."""

    page: Target
    raw: str
    """The address of the root folder for raw files, with a final slash."""


@dataclass
class Scope:
    """The sites that one crawl may read."""

    home: Target
    admits: Callable[[str, int], bool]
    product: Target | None = None
    repository: Repository | None = None
    door: Target | None = None
    """Address on the listing's host that is linked as the product's site and redirects to it; the destination is not
    known until the address is requested."""
    because: str = ""
    """Text of the link to the product's site or to its door."""

    def may_move(self, first: Target) -> bool:
        """Return whether `first` may redirect to any site: only the product's front page and the door to it may."""
        return identity(first) in {identity(known) for known in (self.product, self.door) if known is not None}

    def moved(self, first: Target, landed: Target) -> Site | None:
        """Return the product's new site if `first` is its front page or door and redirects to `landed`, else None."""
        nobodys = registered_domain(landed.host) in _NOBODYS or landed.host in CODE_HOSTS
        if not self.may_move(first) or self.place(landed) or nobodys:
            return None
        self.product, self.door = landed, None
        return Site(role="product", url=landed.url, because=self.because)

    @property
    def own_site(self) -> bool:
        """Whether the listing is the front page of its site, which is then taken to be the vendor's own."""
        return self.home.path.partition("?")[0].strip("/").lower() in ("", "index.html", "index.htm", "en", "home")

    def place(self, target: Target) -> Place:
        """Return the site to which `target` belongs (`listing`, `product`, `repository`), or an empty string."""
        if self.repository is not None:
            url, page = target.url.casefold(), self.repository.page.url.casefold()
            if url == page or url.startswith((self.repository.raw.casefold(), page + "/")):
                return "repository"
        if self.product is not None and self._related(self.product, target):
            return "product"
        if (target.host, target.port) == (self.home.host, self.home.port):
            return "listing"
        related = self.own_site and self._related(self.home, target)
        return "listing" if related or (same_site(self.home, target) and target.host not in CODE_HOSTS) else ""

    def _related(self, site: Target, target: Target) -> bool:
        if (target.host, target.port) == (site.host, site.port):
            return True
        # A host that the operator allowed covers only itself: other services on that machine are unrelated.
        if self.admits(target.host, target.port) or self.admits(site.host, site.port):
            return False
        return {target.port, site.port} <= {80, 443} and registered_domain(site.host) == registered_domain(target.host)


@lru_cache(maxsize=1)
def _suffixes() -> "PublicSuffixList":
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def registered_domain(host: str) -> str:
    """Return the registered domain of a host by the Public Suffix List: `docs.a.co.uk` gives `a.co.uk`.

    An IP address, a bare suffix or a name of one label is returned unchanged.
    """
    if ":" in host or host.rpartition(".")[2].isdigit():
        return host
    domain = _suffixes().privatesuffix(host) or host
    if domain not in _SHARED or host == domain:
        return domain
    return f"{host.removesuffix('.' + domain).rpartition('.')[2]}.{domain}"


def same_site(listing: Target, target: Target) -> bool:
    """Return whether `target` is on the listing's host or, disregarding a leading `www.`, on a subdomain of it."""
    if target.host == listing.host:
        return target.port == listing.port or {target.port, listing.port} <= {80, 443}
    base = listing.host.removeprefix("www.")
    name = ":" not in base and "." in base and not base.rpartition(".")[2].isdigit()
    if not name or base in _SHARED or _suffixes().is_public(base):
        return False
    return target.port in (80, 443) and (target.host == base or target.host.endswith("." + base))


def named_sites(
    scope: Scope, name: str, links: Sequence[tuple[PageLink, Target]]
) -> tuple[tuple[Target, Site] | None, tuple[Repository, Site] | None]:
    """Find the product site and the repository that the listing links to, each with a record of the reason.

    `links` are the listing's links with their parsed addresses, `name` is the product's name. A link counts only when
    its own text or `rel` says what it leads to, and never in lists of other products. Unless the listing is the front
    page of the vendor's own site, links in navigation and footer do not count, because they belong to the directory. If
    the directory links to the site only through a click-counting address, that address becomes the scope's `door`.
    """
    best: tuple[int, Target, str] | None = None
    code: tuple[Repository, Site] | None = None
    scope.door = None
    for link, target in links:
        roles = frozenset(link.rel.split())
        if link.region == "neighbour" or (link.region == "chrome" and not scope.own_site) or roles & _NOT_THE_PAGES_OWN:
            continue
        if scope.admits(target.host, target.port) and not scope.admits(scope.home.host, scope.home.port):
            continue  # A public page must not send the crawl to private hosts that the operator allowed.
        words = _ENDS.sub("", " ".join(link.text.split()))
        if len(words.split()) > _MAX_WORDS:
            words = ""
        because = (words or link.rel)[:_SHOWN]
        repository = _repository(target, words, roles)
        if repository is not None:
            code = code or (repository, Site(role="repository", url=target.url, because=because))
            continue
        grade = _grade(words, roles, name)
        if link.region == "chrome" and grade != _DOCS_GRADE:
            continue  # Navigation on the vendor's own site also links to other sites; only documentation counts.
        if grade == _SITE_GRADE and same_site(scope.home, target) and _DOOR.search(target.path) and not scope.door:
            scope.door, scope.because = target, because
        outside = not scope.place(target) and registered_domain(target.host) not in _NOBODYS
        if grade and outside and target.host not in CODE_HOSTS and (best is None or grade > best[0]):
            best = (grade, target, because)
    if best is None:
        return None, code
    scope.door, scope.because = None, best[2]
    return (best[1], Site(role="product", url=best[1].url, because=best[2])), code


def _grade(words: str, roles: frozenset[str], name: str) -> int:
    if roles & _SITE_ROLES:
        return _SITE_GRADE
    bare = words.casefold()
    for own in dict.fromkeys((name, *name.split()[:1])):
        if own and bare in (f"visit {own}", f"go to {own}", f"open {own}"):
            return _SITE_GRADE
        bare = bare.removeprefix(own + " ") if own else bare
    return _SITE_GRADE if _SITE.fullmatch(bare) else _DOCS_GRADE if _DOCS.fullmatch(bare) else 0


def _repository(target: Target, words: str, roles: frozenset[str]) -> Repository | None:
    segments = [segment for segment in target.path.partition("?")[0].split("/") if segment]
    if len(segments) < _OWNER_AND_NAME or segments[0].lower() in _RESERVED:
        return None
    named = f"{segments[0]}/{segments[1].removesuffix('.git')}"
    host = target.host.removeprefix("www.")
    if any(brand in words.casefold().replace(" ", "") and brand not in target.host for brand in _BRANDS):
        return None  # The link names one code host but leads to another site.
    if host.startswith(tuple(f"{known}." for known in CODE_HOSTS)):
        return None
    spelled = host in CODE_HOSTS and words.casefold() in (named.casefold(), f"{host}/{named}".casefold())
    if not (_CODE.fullmatch(words) or roles & _CODE_ROLES or spelled):
        return None
    page = target._replace(host=host, path=f"/{named}")
    return Repository(page, _RAW[host].format(named) if host in _RAW else f"{page.url}/")
