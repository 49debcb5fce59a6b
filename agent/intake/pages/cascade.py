"""Which declarations of a page's style sheets hold for an element: selectors, specificity, `!important`, media.

Style sheets are parsed by tinycss2 and selectors matched by cssselect. Only properties that can hide text are kept, and
only selectors whose classes and ids occur in the page are matched, so that a framework's sheet of ten thousand rules
costs little. Imported by the parsing child.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import tinycss2
from cssselect import HTMLTranslator, SelectorError, parse as parse_selectors
from lxml import etree

from agent.intake.pages.page import LINKED_SHEET

Style = Mapping[str, str]
_Node = Any
"""tinycss2 has no types."""

KEPT: Final = frozenset(
    {"display", "visibility", "opacity", "content-visibility", "font-size", "font", "line-height", "color", "clip"}
    | {"background", "background-color", "background-image", "background-clip", "-webkit-background-clip", "inset"}
    | {"-webkit-text-fill-color", "position", "left", "top", "right", "bottom", "z-index", "width", "height", "filter"}
    | {"max-width", "max-height", "min-height", "overflow", "overflow-x", "overflow-y", "text-indent", "margin"}
    | {"margin-left", "margin-top", "letter-spacing", "transform", "translate", "scale", "clip-path", "animation"}
    | {"animation-name", "transition", "white-space", "mask", "-webkit-clip-path", "zoom", "float", "content"}
)
_VARIABLE: Final = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,((?:[^()]|\([^()]*\))*))?\)")
_MAX_VARIABLES: Final = 8
_MAX_VALUE: Final = 2000
_MAX_SHEET: Final = 1_500_000
"""Characters of all sheets of a page together."""
_MAX_SELECTORS: Final = 4000
_MAX_DEPTH: Final = 12
_SCREEN: Final = 1280.0
"""Width in pixels of the screen for which media queries are answered."""
_NAMES: Final = re.compile(r"([.#])((?:[\w-]|\\.|[^\x00-\x7f])+)")
_WIDTH: Final = re.compile(
    r"\(\s*(min|max)-(?:device-)?width\s*:\s*([\d.]+)\s*(px|em|rem)?\s*\)|\(\s*width\s*(>=|<=|>|<)\s*([\d.]+)\s*(px|em|rem)?"
)
_NOT_HERE: Final = re.compile(
    r"\b(?:print|speech|tty|braille|embossed|handheld|projection)\b|prefers-color-scheme\s*:\s*dark"
    r"|prefers-reduced-motion\s*:\s*reduce|forced-colors\s*:\s*active|orientation\s*:\s*portrait|hover\s*:\s*none"
    r"|prefers-contrast\s*:\s*(?:more|less|custom)"
)
_PART: Final = re.compile(r"[.#]?[A-Za-z_][\w-]*", re.ASCII)
_SIMPLE: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9]*)?(?:[.#][A-Za-z_][\w-]*+)+|[A-Za-z][A-Za-z0-9]*", re.ASCII)
_PSEUDO: Final = re.compile(r"::?(before|after|marker|placeholder)\s*$", re.IGNORECASE)
_STATES: Final = re.compile(r":(?:hover|focus\S*|active|target|visited|checked|disabled|open)\b|::")
_EM: Final = 16.0


class _Rule(NamedTuple):
    selector: str
    style: tuple[tuple[str, str, bool], ...]
    """Name, value, important."""
    layered: bool
    order: int


class Generated(NamedTuple):
    """Text that a rule writes before or behind elements."""

    selector: str
    text: str


class Cascade:
    """The rules of a page's sheets, matched against its tree once."""

    def __init__(self, root: etree._Element, sheets: Sequence[str]) -> None:
        self._root = root
        self.generated: list[Generated] = []
        self._rules: list[_Rule] = []
        self._names = _names_of(root)
        left = _MAX_SHEET
        for sheet in sheets:
            if left > 0:
                nodes = tinycss2.parse_stylesheet(sheet[:left], skip_comments=True, skip_whitespace=True)
                self._collect(nodes, "", False, 0)
                left -= len(sheet)
        self._by_element: dict[etree._Element, list[tuple[tuple[int, ...], str, str, bool]]] = {}
        self._match(root)

    def style(self, element: etree._Element, hints: Style) -> dict[str, str]:
        """The declared values of an element, its inline style included; `hints` are those of its attributes.

        Custom properties are in it under their own names; variables are not put in yet.
        """
        merged = dict(hints)
        ruled, inline = self._by_element.get(element), element.get("style")
        if not ruled and not inline:
            return merged
        strong: dict[str, str] = {}
        for _, name, value, important in sorted(ruled or (), key=_order):
            (strong if important else merged)[name] = value
        for name, value, important in declarations(inline or ""):
            if important:
                strong[name] = value
            else:
                merged[name] = value
        return {**merged, **strong}

    def elements_with(self, name: str, value: str) -> Iterator[etree._Element]:
        """The elements for which a rule or their own style declares `name` as `value`, whether that holds or not."""
        for element, entries in self._by_element.items():
            if any(entry[1] == name and entry[2] == value for entry in entries):
                yield element
        for element in self._root.iter("*"):
            inline = element.get("style")
            if inline and name in inline and any(e[0] == name and e[1] == value for e in declarations(inline)):
                yield element

    def _collect(self, nodes: Iterable[_Node], outer: str, layered: bool, depth: int) -> None:
        if depth > _MAX_DEPTH:
            return
        for node in nodes:
            if node.type == "qualified-rule":
                self._qualified(node, outer, layered, depth)
            elif node.type == "at-rule" and node.content is not None:
                name = node.lower_at_keyword
                prelude = tinycss2.serialize(node.prelude).strip().lower()
                if name in ("supports", "layer", "container", "scope", "starting-style") or (
                    name == "media" and seen_on_screen(prelude)
                ):
                    if name == "starting-style" or (name == "supports" and prelude.startswith("not")):
                        continue
                    inner = tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True)
                    self._collect(inner, outer, layered or name == "layer", depth + 1)

    def _qualified(self, node: _Node, outer: str, layered: bool, depth: int) -> None:
        selector = tinycss2.serialize(node.prelude).strip()
        if outer:
            selector = selector.replace("&", f":is({outer})") if "&" in selector else f":is({outer}) {selector}"
        if not _writes(node.content) and not any(_possible(part, self._names) for part in _split(selector)):
            return
        style: list[tuple[str, str, bool]] = []
        nested: list[_Node] = []
        for inner in tinycss2.parse_blocks_contents(node.content, skip_comments=True, skip_whitespace=True):
            if inner.type == "declaration":
                style.extend(_kept(inner))
                if inner.lower_name == "content":
                    words = " ".join(token.value for token in inner.value if token.type == "string")
                    if words.strip():
                        self.generated.append(Generated(selector, " ".join(words.split())))
            elif inner.type in ("qualified-rule", "at-rule"):
                nested.append(inner)
        if style:
            self._rules.append(_Rule(selector, tuple(style), layered, len(self._rules)))
        if nested:
            self._collect(nested, selector, layered, depth + 1)

    def _match(self, root: etree._Element) -> None:
        if not self._rules:
            return
        index = _Index(root)
        matched = 0
        for rule in self._rules:
            for part in _split(rule.selector):
                if matched >= _MAX_SELECTORS:
                    return
                if _STATES.search(part) or not _possible(part, self._names):
                    continue
                matched += 1
                for specificity, elements in index.found(part):
                    rank = (0 if rule.layered else 1, *specificity, rule.order)
                    for element in elements:
                        own = self._by_element.setdefault(element, [])
                        own.extend((rank, name, value, important) for name, value, important in rule.style)


