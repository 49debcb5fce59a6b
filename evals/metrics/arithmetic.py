"""Arithmetic of the metrics: pure functions over numbers, no drafts and no files.

None marks a missing value. Missing labels are skipped; a missing drafted value (the case failed) counts as the worst
value possible against that label.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import combinations, groupby
from statistics import StatisticsError, correlation, stdev, variance
from typing import Final, NamedTuple

UNIT_TOP: Final = 1.0
SCORE_TOP: Final = 10.0
HALF: Final = 0.5
DECIMALS: Final = 6
Cell = tuple[float | None, float]
"""A layer's certainty (None if its case failed), with either its loss if accepted, or 1 or 0 for the label's flag."""


class Span(NamedTuple):
    """A range of characters in one document."""

    document: str
    start: int
    end: int


class Flags(NamedTuple):
    """Counts of the layer flags of all cases together; positive means not certain."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


def mean(values: Iterable[float | None]) -> float | None:
    """Return the mean of the known values, rounded to six decimals so that platforms agree; None if there are none."""
    kept = [value for value in values if value is not None]
    return round(math.fsum(kept) / len(kept), DECIMALS) if kept else None


def share(part: int, whole: int) -> float | None:
    """Return part / whole; None when `whole` is 0."""
    return round(part / whole, DECIMALS) if whole else None


def quantile(values: Sequence[float], part: float) -> float | None:
    """Return the quantile of `values` at the fraction `part` (nearest rank); None without values."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], DECIMALS) if ordered else None


def error(drafted: float | None, label: float | None, top: float = UNIT_TOP) -> float | None:
    """Return |drafted - label| on a scale from 0 to `top`; None without a label.

    If nothing was drafted, the error is the largest possible one.
    """
    if label is None:
        return None
    return max(label, top - label) if drafted is None else abs(drafted - label)


def covered(low: float | None, high: float | None, label: float | None) -> bool | None:
    """Return whether low ≤ label ≤ high, with a tolerance, since tenths are inexact in binary; None without a label.

    False without a range.
    """
    if label is None:
        return None
    slack = 1e-9
    return low is not None and high is not None and low - slack <= label <= high + slack


def count_flags(pairs: Iterable[tuple[bool | None, bool | None]]) -> Flags:
    """Count pairs (drafted certain or None, label certain); pairs without a label are skipped.

    A layer that was not drafted counts as wrong.
    """
    counts = Counter((label if drafted is None else not drafted, label) for drafted, label in pairs)
    return Flags(counts[True, False], counts[True, True], counts[False, False], counts[False, True])


def precision(flags: Flags) -> float | None:
    """Return the share of the raised flags that are right; None if no flag was raised."""
    return share(flags.true_positive, flags.true_positive + flags.false_positive)


def recall(flags: Flags) -> float | None:
    """Return the share of the labels' flags that were raised; None when the labels have none."""
    return share(flags.true_positive, flags.true_positive + flags.false_negative)


def f1(flags: Flags) -> float | None:
    """Return the harmonic mean of precision and recall; None when neither the drafts nor the labels have a flag."""
    return share(2 * flags.true_positive, 2 * flags.true_positive + flags.false_positive + flags.false_negative)


def spans_covered(gold: Sequence[Span], cited: Sequence[Span]) -> int:
    """Count the gold spans with at least half of their characters inside one cited span."""

    def overlap(a: Span, b: Span) -> int:
        return max(0, min(a.end, b.end) - max(a.start, b.start)) if a.document == b.document else 0

    return sum(any(overlap(span, other) >= HALF * (span.end - span.start) for other in cited) for span in gold)


# ---------------------------------------------------------------- agreement of two label sets


