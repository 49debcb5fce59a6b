"""The value of a factor from two: what an LLM proposes and what the embedded estimator says.

    value = intercept + weight of the LLM · its proposal + weight of the estimate · the embedded estimate

The three constants of a factor are a ridge towards the plain mean of the two, fitted on labelled products with an
expert reader's labels in the LLM's place; the weights are never negative, so a higher proposal never gives a lower
value. A proposal that is not below the estimate lowers nothing, one that is clearly below it raises nothing. An LLM in
use may be worse than that reader, or may obey what a page tells it. Therefore the value stays inside the embedded
range, whatever the LLM says, unless a verified quote of rank 3 or more (documentation that names a setting with its
default, scope and owner) stands behind the proposal; and whoever checked the quotes may say by how much at most they
lower. What lies above the range is not lost: the upper end of the range then reaches up to the combination as it would
have been.
"""

import functools
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from agent.errors import InputError, SchemaError
from agent.records import FactorEstimate, Rank, Record
from agent.resources import data_folder
from agent.taxonomy.keys import FACTOR_SETS, FactorKey

FREEING_RANK: Final = 3
"""From this rank of a verified quote on, the value may leave the embedded range."""
HALF_STEP: Final = 0.05
"""Of the grid: a proposal in tenths that is nearer to the estimate says the same."""
EVEN: Final = 0.5
"""Weight of either source where the labels say nothing; the ridge draws to it."""
MEAN_RIDGE: Final = 1.0
WEIGHT_RIDGE: Final = 20.0
COVERAGE: Final = 0.82
"""Share of labels inside the range that the fit asks for: 80 % and a margin for products that are not in the corpus."""
LABELLED: Final = FACTOR_SETS["0.5"]
_FEW_ROWS: Final = 12
_DIGITS: Final = 4
_FINGERPRINT_CHARS: Final = 16
_TENTH: Final = Decimal("0.1")
_HAIR: Final = 1e-4

Matrix = NDArray[np.float64]
Held = Literal["below", "above", "most"]


class FactorMix(Record):
    """Constants of one factor."""

    intercept: float
    llm: float
    """Weight of the LLM's proposal, 0 or more."""
    embedded: float
    """Weight of the embedded estimate, 0 or more."""
    below: float
    """0 or less: 80 % of the published labels lie between value + below and value + above."""
    above: float


class Combination(Record):
    """Constants of all labelled factors; a JSON file that a person can read."""

    rows: int
    factors: dict[FactorKey, FactorMix]

    @property
    def fingerprint(self) -> str:
        """Hash of the constants, as a draft's manifest names them."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:_FINGERPRINT_CHARS]


UNLABELLED: Final = FactorMix(intercept=0.0, llm=EVEN, embedded=EVEN, below=-0.3, above=0.3)
"""For the factor that no label exists of."""


@dataclass(frozen=True)
class MixRow:
    """One labelled product, values from 0 to 1."""

    family: str
    embedded: Mapping[FactorKey, float]
    """Estimates by constants that were fitted without this row's family."""
    llm: Mapping[FactorKey, float]
    published: Mapping[FactorKey, float]


class Proposal(NamedTuple):
    """What an LLM says of one factor, after code has checked its quotes."""

    value: float
    rank: Rank | None
    """The highest rank among the quotes that were found, are about the product, carry no finding and support the
    claim; None without such a quote."""
    most: float = 1.0
    """By how much it may lower the estimate at most, 0 or more."""


class Combined(NamedTuple):
    """The value that goes into the draft, on the 0.1 grid, with its range."""

    value: Decimal
    low: Decimal
    high: Decimal
    held: Held | None
    """On which side the combination left the embedded range and was held at its end; "most" when it was held at the
    most by which the proposal may lower."""


