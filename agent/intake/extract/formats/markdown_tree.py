"""Parses Markdown and the HTML inside it into one tree of elements, in pure Python.

markdown-it reads the Markdown. Its tokens and the HTML tags between them may disagree on where an element ends. Both
are built into one tree by the rules of browsers: an end tag closes the elements left open inside, an item or a cell
closes the previous one, and an end tag without a start tag closes nothing.
"""

import html
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token

ROOT: Final = "#root"
COMMENT: Final = "#comment"
LANGUAGE: Final = "language"
"""Attribute of a `pre` element that contains the language named by its fence."""
LITERAL: Final = "#literal"
BARE: Final = "bare"
"""Attribute that marks an `a` element as a bare address in running text."""
_MAX_DEPTH: Final = 400
"""Maximum number of open elements; the content of a deeper element goes to its parent."""
_MAX_NESTED: Final = 40
"""Maximum nesting of quotes and lists, where a list counts as two levels; deeper content is read as one paragraph."""
_SPARE: Final = 20
"""Extra nesting levels allowed in markdown-it, so that it never drops deeply nested content."""
_VOID: Final = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr")
)
_RAW: Final = frozenset(("script", "style"))
BLOCKS: Final = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "dialog", "div"),
        *("dl", "dt", "fieldset", "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6"),
        *("header", "hgroup", "hr", "html", "legend", "li", "main", "menu", "nav", "ol", "option", "p", "pre"),
        *("section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"),
    )
)
_CELLS: Final = frozenset(("td", "th"))
_TERMS: Final = frozenset(("dt", "dd"))
_ROWS: Final = _CELLS | {"thead", "tbody", "tfoot", "tr"}
_TABLE: Final = frozenset(("table",))
# For each start tag, the open elements that it closes, and the elements beyond which it does not reach.
_CLOSES: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    "p": (frozenset(("p",)), BLOCKS - {"p"}),
    "li": (frozenset(("li",)), _CELLS | {"ul", "ol", "menu", "table"}),
    **dict.fromkeys(_TERMS, (_TERMS, _CELLS | {"dl", "table"})),
    **dict.fromkeys(_CELLS, (_CELLS, _TABLE)),
    "tr": (_CELLS | {"tr"}, _TABLE),
    **dict.fromkeys(("thead", "tbody", "tfoot"), (_ROWS, _TABLE)),
}
_SCOPE: Final = _CELLS | {"table", "template"}
_WITHIN_TABLE: Final = _ROWS | {"table", "caption"}

# All quantifiers are possessive, so that each tag is scanned only once, even if parts of it are unterminated.
_TAG: Final = re.compile(
    r"<(/?)([A-Za-z][\w.:-]{0,80}+)(?=[\s/>])"
    r"((?:[^<>\"'{]++|\"[^\"]{0,9000}+\"|'[^']{0,9000}+'|\{[^{}]{0,2000}+(?:\{[^{}]{0,2000}+\}[^{}]{0,2000}+){0,9}+\}"
    r"|[\"'{]){0,400}+)>"
)
_ATTRIBUTE: Final = re.compile(
    r"([^\s=\"'<>/{}]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|\{[\"'`]?([^{}\"'`]*+)[\"'`]?\}|([^\s\"'<>`{}]++)))?"
)
_DECLARATION: Final = re.compile(r"<[!?/][^<>]{0,2000}+>")
_LEADING_BLOCK: Final = re.compile(
    r"\n[ \t]*+(?:[-*+][ \t]|\d{1,3}[.)][ \t]|#{1,6}[ \t]|```|~~~|>[ \t]|\|[^\n|]*+\|)", re.ASCII
)
_BARE: Final = re.compile(r"(?<![(<\w\"])https?://[^\s<>()\"']+")
_AFTER_ADDRESS: Final = ".,;:!?*_"
_SIGN: Final = re.compile(r"[\w:/.\\]$", re.ASCII)
_CODE_TITLE: Final = re.compile(r"\b(?:title|filename|file|name)=[\"']([^\"'\n]{1,200})[\"']|\A([\w. /-]{1,80})\Z")
_NOTE: Final = re.compile(r"\[\^[^\]\s]{1,40}\]:?")
_SHORTCODE: Final = re.compile(r"(?<!\S):[a-z][a-z0-9_+-]{1,30}:(?!\S)")
_JSX_TAG: Final = re.compile(r"</?[A-Z][\w.]{0,60}+\s[^<>]{0,4000}+>")


