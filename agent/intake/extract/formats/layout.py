"""Finds the main text of an HTML page: landmarks first, then link density, then class names as weak hints.

A name alone ("share", "menu") never removes prose: the named element must also be short or consist of links. Material
about something else (cards of other products, reviews) is marked by the caller, not dropped. The final pass over a
page's blocks looks at their composition (share of links, words), then at stock phrases as a weak hint. Imported by the
parsing child.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice
from typing import Final, Literal, NamedTuple

from lxml import etree

from agent.intake.hidden.visibility import tag_of
from agent.intake.page import Block

# Camel case, underscores and dashes are normalised before names are compared. The noun must come last in a name; only
# words for boxes and sides, numbers and hashes may follow it. For example, `docSidebarContainer_Yf3` is a sidebar, but
# `pagination-first` (beside `article-body`) is not pagination, and `has-sidebar` is not a sidebar.
_OF: Final = r"(?<![a-z0-9])(?<!has-)(?<!with-)(?<!no-)"
_BOXES: Final = (
    r"(?:-(?:container|wrapper|wrap|holder|outer|inner|content|body|box|block|bar|area|section|region|panel|pane|widget"
    r"|module|component|group|row|col|column|list|items?|cards?|grid|wall|strip|slider|carousel|links?"
    r"|buttons?|icons?|form|menu|nav|header|heading"
    r"|title|label|text|left|right|top|bottom|main|primary|secondary|desktop|mobile|sticky|fixed|root|[a-z]{0,3}"
    r"|[a-z]*[0-9][a-z0-9]*)(?![a-z0-9])){0,5}+(?!\S)"
)
_WORD: Final = re.compile(r"[^\W_]+")
_DENSE_SCRIPT: Final = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_ACTION: Final = re.compile(
    r"(?i)(?:(?:get|start|try|book|request|contact|talk|learn|read|see|view|watch|sign|log|join|subscribe|download"
    r"|install|add|explore|show|load|back|copy|share|edit|suggest|report|follow|connect|buy|open|skip|next|prev"
    r"|previous|older|newer|details|more|visit|try|choose|select|compare|launch|deploy|browse|free|trouble|jump|rss"
    r"|tweet|post)\b|→|›|»|←|‹)"
)
# Stock phrases. Each must match a block's whole text: "Updated files are sent on" and "Powered by GPT" are evidence.
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
    r"(?i)\b(?:uses?|using|accept\w*|reject|allow|manage|set|optional|necessary) (?:\w+ ){0,2}cookies?\b"
    r"|\bcookies? (?:help|to|and similar|policy|settings|preferences)\b|\benable javascript\b"
    r"|\breload (?:this|the page|to)\b|\bbrowser (?:is|does) (?:not|no longer)\b"
)
_ALL: Final = 0.95
_MOSTLY_LINKED: Final = 0.5
_LITTLE: Final = 0.3
_ACTION_WORDS: Final = 8
_PHRASE_WORDS: Final = 16
_FEW_WORDS: Final = 4
_SHORT_WORDS: Final = 2
_ALL_BUT_LABEL: Final = 0.7
_REPEATED_WORDS: Final = 6
_PROSE_WORDS: Final = 12
_OPENING: Final = 0.3
"""Maximum share of a page's words before its title that still counts as preamble."""


def named(words: str) -> re.Pattern[str]:
    """Compile a pattern for element names that mean one of `words`, which are regular-expression alternatives."""
    return re.compile(f"{_OF}(?:{words}){_BOXES}")