def combine(key: FactorKey, estimate: FactorEstimate, proposal: Proposal, constants: Combination) -> Combined:
    """The combined value and range of one factor.

    Raises InputError for a proposal outside 0 to 1 (also NaN), one that may lower by less than 0, or a factor without
    constants.
    """
    weighed = _weighed(key, estimate, proposal, constants)
    mix, total = weighed.mix, weighed.total
    value = _tenth(total)
    low, high = _tenth(max(total + mix.below, weighed.lowest)), _tenth(max(total + mix.above, weighed.free))
    held: Held | None = None
    if weighed.free < total - _HAIR:
        held = "below" if weighed.bottom > weighed.least else "most"
    elif weighed.free > total + _HAIR:
        held = "above"
    return Combined(value=value, low=min(value, low), high=max(value, high), held=held)


def unrounded(key: FactorKey, estimate: FactorEstimate, proposal: Proposal, constants: Combination) -> float:
    """The combined value before rounding, 0 to 1, of four digits; errors as of `combine`."""
    return _weighed(key, estimate, proposal, constants).total


class _Weighed(NamedTuple):
    """The combination before rounding."""

    mix: FactorMix
    free: float
    """Before anything holds it."""
    total: float
    bottom: float
    """The end of what the rank of the quotes allows."""
    least: float
    """The end of what the proposal may lower to."""
    lowest: float
    """The range does not reach below this. A value that is held above the embedded range's end leaves the end."""


def _weighed(key: FactorKey, estimate: FactorEstimate, proposal: Proposal, constants: Combination) -> _Weighed:
    if not 0.0 <= proposal.value <= 1.0:
        raise InputError("a factor lies between 0 and 1", where=f"{key}: {proposal.value}", hint="drop the proposal")
    if not proposal.most >= 0.0:
        raise InputError("a proposal lowers by 0 or more", where=f"{key}: {proposal.most}", hint="drop the proposal")
    mix = _mix_of(key, constants)
    before = min(max(sum(part.effect for part in estimate.parts), 0.0), 1.0) if estimate.parts else estimate.value
    free = mixed(mix, proposal.value, float(before))
    if proposal.value >= before:
        # The constants draw to the mean of the labels, which alone is no reason to lower anything, nor to raise what an
        # LLM would lower.
        free = max(free, float(before))
    elif proposal.value <= float(before) - HALF_STEP:
        free = min(free, float(before))
    # An end of the range is rounded and may leave out what the estimate was before rounding.
    bottom, top = min(float(estimate.low), float(before)), max(float(estimate.high), float(before))
    end = bottom
    if proposal.rank is not None and proposal.rank >= FREEING_RANK:
        bottom, top = 0.0, 1.0
    least = max(float(before) - proposal.most, 0.0)
    total = round(min(max(free, bottom, least), top), _DIGITS)
    return _Weighed(mix, free, total, bottom, least, lowest=min(end, max(bottom, least)))


def mixed(mix: FactorMix, llm: float, embedded: float) -> float:
    """The combination before anything holds it, 0 to 1."""
    return min(max(mix.intercept + mix.llm * llm + mix.embedded * embedded, 0.0), 1.0)


def fit(rows: Sequence[MixRow], *, ranges: bool = True) -> Combination:
    """Constants from labelled rows. Without `ranges` the spreads stay 0, for folds that read the values alone.

    Raises InputError when a factor has fewer than twelve rows.
    """
    return Combination(rows=len(rows), factors={key: _fit_factor(key, rows, ranges) for key in LABELLED})


@functools.cache
def load_combination(path: Path | None = None) -> Combination:
    """The constants of `path`, or of the bundled file.

    Raises SchemaError when the file is missing, not of this form or without one of the labelled factors.
    """
    file = path or data_folder("corpus") / "knowledge" / "calibration" / "combination.json"
    try:
        read = Combination.model_validate_json(file.read_text("utf-8"))
    except (OSError, ValidationError) as error:
        raise SchemaError(
            "the constants of the combination cannot be read", where=f"{file.name}: {error}", hint="fit them again"
        ) from None
    if set(read.factors) != set(LABELLED):
        raise SchemaError("the combination is of other factors", where=file.name, hint="fit it again")
    return read


