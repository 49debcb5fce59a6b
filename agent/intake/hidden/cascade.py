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
Declared = tuple[str, str, bool]
"""Name, lower-case value and importance of a declaration."""
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
_GROUPS: Final = ("supports", "layer", "container", "scope")
_VARIABLE: Final = re.compile(r"var\(\s*(--[\w-]+)\s*(?:,((?:[^()]|\([^()]*\))*))?\)")
_MAX_VARIABLES: Final = 8
_MAX_VALUE: Final = 2000
_MAX_SHEET: Final = 1_500_000  # maximum characters in all sheets of a page together
_MAX_SELECTORS: Final = 4000
_MAX_DEPTH: Final = 12
_SCREEN: Final = 1280.0  # width in pixels of the screen assumed for media queries
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
_FONT: Final = re.compile(r"(?:^|\s)([\d.]+(?:px|em|rem|pt|%)?)(?:\s*/\s*(\S+))?(?=\s)")
_CALCULATED: Final = re.compile(r"calc\(\s*([^()*/]*?)\s*\)")
_LENGTH: Final = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)\s*(px|em|rem|pt|pc|vw|vh|vmin|vmax|%|ex|ch|in|cm|mm|q)?"
)
# Approximate sizes of the units, good enough to tell a visible size from an invisible one.
_PIXELS: Final = {
    "px": 1.0, "pt": 1.33, "%": 12.0, "in": 96.0, "cm": 38.0, "mm": 3.8, "q": 0.95, "em": _EM, "rem": _EM, "pc": _EM,
    "vw": 12.8, "vmax": 12.8, "vh": 8.0, "vmin": 8.0, "ex": 8.0, "ch": 8.0,
}  # fmt: skip
_FONT_WORDS: Final = {
    "xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0, "xx-large": 32.0,
    "smaller": 13.0, "larger": 19.0,
}  # fmt: skip
_FAR: Final = -900.0
_FAR_AHEAD: Final = 5000.0
MIN_FONT: Final = 3.0
"""Font size in pixels below which letters cannot be read."""
_FAINT: Final = 0.1
_BLURRED: Final = 6.0
_SHRUNK: Final = 0.05
_TRANSLATOR: Final = HTMLTranslator()
_PLACED: Final = ("absolute", "fixed")
_SIDES: Final = ("left", "top", "right", "bottom")
_SHIFTS: Final = ("text-indent", "margin-left", "margin-top", "letter-spacing")


class _Rule(NamedTuple):
    selector: str
    style: tuple[Declared, ...]
    layered: bool
    order: int


