"""Pictures of the certainty: its calibration, and the gain from accepting only certain layers."""

import math
from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

from evals.metrics.arithmetic import mean
from evals.metrics.results import CaseResult
from evals.report.curves import Bin, RiskCurve, RiskPoint, reliability, risk_coverage
from evals.report.losses import LABEL_SETS, LABEL_TITLES, LabelSet
from evals.report.saying import count, number, percent, tenth
from evals.report.svg import (
    HEIGHT,
    SHARES,
    WIDTH,
    Figure,
    Frame,
    Missing,
    axes,
    element,
    frame,
    legend,
    line,
    picture,
    region,
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
    """Draw the reliability: how often the labels call a layer certain, by the draft's certainty."""
    title = "Is the certainty calibrated?"
    found = {which: bins for which in LABEL_SETS if (bins := reliability(results, which))}
    if not found:
        return Missing(
            "reliability", title, "No case has labels of layers beside a certainty, so none can be compared."
        )
    area = frame(WIDTH, HEIGHT + _COUNTS, (0, 1), (0, 1), (14, 18, 44 + _COUNTS, 88))
    most = max(item.layers for bins in found.values() for item in bins)
    drawn = [
        *axes(area, SHARES, SHARES, "certainty of the draft", "share that the labels call certain"),
        line(area, [(0, 0), (1, 1)], "ideal"),
        words("below the dashed line: too sure", area.x.at(0.86), area.y.at(0.06), "note", "end"),
    ]
    for row, (which, bins) in enumerate(found.items()):
        height = area.y.start + 54 + 16 * row
        drawn.append(words(f"n {which}", area.x.start - 12, height, "tick", "end"))
        drawn += [
            words(str(item.layers), area.x.at((item.low + item.high) / 2), height, "tick", "middle") for item in bins
        ]
        drawn += _bins(area, bins, most, _LABEL_CLASS[which], hollow=which == "published")
    drawn += legend([(_LABEL_CLASS[which], LABEL_TITLES[which]) for which in found], area.x.start + 12, area.y.end + 12)
    total = {which: sum(item.layers for item in bins) for which, bins in found.items()}
    lost = sum(cell.certainty is None for result in results for cell in result.layers.values())
    caption = (
        "Across: the certainty that the draft gives a layer, in tenths. Up: the share of those layers that the "
        "labels call certain, with 95 % intervals; a larger dot stands for more layers. n = "
        f"{' and '.join(f'{total[which]:,} layers ({LABEL_TITLES[which]})' for which in found)}. "
        + _calibration(found[next(iter(found))])
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
    svg = picture("reliability", title, caption, (WIDTH, HEIGHT + _COUNTS), *drawn)
    return Figure("reliability", title, svg, caption, heads, rows)


def _bins(area: Frame, bins: Sequence[Bin], most: int, class_: str, *, hollow: bool) -> list[Markup]:
    drawn = [line(area, [(item.certainty, item.share) for item in bins], f"curve {class_} thin")]
    for item in bins:
        x, y = area.x.at(item.certainty), area.y.at(item.share)
        radius = _MIN_RADIUS + (_MAX_RADIUS - _MIN_RADIUS) * math.sqrt(item.layers / most)
        said = f"certainty {number(item.certainty)}: {number(item.share)} certain, {count(item.layers, 'layer')}"
        drawn += [
            element(
                "line",
                x1=x,
                x2=x,
                y1=area.y.at(item.share_low),
                y2=area.y.at(item.share_high),
                class_=f"whisker {class_}",
            ),
            element(
                "circle",
                element("title", said),
                cx=x,
                cy=y,
                r=radius,
                class_=f"dot {class_}{' hollow' if hollow else ''}",
            ),
        ]
    return drawn


def _calibration(bins: Sequence[Bin]) -> str:
    gap = mean([item.layers * (item.certainty - item.share) for item in bins])
    whole = sum(item.layers for item in bins) / len(bins)
    overall = (gap or 0.0) / whole
    away = [item for item in bins if not item.share_low <= item.certainty <= item.share_high]
    side = "more certain than the labels bear out" if overall > 0 else "less certain than the labels would allow"
    lean = (
        "On average certainty and share agree"
        if abs(overall) < _SMALL
        else f"On average it is {number(abs(overall))} {side}"
    )
    many = f"{len(away)} of {count(len(bins), 'tenth')}"
    return f"Below the diagonal a draft is too sure. {lean}; in {many} the interval misses the diagonal."


def risk(results: Sequence[CaseResult]) -> Figure | Missing:
    """Draw risk against coverage with the area under the generalised risk."""
    title = "What does accepting only the more certain layers buy?"
    curve = risk_coverage(results)
    if curve is None:
        return Missing(
            "risk", title, "No case has the reader's labels of layers, so no accepted layer can be right or wrong."
        )
    top = max(_TENTH, math.ceil(max(point.risk for point in curve.points) * 10) / 10)
    area = frame(WIDTH, HEIGHT, (0, 1), (0, top))
    general = [(0.0, 0.0), *((point.coverage, point.generalised) for point in curve.points)]
    last = curve.points[-1]
    drawn = [
        *axes(area, SHARES, ticks(0, top, 0.1), "share of layers accepted, the most certain first", "risk"),
        region(area, general, "fill one"),
        line(area, general, "curve one"),
        line(area, [(point.coverage, point.risk) for point in curve.points], "curve two"),
        line(area, [(0, 0), (1, last.generalised)], "ideal"),
        *_shipped(area, curve),
        *legend(
            [
                ("two", "wrong among the accepted"),
                ("one", "wrong accepted among all (area = AUGRC)"),
                ("ideal", "the same if certainty said nothing"),
            ],
            area.x.start + 12,
            area.y.end + 12,
        ),
    ]
    at = curve.shipped
    caption = (
        "Across: the share of layers accepted, from the most certain downward. Up: how many of them the reader "
        f"calls not certain. n = {curve.layers:,} layers. AUGRC {number(curve.augrc)}: lower is better; "
        f"{number(curve.shuffled)} is what a certainty without information gives, {number(curve.perfect)} the best "
        "that any order could give. "
        + (
            f"The drafts' own flags accept {percent(at.coverage)} of the layers, of which {percent(at.risk)} are wrong."
            if at
            else "No layer was accepted by the drafts' own flags."
        )
    )
    rows = tuple(
        (percent(point.coverage), number(point.threshold), number(point.risk), number(point.generalised))
        for point in _about(curve)
    )
    heads = ("accepted", "certainty from", "wrong among accepted", "wrong accepted among all")
    svg = picture("risk", title, caption, (WIDTH, HEIGHT), *drawn)
    return Figure("risk", title, svg, caption, heads, rows)


def _about(curve: RiskCurve) -> list[RiskPoint]:
    """Return the points nearest to each tenth of coverage, without repetition."""
    found = []
    for share in ticks(0.1, 1, 0.1):
        point = min(curve.points, key=lambda each: (abs(each.coverage - share), each.coverage))
        if point not in found:
            found.append(point)
    return found


def _shipped(area: Frame, curve: RiskCurve) -> list[Markup]:
    at = curve.shipped
    if at is None:
        return []
    x, y = area.x.at(at.coverage), area.y.at(at.risk)
    said = f"the drafts' own flags: {percent(at.coverage)} accepted, {percent(at.risk)} of them wrong"
    return [
        element("line", x1=x, x2=x, y1=area.y.start, y2=y, class_="guide"),
        element("circle", element("title", said), cx=x, cy=y, r=6, class_="dot two"),
        words("own flags", x - 10, y - 10, "note", "end"),
    ]
