"""The heading that each link of a page stands under, told by where the link's words occur among the page's blocks."""

from typing import Final

from agent.intake.pages.page import Block, Page, PageLink

_MIN_LETTERS: Final = 2
_LETTERS_LOOKED_AT: Final = 5_000_000
"""So many letters of blocks are gone through for the links of one page; behind them links have no heading."""


def headed(page: Page) -> tuple[PageLink, ...]:
    """The links of `page`, each with the nearest heading above it; one that already has a heading keeps it.

    Links and blocks are both in the order of the page, so each link is looked for from where the last one was found.
    """
    found: list[PageLink] = []
    above = _above(page.blocks)
    at, left = 0, _LETTERS_LOOKED_AT
    for link in page.links:
        heading = link.under
        if link.region == "main" and not heading and len(link.text) >= _MIN_LETTERS:
            for place in range(at, len(page.blocks)):
                left -= len(page.blocks[place].text)
                if left < 0:
                    break
                if link.text in page.blocks[place].text:
                    at, heading = place, above[place]
                    break
        found.append(link._replace(under=heading))
    return tuple(found)


def _above(blocks: tuple[Block, ...]) -> list[str]:
    """For each block the heading above it; the page's own title heads everything and tells nothing."""
    found: list[str] = []
    words = ""
    for block in blocks:
        found.append(words)
        if block.kind == "heading":
            words = block.text if block.level > 1 else ""
    return found
