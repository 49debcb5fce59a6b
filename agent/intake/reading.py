"""One page that a crawl read."""

from dataclasses import dataclass

from agent.intake.net.answer import Fetched
from agent.intake.pages.extract import MediaKind
from agent.intake.pages.page import Page, Part
from agent.records import About, SourceKind


@dataclass(frozen=True)
class Read:
    """One page that was read."""

    fetched: Fetched
    kind: MediaKind
    page: Page
    about: About = "product"
    """`platform` for a page that names the vendor, not the product."""
    source: SourceKind = "docs"
    parts: tuple[Part, ...] = ()
    """Further documents that the same answer carries."""