_STRONG_NAMES: Final = named(
    r"cookies?(?:-law)?(?:-[a-z]+)?(?:-banner|-consent|-notice|-bar|-popup|-dialog|-root|-wall|-settings)?"
    r"|consent|gdpr|ccpa|onetrust|cookiebot|bread-?crumbs?|pagination|pager|skip-?(?:link|to-content|nav|to)"
    r"|(?:site|page|main|global|layout|c|m)-footer|footer|colophon|table-of-contents|on-this-page|toc|linenos|linenodiv"
    r"|blob-num"
)
_WEAK_NAMES: Final = named(
    r"side-?bar|side-?nav|side-?menu|nav-?bar|nav|navigation|mega-menu|menu|top-?bar|top-?nav|site-header"
    r"|global-(?:header|menu|nav)|share|sharing|social|social-?links|login|signin|sign-?up"
    r"|search(?:-?(?:box|form|bar|input))?"
    r"|edit-this-page|page-?actions|feedback|helpful|announcement|announcement-bar|flash|banner|newsletter|subscribe"
    r"|tab-?labels|tabbed-labels|nav-tabs|tabs-row|tabs-header|pivot|badges?-row|last-updated|edit-page|tags-row"
    r"|usp-bar|cta|cta-banner|md-skip|disclaimer|footer-[a-z]+"
)
_NEIGHBOUR_NAMES: Final = re.compile(
    r"(?:^|\s)(?:[a-z]{1,3}-)*(?:(?:customer|user|product|app|item|article|post|page|section|widget)s?-)*"
    r"(?:related|similar|recommended|recommendations?|alternatives?|neighbou?rs?|also|you-may|more-from|reviews?|ratings?"
    r"|testimonials?|featured|sponsored?|advert(?:s|isement)?|ads|promo|trending|newsletter|subscribe|recently-viewed"
    r"|recent-(?:posts|entries)|aivss|maestro)"
    r"(?:-(?:agents?|assistants?|tools?|products?|apps?|servers?|posts?|articles?|stories|pages|projects?|listings?"
    r"|plugins?|skills?|packages?|news)(?![a-z0-9]))?" + _BOXES
)
# Names that content often has too: the element is chrome if it is mostly links, and discussion if it contains posts.
_LINK_NAMES: Final = named("tabs?|tab-?bar|tab-?list")
_TALK_NAMES: Final = named("comments?|replies|discussions?")
_TALK_HEADING: Final = re.compile(r"(?:\d+ )?(?:comments?|replies|discussion)(?: \(?\d+\)?)?:?", re.IGNORECASE)
_TALK: Final = re.compile(
    r"(?i)\b(?:posted|commented|replied|written|answered) (?:by|on|at)\b|\b(?:\d+ ?[smhdwy]|\d+ \w{3,7}"
    r"|an? \w{3,7}) ago\b|\b(?:leave|add|write|post) a (?:comment|reply)\b"
)
_BYLINE_NAMES: Final = named("byline|meta|infos?|author|poster")
_BYLINE: Final = (
    "boolean(.//time) and boolean(.//a[contains(@href, '/u/') or contains(@href, '/user') or contains(@href, '/@') or "
    "contains(@href, '/profile') or contains(@href, '/member')] | .//*[@itemprop='author'])"
)
_THINGS: Final = (
    r"(?:ai )?(?:agents?|tools?|products?|apps?|servers?|posts?|articles?|pages?|links?|listings?|reading|topics?"
    r"|projects?|software|companies|categories|searches|extensions?|packages?|plug-?ins?|repositories)"
)
NEIGHBOUR_HEADING: Final = re.compile(
    r"(?:related|similar|other|recommended|featured|popular|trending|sponsored|more|latest|recent)"
    rf"(?: \w+)? {_THINGS}\b.*"
    r"|related|similar|featured|sponsored|recommended(?: for you)?|trending(?: now)?|recently viewed.*|advertisement"
    r"|(?:\w+ )?alternatives(?: to .*)?|(?:you|users|people|customers) (?:may|might|also)\b.*"
    r"|people who .*|popular ways to\b.*|more (?:from|like|by)\b.*"
    r"|(?:customer |user |verified |product )?(?:reviews|ratings)(?: (?:and|&) \w+)?(?: \(\d+\))?|[\d.]+ out of 5.*"
    r"|testimonials|what (?:our )?\w+ (?:say|think|are saying)\b.*|loved by\b.*"
    r"|used by(?: [\d.,]+[km]?\+?)?|(?:spaces|collections?|projects|packages|repositories) (?:using|including)\b.*"
    r"|trusted by\b.*|newsletter|stay (?:updated|in the loop|up to date)\b.*|get .{3,40} in your inbox|share this\W*"
    r"|関連記事|関連項目|お客様の声|منتجات مشابهة",
    re.IGNORECASE,
)
_ADMONITION: Final = re.compile(
    r"admonition|callout|note|notice|tip|warning|caution|alert|info|hint|starlight-aside", re.I
)
_MARK_NAMES: Final = re.compile(
    r"header-?link|hash-link|permalink|heading-anchor|viewcode-link|edit-(?:this-)?page|suggest-edits"
    r"|skip-(?:to-|link|nav)"
)
_BLOCKS: Final = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "dialog", "div", "dl"),
        *("dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "legend", "li"),
        *("main", "menu", "nav", "ol", "option", "p", "pre", "search", "section", "summary", "table", "tbody", "td"),
        *("tfoot", "th", "thead", "tr", "ul", "br"),
    )
)
_CHROME_TAGS: Final = frozenset({"nav", "footer", "search", "menu"})
_CHROME_ROLES: Final = frozenset({"navigation", "contentinfo", "search", "menu", "menubar", "toolbar", "alertdialog"})
_NEVER: Final = frozenset({"body", "main", "article", "html"})
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS: Final = re.compile(r"[_/:.\-]+")
_SHORT_NAMES: Final = 500
"""Maximum length in characters of cached element names; a page uses the same few names again and again."""
_SMALL_SHARE: Final = 0.5
_LANDMARK_SHARE: Final = 0.5
_CONTAINER_SHARE: Final = 0.75
_PROSE_CHARS: Final = 220
"""Minimum length in characters of unlinked text that counts as prose, which is kept regardless of element names."""
_LINKED: Final = 0.4
_BARE_HEADING: Final = 1.3
_MARK_CHARS: Final = 20
_BYLINE_CHARS: Final = 100
"""Maximum length in characters of a byline (the author and time above a post); a longer text is a post."""
_TALK_REACH: Final = 100
"""Number of text nodes of an element that are searched for signs of posts."""


