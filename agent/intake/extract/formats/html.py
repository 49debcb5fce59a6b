"""Reads an HTML page as blocks: the visible main text, without navigation, in the page's order.

Blocks are built here rather than by trafilatura, whose main-text heuristic was made for news and drops visible text in
bare `<div>`s, where product pages keep it. `layout` decides which elements are main text, and filters the finished
blocks. Text that repeats across the pages of a site is removed later, once all pages are loaded (`boilerplate`).
Metadata about the page is read before the visibility pass removes elements. Imported by the parsing child.
"""

import re
from itertools import islice
from typing import Final, NamedTuple

from lxml import etree

from agent.intake.extract.formats import article
from agent.intake.extract.formats.charset import Unreadable
from agent.intake.extract.formats.layout import (
    NEIGHBOUR_HEADING,
    Layout,
    Piece,
    is_block,
    letters,
    marks,
    trimmed,
)
from agent.intake.extract.formats.shadow import lay_out
from agent.intake.hidden.cascade import without_sheets
from agent.intake.hidden.visibility import NOT_XML, Visibility, mount_is_empty, tag_of
from agent.intake.page import MAX_EXCERPT, AboutHint, Block, BlockKind, Page, PageLink, Region, Removed, Wall

_REFRESH: Final = re.compile(r"\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?['\"]?([^'\"]+)", re.IGNORECASE)
# Roles of <link> that lead to content worth reading; style sheets, icons, feeds and preloads do not.
_ROLES: Final = re.compile(
    r"\b(?:help|author|license|privacy-policy|terms-of-service|service-desc|service-doc|service-meta|describedby|"
    r"homepage|agent-card|llms|mcp)\b"
)
_READABLE: Final = frozenset(
    {"text/markdown", "text/plain", "application/pdf", "application/json", "application/openapi+json"}
)
_NEEDS_SCRIPT: Final = re.compile(
    r"\b(?:enable|requires?|needs?|turn on|activate|without)\b.{0,40}\bjavascript\b|\bjavascript\b.{0,40}"
    r"\b(?:enabled?|required|disabled|needed|to run this app)\b",
    re.IGNORECASE | re.DOTALL,
)
_CONSENT: Final = re.compile(
    r"(?i)\b(?:before you continue|we value your privacy|accept (?:all )?cookies|cookie consent"
    r"|consent to (?:the )?use|manage (?:your )?(?:cookie|privacy) (?:preferences|settings))\b"
)
_SIGN_IN: Final = re.compile(
    r"(?i)\b(?:(?:sign|log) ?in (?:to|with)\b|please (?:sign|log) ?in|(?:sign|log)[ -]?in (?:is )?required|you (?:must"
    r"|need to) be (?:signed|logged) in|create an account to|continue with (?:google|github|sso))"
)
_MAX_HEAD_LINKS: Final = 50
_LONG: Final = 150
"""A page with more words than this cannot be just a log-in or consent wall."""
_SHORT: Final = 60
"""On a page with at most this many words, a request to sign in or to consent counts as a wall."""
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_ANCHOR_MARK: Final = re.compile(r"\s*(?:[#¶§🔗]|Permalink(?: to this \w+)?|Direct link to .*|Copy link)\s*$")
_SEES: Final = re.compile(r"\w")
_DECORATION: Final = re.compile(r"\b(?:logo|icon|avatar|badge|screen ?shots?|thumbnail|item media|photo of)\b", re.I)
_LINE_NUMBERS: Final = re.compile(r"\b(?:linenos?|lineno|line-?numbers?|blob-num|gutter|code-line-num\w*)\b", re.I)
_CODE_LINE: Final = re.compile(r"(?:^|[\s_-])(?:code-?)?line(?:[\s_-]|$)", re.I)
_CELLS: Final = "descendant::*[@role='cell' or @role='gridcell' or @role='columnheader' or @role='rowheader']"
_LANGUAGE: Final = re.compile(r"(?:^|\s)(?:language-|lang-|highlight-(?:source|text)-|highlight-)([\w+#.-]{1,30})")
_LISTS: Final = ("ul", "ol", "menu")
_DEEPEST: Final = 20
_BOXES: Final = 2
_MIN_ALT: Final = 15
_MAX_CELL: Final = 400
_WORD: Final = 3
"""Minimum number of letters for the text of a box to count as a word."""
_CARD_TEXTS: Final = 3
_MAX_LABELS: Final = 20
_MAX_LINKS: Final = 2000
_MAX_BLOCKS: Final = 20_000
_MAX_DEPTH: Final = 500
# A comment, or a start tag with its quoted values. For elements such as script, the raw text up to the end tag is
# included, since a "<" there opens no tag. The scan is linear: quantifiers are possessive, or lazy with a definite end.
_MARKUP: Final = re.compile(
    r"""<!--.*?(?:-->|\Z)|(?P<tag><(?:(?P<raw>script|style|textarea|title|xmp|iframe|noembed|noframes)(?=[\s/>])|[a-z])"""
    r"""[^"'>]*+(?:(?:"[^"]*+"?|'[^']*+'?)[^"'>]*+)*+)(?(raw)>.*?(?:</(?P=raw)(?=[\s/>])|\Z))""",
    re.IGNORECASE | re.DOTALL,
)
_QUOTED: Final = re.compile(r"""="[^"]*+"?|='[^']*+'?""")
_MAX_ATTRIBUTES: Final = 5000
"""Maximum number of attributes of one element; the parser's time grows with the square of their number."""


