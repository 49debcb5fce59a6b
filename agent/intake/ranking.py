"""Which links lead to the product's documentation, and in which order they are worth a page of the budget."""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from agent.intake.identity import named_path
from agent.intake.net.netguard import Target
from agent.intake.pages.page import PageLink
from agent.intake.sites import CODE_HOSTS, Place, Scope
from agent.intake.topics import is_said, of_path, of_words

_LOG_IN: Final = re.compile(
    r"/(?:log-?in|sign-?in|sign-?up|register|log-?out|accounts?|sso|oauth2?/authorize|auth)(?:/|$|\?)", re.IGNORECASE
)
_LOG_IN_TOPIC: Final = re.compile(
    r"/(?:docs?|documentation|help|guides?|manual|reference|latest|stable|current|security|trust)/(?:[^?]*/)?"
    r"(?:accounts?|sso|auth)(?:/|$|\?)",
    re.IGNORECASE,
)
"""The same words as the subject of documentation."""
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
_OWN: Final = 5
_BELOW: Final = 3
_DOCS_HOST: Final = re.compile(r"(?:docs?|help|trust|security|support|developers?|dev|api|learn|kb|guide)\.")


class Verdict(NamedTuple):
    """What becomes of a link before it is read: `score` above 0 to read it, otherwise `reason` why not."""

    score: int
    reason: str
    beside: bool
    """True when the page may be the directory's own, so that it must speak of the product to count."""
    place: Place = "listing"


def is_no_page(href: str) -> bool:
    """Whether a link is a mail address, a phone number, a script or a place on the same page."""
    return not href or href.startswith("#") or bool(_NO_PAGE.match(href))


def is_log_in(target: Target) -> bool:
    """Whether an address is that of an account or a log-in page."""
    return bool(_LOG_IN.search(target.path)) and not _LOG_IN_TOPIC.search(target.path)


def judge(scope: Scope, source: Target, link: PageLink, target: Target) -> Verdict:
    """Whether `target`, linked from the page `source`, is documentation of the product that `scope` is about."""
    place = scope.place(target)
    if not place:
        return Verdict(0, "another site", False)
    path = urlsplit(target.path).path
    if link.region == "neighbour" and (place == "listing" and source == scope.home):
        return Verdict(0, "about something else than this product", False)
    if is_log_in(target):
        return Verdict(0, "an account or log-in page, not documentation", False)
    if _EVENTS.search(target.path):
        return Verdict(0, "a calendar of events, not documentation", False)
    if _SEARCH.search(target.path):
        return Verdict(0, "search results or a page of one session, not documentation", False)
    if _NEVER.search(target.path) or (_ASSET.search(path) and not _API_FILE.search(path)):
        return Verdict(0, "not a page of documentation", False)
    if place == "repository":
        return _in_repository(scope, link, target)
    if _BLOG.search(path):
        return Verdict(0, "a blog or news, not documentation", False)
    if place == "listing" and not scope.own_site and _ASSESSMENT.search(path):
        return Verdict(0, "the directory's own score or assessment", False)
    if place == "product" and scope.product is not None:
        return _ranked(scope.product, source, link, target, place)
    return _ranked(scope.home, source, link, target, place)


def _ranked(home: Target, source: Target, link: PageLink, target: Target, place: Place) -> Verdict:
    path = urlsplit(target.path).path
    own = home.path.partition("?")[0].rstrip("/")
    own_folder = own.rpartition("/")[0]
    same_host = (target.host, target.port) == (home.host, home.port)
    inside = bool(own) and path.startswith(own + "/") and same_host
    words = worth_of_path(named_path(target))
    sibling = (
        same_host and bool(own_folder) and path.startswith(own_folder + "/") and not inside and own != path.rstrip("/")
    )
    # A neighbour of the listing is another product, whatever its name says; beside a product's page may lie its docs.
    if sibling and not _exact(path) and (place == "listing" or not words):
        return Verdict(0, "a neighbour of the listing", False)
    folder = source.path.partition("?")[0].rpartition("/")[0]
    below = source != home and bool(folder) and path.startswith(folder + "/") and source.host == target.host
    hosted = _OWN if not same_host and _DOCS_HOST.match(target.host) else 0
    text = worth_of_text(link.text) if not sibling else 0
    score = max(words, text, hosted, _OWN if inside else 0, _BELOW if below else 0)
    if place == "product" and not score and not path.strip("/"):
        score = _OWN
    if not score:
        return Verdict(0, "not documentation", False)
    deep = own.count("/") > 1
    beside = place == "listing" and deep and same_host and not inside and not below
    return Verdict(score, "", beside and (link.region == "chrome" or source != home or not words), place)


def _in_repository(scope: Scope, link: PageLink, target: Target) -> Verdict:
    repository = scope.repository
    path = urlsplit(target.path).path
    raw = repository is not None and target.url.startswith(repository.raw) and target.host not in CODE_HOSTS
    if not _REPOSITORY_FILE.search(path) and not raw:
        return Verdict(0, "a page of the code host, not documentation", False)
    words = max(worth_of_path(path), worth_of_text(link.text))
    if path.lower().endswith((".md", ".mdx", ".txt", ".rst", ".pdf")):
        return Verdict(max(words, _BELOW), "", False, "repository")
    return Verdict(words, "" if words else "not documentation", False, "repository")


def is_other_product(target: Target, name: str) -> bool:
    """Whether an address lies on the shelf of a product whose name shares no word with `name`, the product's own."""
    match = _SHELVES.search(unquote(urlsplit(target.path).path).lower())
    if match is None or not name:
        return False
    tokens = {token for token in re.split(r"[\W_]+", match[1]) if token}
    own = set(re.split(r"[\W_]+", name.casefold()))
    return not tokens & own and not all(map(is_said, tokens))


def worth_of_path(path: str) -> int:
    """The worth of the topic that a path tells; 0 for a path that tells none."""
    return of_path(path).worth


def _exact(path: str) -> bool:
    """Whether the last segment of a path holds no word but those of the table."""
    last = _SUFFIX.sub("", unquote(path).lower().rstrip("/").rpartition("/")[2])
    tokens = [token for token in re.split(r"[\W_]+", last) if token]
    return bool(tokens) and all(map(is_said, tokens))


def worth_of_text(text: str) -> int:
    """The worth of the topic that a link's words tell; none for a long text."""
    return of_words(text).worth
