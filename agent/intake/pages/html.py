"""An HTML page as blocks: what a reader sees, without navigation, in the page's own order.

The blocks are our own rather than trafilatura's: a main-text heuristic made for news drops visible text in bare
`<div>`s, which is where product pages keep it. trafilatura has a vote where the page names no main part: blocks at
the edges that it does not take and that look like navigation go. Text that repeats over the pages of a site is taken
out later, when all pages are there (`boilerplate`). Imported by the parsing child.
"""

import re
from typing import Final, NamedTuple

from lxml import etree

from agent.intake.pages.head import read_head
from agent.intake.pages.page import AboutHint, Block, BlockKind, Page, PageLink, Region, Removed
from agent.intake.pages.visibility import NOT_XML, Visibility, mount_is_empty

_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_BLOCKS: Final = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "caption", "dd", "details", "dialog", "div", "dl"),
        *("dt", "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "legend", "li"),
        *("main", "menu", "nav", "ol", "option", "p", "pre", "search", "section", "summary", "table", "tbody", "td"),
        *("tfoot", "th", "thead", "tr", "ul", "br"),
    )
)
_CHROME_TAGS: Final = frozenset({"nav", "footer", "search", "menu"})
_CHROME_ROLES: Final = frozenset(
    {"navigation", "contentinfo", "search", "menu", "menubar", "toolbar", "alertdialog", "complementary"}
)
_CHROME_NAMES: Final = re.compile(
    r"(?:^|[\s_-])(?:cookies?[_-]?(?:banner|consent|notice|bar|popup|dialog|law|wall)|consent|gdpr|ccpa|onetrust|cookiebot|"
    r"breadcrumbs?|pagination|pager|sidebar|side-?nav|nav-?bar|nav|navigation|menu|site-?(?:header|footer|nav)|footer|"
    r"topbar|toc|table-of-contents|on-this-page|skip-?(?:link|to-content|nav)|share|social|social-?links|"
    r"login|signin|sign-?up|search-?(?:box|form|bar)|edit-this-page|page-?actions)(?:[\s_-]|$)",
    re.IGNORECASE,
)
_NEIGHBOUR_NAMES: Final = re.compile(
    r"(?:^|\s)(?:(?:related|similar|recommended|recommendations|alternatives?|neighbou?rs?|also|you-may|more-from|reviews?|"
    r"ratings|testimonials?|featured|sponsored?|advert(?:s|isement)?|ads|promo|trending|newsletter|subscribe|aivss|"
    r"maestro)(?:[_-][\w-]*)?)(?:\s|$)",
    re.IGNORECASE,
)
_ADMONITION: Final = re.compile(
    r"admonition|callout|note|notice|tip|warning|caution|alert|info|hint|starlight-aside", re.I
)
_ANCHOR_MARK: Final = re.compile(r"\s*(?:[#¶§🔗]|Permalink(?: to this \w+)?|Direct link to .*|Copy link)\s*$")
_SEES: Final = re.compile(r"\w")
_SMALL_SHARE: Final = 0.5
_MIN_ALT: Final = 15
_MAX_CELL: Final = 400
_MAX_LINKS: Final = 2000
_MAX_BLOCKS: Final = 20_000
_MIN_VOTED: Final = 8
_FEW_WORDS: Final = 4
_LINKED: Final = 0.5
_MAX_DEPTH: Final = 500


class _State(NamedTuple):
    """What holds for an element and everything in it."""

    chrome: bool
    hint: AboutHint
    main: bool
    linked: bool
    depth: int


class _Piece(NamedTuple):
    block: Block
    linked: float
    """Share of its characters that are links."""


