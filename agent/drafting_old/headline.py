"""Which threat the score rests on: the most typical severe scenario that the evidence supports.

Taking the worst conceivable scenario for everyone makes every product critical. Instead the labelled cases say which
base a product like this one usually has, as a sum that can be read:

    expected base = mean + Σ weight[factor] · (estimate - mean) + Σ weight[kind] · (probability - mean)
                         + Σ weight[threat] · (fired - mean)

and the headline is the evidenced threat that minimises |its base - expected base| - PULL · ln typical, where `typical`
(`agent.drafting_old.typicality`) says how often a reader puts a threat of its pattern first for a product of this kind.
The others follow by how typical and how grave they are; one that is like a threat above it counts a quarter.

The score is held against published ones, so the reader's bases are put on their scale by the line through the cases
that have both. Everything is fitted by ridge on the labelled cases (`agent.drafting_old.calibrate`).
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from agent.drafting_old import typicality
from agent.drafting_old.kind import load_kinds
from agent.drafting_old.typicality import Code, Floats, Lifts, Shown, TypicalityCalibration, alike
from agent.records import Record
from agent.taxonomy.keys import FACTOR_SETS, FactorKey

FACTORS: Final[tuple[FactorKey, ...]] = FACTOR_SETS["0.5"]
FACTOR_SCALE: Final = 3.0
KIND_SCALE: Final = 2.0
"""Factors and kinds spread less than a threat that fires or not; scaling them up lets one penalty serve all."""
PENALTY: Final = 12.0
MIN_CASES: Final = 4
"""A threat that fires in fewer cases gets no weight."""
MIN_PAIRS: Final = 8
"""With fewer cases that have both bases, the reader's are taken as they are."""
READER_WEIGHT: Final = 0.6
"""Of the reader's base where a published one exists too: the reader scores this text, the page often CVSS 3.1."""
PUBLISHED_WEIGHT: Final = 2.0
"""Of a case that has a published base, in cases."""
PULL: Final = 0.8
"""Base points that a threat e times as typical may lie further from the expected base."""
SEVERITY: Final = 0.1
"""In the order of the others, one base point weighs as much as being so many logarithmic units more typical."""
ALIKE: Final = 0.25
"""What a threat counts that is like one above it: the first ones shall tell different things."""
LOWEST_BASE, HIGHEST_BASE = 2.0, 9.5
HIGHEST_LABEL: Final = 9.4
"""A published base above it is of CVSS 3.1 or a bare number and counts as this."""
RANGE_WIDTH: Final = 0.8
"""Scenarios whose base lies this near the chosen one are the range of the base: its mean error on the corpus."""


class Scenario(NamedTuple):
    """A candidate for the headline: enough to choose by."""

    pattern: str
    base: float
    typical: float
    """The catalogue's own estimate, 0 to 1."""
    code: Code | None = None


class HeadlineCalibration(Record):
    """Fitted constants; weights are in score points."""

    mean: float
    factor_means: dict[FactorKey, float]
    factor_weights: dict[FactorKey, float]
    kind_means: dict[str, float]
    kind_weights: dict[str, float]
    threat_means: dict[str, float]
    threat_weights: dict[str, float]
    """By pattern."""
    typicality: TypicalityCalibration


class Outlook(NamedTuple):
    """What the labelled cases say of one product."""

    base: float
    """Expected, 2.0 to 9.5."""
    lifts: Lifts


class BaseRow(NamedTuple):
    """What the fit needs of one labelled case."""

    factors: Mapping[FactorKey, float]
    """Estimates made without the case's vendor family."""
    kinds: tuple[float, ...]
    scenarios: tuple[Scenario, ...]
    reader: float | None
    """Labelled bases, 0 to 10; at least one of the two."""
    published: float | None
    first: Code | None = None
    """The threat that the reader puts first; None without one."""