class Cascade:
    """The rules of a page's sheets, matched against its tree once.

    `generated` lists the texts that rules insert before or after elements.
    """

    def __init__(self, root: etree._Element, sheets: Sequence[str]) -> None:
        self._root = root
        self.generated: list[str] = []
        self._rules: list[_Rule] = []
        self._by_element: dict[etree._Element, list[tuple[tuple[int, ...], Declared]]] = {}
        # Elements by tag, class and id, which is enough for most selectors.
        self._index: dict[str, list[etree._Element]] = {}
        self._names: set[str] = set()
        for element in root.iter("*") if any(sheets) else ():
            keys = {str(element.tag), *("." + name for name in (element.get("class") or "").split())}
            if element.get("id") is not None:
                keys.add(f"#{element.get('id')}")
                self._names.add(f"#{element.get('id').strip()}")
            for key in keys:
                self._index.setdefault(key, []).append(element)
        self._names |= self._index.keys()
        left = _MAX_SHEET
        for sheet in sheets:
            if left > 0:
                self._collect(_parsed(sheet[:left], tinycss2.parse_stylesheet), "", False, 0)
                left -= len(sheet)
        self._match()

    def style(self, element: etree._Element, hints: Style | None = None) -> dict[str, str]:
        """Return the declared values of an element, inline style included; `hints` are those that its attributes imply.

        Custom properties are included under their own names; variables are not substituted yet.
        """
        merged = dict(hints or {})
        ruled, inline = self._by_element.get(element), element.get("style")
        if not ruled and not inline:
            return merged
        strong: dict[str, str] = {}
        rules = (declared for _, declared in sorted(ruled or (), key=_order))
        for name, value, important in (*rules, *declarations(inline or "")):
            (strong if important else merged)[name] = value
        return {**merged, **strong}

    def elements_with(self, name: str, value: str) -> Iterator[etree._Element]:
        """Yield the elements for which a rule or an inline style declares `name` as `value`, even if overridden."""
        for element, entries in self._by_element.items():
            if any(declared[:2] == (name, value) for _, declared in entries):
                yield element
        for element in self._root.iter("*"):
            inline = element.get("style")
            if inline and name in inline and any(each[:2] == (name, value) for each in declarations(inline)):
                yield element

    def _collect(self, nodes: Iterable[_Node], outer: str, layered: bool, depth: int) -> None:
        for node in nodes if depth <= _MAX_DEPTH else ():
            if node.type == "qualified-rule":
                self._qualified(node, outer, layered, depth)
            elif node.type == "at-rule" and node.content is not None:
                name = node.lower_at_keyword
                prelude = tinycss2.serialize(node.prelude).strip().lower()
                applies = name in _GROUPS and not (name == "supports" and prelude.startswith("not"))
                if applies or (name == "media" and seen_on_screen(prelude)):
                    self._collect(_parsed(node.content), outer, layered or name == "layer", depth + 1)

    def _qualified(self, node: _Node, outer: str, layered: bool, depth: int) -> None:
        selector = tinycss2.serialize(node.prelude).strip()
        if outer:
            selector = selector.replace("&", f":is({outer})") if "&" in selector else f":is({outer}) {selector}"
        if not _writes(node.content) and not any(self._possible(part) for part in _split(selector)):
            return
        style: list[Declared] = []
        nested: list[_Node] = []
        for inner in _parsed(node.content):
            if inner.type == "declaration":
                style.extend(_kept(inner))
                if inner.lower_name == "content":
                    words = " ".join(token.value for token in inner.value if token.type == "string").split()
                    self.generated += [" ".join(words)] if words else []
            elif inner.type in ("qualified-rule", "at-rule"):
                nested.append(inner)
        if style:
            self._rules.append(_Rule(selector, tuple(style), layered, len(self._rules)))
        self._collect(nested, selector, layered, depth + 1)

    def _possible(self, selector: str) -> bool:
        """Return whether the classes and ids in a selector may all occur in the page."""
        if ":is(" in selector or ":where(" in selector or ":not(" in selector:
            return True
        return all(mark + re.sub(r"\\(.)", r"\1", name) in self._names for mark, name in _NAMES.findall(selector))

    def _match(self) -> None:
        matched = 0
        for rule in self._rules:
            for part in _split(rule.selector):
                if matched >= _MAX_SELECTORS:
                    return
                if _STATES.search(part) or not self._possible(part):
                    continue
                matched += 1
                for specificity, elements in self._found(part):
                    rank = (0 if rule.layered else 1, *specificity, rule.order)
                    for element in elements:
                        self._by_element.setdefault(element, []).extend((rank, declared) for declared in rule.style)

    def _found(self, selector: str) -> Iterator[tuple[tuple[int, int, int], list[etree._Element]]]:
        """Yield the specificity and the elements of each part of a selector, nothing if it cannot be parsed."""
        if _SIMPLE.fullmatch(selector):
            keys = [part if part[0] in ".#" else part.lower() for part in _PART.findall(selector)]
            first, *others = sorted((self._index.get(key, []) for key in keys), key=len)
            wanted = [set(elements) for elements in others]
            ids, classes = (sum(key[0] == mark for key in keys) for mark in "#.")
            yield (ids, classes, len(keys) - ids - classes), [e for e in first if all(e in other for other in wanted)]
            return
        try:
            for parsed in parse_selectors(selector.replace(":root", "html").replace(":where(", ":is(")):
                if parsed.pseudo_element is None:  # else it is the text before or after an element, not the element
                    elements = self._root.xpath(_TRANSLATOR.selector_to_xpath(parsed))
                    yield parsed.specificity(), [each for each in elements if isinstance(each, etree._Element)]
        except (SelectorError, etree.XPathError, RecursionError, ValueError):
            return  # A selector that cannot be parsed hides nothing.