def _head(root: etree._Element) -> Page:
    """Return a page that holds only the metadata of the tree; nothing is removed, and no address is resolved."""
    canonical = ""
    found: list[PageLink] = []
    for link in root.iter("link"):
        href, roles = (link.get("href") or "").strip(), (link.get("rel") or "").lower()
        alternate = "alternate" in roles.split() and (link.get("type") or "").lower() in _READABLE
        if href and "canonical" in roles.split():
            canonical = canonical or href
        elif href and len(found) < _MAX_HEAD_LINKS and (alternate or _ROLES.search(roles)):
            found.append(PageLink(href, (link.get("title") or "").strip(), "main", roles))
    shared: dict[str, str] = {}
    refreshes: list[str] = []
    for meta in root.iter("meta"):
        content = meta.get("content") or ""
        shared.setdefault((meta.get("property") or meta.get("name") or "").strip().lower(), content)
        if (meta.get("http-equiv") or "").strip().lower() == "refresh":
            refreshes.append(content)
    match = _REFRESH.match(refreshes[0]) if refreshes else None
    title, site = (" ".join(shared.get(f"og:{field}", "").split())[:MAX_EXCERPT] for field in ("title", "site_name"))
    return Page(
        "",
        (),
        tuple(found),
        canonical=canonical,
        refresh=match[1].strip() if match else "",
        wall="" if _is_long(root) else _wall(root),
        og_title=title,
        site_name=site,
    )


def _is_long(root: etree._Element) -> bool:
    """Return whether the page is clearly too long to be a wall; counting stops at the limit."""
    words = 0
    for element in root.iter("p", "li", "td", "div", "span"):
        if element.text and next(element.iterancestors("noscript", "head"), None) is None:
            words += len(element.text.split())
            if words > _LONG:
                return True
    return False


def _wall(root: etree._Element) -> Wall:
    """Return the kind of wall that hides the text, or an empty string; only a page with little text can be a wall."""
    parts = root.xpath("//body//text()[not(ancestor::script or ancestor::style or ancestor::noscript)]")
    text = " ".join(" ".join(parts).split())
    words = len(text.split())
    if words > _LONG:
        return ""
    if root.xpath("boolean(//input[@type='password'])") or (words <= _SHORT and _SIGN_IN.search(text)):
        return "login"
    noscript = " ".join(root.xpath("//noscript//text()"))
    if _NEEDS_SCRIPT.search(f"{noscript} {text}") and root.xpath("boolean(//script)"):
        return "script"
    asks = words <= _SHORT and root.xpath("boolean(//button | //form | //input)")
    return "consent" if asks and _CONSENT.search(text) else ""


class _State(NamedTuple):
    """State that applies to an element and all its descendants."""

    chrome: bool
    hint: AboutHint
    linked: bool
    outer: bool
    inside: bool
    """Whether this is inside the page's article; always true on a page that is not an article."""


class _Aside(NamedTuple):
    """Material about something else, introduced by a heading."""

    section: etree._Element | None
    """The element whose end closes the material; None if the heading is among the page's own content."""
    parent: etree._Element | None
    level: int


