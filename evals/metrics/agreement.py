"""Measures agreement between the corpus's two label sets, with bootstrap intervals over vendor families."""

import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from agent.taxonomy.layers import LAYERS
from evals.cases.case import Case
from evals.cases.families import Identity, families
from evals.metrics.arithmetic import alpha_interval, alpha_labels, mean, pearson, spearman

RESAMPLES: Final = 1000
SEED: Final = 20261124
_TAIL: Final = 0.025
FACTORS: Final = FACTOR_SETS["0.5"]


class Row(NamedTuple):
    """One row of an agreement table; a value is None if the data do not allow it."""

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
    """2.5 % point of alpha over the resamples."""
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
        rows.append(CodedRow(key, len(labels), mean(float(a != b) for a, b in labels), alpha_labels(labels)))
    return tuple(rows)


def card_rows(cases: Sequence[Case]) -> tuple[Row, ...]:
    """Compute the agreement of the two readings of each card, per layer; label 1 means certain on the card."""
    pairs: dict[str, list[Pair | None]] = {key: [] for key in LAYERS}
    for case in cases:
        read = case.readings.card if case.readings else ()
        for key in LAYERS:
            both = tuple(float(reading.get(key) is not None) for reading in read[:2])
            pairs[key].append((both[0], both[1]) if len(both) > 1 else None)
    return _rows(cases, pairs)


def factor_rows(cases: Sequence[Case], *, second: bool = False) -> tuple[Row, ...]:
    """Compute agreement per factor and on their sum: published labels with reader, or with `second` both readers."""
    pairs: dict[str, list[Pair | None]] = {key: [] for key in (*FACTORS, "sum of the ten")}
    for case in cases:
        both = _both(case, second)
        for key in FACTORS:
            pairs[key].append(both.get(key))
        complete = len(both) == len(FACTORS)
        pairs["sum of the ten"].append(
            (sum(a for a, _ in both.values()), sum(b for _, b in both.values())) if complete else None
        )
    return _rows(cases, pairs)


def layer_rows(cases: Sequence[Case], *, second: bool = False) -> tuple[Row, ...]:
    """Compute the agreement per layer, between the same label sets as `factor_rows`; label 1 means certain."""
    pairs: dict[str, list[Pair | None]] = {key: [] for key in LAYERS}
    for case in cases:
        other = case.labels.second
        published = case.published.layers_certain if case.published else {}
        if second:
            published = {key: cell.certain for key, cell in other.layers.items()} if other else {}
        reader = case.reader.layers if case.reader else {}
        for key in LAYERS:
            stated, reading = published.get(key), reader.get(key)
            pairs[key].append(None if stated is None or reading is None else (float(stated), float(reading.certain)))
    return _rows(cases, pairs)


def base_row(cases: Sequence[Case]) -> Row:
    """Compute the agreement of published labels and reader on the CVSS base."""
    pairs: list[Pair | None] = []
    for case in cases:
        a = case.published.cvss_base if case.published else None
        b = case.reader.cvss_base if case.reader else None
        pairs.append(None if a is None or b is None else (a, b))
    return _rows(cases, {"CVSS base": pairs})[0]


def _both(case: Case, second: bool) -> dict[str, Pair]:
    other = case.labels.second
    first: dict[FactorKey, float] = case.published.factors if case.published else {}
    if second:
        first = {key: cell.value for key, cell in other.factors.items()} if other else {}
    if case.reader is None:
        return {}
    return {
        key: (first[key], case.reader.factors[key].value)
        for key in FACTORS
        if key in first and key in case.reader.factors
    }


def _rows(cases: Sequence[Case], pairs: dict[str, list[Pair | None]]) -> tuple[Row, ...]:
    resamples = _resamples(families([Identity(case.name, case.vendor) for case in cases]))
    return tuple(_row(key, found, resamples) for key, found in pairs.items())


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


def _resamples(labels: Sequence[str]) -> list[list[int]]:
    """Return the case indices of each resample: as many families as exist, drawn whole and with replacement."""
    members: dict[str, list[int]] = {}
    for at, label in enumerate(labels):
        members.setdefault(label, []).append(at)
    groups = [members[label] for label in sorted(members)]
    draw = random.Random(SEED)
    return [[at for group in draw.choices(groups, k=len(groups)) for at in group] for _ in range(RESAMPLES)]


def _interval(pairs: Sequence[Pair | None], resamples: Sequence[Sequence[int]]) -> tuple[float | None, float | None]:
    import numpy as np

    present = np.array([pair is not None for pair in pairs], dtype=bool)
    values = np.array([pair or (0.0, 0.0) for pair in pairs], dtype=float).reshape(-1, 2)
    alphas = []
    for sample in resamples:
        rows = np.asarray(sample)
        chosen = values[rows[present[rows]]]
        if len(chosen) == 0:
            continue
        expected = 2 * float(chosen.var(ddof=1))
        if expected > 0:
            alphas.append(1 - float(((chosen[:, 0] - chosen[:, 1]) ** 2).mean()) / expected)
    if not alphas:
        return None, None
    low, high = np.quantile(np.array(alphas), [_TAIL, 1 - _TAIL])
    return float(low), float(high)