Mark = Literal["chrome", "neighbour"]
"""`chrome` is navigation, a banner or similar; `neighbour` is about something else (related products, reviews,
advertisements)."""


class Size(NamedTuple):
    """Number of characters in an element's text, without leading and trailing white space, and how many are in
    links."""

    chars: int
    linked: int

    @property
    def prose(self) -> int:
        """Number of characters outside links."""
        return self.chars - self.linked

    @property
    def share(self) -> float:
        """Share of the characters that are in links."""
        return self.linked / max(1, self.chars)


class Layout:
    """Classifies the elements of one tree, which must not change while this object is in use.

    `scope` is the element with the main text, or None if no element stands out; `named` says whether a landmark
    names it; `depth` is the maximum nesting depth of the elements; `titled` are those around a first-level heading.
    """

    def __init__(self, root: etree._Element) -> None:
        self._sizes: dict[etree._Element, Size] = {}
        self._measure(root)
        self._total = max(1, self.size(root).chars)
        self.titled: set[etree._Element] = set()
        for heading in root.iter("h1"):
            self.titled.update(heading.iterancestors())
        self.named = False
        self.scope = self._find_scope(root)

    def size(self, element: etree._Element) -> Size:
        """Return the size of an element."""
        return self._sizes.get(element, Size(0, 0))

    def is_chrome(self, element: etree._Element, tag: str, names: str, *, main: bool) -> bool:
        """Return whether an element is navigation, a banner or similar; `names` come from `names_of`."""
        role = element.get("role") or ""
        if tag in _NEVER or role == "main":
            return False
        if tag in _CHROME_TAGS:
            parent = element.getparent()
            return not (tag == "footer" and parent is not None and parent.tag == "blockquote")
        if tag == "header":
            # A header that contains the page's title is the opening of the page, not chrome.
            return not main and element not in self.titled
        if role in _CHROME_ROLES:
            return True
        if tag == "aside" or role == "complementary":
            # A note without links inside the main text belongs to that text, even if it is short.
            said = main and not self.size(element).linked and self.size(element).chars > _MARK_CHARS
            note = said or _ADMONITION.search(f"{names} {role if role != 'complementary' else ''}")
            return not note and self._thin(element)
        if role == "tablist":
            return not element.xpath("boolean(.//*[@role='tabpanel' or @aria-expanded])")
        if tag == "form":
            return self.is_small(element)
        if not names or element in self.titled or not self.is_small(element):
            return False
        if _STRONG_NAMES.search(names) or (_WEAK_NAMES.search(names) and self._thin(element)):
            return True
        size = self.size(element)
        if size.chars < _BYLINE_CHARS and _BYLINE_NAMES.search(names) and element.xpath(_BYLINE):
            return True
        return size.share > _LINKED and size.chars < _PROSE_CHARS and _LINK_NAMES.search(names) is not None

    def is_neighbour(self, element: etree._Element, tag: str, names: str) -> bool:
        """Return whether an element declares that it is about something else, such as related items, reviews or ads."""
        if tag in _NEVER or element in self.titled or not names or not self.is_small(element):
            return False
        talk = _TALK_NAMES.search(names) is not None and _is_talk(element)
        return talk or _NEIGHBOUR_NAMES.search(names) is not None

    def heads_talk(self, heading: etree._Element, text: str) -> bool:
        """Return whether a heading introduces readers' posts, judging by both its own words and the text below it."""
        section = self.section_of(heading) if _TALK_HEADING.fullmatch(text) else None
        return section is not None and _is_talk(section)

    def is_mark(self, link: etree._Element) -> bool:
        """Return whether a link is a symbol beside text (anchor, source, edit) rather than text."""
        return self.size(link).chars <= _MARK_CHARS and _MARK_NAMES.search(names_of(link, "a")) is not None

    def is_small(self, element: etree._Element) -> bool:
        """Return whether an element has less than half of the page's text, since a name alone must not drop more."""
        return self.size(element).chars < _SMALL_SHARE * self._total

    def section_of(self, heading: etree._Element) -> etree._Element | None:
        """Return a heading's nearest ancestor with more text than it; None if that holds half the page or more."""
        own = self.size(heading).chars
        for outer in heading.iterancestors():
            if self.size(outer).chars > _BARE_HEADING * own:
                return outer if self.is_small(outer) and outer.tag not in _NEVER else None
        return None

    def is_facts(self, element: etree._Element, tag: str) -> bool:
        """Return whether an element beside the main text lists facts in pairs rather than links."""
        if tag != "aside" and element.get("role") != "complementary":
            return False
        return self.size(element).share <= _LINKED and bool(element.xpath("boolean(.//dl | .//table)"))

    def _thin(self, element: etree._Element) -> bool:
        """Return whether an element beside the text is mostly links, or has little prose and no facts, code or date."""
        size = self.size(element)
        if size.share > _LINKED:
            return True
        return size.prose < _PROSE_CHARS and not element.xpath("boolean(.//dl | .//table | .//pre | .//time)")

    def _measure(self, root: etree._Element) -> None:
        heights: dict[etree._Element, int] = {}
        for element in reversed(list(root.iter("*"))):  # children before their parents
            chars, linked, height = len((element.text or "").strip()), 0, 0
            for child in element.iterchildren("*"):
                size = self._sizes[child]
                chars += size.chars + len((child.tail or "").strip())
                linked += size.linked
                height = max(height, heights[child])
            self._sizes[element] = Size(chars, chars if element.tag == "a" else linked)
            heights[element] = height + 1
        self.depth = heights[root] + 1

    def _find_scope(self, root: etree._Element) -> etree._Element | None:
        scope, total = None, max(1, self.size(root).prose)
        largest = max(root.xpath("//main | //*[@role='main']"), key=lambda main: self.size(main).prose, default=None)
        if largest is not None and self.size(largest).prose >= _LANDMARK_SHARE * total:
            scope, total = largest, max(1, self.size(largest).prose)
        articles = [a for a in (root if scope is None else scope).iter("article") if self.size(a).prose]
        tops = [a for a in articles if next(a.iterancestors("article"), None) is None]
        if len(tops) == 1 and self.size(tops[0]).prose >= _LANDMARK_SHARE * total:
            scope = tops[0]
        self.named = scope is not None
        if self.named:
            return scope
        # The innermost element with most of the page's prose stands out, unless it is only the whole body.
        enough = _CONTAINER_SHARE * total
        inner = root
        while True:
            inner = max(inner, key=lambda element: self.size(element).prose, default=None)
            if inner is None or self.size(inner).prose < enough or inner.tag in ("p", "pre", "ul", "ol"):
                return scope
            scope = inner if inner.tag not in _NEVER else scope


