"""Why an element of a given style cannot be seen, colours aside. Imported by the parsing child."""

import re
from collections.abc import Mapping
from typing import Final

Style = Mapping[str, str]

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
# Rough sizes of the units: good enough to tell nothing from something.
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
"""Pixels below which letters cannot be read."""
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


def unseen(style: Style) -> str | None:
    """Why an element of this style, and all that is in it, cannot be seen, or None."""
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
    """Whether an entrance animation may bring the element up: it starts transparent or small, and moves."""
    return any(style.get(name, "none") != "none" for name in ("transition", "animation", "animation-name"))


def opacity(style: Style) -> float:
    """Opacity of the element's own, 0 to 1, filters included."""
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
        # A percentage is of the box itself: a slide that waits beside its window moves by one hundred.
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
    """The pattern for screen-reader text, a box of one pixel: text meant for people stays."""
    return pixels(style.get("width", "")) == 1 and pixels(style.get("height", "")) == 1


def covers(style: Style) -> bool:
    """Whether an element lies over the whole box of its parent."""
    if style.get("position") not in _PLACED or (_integer(style.get("z-index", "")) or 0) < 0:
        return False
    ends = [pixels(style.get(side, "")) for side in ("left", "top", "right", "bottom")]
    if all(end is not None and end <= 0 for end in ends):
        return True
    full = all(style.get(name, "") in ("100%", "100vw", "100vh") for name in ("width", "height"))
    return full and (ends[0] or 0) <= 0 and (ends[1] or 0) <= 0


def longhands(style: Style) -> dict[str, str]:
    """The style with the shorthands that matter spread out, each over the longhands that stand before it."""
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
    """The size of letters in pixels under a font size declared inside letters of `outer` pixels."""
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
    """A length in pixels, roughly for relative units; None for what is no plain length."""
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
    """Whether one of the factors of a scale leaves next to nothing."""
    return any(_share(part) <= _SHRUNK for part in value.split())


def _share(value: str) -> float:
    match = re.fullmatch(r"(\d*\.?\d+(?:e-?\d+)?)(%?)", value.strip())
    return min(1.0, float(match[1]) / (100 if match[2] else 1)) if match else 1.0


def _integer(value: str) -> int | None:
    return int(value) if re.fullmatch(r"[+-]?\d{1,9}", value.strip()) else None
