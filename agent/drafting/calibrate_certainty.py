"""Fitting the certainty of layers: a penalised logistic regression for each layer and one threshold for all.

The weights of counts (signals, statements, documents) and of the retrieval margin may not be negative: finding more
can only make a layer more certain. The threshold has the best F1 of "not certain" against the reader over all
layers, within a hair, on predictions for vendor families that the weights have not seen.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.evidence.certainty import FEATURES, CertaintyCalibration, LayerCertainty
from agent.taxonomy.keys import LAYERS, LayerKey

PENALTY: Final = 3.0
ROUNDS: Final = 60
FOLDS: Final = 6
CONSTANT: Final = 1e-9
"""A feature that varies less is the same everywhere, but for the rounding of the shift by the noise floor."""
THRESHOLDS: Final = tuple(n / 100 for n in range(30, 86))
INDIFFERENT: Final = 0.013
"""A difference in F1 that the corpus cannot tell from chance; its standard error over cases is larger."""
Floats = NDArray[np.float64]


class CertaintyRow(NamedTuple):
    """What the fit needs of one labelled case."""

    family: str
    features: Mapping[LayerKey, Mapping[str, float]]
    """With a noise floor of 0."""
    certain: Mapping[LayerKey, bool]
    """The reader's verdicts; a layer without one is left out."""


def fit(rows: Sequence[CertaintyRow]) -> CertaintyCalibration:
    """Constants from labelled cases; the same rows give the same constants. Needs at least one row for each fold."""
    folds = fold_of([row.family for row in rows])
    predictions: list[tuple[float, bool]] = []
    for fold in range(FOLDS):
        train = [row for row, n in zip(rows, folds, strict=True) if n != fold]
        held = [row for row, n in zip(rows, folds, strict=True) if n == fold]
        if not train or not held:
            continue
        constants = _fit_layers(train)
        predictions += [
            (_predict(constants[layer], row.features[layer]), row.certain[layer])
            for row in held
            for layer in LAYERS
            if layer in row.certain
        ]
    return CertaintyCalibration(layers=_fit_layers(rows), threshold=_threshold(predictions))


def fold_of(families: Sequence[str]) -> list[int]:
    """A fold for each row: families in sorted order dealt out in turn, so that a family is never split."""
    fold = {family: n % FOLDS for n, family in enumerate(sorted(set(families)))}
    return [fold[family] for family in families]


def _fit_layers(rows: Sequence[CertaintyRow]) -> dict[LayerKey, LayerCertainty]:
    return {layer: _fit_layer([row for row in rows if layer in row.certain], layer) for layer in LAYERS}


def _fit_layer(rows: Sequence[CertaintyRow], layer: LayerKey) -> LayerCertainty:
    raw = np.array([[row.features[layer][name] for name in FEATURES] for row in rows])
    target = np.array([float(row.certain[layer]) for row in rows])
    unsure = raw[target == 0, FEATURES.index("margin")]
    floor = round(float(np.median(unsure)) if len(unsure) else 0.0, 3)
    for name in ("margin", "depth"):
        raw[:, FEATURES.index(name)] -= floor
    spread = raw.std(axis=0)
    scale = np.where(spread > CONSTANT, spread, 1.0)
    bias, weights = _logistic((raw - raw.mean(axis=0)) / scale, target)
    weights = weights / scale
    return LayerCertainty(
        bias=round(float(bias - weights @ raw.mean(axis=0)), 3),
        weights={name: round(float(weight), 3) for name, weight in zip(FEATURES, weights, strict=True)},
        noise_floor=floor,
    )


def _logistic(values: Floats, target: Floats) -> tuple[float, Floats]:
    """Newton steps with weights held at 0 or more; the bias is free."""
    columns = np.hstack([np.ones((len(values), 1)), values])
    solution = np.zeros(columns.shape[1])
    penalty = np.full(columns.shape[1], PENALTY)
    penalty[0] = 1e-6
    active = np.ones(columns.shape[1], dtype=bool)
    for _ in range(ROUNDS):
        chance = 1 / (1 + np.exp(-(columns @ solution)))
        gradient = columns.T @ (chance - target) + penalty * solution
        active = (solution > 0) | (gradient < 0)
        active[0] = True
        part = columns[:, active]
        curve = (part * (chance * (1 - chance))[:, None]).T @ part + np.diag(penalty[active])
        step = np.zeros_like(solution)
        step[active] = np.linalg.solve(curve, gradient[active])
        moved = solution - step
        moved[1:] = np.maximum(moved[1:], 0)
        if np.abs(moved - solution).max() < 1e-7:  # noqa: PLR2004 - far below the three digits kept
            break
        solution = moved
    return float(solution[0]), solution[1:]


def _predict(constants: LayerCertainty, values: Mapping[str, float]) -> float:
    shifted = {name: values[name] - (constants.noise_floor if name in ("margin", "depth") else 0) for name in FEATURES}
    total = constants.bias + sum(constants.weights[name] * shifted[name] for name in FEATURES)
    return float(1 / (1 + np.exp(-total)))


def _threshold(predictions: Sequence[tuple[float, bool]]) -> float:
    """The lowest threshold whose F1 of "not certain" is within `INDIFFERENT` of the best: of thresholds that the
    corpus cannot tell apart, the one that flags least."""

    def f1(threshold: float) -> float:
        flagged = [certain for chance, certain in predictions if chance < threshold]
        hits = sum(not certain for certain in flagged)
        positives = sum(not certain for _, certain in predictions)
        return 2 * hits / max(len(flagged) + positives, 1)

    scores = {threshold: f1(threshold) for threshold in THRESHOLDS}
    return min(threshold for threshold, value in scores.items() if value >= max(scores.values()) - INDIFFERENT)