@dataclass(slots=True, eq=False)
class Element:
    """An element with its children in order; `ended` is False if the text ends before the element is closed."""

    tag: str
    """The tag in lower case, except for MDX components, which begin with a capital."""
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)
    own: bool = False
    """Whether the element comes from Markdown rather than from an HTML tag."""
    ended: bool = True

    def walk(self) -> Iterator["Element | str"]:
        """Yield this element and everything in it, in text order, except the words of comments."""
        stack: list[Element | str] = [self]
        while stack:
            node = stack.pop()
            yield node
            if isinstance(node, Element) and node.tag != COMMENT:
                stack.extend(reversed(node.children))

    def elements(self) -> Iterator["Element"]:
        """Yield this element and the elements in it, in text order."""
        return (node for node in self.walk() if isinstance(node, Element))

    def words(self, most: int = 0) -> str:
        """Return the inner text with picture descriptions on one line; about `most` characters, or everything if 0."""
        parts: list[str] = []
        length = 0
        for node in self.walk():
            if most and length >= most:
                break
            length += len(node) if isinstance(node, str) else 1
            if isinstance(node, str):
                parts.append(node)
            elif node.tag == "img":
                parts.append(node.attributes.get("alt", ""))
            elif node.tag in BLOCKS or node.tag == "br":
                parts.append(" ")
        return " ".join("".join(parts).split())


def tree_of(text: str) -> tuple[Element, list[str]]:
    """Return the tree of a Markdown text, and the titles of its link references, which no reader sees."""
    parser = _parser()
    env: dict[str, object] = {}
    builder = _Builder(parser, env)
    builder.take(parser.parse(text, env))
    named, twice = env.get("references"), env.get("duplicate_refs")
    references = [*(named.values() if isinstance(named, dict) else ()), *(twice if isinstance(twice, list) else ())]
    return builder.finish(), [str(each["title"]) for each in references if each.get("title")]


class _Parser(MarkdownIt):
    """CommonMark parser with tables and strikethrough; addresses are left as written and judged later."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": True, "maxNesting": _MAX_NESTED + _SPARE})
        self.enable(["table", "strikethrough"])
        # Invalid characters are counted later, where they can be reported.
        self.disable("normalize")
        self.block.ruler.before("table", "deep", _deep, {"alt": []})

    def validateLink(self, url: str) -> bool:  # noqa: N802  (a name of markdown-it)
        """Accept every address, since none is ever followed."""
        return True

    def normalizeLink(self, url: str) -> str:  # noqa: N802
        """Return the address as written."""
        return url


_parser = cache(_Parser)


def _deep(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read content that is nested too deeply as one paragraph, since markdown-it would drop it."""
    if state.level < _MAX_NESTED or silent:
        return False
    state.line = end
    state.push("paragraph_open", "p", 1).map = [start, end]
    token = state.push("inline", "", 0)
    token.content = state.getLines(start, end, state.blkIndent, False).strip().lstrip("> \t-*+")
    token.map = [start, end]
    token.children = []
    state.push("paragraph_close", "p", -1)
    return True


