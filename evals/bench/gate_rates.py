"""Measure how often the gate for re-recorded runs raises false alarms and how often it detects a real regression.

    python -m evals.bench.gate_rates [--pairs 1000]

Pairs of runs are simulated: for every case, the difference of each primary loss is drawn either for two runs of the
same drafter (false alarms) or for a drafter whose factor error grew by 0.03 with a standard deviation of 0.05 (power).
The gate's own function (`evals.gate.rerecorded.alarms`) gives the verdict, with Holm's correction and the backstop.
Exits with 1 when a rate misses its bar.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from evals.gate.rerecorded import alarms
from evals.gate.stats import FAMILY_LEVEL
from evals.metrics.results import LOSSES
from evals.script import run_script

PAIRS: Final = 1000
SIZES: Final = (24, 40, 226)
SHAPES: Final = ("normal", "75 % unchanged", "skewed")
MOST_FALSE: Final = 0.05
LEAST_POWER: Final = 0.75
SPREADS: Final = {"factor_error": 0.05, "score_error": 0.6, "flag_loss": 0.08}
SHIFT: Final = 0.03
UNCHANGED: Final = 0.75
CLUSTER_SHARE: Final = 0.3
"""Share of the cases that belong to vendors with three cases; all other vendors have one case."""
CLUSTER_SIZE: Final = 3
WITHIN: Final = 0.5
"""Correlation between the differences of cases from one vendor."""
SEED: Final = 7
Floats = NDArray[np.float64]


class Rate(NamedTuple):
    """One line of the table."""

    what: str
    cases: int
    rate: float
    kept: bool


def rates(pairs: int = PAIRS) -> Iterator[Rate]:
    """Yield the false-alarm rates by shape of the distribution and number of cases, without and with vendor clusters,
    and then the power."""
    generator = np.random.default_rng(SEED)
    for clustered in (False, True):
        for shape in SHAPES:
            for count in SIZES:
                families = _families(count, clustered)
                rate = _share(generator, shape, families, pairs, 0.0)
                name = f"false alarms, {shape}" + (", vendor clusters" if clustered else "")
                yield Rate(name, count, rate, rate <= MOST_FALSE)
    rate = _share(generator, "normal", _families(SIZES[0], False), pairs, SHIFT)
    yield Rate(f"power at a shift of {SHIFT}, sd {SPREADS['factor_error']}", SIZES[0], rate, rate >= LEAST_POWER)


def _share(generator: np.random.Generator, shape: str, families: Sequence[str], pairs: int, shift: float) -> float:
    found = 0
    for _ in range(pairs):
        differences = {
            name: _differences(generator, shape, families) * SPREADS[name] + (shift if name == "factor_error" else 0.0)
            for name in LOSSES
        }
        found += any(alarms({name: (tuple(values), families) for name, values in differences.items()}).values())
    return found / pairs


def _differences(generator: np.random.Generator, shape: str, families: Sequence[str]) -> Floats:
    """Draw differences with mean 0 and standard deviation 1 (less if some are set to 0), correlated within a family."""
    order = {name: at for at, name in enumerate(dict.fromkeys(families))}
    member = np.array([order[name] for name in families])
    own, shared = _drawn(generator, shape, len(families)), _drawn(generator, shape, len(order))
    alone = np.bincount(member)[member] == 1
    drawn = np.where(alone, own, np.sqrt(WITHIN) * shared[member] + np.sqrt(1 - WITHIN) * own)
    if shape == "75 % unchanged":
        drawn *= generator.random(len(families)) >= UNCHANGED
    return drawn


def _drawn(generator: np.random.Generator, shape: str, count: int) -> Floats:
    return generator.exponential(size=count) - 1 if shape == "skewed" else generator.normal(size=count)


def _families(count: int, clustered: bool) -> tuple[str, ...]:
    several = int(CLUSTER_SHARE * count) // CLUSTER_SIZE * CLUSTER_SIZE if clustered else 0
    return tuple(f"vendor {at // CLUSTER_SIZE}" if at < several else f"case {at}" for at in range(count))


def main(arguments: Sequence[str]) -> None:
    """Print the table; exit with 1 when a rate misses its bar."""
    pairs = int(arguments[1]) if arguments[:1] == ["--pairs"] else PAIRS
    missed = False
    click.echo(f"{pairs} pairs of runs per line, family level {FAMILY_LEVEL}")
    for rate in rates(pairs):
        missed = missed or not rate.kept
        click.echo(f"{rate.what:56}{rate.cases:>5} cases {100 * rate.rate:>6.1f} %{'' if rate.kept else '  MISSED'}")
    if missed:
        sys.exit(1)


if __name__ == "__main__":
    run_script(main)