def read_html(text: str) -> Page:
    """The page of an HTML text; a text without any element gives a page without blocks.

    Raises ValueError when the parser gave up half-way, which it does without a word and with an empty text.
    """
    parser = etree.HTMLParser(huge_tree=True, encoding="utf-8", no_network=True, remove_pis=True)
    text, controls = NOT_XML.subn("", text)
    raw = text.encode("utf-8")
    root = etree.fromstring(raw, parser) if raw.strip() else None
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        raise ValueError("elements nested too deeply")
    if root is None:
        return Page("", ())
    title = " ".join("".join(root.xpath("string((//head/title | //title[not(ancestor::svg)])[1])")).split())
    empty_mount = mount_is_empty(root)
    head = read_head(root)
    visibility = Visibility(root)
    visibility.run()
    walk = _Walk(root)
    walk.run()
    pieces = [piece for piece in walk.pieces if _SEES.search(piece.block.text)]
    if not walk.landmarks and len(pieces) >= _MIN_VOTED:
        pieces = _voted(root, pieces)
    blocks = tuple(piece.block for piece in pieces)
    heading = next((block.text for block in blocks if block.kind == "heading" and block.level == 1), title)
    removed = list(visibility.removed)
    if controls:
        removed.append(Removed("control-characters", "the page", f"{controls} control characters"))
    if walk.too_deep:
        removed.append(Removed("structure", "the page", f"elements nested deeper than {_MAX_DEPTH}"))
    return Page(
        heading,
        blocks,
        (*walk.links, *head.links),
        tuple(removed),
        visibility.scripts and empty_mount,
        canonical=head.canonical,
        refresh=head.refresh,
        wall=head.wall,
        stylesheets=tuple(dict.fromkeys(visibility.sheets)),
    )


class _Walk:
    """Walks the tree once, in document order, on an explicit stack."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self.pieces: list[_Piece] = []
        self.links: list[PageLink] = []
        self.landmarks = bool(root.xpath("boolean(//main | //article | //*[@role='main'])"))
        self.too_deep = False
        self._total = max(1, _length(root))
        self._buffer: list[str] = []
        self._linked = 0
        self._kind: BlockKind = "paragraph"
        self._level = 0

    def run(self) -> None:
        """Fill `pieces` and `links`."""
        # An entry without an inner state is an element to enter; with one, the element to leave. The text behind an
        # element belongs to the outer state.
        outermost = _State(False, "", False, False, 0)
        stack: list[tuple[etree._Element, _State, _State | None]] = [(self._root, outermost, None)]
        while stack and len(self.pieces) < _MAX_BLOCKS:
            element, outer, left = stack.pop()
            if left is not None:
                self._leave(element, outer, left)
                continue
            self.too_deep = self.too_deep or outer.depth > _MAX_DEPTH
            inner = self._enter(element, outer)
            stack.append((element, outer, inner or outer))
            if inner is not None:
                self._say(element.text, inner)
                stack.extend((child, inner, None) for child in reversed(element))
        self._flush(outermost)

    def _enter(self, element: etree._Element, outer: _State) -> _State | None:
        """The state inside `element`, or None when it was dealt with as a whole."""
        tag = _tag(element)
        state = self._judge(element, tag, outer)
        if tag in _BLOCKS or tag in _HEADINGS or element.get("role") == "heading":
            self._flush(outer)
        if tag in _HEADINGS or element.get("role") == "heading":
            self._kind = "heading"
            level = element.get("aria-level") or ""
            self._level = _HEADINGS.get(tag, int(level) if level in ("1", "2", "3", "4", "5", "6") else 2)
        elif tag == "li":
            self._kind = "item"
        elif tag == "pre":
            self._code(element, state)
            return None
        elif tag == "tr" and self._row(element, state):
            return None
        elif tag == "a":
            self._link(element, state)
            state = state._replace(linked=True)
        elif tag == "img":
            alt = (element.get("alt") or "").strip()
            if len(alt) >= _MIN_ALT and not state.linked:
                self._say(f" {alt} ", state)
        elif tag == "button" and not (element.get("aria-expanded") or element.get("aria-controls") or self._level):
            return None
        return state

    def _leave(self, element: etree._Element, outer: _State, inner: _State) -> None:
        tag = _tag(element)
        if tag in _BLOCKS or tag in _HEADINGS or element.get("role") == "heading":
            self._flush(inner)
            if tag == "li":
                self._kind = "paragraph"
        self._say(element.tail, outer)

    def _judge(self, element: etree._Element, tag: str, outer: _State) -> _State:
        """The state of an element from its tag, role and names."""
        if tag not in _BLOCKS or tag == "br":
            return outer._replace(depth=outer.depth + 1)
        main = outer.main or tag in ("main", "article") or element.get("role") == "main"
        names = f"{element.get('class') or ''} {element.get('id') or ''}"
        chrome = outer.chrome or self._is_chrome(element, tag, names, main)
        hint: AboutHint = outer.hint
        if not hint and names.strip() and tag not in ("body", "main", "html") and _NEIGHBOUR_NAMES.search(names):
            hint = "other" if self._small(element) else ""
        return _State(chrome, hint, main, outer.linked, outer.depth + 1)

    def _is_chrome(self, element: etree._Element, tag: str, names: str, main: bool) -> bool:
        role = element.get("role") or ""
        if tag in ("body", "main", "article", "html"):
            return False
        if tag in _CHROME_TAGS:
            return not (tag == "footer" and _tag_of_parent(element) == "blockquote")
        if tag == "aside" or role == "complementary":
            return not _ADMONITION.search(f"{names} {role if role != 'complementary' else ''}")
        if tag == "header":
            # A header with the page's own title is its opening, not its chrome.
            return not main and not element.xpath("boolean(.//h1)")
        if tag == "form":
            return self._small(element)
        if role in _CHROME_ROLES:
            return True
        return bool(names.strip()) and bool(_CHROME_NAMES.search(names)) and self._small(element)

    def _small(self, element: etree._Element) -> bool:
        """Whether an element holds less than half of the page's text: a name alone never drops the page."""
        return _length(element) < _SMALL_SHARE * self._total

    def _say(self, text: str | None, state: _State) -> None:
        if text and not state.chrome:
            self._buffer.append(text)
            if state.linked:
                self._linked += len(text.strip())

    def _flush(self, state: _State) -> None:
        text = " ".join("".join(self._buffer).split())
        if self._kind == "heading":
            text = _ANCHOR_MARK.sub("", text)
        if text:
            block = Block(self._kind, text, self._level, state.hint)
            self.pieces.append(_Piece(block, self._linked / len(text)))
        if text or self._kind == "heading":
            self._kind = "paragraph"
        self._level = 0
        self._buffer = []
        self._linked = 0

    def _code(self, element: etree._Element, state: _State) -> None:
        if state.chrome:
            return
        for line in "".join(str(text) for text in element.xpath(".//text()")).split("\n"):
            if line.strip():
                self.pieces.append(_Piece(Block("code", line.rstrip(), 0, state.hint), 0.0))

    def _row(self, element: etree._Element, state: _State) -> bool:
        """Emit a table row; False when its cells hold blocks of their own, as in a table made for layout."""
        if element.xpath("boolean(.//table | .//h1 | .//h2 | .//h3 | .//ul | .//ol | .//pre | .//section)"):
            return False
        cells = [_joined(cell) for cell in element.xpath("./td | ./th")]
        if any(len(cell) > _MAX_CELL for cell in cells) or len(cells) < 2:  # noqa: PLR2004  (one cell is no row)
            return False
        for anchor in element.iter("a"):
            self._link(anchor, state)
        if not state.chrome and any(cells):
            self.pieces.append(_Piece(Block("row", " | ".join(cells), 0, state.hint), 0.0))
        return True

    def _link(self, element: etree._Element, state: _State) -> None:
        href = (element.get("href") or "").strip()
        if href and len(self.links) < _MAX_LINKS:
            region: Region = "chrome" if state.chrome else "neighbour" if state.hint else "main"
            self.links.append(PageLink(href, _joined(element), region, (element.get("rel") or "").lower()))


