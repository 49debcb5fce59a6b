"""Reads Markdown and plain text as blocks.

markdown-it reads Markdown with the HTML inside it (`markdown_tree`); the resulting tree is walked here once. Content
that a browser would not show is removed and reported, as in the HTML reader. All of this is pure Python, so Markdown
is read in the child process, which can be killed when parsing takes too long (`parse`).
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

from agent.intake.extract.formats import markdown_dialects as dialects
from agent.intake.extract.formats.markdown_tree import BARE, BLOCKS, COMMENT, LANGUAGE, Element, tree_of
from agent.intake.hidden.instructions import find
from agent.intake.page import MAX_EXCERPT, Block, BlockKind, Page, PageLink, Removed

_SILENT: Final = frozenset(("script", "style", "template", "noscript", "svg", "iframe", "object", "canvas"))
_HIDES: Final = re.compile(
    r"display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden|font-size\s{0,9}:\s{0,9}0", re.I
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_LISTS: Final = frozenset(("ul", "ol", "menu"))
_OPENS_BLOCK: Final = BLOCKS - {"hr"}
_NO_ROW: Final = frozenset(("table", "h1", "h2", "h3", "h4", "ul", "ol", "pre", "blockquote", "details"))
_TITLES: Final = ("title", "label", "heading", "header", "description")
"""Attributes of MDX components that the rendered page shows."""
_FIELD: Final = ("path", "query", "body", "header", "name", "type")
"""Shown attributes of MDX components that document a parameter or a field."""
_LANGUAGE: Final = re.compile(r"(?:^|\s)(?:language|lang|highlight-source|brush:)-?\s*([\w+#.-]+)")
_TASK: Final = re.compile(r"\[[ xX]\]\s+")
_ALERT: Final = re.compile(r"\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\s*", re.IGNORECASE)
_UNRESOLVED: Final = re.compile(r"(?<![\w\]`])\[([^\[\]]{1,300})\]\[[^\[\]]{0,200}\]")
"""A reference link whose target is undefined in this text; only another tool can resolve it."""
_ANCHOR: Final = re.compile(r"\s*\{#[\w.:-]{1,80}\}$")
_SEES: Final = re.compile(r"\w")
_BREAK: Final = "\n"
"""Marks a line break in the collected words of a block; unambiguous, since the text's own line ends became spaces."""
_SOFTER: Final = "\r"
"""Marks a line break made by trailing spaces or a backslash, which many authors write out of habit."""
_BREAKS: Final = re.compile(r"([\n\r])")
_RUN_ON: Final = re.compile(
    r"(?:[,/(]|\b(?:a|an|the|of|to|in|on|by|for|with|and|or|from|as|at|that|which|is|are|its))$", re.I
)
_ENDS: Final = ".!?:;。！？：；"
_BETWEEN: Final = "|-–—•·\n\r "
"""Characters that may separate pictures or links in a row."""
_LOST_LINKS: Final = 2
"""Maximum number of consecutive links missing from a line before the search for later links stops."""
_MAX_LINK: Final = 500
_MAX_ICON_WORDS: Final = 3
_MAX_ICON: Final = 30
"""Maximum length in characters of the description of a picture that is used like a word in a sentence."""
_REACH: Final = 20
_NUMBER: Final = re.compile(r"[0-9]{1,3}")
_MAX_SPAN: Final = 20
_MIN_ATTRIBUTE_WORDS: Final = 3
_MIN_CELLS: Final = 2

_HAS_HEADING: Final = re.compile(r"^#{1,6} \S", re.MULTILINE)
_ITEM: Final = re.compile(r"([ \t]*)(?:[-*+•·]|\d{1,9}[.)])[ \t]+(.*)")
_CELLS: Final = re.compile(r"(?<!\\)\|")
_WRAPPED_SHARE: Final = 0.6
_MAX_WRAP: Final = 100
_MIN_WRAP: Final = 50


