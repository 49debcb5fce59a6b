"""Scatters of drafted against labelled scores."""

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from markupsafe import Markup

from agent.scoring.interval import BANDS
from evals.metrics.arithmetic import SCORE_TOP, covered, mean
from evals.metrics.results import CaseResult
from evals.report.saying import NONE, count, number, tenth
from evals.report.svg import Figure, Frame, Missing, axes, element, frame, line, picture, ticks, words

SIZE: Final = (600, 500)
_MARGINS: Final = (14.0, 70.0, 44.0, 52.0)
_THIN: Final = 8
"""A strip less than this many pixels high gets no name."""


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
    labelled = [result for result in results if result.score.published is not None]
    dots = [
        Dot(
            result.case,
            names.get(result.case, result.case),
            result.score.value,
            result.score.published,
            result.score.likely_low,
            result.score.likely_high,
            result.score.withheld is not None,
        )
        for result in labelled
        if result.score.value is not None and result.score.published is not None
    ]
    if not dots:
        return Missing("scores", title, "No drafted case has a published score, so there is nothing to compare with.")
    area = _area(dots)
    held = sum(covered(dot.low, dot.high, dot.label) for dot in dots)
    same = sum(result.score.severity == result.score.published_severity for result in labelled)
    caption = (
        "Across: the published score, recomputed at mitigation factor 1. Up: the drafted score before controls, "
        f"with its likely range; both axes begin at {area.x.low:g}. Strips are severity bands. On the dashed line "
        f"both agree; a hollow dot is a provisional score that the draft withholds. {_agreement(dots)} {same} of "
        f"{len(labelled)} lie in the same band, {held} of {len(labelled)} labels inside the likely "
        f"range.{_not_drawn(len(labelled) - len(dots))}"
    )
    svg = _scatter("scores", title, caption, area, dots, ("published score", "drafted score"), strips=True)
    heads = ("case", "drafted", "likely range", "published", "error", "drafted band", "published band")
    bands = {result.case: (result.score.severity, result.score.published_severity) for result in labelled}
    rows = tuple((*_row(dot), *(band or NONE for band in bands[dot.case])) for dot in _worst_first(dots))
    return Figure("scores", title, svg, caption, heads, rows)


def bases(results: Sequence[CaseResult], names: Mapping[str, str]) -> Figure | Missing:
    """Draw the drafted CVSS base against the reader's."""
    title = "Drafted CVSS base against the reader's"
    labelled = [result for result in results if result.score.reader_cvss_base is not None]
    dots = [
        Dot(
            result.case,
            names.get(result.case, result.case),
            result.score.cvss_base,
            result.score.reader_cvss_base,
            None,
            None,
            False,
        )
        for result in labelled
        if result.score.cvss_base is not None and result.score.reader_cvss_base is not None
    ]
    if not dots:
        return Missing(
            "bases", title, "No drafted case has a CVSS base of the reader's, so there is nothing to compare with."
        )
    area = _area(dots)
    caption = (
        "Across: the base score that the reader would give. Up: the base score of the draft's headline threat; both "
        f"axes begin at {area.x.low:g}. On the dashed line both agree; darker spots are several cases. "
        f"{_agreement(dots)} A row of dots at one height means that the draft gives many products the same "
        f"base.{_not_drawn(len(labelled) - len(dots))}"
    )
    svg = _scatter("bases", title, caption, area, dots, ("reader's base score", "drafted base score"), strips=False)
    heads = ("case", "drafted", "likely range", "reader", "error")
    rows = tuple(_row(dot) for dot in _worst_first(dots))
    return Figure("bases", title, svg, caption, heads, rows)


def _area(dots: Sequence[Dot]) -> Frame:
    ends = [value for dot in dots for value in (dot.drafted, dot.label, dot.low) if value is not None]
    low = float(min(SCORE_TOP - 1, math.floor(min(ends))))
    return frame(*SIZE, (low, SCORE_TOP), (low, SCORE_TOP), _MARGINS)


def _agreement(dots: Sequence[Dot]) -> str:
    off = mean(abs(dot.off) for dot in dots)
    lean = mean(dot.off for dot in dots) or 0.0
    side = "above" if lean > 0 else "below"
    return (
        f"n = {count(len(dots), 'case')}: off by {number(off)} points on average, drafted {number(abs(lean))} {side} "
        "the label."
    )


def _not_drawn(lost: int) -> str:
    if not lost:
        return ""
    return f" {count(lost, 'case')} without a drafted value {'is' if lost == 1 else 'are'} not drawn."


def _worst_first(dots: Sequence[Dot]) -> list[Dot]:
    return sorted(dots, key=lambda dot: (-abs(dot.off), dot.case))


def _row(dot: Dot) -> tuple[str, ...]:
    likely = f"{tenth(dot.low)} to {tenth(dot.high)}" if dot.low is not None else NONE
    return dot.case, tenth(dot.drafted), likely, tenth(dot.label), tenth(abs(dot.off))


def _scatter(
    key: str, title: str, about: str, area: Frame, dots: Sequence[Dot], titles: tuple[str, str], *, strips: bool
) -> Markup:
    grid = ticks(area.x.low, SCORE_TOP, 1)
    drawn = [
        *(_strips(area) if strips else []),
        *axes(area, grid, grid, *titles),
        line(area, [(area.x.low, area.x.low), (SCORE_TOP, SCORE_TOP)], "ideal"),
    ]
    drawn += [_whisker(area, dot) for dot in dots if dot.low is not None and dot.high is not None]
    drawn += [_spot(area, dot) for dot in dots]
    return picture(key, title, about, SIZE, *drawn)


def _whisker(area: Frame, dot: Dot) -> Markup:
    x = area.x.at(dot.label)
    return element(
        "line", x1=x, x2=x, y1=area.y.at(dot.low or 0.0), y2=area.y.at(dot.high or 0.0), class_="whisker one faint"
    )


def _spot(area: Frame, dot: Dot) -> Markup:
    said = f"{dot.name}: drafted {tenth(dot.drafted)}, label {tenth(dot.label)}"
    circle = element(
        "circle",
        element("title", said),
        cx=area.x.at(dot.label),
        cy=area.y.at(dot.drafted),
        r=4.5,
        class_=f"dot one spot{' hollow' if dot.hollow else ''}",
    )
    return element("a", circle, href=f"#case-{dot.case}", tabindex=-1, aria_hidden="true")


def _strips(area: Frame) -> list[Markup]:
    """Draw the severity bands as strips across the axis of drafted scores, with their names at the right."""
    drawn = []
    lows = [(float(lowest), band) for band, lowest in BANDS]
    for place, (lowest, band) in enumerate(lows):
        above = lows[place + 1][0] if place + 1 < len(lows) else SCORE_TOP
        top, bottom = area.y.at(above), area.y.at(lowest)
        if bottom - top < _THIN:
            continue
        drawn += [
            element(
                "rect",
                x=area.x.start,
                y=top,
                width=area.x.end - area.x.start,
                height=bottom - top,
                class_=f"band b{place % 2}",
            ),
            words(band, area.x.end + 8, (top + bottom) / 2 + 4, "note"),
        ]
    return drawn
