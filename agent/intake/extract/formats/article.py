"""Finds the main text of a page that is an article: a post, a report, a long text.

A page whose metadata says that it is an article has one main text, surrounded by teasers, comments and boxes. Its
paragraphs vote for their containing elements, as in Readability (Arc90, Mozilla). Siblings of the winner are added if
they read like prose. On a product page every box counts and nothing is cut off, so `of_page` is not used there, and
`layout` alone decides what is navigation. Imported by the parsing child.
"""

import re
from collections import Counter
from collections.abc import Collection
from typing import Final, NamedTuple

from lxml import etree

from agent.intake.extract.formats.layout import Layout, is_block, named, names_of

_COMMA: Final = re.compile("[,،，、;；。]")
_TYPE: Final = re.compile(r'"@type"\s*+:\s*+(?:\[\s*+)?+"(?:(?!Tech)\w{0,20}Article|BlogPosting)"')
_ITEM_TYPE: Final = re.compile(r"schema\.org/(?:(?!Tech)\w*Article|BlogPosting)\b")
_SAYS_SO: Final = (
    "boolean(//meta[@property='og:type' or @name='og:type'][starts-with(@content, 'article')]"
    " | //*[contains(@itemprop, 'articleBody')])"
)
_FACTS: Final = "boolean(descendant-or-self::table | descendant-or-self::pre | descendant-or-self::dl)"
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_TEXTS: Final = frozenset({"p", "pre", "blockquote", "li", "dd", "dt"})
_WHOLE: Final = frozenset({"article", "main"})
_NEVER: Final = frozenset({"html", "body", "main", "article"})
_PICTURES: Final = named("gallery|slideshow|carousel|slider|captions?|credits?")
_TALK: Final = named("comments?|commentlist|replies|respond|disqus")
_VOTES: Final = (1.0, 0.5, 1 / 6, 1 / 9)
"""Shares of a paragraph's score that go to its parent, its grandparent and so on."""
_LEAST_VOTE: Final = 25
_LONG_VOTE: Final = 3.0
_PROSE: Final = 80
"""Minimum number of characters outside links for a paragraph to count as prose."""
_PROSE_LINKED: Final = 0.3
_JOINS: Final = 0.5
"""Minimum share of prose for a sibling element to count as part of the article."""
_JOINS_LINKED: Final = 0.15
_NEAR: Final = 3
"""Up to this many levels above the winner, a sibling is added if it has one paragraph; higher up, it needs `_FAR_SHARE`
of the prose."""
_FAR_SHARE: Final = 0.25
_LEAST: Final = 300
"""Minimum characters of prose in an article; a page with fewer is not an article, whatever its metadata says."""
_DENSE: Final = 0.6
"""Minimum share of prose in an article's text."""
_ALMOST_ALL: Final = 0.9
_TITLE: Final = 10
_TITLE_LINKED: Final = 0.8
_CARD: Final = 1000


class Article(NamedTuple):
    """The elements that make up an article, and elements to leave out: teasers, comments, captions."""

    roots: frozenset[etree._Element]
    away: frozenset[etree._Element]


class _Count:
    """Character counts of a block's own text, or of everything inside an element."""

    __slots__ = ("chars", "commas", "linked", "prose")

    def __init__(self) -> None:
        self.chars = self.linked = self.commas = self.prose = 0


def of_page(root: etree._Element, layout: Layout, marked: Collection[etree._Element]) -> Article | None:
    """Return the article of a page that says that it is one, or None if its text does not read like an article.

    `marked` are elements that cannot belong to an article.
    """
    seen = _Seen(root, layout, marked)
    top = seen.top()
    if top is None:
        return None
    roots = seen.joined(top)
    counts = [seen.within[element] for element in roots]
    prose = sum(count.prose for count in counts)
    if prose < _LEAST or prose < _DENSE * sum(count.chars for count in counts):
        return None
    return Article(frozenset(roots), frozenset(seen.away))


def says_so(root: etree._Element) -> bool:
    """Return whether the page's metadata says that it is an article; call it before scripts and head are removed."""
    if root.xpath(_SAYS_SO):
        return True
    # A page that lists several articles is an index, not an article.
    items = sum(_ITEM_TYPE.search(element.get("itemtype")) is not None for element in root.xpath("//*[@itemtype]"))
    scripts = [script.text or "" for script in root.iter("script") if "ld+json" in (script.get("type") or "")]
    return items == 1 or sum(len(_TYPE.findall(script)) for script in scripts) == 1