def read_markdown(text: str) -> Page:
    """Read Markdown as blocks; the page's `title` is its first heading or the front matter's title.

    Front matter comes first, with a block for each field. Never raises. Ordinary text takes time linear in its length,
    but maliciously crafted text can take far longer.
    """
    matter, body = dialects.parted(text)
    fields = dialects.fields_of(matter)
    body, silent = dialects.plain(body.replace("\t", "    "))
    try:
        tree, titles = tree_of(body)
    except RecursionError:
        page = _plain(text)
        return page._replace(removed=(Removed("structure", "the page", "nested too deeply to be read as Markdown"),))
    walk = _Walk()
    walk.comments.extend((*titles, *silent))
    walk.run(tree)
    blocks = (*(Block("front-matter", f"{key}: {value}") for key, value in fields), *walk.blocks)
    heading = next((block.text for block in blocks if block.kind == "heading"), "")
    title = next((value for key, value in fields if key == "title"), "")
    return Page(heading or title, blocks, tuple(walk.links), tuple(walk.removed()))


def read_text(text: str) -> Page:
    """Read plain text as blocks: paragraphs between blank lines, bullets as items, wrapped lines joined.

    Text with Markdown headings is read as Markdown.
    """
    return read_markdown(text) if is_marked(text) else _plain(text)


def is_marked(text: str) -> bool:
    """Return whether plain text contains a Markdown heading."""
    return _HAS_HEADING.search(text) is not None


def _plain(text: str) -> Page:
    lines = [line.rstrip() for line in text.expandtabs(4).split("\n")]
    longest = max(map(len, lines), default=0)
    wrap = longest * _WRAPPED_SHARE if _MIN_WRAP <= longest <= _MAX_WRAP else None
    found: list[tuple[BlockKind, list[str]]] = []
    previous = ""
    for line in lines:
        item = _ITEM.fullmatch(line)
        words = line.strip()
        if item and item[2]:
            found.append(("item", [item[2].strip()]))
        elif words and wrap and len(previous) >= wrap and found and found[-1][0] != "row":
            found[-1][1].append(words)
        elif words.startswith("|"):
            cells = [cell.strip().replace("\\|", "|") for cell in _CELLS.split(words.strip("|"))]
            found.append(("row", [" | ".join(cells)]))
        elif words:
            found.append(("paragraph", [words]))
        previous = line
    blocks = [Block(kind, " ".join(parts), int(kind == "item")) for kind, parts in found]
    return Page(blocks[0].text[:MAX_EXCERPT] if blocks else "", tuple(block for block in blocks if block.text))


