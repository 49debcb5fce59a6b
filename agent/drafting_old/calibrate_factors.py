"""Fit the factor estimator on labelled features: deterministic, numpy only, a hundredth of a second.

For each labelled factor, with p the kind probabilities and x the strengths of the declared signals,

    y ≈ Σ typical[kind] · p[kind] + Σ effect[signal] · x[signal]

by least squares with a ridge, each typical value kept within 0 to 1 and each effect on its declared side of 0
(an active set of bounds). What is left over is fitted by a ridge on the likeness of the lead to the kinds'
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

from agent.drafting_old.bounded import minimise
from agent.drafting_old.factor_features import NOT, FactorFeatures, rules
from agent.drafting_old.kind import load_kinds
from agent.errors import DriftError, InputError, SchemaError
from agent.records import Record
from agent.resources import data_folder
from agent.taxonomy.keys import FactorKey

DENIED: Final = "denied"
"""Effect of a sentence that says that one of the factor's signals is absent."""
PUBLISHED_SHARE: Final = 0.45
"""Weight of the published label where a reader's label exists too."""
KIND_RIDGE: Final = 0.5
EFFECT_RIDGE: Final = 10.0
PRIOR: Final = {"says": 0.06, "suggests": 0.0, "against": -0.06}
"""What an effect is drawn to by its ridge when the corpus says little: a plain statement counts."""
WORDING_RIDGE: Final = 3.0
COVERAGE: Final = 0.8
MARGIN: Final = -0.02
"""Added to the coverage that the ranges must reach here. The closed form lets effects leave their bounds when a family
is left out and so sees larger gaps than there are: drafts whose family really is left out are covered more often."""
SMALL: Final = 0.008
"""Effects below this are left out: they would not show in a tenth."""
_DIGITS: Final = 4
_BOUNDS: Final = ("low", "high", "prior")
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

    @functools.cached_property
    def _numbers(self) -> "Matrix":
        return numbers_of(self.features)

    @functools.cached_property
    def _targets(self) -> "Matrix":
        """By factor what the fit aims at; not a number where there is no label."""
        return np.array([_blend(self, factor) for factor in rules().reasons])

    @functools.cached_property
    def _published(self) -> "Matrix":
        labels = self.published or {}
        return np.array([labels.get(factor, np.nan) for factor in rules().reasons])


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
    shares: dict[str, float]
    """Mean probability of each kind over the rows."""
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
    numbers = np.array([row._numbers for row in used])
    kinds, likeness, evidence = np.split(numbers, [len(keys), 2 * len(keys)], axis=1)
    centred = likeness - likeness.mean(axis=0)
    table = _Table(
        kinds=kinds,
        likeness=centred,
        pull=_pull(centred),
        evidence=evidence,
        targets=np.array([row._targets for row in used]),
        published=np.array([row._published for row in used]),
        families=np.array([row.family for row in used]),
    )
    return FactorCalibration(
        rows=len(used),
        likeness=dict(zip(keys, _shorter(likeness.mean(axis=0)), strict=True)),
        shares=dict(zip(keys, _shorter(table.kinds.mean(axis=0)), strict=True)),
        factors={factor: _fit_factor(factor, at, table, ranges) for at, factor in enumerate(rules().reasons)},
    )


class _Table(NamedTuple):
    """The numbers of all rows, a row each."""

    kinds: Matrix
    likeness: Matrix
    """Centred."""
    pull: Matrix
    """What a ridge on the likeness makes of each row: transposed, so that it has a row for each."""
    evidence: Matrix
    """Of all factors, side by side (`slices`)."""
    targets: Matrix
    published: Matrix
    families: NDArray[np.str_]

    def of(self, keep: NDArray[np.bool_]) -> "_Table":
        """The rows to keep."""
        if keep.all():
            return self
        return _Table(
            self.kinds[keep],
            self.likeness[keep],
            _pull(self.likeness[keep]),
            self.evidence[keep],
            self.targets[keep],
            self.published[keep],
            self.families[keep],
        )


