"""Which threat the score rests on: the most typical severe scenario that the evidence supports.

Taking the worst conceivable scenario for everyone makes every product critical. Instead the labelled cases say which
base a product like this one usually has, as a sum that can be read:

    expected base = mean + Σ weight[factor] · (factor estimate - mean) + Σ weight[signal] · (found - mean)

and the headline is the evidenced threat that minimises |its base - expected base| - pull · typical, where `typical`
(0 to 1) says how often a reader puts a threat of this pattern first among the products on which it fires, r / (r + r̄)
with a prior from the catalogue; 0.5 is the mean over patterns. Weights, pull and typical are fitted on the reader's
bases and headlines and on published bases (`agent.drafting.calibrate`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.drafting.slots import usable
from agent.evidence.reading import Reading
from agent.evidence.signals import settles_layers_alone
from agent.records import Record
from agent.taxonomy.keys import FACTOR_SETS, FactorKey

FACTORS: Final[tuple[FactorKey, ...]] = FACTOR_SETS["0.5"]
FACTOR_SCALE: Final = 3.0
"""A factor's spread is about a third of a signal's; scaling it up lets one penalty serve both."""
PENALTY: Final = 12.0
MIN_CASES: Final = 8
"""A signal found in fewer cases gets no weight."""
PULLS: Final = (0.5, 1.0, 1.5, 2.0, 3.0)
PRIOR_CASES: Final = 6.0
"""Weight of the catalogue's own `typical` in the fitted one, in cases."""
MISS: Final = 1.0
"""What a headline of another pattern than the reader's costs in the fit of the pull, score points."""
LOWEST_BASE, HIGHEST_BASE = 2.0, 9.5
RANGE_WIDTH: Final = 0.8
"""Scenarios whose base lies this near the expected base are the range of the base: its mean error on the corpus."""


class Scenario(NamedTuple):
    """A candidate for the headline: enough to choose by."""

    pattern: str
    base: float
    typical: float
    """The catalogue's own estimate, 0 to 1."""


class HeadlineCalibration(Record):
    """Fitted constants; weights are in score points."""

    mean: float
    factor_means: dict[FactorKey, float]
    factor_weights: dict[FactorKey, float]
    signal_means: dict[str, float]
    signal_weights: dict[str, float]
    typical: dict[str, float]
    """By pattern that fired in the corpus, 0 to 1."""
    pull: float


class BaseRow(NamedTuple):
    """What the fit needs of one labelled case."""

    factors: Mapping[FactorKey, float]
    """Estimates made without the case's vendor family."""
    signals: frozenset[str]
    scenarios: tuple[Scenario, ...]
    target: float
    """Labelled base, 0 to 10."""
    first: str | None = None
    """Pattern whose threat is nearest to the reader's headline; None without one."""


def expected_base(
    factors: Mapping[FactorKey, float], signals: frozenset[str], calibration: HeadlineCalibration
) -> float:
    """The base that labelled products with these factors and signals have, 2.0 to 9.5."""
    value = calibration.mean
    for key, weight in calibration.factor_weights.items():
        value += weight * (factors[key] - calibration.factor_means[key])
    for signal, weight in calibration.signal_weights.items():
        value += weight * ((signal in signals) - calibration.signal_means[signal])
    return min(max(value, LOWEST_BASE), HIGHEST_BASE)


def typical(scenario: Scenario, calibration: HeadlineCalibration) -> float:
    """How typical the scenario is as a headline, 0 to 1: fitted, or the catalogue's half where it never fired."""
    return calibration.typical.get(scenario.pattern, 0.5 * scenario.typical)


def choose(scenarios: Sequence[Scenario], expected: float, calibration: HeadlineCalibration) -> int | None:
    """Index of the headline scenario; None when there is none. Ties go to the higher base, then the pattern id."""
    if not scenarios:
        return None
    return min(
        range(len(scenarios)),
        key=lambda n: (
            round(abs(scenarios[n].base - expected) - calibration.pull * typical(scenarios[n], calibration), 6),
            -scenarios[n].base,
            scenarios[n].pattern,
        ),
    )


