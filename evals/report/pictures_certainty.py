"""Plots of the drafts' certainty: its calibration, and the gain from accepting only the more certain layers."""

import math
from collections.abc import Sequence
from typing import Final

from evals.metrics.arithmetic import mean
from evals.metrics.results import CaseResult
from evals.metrics.summary import LabelSet
from evals.report.curves import Bin, RiskCurve, reliability, risk_coverage
from evals.report.saying import LABEL_TITLES, count, number, percent, tenth
from evals.report.svg import (
    HEIGHT,
    SHARES,
    WIDTH,
    Drawn,
    Figure,
    Frame,
    Missing,
    axes,
    dot,
    element,
    frame,
    legend,
    line,
    picture,
    stroke,
    ticks,
    words,
)

_LABEL_CLASS: Final[dict[LabelSet, str]] = {"reader": "one", "published": "two"}
_MIN_RADIUS: Final = 3.0
_MAX_RADIUS: Final = 13.0
_COUNTS: Final = 30
"""Height, in pixels, of the two rows of counts."""
_SMALL: Final = 0.005
_TENTH: Final = 0.1


def certainty(results: Sequence[CaseResult]) -> Figure | Missing:
    """Draw the reliability diagram: how often the labels call a layer certain, by the draft's certainty."""
    title = "Is the certainty calibrated?"
    found = {which: bins for which in LABEL_TITLES if (bins := reliability(results, which))}
    if not found:
        return Missing("reliability", title, "No case has both layer labels and certainties, so none can be compared.")
    size = (WIDTH, HEIGHT + _COUNTS)
    area = frame(size, (0, 1), (0, 1), (14, 18, 44 + _COUNTS, 88))
    most = max(item.layers for bins in found.values() for item in bins)
    drawn = [
        *axes(area, SHARES, SHARES, "certainty of the draft", "share that the labels call certain"),
        line(area, [(0, 0), (1, 1)], "ideal"),
        words("below the dashed line: overconfident", area.x.at(0.86), area.y.at(0.06), "note", "end"),
    ]
    for row, (which, bins) in enumerate(found.items()):
        height = area.y.start + 54 + 16 * row
        drawn.append(words(f"n {which}", area.x.start - 12, height, "tick", "end"))
        for item in bins:
            drawn.append(words(str(item.layers), area.x.at((item.low + item.high) / 2), height, "tick", "middle"))
        drawn += _bins(area, bins, most, _LABEL_CLASS[which], " hollow" if which == "published" else "")
    drawn += legend([(_LABEL_CLASS[which], LABEL_TITLES[which]) for which in found], area.x.start + 12, area.y.end + 12)
    total = [f"{sum(item.layers for item in found[which]):,} layers ({LABEL_TITLES[which]})" for which in found]
    lost = sum(cell.certainty is None for result in results for cell in result.layers.values())
    caption = (
        "Across: the certainty that the draft gives a layer, in tenths. Up: the share of those layers that the "
        f"labels call certain, with 95 % intervals; a larger dot means more layers. n = {' and '.join(total)}. "
        f"{_calibration(found[next(iter(found))])}"
        + (f" {count(lost, 'layer')} of failed cases have no certainty and are left out." if lost else "")
    )
    rows = tuple(
        (
            f"{tenth(item.low)} to {tenth(item.high)}",
            LABEL_TITLES[which],
            str(item.layers),
            number(item.certainty),
            number(item.share),
            f"{number(item.share_low)} to {number(item.share_high)}",
        )
        for which, bins in found.items()
        for item in bins
    )
    heads = ("certainty", "labels", "layers", "mean certainty", "share certain", "95 % interval")
    return Figure("reliability", title, picture("reliability", title, caption, size, *drawn), caption, heads, rows)


def _bins(area: Frame, bins: Sequence[Bin], most: int, class_: str, hollow: str) -> Drawn:
    drawn = [line(area, [(item.certainty, item.share) for item in bins], f"curve {class_} thin")]
    for item in bins:
        x, y = area.x.at(item.certainty), area.y.at(item.share)
        radius = _MIN_RADIUS + (_MAX_RADIUS - _MIN_RADIUS) * math.sqrt(item.layers / most)
        said = f"certainty {number(item.certainty)}: {number(item.share)} certain, {count(item.layers, 'layer')}"
        drawn += [
            stroke(x, area.y.at(item.share_low), x, area.y.at(item.share_high), f"whisker {class_}"),
            dot(x, y, radius, f"{class_}{hollow}", said),
        ]
    return drawn