def is_block(element: etree._Element, tag: str) -> bool:
    """Return whether an element occupies lines of its own; a custom element does unless text adjoins it."""
    if tag in _BLOCKS:
        return True
    if "-" not in tag:
        return False
    parent = element.getparent()
    text_around = "" if parent is None else f"{parent.text or ''}{element.tail or ''}"
    return not text_around.strip()


def marks(root: etree._Element, layout: Layout) -> dict[etree._Element, Mark]:
    """Return which of a page's block elements are chrome or neighbours; elements inside chrome are left out."""
    found: dict[etree._Element, Mark] = {}
    stack: list[tuple[etree._Element, bool]] = [(root, False)]
    while stack:
        element, main = stack.pop()
        tag = tag_of(element)
        if tag != "br" and is_block(element, tag):
            main = main or tag in ("main", "article") or element.get("role") == "main"
            names = names_of(element, tag)
            if layout.is_chrome(element, tag, names, main=main):
                found[element] = "chrome"
                continue
            if layout.is_neighbour(element, tag, names):
                found[element] = "neighbour"
        stack.extend((child, main) for child in element)
    return found


def names_of(element: etree._Element, tag: str) -> str:
    """Return the names of an element (classes, id, label, custom tag), normalised to lower case with dashes."""
    given = [element.get("class"), element.get("id"), tag if "-" in tag else None]
    label = element.get("aria-label")
    if label:
        given.append("-".join(label.split()))
    text = " ".join(name for name in given if name)
    if not text:
        return ""
    return _spelt_alike(text) if len(text) < _SHORT_NAMES else _spelt_alike.__wrapped__(text)