def read_html(text: str) -> Page:
    """Parse HTML source as a page; source without any element yields a page without blocks.

    Raises Unreadable for an element with thousands of attributes, and for elements nested so deeply that the parser
    would silently give up half-way and return an empty text.
    """
    parser = etree.HTMLParser(huge_tree=True, encoding="utf-8", no_network=True, remove_pis=True)
    text, linked = without_sheets(text)
    text, controls = NOT_XML.subn("", text)
    # A cheap check before parsing, since the parser's time grows with the square of an element's attribute count.
    tags = (markup["tag"] for markup in _MARKUP.finditer(text) if markup.end() - markup.start() > 2 * _MAX_ATTRIBUTES)
    if any(len(_QUOTED.sub(" ", tag).split()) > _MAX_ATTRIBUTES for tag in tags if tag):
        raise Unreadable("attributes")
    raw = text.encode("utf-8")
    root = etree.fromstring(raw, parser) if raw.strip() else None
    if any(error.type_name == "ERR_RESOURCE_LIMIT" for error in parser.error_log):
        raise Unreadable("too-deep")
    if root is None:
        return Page("", ())
    title = " ".join("".join(root.xpath("string((//head/title | //title[not(ancestor::svg)])[1])")).split())
    empty_mount = mount_is_empty(root)
    lay_out(root)
    head = _head(root)
    said = article.says_so(root)
    visibility = Visibility(root, linked)
    visibility.run()
    walk = _Walk(root, said=said)
    walk.run()
    pieces = [p for p in walk.pieces if p.block.kind == "code" or _SEES.search(p.block.text)]
    blocks = tuple(piece.block for piece in trimmed(pieces, named=walk.layout.named, article=walk.article is not None))
    removed = list(visibility.removed)
    if controls:
        removed.append(Removed("control-characters", "the page", f"{controls} control characters"))
    if walk.layout.depth > _MAX_DEPTH:
        removed.append(Removed("structure", "the page", f"elements nested deeper than {_MAX_DEPTH}"))
    if walk.cut:
        removed.append(Removed("structure", "the page", f"more than {_MAX_BLOCKS} blocks; the rest was not read"))
    return head._replace(
        title=next((block.text for block in blocks if block.kind == "heading" and block.level == 1), title),
        head_title=title,
        blocks=blocks,
        links=(*walk.links, *head.links),
        removed=tuple(removed),
        scripts=visibility.scripts and empty_mount,
        stylesheets=tuple(dict.fromkeys(visibility.sheets)),
    )