def _order(entry: tuple[tuple[int, ...], Declared]) -> tuple[int, ...]:
    """Return a sort key, weakest first: layers lose to other rules, but win when both are important."""
    (unlayered, *rest), (_, _, important) = entry
    return (-unlayered if important else unlayered, *rest)


def _parsed(content: _Node, parse: _Node = tinycss2.parse_blocks_contents) -> list[_Node]:
    found: list[_Node] = parse(content, skip_comments=True, skip_whitespace=True)
    return found


def declarations(text: str) -> Iterator[Declared]:
    """Yield the declarations in a style attribute that can hide text."""
    for node in _parsed(text[:_MAX_SHEET]) if text.strip() else ():
        if node.type == "declaration":
            yield from _kept(node)


def _kept(node: _Node) -> Iterator[Declared]:
    name = node.name if node.name.startswith("--") else node.lower_name
    if name in KEPT or name.startswith("--"):
        yield name, tinycss2.serialize(node.value).strip().lower(), bool(node.important)


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
        value = _VARIABLE.sub(lambda match: known.get(match[1], (match[2] or match[0]).strip()), value)
    return value.strip()


def seen_on_screen(query: str) -> bool:
    """Return whether a media query matches a screen of common size."""

    def matches(part: str) -> bool:
        here = not _NOT_HERE.search(part)
        if part.startswith("not ") or not here:
            return part.startswith("not ") and not here
        for match in _WIDTH.finditer(part):
            number = float(match[2] or match[5] or 0) * (1.0 if (match[3] or match[6] or "px") == "px" else _EM)
            least = match[1] == "min" or (match[4] or "").startswith(">")
            if (least and number > _SCREEN) or (not least and number < _SCREEN):
                return False
        return True

    return not query.strip() or any(matches(part.strip()) for part in query.split(","))


def _split(selector: str) -> list[str]:
    """Split a selector list at its commas, except for commas inside brackets."""
    parts, depth, begin = [], 0, 0
    for index, character in enumerate(selector):
        depth += (character in "([") - (character in ")]")
        if character == "," and depth == 0:
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


def unseen(style: Style) -> str | None:
    """Return why neither an element with this style nor anything in it can be seen, or None."""
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
    return "transformed out of sight" if _is_transformed(style) else _misplaced(style) or _boxed(style)


def appears_later(style: Style) -> bool:
    """Return whether the element has a transition or an animation, which may reveal it later."""
    return any(style.get(name, "none") != "none" for name in ("transition", "animation", "animation-name"))


def opacity(style: Style) -> float:
    """Return the element's own opacity, 0 to 1, filters included."""
    filtered = re.search(r"opacity\(([^()]*)\)", style.get("filter", ""))
    return _share(style.get("opacity", "")) * (_share(filtered[1]) if filtered else 1.0)


def _is_transformed(style: Style) -> bool:
    """Return whether an element is turned, shrunk or moved out of sight."""
    transform = style.get("transform", "")
    factors = [style.get("scale", ""), style.get("zoom", "")]
    for kind, written in _SCALED.findall(transform):
        numbers = written.split(",")
        factors.append(numbers[0] if kind.startswith("matrix") else " ".join(numbers[:2]))
    if _TURNED.search(transform) or any(_share(part) <= _SHRUNK for factor in factors for part in factor.split()):
        return True
    moves = [part for match in _MOVED.finditer(transform) for part in match[1].split(",")]
    for part in (*moves, *style.get("translate", "").split()):
        distance = pixels(part)
        # A percentage refers to the box itself: a carousel slide that waits out of view is moved by 100 %.
        if distance is not None and (distance <= -_FAR_AHEAD if part.strip().endswith("%") else _is_far(part)):
            return True
    return False


def _misplaced(style: Style) -> str | None:
    placed = style.get("position") in _PLACED
    sides = _SIDES if placed or style.get("position") == "relative" else ()
    if any(_is_far(style.get(name, "")) for name in (*sides, *_SHIFTS)):
        return "off-screen position"
    return "behind another layer" if placed and _is_behind(style) else None


def _is_far(value: str) -> bool:
    offset = pixels(value)
    return offset is not None and (offset < _FAR or offset > _FAR_AHEAD)


