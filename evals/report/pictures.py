"""Pictures of ranges, of retrieval, and of the metrics that moved since the baseline."""

from collections.abc import Sequence
from typing import Final

from agent.report.safe_markdown import shorten
from agent.taxonomy.factors import FACTOR_TITLES
from evals.gate.verdict import Moved, Verdict
from evals.metrics.pooling import Mode
from evals.metrics.results import CaseResult
from evals.report.curves import Covered, quote_ranks, range_coverage, recall_at, shown_shares
from evals.report.saying import count, difference, metric_title, number, percent, relative, relative_percent, signed
from evals.report.svg import (
    HEIGHT,
    SHARES,
    WIDTH,
    Drawn,
    Figure,
    Missing,
    Scale,
    axes,
    dot,
    element,
    frame,
    legend,
    line,
    picture,
    stroke,
    tick,
    words,
)

DEPTH: Final = 20
"""The greatest k on the recall curves."""
TARGET: Final = 0.8
"""Target share of labels inside a likely range."""
TARGET_LOW: Final = 0.76
TARGET_HIGH: Final = 0.84
"""The bounds within which that share counts as on target."""
SHOWN_MOVES: Final = 24
_MODES: Final[dict[Mode, tuple[str, str]]] = {
    "fused": ("fused", "one"),
    "bm25": ("BM25", "two"),
    "dense": ("dense", "three"),
}
_KS: Final = (1, 3, 5, 10, 20)
_ROW: Final = 30
_TOP: Final = 44
_BAR: Final = 14


def ranges(results: Sequence[CaseResult]) -> Figure | Missing:
    """Draw how often each factor's range contains the labels, compared with the target."""
    title = "Do the ranges contain the labels?"
    found = range_coverage(results)
    shares = [share for item in found.values() for share in (item.published, item.reader) if share is not None]
    if not shares:
        return Missing("ranges", title, "No case has factor labels, so no range can contain one.")
    start = max(0.0, int(min(*shares, TARGET_LOW - 0.1) * 10) / 10)
    bottom = _TOP + _ROW * len(found)
    scale = Scale(start, 1, 200, WIDTH - 84)
    left, wide = scale.at(TARGET_LOW), scale.at(TARGET_HIGH) - scale.at(TARGET_LOW)
    drawn = [
        element("rect", x=left, width=wide, y=_TOP - 6, height=bottom - _TOP + 6, class_="target"),
        words("target", scale.at(TARGET), _TOP - 12, "note", "middle"),
        words("width", WIDTH - 40, _TOP - 12, "note", "middle"),
    ]
    for share in (step / 10 for step in range(round(start * 10), 11)):
        x = scale.at(share)
        drawn += [stroke(x, _TOP - 6, x, bottom, "grid"), words(tick(share), x, bottom + 16, "tick", "middle")]
    for place, (key, item) in enumerate(found.items()):
        drawn += _range_row(FACTOR_TITLES[key], item, scale, _TOP + _ROW * place + _ROW / 2)
    across = (scale.start + scale.end) / 2
    drawn.append(words("share of labels inside the range", across, bottom + 36, "label", "middle"))
    drawn += legend([("dot one", "reader"), ("dot two hollow", "published")], 12, 14)
    inside = sum(item.published is not None and TARGET_LOW <= item.published <= TARGET_HIGH for item in found.values())
    caption = (
        f"Across: how often a factor's range contains the label; the axis begins at {tick(start)}. The strip is the "
        f"target, {percent(TARGET_LOW)} to {percent(TARGET_HIGH)}; left of it ranges are too narrow, right of it "
        "wider than necessary. On the right, the mean width of the range (0 to 1). n = "
        f"{max(item.reader_count for item in found.values())} reader's labels and "
        f"{max(item.published_count for item in found.values())} published labels per factor. Against the published "
        f"labels {inside} of {len(found)} factors are on target."
    )
    rows = tuple(
        (
            FACTOR_TITLES[key],
            number(item.reader),
            str(item.reader_count),
            number(item.published),
            str(item.published_count),
            number(item.width),
        )
        for key, item in found.items()
    )
    heads = ("factor", "contains the reader's", "n", "contains the published", "n", "mean width")
    svg = picture("ranges", title, caption, (WIDTH, bottom + 48), *drawn)
    return Figure("ranges", title, svg, caption, heads, rows)


def _range_row(title: str, item: Covered, scale: Scale, y: float) -> Drawn:
    drawn = [
        words(title, scale.start - 12, y + 4, "row", "end"),
        stroke(scale.start, y, scale.end, y, "grid"),
        words(number(item.width), WIDTH - 40, y + 4, "row", "middle"),
    ]
    if item.published is not None:
        drawn.append(dot(scale.at(item.published), y, 5.5, "two hollow"))
    if item.reader is not None:
        drawn.append(dot(scale.at(item.reader), y, 5.5, "one"))
    return drawn