class _Walk:
    """A single walk over the tree in document order."""

    def __init__(self, root: etree._Element, *, said: bool) -> None:
        self._root = root
        self.layout = Layout(root)
        self._marks = marks(root, self.layout)
        self.article = article.of_page(root, self.layout, self._marks) if said else None
        self.pieces: list[Piece] = []
        self.links: list[PageLink] = []
        self.cut = False
        """Whether blocks were left unread because of a limit."""
        self._buffer: list[str] = []
        self._linked = self._links = self._inner_links = 0
        """Counts for the buffered text: letters in links, links, and links within the page."""
        self._heading: etree._Element | None = None
        self._aside: _Aside | None = None
        self._kind: BlockKind = "paragraph"
        self._level = 0
        self._heads: dict[etree._Element, tuple[str, ...]] = {}
        self._caption = ""

    def run(self) -> None:
        """Fill `pieces` and `links`."""
        states = [_State(False, "", False, self.layout.scope is not None, self.article is None)]
        walker = etree.iterwalk(self._root, events=("start", "end"))
        for event, element in walker:
            self.cut = len(self.pieces) >= _MAX_BLOCKS
            if self.cut:
                break
            if event == "end":  # text after an element belongs to the outer state
                inner = states.pop()
                self._leave(element, states[-1], inner)
            elif (entered := self._enter(element, states[-1])) is None:
                states.append(states[-1])
                walker.skip_subtree()
            else:
                states.append(entered)
                self._say(element.text, entered)
        self._flush(states[0])

    def _enter(self, element: etree._Element, outer: _State) -> _State | None:
        """Enter `element` and return the state inside it, or None if the element was handled as a whole."""
        tag, role = tag_of(element), element.get("role")
        if outer.chrome:
            if tag in _HEADINGS or "caption" in (element.get("class") or "").split():
                self._caption = _joined(element)
            if tag == "a":
                self._link(element, outer)
            return outer
        block = is_block(element, tag)
        state = self._judge(element, tag, outer, block=block)
        heading = tag in _HEADINGS or role == "heading"
        if block or heading:
            self._flush(outer)
        if heading:
            self._kind, self._heading = "heading", element
            level = element.get("aria-level") or ""
            self._level = int(level) if level in ("1", "2", "3", "4", "5", "6") else _HEADINGS.get(tag, 2)
        elif tag == "li":
            self._kind, self._level = "item", max(1, sum(1 for _ in islice(element.iterancestors(*_LISTS), _DEEPEST)))
        elif tag == "pre" or (tag == "code" and "\n" in (element.text or "") and _is_alone(element)):
            self._flush(outer)
            lines = (line.rstrip() for line in _code_text(element).split("\n"))
            text = "\n".join(filter(None, lines))
            if text and not state.chrome:
                self._add(Block("code", text, language=_language(element)), state)
            return None
        elif (tag == "tr" and self._row(element, element.xpath("./td | ./th"), state)) or (
            role == "row" and self._row(element, element.xpath(_CELLS), state)
        ):
            return None
        elif tag == "a":
            state = self._anchor(element, state)
        elif tag == "span" and self._stands_apart(element):
            self._say(" ", state)
        elif tag == "img":
            alt = (element.get("alt") or "").strip()
            if len(alt) >= _MIN_ALT and not state.linked and not _DECORATION.search(alt):
                self._say(f" {alt} ", state)
        elif tag == "button" and self._kind != "heading":
            # A button may open a part of the page, or be a row or card with several texts rather than name an action.
            opens = element.get("aria-expanded") or element.get("aria-controls")
            texts = sum(1 for text in islice(element.itertext(), _MAX_LABELS) if _SEES.search(text))
            return state if opens or texts >= _CARD_TEXTS else None
        return state

    def _stands_apart(self, element: etree._Element) -> bool:
        """Return whether a span is a separate box rather than a continuation of the word in the previous box.

        There is no white space between the two texts. They are separate if both boxes have a class, or if a capital
        follows a lower-case letter.
        """
        previous = element.getprevious()
        if previous is None or previous.tail or previous.tag not in ("span", "a") or not self._buffer:
            return False
        before, text = self._buffer[-1], element.text or ""
        shorter = min(len(before), len(text))
        if tag_of(element.getparent()) == "code" or shorter < _WORD or not before[-_WORD:].replace("_", "a").isalnum():
            return False
        if previous.tag == "span" and previous.get("class") and element.get("class") and text[:_WORD].isalnum():
            return True
        return before[-1].islower() and text[0].isupper() and shorter > _WORD

    def _leave(self, element: etree._Element, outer: _State, inner: _State) -> None:
        tag = tag_of(element)
        if tag in _HEADINGS or is_block(element, tag) or element.get("role") == "heading":
            self._flush(inner)
        if tag == "li":
            self._kind = "paragraph"
        if self._aside is not None and self._aside.section is element:
            self._aside = None
        self._say(element.tail, outer)

    def _judge(self, element: etree._Element, tag: str, outer: _State, *, block: bool) -> _State:
        """Return the state of an element, derived from its tag, role and names."""
        if self.article is not None:
            away = element in self.article.away
            outer = outer._replace(inside=outer.inside or element in self.article.roots, chrome=outer.chrome or away)
        if element is self.layout.scope:
            outer = outer._replace(outer=False)
        if not block or tag == "br":
            return outer
        mark = self._marks.get(element)
        return outer._replace(
            chrome=outer.chrome or mark == "chrome",
            hint=outer.hint or ("other" if mark == "neighbour" else ""),
            outer=outer.outer and not self.layout.is_facts(element, tag),
        )

    def _say(self, text: str | None, state: _State) -> None:
        if text and not state.chrome:
            self._buffer.append(text)
            if state.linked:
                self._linked += letters(text)

    def _flush(self, state: _State) -> None:
        if not self._buffer and self._kind != "heading":
            return
        text = " ".join("".join(self._buffer).split())
        if self._kind == "heading":
            text = _ANCHOR_MARK.sub("", text)
            if text and self._heading is not None:
                self._turn(self._heading, text)
        if text:
            share = min(1.0, self._linked / max(1, letters(text))) if self._linked else 0.0
            self._add(Block(self._kind, text, self._level), state, share)
        if text or self._kind == "heading":
            self._kind, self._level = "paragraph", 0
        self._buffer = []
        self._linked = self._links = self._inner_links = 0

    def _turn(self, heading: etree._Element, text: str) -> None:
        """Update the state if a heading opens or ends material about something else."""
        level, parent, aside = self._level, heading.getparent(), self._aside
        same = aside is not None and level == aside.level and (aside.section is None or parent is aside.parent)
        if aside is not None and (level < aside.level or same):
            self._aside = None
        opens = self._aside is None and bool(self.pieces)
        if opens and (NEIGHBOUR_HEADING.fullmatch(text) or self.layout.heads_talk(heading, text)):
            self._aside = _Aside(self.layout.section_of(heading), parent, level)

    def _add(self, block: Block, state: _State, share: float = 0.0) -> None:
        block = block._replace(hint="other" if self._aside is not None else state.hint)
        links, inner = (self._links, self._inner_links) if block.kind not in ("code", "row") else (0, 0)
        self.pieces.append(Piece(block, share, links, inner, state.outer, state.inside))

    def _row(self, element: etree._Element, found: list[etree._Element], state: _State) -> bool:
        """Emit a table row; return False if its cells contain blocks of their own, as in a layout table."""
        if element.xpath("boolean(.//table | .//h1 | .//h2 | .//h3 | .//ul | .//ol | .//pre | .//section)"):
            return False
        cells = [_cell(cell) for cell in found if not _LINE_NUMBERS.search(cell.get("class") or "")]
        if any(len(cell) > _MAX_CELL for cell in cells) or len(cells) < 2:  # noqa: PLR2004  (one cell is not a row)
            return False
        for anchor in element.iter("a"):
            self._link(anchor, state)
        if state.chrome or not any(cells):
            return True
        # The column headings are the cells of the table's first row, if all of them are headings.
        table = next(element.iterancestors("table"), None)
        if table is not None and table not in self._heads:
            first = next(table.iter("tr"), None)
            heads = [] if first is None else first.xpath("./td | ./th")
            is_head = len(heads) > 1 and all(cell.tag == "th" for cell in heads)
            self._heads[table] = tuple(map(_cell, heads)) if is_head else ()
        # A row with nothing but links is a menu laid out as a table.
        block = Block("row", " | ".join(cells), heads=() if table is None else self._heads[table])
        self._add(block, state, self.layout.size(element).share)
        return True

    def _anchor(self, element: etree._Element, state: _State) -> _State:
        """Record a link and return the state inside it."""
        self._link(element, state)
        inner = (element.get("href") or "").startswith("#")
        note = inner and tag_of(element.getparent()) == "sup"
        if note or self.layout.is_mark(element):
            return state._replace(chrome=True)
        previous = element.getprevious()
        if previous is not None and previous.tag == "a" and not (previous.tail or "").strip():
            # Adjacent links are separated by styling on the page, not by a space.
            self._say(" ", state)
        if not state.chrome:
            self._links += 1
            self._inner_links += inner
        return state._replace(linked=True)

    def _link(self, element: etree._Element, state: _State) -> None:
        href = (element.get("href") or "").strip()
        if href and len(self.links) < _MAX_LINKS:
            region: Region = "chrome" if state.chrome else "neighbour" if state.hint else "main"
            under = self._caption if state.chrome else ""
            roles = (element.get("rel") or "").lower()
            self.links.append(PageLink(href, _joined(element), region, roles, under=under))