def pearson(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Pearson's correlation; None when either side does not vary."""
    try:
        return correlation([x for x, _ in pairs], [y for _, y in pairs])
    except StatisticsError:
        return None


def spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Spearman's rank correlation, with mean ranks for ties; None when either side does not vary."""
    from scipy.stats import rankdata

    sides = [rankdata([pair[side] for pair in pairs]).tolist() for side in (0, 1)]
    return pearson(list(zip(*sides, strict=True)))


def alpha_interval(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Krippendorff's alpha with the squared-difference metric for two raters without missing values; None
    without variation.

    alpha = 1 - observed / expected disagreement, over all values pooled (Krippendorff 2011, "Computing Krippendorff's
    alpha-reliability").
    """
    if not pairs:
        return None
    observed = math.fsum((x - y) ** 2 for x, y in pairs) / len(pairs)
    # Twice the sample variance (divisor n - 1) equals the mean squared difference of two distinct values.
    expected = 2 * variance([value for pair in pairs for value in pair])
    return None if expected <= 0 else 1 - observed / expected


def alpha_labels(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Krippendorff's alpha with the nominal metric for two raters without missing labels; None without
    variation."""
    pooled = Counter(label for pair in pairs for label in pair)
    count = pooled.total()
    if count < 2:  # noqa: PLR2004 - no pair can differ
        return None
    expected = 1 - sum(n * (n - 1) for n in pooled.values()) / (count * (count - 1))
    observed = sum(a != b for a, b in pairs) / len(pairs)
    return None if expected <= 0 else 1 - observed / expected


# ---------------------------------------------------------------- levels, abstention, calibration


def interval_error(drafted: float | None, low: float, high: float, top: float = UNIT_TOP) -> float:
    """Return the distance of `drafted` from the range low..high, 0 inside it; the largest possible distance if nothing
    was drafted."""
    if drafted is None:
        return max(high, top - low)
    return max(0.0, low - drafted, drafted - high)


def quadratic_kappa(pairs: Sequence[tuple[float, float]], levels: Sequence[float] = (0.0, 0.5, 1.0)) -> float | None:
    """Return Cohen's kappa with quadratic weights, over values rounded to the nearest of `levels` (ties up); 1 is full
    agreement.

    kappa = 1 - Σ w·observed / Σ w·expected, w = (i - j)² (Cohen 1968, "Weighted kappa"). None when nothing varies.
    """

    def level(value: float) -> int:
        return min(range(len(levels)), key=lambda n: (round(abs(levels[n] - value), 9), -n))

    if not pairs:
        return None
    snapped = [(level(a), level(b)) for a, b in pairs]
    count = len(snapped)
    observed = math.fsum((a - b) ** 2 for a, b in snapped) / count
    expected = math.fsum((a - b) ** 2 for a, _ in snapped for _, b in snapped) / count**2
    return None if expected <= 0 else round(1 - observed / expected, DECIMALS)


def accepted(cells: Iterable[Cell]) -> list[tuple[float, int, float]]:
    """Return, for each certainty in descending order, how many cells have it, and their summed loss.

    A cell without a certainty (its case failed) counts as accepted first and as wrong, so that a failed case never
    improves the result.
    """
    known = sorted(((math.inf, 1.0) if c is None else (c, loss) for c, loss in cells), key=lambda cell: -cell[0])
    groups = ((certainty, [loss for _, loss in group]) for certainty, group in groupby(known, lambda cell: cell[0]))
    return [(certainty, len(losses), math.fsum(losses)) for certainty, losses in groups]


def augrc(cells: Sequence[Cell]) -> float | None:
    """Return the area under the generalised risk-coverage curve of (certainty, loss when accepted).

    The area is 0 to 0.5 for losses of 0 or 1. Cells are accepted in descending order of certainty. At each step the
    generalised risk is the summed loss of the accepted cells divided by the number of all cells; the area is its mean
    over the steps (Traub et al. 2024, arXiv 2407.01032). Ties are accepted together, in equal parts.
    """
    return round(risk_area(accepted(cells)) / len(cells) ** 2, DECIMALS) if cells else None


def risk_area(groups: Iterable[tuple[float, int, float]]) -> float:
    """Return the unscaled area for `augrc`: the summed loss of the accepted cells, added up over all steps.

    `groups` come from `accepted`.
    """
    area = lost = 0.0
    for _, size, loss in groups:
        area += size * lost + loss * (size + 1) / 2
        lost += loss
    return area


def coverage_at_risk(cells: Sequence[Cell], risk: float) -> float | None:
    """Return the largest share of cells, in descending order of certainty, with a mean loss of at most `risk`.

    Returns 0 if no share qualifies. Cells of equal certainty are accepted together.
    """
    taken, lost, best = 0, 0.0, 0
    for certainty, size, loss in accepted(cells):
        taken, lost = taken + size, lost + loss
        if certainty < math.inf and lost <= risk * taken + 1e-12:
            best = taken
    return share(best, len(cells))


def brier(cells: Iterable[Cell]) -> float | None:
    """Return the mean squared difference of probability and truth (Brier 1950); a cell without a probability counts as
    1.
    """
    return mean(UNIT_TOP if chance is None else (chance - true) ** 2 for chance, true in cells)


def calibration_error(cells: Sequence[Cell], bins: int = 10, least: int = 300) -> float | None:
    """Return the expected calibration error over equal-mass bins; None below `least` cells, where noise dominates."""
    # Sort by probability alone, because sorting by truth too would separate tied cells by their answer.
    known = sorted(((chance, true) for chance, true in cells if chance is not None), key=lambda cell: cell[0])
    if len(known) < least:
        return None
    parts = [known[n * len(known) // bins : (n + 1) * len(known) // bins] for n in range(bins)]
    gaps = [abs(math.fsum(chance - true for chance, true in part)) for part in parts]
    return round(math.fsum(gaps) / len(known), DECIMALS)


def flag_loss(pairs: Iterable[tuple[bool | None, bool | None]], layers: int) -> float | None:
    """Return (2 · missed + extra) / `layers` over one case's pairs (drafted certain or None, label certain), 0 to 2.

    A flag is missed if the draft calls a layer certain although the label says not certain, which is the costlier
    error; an extra flag is a needless one. A layer that was not drafted counts as wrong. None when the case has no
    label.
    """
    flags = count_flags(pairs)
    return round((2 * flags.false_negative + flags.false_positive) / layers, DECIMALS) if any(flags) else None


def within_spread(values: Sequence[float | None]) -> float | None:
    """Return the sample standard deviation (divisor n - 1) of the repeats of one case; None for fewer than two
    values."""
    kept = [value for value in values if value is not None]
    return stdev(kept) if len(kept) > 1 else None


def flip_rate(flags: Sequence[bool | None]) -> float:
    """Return the share of pairs of repeats whose flags differ, 0 to 1; 0 for fewer than two repeats."""
    pairs = list(combinations(flags, 2))
    return sum(a is not b for a, b in pairs) / len(pairs) if pairs else 0.0
