"""Fit the heads of the outlook, which estimate factors and layers from the sources as a whole."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from agent.facts.readers.outlook import FACTORS, OutlookHeads, best_mean, unswayed, weighed
from agent.records import FactSheet
from agent.taxonomy.layers import LAYERS
from evals.training.derive_rows import REAL_WEIGHT, Row, weights_of
from evals.training.fits import FREE, Floats, bounded_logistic, newton

PUBLISHED_SHARE: Final = 0.45
"""Weight of the published label if there is a reader's label too."""
FACTOR_RIDGE: Final = 2.0
LAYER_RIDGE: Final = 4.0
NEWTON: Final = 7
REAL_SHARE: Final = 0.25


def targets(row: Row) -> Floats:
    """Return the target value of each factor for a fit, NaN without a label."""
    values = []
    for key in FACTORS:
        published, reader = row.published.get(key), row.reader.get(key)
        if published is not None and reader is not None:
            values.append(PUBLISHED_SHARE * published + (1 - PUBLISHED_SHARE) * reader)
        else:
            values.append(next((value for value in (published, reader) if value is not None), np.nan))
    return np.array(values)


def factor_heads(rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """Fit ridge weights, shape (features, 10), and biases on the rows with labels."""
    used = [row for row in rows if row.reader and not row.is_card]
    x, y, w = np.array([row.pooled for row in used]), np.array([targets(row) for row in used]), weights_of(used)
    real = np.array([[float(row.real)] for row in used])
    middle = np.average(x, axis=0, weights=w)
    scale = (x.std(axis=0) + 1e-4) * np.sqrt(x.shape[1])
    a = np.hstack([(x - middle) / scale, real - np.average(real, axis=0, weights=w)])
    y = np.where(np.isnan(y), np.nanmean(y, axis=0), y)
    mean = np.average(y, axis=0, weights=w)
    solved = np.linalg.solve(
        a.T @ (a * w[:, None]) + FACTOR_RIDGE * np.eye(a.shape[1]), a.T @ ((y - mean) * w[:, None])
    )
    weights = solved[:-1] / scale[:, None]
    # Readers of real pages give slightly different values, so part of that difference is added.
    shift = solved[-1] * (REAL_SHARE - np.average(real[:, 0], weights=w))
    return weights, mean - middle @ weights + shift


def layer_heads(rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """Fit logistic weights, shape (256 + k, 7), and biases for statements; positive examples count four times."""
    used = [row for row in rows if not row.is_card and len(row.features)]
    x = np.concatenate([row.features for row in used]).astype(np.float64)
    labels = np.concatenate([row.quoted for row in used])
    heavy = np.concatenate([np.full(len(row.features), REAL_WEIGHT if row.real else 1.0) for row in used])
    a = np.hstack([x, np.ones((len(x), 1))])
    ridge = np.full(a.shape[1], LAYER_RIDGE)
    ridge[-1] = FREE
    found = np.zeros((a.shape[1], len(LAYERS)))
    for at in range(len(LAYERS)):
        known = ~np.isnan(labels[:, at])
        y, w = labels[known, at].astype(np.float64), heavy[known].copy()
        w[y == 1] *= 4.0
        found[:, at] = newton(a[known], y, w, ridge, rounds=NEWTON)
    return found[:-1], found[-1]


def layer_odds(rows: Sequence[Row], weights: Floats, bias: Floats) -> Floats:
    """Return the mean log-odds of each row's three best statements, shape (rows, 7)."""
    odds = [unswayed(row.features.astype(np.float64) @ weights + bias, row.statements) for row in rows]
    return np.array([best_mean(found) for found in odds])


def calibrated(raw: tuple[Floats, Floats, Floats, Floats], rows: Sequence[Row], odds: Floats) -> OutlookHeads:
    """Return heads with a slope and an offset for each layer, fitted on out-of-fold log-odds of `rows`."""
    slopes, offsets = np.ones(len(LAYERS)), np.zeros(len(LAYERS))
    w = weights_of(rows)
    for at, layer in enumerate(LAYERS):
        known = np.array([layer in row.layers for row in rows])
        y = np.array([float(row.layers.get(layer, False)) for row in rows])[known]
        slopes[at], offsets[at] = bounded_logistic(odds[known, at][:, None], y, w[known], [(0.05, None)], 0.01)
    return OutlookHeads(*raw, slopes, offsets)


def with_outlook(row: Row, heads: OutlookHeads) -> FactSheet:
    """Return the row's fact sheet with the outlook that `heads` compute."""
    features = row.features.astype(np.float64)
    outlook = weighed(row.sheet.outlook, heads, row.pooled, row.statements, features)
    return row.sheet.model_copy(update={"outlook": outlook})