def outlook(
    factors: Mapping[FactorKey, float],
    kinds: Sequence[float],
    fired: Collection[str],
    calibration: HeadlineCalibration,
) -> Outlook:
    """What the labelled cases say of a product with these factors, kinds and patterns that fire."""
    value = calibration.mean
    for key, weight in calibration.factor_weights.items():
        value += weight * (factors[key] - calibration.factor_means[key])
    for kind, probability in zip(load_kinds(), kinds, strict=True):
        value += calibration.kind_weights[kind.key] * (probability - calibration.kind_means[kind.key])
    for pattern, weight in calibration.threat_weights.items():
        value += weight * ((pattern in fired) - calibration.threat_means[pattern])
    return Outlook(min(max(value, LOWEST_BASE), HIGHEST_BASE), typicality.lifts(kinds, calibration.typicality))


def typical(scenario: Scenario, product: Outlook, calibration: HeadlineCalibration) -> float:
    """How typical the scenario is as a headline of the product, above 0 and at most 1."""
    return typicality.typical(scenario.pattern, scenario.typical, scenario.code, product.lifts, calibration.typicality)


def choose(scenarios: Sequence[Scenario], product: Outlook, calibration: HeadlineCalibration) -> int | None:
    """Index of the headline scenario; None when there is none. Ties go to the higher base, then the pattern id."""
    if not scenarios:
        return None
    return min(
        range(len(scenarios)),
        key=lambda n: (
            round(
                abs(scenarios[n].base - product.base) - PULL * math.log(typical(scenarios[n], product, calibration)), 6
            ),
            -scenarios[n].base,
            scenarios[n].pattern,
        ),
    )


def order(
    scenarios: Sequence[Scenario], first: int | None, product: Outlook, calibration: HeadlineCalibration
) -> list[int]:
    """Indexes of all scenarios in the order of a report: the headline `first`, then by how typical and how grave.

    A scenario that is like one above it counts a quarter. Ties go to the higher base, then the pattern id.
    """
    weights = [typical(scenario, product, calibration) * math.exp(SEVERITY * scenario.base) for scenario in scenarios]
    placed = [] if first is None else [first]
    left = [n for n in range(len(scenarios)) if n != first]
    repeated = {n for n in left if first is not None and _alike(scenarios[n], scenarios[first])}
    while left:
        best = min(
            left,
            key=lambda n: (
                -round(weights[n] * (ALIKE if n in repeated else 1.0), 9),
                -scenarios[n].base,
                scenarios[n].pattern,
            ),
        )
        placed.append(best)
        left.remove(best)
        repeated |= {n for n in left if _alike(scenarios[n], scenarios[best])}
    return placed


def _alike(one: Scenario, other: Scenario) -> bool:
    return one.code is not None and other.code is not None and alike(one.code, other.code)


def base_range(scenarios: Sequence[Scenario], chosen: int) -> tuple[float, float]:
    """Lowest and highest base among the scenarios near the chosen one, which is inside."""
    base = scenarios[chosen].base
    near = [s.base for s in scenarios if abs(s.base - base) <= RANGE_WIDTH]
    return min(near), max(near)


# ---------------------------------------------------------------- fit


@dataclass(frozen=True)
class BaseTable:
    """Labelled cases as arrays, a row for each; made once for all fits that leave some of them out."""

    factors: Floats
    reader: Floats
    """Not a number where there is none, as in `published`."""
    published: Floats
    shown: Shown

    def take(self, rows: Sequence[int]) -> "BaseTable":
        """These rows alone."""
        shown = self.shown._replace(
            fired=self.shown.fired[rows],
            like=self.shown.like[rows],
            kinds=self.shown.kinds[rows],
            first=tuple(self.shown.first[n] for n in rows),
        )
        return BaseTable(self.factors[rows], self.reader[rows], self.published[rows], shown)


