"""CSS colours as sRGB with opacity, and a test of whether two can be distinguished. Imported by the parsing child."""

import functools
import re
from typing import Final, NamedTuple

_MAX: Final = 255.0
_LEAST_CONTRAST: Final = 1.2  # luminance ratio (at most 21) below which letters cannot be seen on their background
_CLOSE: Final = 80.0  # sum of channel differences (0 to 765) up to which the ratio decides; above, hues differ visibly
_FAINT: Final = 0.1
_LINEAR: Final = 0.04045  # channel value up to which the sRGB transfer curve is linear
_PIECE: Final = re.compile(r"#[0-9a-f]{3,8}\b|\b[a-z-]+\([^()]*\)|\b[a-z]{3,20}\b")


class Colour(NamedTuple):
    """Red, green and blue from 0 to 255, and opacity from 0 to 1."""

    red: float
    green: float
    blue: float
    alpha: float = 1.0


WHITE: Final = Colour(_MAX, _MAX, _MAX)
BLACK: Final = Colour(0.0, 0.0, 0.0)


@functools.lru_cache(maxsize=4096)
def colour(value: str) -> Colour | None:
    """Parse a value as one colour; return None if it is anything else, such as a picture or an unresolved variable."""
    from tinycss2.color4 import parse_color

    try:
        found = parse_color(value.strip())
        if found is None or isinstance(found, str):
            return None
        plain = found.to("srgb")
        red, green, blue = (min(1.0, max(0.0, float(part or 0.0))) * _MAX for part in plain.coordinates)
        return Colour(red, green, blue, float(plain.alpha if plain.alpha is not None else 1.0))
    except (ValueError, NotImplementedError, TypeError, OverflowError):
        return None


def first_colour(value: str) -> Colour | None:
    """Return the first colour in a longer value, such as that of `background`."""
    return next((found for found in map(colour, _PIECE.findall(value)) if found is not None), None)


def over(top: Colour, below: Colour) -> Colour:
    """Return the visible colour of `top` over the opaque `below`."""
    share = top.alpha
    return Colour(*(share * a + (1 - share) * b for a, b in zip(top[:3], below[:3], strict=True)))


def see_through(ink: Colour) -> bool:
    """Return whether letters of this colour are almost fully transparent."""
    return ink.alpha <= _FAINT


def same(first: Colour, second: Colour) -> bool:
    """Return whether two opaque colours are indistinguishable."""
    if sum(abs(a - b) for a, b in zip(first[:3], second[:3], strict=True)) > _CLOSE:
        return False
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05) < _LEAST_CONTRAST


def _luminance(one: Colour) -> float:
    """Return the relative luminance as defined by WCAG, 0 to 1."""
    parts = (part / _MAX for part in one[:3])
    red, green, blue = (c / 12.92 if c <= _LINEAR else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
