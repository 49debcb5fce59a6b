"""The last look at a page's blocks: calls to action, marks of the site and edges that are navigation go.

Works on what each block is made of (share of links, words), then on set phrases as a weak hint. Imported by the
parsing child.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.intake.pages.page import Block

_WORD: Final = re.compile(r"[^\W_]+")
_DENSE_SCRIPT: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ACTION: Final = re.compile(
    r"(?:(?:get|start|try|book|request|contact|talk|learn|read|see|view|watch|sign|log|join|subscribe|download|install|add"
    r"|explore|show|load|back|copy|share|edit|suggest|report|follow|connect|buy|open|skip|next|prev|previous|older|newer"
    r"|details|more|visit|try|choose|select|compare|launch|deploy|browse|free|trouble|jump|rss|tweet|post)\b|→|›|»|←|‹)",
    re.IGNORECASE,
)
# Set phrases of sites. Each is closed on both sides: "Updated files are sent on" or "Powered by GPT" is evidence.
_DATE: Final = (
    r"(?:(?:an?|\d+|over an?|about an?) \w+ ago|(?:\w{3,9}\.? )?\d{1,4}(?:st|nd|rd|th)?[ ,./-].{0,20}|today|yesterday)"
)
_MAKERS: Final = (
    r"(?:docusaurus|gitbook|mintlify|sphinx|(?:material for )?mkdocs|read ?the ?docs|readme|wordpress|zendesk|intercom"
    r"|hugo|jekyll|ghost|notion|confluence|trustpage|safebase|vanta|drata|document360|webflow|wix)"
)
_CROWD: Final = (
    r"(?:\w+ ){0,3}(?:teams|companies|developers|engineers|customers|businesses|organi[sz]ations|brands|people)"
)
_SPANS: Final = r"(?:second|minute|hour|day|week|month|year)"
_COUNTS: Final = (
    r"(?:\W? ?[\d.,]+ ?[km]?\+? (?:reviews?|ratings?|likes?|votes?|upvotes?|followers?|comments?|repl(?:y|ies)"
    r"|reactions?|claps?|views?|bookmarks?))"
)
_RATING: Final = (
    r"[\d.]+(?: ?/ ?(?:4|5|10)(?:\.0)?| ?stars?| ?★+| out of \d)(?: ?\(?[\d.,]+[km]?(?: \w+)?\)?)?|[★☆⭐ ]+[\d.]*"
)
_PHRASE: Final = re.compile(
    r"(?:was|is|did|does|were) (?:this|the|our) (?:page|article|guide|section|answer|content|doc\w*|topic)? ?"
    r"(?:be )?(?:help\w*|useful|clear|answer)\b.{0,40}\?.{0,20}|(?:was|did) this (?:help\w*|useful).{0,10}"
    r"|(?:was )?(?:this )?(?:helpful|useful)\?.{0,20}|rate this (?:page|article).{0,20}|yes no"
    r"|.{0,30}\bfound (?:this|it) (?:review )?(?:to be )?helpful\W*"
    rf"|(?:page )?(?:last )?(?:updated?|modified|edited|reviewed)(?: on| at)?:? {_DATE}"
    r"|edit (?:this page|on) ?(?:on )?\w{0,12}|suggest (?:an )?edits?|view (?:page )?source"
    r"|copy (?:page|link|code)|copied!?"
    rf"|(?:copyright|©|\(c\)) .*|.*\ball rights reserved\b.*"
    rf"|(?:powered|built|made|generated) (?:by|with) {_MAKERS}\b.{{0,40}}"
    r"|skip to (?:the )?(?:main |page )?(?:content|navigation|search|footer)|(?:jump|back) to (?:top|content)"
    r"|on this page|(?:table of )?contents|in this (?:article|page)|share(?: this)?\W*(?:(?:post|article|page)\W*)?"
    rf"|version: [\w.]+|\d+ min(?:ute)?s? read|advertisement|sponsored|(?:trusted|loved) by {_CROWD}\b.{{0,30}}"
    rf"|(?:trusted|loved) by (?:\w+ ){{1,3}}at|{_COUNTS}(?: ?[•·|] ?{_COUNTS})*|{_RATING}"
    rf"|\W?\d+ ?(?:s|m|h|d|w|mo|y|min|hr|{_SPANS})s? ago|(?:created|posted|written) by .*\b(?:on|at) {_DATE}"
    r"|you(?:'re| are)? receiv\w+ this (?:e-?mail|newsletter) because .*|unsubscribe\s*[|·•].{0,60}"
    r"|this (?:topic|thread|question|discussion) (?:was|is|has been) (?:\w+ ){0,2}(?:closed|locked|archived)\b.*"
    r"|war (?:diese|dieser|das) .{0,30}hilfreich\W*|(?:cette|cet) .{0,40}\butile\W*|¿.{0,40}\b(?:útil|ayud\w+)\W*"
    r"|most popular"
    r"|\[?\W*(?:previous|prev)\b.{0,60}\bnext\b.{0,60}",
    re.IGNORECASE,
)
_BANNER: Final = re.compile(
    r"\b(?:uses?|using|accept\w*|reject|allow|manage|set|optional|necessary) (?:\w+ ){0,2}cookies?\b"
    r"|\bcookies? (?:help|to|and similar|policy|settings|preferences)\b|\benable javascript\b"
    r"|\breload (?:this|the page|to)\b"
    r"|\bbrowser (?:is|does) (?:not|no longer)\b",
    re.IGNORECASE,
)
_ALL: Final = 0.95
_LINKED: Final = 0.5
_LITTLE: Final = 0.3
_ACTION_WORDS: Final = 8
_PHRASE_WORDS: Final = 16
_FEW_WORDS: Final = 4
_SHORT_WORDS: Final = 2
_ALL_BUT_LABEL: Final = 0.7
_REPEATED_WORDS: Final = 6
_PROSE_WORDS: Final = 12
_OPENING: Final = 0.3
"""Share of the words that may stand before a page's title as mere preamble."""


