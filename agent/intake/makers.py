"""Who makes a product, as far as its page tells it without a sentence that says so."""

import re
from typing import Final

from agent.intake.naming import Name
from agent.intake.pages.page import Page
from agent.intake.repositories import host_of

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