class _Builder:
    """Builds the tree from tokens and tags in text order."""

    def __init__(self, parser: MarkdownIt, env: dict[str, object]) -> None:
        self._parser = parser
        self._env = env
        self._root = Element(ROOT)
        self._stack = [self._root]
        self._open: Counter[str] = Counter()
        self._mine: list[Element] = []
        """Elements that Markdown has opened and not yet closed."""
        self._comment: list[str] | None = None
        """The text so far of a comment that is still open; None outside comments."""

    def finish(self) -> Element:
        """Return the tree; elements that are still open are marked as never ended."""
        self._end_comment()
        for element in self._stack:
            element.ended = False
        return self._root

    def take(self, tokens: Sequence[Token]) -> None:
        """Add the elements of block tokens, or of the inline tokens inside a block."""
        for token in tokens:
            kind, content = token.type, token.content
            if kind in ("html_block", "html_inline"):
                self._markup(content, block=kind == "html_block")
            elif kind == "inline":
                self.take(token.children or ())
            elif token.nesting > 0:
                self._begin(token)
            elif token.nesting < 0:
                self._end_mine()
            elif self._comment is not None:
                self._comment.append(content)
            elif kind == "text":
                self._text(content)
            elif kind == "code_inline":
                # Code spans keep their backticks: these distinguish names from words, and quotes from the source
                # include them.
                pad = " " if content[:1] == "`" or content[-1:] == "`" else ""
                self._say(f"{token.markup}{pad}{content}{pad}{token.markup}")
            elif kind in ("fence", "code_block"):
                language, _, rest = token.info.strip().partition(" ")
                attributes = {LANGUAGE: language.partition(":")[0].strip("{}.,").lower()} if language else {}
                title = _CODE_TITLE.search(rest)
                if title:
                    attributes["title"] = (title[1] or title[2]).strip()
                self._add(Element("pre", attributes, [content], own=True))
            elif kind == "softbreak":
                self._say(" ")
            elif kind == "image":
                attributes = {name: str(token.attrs[name]) for name in ("src", "title") if token.attrs.get(name)}
                self._add(Element("img", {"alt": _flat(token.children or ()), **attributes}, own=True))
            elif token.tag:
                self._add(Element(token.tag, own=True))

    def _begin(self, token: Token) -> None:
        attributes = {name: str(value) for name, value in token.attrs.items()}
        if token.markup == "autolink":
            attributes[BARE] = ""
        # An asterisk parsed as emphasis may really be part of a multiplication, path or name pattern.
        before = self._stack[-1].children[-1:]
        sign = token.tag == "em" and token.markup == "*" and before and _SIGN.search(str(before[0]))
        element = Element(LITERAL if sign else token.tag, attributes, own=True)
        if sign:
            self._say(token.markup)
        self._mine.append(element)
        self._push(element)

    def _end_mine(self) -> None:
        element = self._mine.pop()
        if element in self._stack[-_MAX_DEPTH:]:
            while self._pop() is not element:
                pass
            if element.tag == LITERAL:
                self._say("*")

    def _text(self, text: str) -> None:
        """Add running text, turning the addresses in it into links."""
        at = 0
        # An MDX component is recognised by attributes in braces; a name in angle brackets stays.
        text = _JSX_TAG.sub(lambda tag: "" if "={" in tag[0] else tag[0], _SHORTCODE.sub("", _NOTE.sub("", text)))
        if not self._open["a"]:
            for match in _BARE.finditer(text):
                self._say(text[at : match.start()])
                self._add(Element("a", {"href": match[0].rstrip(_AFTER_ADDRESS), BARE: ""}, [match[0]]))
                at = match.end()
        self._say(text[at:])

    def _markup(self, text: str, *, block: bool) -> None:
        """Add a piece of HTML: its tags, its comments and the text between them, which may again be Markdown."""
        said = at = 0
        if self._comment is not None:
            end = text.find("-->")
            self._comment.append(text if end < 0 else text[:end])
            if end < 0:
                return
            self._end_comment()
            said = at = end + 3
        while (at := text.find("<", at)) >= 0:
            if text.startswith("<!--", at):
                self._between(text[said:at], block=block)
                end = text.find("-->", at + 2)
                self._comment = [text[at + 4 :] if end < 0 else text[at + 4 : end]]
                if end < 0:
                    return
                self._end_comment()
                said = at = end + 3
                continue
            match = _TAG.match(text, at) or _DECLARATION.match(text, at)
            if match is None:
                at += 1
                continue
            self._between(text[said:at], block=block)
            said = at = match.end()
            if match.re is _DECLARATION:
                continue
            ends, name, rest = match.groups()
            tag = name if name[0].isupper() and not name.isupper() else name.lower()
            if ends:
                self._close(tag)
                continue
            self._tag(tag, rest)
            if name.lower() in _RAW and not rest.endswith("/"):
                # The content of a script or style sheet is not markup.
                closing = re.compile(f"</{name}", re.IGNORECASE).search(text, at)
                said = at = closing.start() if closing else len(text)
                self._add(Element("#raw", children=[text[match.end() : at]]))
        self._between(text[said:], block=block)

    def _between(self, text: str, *, block: bool) -> None:
        if self._open["pre"] or self._open["code"]:
            self._say(html.unescape(text))
        elif not text.strip():
            self._say(" " if text else "")
        elif block and _LEADING_BLOCK.search(text):
            # Markdown blocks between tags without a blank line: some renderers format them, others show the marks.
            lines = "\n".join(line.strip() for line in text.split("\n"))
            self.take(self._parser.parse(lines, self._env))
        else:
            self._say(" " * text[0].isspace())
            self.take(self._parser.parseInline(" ".join(text.split()), self._env))
            self._say(" " * text[-1].isspace())

    def _tag(self, tag: str, raw: str) -> None:
        attributes: dict[str, str] = {}
        for match in _ATTRIBUTE.finditer(raw):
            value = match[2] or match[3] or match[4] or match[5] or ""
            attributes.setdefault(match[1].lower(), html.unescape(value) if "&" in value else value)
        closes, holds = _CLOSES.get(tag, (frozenset(), _TABLE))
        if any(self._open[each] for each in closes):
            self._give_way(closes, holds)
        element = Element(tag, attributes)
        if tag in _VOID or raw.endswith("/"):
            self._add(element)
        else:
            self._push(element)

    def _give_way(self, closes: frozenset[str], holds: frozenset[str]) -> None:
        """Close open elements whose tag is in `closes`, up to the nearest element whose tag is in `holds`."""
        for at in range(len(self._stack) - 1, 0, -1):
            tag = self._stack[at].tag
            if tag in holds:
                return
            if tag in closes and not self._stack[at].own:
                while len(self._stack) > at:
                    self._pop()
                if len(closes) == 1:
                    return

    def _close(self, tag: str) -> None:
        if not self._open[tag]:
            return
        block = tag in BLOCKS or tag[0].isupper() or "-" in tag
        for at in range(len(self._stack) - 1, 0, -1):
            open_tag = self._stack[at].tag
            if open_tag == tag:
                while len(self._stack) > at:
                    self._pop()
                return
            if (open_tag in _SCOPE and tag not in _WITHIN_TABLE) or (open_tag in BLOCKS and not block):
                return

    def _end_comment(self) -> None:
        if self._comment is not None:
            words = " ".join(" ".join(self._comment).split())
            self._comment = None
            self._add(Element(COMMENT, children=[words]))

    def _say(self, text: str) -> None:
        if text:
            self._stack[-1].children.append(text)

    def _add(self, element: Element) -> None:
        self._stack[-1].children.append(element)

    def _push(self, element: Element) -> None:
        self._add(element)
        if len(self._stack) <= _MAX_DEPTH or element.own:
            self._stack.append(element)
            self._open[element.tag] += 1

    def _pop(self) -> Element:
        element = self._stack.pop()
        self._open[element.tag] -= 1
        return element


def _flat(tokens: Sequence[Token]) -> str:
    """Return the words of a picture's description."""
    parts: list[str] = []
    for token in tokens:
        if token.children:
            parts.append(_flat(token.children))
        elif token.type in ("text", "code_inline"):
            parts.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
    return " ".join("".join(parts).split())