def _is_behind(style: Style) -> bool:
    return re.fullmatch(r"-\d{1,9}", style.get("z-index", "").strip()) is not None and int(style["z-index"]) < 0


def _boxed(style: Style) -> str | None:
    overflows = (style.get(name, "").split()[:1] for name in ("overflow", "overflow-x", "overflow-y"))
    if any(overflow in (["hidden"], ["clip"]) for overflow in overflows):
        if any(pixels(style.get(name, "")) == 0 for name in ("height", "width", "max-height", "max-width")):
            return "a box without size"
        if pixels(style.get("line-height", "")) == 0 and "height" not in style:
            return "a box without size"
        indent = style.get("text-indent", "")
        if indent.endswith("%") and (pixels(indent) or 0.0) >= _PIXELS["%"] * 100:
            return "off-screen position"
    if pixels(style.get("width", "")) == pixels(style.get("height", "")) == 1:
        return None  # One pixel is the usual pattern for screen-reader text, which is kept.
    if any(_CLIPPED.search(style.get(name, "")) for name in ("clip-path", "-webkit-clip-path")):
        return "clipped away"
    rect = _RECT.search(style.get("clip", ""))
    if rect and style.get("position") in _PLACED:
        sides = [pixels(part) for part in re.split(r"[\s,]+", rect[1].strip())]
        if len(sides) == 4 and None not in sides and sides[:2] == sides[2:]:  # noqa: PLR2004
            return "clipped away"
    return None


def covers(style: Style) -> bool:
    """Return whether an element covers the whole box of its parent."""
    if style.get("position") not in _PLACED or _is_behind(style):
        return False
    ends = [pixels(style.get(side, "")) for side in _SIDES]
    if all(end is not None and end <= 0 for end in ends):
        return True
    full = all(style.get(name, "") in ("100%", "100vw", "100vh") for name in ("width", "height"))
    return full and (ends[0] or 0) <= 0 and (ends[1] or 0) <= 0


def longhands(style: Style) -> dict[str, str]:
    """Expand the relevant shorthands of a style; each overrides the longhands declared before it."""
    spread: dict[str, str] = {}
    for name, value in style.items():
        if name in ("inset", "margin"):
            top, right, bottom, left, *_ = (*value.split(), "", "", "", "")
            right, bottom = right or top, bottom or top
            left = left or right
            if name == "inset":
                spread.update(top=top, right=right, bottom=bottom, left=left)
            elif value.strip():
                spread.update({"margin-top": top, "margin-left": left})
        elif name == "font":
            size = _FONT.search(value)
            if size:
                spread["font-size"] = size[1]
        else:
            spread[name] = value
    return spread


def font_pixels(value: str, outer: float) -> float:
    """Return the font size in pixels for a declared value inside text of `outer` pixels."""
    if value in _FONT_WORDS:
        return _FONT_WORDS[value]
    match = _LENGTH.fullmatch(value.strip())
    if match and match[2] in ("em", "%"):
        return outer * (float(match[1]) / 100 if match[2] == "%" else float(match[1]))
    return float(match[1]) * _PIXELS[match[2] or "px"] if match else outer


def pixels(value: str) -> float | None:
    """Return a length in pixels, approximate for relative units; None unless it is a plain length or a sum."""
    value = value.strip()
    match = _LENGTH.fullmatch(value)
    if match:
        return float(match[1]) * _PIXELS[match[2] or "px"]
    inner = _CALCULATED.fullmatch(value)
    if not inner:
        return None
    pieces = inner[1].split(" ")
    lengths = [_LENGTH.fullmatch(piece) for piece in pieces[::2]]
    signs = [1.0, *(-1.0 if sign == "-" else 1.0 for sign in pieces[1::2])]
    sizes = [sign * float(m[1]) * _PIXELS[m[2] or "px"] for sign, m in zip(signs, lengths, strict=False) if m]
    return sum(sizes) if all(lengths) else None


def _share(value: str) -> float:
    match = re.fullmatch(r"(\d*\.?\d+(?:e-?\d+)?)(%?)", value.strip())
    return min(1.0, float(match[1]) / (100 if match[2] else 1)) if match else 1.0