def _order(entry: tuple[tuple[int, ...], str, str, bool]) -> tuple[int, ...]:
    """Weakest first: layers lose to other rules, but win when both are important."""
    (unlayered, *rest), _, _, important = entry
    return (-unlayered if important else unlayered, *rest)


def declarations(text: str) -> Iterator[tuple[str, str, bool]]:
    """Name, value (lower case) and importance of what a style attribute declares, as far as it can hide text."""
    if not text.strip():
        return
    for node in tinycss2.parse_blocks_contents(text[:_MAX_SHEET], skip_comments=True, skip_whitespace=True):
        if node.type == "declaration":
            yield from _kept(node)


def without_sheets(text: str) -> tuple[str, tuple[str, ...]]:
    """A page's text and the style sheets that stand behind its end."""
    mark, end = f"\n<style {LINKED_SHEET}>", "</style>"
    sheets: list[str] = []
    while text.endswith(end):
        at = text.rfind(mark)
        sheet = text[at + len(mark) : -len(end)]
        if at < 0 or "</" in sheet:
            break
        sheets.insert(0, sheet)
        text = text[:at]
    return text, tuple(sheets)


def resolved(value: str, known: Mapping[str, str]) -> str:
    """`value` with its variables put in; one that nobody sets and that has no fallback stays as it is written."""
    for _ in range(_MAX_VARIABLES):
        if "var(" not in value or len(value) > _MAX_VALUE:
            break
        changed = _VARIABLE.sub(lambda match: known.get(match[1], (match[2] or match[0]).strip()), value)
        if changed == value:
            break
        value = changed
    return value.strip()