@lru_cache(maxsize=4096)
def _spelt_alike(text: str) -> str:
    return _SEPARATORS.sub("-", _CAMEL.sub("-", text)).lower()


def _is_talk(element: etree._Element) -> bool:
    """Return whether the start of an element reads like readers' posts: author and time, or an invitation to reply."""
    return _TALK.search(" ".join(islice(element.itertext(), _TALK_REACH))) is not None


class Piece(NamedTuple):
    """A block with its link statistics and position."""

    block: Block
    linked: float
    """Share of the block's letters that are in links."""
    links: int
    inner_links: int
    """Number of links to places on the same page."""
    outer: bool
    """Whether the block is outside the element with the main text."""
    inside: bool = True
    """Whether the block is part of the page's article; always true on a page that is not an article."""


def letters(text: str) -> int:
    """Return the number of letters and digits in `text`."""
    return sum(map(len, _WORD.findall(text)))


def trimmed(pieces: Sequence[Piece], *, named: bool, article: bool) -> list[Piece]:
    """Return `pieces` without navigation, in their order.

    `named` says whether a landmark names the main text, `article` whether the page is an article.
    """
    kept = [piece for piece in (_of_article(pieces) if article else pieces) if not _is_noise(piece)]
    titles = _titles(kept)
    inner = [i for i in titles if not kept[i].outer]
    title = (inner or titles or [0])[0]
    kept = [
        piece
        for index, piece in enumerate(kept)
        if not piece.outer or index == title or _survives_outside(piece, named=named, opened=index > title)
    ]
    # Short or linked pieces before the title are dropped, provided that the title is near the start of the page.
    title = (_titles(kept) or [0])[0]
    weights = [_weight(piece.block.text) for piece in kept]
    if sum(weights[:title]) <= _OPENING * sum(weights):
        kept = [
            piece
            for index, (piece, weight) in enumerate(zip(kept, weights, strict=True))
            if index >= title
            or piece.block.kind in ("code", "row")
            or (piece.linked < _LITTLE and weight > _PROSE_WORDS)
            or (not piece.outer and not piece.links and weight >= _SHORT_WORDS)
        ]
    while not named and kept and kept[-1].linked >= _MOSTLY_LINKED and kept[-1].block.kind in ("paragraph", "item"):
        kept.pop()
    return kept or list(pieces)


def _titles(pieces: Sequence[Piece]) -> list[int]:
    """Return the indices of the first-level headings."""
    return [i for i, piece in enumerate(pieces) if piece.block.kind == "heading" and piece.block.level == 1]


def _of_article(pieces: Sequence[Piece]) -> Sequence[Piece]:
    """Return the pieces of the article, and the page's title if it precedes the article.

    Two kinds of line are dropped: one that is only a link, because it leads to another article, and a repeated one,
    because it is a caption or a pull quote.
    """
    first = next((i for i, piece in enumerate(pieces) if piece.inside), len(pieces))
    title = max((i for i in _titles(pieces) if i < first), default=-1)
    kept: list[Piece] = []
    seen: set[str] = set()
    for index, piece in enumerate(pieces):
        text, weight = piece.block.text, _weight(piece.block.text)
        leads_away = piece.linked >= _ALL_BUT_LABEL and not piece.inner_links and weight > _SHORT_WORDS
        aside = piece.block.kind in ("paragraph", "item") and (leads_away or text in seen)
        if (piece.inside and not aside) or index == title:
            kept.append(piece)
        if weight >= _REPEATED_WORDS:
            seen.add(text)
    return kept


def _is_noise(piece: Piece) -> bool:
    """Return whether a block is a call to action, a table of contents or a stock phrase."""
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
    """Return whether a block outside the main text is real content rather than page furniture."""
    kind, words = piece.block.kind, _weight(piece.block.text)
    if kind == "code":
        return True
    if kind == "row" and not named:
        return opened
    if opened and not piece.links and (words >= _SHORT_WORDS or kind in ("item", "heading")):
        enough = True
    elif named or not opened:
        enough = words >= _PROSE_WORDS and piece.linked < _LITTLE
    else:
        enough = words > _FEW_WORDS and piece.linked < _MOSTLY_LINKED
    return enough and not _BANNER.search(piece.block.text)


def _weight(text: str) -> int:
    """Return the number of words in `text`; in scripts without spaces, two characters count as a word."""
    words = len(_WORD.findall(text))
    return words if text.isascii() else words + len(_DENSE_SCRIPT.findall(text)) // 2
