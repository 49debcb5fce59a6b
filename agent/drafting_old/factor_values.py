"""The ten factors of many products at once, as `factors.values` has them for one: for fits that leave cases out.

The same numbers to the last digit that is kept; in matrices, since a calibration asks for them 2,000 times.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from agent.drafting_old.calibrate_factors import (
    REMAINDER_CAP,
    FactorCalibration,
    Matrix,
    columns,
    numbers_of,
    slices,
)
from agent.drafting_old.factor_features import FactorFeatures
from agent.drafting_old.factors import DIGITS, SHOWN, SPARSE_LIFT
from agent.drafting_old.kind import load_kinds
from agent.taxonomy.keys import FactorKey

_TINY: Final = 1e-12


def values_of(found: Sequence[FactorFeatures], calibration: FactorCalibration) -> list[dict[FactorKey, float]]:
    """For each product the ten labelled factors from features alone, 0 to 1, unrounded and before controls."""
    if not found:
        return []
    keys = [kind.key for kind in load_kinds()]
    kinds, likeness, evidence = np.split(
        np.array([numbers_of(one) for one in found]), [len(keys), 2 * len(keys)], axis=1
    )
    kinds = kinds / kinds.sum(axis=1, keepdims=True)
    likeness = likeness - np.array([calibration.likeness[key] for key in keys])
    thin = np.array([one.thin for one in found])
    made: dict[FactorKey, Matrix] = {}
    for factor, constants in calibration.factors.items():

        def mixed(by_kind: dict[str, float]) -> Matrix:
            levels: Matrix = np.array([by_kind[key] for key in keys])
            mean: Matrix = np.round(kinds @ levels, DIGITS)
            return mean

        effects = np.array([constants.effects.get(column.name, 0.0) for column in columns(factor)])
        moved = evidence[:, slices()[factor]] * effects
        shown = np.where(np.abs(moved) >= SHOWN - _TINY, moved, 0.0).sum(axis=1)
        wording = np.round(likeness @ np.array([constants.wording[key] for key in keys]), DIGITS + 8)
        total = mixed(constants.silent) + shown + np.round(np.clip(wording, 0.0, REMAINDER_CAP), DIGITS)
        total = np.where(thin, np.maximum(total, np.round(mixed(constants.typical) + SPARSE_LIFT, DIGITS)), total)
        made[factor] = np.clip(total, 0.0, 1.0)
    return [{factor: float(column[at]) for factor, column in made.items()} for at in range(len(found))]
