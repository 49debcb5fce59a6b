"""The CSS cascade: which declarations apply to an element (selectors, specificity, `!important`, media).

Style sheets are parsed by tinycss2 and selectors are matched by cssselect. Only properties that can hide text are kept,
and only selectors whose classes and ids occur in the page are matched, so that a framework's sheet of ten thousand
rules costs little. Imported by the parsing child.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import tinycss2
from cssselect import HTMLTranslator, SelectorError, parse as parse_selectors
from lxml import etree

from agent.intake.page import LINKED_SHEET

Style = Mapping[str, str]
_Node = Any
"""Any, because tinycss2 has no types."""

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
"""Maximum number of characters in all sheets of a page together."""
_MAX_SELECTORS: Final = 4000
_MAX_DEPTH: Final = 12
_SCREEN: Final = 1280.0
"""Width in pixels of the screen assumed for media queries."""
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
_STATES: Final = re.compile(r":(?:hover|focus\S*|active|target|visited|checked|disabled|open)\b|::")
_EM: Final = 16.0

_SCALED: Final = re.compile(r"(scale(?:3d|[xyz])?|matrix(?:3d)?)\(([^()]*)\)")
_TURNED: Final = re.compile(r"rotate[xy]\(\s*-?(?:90deg|0?\.25turn|100grad)")
_MOVED: Final = re.compile(r"translate(?:3d|[xyz])?\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
_CLIPPED: Final = re.compile(
    r"inset\(\s*(?:100|[5-9]\d)(?:\.\d+)?%|(?:circle|ellipse)\(\s*0(?:px|%)?(?:\s|\)|$)|rect\(\s*0\S*\s+0\S*\s+0\S*\s+0"
    r"|polygon\(\s*0(?:px|%)?\s+0(?:px|%)?\s*(?:,\s*0(?:px|%)?\s+0(?:px|%)?\s*)*\)|xywh\(\S+\s+\S+\s+0"
)
_RECT: Final = re.compile(r"rect\(\s*([^()]*)\)")
_LENGTH: Final = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(px|em|rem|pt|pc|vw|vh|vmin|vmax|%|ex|ch|in|cm|mm|q)?"
)
# Approximate sizes of the units, good enough to tell a visible size from none.
_PIXELS: Final = {
    "em": 16.0,
    "rem": 16.0,
    "pt": 1.33,
    "pc": 16.0,
    "vw": 12.8,
    "vh": 8.0,
    "vmin": 8.0,
    "vmax": 12.8,
    "%": 12.0,
    "in": 96.0,
    "cm": 38.0,
    "mm": 3.8,
    "q": 0.95,
    "ex": 8.0,
    "ch": 8.0,
}
_FAR: Final = -900.0
_FAR_AHEAD: Final = 5000.0
MIN_FONT: Final = 3.0
"""Font size in pixels below which letters cannot be read."""
_FAINT: Final = 0.1
_BLURRED: Final = 6.0
_SHRUNK: Final = 0.05
_FONT_WORDS: Final = {
    "xx-small": 9.0,
    "x-small": 10.0,
    "small": 13.0,
    "medium": 16.0,
    "large": 18.0,
    "x-large": 24.0,
    "xx-large": 32.0,
    "smaller": 13.0,
    "larger": 19.0,
}
_PLACED: Final = ("absolute", "fixed")


class _Rule(NamedTuple):
    selector: str
    style: tuple[tuple[str, str, bool], ...]
    """Declarations as name, value and importance."""
    layered: bool
    order: int


class Generated(NamedTuple):
    """Text that a rule inserts before or after elements."""

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
        """Return the declared values of an element, its inline style included; `hints` are those from its attributes.

        Custom properties are included under their own names; variables are not substituted yet.
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
        """Yield the elements for which a rule or an inline style declares `name` as `value`, even if overridden."""
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
    """Return a sort key, weakest first: layers lose to other rules, but win when both are important."""
    (unlayered, *rest), _, _, important = entry
    return (-unlayered if important else unlayered, *rest)


def declarations(text: str) -> Iterator[tuple[str, str, bool]]:
    """Yield name, lower-case value and importance of the declarations in a style attribute that can hide text."""
    if not text.strip():
        return
    for node in tinycss2.parse_blocks_contents(text[:_MAX_SHEET], skip_comments=True, skip_whitespace=True):
        if node.type == "declaration":
            yield from _kept(node)


def without_sheets(text: str) -> tuple[str, tuple[str, ...]]:
    """Split a page's text from the style sheets appended to it."""
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
    """Return `value` with its variables substituted; a variable without a value or fallback stays as written."""
    for _ in range(_MAX_VARIABLES):
        if "var(" not in value or len(value) > _MAX_VALUE:
            break
        changed = _VARIABLE.sub(lambda match: known.get(match[1], (match[2] or match[0]).strip()), value)
        if changed == value:
            break
        value = changed
    return value.strip()