def _mix_of(key: FactorKey, constants: Combination) -> FactorMix:
    if key in constants.factors:
        return constants.factors[key]
    if key in LABELLED:
        raise InputError(f"no constants for {key}", where="combination", hint="fit it again")
    return UNLABELLED


def _fit_factor(key: FactorKey, rows: Sequence[MixRow], ranges: bool) -> FactorMix:
    used = [row for row in rows if key in row.llm and key in row.published]
    if len(used) < _FEW_ROWS:
        raise InputError(f"{len(used)} rows are too few for {key}", where="combination fit", hint="label more cases")
    x = np.array([[row.llm[key], row.embedded[key]] for row in used])
    y = np.array([row.published[key] for row in used])
    weights = _ridge(x, y)
    below = above = 0.0
    if ranges:
        below, above = _spread(_left_out(x, y, [row.family for row in used]), y)
    intercept, llm, embedded = (_short(weight) for weight in weights)
    return FactorMix(intercept=intercept, llm=llm, embedded=embedded, below=below, above=above)


def _ridge(x: Matrix, y: Matrix) -> Matrix:
    """Intercept and two weights of 0 or more: least squares with a ridge towards the mean of the two columns."""
    centre = x.mean(axis=0)
    columns = np.hstack([np.ones((len(x), 1)), x - centre])
    even = np.array([centre.sum() * EVEN, EVEN, EVEN])
    penalty = np.diag([MEAN_RIDGE, WEIGHT_RIDGE, WEIGHT_RIDGE])
    free = np.ones(len(even), dtype=bool)
    solution = np.zeros_like(even)
    while True:
        gram = (columns.T @ columns + penalty)[np.ix_(free, free)]
        solution[free] = np.linalg.solve(gram, (columns.T @ y + penalty @ even)[free])
        negative = free & (solution < 0) & (np.arange(len(even)) > 0)
        if not negative.any():
            break
        free &= ~negative
        solution[~free] = 0.0
    return np.array([solution[0] - solution[1:] @ centre, *solution[1:]])


def _left_out(x: Matrix, y: Matrix, families: Sequence[str]) -> Matrix:
    """Predictions for each row by constants that were fitted without its family."""
    names = np.array(families)
    found = np.zeros(len(y))
    for name in sorted(set(families)):
        held = names == name
        weights = _ridge(x[~held], y[~held])
        found[held] = np.clip(weights[0] + x[held] @ weights[1:], 0.0, 1.0)
    return found


def _spread(predictions: Matrix, labels: Matrix) -> tuple[float, float]:
    """The narrowest pair of opposite quantiles of label minus prediction that covers enough, ends in tenths."""
    gaps = np.sort(labels - predictions)
    count = len(gaps)
    needed = min(COVERAGE * (count + 1) / count, 1.0)
    for tail in range(count // 2, 0, -1):
        below, above = min(float(gaps[tail - 1]), 0.0), max(float(gaps[count - tail]), 0.0)
        inside = (_grid(predictions + below) <= labels + _HAIR) & (labels - _HAIR <= _grid(predictions + above))
        if float(inside.mean()) >= needed:
            return _short(below), _short(above)
    return _short(min(float(gaps[0]), 0.0)), _short(max(float(gaps[-1]), 0.0))


def _grid(values: Matrix) -> Matrix:
    rounded: Matrix = np.floor(np.clip(values, 0.0, 1.0) * 10 + 0.5 + _HAIR) / 10
    return rounded


def _tenth(number: float) -> Decimal:
    exact = Decimal(str(round(min(max(number, 0.0), 1.0), _DIGITS)))
    return exact.quantize(_TENTH, rounding=ROUND_HALF_UP)


def _short(number: float) -> float:
    return round(float(number), _DIGITS) + 0.0