class _Walk:
    """A single walk over a tree in text order, using an explicit stack."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.links: list[PageLink] = []
        self.comments: list[str] = []
        self._silenced: list[Removed] = []
        self._attributes: list[Removed] = []
        self._hidden: list[Removed] = []
        self._buffer: list[str | Block] = []
        """The words of a block and the pictures among them."""
        self._linked: list[str] = []
        self._kind: BlockKind = "paragraph"
        self._level = 0
        self._depth = 0

    def run(self, root: Element) -> None:
        """Fill `blocks` and `links`."""
        # An element is popped from the stack twice: to be entered, and after its children to be left.
        stack: list[tuple[Element | str, bool]] = [(root, True)]
        while stack:
            node, entering = stack.pop()
            if isinstance(node, str):
                self._buffer.append(node.replace("\n", " ").replace("\r", " "))
            elif not entering:
                self._leave(node)
            elif self._enter(node):
                stack.append((node, False))
                stack.extend((child, True) for child in reversed(node.children))
        self._flush()

    def removed(self) -> list[Removed]:
        """Return hidden text worth reporting: instructions to assessors in unseen places, and hidden elements."""
        found = [Removed("instruction-like-text", "a comment", words) for _, words in _orders(self.comments)]
        for unseen in (self._silenced, self._attributes):
            found += [unseen[n] for n, _ in _orders([each.text for each in unseen])]
        found += [each for each in self._hidden if each.text]
        return [each._replace(text=each.text[:MAX_EXCERPT]) for each in found]

    def _enter(self, element: Element) -> bool:
        """Enter an element; return False if it was handled as a whole and its children must not be read."""
        tag = element.tag
        if tag == COMMENT:
            self.comments.extend(text for text in element.children if isinstance(text, str))
            return False
        if not element.own and self._is_unseen(element):
            return False
        if tag in _OPENS_BLOCK:
            self._flush()
        if tag in _HEADINGS:
            self._kind, self._level = "heading", _HEADINGS[tag]
        elif tag in _LISTS:
            self._depth += 1
        elif tag == "li":
            self._kind, self._level = "item", max(1, self._depth)
        elif tag == "pre":
            self._code(element)
            return False
        elif tag == "table":
            return not self._table(element)
        elif tag == "img":
            alt = " ".join(element.attributes.get("alt", "").split())
            self._buffer.extend([Block("image", alt)] if alt else [])
        elif tag in ("br", "hr"):
            self._buffer.append(_SOFTER if element.own else _BREAK)
        elif tag == "a":
            self._link(element)
            self._linked.append(element.words(_MAX_LINK))
        elif tag[0].isupper():
            # The attributes of an MDX component that the rendered page shows.
            self._flush()
            names = _FIELD if tag.endswith("Field") else _TITLES
            values = [" ".join(element.attributes.get(name, "").split()) for name in names]
            shown = [words for words in values if _SEES.search(words)]
            lines = [" ".join(shown)] if names is _FIELD and shown else shown
            self.blocks.extend(Block("paragraph", line) for line in lines)
        return True

    def _leave(self, element: Element) -> None:
        tag = element.tag
        if tag in BLOCKS or (tag[0].isupper() and not element.own):
            self._flush()
        if tag in _HEADINGS or tag == "li":
            self._kind, self._level = "paragraph", 0
        elif tag in _LISTS:
            self._depth -= 1

    def _is_unseen(self, element: Element) -> bool:
        """Return whether an element is hidden; its words are kept for the findings."""
        given = element.attributes
        for name, value in given.items():
            if value.count(" ") >= _MIN_ATTRIBUTE_WORDS and name not in ("class", "style", "alt", "src", "href", "d"):
                where = f"the attribute {name} of <{element.tag}>"
                self._attributes.append(Removed("hidden-text", where, " ".join(value.split())))
        if not element.ended:
            return False
        if element.tag in _SILENT:
            self._silenced.append(Removed("hidden-text", f"a <{element.tag}>", element.words()))
            return True
        hides = "hidden" in given or "hidden" in given.get("class", "").split() or _HIDES.search(given.get("style", ""))
        if hides:
            self._hidden.append(Removed("hidden-text", f"a hidden <{element.tag}>", element.words()))
        return bool(hides)

    def _link(self, element: Element) -> None:
        href = element.attributes.get("href", "").strip()
        if href:
            self.links.append(PageLink(href, "" if BARE in element.attributes else element.words(_MAX_LINK), "main"))

    def _code(self, element: Element) -> None:
        title = element.attributes.get("title", "")
        if title and element.own:
            self.blocks.append(Block("paragraph", title))
        language = element.attributes.get(LANGUAGE, "")
        if not language:
            named = (
                inner.attributes.get("class", "") or inner.attributes.get("lang", "") for inner in element.elements()
            )
            match = next(filter(None, map(_LANGUAGE.search, named)), None)
            language = match[1].lower() if match and match[1].lower() != "none" else ""
        verbatim = "".join(
            node if isinstance(node, str) else "\n" if node.tag == "br" else "" for node in element.walk()
        )
        text = "\n".join(line.rstrip() for line in verbatim.split("\n") if line.strip())
        if text:
            self.blocks.append(Block("code", text, language=language))

    def _flush(self) -> None:
        """Make a block from each collected line and from each picture that is not part of a sentence."""
        if not self._buffer:
            return
        parts, self._buffer = self._buffer, []
        linked: Sequence[str] = self._linked
        self._linked = []
        words = "".join(part for part in parts if isinstance(part, str))
        pictures = [part for part in parts if isinstance(part, Block)]
        alone = not _SEES.search(words)
        if alone and self._kind != "heading":
            self.blocks.extend(pictures)
            if pictures or not words.strip(_BETWEEN):
                return
        # A short description reads as a word of its sentence, but a badge beside a title is not part of the title.
        icons = [
            each
            for each in pictures
            if self._kind != "heading" and len(each.text) <= _MAX_ICON and len(each.text.split()) <= _MAX_ICON_WORDS
        ]
        shown = "".join(
            part if isinstance(part, str) else f" {part.text} " if alone or part in icons else " " for part in parts
        )
        for line in _lines(shown, whole=self._kind == "heading"):
            linked = self._line(line, linked)
        self.blocks.extend(picture for picture in pictures if not alone and picture not in icons)
        if self._kind != "heading":
            self._kind, self._level = "paragraph", 0

    def _line(self, text: str, linked: Sequence[str]) -> Sequence[str]:
        """Make a block from a line, and return the link texts that remain for later lines."""
        text = _UNRESOLVED.sub(r"\1", text)
        if self._kind == "heading":
            text = _ANCHOR.sub("", text)
        elif self._kind == "item":
            text = text[match.end() :] if (match := _TASK.match(text)) else text
        alert = _ALERT.match(text)
        if alert:
            self.blocks.append(Block("paragraph", alert[1].capitalize()))
            text = text[alert.end() :]
        if not text:
            return linked
        # The link texts found in the line, in order; a few that differ from the line's text are skipped.
        found: list[str] = []
        at = number = 0
        for n, words in enumerate(linked):
            place = text.find(words, at)
            if place >= 0:
                found.append(words)
                at, number = place + len(words), n + 1
            elif n - number >= _LOST_LINKS:
                break
        self.blocks.append(Block(self._kind, text, self._level, links=tuple(filter(None, found))))
        return linked[number:]

    def _table(self, table: Element) -> bool:
        """Read a table row by row; return False for a layout table, which is read like other text."""
        inner = list(table.elements())[1:]
        cells_of = (
            [cell for cell in row.children if isinstance(cell, Element) and cell.tag in ("td", "th")]
            for row in inner
            if row.tag == "tr"
        )
        rows = [cells for cells in cells_of if cells]
        if max(map(len, rows), default=0) < _MIN_CELLS or any(element.tag in _NO_ROW for element in inner):
            return False
        heads: tuple[str, ...] = ()
        for number, cells in enumerate(rows):
            texts = [_UNRESOLVED.sub(r"\1", cell.words()) for cell in cells]
            if number == 0 and any(texts) and all(cell.tag == "th" for cell in cells):
                heads = tuple(text for cell, text in zip(cells, texts, strict=True) for _ in range(_span(cell)))
            anchors = [element for cell in cells for element in cell.elements() if element.tag == "a"]
            for anchor in anchors:
                self._link(anchor)
            shown = " | ".join(texts)
            if shown.strip(" |"):
                links = tuple(filter(None, (anchor.words(_MAX_LINK) for anchor in anchors)))
                self.blocks.append(Block("row", shown, heads=heads, links=links))
        return True


def _span(cell: Element) -> int:
    given = cell.attributes.get("colspan", "")
    return max(1, min(int(given), _MAX_SPAN)) if _NUMBER.fullmatch(given) else 1


def _lines(text: str, *, whole: bool) -> Iterator[str]:
    """Return the lines of a block, split at its breaks; lines of the same sentence are joined."""
    if whole:
        yield " ".join(text.split())
        return
    said, mark = "", _BREAK
    for part in _BREAKS.split(text):
        if part in (_BREAK, _SOFTER):
            mark = part if mark != _BREAK else _BREAK
            continue
        line = " ".join(part.split())
        if not line:
            continue
        ends = said and (said[-1] in _ENDS if mark == _SOFTER else not _RUN_ON.search(said[-_REACH:]))
        if said and (ends or not line[0].islower()):
            yield said
            said = ""
        said = f"{said} {line}".lstrip()
        mark = ""
    if said:
        yield said


def _orders(texts: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the index of each one-line text that addresses assessors, with its words from that point on.

    The texts are searched in one pass, because there may be ten thousand of them.
    """
    starts = list(accumulate((len(text) + 1 for text in texts), initial=0))
    last = -1
    for place in find("\n".join(texts)):
        number = bisect_right(starts, place.start) - 1
        if number > last:
            yield number, texts[number][place.start - starts[number] :][:MAX_EXCERPT]
        last = number
