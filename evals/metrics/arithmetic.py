"""Arithmetic of the metrics: pure functions over numbers, no drafts and no files.

None marks a missing value. Missing labels are skipped; a missing drafted value (the case failed) counts as the worst
value possible against that label.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

UNIT_TOP: Final = 1.0
SCORE_TOP: Final = 10.0
HALF: Final = 0.5
DECIMALS: Final = 6


class Span(NamedTuple):
    """A range of characters in one document."""

    document: str
    start: int
    end: int


class Flags(NamedTuple):
    """Counts of the pooled layer flags; positive means not certain."""

    true_positive: int
    false_positive: int
    false_negative: int
    true_negative: int


def mean(values: Iterable[float]) -> float | None:
    """Return the mean, None without values; rounded to six decimals so that platforms agree."""
    kept = list(values)
    return round(math.fsum(kept) / len(kept), DECIMALS) if kept else None


def share(part: int, whole: int) -> float | None:
    """Return part / whole; None when `whole` is 0."""
    return round(part / whole, DECIMALS) if whole else None


def quantile(values: Sequence[float], part: float) -> float | None:
    """Return the quantile of `values` at the share `part` (nearest rank); None without values."""
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(part * len(ordered)))], DECIMALS) if ordered else None


def error(drafted: float | None, label: float, top: float = UNIT_TOP) -> float:
    """Return |drafted - label| on a scale from 0 to `top`; the largest possible error when nothing was drafted."""
    return max(label, top - label) if drafted is None else abs(drafted - label)


def covered(low: float | None, high: float | None, label: float) -> bool:
    """Return whether low ≤ label ≤ high, with a tolerance for binary tenths; False when there is no range."""
    slack = 1e-9
    return low is not None and high is not None and low - slack <= label <= high + slack


def count_flags(pairs: Iterable[tuple[bool | None, bool]]) -> Flags:
    """Count pairs (drafted certain or None, label certain). A layer that was not drafted counts as wrong."""
    counts = {(True, True): 0, (True, False): 0, (False, True): 0, (False, False): 0}
    for drafted, label in pairs:
        flagged = label if drafted is None else not drafted
        counts[flagged, not label] += 1
    return Flags(counts[True, True], counts[True, False], counts[False, True], counts[False, False])


def precision(flags: Flags) -> float | None:
    """Return the share of raised flags that are right; None when none was raised."""
    return share(flags.true_positive, flags.true_positive + flags.false_positive)


def recall(flags: Flags) -> float | None:
    """Return the share of the labels' flags that were raised; None when the labels have none."""
    return share(flags.true_positive, flags.true_positive + flags.false_negative)


def f1(flags: Flags) -> float | None:
    """Return the harmonic mean of precision and recall; None when neither the drafts nor the labels have a flag."""
    return share(2 * flags.true_positive, 2 * flags.true_positive + flags.false_positive + flags.false_negative)


def spans_covered(gold: Sequence[Span], cited: Sequence[Span]) -> int:
    """Count the gold spans with at least half of their characters inside one cited span."""
    return sum(any(_overlap(span, other) >= HALF * (span.end - span.start) for other in cited) for span in gold)


def _overlap(a: Span, b: Span) -> int:
    return max(0, min(a.end, b.end) - max(a.start, b.start)) if a.document == b.document else 0


# ---------------------------------------------------------------- agreement of two label sets


