"""What an HTML page says about itself besides its text: its canonical address, a refresh, its links by role, a log-in.

Imported by the parsing child, before the visibility pass takes elements out.
"""

import re
from typing import Final, NamedTuple

from lxml import etree

from agent.intake.pages.page import MAX_EXCERPT, PageLink, Wall

_REFRESH: Final = re.compile(r"\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?['\"]?([^'\"]+)", re.IGNORECASE)
# Roles of <link> that lead to something worth reading; style sheets, icons, feeds and preloads do not.
_ROLES: Final = re.compile(
    r"\b(?:help|author|license|privacy-policy|terms-of-service|service-desc|service-doc|service-meta|describedby|"
    r"homepage|agent-card|llms|mcp)\b"
)
_READABLE: Final = frozenset(
    {"text/markdown", "text/plain", "application/pdf", "application/json", "application/openapi+json"}
)
_NEEDS_SCRIPT: Final = re.compile(
    r"\b(?:enable|requires?|needs?|turn on|activate|without)\b.{0,40}\bjavascript\b|\bjavascript\b.{0,40}"
    r"\b(?:enabled?|required|disabled|needed|to run this app)\b",
    re.IGNORECASE | re.DOTALL,
)
_CONSENT: Final = re.compile(
    r"\b(?:before you continue|we value your privacy|accept (?:all )?cookies|cookie consent|consent to (?:the )?use|"
    r"manage (?:your )?(?:cookie|privacy) (?:preferences|settings))\b",
    re.IGNORECASE,
)
_SIGN_IN: Final = re.compile(
    r"\b(?:(?:sign|log) ?in (?:to|with)\b|please (?:sign|log) ?in|(?:sign|log)[ -]?in (?:is )?required|"
    r"you (?:must|need to) be (?:signed|logged) in|create an account to|continue with (?:google|github|sso))",
    re.IGNORECASE,
)
_MAX_LINKS: Final = 50
_LONG: Final = 150
"""Words of a page that is no mere wall."""
_SHORT: Final = 60
"""Words up to which an invitation to sign in is what the page is about."""


class Head(NamedTuple):
    """The answers for one page."""

    canonical: str
    refresh: str
    links: tuple[PageLink, ...]
    wall: Wall
    og_title: str = ""
    site_name: str = ""


def read_head(root: etree._Element) -> Head:
    """What `root`, the page's root element, says about itself; nothing is removed or resolved."""
    canonical = ""
    found: list[PageLink] = []
    for link in root.iter("link"):
        href = (link.get("href") or "").strip()
        roles = (link.get("rel") or "").lower()
        if href and "canonical" in roles.split():
            canonical = canonical or href
        elif href and len(found) < _MAX_LINKS and _useful(roles, (link.get("type") or "").lower()):
            found.append(PageLink(href, (link.get("title") or "").strip(), "main", roles))
    shared, site = _shared(root, "og:title"), _shared(root, "og:site_name")
    return Head(canonical, _refresh(root), tuple(found), _wall(root), shared, site)


def _shared(root: etree._Element, field: str) -> str:
    """What the page says of itself where it is shared, on one line."""
    for meta in root.iter("meta"):
        if (meta.get("property") or meta.get("name") or "").strip().lower() == field:
            return " ".join((meta.get("content") or "").split())[:MAX_EXCERPT]
    return ""


def _useful(roles: str, media_type: str) -> bool:
    return bool(_ROLES.search(roles)) or ("alternate" in roles.split() and media_type in _READABLE)


def _refresh(root: etree._Element) -> str:
    for meta in root.iter("meta"):
        if (meta.get("http-equiv") or "").strip().lower() == "refresh":
            match = _REFRESH.match(meta.get("content") or "")
            return match[1].strip() if match else ""
    return ""


def _is_long(root: etree._Element) -> bool:
    """Whether the page is plainly too long for a wall. Counting ends there."""
    words = 0
    for element in root.iter("p", "li", "td", "div", "span"):
        if element.text and next(element.iterancestors("noscript", "head"), None) is None:
            words += len(element.text.split())
            if words > _LONG:
                return True
    return False


def _wall(root: etree._Element) -> Wall:
    """What stands between the reader and the text; only a page with little text can be a wall."""
    if _is_long(root):
        return ""
    parts = root.xpath("//body//text()[not(ancestor::script or ancestor::style or ancestor::noscript)]")
    text = " ".join(" ".join(str(part) for part in parts).split())
    words = len(text.split())
    if words > _LONG:
        return ""
    if root.xpath("boolean(//input[@type='password'])") or (words <= _SHORT and _SIGN_IN.search(text)):
        return "login"
    noscript = " ".join(str(part) for part in root.xpath("//noscript//text()"))
    if _NEEDS_SCRIPT.search(f"{noscript} {text}") and root.xpath("boolean(//script)"):
        return "script"
    asks = words <= _SHORT and root.xpath("boolean(//button | //form | //input)")
    return "consent" if asks and _CONSENT.search(text) else ""