class _Seen:
    """Text statistics of a page by element, excluding chrome and teasers."""

    def __init__(self, root: etree._Element, layout: Layout, chrome: Collection[etree._Element]) -> None:
        self._layout = layout
        self._order: list[etree._Element] = []
        self.away = self._teasers(root)
        self.own: dict[etree._Element, _Count] = {}
        self.within: dict[etree._Element, _Count] = {}
        self._read(root, chrome)
        self._sum()

    def top(self) -> etree._Element | None:
        """Return the body named by microdata, otherwise the best-scoring element; None if no block has enough text."""
        named = [element for element in self._order if "articleBody" in (element.get("itemprop") or "")]
        if named:
            return max(named, key=lambda element: self.within[element].prose)
        scores: dict[etree._Element, float] = {}
        for element, count in self.own.items():
            plain = count.chars - count.linked
            if plain < _LEAST_VOTE:
                continue
            holds = element.tag not in _TEXTS and self.within[element].chars > count.chars
            size = plain / 100 if holds or element.tag == "div" else min(_LONG_VOTE, plain / 100)
            points = (1 + count.commas + size) * plain / count.chars
            holder = element if holds else element.getparent()
            for part in _VOTES:
                if holder is None or holder.tag == "html":
                    break
                scores[holder] = scores.get(holder, 0.0) + points * part
                holder = holder.getparent()
        return max(scores, key=lambda e: scores[e] * (1 - self._layout.size(e).share), default=None)

    def joined(self, top: etree._Element) -> set[etree._Element]:
        """Return `top` and siblings that read like prose, level by level up to the enclosing `article` or `main`."""
        roots, here, level, prose = {top}, top, 0, self.within[top].prose
        while here.tag not in _WHOLE and "articleBody" not in (here.get("itemprop") or ""):
            parent = here.getparent()
            if parent is None or parent.tag == "html":
                break
            level += 1
            least = _PROSE if level <= _NEAR else _FAR_SHARE * prose
            siblings = [
                child
                for child in parent
                if child is here or (child in self.within and self._layout.size(child).share <= _JOINS_LINKED)
            ]
            taken = [i for i, child in enumerate(siblings) if child is here or self._reads_on(child, least)]
            # An element between two parts of an article also belongs to the article.
            for child in siblings[taken[0] : taken[-1] + 1]:
                if child is not here:
                    roots.add(child)
                    prose += self.within[child].prose
            here = parent
        return roots

    def _reads_on(self, element: etree._Element, least: float) -> bool:
        count = self.within[element]
        return count.prose >= max(least, _JOINS * count.chars) or (
            least == _PROSE and count.chars >= _PROSE and element.xpath(_FACTS)
        )

    def _read(self, root: etree._Element, chrome: Collection[etree._Element]) -> None:
        """Count the text of each block, leaving out chrome, teasers, pictures and readers' posts."""
        most = _ALMOST_ALL * self._layout.size(root).chars
        # On a page with code, a caption explains a drawing; on other pages it only says who is in a photograph.
        technical = root.xpath("boolean(//pre | //code)")
        stack: list[tuple[etree._Element, etree._Element, bool]] = [(root, root, False)]
        while stack:
            element, block, linked = stack.pop()
            tag = element.tag
            if not isinstance(tag, str) or element in chrome or element in self.away:
                continue
            self._order.append(element)
            if tag != "br" and is_block(element, tag):
                names = "" if tag in _NEVER or element in self._layout.titled else names_of(element, tag)
                picture = tag == "figcaption" or (_PICTURES.search(names) and self._layout.is_small(element))
                talk = _TALK.search(names) and self._layout.size(element).chars < most
                if talk or (picture and not technical and not element.xpath(_FACTS)):
                    self.away.add(element)
                    continue
                block = element
            linked = linked or tag == "a"
            for text in (element.text, *(child.tail for child in element)):
                chars = len(text.strip()) if text else 0
                if chars:
                    count = self.own.setdefault(block, _Count())
                    count.chars += chars
                    count.linked += chars * linked
                    count.commas += len(_COMMA.findall(text))
            stack.extend((child, block, linked) for child in element)

    def _sum(self) -> None:
        """Add the counts of blocks up to their enclosing elements."""
        self.within = {element: _Count() for element in self._order}
        for element in reversed(self._order):
            total, own = self.within[element], self.own.get(element)
            if own is not None:
                plain = own.chars - own.linked
                total.chars += own.chars
                if plain >= _PROSE and own.linked < _PROSE_LINKED * own.chars and element.tag != "pre":
                    total.prose += plain
            outer = self.within.get(element.getparent())
            if outer is not None:
                outer.chars += total.chars
                outer.prose += total.prose

    def _teasers(self, root: etree._Element) -> set[etree._Element]:
        """Return sibling boxes that are teasers for other pages, recognised by their linked titles."""
        titles = [title for title in root.iter(*_HEADINGS) if self._leads_away(title)]
        holds: Counter[etree._Element] = Counter(titles)
        for element in reversed(list(root.iter("*"))) if titles else ():
            if holds[element]:
                holds[element.getparent()] += holds[element]
        boxes: dict[etree._Element, list[etree._Element]] = {}
        for title in titles:
            box, outer = title, title.getparent()
            while outer is not None and holds[outer] == 1 and outer.tag not in _WHOLE:
                box, outer = outer, outer.getparent()
            if outer is not None and box is not title and self._layout.size(box).chars < _CARD:
                boxes.setdefault(outer, []).append(box)
        return {box for siblings in boxes.values() if len(siblings) > 1 for box in siblings}

    def _leads_away(self, title: etree._Element) -> bool:
        size = self._layout.size(title)
        if size.chars < _TITLE:
            return False
        within = size.linked >= _TITLE_LINKED * size.chars
        link = next(title.iter("a") if within else title.iterancestors("a"), None)
        return link is not None and not (link.get("href") or "#").startswith("#")
