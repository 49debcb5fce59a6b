"""Which pages a browser is asked to render, and the network with that browser before it."""

from collections.abc import Callable
from typing import Final

from agent.errors import SourceError
from agent.intake.net.answer import Fetched, Web
from agent.intake.pages.extract import read_page, sniff
from agent.settings import Settings

NEAR_EMPTY_WORDS: Final = 30
"""Words up to which a page with scripts is taken to get its text from them."""


def with_browser(network: Web, settings: Settings, tell: Callable[[str], None] | None = None) -> Web:
    """The network, with a browser before it when the settings ask for one; `tell` hears why a page was not rendered."""
    if settings.browser != "on":
        return network
    from agent.intake.net.browser import Rendering

    return Rendering(network, settings, lambda answer: needs_javascript(answer, settings), tell)


def needs_javascript(answer: Fetched, settings: Settings) -> bool:
    """Whether a page has next to no text and says that scripts would make it."""
    try:
        kind = sniff(answer.body, answer.media_type, answer.url)
        page = read_page(answer.body, kind, answer.charset, answer.url, settings) if kind == "html" else None
    except SourceError:
        return False
    if page is None or not (page.scripts or page.wall == "script"):
        return False
    return sum(len(block.text.split()) for block in page.blocks) < NEAR_EMPTY_WORDS
