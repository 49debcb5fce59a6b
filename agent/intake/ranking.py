"""Which links of a listing lead to its documentation, and in which order they are worth a page of the budget."""

import re
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from agent.intake.net.netguard import Target
from agent.intake.pages.page import PageLink

# What tells most about an agent's powers and limits comes first; the numbers only order.
_WORTH: Final[dict[str, int]] = {
    **dict.fromkeys(("security", "permissions", "permission", "trust", "scopes"), 10),
    **dict.fromkeys(("docs", "doc", "documentation", "readme", "architecture", "privacy", "tools"), 9),
    **dict.fromkeys(("admin", "administration", "configuration", "config", "settings", "setup", "authentication"), 8),
    **dict.fromkeys(("overview", "features", "capabilities", "integrations", "compliance", "subprocessors", "dpa"), 7),
    **dict.fromkeys(("guide", "guides", "manual", "handbook", "quickstart", "install", "installation", "reference"), 6),
    **dict.fromkeys(("api", "apis", "sdk", "cli", "mcp", "deployment", "deploy", "limits", "limitations", "memory"), 6),
    **dict.fromkeys(("faq", "faqs", "help", "learn", "concepts", "usage", "data", "models", "agents-md"), 5),
    **dict.fromkeys(("changelog", "releases", "pricing", "plans", "support", "policy", "policies", "terms"), 4),
}
_LINKING: Final = frozenset(
    {"and", "the", "of", "to", "for", "a", "how", "it", "works", "getting", "started", "get", "our"}
)
_NEVER: Final = re.compile(
    r"/(?:log-?in|sign-?in|sign-?up|register|log-?out|cart|checkout|account|careers|jobs|press|contact|rss|feed|search|"
    r"share|compare|submit|cdn-cgi|wp-admin|wp-json)(?:/|$|\?)",
    re.IGNORECASE,
)
_ASSET: Final = re.compile(
    r"\.(?:png|jpe?g|gif|svg|webp|ico|css|js|mjs|map|woff2?|ttf|zip|gz|tgz|tar|exe|dmg|pkg|deb|rpm|whl|mp[34]|webm|mov|"
    r"xml|rss|atom|ya?ml|csv|xlsx?|docx?|pptx?)$",
    re.IGNORECASE,
)
_NO_PAGE: Final = re.compile(r"(?:mailto|tel|sms|javascript|data|blob|about):", re.IGNORECASE)
_OWN: Final = 5
_BELOW: Final = 3
_MAX_WORDS: Final = 5
_GETTING_STARTED: Final = 6


class Verdict(NamedTuple):
    """What becomes of a link before it is read: `score` above 0 to read it, otherwise `reason` why not."""

    score: int
    reason: str
    beside: bool
    """True when only navigation of a listing that lies deep in its site leads there: it may be the directory's own."""


def is_no_page(href: str) -> bool:
    """Whether a link is a mail address, a phone number, a script or a place on the same page."""
    return not href or href.startswith("#") or bool(_NO_PAGE.match(href))


def same_site(listing: Target, target: Target) -> bool:
    """Whether `target` lies on the listing's host or on a host below it (`docs.` beside `www.`)."""
    if target.host == listing.host:
        return target.port == listing.port or {target.port, listing.port} <= {80, 443}
    base = listing.host.removeprefix("www.")
    name = ":" not in base and "." in base and not base.rpartition(".")[2].isdigit()
    return name and target.port in (80, 443) and (target.host == base or target.host.endswith("." + base))


def judge(listing: Target, source: Target, link: PageLink, target: Target) -> Verdict:
    """Whether `target`, linked from the page `source`, is documentation of what `listing` lists."""
    if not same_site(listing, target):
        return Verdict(0, "another site", False)
    if link.region == "neighbour":
        return Verdict(0, "about something else than this product", False)
    path = urlsplit(target.path).path
    if _NEVER.search(target.path) or _ASSET.search(path):
        return Verdict(0, "not a page of documentation", False)
    own = listing.path.partition("?")[0].rstrip("/")
    own_folder = own.rpartition("/")[0]
    inside = bool(own) and path.startswith(own + "/")
    words = _segment_worth(path)
    sibling = bool(own_folder) and path.startswith(own_folder + "/") and not inside and own != path.rstrip("/")
    if sibling and not words:
        return Verdict(0, "a neighbour of the listing", False)
    folder = source.path.partition("?")[0].rpartition("/")[0]
    below = source != listing and bool(folder) and path.startswith(folder + "/")
    score = max(words, _text_worth(link.text) if not sibling else 0, _OWN if inside else 0, _BELOW if below else 0)
    if not score:
        return Verdict(0, "not documentation", False)
    deep = own.count("/") > 1
    elsewhere = target.host == listing.host and not inside and not below
    return Verdict(score, "", deep and elsewhere and link.region == "chrome" and source == listing)


def _segment_worth(path: str) -> int:
    """The worth of the best path segment that consists of words of the table only."""
    best = 0
    for segment in unquote(path).lower().split("/"):
        tokens = [
            token for token in re.split(r"[\W_]+", re.sub(r"\.(?:html?|md|txt|pdf|php|aspx?)$", "", segment)) if token
        ]
        if tokens and all(token in _WORTH or token in _LINKING for token in tokens):
            started = _GETTING_STARTED if "started" in tokens or "works" in tokens else 0
            best = max(best, started, *(_WORTH.get(token, 0) for token in tokens))
    return best


def _text_worth(text: str) -> int:
    tokens = re.findall(r"[a-z]+", text.lower())
    if not 0 < len(tokens) <= _MAX_WORDS:
        return 0
    return max(_WORTH.get(token, 0) for token in tokens)