def base_range(scenarios: Sequence[Scenario], chosen: int) -> tuple[float, float]:
    """Lowest and highest base among the scenarios near the chosen one, which is inside."""
    base = scenarios[chosen].base
    near = [s.base for s in scenarios if abs(s.base - base) <= RANGE_WIDTH]
    return min(near), max(near)


def fit(rows: Sequence[BaseRow]) -> HeadlineCalibration:
    """Ridge on factor estimates and signals, then the pull that gives the smallest mean error of the chosen base."""
    found = sorted({signal for row in rows for signal in row.signals})
    signals = [s for s in found if MIN_CASES <= sum(s in row.signals for row in rows) <= len(rows) - MIN_CASES]
    factors = np.array([[row.factors[key] for key in FACTORS] for row in rows])
    shown = np.array([[float(s in row.signals) for s in signals] for row in rows])
    targets = np.array([row.target for row in rows])
    weights = _ridge(np.hstack([factors * FACTOR_SCALE, shown]), targets)
    calibration = HeadlineCalibration(
        mean=_short(float(targets.mean())),
        factor_means={key: _short(float(factors[:, n].mean())) for n, key in enumerate(FACTORS)},
        factor_weights={key: _short(float(weights[n] * FACTOR_SCALE)) for n, key in enumerate(FACTORS)},
        signal_means={s: _short(float(shown[:, n].mean())) for n, s in enumerate(signals)},
        signal_weights={s: _short(float(weights[len(FACTORS) + n])) for n, s in enumerate(signals)},
        typical=_typical(rows),
        pull=0.0,
    )
    expected = [expected_base(row.factors, row.signals, calibration) for row in rows]
    trials = [calibration.model_copy(update={"pull": pull}) for pull in PULLS]
    return min(trials, key=lambda trial: _error(rows, expected, trial))


def _ridge(values: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = values - values.mean(axis=0)
    gram = centred.T @ centred + PENALTY * np.eye(values.shape[1])
    solved: NDArray[np.float64] = np.linalg.solve(gram, centred.T @ (targets - targets.mean()))
    return solved


def _typical(rows: Sequence[BaseRow]) -> dict[str, float]:
    """How often each pattern is the reader's first where it fires, against the mean, shrunk to the catalogue's view."""
    fires: Counter[str] = Counter()
    wins: Counter[str] = Counter()
    own: dict[str, float] = {}
    for row in rows:
        if row.first is None:
            continue
        for scenario in row.scenarios:
            fires[scenario.pattern] += 1
            own[scenario.pattern] = max(own.get(scenario.pattern, 0.0), scenario.typical)
        wins[row.first] += 1
    if not fires:
        return {}
    mean = sum(wins.values()) / sum(fires.values())
    centre = sum(own.values()) / len(own)
    rates = {
        pattern: (wins[pattern] + PRIOR_CASES * mean * own[pattern] / centre) / (count + PRIOR_CASES)
        for pattern, count in fires.items()
    }
    return {pattern: _short(rate / (rate + mean)) for pattern, rate in sorted(rates.items())}


def _error(rows: Sequence[BaseRow], expected: Sequence[float], trial: HeadlineCalibration) -> float:
    """Mean absolute error of the chosen base, plus the cost of another pattern than the reader's, per case."""
    total = 0.0
    for row, base in zip(rows, expected, strict=True):
        chosen = choose(row.scenarios, base, trial)
        if chosen is not None:
            scenario = row.scenarios[chosen]
            total += abs(scenario.base - row.target) + MISS * (row.first is not None and row.first != scenario.pattern)
    return total / len(rows)


def _short(value: float) -> float:
    return round(value, 4)


def found(reading: Reading) -> frozenset[str]:
    """The signals that descriptions and controls of the product show, not denied and not hedged."""
    return frozenset(
        signal for signal in reading.signals if not settles_layers_alone(signal) and usable(reading, signal)
    )