@functools.cache
def slices() -> Mapping[FactorKey, slice]:
    """Where the effects of each factor stand in a row of evidence."""
    found: dict[FactorKey, slice] = {}
    at = 0
    for factor in rules().reasons:
        found[factor] = slice(at, at + len(columns(factor)))
        at = found[factor].stop
    return found


@functools.lru_cache(maxsize=4096)
def numbers_of(features: FactorFeatures) -> Matrix:
    """Kinds, likeness and strengths of all effects of all factors: asked for in each of hundreds of fits."""
    row = [*features.kinds, *features.likeness]
    for factor in rules().reasons:
        shown = strengths(factor, features)
        row += [shown.get(column.name, 0.0) for column in columns(factor)]
    return np.array(row)


class Column(NamedTuple):
    """One effect of a factor before the fit."""

    name: str
    low: float
    high: float
    prior: float


@functools.cache
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


def without_kinds(calibration: FactorCalibration) -> FactorCalibration:
    """The same with one typical value for all kinds, the mean over the rows: to measure what the kinds are worth."""

    def levelled(by_kind: Mapping[str, float]) -> dict[str, float]:
        total = sum(calibration.shares.values())
        mean = sum(share * by_kind[kind] for kind, share in calibration.shares.items()) / total
        return dict.fromkeys(by_kind, _short(mean))

    return calibration.model_copy(
        update={
            "factors": {
                key: constants.model_copy(
                    update={"silent": levelled(constants.silent), "typical": levelled(constants.typical)}
                )
                for key, constants in calibration.factors.items()
            }
        }
    )


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


def _fit_factor(factor: FactorKey, at: int, rows: _Table, ranges: bool) -> FactorConstants:
    keys = [kind.key for kind in load_kinds()]
    names = columns(factor)
    table = rows.of(~np.isnan(rows.targets[:, at]))
    evidence, target = table.evidence[:, slices()[factor]], table.targets[:, at]
    mean = float(target.mean())
    count = len(keys)
    x = np.hstack([table.kinds, evidence])
    low, high, prior = _bounds(factor, count).copy()
    low[:count], high[:count] = -mean, 1 - mean
    ridge = np.repeat((KIND_RIDGE, EFFECT_RIDGE), (count, len(names)))
    gram = x.T @ x + np.diag(ridge)
    drawn = ridge * prior
    first = minimise(gram, x.T @ (target - mean) + drawn, low, high)
    left = target - mean - x @ first
    wording = table.pull.T @ (left - left.mean())
    # The remainder only ever adds, so the typical values are fitted again beside it: else all estimates drift up.
    remainder = np.clip(table.likeness @ wording, 0.0, REMAINDER_CAP)
    weights = minimise(gram, x.T @ (target - mean - remainder) + drawn, low, high, first)
    overall = minimise(gram[:count, :count], table.kinds.T @ (target - mean), low[:count], high[:count])
    known = unknown = Spread(below=0.0, above=0.0)
    if ranges:
        residuals = _left_out(x, target - mean - remainder, weights, ridge, _groups(tuple(table.families)))
        predictions = np.clip(target - residuals, 0.0, 1.0)
        gaps = table.published[:, at] - predictions
        labelled, quiet = ~np.isnan(gaps), ~evidence.any(axis=1)
        known = _spread(predictions[labelled & ~quiet], gaps[labelled & ~quiet])
        silent = labelled & quiet
        unknown = _spread(predictions[silent], gaps[silent]) if silent.sum() >= _FEW_ROWS else known
    return FactorConstants(
        silent=dict(zip(keys, _shorter(mean + weights[:count]), strict=True)),
        typical=dict(zip(keys, _shorter(mean + overall), strict=True)),
        effects={
            column.name: effect
            for column, exact, effect in zip(names, weights[count:], _shorter(weights[count:]), strict=True)
            if abs(exact) >= SMALL
        },
        wording=dict(zip(keys, _shorter(wording), strict=True)),
        known=known,
        unknown=Spread(below=min(known.below, unknown.below), above=max(known.above, unknown.above)),
    )