def pearson(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Pearson's correlation; None when either side does not vary."""
    xs, ys = [x for x, _ in pairs], [y for _, y in pairs]
    if not pairs:
        return None
    mean_x, mean_y = math.fsum(xs) / len(xs), math.fsum(ys) / len(ys)
    xx = math.fsum((x - mean_x) ** 2 for x in xs)
    yy = math.fsum((y - mean_y) ** 2 for y in ys)
    xy = math.fsum((x - mean_x) * (y - mean_y) for x, y in pairs)
    return None if xx <= 0 or yy <= 0 else max(-1.0, min(1.0, xy / math.sqrt(xx * yy)))


def spearman(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Spearman's rank correlation, with mean ranks for ties; None when either side does not vary."""
    return pearson(list(zip(_ranks([x for x, _ in pairs]), _ranks([y for _, y in pairs]), strict=True)))


def _ranks(values: Sequence[float]) -> list[float]:
    places: dict[float, list[int]] = {}
    for place, value in enumerate(sorted(values), start=1):
        places.setdefault(value, []).append(place)
    middle = {value: math.fsum(found) / len(found) for value, found in places.items()}
    return [middle[value] for value in values]


def alpha_interval(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Return Krippendorff's alpha, squared-difference metric, for two complete raters; None without variation.

    alpha = 1 - observed / expected disagreement, over all values pooled (Krippendorff 2011, "Computing Krippendorff's
    alpha-reliability").
    """
    if not pairs:
        return None
    pooled = [value for pair in pairs for value in pair]
    count, middle = len(pooled), math.fsum(pooled) / len(pooled)
    observed = math.fsum((x - y) ** 2 for x, y in pairs) / len(pairs)
    # Twice the sample variance (divisor n - 1) equals the mean squared difference of two distinct values.
    expected = 2 * math.fsum((value - middle) ** 2 for value in pooled) / (count - 1)
    return None if expected <= 0 else 1 - observed / expected


def alpha_nominal(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Return Krippendorff's alpha for two complete raters of a yes/no label; None without variation."""
    return alpha_interval([(float(a), float(b)) for a, b in pairs])


def alpha_labels(pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return Krippendorff's alpha, nominal metric, for two complete raters of any labels; None without variation."""
    pooled = Counter(label for pair in pairs for label in pair)
    count = pooled.total()
    if count < 2:  # noqa: PLR2004 - no pair can differ
        return None
    expected = 1 - sum(n * (n - 1) for n in pooled.values()) / (count * (count - 1))
    observed = sum(a != b for a, b in pairs) / len(pairs)
    return None if expected <= 0 else 1 - observed / expected


# ---------------------------------------------------------------- levels, abstention, calibration


def interval_error(drafted: float | None, low: float, high: float, top: float = UNIT_TOP) -> float:
    """Return the distance of `drafted` from the range low..high, 0 inside it; the largest possible when not drafted."""
    if drafted is None:
        return max(high, top - low)
    return max(0.0, low - drafted, drafted - high)


def quadratic_kappa(pairs: Sequence[tuple[float, float]], levels: Sequence[float] = (0.0, 0.5, 1.0)) -> float | None:
    """Return Cohen's kappa, quadratic weights, over values snapped to the nearest of `levels`, ties up; 1 is agreement.

    kappa = 1 - Σ w·observed / Σ w·expected, w = (i - j)² (Cohen 1968, "Weighted kappa"). None when nothing varies.
    """
    if not pairs:
        return None
    snapped = [(_level(a, levels), _level(b, levels)) for a, b in pairs]
    count = len(snapped)
    observed = math.fsum((a - b) ** 2 for a, b in snapped) / count
    expected = math.fsum((a - b) ** 2 for a, _ in snapped for _, b in snapped) / count**2
    return None if expected <= 0 else round(1 - observed / expected, DECIMALS)


def _level(value: float, levels: Sequence[float]) -> int:
    return min(range(len(levels)), key=lambda n: (round(abs(levels[n] - value), 9), -n))


def augrc(cells: Sequence[tuple[float | None, float]]) -> float | None:
    """Return the area under the generalised risk-coverage curve of (certainty, loss when accepted).

    The area is 0 to 0.5 for losses of 0 or 1. Cells are accepted in descending order of certainty. At each step the
    generalised risk is the summed loss of the accepted cells divided by the number of all cells; the area is its mean
    over the steps (Traub et al. 2024, arXiv 2407.01032). Ties are accepted together, in equal parts. A cell without a
    certainty (its case failed) counts as accepted first and wrong, so that losing a case never helps.
    """
    if not cells:
        return None
    known = sorted(((c, loss) for c, loss in cells if c is not None), key=lambda cell: -cell[0])
    lost = len(cells) - len(known)
    total, accepted, area, at = len(cells), float(lost), float(lost * (lost + 1)) / 2, 0
    while at < len(known):
        end = at
        while end < len(known) and known[end][0] == known[at][0]:
            end += 1
        size = end - at
        step = math.fsum(loss for _, loss in known[at:end]) / size
        area += size * accepted + step * size * (size + 1) / 2
        accepted += step * size
        at = end
    return round(area / total**2, DECIMALS)


def coverage_at_risk(cells: Sequence[tuple[float | None, float]], risk: float) -> float | None:
    """Return the largest share of cells, in descending order of certainty, with a mean loss of at most `risk`.

    Returns 0 if no share qualifies. Cells of equal certainty are accepted together. A cell without a certainty counts
    as accepted first and wrong.
    """
    if not cells:
        return None
    known = sorted(((c, loss) for c, loss in cells if c is not None), key=lambda cell: -cell[0])
    taken = len(cells) - len(known)
    wrong, best = float(taken), 0
    for at, (certainty, loss) in enumerate(known):
        taken, wrong = taken + 1, wrong + loss
        last = at + 1 == len(known) or known[at + 1][0] != certainty
        if last and wrong <= risk * taken + 1e-12:
            best = taken
    return share(best, len(cells))


def brier(cells: Sequence[tuple[float | None, bool]]) -> float | None:
    """Return the mean squared difference of probability and truth (Brier 1950); 1 for a cell without a probability."""
    return mean(UNIT_TOP if chance is None else (chance - true) ** 2 for chance, true in cells)


def calibration_error(cells: Sequence[tuple[float | None, bool]], bins: int = 10, least: int = 300) -> float | None:
    """Return the expected calibration error over equal-mass bins; None below `least` cells, where noise dominates."""
    # Sort by probability alone, because sorting by truth too would separate tied cells by their answer.
    known = sorted(((chance, true) for chance, true in cells if chance is not None), key=lambda cell: cell[0])
    if len(known) < least:
        return None
    gaps = []
    for n in range(bins):
        part = known[n * len(known) // bins : (n + 1) * len(known) // bins]
        gaps.append(abs(math.fsum(c - t for c, t in part)))
    return round(math.fsum(gaps) / len(known), DECIMALS)


def flag_loss(pairs: Sequence[tuple[bool | None, bool]], layers: int) -> float | None:
    """Return (2 · missed + extra) / `layers` over one case's pairs (drafted certain or None, label certain), 0 to 2.

    Missed: the draft calls a layer certain although the label says not certain, which is the costlier error. Extra: a
    needless flag. A layer that was not drafted counts as wrong. None when the case has no label.
    """
    if not pairs:
        return None
    flags = count_flags(pairs)
    return round((2 * flags.false_negative + flags.false_positive) / layers, DECIMALS)


def within_spread(values: Sequence[float | None]) -> float | None:
    """Return the sample standard deviation (n - 1) of the repeats of one case; None for fewer than two values."""
    kept = [value for value in values if value is not None]
    if len(kept) < 2:  # noqa: PLR2004 - a spread needs two
        return None
    middle = math.fsum(kept) / len(kept)
    return math.sqrt(math.fsum((value - middle) ** 2 for value in kept) / (len(kept) - 1))


def flip_rate(flags: Sequence[bool | None]) -> float:
    """Return the share of pairs of repeats whose flags differ, 0 to 1; 0 for fewer than two repeats."""
    pairs = [(a, b) for n, a in enumerate(flags) for b in flags[n + 1 :]]
    return sum(a is not b for a, b in pairs) / len(pairs) if pairs else 0.0
