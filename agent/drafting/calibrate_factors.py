"""Fit the factor estimator on labelled features: deterministic, numpy only, a tenth of a second.

For each labelled factor, with p the kind probabilities and x the strengths of the declared signals,

    y ≈ Σ typical[kind] · p[kind] + Σ effect[signal] · x[signal]

by least squares with a ridge, each typical value kept within 0 to 1 and each effect on its declared side of 0
(coordinate descent with bounds). What is left over is fitted by a ridge on the likeness of the lead to the kinds'
descriptions; the estimator adds it only where it is positive. The 80 % ranges are the quantiles of the residuals
against the published labels when the row's whole vendor family is left out, in closed form for the columns that the
fit uses.
"""

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from agent.drafting.factor_features import NOT, FactorFeatures, rules
from agent.drafting.kind import load_kinds
from agent.errors import DriftError, InputError, SchemaError
from agent.records import Record
from agent.resources import data_folder
from agent.taxonomy.keys import FactorKey

DENIED: Final = "denied"
"""Effect of a sentence that says that one of the factor's signals is absent."""
PUBLISHED_SHARE: Final = 0.5
"""Weight of the published label where a reader's label exists too."""
KIND_RIDGE: Final = 0.5
EFFECT_RIDGE: Final = 10.0
PRIOR: Final = {"says": 0.06, "suggests": 0.0, "against": -0.06}
"""What an effect is drawn to by its ridge when the corpus says little: a plain statement counts."""
WORDING_RIDGE: Final = 3.0
COVERAGE: Final = 0.8
MARGIN: Final = 0.02
"""Added to the coverage that the ranges must reach here: kinds and phrases were written with these products in view."""
SMALL: Final = 0.008
"""Effects below this are left out: they would not show in a tenth."""
_DIGITS: Final = 4
_SWEEPS: Final = 200
_ROUNDS: Final = 8
_STILL: Final = 1e-4
_FAR: Final = 9.0
_FEW_ROWS: Final = 12
REMAINDER_CAP: Final = 0.10
"""The remainder from wording is at least 0 and at most this."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class FactorRow:
    """One labelled product."""

    features: FactorFeatures
    published: Mapping[FactorKey, float] | None
    reader: Mapping[FactorKey, float] | None
    family: str
    """Rows of one vendor family are left out together."""


class Spread(Record):
    """How far published labels lie from the estimate: 80 % of them between value + below and value + above."""

    below: float
    above: float


class FactorConstants(Record):
    """Fitted constants of one factor."""

    silent: dict[str, float]
    """Typical value by kind when the sources describe the product and say nothing of the factor."""
    typical: dict[str, float]
    """Mean over all products of the kind."""
    effects: dict[str, float]
    """Signed effect by signal."""
    wording: dict[str, float]
    """Weight by kind of the likeness of the lead, relative to `FactorCalibration.likeness`."""
    known: Spread
    unknown: Spread


class FactorCalibration(Record):
    """All fitted constants; a JSON file that a person can read."""

    rows: int
    likeness: dict[str, float]
    """Mean likeness by kind over the rows."""
    factors: dict[FactorKey, FactorConstants]


def fit(rows: Sequence[FactorRow], *, ranges: bool = True) -> FactorCalibration:
    """Constants from labelled rows; the order of the rows does not matter beyond the last digit.

    Without `ranges` the spreads stay 0: for the inner folds of other fits, which read the values alone.

    Raises InputError when fewer than twelve rows have a label.
    """
    keys = [kind.key for kind in load_kinds()]
    used = [row for row in rows if row.published is not None or row.reader is not None]
    if len(used) < _FEW_ROWS:
        raise InputError(f"{len(used)} labelled rows are too few", where="factor fit", hint="import the corpus first")
    kinds = np.array([row.features.kinds for row in used])
    likeness = np.array([row.features.likeness for row in used])
    centred = likeness - likeness.mean(axis=0)
    constants: dict[FactorKey, FactorConstants] = {}
    for factor in rules().reasons:
        mine = np.array([_has(row, factor) for row in used])
        picked = [row for row, keep in zip(used, mine, strict=True) if keep]
        groups = _groups(tuple(row.family for row in picked)) if ranges else []
        constants[factor] = _fit_factor(factor, picked, kinds[mine], centred[mine], groups)
    means = likeness.mean(axis=0)
    return FactorCalibration(
        rows=len(used),
        likeness={key: _short(mean) for key, mean in zip(keys, means, strict=True)},
        factors=constants,
    )


class Column(NamedTuple):
    """One effect of a factor before the fit."""

    name: str
    low: float
    high: float
    prior: float


def columns(factor: FactorKey) -> tuple[Column, ...]:
    """The effects of a factor, with the side of 0 on which each must stay."""
    reasons = rules().reasons[factor]
    rows = [(r.signal, r.sort) for r in reasons] + [(DENIED, "against")]
    return tuple(
        Column(name, -_FAR if sort == "against" else 0.0, 0.0 if sort == "against" else _FAR, PRIOR[sort])
        for name, sort in rows
    )


def strengths(factor: FactorKey, features: FactorFeatures) -> dict[str, float]:
    """Strength by effect of a factor, only those above 0."""
    found = dict(features.evidence)
    result: dict[str, float] = {}
    for reason in rules().reasons[factor]:
        if reason.signal in found:
            result[reason.signal] = found[reason.signal]
        elif reason.sort == "says" and NOT + reason.signal in found:
            result[DENIED] = 1.0
    return result


def load_factor_calibration(path: Path | None = None) -> FactorCalibration:
    """The constants of `path`, or of the bundled file.

    Raises SchemaError when the file is not of this form, DriftError when it was fitted with other kinds.
    """
    file = path or data_folder("corpus") / "knowledge" / "calibration" / "factors.json"
    try:
        read = FactorCalibration.model_validate_json(file.read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise SchemaError(
            "the factor calibration cannot be read", where=f"{file.name}: {error}", hint="fit it again"
        ) from None
    if set(read.likeness) != {kind.key for kind in load_kinds()}:
        raise DriftError("the factor calibration is of other kinds", where=file.name, hint="fit it again")
    return read


def dump_factor_calibration(calibration: FactorCalibration) -> str:
    """The JSON text of a calibration, as `calibrate.write_calibration` writes it, ending in a newline."""
    return json.dumps(calibration.model_dump(mode="json"), indent=1) + "\n"


def _fit_factor(
    factor: FactorKey, rows: Sequence[FactorRow], kinds: Matrix, likeness: Matrix, groups: Sequence[NDArray[np.intp]]
) -> FactorConstants:
    keys = [kind.key for kind in load_kinds()]
    names = columns(factor)
    shown = [strengths(factor, row.features) for row in rows]
    evidence = np.array([[found.get(name.name, 0.0) for name in names] for found in shown])
    target = np.array([_blend(row, factor) for row in rows])
    mean = float(target.mean())
    x = np.hstack([kinds, evidence])
    low = np.concatenate([np.full(len(keys), -mean), [c.low for c in names]])
    high = np.concatenate([np.full(len(keys), 1 - mean), [c.high for c in names]])
    ridge = np.concatenate([np.full(len(keys), KIND_RIDGE), np.full(len(names), EFFECT_RIDGE)])
    prior = np.concatenate([np.zeros(len(keys)), [c.prior for c in names]])
    first = _descend(x, target - mean, low, high, ridge, prior)
    wording = _wording(likeness, target - mean - x @ first)
    # The remainder only ever adds, so the typical values are fitted again beside it: else all estimates drift up.
    remainder = np.clip(likeness @ wording, 0.0, REMAINDER_CAP)
    weights = _descend(x, target - mean - remainder, low, high, ridge, prior)
    overall = _descend(
        kinds, target - mean, low[: len(keys)], high[: len(keys)], ridge[: len(keys)], prior[: len(keys)]
    )
    known = unknown = Spread(below=0.0, above=0.0)
    if groups:
        residuals = _left_out(x, target - mean - remainder, weights, ridge, groups)
        predictions, gaps, quiet = _gaps(factor, rows, target, residuals, shown)
        known = _spread(predictions[~quiet], gaps[~quiet])
        unknown = _spread(predictions[quiet], gaps[quiet]) if quiet.sum() >= _FEW_ROWS else known
    return FactorConstants(
        silent={key: _short(mean + w) for key, w in zip(keys, weights[: len(keys)], strict=True)},
        typical={key: _short(mean + w) for key, w in zip(keys, overall, strict=True)},
        effects={c.name: _short(w) for c, w in zip(names, weights[len(keys) :], strict=True) if abs(w) >= SMALL},
        wording={key: _short(w) for key, w in zip(keys, wording, strict=True)},
        known=known,
        unknown=Spread(below=min(known.below, unknown.below), above=max(known.above, unknown.above)),
    )


def _wording(likeness: Matrix, left: Matrix) -> Matrix:
    """Ridge weights of the likeness to each kind for what evidence and kind leave over."""
    ridge = likeness.T @ likeness + WORDING_RIDGE * np.eye(likeness.shape[1])
    weights: Matrix = np.linalg.solve(ridge, likeness.T @ (left - left.mean()))
    return weights


def _descend(x: Matrix, y: Matrix, low: Matrix, high: Matrix, ridge: Matrix, prior: Matrix) -> Matrix:
    """Minimise |y - x w|² + Σ ridge (w - prior)² with low ≤ w ≤ high.

    A few rounds of solving for the free columns find nearly the right bounds; coordinate descent does the rest.
    """
    gram = x.T @ x + np.diag(ridge)
    goal = x.T @ y + ridge * prior
    weights = _bounded(gram, goal, low, high)
    gradient = gram @ weights - goal
    scale = np.diag(gram)
    for _ in range(_SWEEPS):
        largest = 0.0
        for j in range(len(weights)):
            change = min(max(weights[j] - gradient[j] / scale[j], low[j]), high[j]) - weights[j]
            if change:
                weights[j] += change
                gradient += gram[:, j] * change
                largest = max(largest, abs(change))
        if largest < _STILL:
            break
    return weights


def _bounded(gram: Matrix, goal: Matrix, low: Matrix, high: Matrix) -> Matrix:
    """A start for the descent: columns that leave their bounds are held there, those that want back are freed."""
    weights: Matrix = np.zeros_like(goal)
    free = np.ones(len(goal), dtype=bool)
    for _ in range(_ROUNDS):
        held = goal[free] - gram[np.ix_(free, ~free)] @ weights[~free]
        weights[free] = np.linalg.solve(gram[np.ix_(free, free)], held)
        outside = (weights < low) | (weights > high)
        weights = np.clip(weights, low, high)
        gradient = gram @ weights - goal
        back = ~free & (((weights <= low) & (gradient < 0)) | ((weights >= high) & (gradient > 0)))
        if not outside.any() and not back.any():
            break
        free = (free & ~outside) | back
    return weights


def _left_out(x: Matrix, y: Matrix, weights: Matrix, ridge: Matrix, groups: Sequence[NDArray[np.intp]]) -> Matrix:
    """y minus its prediction without the row's group, for the columns that are in use."""
    used = np.abs(weights) > _STILL
    active = x[:, used]
    hat = active @ np.linalg.solve(active.T @ active + np.diag(ridge[used]), active.T)
    residual = y - x @ weights
    left: Matrix = residual / (1 - np.diag(hat))
    for group in (g for g in groups if len(g) > 1):
        left[group] = np.linalg.solve(np.eye(len(group)) - hat[np.ix_(group, group)], residual[group])
    return left