def _calibration(bins: Sequence[Bin]) -> str:
    gap = mean(item.layers * (item.certainty - item.share) for item in bins)
    overall = (gap or 0.0) / (sum(item.layers for item in bins) / len(bins))
    away = [item for item in bins if not item.share_low <= item.certainty <= item.share_high]
    side = "more certain than the labels support" if overall > 0 else "less certain than the labels would allow"
    lean = f"On average it is {number(abs(overall))} {side}"
    if abs(overall) < _SMALL:
        lean = "On average certainty and share agree"
    many = f"{len(away)} of {count(len(bins), 'tenth')}"
    return f"Below the diagonal a draft is overconfident. {lean}; in {many} the interval misses the diagonal."


def risk(results: Sequence[CaseResult]) -> Figure | Missing:
    """Draw risk against coverage with the area under the generalised risk."""
    title = "What is gained by accepting only the more certain layers?"
    curve = risk_coverage(results)
    if curve is None:
        return Missing(
            "risk", title, "No case has the reader's layer labels, so no accepted layer can be right or wrong."
        )
    top = max(_TENTH, math.ceil(max(point.risk for point in curve.points) * 10) / 10)
    area = frame((WIDTH, HEIGHT), (0, 1), (0, top))
    general = [(0.0, 0.0), *((point.coverage, point.generalised) for point in curve.points)]
    last, at = curve.points[-1], curve.shipped
    meanings = [
        ("two", "wrong among the accepted"),
        ("one", "wrong accepted among all (area = AUGRC)"),
        ("ideal", "the same with an uninformative certainty"),
    ]
    drawn = [
        *axes(area, SHARES, ticks(0, top, 0.1), "share of layers accepted, the most certain first", "risk"),
        element("polygon", points=area.path([(0.0, 0.0), *general, (last.coverage, 0.0)]), class_="fill one"),
        line(area, general, "curve one"),
        line(area, [(point.coverage, point.risk) for point in curve.points], "curve two"),
        line(area, [(0, 0), (1, last.generalised)], "ideal"),
    ]
    own = "No layer was accepted by the drafts' own flags."
    if at is not None:
        x, y = area.x.at(at.coverage), area.y.at(at.risk)
        said = f"the drafts' own flags: {percent(at.coverage)} accepted, {percent(at.risk)} of them wrong"
        drawn += [
            stroke(x, area.y.start, x, y, "guide"),
            dot(x, y, 6, "two", said),
            words("own flags", x - 10, y - 10, "note", "end"),
        ]
        own = (
            f"The drafts' own flags accept {percent(at.coverage)} of the layers, of which {percent(at.risk)} are wrong."
        )
    drawn += legend(meanings, area.x.start + 12, area.y.end + 12)
    caption = (
        "Across: the share of layers accepted, from the most certain downward. Up: how many of them the reader calls "
        f"not certain. n = {curve.layers:,} layers. AUGRC {number(curve.augrc)}: lower is better; an uninformative "
        f"certainty gives {number(curve.shuffled)}, the best possible order {number(curve.perfect)}. {own}"
    )
    heads = ("accepted", "certainty from", "wrong among accepted", "wrong accepted among all")
    svg = picture("risk", title, caption, (WIDTH, HEIGHT), *drawn)
    return Figure("risk", title, svg, caption, heads, _risk_rows(curve))


def _risk_rows(curve: RiskCurve) -> tuple[tuple[str, ...], ...]:
    """Return the points nearest to each tenth of coverage, without repetition."""
    near = [
        min(curve.points, key=lambda each: (abs(each.coverage - share), each.coverage)) for share in ticks(0.1, 1, 0.1)
    ]
    return tuple(
        (percent(point.coverage), number(point.threshold), number(point.risk), number(point.generalised))
        for point in dict.fromkeys(near)
    )
