"""Measure the agreement between the corpus's two label sets, with bootstrap intervals over vendor families."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from evals.cases.case import Case
from evals.cases.families import families
from evals.metrics.arithmetic import alpha_interval, alpha_labels, mean, pearson, spearman

RESAMPLES: Final = 1000
SEED: Final = 20261124
_TAIL: Final = 0.025
FACTORS: Final = FACTOR_SETS["0.5"]


class Row(NamedTuple):
    """One row of an agreement table; a value is None if it cannot be computed."""

    key: str
    cases: int
    published: float | None
    """Mean of the published labels."""
    reader: float | None
    """Mean of the reader's labels."""
    difference: float | None
    """Mean absolute difference."""
    pearson: float | None
    spearman: float | None
    alpha: float | None
    low: float | None
    """The 2.5th percentile of alpha over the resamples."""
    high: float | None


Pair = tuple[float, float]


class CodedRow(NamedTuple):
    """Agreement of two codings that use a closed vocabulary."""

    key: str
    cases: int
    differ: float | None
    """Share of the cases on which the two differ."""
    alpha: float | None
    """Krippendorff's alpha with the nominal metric."""


def headline_rows(cases: Sequence[Case]) -> tuple[CodedRow, ...]:
    """Compute the agreement of the two codings of each reader's headline."""
    pairs = [case.readings.headline[:2] for case in cases if case.readings and len(case.readings.headline) > 1]
    rows = []
    for key in ("asi", "layer", "asset"):
        labels = [(str(getattr(a, key)), str(getattr(b, key))) for a, b in pairs]
        rows.append(CodedRow(key, len(labels), mean(a != b for a, b in labels), alpha_labels(labels)))
    return tuple(rows)


def card_rows(cases: Sequence[Case]) -> tuple[Row, ...]:
    """Compute, per layer, how far the two readings of each card agree; label 1 means certain on the card."""

    def pairs(case: Case) -> dict[str, Pair]:
        card = case.readings.card if case.readings else ()
        if len(card) < 2:  # noqa: PLR2004
            return {}
        return {key: (float(card[0].get(key) is not None), float(card[1].get(key) is not None)) for key in LAYERS}

    return _rows(cases, LAYERS, [pairs(case) for case in cases])


def factor_rows(cases: Sequence[Case], *, second: bool = False) -> tuple[Row, ...]:
    """Compute the agreement on each factor and on their sum, between the published labels and the reader's or, with
    `second`, between both readers.
    """

    def pairs(case: Case) -> dict[str, Pair]:
        first = case.published.factors if case.published else {}
        if second:
            other = case.labels.second
            first = {key: cell.value for key, cell in other.factors.items()} if other else {}
        reader = case.reader.factors if case.reader else {}
        both: dict[str, Pair] = {
            key: (first[key], reader[key].value) for key in FACTORS if key in first and key in reader
        }
        if len(both) == len(FACTORS):
            both["sum of the ten"] = sum(a for a, _ in both.values()), sum(b for _, b in both.values())
        return both

    return _rows(cases, (*FACTORS, "sum of the ten"), [pairs(case) for case in cases])


def layer_rows(cases: Sequence[Case], *, second: bool = False) -> tuple[Row, ...]:
    """Compute the agreement per layer, between the same label sets as `factor_rows`; label 1 means certain."""

    def pairs(case: Case) -> dict[str, Pair]:
        first = case.published.layers_certain if case.published else {}
        if second:
            other = case.labels.second
            first = {key: cell.certain for key, cell in other.layers.items()} if other else {}
        reader = case.reader.layers if case.reader else {}
        return {
            key: (float(stated), float(reader[key].certain))
            for key in LAYERS
            if (stated := first.get(key)) is not None and key in reader
        }

    return _rows(cases, LAYERS, [pairs(case) for case in cases])


def base_row(cases: Sequence[Case]) -> Row:
    """Compute the agreement between the published labels and the reader on the CVSS base."""

    def pairs(case: Case) -> dict[str, Pair]:
        a = case.published.cvss_base if case.published else None
        b = case.reader.cvss_base if case.reader else None
        return {} if a is None or b is None else {"CVSS base": (a, b)}

    return _rows(cases, ("CVSS base",), [pairs(case) for case in cases])[0]


def _rows(cases: Sequence[Case], keys: Sequence[str], pairs: Sequence[Mapping[str, Pair]]) -> tuple[Row, ...]:
    """Return a row for each key; `pairs` has the labels of each case by key."""
    members: dict[str, list[int]] = defaultdict(list)
    for at, label in enumerate(families([case.identity for case in cases])):
        members[label].append(at)
    groups = [members[label] for label in sorted(members)]
    draw = random.Random(SEED)
    # Each resample draws as many families as exist, whole and with replacement.
    resamples = [[at for group in draw.choices(groups, k=len(groups)) for at in group] for _ in range(RESAMPLES)]
    return tuple(_row(key, [found.get(key) for found in pairs], resamples) for key in keys)


def _row(key: str, pairs: Sequence[Pair | None], resamples: Sequence[Sequence[int]]) -> Row:
    kept = [pair for pair in pairs if pair is not None]
    low, high = _interval(pairs, resamples)
    return Row(
        key=key,
        cases=len(kept),
        published=mean(a for a, _ in kept),
        reader=mean(b for _, b in kept),
        difference=mean(abs(a - b) for a, b in kept),
        pearson=pearson(kept),
        spearman=spearman(kept),
        alpha=alpha_interval(kept),
        low=low,
        high=high,
    )


def _interval(pairs: Sequence[Pair | None], resamples: Sequence[Sequence[int]]) -> tuple[float | None, float | None]:
    present = np.array([pair is not None for pair in pairs], dtype=bool)
    values = np.array([pair or (0.0, 0.0) for pair in pairs], dtype=float).reshape(-1, 2)
    alphas = []
    for sample in resamples:
        rows = np.asarray(sample)
        chosen = values[rows[present[rows]]]
        expected = 2 * float(chosen.var(ddof=1)) if len(chosen) else 0.0
        if expected > 0:
            alphas.append(1 - float(((chosen[:, 0] - chosen[:, 1]) ** 2).mean()) / expected)
    if not alphas:
        return None, None
    low, high = np.quantile(np.array(alphas), [_TAIL, 1 - _TAIL])
    return float(low), float(high)