def _is_alone(element: etree._Element) -> bool:
    """Return whether an element is the only content of its parent."""
    parent = element.getparent()
    return parent is not None and len(parent) == 1 and not f"{parent.text or ''}{element.tail or ''}".strip()


def _code_text(element: etree._Element) -> str:
    """Return the text of a preformatted block, with breaks as line ends and without line numbers and buttons."""
    pieces: list[str] = []
    lines = [inner for inner in element.iter("span", "div") if _CODE_LINE.search(inner.get("class") or "")]
    broken = len(lines) > 1 and not any("\n" in f"{line.tail or ''}{''.join(line.itertext())}" for line in lines)
    starts = set(lines) if broken else set()
    walker = etree.iterwalk(element, events=("start", "end"))
    for event, inner in walker:
        if event == "end":
            pieces.append((inner.tail or "") if inner is not element else "")
            continue
        if inner.tag == "br" or inner in starts:
            pieces.append("\n")
        if inner.tag == "button" or _LINE_NUMBERS.search(inner.get("class") or ""):
            walker.skip_subtree()
        else:
            pieces.append(inner.text or "")
    return "".join(pieces)


def _language(element: etree._Element) -> str:
    """Return the language of a code block, taken from the highlighter's class names on it or an enclosing box."""
    boxes = (element, *element.iter("code"), *islice(element.iterancestors(), _BOXES))
    match = next(filter(None, (_LANGUAGE.search(box.get("class") or "") for box in boxes)), None)
    return match[1].lower() if match and match[1].lower() != "none" else ""


def _cell(cell: etree._Element) -> str:
    return _joined(cell) or " ".join(a for i in cell.iter("img") if not _DECORATION.search(a := i.get("alt", "")))


def _joined(element: etree._Element) -> str:
    # The visibility pass has already removed comments, which itertext() would also return.
    return " ".join(" ".join(element.itertext()).split())