def seen_on_screen(query: str) -> bool:
    """Whether a media query holds on a screen of common size."""
    return any(_query(part.strip()) for part in query.split(",")) if query.strip() else True


def _query(query: str) -> bool:
    if query.startswith("not "):
        return bool(_NOT_HERE.search(query))
    if _NOT_HERE.search(query):
        return False
    for match in _WIDTH.finditer(query):
        number = float(match[2] or match[5] or 0) * (1.0 if (match[3] or match[6] or "px") == "px" else _EM)
        least = match[1] == "min" or (match[4] or "").startswith(">")
        if (least and number > _SCREEN) or (not least and number < _SCREEN):
            return False
    return True


def _kept(node: _Node) -> Iterator[tuple[str, str, bool]]:
    name = node.name if node.name.startswith("--") else node.lower_name
    if name in KEPT or name.startswith("--"):
        yield name, tinycss2.serialize(node.value).strip().lower(), bool(node.important)


def _names_of(root: etree._Element) -> frozenset[str]:
    names: set[str] = set()
    for element in root.iter("*"):
        names.update("." + name for name in (element.get("class") or "").split())
        if element.get("id"):
            names.add("#" + str(element.get("id")).strip())
    return frozenset(names)


def _possible(selector: str, names: frozenset[str]) -> bool:
    """Whether the classes and ids that a selector asks for occur in the page at all."""
    if ":is(" in selector or ":where(" in selector or ":not(" in selector:
        return True
    return all(mark + re.sub(r"\\(.)", r"\1", name) in names for mark, name in _NAMES.findall(selector))


def _split(selector: str) -> list[str]:
    """The parts of a selector list; commas inside brackets separate nothing."""
    parts, depth, begin = [], 0, 0
    for index, character in enumerate(selector):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append(selector[begin:index].strip())
            begin = index + 1
    parts.append(selector[begin:].strip())
    return [part for part in parts if part]


def _writes(content: Sequence[_Node]) -> bool:
    """Whether a rule, or one in it, may write text of its own."""
    stack = list(content)
    while stack:
        token = stack.pop()
        if token.type == "ident" and token.lower_value == "content":
            return True
        if token.type == "{} block":
            stack.extend(token.content)
    return False


class _Index:
    """The elements of a tree by tag, class and id; most selectors ask for nothing else."""

    def __init__(self, root: etree._Element) -> None:
        self._root = root
        self._translator = HTMLTranslator()
        self._by: dict[str, list[etree._Element]] = {}
        for element in root.iter("*"):
            keys = {str(element.tag), *(f".{name}" for name in (element.get("class") or "").split())}
            if element.get("id") is not None:
                keys.add(f"#{element.get('id')}")
            for key in keys:
                self._by.setdefault(key, []).append(element)

    def found(self, selector: str) -> Iterator[tuple[tuple[int, int, int], list[etree._Element]]]:
        """Specificity and elements of each part of a selector; nothing for one that cannot be understood."""
        if _SIMPLE.fullmatch(selector):
            yield self._simple(selector)
            return
        try:
            for parsed in parse_selectors(selector.replace(":root", "html").replace(":where(", ":is(")):
                if parsed.pseudo_element is not None:
                    # The text before or behind an element, not the element.
                    continue
                path = self._translator.selector_to_xpath(parsed)
                elements = self._root.xpath(path)
                yield parsed.specificity(), [element for element in elements if isinstance(element, etree._Element)]
        except (SelectorError, etree.XPathError, RecursionError, ValueError):
            # A selector that cannot be understood hides nothing here; its page is read as if the rule were not there.
            return

    def _simple(self, selector: str) -> tuple[tuple[int, int, int], list[etree._Element]]:
        parts = _PART.findall(selector)
        keys = [part if part[0] in ".#" else part.lower() for part in parts]
        lists = sorted((self._by.get(key, []) for key in keys), key=len)
        wanted = [set(elements) for elements in lists[1:]]
        marks = [key[0] for key in keys]
        ids, classes = marks.count("#"), marks.count(".")
        return (ids, classes, len(keys) - ids - classes), [e for e in lists[0] if all(e in other for other in wanted)]
