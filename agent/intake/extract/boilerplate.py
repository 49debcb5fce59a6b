"""Removes blocks that repeat across the pages of one site.

Navigation, footers and banners not marked by a tag are recognised by their repetition. A block that opens or closes
several pages, or occurs on most of them, is removed everywhere. Other repeated blocks are kept where they first occur.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from agent.intake.page import Block, Page

_MANY: Final = 3
_MOST: Final = 0.5
_LONG: Final = 200
"""Minimum length in characters of a repeated block that counts as real content: its first occurrence is kept."""


def without_repeats(pages: Sequence[Page]) -> tuple[Page, ...]:
    """Return the HTML pages of one site, in reading order, without repeated blocks; leave a single page unchanged."""
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
    """Return the keys of short repeated blocks in an unbroken run at the start or end of a page."""
    found: set[str] = set()
    for run in (blocks, blocks[::-1]):
        for block in run:
            key = _key(block)
            if counts[key] == 1 or len(key) >= _LONG:
                break
            found.add(key)
    return found


def _without_bare_headings(blocks: Sequence[Block]) -> tuple[Block, ...]:
    """Return `blocks` without trailing headings that no longer have any content below them."""
    end = len(blocks)
    while end > 1 and blocks[end - 1].kind == "heading" and blocks[end - 1].level > 1:
        end -= 1
    return tuple(blocks[:end])


def _key(block: Block) -> str:
    """Return the key that identifies repeated blocks; a prefix keeps headings apart from links with the same text."""
    words = " ".join(block.text.casefold().split())
    return f"{block.level}# {words}" if block.kind == "heading" else words