class Piece(NamedTuple):
    """A block and what it is made of."""

    block: Block
    linked: float
    """Share of its letters that are links."""
    links: int
    inner_links: int
    """Links to places of the same page."""
    outer: bool
    """Whether it stands outside the element with the main text."""
    inside: bool = True
    """Whether it is of the page's article, on a page that is one."""


def letters(text: str) -> int:
    """Letters and digits of a text."""
    return sum(map(len, _WORD.findall(text)))


def trimmed(pieces: Sequence[Piece], *, named: bool, article: bool) -> list[Piece]:
    """`pieces` without navigation, in their order.

    `named` tells that a landmark names the main text, `article` that the page is an article.
    """
    kept = [piece for piece in (_of_article(pieces) if article else pieces) if not _is_noise(piece)]
    titles = [i for i, piece in enumerate(kept) if piece.block.kind == "heading" and piece.block.level == 1]
    inner = [i for i in titles if not kept[i].outer]
    title = (inner or titles or [0])[0]
    kept = [
        piece
        for index, piece in enumerate(kept)
        if not piece.outer or index == title or _survives_outside(piece, named=named, opened=index > title)
    ]
    kept = _without_preamble(kept)
    if not named:
        while kept and kept[-1].linked >= _LINKED and kept[-1].block.kind in ("paragraph", "item"):
            kept.pop()
    return kept or list(pieces)


def _of_article(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """The pieces of the article, and the page's title where that stands before it.

    In it a line that is a link and nothing else leads to another article, and what stands there twice is a caption or
    a quotation pulled out of it.
    """
    first = next((i for i, piece in enumerate(pieces) if piece.inside), len(pieces))
    titles = [i for i, piece in enumerate(pieces) if piece.block.kind == "heading" and piece.block.level == 1]
    title = max((i for i in titles if i < first), default=-1)
    kept: list[Piece] = []
    seen: set[str] = set()
    for index, piece in enumerate(pieces):
        text, kind = piece.block.text, piece.block.kind
        aside = kind in ("paragraph", "item") and (_leads_away(piece) or text in seen)
        if (piece.inside and not aside) or index == title:
            kept.append(piece)
        if _weight(text) >= _REPEATED_WORDS:
            seen.add(text)
    return kept


def _leads_away(piece: Piece) -> bool:
    """Whether a block is a link to another page and nothing else."""
    return piece.linked >= _ALL_BUT_LABEL and not piece.inner_links and _weight(piece.block.text) > _SHORT_WORDS


def _is_noise(piece: Piece) -> bool:
    """Whether a block is a call to action, a table of contents or a set phrase of sites."""
    kind, text = piece.block.kind, piece.block.text
    if kind in ("row", "code"):
        return False
    words = _weight(text)
    if piece.linked >= _ALL and kind != "heading":
        if piece.inner_links and piece.inner_links == piece.links and (kind == "item" or piece.links > 1):
            return True
        if kind == "paragraph" and words <= _ACTION_WORDS * max(1, piece.links) and _ACTION.match(text):
            return True
    return words <= _PHRASE_WORDS and _PHRASE.fullmatch(text) is not None


def _survives_outside(piece: Piece, *, named: bool, opened: bool) -> bool:
    """Whether a block outside the main text is text that a vendor wants read rather than the site's frame."""
    words = _weight(piece.block.text)
    if piece.block.kind == "code":
        return True
    if piece.block.kind == "row" and not named:
        return opened
    if opened and not piece.links and (words >= _SHORT_WORDS or piece.block.kind in ("item", "heading")):
        return not _BANNER.search(piece.block.text)
    if named or not opened:
        return words >= _PROSE_WORDS and piece.linked < _LITTLE and not _BANNER.search(piece.block.text)
    return words > _FEW_WORDS and piece.linked < _LINKED and not _BANNER.search(piece.block.text)


def _without_preamble(pieces: list[Piece]) -> list[Piece]:
    """`pieces` without the short or linked ones before the title, where the title opens the page."""
    title = next((i for i, p in enumerate(pieces) if p.block.kind == "heading" and p.block.level == 1), 0)
    before = sum(_weight(piece.block.text) for piece in pieces[:title])
    if before > _OPENING * sum(_weight(piece.block.text) for piece in pieces):
        return pieces
    return [
        piece
        for index, piece in enumerate(pieces)
        if index >= title
        or piece.block.kind in ("code", "row")
        or (piece.linked < _LITTLE and _weight(piece.block.text) > _PROSE_WORDS)
        or (not piece.outer and not piece.links and _says_something(piece.block.text))
    ]


def _says_something(text: str) -> bool:
    """Whether a block before a title may be evidence: more than one word, without a link."""
    return _weight(text) >= _SHORT_WORDS


def _weight(text: str) -> int:
    """Words of a text; scripts without spaces count two characters as a word."""
    words = len(_WORD.findall(text))
    return words if text.isascii() else words + len(_DENSE_SCRIPT.findall(text)) // 2
