"""As much CSS as it takes to tell whether an element can be seen: inline styles and simple rules of the page itself.

Only what the document carries is read; linked style sheets are not fetched. Selectors of one element with classes, an
id or an attribute presence are understood, with the last compound of a descendant selector standing for the whole.
Imported by the parsing child.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

Style = Mapping[str, str]

_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE: Final = re.compile(r"([^{}]+)\{([^{}]*)\}")
_MEDIA: Final = re.compile(r"@media([^{]*)\{((?:[^{}]*\{[^{}]*\})*[^{}]*)\}")
_COMPOUND: Final = re.compile(r"([a-z][a-z0-9-]*)?((?:[.#][\w-]+)*)", re.IGNORECASE)
_SIMPLE: Final = re.compile(r"([.#])([\w-]+)")
_SHRUNK: Final = re.compile(r"scale[xy]?\(\s*0\s*[),]|translate[xy]?\(\s*-(?:\d{4,}px|[1-9]\d{3,}%)")
_CLIPPED: Final = re.compile(
    r"inset\(\s*(?:100|[5-9]\d)%|circle\(\s*0|polygon\(\s*0(?:px)? 0(?:px)?\s*(?:,\s*0(?:px)? 0(?:px)?\s*)*\)"
)
_LENGTH: Final = re.compile(r"(-?\d*\.?\d+)\s*(px|em|rem|pt|vw|vh|%|ex|ch|in|cm)?")
_RGB: Final = re.compile(r"rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)(?:[\s,/]+([\d.]+)(%?))?\s*\)")
_HEX: Final = re.compile(r"#([0-9a-f]{3,8})")
# Rough sizes of the units: good enough to tell nothing from something.
_PIXELS: Final = {"em": 16.0, "rem": 16.0, "pt": 1.33, "vw": 12.0, "vh": 8.0, "%": 12.0, "in": 96.0, "cm": 38.0}
_NAMED: Final = {
    "white": (255, 255, 255),
    "snow": (255, 250, 250),
    "ivory": (255, 255, 240),
    "black": (0, 0, 0),
    "red": (255, 0, 0),
    "yellow": (255, 255, 0),
    "gray": (128, 128, 128),
    "grey": (128, 128, 128),
    "whitesmoke": (245, 245, 245),
}
_MAX_RULES: Final = 5000
_FAR: Final = -900.0
_MIN_FONT: Final = 3.0
_FAINT: Final = 0.1
_CLOSE: Final = 24
"""Sum of channel differences, of 765, below which two colours cannot be told apart."""
_SHORT_HEX: Final = (3, 4)
_FULL_HEX: Final = 6

TINY: Final = "a font too small to read"
Colour = tuple[int, int, int]


class Rule(NamedTuple):
    """One selector's last compound and its declarations."""

    tag: str
    classes: frozenset[str]
    ids: frozenset[str]
    style: Style


def declarations(text: str) -> dict[str, str]:
    """`name: value` pairs of a style attribute, lower case, the last one winning."""
    found: dict[str, str] = {}
    for part in _COMMENT.sub("", text).split(";"):
        name, colon, value = part.partition(":")
        if colon:
            found[name.strip().lower()] = value.replace("!important", "").strip().lower()
    return found


def rules(sheet: str) -> tuple[tuple[Rule, ...], str]:
    """The simple rules of a style sheet, and the text that it generates with `content`.

    Rules for print or for a window size are left out: they do not say what a reader on a screen sees.
    """
    sheet = _COMMENT.sub("", sheet)
    sheet = _MEDIA.sub(lambda match: match[2] if match[1].strip() in ("all", "screen") else "", sheet)
    found: list[Rule] = []
    generated: list[str] = []
    for match in _RULE.finditer(sheet):
        style = declarations(match[2])
        content = _RULE_CONTENT.search(match[2])
        if content:
            generated.append(content[2])
        for selector in match[1].split(","):
            last = re.split(r"[\s>+~]+", selector.strip())[-1]
            compound = _COMPOUND.fullmatch(last)
            if compound and last and len(found) < _MAX_RULES:
                parts = _SIMPLE.findall(compound[2])
                classes = frozenset(name for mark, name in parts if mark == ".")
                ids = frozenset(name for mark, name in parts if mark == "#")
                # A descendant selector may hide only part of what its last word matches: never hide by a bare tag.
                if classes or ids or last == selector.strip():
                    found.append(Rule((compound[1] or "").lower(), classes, ids, style))
    return tuple(found), " ".join(generated)


