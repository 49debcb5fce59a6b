"""A small kit for inline SVG pictures: elements, scales, axes. It uses no style attributes, because the page's policy
blocks them."""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup, escape

from agent.report.safe_markdown import one_line
from evals.report.saying import MINUS

WIDTH: Final = 600
HEIGHT: Final = 420
_DECIMALS: Final = 2
Drawn = list[Markup]


class Figure(NamedTuple):
    """A picture with its caption and the numbers behind it."""

    key: str
    """Id of the element that contains the picture."""
    title: str
    svg: Markup
    caption: str
    """What the axes show, how many cases there are, and what to conclude."""
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    """The same numbers as a table; the first cell of a row is its heading."""
    wide: bool = False


class Missing(NamedTuple):
    """A section for which this evaluation has no data."""

    key: str
    title: str
    why: str
    """One sentence on why there are no data."""


class Scale(NamedTuple):
    """A linear map from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Return the pixel position of a value; values outside the scale are clamped to its ends."""
        held = min(max(value, self.low), self.high)
        return self.start + (self.end - self.start) * (held - self.low) / (self.high - self.low)


class Frame(NamedTuple):
    """The plot area with both scales."""

    x: Scale
    y: Scale

    def path(self, points: Iterable[tuple[float, float]]) -> str:
        """Format points as the `points` attribute of a line."""
        return " ".join(f"{self.x.at(x):.1f},{self.y.at(y):.1f}" for x, y in points)


def frame(
    size: tuple[float, float],
    xs: tuple[float, float],
    ys: tuple[float, float],
    margins: tuple[float, float, float, float] = (14, 16, 44, 52),
) -> Frame:
    """Return the plot area of a picture; `margins` are top, right, bottom, left."""
    (width, height), (top, right, bottom, left) = size, margins
    return Frame(Scale(*xs, left, width - right), Scale(*ys, height - bottom, top))


def element(name: str, *children: Markup | str, **attributes: str | float | None) -> Markup:
    """Return an SVG element with its text escaped; in names `_` becomes `-`, and a trailing `_` (`class_`) is
    dropped.
    """
    said = "".join(
        f' {key.rstrip("_").replace("_", "-")}="'
        f'{escape(value) if isinstance(value, str) else format(round(value, _DECIMALS), "g")}"'
        for key, value in attributes.items()
        if value is not None
    )
    if not children:
        return Markup(f"<{name}{said}/>")
    inner = "".join(child if isinstance(child, Markup) else escape(one_line(child)) for child in children)
    return Markup(f"<{name}{said}>{inner}</{name}>")


def stroke(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """Return a line element."""
    return element("line", x1=x1, x2=x2, y1=y1, y2=y2, class_=class_)


def dot(x: float, y: float, radius: float, class_: str, said: str | None = None) -> Markup:
    """Return a circle of class `dot …` that shows the text `said` on hover."""
    told = () if said is None else (element("title", said),)
    return element("circle", *told, cx=x, cy=y, r=radius, class_=f"dot {class_}")


def picture(key: str, title: str, about: str, size: tuple[float, float], *children: Markup, class_: str = "") -> Markup:
    """Return the complete picture, with a title and description for screen readers."""
    width, height = size
    return element(
        "svg",
        element("title", one_line(title), id=f"{key}-title"),
        element("desc", one_line(about), id=f"{key}-desc"),
        *children,
        viewBox=f"0 0 {width:g} {height:g}",
        width=width,
        height=height,
        role="img",
        aria_labelledby=f"{key}-title {key}-desc",
        class_=f"chart {class_}".strip(),
    )


def words(text: str, x: float, y: float, class_: str = "", anchor: str | None = None) -> Markup:
    """Return a text element at a position; untrusted words are escaped."""
    return element("text", one_line(text), x=x, y=y, class_=class_ or None, text_anchor=anchor)


def ticks(low: float, high: float, step: float) -> tuple[float, ...]:
    """Return round values from `low` to `high`, both included."""
    return tuple(low + step * place for place in range(round((high - low) / step) + 1))


SHARES: Final = ticks(0, 1, 0.2)
"""Ticks of an axis that shows shares."""


def axes(area: Frame, x_ticks: Sequence[float], y_ticks: Sequence[float], x_title: str, y_title: str) -> Drawn:
    """Draw the grid, the tick labels and the titles."""
    left, right, bottom, top = area.x.start, area.x.end, area.y.start, area.y.end
    drawn = []
    for value in y_ticks:
        y = area.y.at(value)
        drawn += [stroke(left, y, right, y, "grid"), words(tick(value), left - 8, y + 4, "tick", "end")]
    for value in x_ticks:
        x = area.x.at(value)
        drawn += [stroke(x, bottom, x, bottom + 4, "axis"), words(tick(value), x, bottom + 17, "tick", "middle")]
    turned = f"translate(14 {(top + bottom) / 2:g}) rotate(-90)"
    return [
        *drawn,
        stroke(left, bottom, right, bottom, "axis"),
        words(x_title, (left + right) / 2, bottom + 36, "label", "middle"),
        element("text", y_title, class_="label", text_anchor="middle", transform=turned),
    ]


def tick(value: float) -> str:
    """Return the label of a tick."""
    return f"{round(value, _DECIMALS):g}".replace("-", MINUS)


def line(area: Frame, points: Iterable[tuple[float, float]], class_: str) -> Markup:
    """Draw a line through points."""
    return element("polyline", points=area.path(points), class_=class_)


def legend(entries: Sequence[tuple[str, str]], x: float, y: float) -> Drawn:
    """Draw samples of lines or dots with their meanings, listed downwards from a position."""
    drawn = []
    for place, (class_, said) in enumerate(entries):
        height = y + 18 * place
        if class_.startswith("dot "):
            sample = dot(x + 11, height, 5.5, class_.removeprefix("dot "))
        else:
            sample = stroke(x, height, x + 22, height, class_ if class_ == "ideal" else f"curve {class_}")
        drawn += [sample, words(said, x + 30, height + 4, "note")]
    return drawn
