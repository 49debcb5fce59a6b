"""What keeps an answer from being a document: no text, a wall, a page that only says that there is none."""

from typing import Final

from agent.intake.discovery import NO_FILE
from agent.intake.novelty import is_soft_404
from agent.intake.pages.page import Page

MIN_WORDS: Final = 12
"""Words below which a page says nothing that could be modelled."""
_WALL_WORDS: Final = 80
"""Words up to which a form, a consent notice or a hint at JavaScript is all that a page has."""
NO_TEXT: Final = "next to no text"
NEEDS_SCRIPT: Final = "JavaScript"
_WALLS: Final = {
    "login": "behind a log-in",
    "consent": "behind a consent wall",
    "script": "it builds its text with JavaScript",
}


def fault(page: Page, *, probe: bool) -> str:
    """What makes a page no document, or an empty text; `probe` is for a file that nobody linked."""
    if is_soft_404(page):
        return NO_FILE if probe else "not found: a page that says there is none"
    if page.wall and is_nearly_empty(page):
        return _WALLS[page.wall]
    if words(page) < MIN_WORDS:
        return NO_TEXT + (", it needs JavaScript" if page.scripts else "")
    return ""


def is_nearly_empty(page: Page) -> bool:
    """Whether a page has so little text that a wall may be all of it."""
    return words(page) < _WALL_WORDS


def words(page: Page) -> int:
    """How many words the blocks of a page hold."""
    return sum(len(block.text.split()) for block in page.blocks)