_RULE_CONTENT: Final = re.compile(r"content\s*:\s*([\"'])(.{12,}?)\1")


def unseen(style: Style) -> str | None:
    """Why an element of this style cannot be seen, colours aside, or None."""
    if style.get("display") == "none":
        return "display:none"
    if style.get("visibility") in ("hidden", "collapse"):
        return "visibility:hidden"
    if style.get("content-visibility") == "hidden":
        return "content-visibility:hidden"
    font = _pixels(style.get("font-size", ""))
    if font is not None and font < _MIN_FONT:
        return TINY
    # Entrance animations start at opacity 0 with a transform or transition; their text is seen in the end.
    if _number(style.get("opacity", "")) <= _FAINT and not style.keys() & {"transform", "transition", "animation"}:
        return "opacity 0"
    return _misplaced(style)


def _misplaced(style: Style) -> str | None:
    placed = style.get("position") in ("absolute", "fixed")
    if placed or style.get("position") == "relative":
        for side in ("left", "top", "right", "bottom"):
            offset = _pixels(style.get(side, ""))
            if offset is not None and offset < _FAR:
                return "off-screen position"
    for name in ("text-indent", "margin-left", "margin-top", "letter-spacing"):
        offset = _pixels(style.get(name, ""))
        if offset is not None and offset < _FAR:
            return "off-screen position"
    if _SHRUNK.search(style.get("transform", "")):
        return "transformed out of sight"
    clips = style.get("overflow", style.get("overflow-y", "")) in ("hidden", "clip")
    for name in ("height", "width", "max-height", "max-width"):
        if clips and _pixels(style.get(name, "")) == 0:
            return "a box of no size"
    if _CLIPPED.search(style.get("clip-path", "")) and not _reader_only(style):
        return "clipped away"
    if placed and (_integer(style.get("z-index", "")) or 0) < 0:
        return "behind another layer"
    return None


def _reader_only(style: Style) -> bool:
    """The pattern for screen-reader text, a box of one pixel: text meant for people stays."""
    return _pixels(style.get("width", "")) == 1 and _pixels(style.get("height", "")) == 1


def colour(value: str) -> Colour | None:
    """The colour that a value names, or None when it names none or one that cannot be told (a variable, a picture)."""
    value = value.strip()
    if value in _NAMED:
        return _NAMED[value]
    match = _HEX.search(value)
    if match:
        digits = match[1]
        if len(digits) in _SHORT_HEX:
            digits = "".join(digit * 2 for digit in digits)
        if len(digits) < _FULL_HEX:
            return None
        return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)
    match = _RGB.search(value)
    if match:
        red, green, blue = (min(255, int(float(match[i]))) for i in (1, 2, 3))
        return red, green, blue
    return None


def transparent(style: Style) -> bool:
    """Whether the text itself is painted with a see-through colour (gradient text apart, it shows its background)."""
    value = style.get("color", "")
    if style.get("background-clip", style.get("-webkit-background-clip", "")) == "text":
        return False
    match = _RGB.search(value)
    faint = bool(match and match[4] and float(match[4]) / (100 if match[5] else 1) <= _FAINT)
    return value == "transparent" or faint


def same(first: Colour, second: Colour) -> bool:
    """Whether nobody can tell two colours apart."""
    return sum(abs(a - b) for a, b in zip(first, second, strict=True)) <= _CLOSE


def _pixels(value: str) -> float | None:
    match = _LENGTH.fullmatch(value.strip())
    return float(match[1]) * _PIXELS.get(match[2] or "px", 1.0) if match else None


def _number(value: str) -> float:
    match = re.fullmatch(r"(\d*\.?\d+)(%?)", value.strip())
    return float(match[1]) / (100 if match[2] else 1) if match else 1.0


def _integer(value: str) -> int | None:
    return int(value) if re.fullmatch(r"-?\d{1,9}", value.strip()) else None
