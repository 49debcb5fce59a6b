"""Statistics behind the curves of a report: pure functions of the measured cases."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from evals.metrics.arithmetic import DECIMALS, accepted, covered, mean, risk_area
from evals.metrics.pooling import Mode
from evals.metrics.results import CaseResult
from evals.metrics.summary import LabelSet

FACTORS: Final = FACTOR_SETS["0.5"]
BINS: Final = 10
_Z: Final = 1.959964
"""Normal quantile of a 95 % interval."""


class Bin(NamedTuple):
    """The layers whose certainties lie in the same tenth of the scale."""

    low: float
    high: float
    layers: int
    certainty: float
    """Mean certainty of these layers."""
    share: float
    """Share of these layers that the labels call certain."""
    share_low: float
    """Lower end of the 95 % interval of that share (Wilson)."""
    share_high: float


class RiskPoint(NamedTuple):
    """Coverage and risk when all layers with at least a given certainty are accepted."""

    threshold: float
    coverage: float
    """Accepted / all layers."""
    risk: float
    """Wrong / accepted layers."""
    generalised: float
    """Wrong accepted / all layers."""


class RiskCurve(NamedTuple):
    """Risk against coverage, with the area under the generalised risk."""

    layers: int
    points: tuple[RiskPoint, ...]
    """The points of the curve, from the most certain layers alone to all layers."""
    augrc: float
    shuffled: float
    """The area for the same losses if certainty were uninformative."""
    perfect: float
    """The area for the same losses if every wrong layer were less certain than every right one."""
    shipped: RiskPoint | None
    """The point that results from the drafts' own flags, which do not correspond to a single threshold; None when they
    accept no layer."""


class Covered(NamedTuple):
    """How often the range of a factor contains the label."""

    published: float | None
    reader: float | None
    published_count: int
    reader_count: int
    width: float | None


def reliability(results: Iterable[CaseResult], which: LabelSet) -> tuple[Bin, ...]:
    """Compute the share of layers that the labels call certain, by the draft's certainty; empty tenths are left out.

    Layers without a label or a certainty are left out.
    """
    bins: dict[int, list[tuple[float, bool]]] = defaultdict(list)
    for cell in (cell for result in results for cell in result.layers.values()):
        given = getattr(cell, which)
        if given is not None and cell.certainty is not None:
            # Round first, because 0.7 * 10 is below 7 in binary.
            place = min(BINS - 1, math.floor(round(cell.certainty * BINS, DECIMALS)))
            bins[place].append((cell.certainty, given))
    found = []
    for place, cells in sorted(bins.items()):
        count, certain = len(cells), sum(given for _, given in cells)
        middle = math.fsum(certainty for certainty, _ in cells) / count
        ends = wilson(certain, count)
        found.append(Bin(place / BINS, (place + 1) / BINS, count, middle, certain / count, *ends))
    return tuple(found)


def wilson(part: int, whole: int) -> tuple[float, float]:
    """Return the 95 % interval of a share by Wilson's formula; `whole` is at least 1."""
    share = part / whole
    below = 1 + _Z**2 / whole
    middle = (share + _Z**2 / (2 * whole)) / below
    half = _Z * math.sqrt(share * (1 - share) / whole + _Z**2 / (4 * whole**2)) / below
    return max(0.0, middle - half), min(1.0, middle + half)


def risk_coverage(results: Iterable[CaseResult]) -> RiskCurve | None:
    """Compute the curve against the reader's labels: an accepted layer is wrong if the reader calls it not certain.

    A layer of a failed case counts as accepted first and as wrong. None without labels. The area is that of
    `evals.metrics.arithmetic.augrc`.
    """
    cells = [cell for result in results for cell in result.layers.values() if cell.reader is not None]
    groups = accepted((cell.certainty, float(not cell.reader)) for cell in cells)
    if not groups:
        return None
    whole, wrong, taken = len(cells), 0.0, 0
    points = []
    for threshold, size, loss in groups:
        wrong, taken = wrong + loss, taken + size
        points.append(RiskPoint(min(threshold, 1.0), taken / whole, wrong / taken, wrong / whole))
    total = round(wrong)
    own = [int(not cell.reader) if cell.certain else 1 for cell in cells if cell.certain is not False]
    return RiskCurve(
        layers=whole,
        points=tuple(points),
        augrc=risk_area(groups) / whole**2,
        shuffled=total * (whole + 1) / (2 * whole**2),
        perfect=total * (total + 1) / (2 * whole**2),
        shipped=RiskPoint(0.0, len(own) / whole, sum(own) / len(own), sum(own) / whole) if own else None,
    )


def quote_ranks(results: Iterable[CaseResult], mode: Mode) -> list[int]:
    """Return the ranks of all the reader's quotes that were searched for in this mode."""
    return [rank for result in results if result.retrieval for rank in result.retrieval.ranks.get(mode, ())]


def recall_at(ranks: Sequence[int], depth: int) -> tuple[float, ...]:
    """Return the share of the reader's quotes in the first k sentences, k from 1 to `depth`; empty without quotes."""
    if not ranks:
        return ()
    return tuple(sum(0 < rank <= k for rank in ranks) / len(ranks) for k in range(1, depth + 1))


def shown_shares(results: Iterable[CaseResult]) -> dict[int, float]:
    """Return k → the share of a case's characters in the first k sentences, mean over the cases."""
    shares: dict[int, list[float]] = defaultdict(list)
    for result in results:
        for k, part in (result.retrieval.shares if result.retrieval else {}).items():
            shares[k].append(part)
    return {k: math.fsum(shares[k]) / len(shares[k]) for k in sorted(shares)}


def range_coverage(results: Sequence[CaseResult]) -> dict[FactorKey, Covered]:
    """Compute for each factor how often its range contains each of the two labels, and how wide the range is."""
    found = {}
    for key in FACTORS:
        cells = [result.factors[key] for result in results if key in result.factors]
        published = [held for cell in cells if (held := covered(cell.low, cell.high, cell.published)) is not None]
        reader = [held for cell in cells if (held := covered(cell.low, cell.high, cell.reader)) is not None]
        width = mean(1.0 if cell.low is None or cell.high is None else cell.high - cell.low for cell in cells)
        found[key] = Covered(mean(published), mean(reader), len(published), len(reader), width)
    return found
