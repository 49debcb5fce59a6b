"""Whether a page says anything that was not read before: copies, near-copies and mazes that grow for ever."""

import re
from collections import Counter
from hashlib import blake2b
from typing import Final

from agent.intake.pages.page import Page

_RUN: Final = 5
"""Words of one shingle."""
_SAME: Final = 0.9
"""Share of known shingles from which a page brings nothing new."""
_MIN_SHINGLES: Final = 12
_BARREN: Final = 3
"""Pages of one template without news after which it is a trap."""
_NOT_FOUND: Final = re.compile(
    r"(?:error )?404\b.*|(?:sorry[,.! ]*)?(?:the |this |that )?(?:page|file|document|article)(?: you .*)? "
    r"(?:was |is |could |can)?(?: ?not)(?: be)? found.*|(?:page |file )?not found.*|"
    r"(?:the |this )?page (?:does not|doesn['’]t) exist.*|"
    r"(?:oops|sorry)\b.*\b(?:not found|exist|find)\b.*|nothing (?:was )?found(?: here)?.*",
    re.IGNORECASE,
)
_SHORT_PAGE: Final = 120
"""Words of a page that may be nothing but an error message."""
_FIRST: Final = 3

DUPLICATE: Final = "the same content as another page"
NOTHING_NEW: Final = "nearly the same text as pages that were read"
TRAP: Final = "stopped: crawl trap"


class Novelty:
    """The texts of the pages of one crawl, in the order in which they were taken."""

    def __init__(self) -> None:
        self._bodies: set[bytes] = set()
        self._texts: set[bytes] = set()
        self._shingles: set[int] = set()
        self._barren: Counter[str] = Counter()

    def judge(self, body: bytes, page: Page, kind: str) -> str:
        """Why the page brings nothing new, or an empty text; then it counts as read.

        `kind` is the template of its address: after a few pages without news everything of that template is a trap.
        """
        digest = blake2b(body, digest_size=16).digest()
        words = [word for block in page.blocks for word in re.findall(r"\w+", block.text.casefold())]
        text = blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=16).digest()
        if digest in self._bodies or (words and text in self._texts):
            self._barren[kind] += 1
            return DUPLICATE
        shingles = {_hash(words[start : start + _RUN]) for start in range(len(words) - _RUN + 1)}
        if len(shingles) >= _MIN_SHINGLES and len(shingles & self._shingles) >= _SAME * len(shingles):
            self._barren[kind] += 1
            return NOTHING_NEW
        self._bodies.add(digest)
        self._texts.add(text)
        self._shingles |= shingles
        return ""

    def is_trap(self, kind: str) -> bool:
        """Whether pages of this template have stopped to say anything new."""
        return self._barren[kind] >= _BARREN


def is_soft_404(page: Page) -> bool:
    """Whether a page that was answered with 200 only says that there is none."""
    if sum(len(block.text.split()) for block in page.blocks) > _SHORT_PAGE:
        return False
    heads = [page.title, *(block.text for block in page.blocks[:_FIRST])]
    return any(_NOT_FOUND.fullmatch(head.strip()) for head in heads)


def _hash(words: list[str]) -> int:
    # Not Python's own hash: it differs from run to run.
    return int.from_bytes(blake2b(" ".join(words).encode("utf-8", "replace"), digest_size=8).digest(), "big")