def recall(results: Sequence[CaseResult]) -> Figure | Missing:
    """Plot the share of the reader's quotes found in the first k sentences, for each search mode."""
    title = "Does search find what the reader quotes?"
    ranks = {mode: found for mode in _MODES if (found := quote_ranks(results, mode))}
    if not ranks:
        return Missing("recall", title, "This evaluation did not measure retrieval, so there is no recall to draw.")
    curves = {mode: recall_at(found, DEPTH) for mode, found in ranks.items()}
    area = frame((WIDTH, HEIGHT), (1, DEPTH), (0, 1))
    drawn = axes(area, _KS, SHARES, "k, the first sentences for a question", "share of the reader's quotes found")
    for mode, curve in curves.items():
        said, class_ = _MODES[mode]
        points = list(enumerate(curve, start=1))
        drawn.append(line(area, points, f"curve {class_}"))
        for k, share in points:
            drawn.append(dot(area.x.at(k), area.y.at(share), 3.5, class_, f"{said}, k = {k}: {percent(share)}"))
    entries = [(_MODES[mode][1], _MODES[mode][0]) for mode in curves]
    shares = shown_shares(results)
    if shares:
        drawn.append(line(area, [(k, share) for k, share in shares.items() if k <= DEPTH], "ideal"))
        entries.append(("ideal", "share of the text shown"))
    drawn += legend(entries, area.x.end - 190, area.y.start - 18 * len(entries))
    best = max(curves, key=lambda mode: (curves[mode][4], mode == "fused"))
    caption = (
        "Across: k, the number of sentences taken for one question. Up: the share of the reader's quotes with at "
        f"least half of their words in one of them. n = {len(next(iter(ranks.values()))):,} quotes. A higher curve "
        "finds more with less text"
        + ("; dashed: how much of a case's text k sentences are" if shares else "")
        + f". At k = 5 {_MODES[best][0]} search finds the most: {percent(curves[best][4])}."
    )
    rows = tuple(
        (str(k), *(percent(curves[mode][k - 1]) for mode in curves), percent(shares.get(k)))
        for k in range(1, DEPTH + 1)
    )
    heads = ("k", *(_MODES[mode][0] for mode in curves), "share of the text")
    return Figure("recall", title, picture("recall", title, caption, (WIDTH, HEIGHT), *drawn), caption, heads, rows)


def moves(verdict: Verdict | None) -> Figure | Missing:
    """Draw a bar for each aggregated metric that shows how much it moved, relative to the baseline."""
    title = "Which metrics changed?"
    if verdict is None:
        return Missing("moves", title, "The run was not compared with a baseline, so no change can be shown.")
    known = [(move, part) for move in verdict.moved if (part := relative(move.before, move.after)) is not None]
    if not known:
        return Missing("moves", title, "No metric with a value in the baseline has changed.")
    ordered = sorted(known, key=lambda row: (not row[0].worse, "/" in row[0].metric, -abs(row[1]), row[0].metric))
    shown = ordered[:SHOWN_MOVES]
    most = max(abs(part) for _, part in shown) or 1.0
    scale = Scale(-most, most, 420, 720)
    size = (900, 40 + 26 * len(shown))
    middle = scale.at(0)
    drawn = [
        stroke(middle, 24, middle, size[1] - 8, "axis"),
        words("lower than the baseline", middle - 8, 16, "note", "end"),
        words("higher", middle + 8, 16, "note"),
    ]
    for place, (move, part) in enumerate(shown):
        drawn += _move_row(move, part, scale, 40 + 26 * place)
    left, unknown = len(ordered) - len(shown), len(verdict.moved) - len(known)
    are = "is" if unknown == 1 else "are"
    caption = (
        "Across: the change of a metric relative to its value in the baseline; the longest bar is "
        f"{relative_percent(1, 1 + most).lstrip('+')}. Orange with ▲ or ▼: worse; grey: better, or a number that has "
        f"no better direction. n = {count(len(verdict.moved), 'metric')} that changed"
        + (f", of which {left} smaller ones are only in the table" if left else "")
        + (f"; {count(unknown, 'metric')} without a value to divide by {are} not drawn" if unknown else "")
        + "."
    )
    told = [move for move, _ in ordered]
    rows = tuple(
        (
            move.metric,
            number(move.before),
            number(move.after),
            signed(difference(move.before, move.after)),
            relative_percent(move.before, move.after),
            "worse" if move.worse else "not worse",
        )
        for move in (*told, *(each for each in verdict.moved if each not in told))
    )
    heads = ("metric", "old", "new", "Δ", "%", "side")
    return Figure("moves", title, picture("moves", title, caption, size, *drawn), caption, heads, rows, wide=True)


def _move_row(move: Moved, part: float, scale: Scale, y: float) -> Drawn:
    x, middle = scale.at(part), scale.at(0)
    mark = ("▲ " if part > 0 else "▼ ") if move.worse else ""
    said = f"{mark}{number(move.before)} → {number(move.after)}"
    worse = " worse" if move.worse else ""
    bar = element(
        "rect",
        element("title", f"{move.metric}: {said}, {relative_percent(move.before, move.after)}"),
        x=min(x, middle),
        y=y - _BAR / 2,
        width=max(1.0, abs(x - middle)),
        height=_BAR,
        class_=f"bar{worse}",
    )
    return [
        words(shorten(metric_title(move.metric), 56), 400, y + 4, "row", "end"),
        bar,
        words(said, 736, y + 4, f"row{worse}"),
    ]
