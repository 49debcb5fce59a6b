"""Removes blocks that repeat across the pages of one site.

Navigation, footers and banners that no tag marks are recognised by their repetition. A block that opens or closes
several pages, or stands on most of them, is removed everywhere; any other repeated block is kept where it first occurs.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from agent.intake.page import Block, Page

_MANY: Final = 3
_MOST: Final = 0.5
_LONG: Final = 200
"""A repeated block of at least this many characters is text that a vendor wants read: its first occurrence is kept."""


def without_repeats(pages: Sequence[Page]) -> tuple[Page, ...]:
    """The HTML pages of one site, in reading order, without their repeated blocks; a single page stays as it is."""
    if len(pages) < 2:  # noqa: PLR2004  (one page repeats nothing)
        return tuple(pages)
    counts = Counter(key for page in pages for key in {_key(block) for block in page.blocks})
    chrome: set[str] = set()
    for page in pages:
        chrome |= _edges(page.blocks, counts)
    chrome |= {key for key, n in counts.items() if n >= _MANY and n >= _MOST * len(pages) and len(key) < _LONG}
    seen: set[str] = set()
    cleaned: list[Page] = []
    for index, page in enumerate(pages):
        kept: list[Block] = []
        for block in page.blocks:
            key = _key(block)
            title = block.kind == "heading" and block.level == 1 and index == 0
            if title or counts[key] == 1 or (key not in chrome and key not in seen):
                kept.append(block)
        seen |= {_key(block) for block in page.blocks}
        cleaned.append(page._replace(blocks=_without_bare_headings(kept)))
    return tuple(cleaned)


def _edges(blocks: Sequence[Block], counts: Counter[str]) -> set[str]:
    """The keys of short repeated blocks in an unbroken run at the start or end of a page."""
    found: set[str] = set()
    for run in (blocks, blocks[::-1]):
        for block in run:
            key = _key(block)
            if counts[key] == 1 or len(key) >= _LONG:
                break
            found.add(key)
    return found


def _without_bare_headings(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """`blocks` without the headings at the end that no longer have anything under them."""
    end = len(blocks)
    while end > 1 and blocks[end - 1].kind == "heading" and blocks[end - 1].level > 1:
        end -= 1
    return tuple(blocks[:end])


def _key(block: Block) -> str:
    """A key that repeated blocks share; a heading does not repeat the link or card that leads to its page."""
    words = " ".join(block.text.casefold().split())
    return f"{block.level}# {words}" if block.kind == "heading" else words