def tabulate(rows: Sequence[BaseRow]) -> BaseTable:
    """The arrays of labelled cases."""
    scenarios = {scenario.pattern: scenario for row in rows for scenario in row.scenarios}
    patterns = tuple(sorted(scenarios))
    column = {pattern: n for n, pattern in enumerate(patterns)}
    fired, like = np.zeros((len(rows), len(patterns))), np.zeros((len(rows), len(patterns)))
    for n, row in enumerate(rows):
        for scenario in row.scenarios:
            fired[n, column[scenario.pattern]] = 1.0
            if row.first is not None and scenario.code is not None and alike(scenario.code, row.first):
                like[n, column[scenario.pattern]] = 1.0
    return BaseTable(
        factors=np.array([[row.factors[key] for key in FACTORS] for row in rows]),
        reader=np.array([math.nan if row.reader is None else row.reader for row in rows]),
        published=np.array([math.nan if row.published is None else row.published for row in rows]),
        shown=Shown(
            patterns,
            fired,
            like,
            own=np.array([scenarios[pattern].typical for pattern in patterns]),
            kinds=np.array([row.kinds for row in rows]),
            first=tuple(row.first for row in rows),
        ),
    )


def fit(table: BaseTable) -> HeadlineCalibration:
    """Ridge on factor estimates, kinds and the threats that fire; shares of first threats."""
    shown = table.shown
    count = shown.fired.sum(axis=0)
    kept = (count >= MIN_CASES) & (count <= len(shown.fired) - MIN_CASES)
    patterns = [pattern for pattern, keep in zip(shown.patterns, kept, strict=True) if keep]
    kinds = [kind.key for kind in load_kinds()]
    scale = np.repeat([FACTOR_SCALE, KIND_SCALE, 1.0], [len(FACTORS), len(kinds), len(patterns)])
    values = np.hstack([table.factors, shown.kinds, shown.fired[:, kept]])
    case_weights = np.where(np.isnan(table.published), 1.0, PUBLISHED_WEIGHT)
    mean, weights, means = _ridge(values, scale, _targets(table), case_weights)
    ends = (len(FACTORS), len(FACTORS) + len(kinds))
    return HeadlineCalibration(
        mean=round(mean, 4),
        factor_means=dict(zip(FACTORS, means[: ends[0]], strict=True)),
        factor_weights=dict(zip(FACTORS, weights[: ends[0]], strict=True)),
        kind_means=dict(zip(kinds, means[ends[0] : ends[1]], strict=True)),
        kind_weights=dict(zip(kinds, weights[ends[0] : ends[1]], strict=True)),
        threat_means=dict(zip(patterns, means[ends[1] :], strict=True)),
        threat_weights=dict(zip(patterns, weights[ends[1] :], strict=True)),
        typicality=typicality.fit(shown),
    )


def _targets(table: BaseTable) -> Floats:
    """The base that each case should have, on the scale of the published ones."""
    published = np.minimum(table.published, HIGHEST_LABEL)
    reader = table.reader
    both = ~np.isnan(published) & ~np.isnan(reader)
    if both.sum() >= MIN_PAIRS and reader[both].std() > 0:
        spread = reader[both] - reader[both].mean()
        slope = float(spread @ (published[both] - published[both].mean()) / (spread @ spread))
        line = published[both].mean() + slope * (reader - reader[both].mean())
        reader = np.clip(line, LOWEST_BASE, HIGHEST_LABEL)
    mixed = READER_WEIGHT * reader + (1 - READER_WEIGHT) * published
    return np.where(np.isnan(published), reader, np.where(np.isnan(reader), published, mixed))


def _ridge(
    values: Floats, scale: Floats, targets: Floats, case_weights: Floats
) -> tuple[float, list[float], list[float]]:
    """Mean target, weights and means of the columns; scaled columns are penalised alike."""
    total = case_weights.sum()
    means, mean = case_weights @ values / total, float(case_weights @ targets / total)
    centred = (values - means) * scale
    weighted = centred * case_weights[:, None]
    gram = weighted.T @ centred + PENALTY * np.eye(len(scale))
    solved = np.linalg.solve(gram, weighted.T @ (targets - mean)) * scale
    return mean, np.round(solved, 4).tolist(), np.round(means, 4).tolist()