def seen_on_screen(query: str) -> bool:
    """Return whether a media query matches a screen of common size."""
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
    """Return whether the classes and ids in a selector may all occur in the page."""
    if ":is(" in selector or ":where(" in selector or ":not(" in selector:
        return True
    return all(mark + re.sub(r"\\(.)", r"\1", name) in names for mark, name in _NAMES.findall(selector))


def _split(selector: str) -> list[str]:
    """Split a selector list at its commas, except for commas inside brackets."""
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
    """Return whether a rule, or a rule nested in it, may insert text."""
    stack = list(content)
    while stack:
        token = stack.pop()
        if token.type == "ident" and token.lower_value == "content":
            return True
        if token.type == "{} block":
            stack.extend(token.content)
    return False


class _Index:
    """Index of a tree's elements by tag, class and id, which is enough for most selectors."""

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
        """Yield specificity and elements of each part of a selector, or nothing if the selector cannot be parsed."""
        if _SIMPLE.fullmatch(selector):
            yield self._simple(selector)
            return
        try:
            for parsed in parse_selectors(selector.replace(":root", "html").replace(":where(", ":is(")):
                if parsed.pseudo_element is not None:
                    # A pseudo-element is the text before or after an element, not the element itself.
                    continue
                path = self._translator.selector_to_xpath(parsed)
                elements = self._root.xpath(path)
                yield parsed.specificity(), [element for element in elements if isinstance(element, etree._Element)]
        except (SelectorError, etree.XPathError, RecursionError, ValueError):
            # Ignore the rule, because a selector that cannot be parsed hides nothing.
            return

    def _simple(self, selector: str) -> tuple[tuple[int, int, int], list[etree._Element]]:
        parts = _PART.findall(selector)
        keys = [part if part[0] in ".#" else part.lower() for part in parts]
        lists = sorted((self._by.get(key, []) for key in keys), key=len)
        wanted = [set(elements) for elements in lists[1:]]
        marks = [key[0] for key in keys]
        ids, classes = marks.count("#"), marks.count(".")
        return (ids, classes, len(keys) - ids - classes), [e for e in lists[0] if all(e in other for other in wanted)]


def unseen(style: Style) -> str | None:
    """Return why an element with this style and everything in it cannot be seen, or None."""
    if not style:
        return None
    if style.get("display") == "none":
        return "display:none"
    if style.get("content-visibility") == "hidden":
        return "content-visibility:hidden"
    if "url(" in style.get("content", ""):
        return "replaced by a picture"
    if opacity(style) <= _FAINT:
        return "opacity 0"
    blur = re.search(r"blur\(([^()]*)\)", style.get("filter", ""))
    if blur and (pixels(blur[1]) or 0.0) >= _BLURRED:
        return "blurred"
    return _transformed(style) or _misplaced(style) or _boxed(style)


def appears_later(style: Style) -> bool:
    """Return whether the element has a transition or an animation, which may reveal it later."""
    return any(style.get(name, "none") != "none" for name in ("transition", "animation", "animation-name"))


def opacity(style: Style) -> float:
    """Return the element's own opacity, 0 to 1, filters included."""
    if "opacity" not in style and "filter" not in style:
        return 1.0
    own = _share(style.get("opacity", ""))
    filtered = re.search(r"opacity\(([^()]*)\)", style.get("filter", ""))
    return own * (_share(filtered[1]) if filtered else 1.0)


def _transformed(style: Style) -> str | None:
    transform = style.get("transform", "")
    if _TURNED.search(transform) or _nothing(style.get("scale", "")) or _nothing(style.get("zoom", "")):
        return "transformed out of sight"
    for match in _SCALED.finditer(transform):
        numbers = match[2].split(",")
        if _nothing(numbers[0] if match[1].startswith("matrix") else " ".join(numbers[:2])):
            return "transformed out of sight"
    moves = [part for match in _MOVED.finditer(transform) for part in match[1].split(",")]
    for part in (*moves, *style.get("translate", "").split()):
        distance = pixels(part)
        percent = part.strip().endswith("%")
        # A percentage refers to the box itself: a slide waiting beside its window is moved by 100 %.
        if distance is not None and (distance <= -_FAR_AHEAD if percent else _is_far(distance)):
            return "transformed out of sight"
    return None


def _misplaced(style: Style) -> str | None:
    placed = style.get("position") in _PLACED
    if placed or style.get("position") == "relative":
        for side in ("left", "top", "right", "bottom"):
            offset = pixels(style.get(side, ""))
            if offset is not None and _is_far(offset):
                return "off-screen position"
    for name in ("text-indent", "margin-left", "margin-top", "letter-spacing"):
        offset = pixels(style.get(name, ""))
        if offset is not None and _is_far(offset):
            return "off-screen position"
    if placed and (_integer(style.get("z-index", "")) or 0) < 0:
        return "behind another layer"
    return None


