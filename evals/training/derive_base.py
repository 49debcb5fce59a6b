"""Fit the CVSS base that readers give a product's first threat, for `evals.training.derive`."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from agent.drafting.calibration import BaseCalibration
from agent.drafting.kind import kind_of
from agent.facts.vocabulary import load_vocabulary
from agent.taxonomy.kinds import KINDS
from evals.training.derive_rows import Row, weights_of

BASE_KIND_RIDGE: Final = 2.0
BASE_RIDGE: Final = 5.0
BASE_NEAR: Final = 0.5
"""Scale of the pseudo-Huber loss: smaller residuals count quadratically, larger ones linearly."""
BASE_REAL_SHARE: Final = 0.5
"""Share of the shift that is applied, since readers of real pages give more severe bases than readers of the corpus."""
_SMALLEST: Final = 0.004
"""Weights below this are dropped, since they would not be visible."""
_DIGITS: Final = 4
Floats = NDArray[np.float64]


def fit_base(rows: Sequence[Row]) -> BaseCalibration:
    """Fit a robust, penalised regression of readers' bases on the kind and on the probabilities of facts."""
    used = [row for row in rows if row.base is not None and not row.is_card]
    keys = [entry.id for entry in load_vocabulary() if not entry.comforting]
    kinds = np.array([[float(kind_of(row.sheet) == kind) for kind in KINDS] for row in used])
    real = np.array([[float(row.real)] for row in used])
    chances = np.array([[row.sheet.outlook.chances.get(key, 0.0) for key in keys] for row in used])
    a, y = np.hstack([kinds, real, chances, np.ones((len(used), 1))]), np.array([row.base for row in used])
    w, n = weights_of(used), len(KINDS)
    penalty = np.concatenate([np.full(n, BASE_KIND_RIDGE), [1.0], np.full(len(keys), BASE_RIDGE), [1e-3]])

    def loss(theta: Floats) -> tuple[float, Floats]:
        gap = a @ theta - y
        far = np.sqrt(gap**2 + BASE_NEAR**2)
        return float((w * far).sum() + (penalty * theta**2).sum() / 2), a.T @ (w * gap / far) + penalty * theta

    bounds = [(None, None)] * (n + 1) + [(0.0, None)] * len(keys) + [(None, None)]
    start = np.concatenate([np.zeros(n + 1 + len(keys)), [float(np.median(y))]])
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 3000}).x
    by_key = zip(keys, found[n + 1 : -1], strict=True)
    return BaseCalibration(
        rows=len(used),
        bias=round(float(found[-1] + BASE_REAL_SHARE * found[n]), _DIGITS),
        kinds={kind: round(float(v), _DIGITS) for kind, v in zip(KINDS, found[:n], strict=True)},
        chances={key: round(float(v), _DIGITS) for key, v in by_key if v > _SMALLEST},
    )
