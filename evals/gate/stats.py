"""Statistics of the gate: what two recordings of the same cases say about a mean difference.

The sign-flip test asks how often a mean difference as large as the one seen comes up when the sign of each difference
is decided by a coin (Fisher 1935). Cases of one vendor family flip together. Bootstrap intervals are shown but gate
nothing: with few or sparse differences their false alarms reach three times the nominal rate; sign flips avoid this.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

FLIPS: Final = 10_000
SEED: Final = 20261126
ENUMERATED: Final = 14
"""With up to this many clusters, all 2^n sign patterns are tried, and the p value is exact."""
FAMILY_LEVEL: Final = 0.035
"""Probability of a false alarm over all primary losses together. It is below the promised 5 % so that simulations of
1,000 pairs, whose standard error is 0.7 points, stay below 5 % too (`python -m evals.bench.gate_rates`)."""
LEVEL: Final = 0.05
POWER: Final = 0.8
_TINY: Final = 1e-12
Floats = NDArray[np.float64]


def sign_flip(differences: Sequence[float], clusters: Sequence[str] | None = None) -> float:
    """Return the one-sided p value of "the mean difference is above 0"; 1.0 when all differences are 0.

    `clusters` names the vendor family of each case; a family's signs flip together. With at most 14 families whose sum
    is not 0 the value is exact. Otherwise it is (1 + hits) / (1 + 10,000) over random flips with a fixed seed.
    """
    sums = _cluster_sums(differences, clusters)
    sums = sums[np.abs(sums) > _TINY]
    if not len(sums):
        return 1.0
    seen = sums.sum()
    if len(sums) <= ENUMERATED:
        totals = _patterns(len(sums)) @ sums
        return float((totals >= seen - _TINY).mean())
    totals = _signs(len(sums)) @ sums
    return float((1 + (totals >= seen - _TINY).sum()) / (1 + FLIPS))


def holm(
    p_values: Mapping[str, float], level: float = FAMILY_LEVEL, weights: Mapping[str, float] | None = None
) -> dict[str, bool]:
    """Return which hypotheses Holm's weighted step-down procedure rejects at family level `level` (Holm 1979).

    Each step rejects the hypothesis with the smallest p / weight if p ≤ level · weight / sum of the remaining weights.
    Without `weights` all are equal.
    """
    share = dict.fromkeys(p_values, 1.0) if weights is None else {name: weights[name] for name in p_values}
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
    """Return bounds of the central `share` of means over resampled clusters, fixed seed; (0, 0) if none."""
    if not len(differences):
        return 0.0, 0.0
    names = clusters if clusters is not None else [str(n) for n in range(len(differences))]
    order = sorted(set(names))
    at = {name: n for n, name in enumerate(order)}
    sums, sizes = np.zeros(len(order)), np.zeros(len(order))
    for difference, name in zip(differences, names, strict=True):
        sums[at[name]] += difference
        sizes[at[name]] += 1
    chosen = np.random.default_rng(SEED).integers(0, len(order), size=(resamples, len(order)))
    means = sums[chosen].sum(axis=1) / sizes[chosen].sum(axis=1)
    low, high = np.quantile(means, [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def detectable(differences: Sequence[float], clusters: Sequence[str] | None = None) -> float:
    """Return the smallest mean difference that a one-sided 5 % test finds in 80 % of runs: (t.95 + t.80) · sd / √n.

    n is the number of clusters, sd the standard deviation of their mean differences. 0.0 when all differences are
    equal; infinite with fewer than two clusters.
    """
    means = _cluster_means(differences, clusters)
    if len(means) < 2:  # noqa: PLR2004 - a spread needs two
        return math.inf
    return detectable_at(float(means.std(ddof=1)), len(means))


def detectable_at(spread: float, count: int) -> float:
    """Compute `detectable` for a known spread (sd of paired differences) and `count` independent cases, at least 2."""
    degrees = count - 1
    return (_t_quantile(1 - LEVEL, degrees) + _t_quantile(POWER, degrees)) * spread / math.sqrt(count)


def cases_needed(spread: float, effect: float, most: int = 100_000) -> int:
    """Return the fewest independent cases that make `effect` > 0 detectable at this spread; 2 when the spread is 0."""
    low, high = 2, most
    while low < high:
        middle = (low + high) // 2
        if detectable_at(spread, middle) <= effect:
            high = middle
        else:
            low = middle + 1
    return low


def spread(differences: Sequence[float], clusters: Sequence[str] | None = None) -> float:
    """Return the standard deviation of the clusters' mean differences; 0.0 with fewer than two clusters."""
    means = _cluster_means(differences, clusters)
    return float(means.std(ddof=1)) if len(means) > 1 else 0.0


def _cluster_means(differences: Sequence[float], clusters: Sequence[str] | None) -> Floats:
    if clusters is None:
        return np.array(differences, dtype=float)
    groups: dict[str, list[float]] = {}
    for difference, name in zip(differences, clusters, strict=True):
        groups.setdefault(name, []).append(difference)
    return np.array([math.fsum(groups[name]) / len(groups[name]) for name in sorted(groups)])


def _cluster_sums(differences: Sequence[float], clusters: Sequence[str] | None) -> Floats:
    if clusters is None:
        return np.array(differences, dtype=float)
    sums: dict[str, float] = {}
    for difference, name in zip(differences, clusters, strict=True):
        sums[name] = sums.get(name, 0.0) + difference
    return np.array([sums[name] for name in sorted(sums)])


@lru_cache(maxsize=32)
def _signs(count: int) -> Floats:
    generator = np.random.default_rng(SEED)
    return generator.integers(0, 2, size=(FLIPS, count)).astype(float) * 2 - 1


@lru_cache(maxsize=8)
def _patterns(count: int) -> Floats:
    numbers = np.arange(2**count)[:, None]
    return ((numbers >> np.arange(count)) & 1).astype(float) * 2 - 1


def _t_quantile(chance: float, degrees: int) -> float:
    """Return a quantile of Student's t by Cornish-Fisher expansion of the normal one (Abramowitz & Stegun 26.7.5).

    Accurate to three digits from four degrees on; below that, too small by up to a fifth at the levels used here.
    """
    from statistics import NormalDist

    z = NormalDist().inv_cdf(chance)
    g1 = (z**3 + z) / 4
    g2 = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    g3 = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384
    return z + g1 / degrees + g2 / degrees**2 + g3 / degrees**3