def _boxed(style: Style) -> str | None:
    clips = any(
        style.get(name, "").split()[:1] in (["hidden"], ["clip"]) for name in ("overflow", "overflow-x", "overflow-y")
    )
    if clips:
        for name in ("height", "width", "max-height", "max-width"):
            if pixels(style.get(name, "")) == 0:
                return "a box of no size"
        if pixels(style.get("line-height", "")) == 0 and "height" not in style:
            return "a box of no size"
        indent = style.get("text-indent", "")
        if indent.endswith("%") and (pixels(indent) or 0.0) >= _PIXELS["%"] * 100:
            return "off-screen position"
    if reader_only(style):
        return None
    if any(_CLIPPED.search(style.get(name, "")) for name in ("clip-path", "-webkit-clip-path")):
        return "clipped away"
    rect = _RECT.search(style.get("clip", ""))
    if rect and style.get("position") in _PLACED:
        sides = [pixels(part) for part in re.split(r"[\s,]+", rect[1].strip())]
        if len(sides) == 4 and None not in sides and sides[0] == sides[2] and sides[1] == sides[3]:  # noqa: PLR2004
            return "clipped away"
    return None


def reader_only(style: Style) -> bool:
    """Return whether a box is one pixel in size, the usual pattern for screen-reader text, which is kept."""
    return pixels(style.get("width", "")) == 1 and pixels(style.get("height", "")) == 1


def covers(style: Style) -> bool:
    """Return whether an element covers the whole box of its parent."""
    if style.get("position") not in _PLACED or (_integer(style.get("z-index", "")) or 0) < 0:
        return False
    ends = [pixels(style.get(side, "")) for side in ("left", "top", "right", "bottom")]
    if all(end is not None and end <= 0 for end in ends):
        return True
    full = all(style.get(name, "") in ("100%", "100vw", "100vh") for name in ("width", "height"))
    return full and (ends[0] or 0) <= 0 and (ends[1] or 0) <= 0


def longhands(style: Style) -> dict[str, str]:
    """Expand the relevant shorthands of a style; each overrides the longhands declared before it."""
    spread: dict[str, str] = {}
    for name, value in style.items():
        if name == "inset":
            parts = value.split()
            top, right = parts[0] if parts else "", parts[1] if len(parts) > 1 else parts[0] if parts else ""
            bottom = parts[2] if len(parts) > 2 else top  # noqa: PLR2004  (the order of the shorthand)
            left = parts[3] if len(parts) > 3 else right  # noqa: PLR2004
            spread.update(top=top, right=right, bottom=bottom, left=left)
        elif name == "font":
            size = re.search(r"(?:^|\s)([\d.]+(?:px|em|rem|pt|%)?)(?:\s*/\s*(\S+))?(?=\s)", value)
            if size:
                spread["font-size"] = size[1]
        elif name == "margin":
            parts = value.split()
            if parts:
                spread["margin-top"] = parts[0]
                spread["margin-left"] = parts[3] if len(parts) > 3 else parts[1] if len(parts) > 1 else parts[0]  # noqa: PLR2004
        else:
            spread[name] = value
    return spread


def font_pixels(value: str, outer: float) -> float:
    """Return the font size in pixels for a declared value inside text of `outer` pixels."""
    if value in _FONT_WORDS:
        return _FONT_WORDS[value]
    match = _LENGTH.fullmatch(value.strip())
    if not match:
        return outer
    number = float(match[1])
    if match[2] in ("em", "%"):
        return outer * (number / 100 if match[2] == "%" else number)
    return number * _PIXELS.get(match[2] or "px", 1.0)


def pixels(value: str) -> float | None:
    """Return a length in pixels, approximate for relative units; None unless it is a plain length or a sum."""
    if not value:
        return None
    match = _LENGTH.fullmatch(value.strip())
    if match:
        return float(match[1]) * _PIXELS.get(match[2] or "px", 1.0)
    inner = re.fullmatch(r"calc\(\s*([^()]*?)\s*\)", value.strip())
    parts = [_LENGTH.fullmatch(part) for part in inner[1].split(" ")[::2]] if inner else []
    if not inner or not parts or not all(parts) or re.search(r"[*/]", inner[1]):
        return None
    signs = [1.0, *(-1.0 if sign == "-" else 1.0 for sign in inner[1].split(" ")[1::2])]
    return sum(
        sign * float(part[1]) * _PIXELS.get(part[2] or "px", 1.0)
        for sign, part in zip(signs, parts, strict=False)
        if part
    )


def _is_far(offset: float) -> bool:
    return offset < _FAR or offset > _FAR_AHEAD


def _nothing(value: str) -> bool:
    """Return whether a factor of a scale shrinks the element to almost nothing."""
    return any(_share(part) <= _SHRUNK for part in value.split())


def _share(value: str) -> float:
    match = re.fullmatch(r"(\d*\.?\d+(?:e-?\d+)?)(%?)", value.strip())
    return min(1.0, float(match[1]) / (100 if match[2] else 1)) if match else 1.0


def _integer(value: str) -> int | None:
    return int(value) if re.fullmatch(r"[+-]?\d{1,9}", value.strip()) else None