def _voted(root: etree._Element, pieces: list[_Piece]) -> list[_Piece]:
    """`pieces` without what looks like navigation before the first and behind the last block that trafilatura takes."""
    from trafilatura import extract

    text = extract(etree.tostring(root, encoding="unicode", method="html"), favor_recall=True, include_comments=False)
    taken = " ".join((text or "").split())
    votes = [index for index, piece in enumerate(pieces) if _is_content(piece) and piece.block.text in taken]
    if not votes:
        return pieces
    titles = [i for i, piece in enumerate(pieces) if piece.block.kind == "heading" and piece.block.level == 1]
    first, last = min([*votes, *titles]), max(votes)
    return [
        piece
        for index, piece in enumerate(pieces)
        if first <= index <= last or (_is_content(piece) and piece.linked < _LINKED)
    ]


def _is_content(piece: _Piece) -> bool:
    return len(piece.block.text.split()) > _FEW_WORDS


def _tag(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2].lower() if isinstance(element.tag, str) else ""


def _tag_of_parent(element: etree._Element) -> str:
    parent = element.getparent()
    return "" if parent is None else _tag(parent)


def _joined(element: etree._Element) -> str:
    return " ".join(" ".join(str(text) for text in element.xpath(".//text()")).split())


def _length(element: etree._Element) -> int:
    return int(element.xpath("string-length(normalize-space(string()))"))
