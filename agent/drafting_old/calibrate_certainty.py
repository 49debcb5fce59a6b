"""Fitting the certainty of layers: a penalised logistic regression for each layer and one threshold for all.

The weights may not be negative: finding more can only make a layer more certain. Rows are whole listings and, where
their cards were read, the cards, so that the constants hold for both lengths. The threshold has the best F1 of "not
certain" against the reader over all layers of whole listings, within a hair, on predictions for vendor families that
the weights have not seen.

All layers and all folds are fitted at once: one Newton step is a handful of matrix products over every row.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.evidence.certainty import COUNTS, FEATURES, CertaintyCalibration, LayerCertainty
from agent.taxonomy.keys import LAYERS, LayerKey

PENALTY: Final = 3.0
ROUNDS: Final = 60
SETTLED: Final = 1e-7
"""A step that moves no constant further is the last: far below the three digits kept."""
FOLDS: Final = 6
CONSTANT: Final = 1e-9
"""A feature that varies less is the same everywhere."""
CARD_WEIGHT: Final = 0.5
"""Of a card in the fit; a whole listing weighs 1."""
STEEPEST: Final = 30.0
THRESHOLDS: Final = tuple(n / 100 for n in range(30, 86))
INDIFFERENT: Final = 0.002
"""A difference in F1 that the corpus cannot tell from chance; its standard error over cases is larger."""
DIGITS: Final = 6
"""Of a predicted certainty when it is held against a threshold, so that machines agree."""
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CertaintyRow:
    """What the fit needs of one labelled case; as numbers it is kept, since hundreds of fits ask for them."""

    family: str
    features: Mapping[LayerKey, Mapping[str, float]]
    """With a noise floor of 0."""
    certain: Mapping[LayerKey, bool]
    """The reader's verdicts; a layer without one is left out."""
    card: Mapping[LayerKey, Mapping[str, float]] | None = None
    """The features of its card alone."""
    card_certain: Mapping[LayerKey, bool] = field(default_factory=dict)
    """Whether the card alone pins the layer; a layer that nobody read is left out."""

    @cached_property
    def listing_part(self) -> tuple[Floats, Floats]:
        """The whole listing: amounts (layer, feature), and target and weight of each layer."""
        return _amounts(self.features), np.array([_mark(self.certain.get(layer), 1.0) for layer in LAYERS])

    @cached_property
    def card_part(self) -> tuple[Floats, Floats] | None:
        """The same of its card."""
        if self.card is None:
            return None
        return _amounts(self.card), np.array([_mark(_card_label(self, layer), CARD_WEIGHT) for layer in LAYERS])


class _Table(NamedTuple):
    """The rows as arrays: listings first, then cards."""

    amounts: Floats
    """Layer, row, feature; the margin above the noise floor."""
    target: Floats
    """Layer, row: 1 where certain."""
    weights: Floats
    """Layer, row: 0 where there is no label."""
    folds: NDArray[np.int64]
    """Row: its fold."""
    listings: int
    floors: Floats
    """Layer: its noise floor."""


def fit(rows: Sequence[CertaintyRow]) -> CertaintyCalibration:
    """Constants from labelled cases; the same rows give the same constants. Needs at least one row for each fold."""
    table = _table(rows)
    seen = np.stack([*(table.folds != fold for fold in range(FOLDS)), np.ones(len(table.folds), dtype=bool)])
    biases, weights = _fit_all(table, seen)
    layers = {
        layer: LayerCertainty(
            bias=round(float(biases[at, -1]), 3),
            weights={name: round(float(weight), 3) for name, weight in zip(FEATURES, weights[at, -1], strict=True)},
            noise_floor=float(table.floors[at]),
        )
        for at, layer in enumerate(LAYERS)
    }
    return CertaintyCalibration(layers=layers, threshold=_threshold(*_held_out(table, biases, weights)))


def fold_of(families: Sequence[str]) -> list[int]:
    """A fold for each row: families in sorted order dealt out in turn, so that a family is never split."""
    fold = {family: n % FOLDS for n, family in enumerate(sorted(set(families)))}
    return [fold[family] for family in families]


def _table(rows: Sequence[CertaintyRow]) -> _Table:
    carded = [(row, part) for row in rows if (part := row.card_part) is not None]
    parts = [*(row.listing_part for row in rows), *(part for _, part in carded)]
    values = np.array([amounts for amounts, _ in parts]).transpose(1, 0, 2)
    target, weights = np.array([marks for _, marks in parts]).transpose(2, 1, 0)
    folds = fold_of([row.family for row in rows])
    at = {row.family: fold for row, fold in zip(rows, folds, strict=True)}
    unsure = (weights[:, : len(rows)] > 0) & (target[:, : len(rows)] == 0)
    margin = FEATURES.index("margin")
    floors = np.array(
        [
            round(float(np.median(found[chosen])) if chosen.any() else 0.0, 3)
            for found, chosen in zip(values[:, : len(rows), margin], unsure, strict=True)
        ]
    )
    values[:, :, margin] -= floors[:, None]
    counted = [name in COUNTS for name in FEATURES]
    values[:, :, counted] = np.log1p(values[:, :, counted])
    every = np.array([*folds, *(at[row.family] for row, _ in carded)])
    return _Table(values, target, weights, every, len(rows), floors)