def _gaps(
    factor: FactorKey,
    rows: Sequence[FactorRow],
    target: Matrix,
    residuals: Matrix,
    shown: Sequence[Mapping[str, float]],
) -> tuple[Matrix, Matrix, NDArray[np.bool_]]:
    """Left-out predictions, published label minus prediction, and whether the sources were silent about the factor."""
    keep = np.array([row.published is not None for row in rows])
    labels = np.array([row.published[factor] if row.published is not None else np.nan for row in rows])
    predictions = np.clip(target - residuals, 0.0, 1.0)
    quiet = np.array([not found for found in shown])
    return predictions[keep], (labels - predictions)[keep], quiet[keep]


def _spread(predictions: Matrix, gaps: Matrix) -> Spread:
    """The narrowest pair of opposite quantiles of the gaps that covers 80 % once both ends are rounded to tenths."""
    ordered = np.sort(gaps)
    n = len(ordered)
    if n == 0:
        return Spread(below=-COVERAGE / 2, above=COVERAGE / 2)
    needed = (COVERAGE + MARGIN) * (n + 1) / n
    labels = np.round(predictions + gaps, 1)
    for tail in range(n // 2, 0, -1):
        below, above = min(float(ordered[tail - 1]), 0.0), max(float(ordered[n - tail]), 0.0)
        low, high = _grid(predictions + below), _grid(predictions + above)
        if float(np.mean((low <= labels) & (labels <= high))) >= needed:
            return Spread(below=_short(below), above=_short(above))
    return Spread(below=_short(min(float(ordered[0]), 0.0)), above=_short(max(float(ordered[-1]), 0.0)))


def _grid(values: Matrix) -> Matrix:
    rounded: Matrix = np.round(np.floor(np.clip(values, 0.0, 1.0) * 10 + 0.5 + _STILL) / 10, 1)
    return rounded


@functools.lru_cache(maxsize=8)
def _groups(families: tuple[str, ...]) -> tuple[NDArray[np.intp], ...]:
    names = np.array(families)
    return tuple(np.flatnonzero(names == name) for name in sorted(set(families)))


def _has(row: FactorRow, factor: FactorKey) -> bool:
    return any(labels is not None and factor in labels for labels in (row.published, row.reader))


def _blend(row: FactorRow, factor: FactorKey) -> float:
    published = row.published.get(factor) if row.published is not None else None
    reader = row.reader.get(factor) if row.reader is not None else None
    if published is None:
        return float(reader if reader is not None else 0.0)
    if reader is None:
        return float(published)
    return PUBLISHED_SHARE * float(published) + (1 - PUBLISHED_SHARE) * float(reader)


def _short(number: float) -> float:
    return round(float(number), _DIGITS) + 0.0
