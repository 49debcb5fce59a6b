"""Statistics of the gate: what can be inferred about a mean difference from two recordings of the same cases.

The sign-flip test asks how often a mean difference as large as the observed one occurs when the sign of each difference
is decided by a coin toss (Fisher 1935). Cases of one vendor family flip together. Bootstrap intervals are shown, but no
verdict depends on them: with few or sparse differences, they raise up to three times as many false alarms as their
nominal rate. Sign flips avoid this.
"""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

FLIPS: Final = 10_000
SEED: Final = 20261126
ENUMERATED: Final = 14
"""With up to this many clusters, all 2^n sign patterns are tried, and the p value is exact."""
FAMILY_LEVEL: Final = 0.035
"""Probability of a false alarm over all primary losses together. It is below the promised 5 %, so that simulations of
1,000 pairs, whose standard error is 0.7 points, stay below 5 % too (`python -m evals.bench.gate_rates`)."""
LEVEL: Final = 0.05
POWER: Final = 0.8
_TINY: Final = 1e-12
Floats = NDArray[np.float64]
NameT = TypeVar("NameT", bound=str)


def sign_flip(differences: Sequence[float], clusters: Sequence[str] | None = None) -> float:
    """Return the one-sided p value of "the mean difference is above 0"; 1.0 when all differences are 0.

    `clusters` names the vendor family of each case; a family's signs flip together. With at most 14 families whose sum
    is not 0 the value is exact. Otherwise it is (1 + hits) / (1 + 10,000) over random flips with a fixed seed.
    """
    sums = np.array([sum(group) for group in _groups(differences, clusters)])
    sums = sums[np.abs(sums) > _TINY]
    if not len(sums):
        return 1.0
    exact = len(sums) <= ENUMERATED
    hits = (_patterns(len(sums)) if exact else _signs(len(sums))) @ sums >= sums.sum() - _TINY
    return float(hits.mean() if exact else (1 + hits.sum()) / (1 + FLIPS))


def holm(
    p_values: Mapping[NameT, float], level: float = FAMILY_LEVEL, weights: Mapping[NameT, float] | None = None
) -> dict[NameT, bool]:
    """Return which hypotheses Holm's weighted step-down procedure rejects at family level `level` (Holm 1979).

    Each step rejects the hypothesis with the smallest p / weight if p ≤ level · weight / sum of the remaining weights.
    Without `weights` all are equal.
    """
    share = {name: weights[name] if weights else 1.0 for name in p_values}
    ordered = sorted(p_values, key=lambda name: (p_values[name] / share[name], name))
    rejected = dict.fromkeys(p_values, False)
    for place, name in enumerate(ordered):
        if p_values[name] > level * share[name] / math.fsum(share[left] for left in ordered[place:]):
            break
        rejected[name] = True
    return rejected


def bootstrap(
    differences: Sequence[float], clusters: Sequence[str] | None = None, *, share: float = 0.9, resamples: int = 4000
) -> tuple[float, float]:
    """Return the bounds of the central `share` of the means over resampled clusters, using a fixed seed; (0, 0) without
    clusters."""
    groups = _groups(differences, clusters)
    if not groups:
        return 0.0, 0.0
    sums, sizes = np.array([sum(group) for group in groups]), np.array([float(len(group)) for group in groups])
    chosen = np.random.default_rng(SEED).integers(0, len(groups), size=(resamples, len(groups)))
    means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def detectable(differences: Sequence[float], clusters: Sequence[str] | None = None) -> float:
    """Return the smallest mean difference that a one-sided 5 % test detects in 80 % of runs: (t.95 + t.80) · sd / √n.

    n is the number of clusters, sd the standard deviation of their mean differences. 0.0 when all differences are
    equal; infinite with fewer than two clusters.
    """
    count = len(_groups(differences, clusters))
    return detectable_at(spread(differences, clusters), count) if count > 1 else math.inf


def detectable_at(spread: float, count: int) -> float:
    """Compute `detectable` for a known spread (sd of the paired differences) and for `count` (2 or more) independent
    cases."""
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, 1 - LEVEL) + stdtrit(count - 1, POWER)) * spread / math.sqrt(count)


def cases_needed(spread: float, effect: float, most: int = 100_000) -> int:
    """Return the fewest independent cases that make `effect` > 0 detectable at this spread; 2 when the spread is 0."""
    return 2 + bisect_left(range(2, most), -effect, key=lambda count: -detectable_at(spread, count))


def spread(differences: Sequence[float], clusters: Sequence[str] | None = None) -> float:
    """Return the standard deviation of the clusters' mean differences; 0.0 with fewer than two clusters."""
    means = np.array([math.fsum(group) / len(group) for group in _groups(differences, clusters)])
    return float(means.std(ddof=1)) if len(means) > 1 else 0.0


def _groups(differences: Sequence[float], clusters: Sequence[str] | None) -> list[list[float]]:
    """Return the differences of each cluster, ordered by its name; without clusters, each difference is its own
    cluster.
    """
    if clusters is None:
        return [[difference] for difference in differences]
    groups: dict[str, list[float]] = {name: [] for name in sorted(clusters)}
    for difference, name in zip(differences, clusters, strict=True):
        groups[name].append(difference)
    return list(groups.values())


@lru_cache(maxsize=32)
def _signs(count: int) -> Floats:
    return np.random.default_rng(SEED).integers(0, 2, size=(FLIPS, count)).astype(float) * 2 - 1


@lru_cache(maxsize=8)
def _patterns(count: int) -> Floats:
    numbers = np.arange(2**count)[:, None]
    return ((numbers >> np.arange(count)) & 1).astype(float) * 2 - 1
