"""The minimum of a quadratic form whose arguments stay within bounds: what least squares with signs comes down to."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

ROUNDS: Final = 40
SWEEPS: Final = 2000
FINE: Final = 1e-7
"""Far below the digits that fits keep, so that the same rows give the same constants on every machine."""

Matrix = NDArray[np.float64]


def minimise(gram: Matrix, goal: Matrix, low: Matrix, high: Matrix, start: Matrix | None = None) -> Matrix:
    """Minimise w·gram·w / 2 - goal·w with low ≤ w ≤ high; with a ridge on every column there is one answer.

    Columns that leave their bounds are held there and those that want back are freed, until none does either. Should
    that go round in circles, coordinate descent goes on from the best point. A `start` near the answer saves rounds.
    """
    weights: Matrix = np.zeros_like(goal) if start is None else start
    free = np.ones(len(goal), dtype=np.bool_) if start is None else (weights > low) & (weights < high)
    for _ in range(ROUNDS):
        at = np.flatnonzero(free)
        held = np.where(free, 0.0, weights)
        solved = np.linalg.solve(gram[at][:, at], (goal - gram @ held)[at]).astype(np.float64)
        weights = held
        weights[at] = np.minimum(np.maximum(solved, low[at]), high[at])
        outside = weights[at] != solved
        gradient = gram @ weights - goal
        back = ~free & (((weights <= low) & (gradient < -FINE)) | ((weights >= high) & (gradient > FINE)))
        if not outside.any() and not back.any():
            return weights
        free[at[outside]] = False
        free |= back
    return sweep(gram, goal, low, high, weights)


def sweep(gram: Matrix, goal: Matrix, low: Matrix, high: Matrix, weights: Matrix) -> Matrix:
    """Coordinate descent from `weights`."""
    gradient = gram @ weights - goal
    scale = np.diag(gram)
    for _ in range(SWEEPS):
        largest = 0.0
        for j in range(len(weights)):
            change = min(max(weights[j] - gradient[j] / scale[j], low[j]), high[j]) - weights[j]
            if change:
                weights[j] += change
                gradient += gram[:, j] * change
                largest = max(largest, abs(change))
        if largest < FINE:
            break
    return weights
