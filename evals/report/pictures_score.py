"""Scatter plots of drafted against labelled scores."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from agent.scoring.interval import BANDS
from evals.metrics.arithmetic import SCORE_TOP, covered, mean
from evals.metrics.results import CaseResult
from evals.report.saying import NONE, count, number, tenth
from evals.report.svg import (
    Drawn,
    Figure,
    Frame,
    Missing,
    axes,
    dot,
    element,
    frame,
    line,
    picture,
    stroke,
    ticks,
    words,
)

SIZE: Final = (600, 500)
_MARGINS: Final = (14.0, 70.0, 44.0, 52.0)
_THIN: Final = 8
"""The minimum height, in pixels, of a strip that shows its name."""


class Dot(NamedTuple):
    """One case in a scatter."""

    case: str
    name: str
    drafted: float
    label: float
    low: float | None
    high: float | None
    hollow: bool

    @property
    def off(self) -> float:
        """Drafted minus label."""
        return self.drafted - self.label


def scores(results: Sequence[CaseResult], names: Mapping[str, str]) -> Figure | Missing:
    """Draw drafted against published scores over the severity bands, with likely ranges."""
    title = "Drafted against published score"
    labelled = {r.case: r.score for r in results if r.score.published is not None}
    dots = [
        Dot(
            case, names.get(case, case), s.value, s.published, s.likely_low, s.likely_high, s.withheld is not None
        )
        for case, s in labelled.items()
        if s.value is not None and s.published is not None
    ]  # fmt: skip
    if not dots:
        return Missing("scores", title, "No drafted case has a published score, so there is nothing to compare with.")
    area = _area(dots)
    held = sum(bool(covered(dot.low, dot.high, dot.label)) for dot in dots)
    same = sum(score.severity == score.published_severity for score in labelled.values())
    caption = (
        "Across: the published score, recomputed at mitigation factor 1. Up: the drafted score before controls, with "
        f"its likely range; both axes begin at {area.x.low:g}. Strips are severity bands. On the dashed line both "
        f"agree; a hollow dot is a provisional score that the draft withholds. {_agreement(dots)} {same} of "
        f"{len(labelled)} are in the same band, {held} of {len(labelled)} labels are within the likely "
        f"range.{_not_drawn(len(labelled) - len(dots))}"
    )
    svg = _scatter("scores", title, caption, area, dots, ("published score", "drafted score"), _strips(area))
    heads = ("case", "drafted", "likely range", "published", "error", "drafted band", "published band")
    bands = {case: (score.severity or NONE, score.published_severity or NONE) for case, score in labelled.items()}
    rows = tuple((*row, *bands[row[0]]) for row in _rows(dots))
    return Figure("scores", title, svg, caption, heads, rows)


def bases(results: Sequence[CaseResult], names: Mapping[str, str]) -> Figure | Missing:
    """Draw the drafted CVSS base against the reader's."""
    title = "Drafted CVSS base against the reader's"
    labelled = {r.case: r.score for r in results if r.score.reader_cvss_base is not None}
    dots = [
        Dot(case, names.get(case, case), score.cvss_base, score.reader_cvss_base, None, None, False)
        for case, score in labelled.items()
        if score.cvss_base is not None and score.reader_cvss_base is not None
    ]
    if not dots:
        return Missing(
            "bases", title, "No drafted case has a CVSS base from the reader, so there is nothing to compare with."
        )
    area = _area(dots)
    caption = (
        "Across: the base score that the reader would give. Up: the base score of the draft's headline threat; both "
        f"axes begin at {area.x.low:g}. On the dashed line both agree; darker spots are several cases. "
        f"{_agreement(dots)} A row of dots at one height means that the draft gives many products the same "
        f"base.{_not_drawn(len(labelled) - len(dots))}"
    )
    svg = _scatter("bases", title, caption, area, dots, ("reader's base score", "drafted base score"), [])
    heads = ("case", "drafted", "likely range", "reader", "error")
    return Figure("bases", title, svg, caption, heads, tuple(_rows(dots)))


def _area(dots: Sequence[Dot]) -> Frame:
    ends = [value for dot in dots for value in (dot.drafted, dot.label, dot.low) if value is not None]
    low = float(min(SCORE_TOP - 1, math.floor(min(ends))))
    return frame(SIZE, (low, SCORE_TOP), (low, SCORE_TOP), _MARGINS)


def _agreement(dots: Sequence[Dot]) -> str:
    off = mean(abs(dot.off) for dot in dots)
    lean = mean(dot.off for dot in dots) or 0.0
    side = "above" if lean > 0 else "below"
    return (
        f"n = {count(len(dots), 'case')}: off by {number(off)} points on average, drafted {number(abs(lean))} {side} "
        "the label."
    )


def _not_drawn(lost: int) -> str:
    are = "is" if lost == 1 else "are"
    return f" {count(lost, 'case')} without a drafted value {are} not drawn." if lost else ""


def _rows(dots: Sequence[Dot]) -> list[tuple[str, ...]]:
    """Return a table row with the numbers of each dot, the largest error first."""
    ordered = sorted(dots, key=lambda dot: (-abs(dot.off), dot.case))
    return [
        (
            dot.case,
            tenth(dot.drafted),
            NONE if dot.low is None else f"{tenth(dot.low)} to {tenth(dot.high)}",
            tenth(dot.label),
            tenth(abs(dot.off)),
        )
        for dot in ordered
    ]


def _scatter(
    key: str, title: str, about: str, area: Frame, dots: Sequence[Dot], titles: tuple[str, str], strips: Drawn
) -> Markup:
    grid = ticks(area.x.low, SCORE_TOP, 1)
    drawn = [*strips, *axes(area, grid, grid, *titles)]
    drawn.append(line(area, [(area.x.low, area.x.low), (SCORE_TOP, SCORE_TOP)], "ideal"))
    for one in dots:
        if one.low is not None and one.high is not None:
            x = area.x.at(one.label)
            drawn.append(stroke(x, area.y.at(one.low), x, area.y.at(one.high), "whisker one faint"))
    for one in dots:
        said = f"{one.name}: drafted {tenth(one.drafted)}, label {tenth(one.label)}"
        spot = f"one spot{' hollow' if one.hollow else ''}"
        circle = dot(area.x.at(one.label), area.y.at(one.drafted), 4.5, spot, said)
        drawn.append(element("a", circle, href=f"#case-{one.case}", tabindex=-1, aria_hidden="true"))
    return picture(key, title, about, SIZE, *drawn)


def _strips(area: Frame) -> Drawn:
    """Draw the severity bands as strips across the axis of drafted scores, with their names at the right."""
    drawn = []
    lows = [float(lowest) for _, lowest in BANDS]
    for place, ((band, _), lowest, above) in enumerate(zip(BANDS, lows, [*lows[1:], SCORE_TOP], strict=True)):
        top, bottom = area.y.at(above), area.y.at(lowest)
        if bottom - top < _THIN:
            continue
        wide, high = area.x.end - area.x.start, bottom - top
        drawn += [
            element("rect", x=area.x.start, y=top, width=wide, height=high, class_=f"band b{place % 2}"),
            words(band, area.x.end + 8, (top + bottom) / 2 + 4, "note"),
        ]
    return drawn
