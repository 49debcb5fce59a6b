"""Removes blocks that repeat across the pages of one site.

Navigation, footers and banners not marked by a tag are recognised by their repetition. A block that opens or closes
several pages, or occurs on most of them, is removed everywhere. Other repeated blocks are kept where they first occur.
"""

from collections import Counter
from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from agent.intake.page import Block, Page

_MANY: Final = 3
_MOST: Final = 0.5
_LONG: Final = 200
"""Minimum length in characters of a repeated block that counts as real content: its first occurrence is kept."""


def without_repeats(pages: Sequence[Page]) -> tuple[Page, ...]:
    """Return the HTML pages of one site, in reading order, without repeated blocks; leave a single page unchanged."""
    if len(pages) < 2:  # noqa: PLR2004  (a single page has no repeats)
        return tuple(pages)
    keys = [[_key(block) for block in page.blocks] for page in pages]
    counts = Counter(key for own in keys for key in set(own))
    chrome = {key for key, n in counts.items() if n >= _MANY and n >= _MOST * len(pages) and len(key) < _LONG}
    for own in keys:
        for run in (own, own[::-1]):
            # An unbroken run of short repeated blocks at the start or the end of a page.
            chrome.update(takewhile(lambda key: counts[key] > 1 and len(key) < _LONG, run))
    seen: set[str] = set()
    cleaned: list[Page] = []
    for index, (page, own) in enumerate(zip(pages, keys, strict=True)):
        kept: list[Block] = []
        for block, key in zip(page.blocks, own, strict=True):
            title = block.kind == "heading" and block.level == 1 and index == 0
            if title or counts[key] == 1 or (key not in chrome and key not in seen):
                kept.append(block)
        seen.update(own)
        while len(kept) > 1 and kept[-1].kind == "heading" and kept[-1].level > 1:
            kept.pop()  # a heading with nothing left below it
        cleaned.append(page._replace(blocks=tuple(kept)))
    return tuple(cleaned)


def _key(block: Block) -> str:
    """Return the key that identifies repeated blocks; a prefix keeps headings apart from links with the same text."""
    words = " ".join(block.text.casefold().split())
    return f"{block.level}# {words}" if block.kind == "heading" else words
