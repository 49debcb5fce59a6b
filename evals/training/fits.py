"""Small, deterministic fits that several heads share."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from agent.facts.readers.heads import logistic

Floats = NDArray[np.float64]
FREE: Final = 1e-3
"""The penalty on a bias, which is practically zero."""


def newton(
    rows: Floats,
    truth: Floats,
    weight: Floats,
    penalty: Floats,
    *,
    rounds: int,
    start: Floats | None = None,
    floor: float = 0.0,
    enough: float = 0.0,
) -> Floats:
    """Fit a penalised logistic regression by Newton's method; the last column of `rows` is the constant 1.

    `floor` is the minimum curvature of a row; the fit ends early when no coefficient moves by `enough`.
    """
    found = np.zeros(rows.shape[1]) if start is None else start
    for _ in range(rounds):
        chances = logistic(rows @ found)
        slope = rows.T @ (weight * (chances - truth)) + penalty * found
        bend = (rows * np.maximum(weight * chances * (1 - chances), floor)[:, None]).T @ rows + np.diag(penalty)
        step = np.linalg.solve(bend, slope)
        found = found - step
        if np.abs(step).max() < enough:
            break
    return found


def bounded_logistic(
    rows: Floats, truth: Floats, weight: Floats, bounds: Sequence[tuple[float | None, float | None]], ridge: float
) -> Floats:
    """Fit a penalised logistic regression within bounds; return the weights followed by the bias."""
    a = np.hstack([rows, np.ones((len(rows), 1))])
    penalty = np.full(a.shape[1], ridge)
    penalty[-1] = FREE

    def loss(theta: Floats) -> tuple[float, Floats]:
        z = a @ theta
        value = float((weight * (np.logaddexp(0, z) - truth * z)).sum() + (penalty * theta**2).sum() / 2)
        return value, a.T @ (weight * (logistic(z) - truth)) + penalty * theta

    limits = [*bounds, (None, None)]
    found: Floats = minimize(loss, np.full(a.shape[1], 0.1), jac=True, method="L-BFGS-B", bounds=limits).x
    return found