@functools.cache
def _bounds(factor: FactorKey, count: int) -> Matrix:
    """Low, high and prior of the effects, a row each, behind `count` columns for the kinds; to be copied."""
    return np.hstack([np.zeros((3, count)), [[getattr(c, name) for c in columns(factor)] for name in _BOUNDS]])


def _pull(likeness: Matrix) -> Matrix:
    """Ridge weights of the likeness to each kind for what evidence and kind leave over, per unit left over by a row."""
    ridge = likeness.T @ likeness + WORDING_RIDGE * np.eye(likeness.shape[1])
    pulled: Matrix = np.linalg.solve(ridge, likeness.T).T.astype(np.float64)
    return pulled


def _left_out(x: Matrix, y: Matrix, weights: Matrix, ridge: Matrix, groups: Sequence[NDArray[np.intp]]) -> Matrix:
    """y minus its prediction without the row's group, for the columns that are in use."""
    used = np.abs(weights) > _STILL
    active = x[:, used]
    pulled = active @ np.linalg.inv(active.T @ active + np.diag(ridge[used]))
    residual = y - x @ weights
    left: Matrix = residual / (1 - (active * pulled).sum(axis=1))
    for group in groups:
        hat = active[group] @ pulled[group].swapaxes(1, 2)
        left[group] = np.linalg.solve(np.eye(group.shape[1]) - hat, residual[group][..., None])[..., 0]
    return left


def _spread(predictions: Matrix, gaps: Matrix) -> Spread:
    """The narrowest pair of opposite quantiles of the gaps that covers 80 % once both ends are rounded to tenths."""
    ordered = np.sort(gaps)
    n = len(ordered)
    if n == 0:
        return Spread(below=-COVERAGE / 2, above=COVERAGE / 2)
    needed = (COVERAGE + MARGIN) * (n + 1)
    # In tenths, how far an end may be from the prediction before rounding half up takes it past the label.
    room = np.rint((predictions + gaps) * 10) + 0.5 - _STILL - predictions * 10

    def ends(tail: int) -> tuple[float, float]:
        return min(float(ordered[tail - 1]), 0.0), max(float(ordered[n - tail]), 0.0)

    def covers(tail: int) -> bool:
        below, above = ends(tail)
        return bool(np.count_nonzero((below * 10 < room) & (above * 10 >= room - 1)) >= needed)

    # Wider tails never cover less, so the last that suffices is found by halving.
    few, many = 1, max(n // 2, 1)
    while few < many:
        middle = (few + many + 1) // 2
        if covers(middle):
            few = middle
        else:
            many = middle - 1
    below, above = ends(few)
    return Spread(below=_short(below), above=_short(above))


@functools.lru_cache(maxsize=8)
def _groups(families: tuple[str, ...]) -> tuple[NDArray[np.intp], ...]:
    """Rows of the families that have more than one; families of one size together, a family each row."""
    rows: dict[str, list[int]] = {}
    for at, family in enumerate(families):
        rows.setdefault(family, []).append(at)
    by_size: dict[int, list[list[int]]] = {}
    for name in sorted(rows):
        by_size.setdefault(len(rows[name]), []).append(rows[name])
    return tuple(np.array(by_size[size]) for size in sorted(by_size) if size > 1)


def _blend(row: FactorRow, factor: FactorKey) -> float:
    """What the fit aims at; not a number where there is no label."""
    published = row.published.get(factor) if row.published is not None else None
    reader = row.reader.get(factor) if row.reader is not None else None
    if published is None:
        return float("nan" if reader is None else reader)
    if reader is None:
        return float(published)
    return PUBLISHED_SHARE * float(published) + (1 - PUBLISHED_SHARE) * float(reader)


def _shorter(numbers: Matrix) -> list[float]:
    found: list[float] = (np.round(numbers, _DIGITS) + 0.0).tolist()
    return found


def _short(number: float) -> float:
    return round(float(number), _DIGITS) + 0.0