def _amounts(found: Mapping[LayerKey, Mapping[str, float]]) -> Floats:
    return np.array([[found[layer][name] for name in FEATURES] for layer in LAYERS], dtype=np.float64)


def _mark(label: bool | None, weight: float) -> tuple[float, float]:
    """Target and weight of a label."""
    return (0.0, 0.0) if label is None else (float(label), weight)


def _card_label(row: CertaintyRow, layer: LayerKey) -> bool | None:
    """None, too, where the card is said to pin what the whole listing is said not to: one of the readers errs."""
    label = row.card_certain.get(layer)
    return None if label and row.certain.get(layer) is False else label


def _fit_all(table: _Table, seen: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Biases (layer, set) and weights (layer, set, feature) for each set of rows in `seen` (set, row).

    Features are put on one scale for all sets, that of every labelled row.
    """
    share = table.weights / np.maximum(table.weights.sum(axis=1, keepdims=True), CONSTANT)
    mean = np.einsum("ln,lnk->lk", share, table.amounts)
    spread = np.sqrt(np.einsum("ln,lnk->lk", share, (table.amounts - mean[:, None]) ** 2))
    scale = np.where(spread > CONSTANT, spread, 1.0)
    solution = _logistic(
        (table.amounts - mean[:, None]) / scale[:, None],
        table.target,
        table.weights[:, :, None] * seen.T[None],
    )
    weights = solution[:, :, 1:] / scale[:, None]
    return solution[:, :, 0] - np.einsum("lsk,lk->ls", weights, mean), weights


def _logistic(values: Floats, target: Floats, weights: Floats) -> Floats:
    """Newton steps with all but the first constant, the bias, held at 0 or more: layer, set, constant.

    `values` are by layer, row and feature, `weights` by layer, row and set.
    """
    columns = np.concatenate([np.ones((*values.shape[:2], 1)), values], axis=2)
    layers, rows, size = columns.shape
    products = (columns[:, :, :, None] * columns[:, :, None, :]).reshape(layers, rows, size * size)
    turned = columns.transpose(0, 2, 1)
    penalty = np.full(size, PENALTY)
    penalty[0] = 1e-6
    one = np.eye(size)
    solution = np.zeros((layers, weights.shape[2], size))
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-np.clip(columns @ solution.transpose(0, 2, 1), -STEEPEST, STEEPEST)))
        gradient = (turned @ (weights * (chance - target[:, :, None]))).transpose(0, 2, 1) + penalty * solution
        active = (solution > 0) | (gradient < 0)
        active[:, :, 0] = True
        curve = ((weights * chance * (1 - chance)).transpose(0, 2, 1) @ products).reshape(*solution.shape, size)
        free = active[:, :, :, None] & active[:, :, None, :]
        curve = np.where(free, curve + penalty * one, one)
        step = np.linalg.solve(curve, np.where(active, gradient, 0.0)[..., None])[..., 0]
        moved = solution - step
        moved[:, :, 1:] = np.maximum(moved[:, :, 1:], 0)
        if np.abs(moved - solution).max() < SETTLED:
            break
        solution = moved
    return solution


def _held_out(table: _Table, biases: Floats, weights: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Predicted certainties of the labelled layers of whole listings, by constants without their fold, and labels."""
    at = np.arange(table.listings)
    folds = table.folds[: table.listings]
    total = biases[:, folds] + np.einsum("lnk,lnk->ln", weights[:, folds], table.amounts[:, at])
    labelled = table.weights[:, at] > 0
    chance = 1 / (1 + np.exp(-np.clip(total, -STEEPEST, STEEPEST)))
    return np.round(chance[labelled], DIGITS), table.target[:, at][labelled] > 0


def _threshold(chances: Floats, certain: NDArray[np.bool_]) -> float:
    """The middle of the thresholds whose F1 of "not certain" is within `INDIFFERENT` of the best: of thresholds that
    the corpus cannot tell apart, the one that few other cases would move."""
    flagged = chances[None] < np.array(THRESHOLDS)[:, None]
    hits = (flagged & ~certain).sum(axis=1)
    scores = 2 * hits / np.maximum(flagged.sum(axis=1) + (~certain).sum(), 1)
    alike = np.flatnonzero(scores >= scores.max() - INDIFFERENT)
    return THRESHOLDS[int(alike[(len(alike) - 1) // 2])]
