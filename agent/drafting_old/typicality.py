"""How typical a threat is as the one that a reader puts first: a product of three shares that can be read.

    typical = rate of its pattern · lift of its cause · lift of what it harms

`rate` says of how many products on which the pattern fires the reader's first threat is like it, with the catalogue's
own estimate as a prior. The lifts say how much more often readers put such a cause (an id of the ten agentic risks), or
harm to such an asset, first for products of this kind than for all products; a kind with few cases stays near 1. Two
threats are alike when they have the same cause and the same layer or asset. Fitted on coded headlines.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from agent.drafting_old.kind import load_kinds
from agent.drafting_old.patterns import Pattern
from agent.records import Record
from agent.taxonomy.keys import AssetClass, LayerKey

PRIOR_CASES: Final = 12.0
"""Weight of the catalogue's own estimate in a rate, in cases."""
KIND_CASES: Final = 10.0
"""Weight of all products in a kind's shares, in cases."""
MOST_LIFT: Final = 5.0
"""What a single case of a kind, with a cause that is rare elsewhere, cannot exceed."""
LEAST: Final = 0.001
"""No threat is less typical than this, so that a logarithm exists."""

Floats = NDArray[np.float64]


class Code(NamedTuple):
    """A threat in closed words: what causes it, where, and what it harms first."""

    root: str | None
    """Id of the ten agentic risks; None where none fits."""
    layer: LayerKey
    asset: AssetClass


def alike(one: Code, other: Code) -> bool:
    """Whether both tell the same threat: one cause, and one layer or one asset."""
    return one.root is not None and one.root == other.root and (one.layer == other.layer or one.asset == other.asset)


def code_of(pattern: Pattern) -> Code:
    """The closed words for the threats of a pattern."""
    return Code(pattern.root, pattern.layer, pattern.asset_class)


class TypicalityCalibration(Record):
    """Fitted shares and lifts."""

    rates: dict[str, float]
    """By pattern that fired in the corpus, 0 to 1."""
    unseen: float
    """The rate of any other pattern, for each unit of the catalogue's own estimate."""
    roots: dict[str, dict[str, float]]
    """Lift of each cause, by kind of product."""
    assets: dict[str, dict[str, float]]
    """Lift of each asset, by kind of product."""


class Lifts(NamedTuple):
    """The lifts for one product, over the kinds that it may be of."""

    roots: Mapping[str, float]
    assets: Mapping[str, float]


def lifts(kinds: Sequence[float], calibration: TypicalityCalibration) -> Lifts:
    """The lifts of a product with these probabilities of the kinds, in the order of `load_kinds`."""
    return Lifts(_mean(calibration.roots, kinds), _mean(calibration.assets, kinds))


def _mean(table: Mapping[str, Mapping[str, float]], kinds: Sequence[float]) -> dict[str, float]:
    rows = [table[kind.key] for kind in load_kinds()]
    names = list(rows[0])
    means = np.array(kinds) @ np.array([[row[name] for name in names] for row in rows])
    return dict(zip(names, means.tolist(), strict=True))


def typical(pattern: str, own: float, code: Code | None, product: Lifts, calibration: TypicalityCalibration) -> float:
    """How typical a threat is of the product, 0.001 to 1; `own` is the catalogue's estimate, 0 to 1."""
    value = calibration.rates.get(pattern, calibration.unseen * own)
    if code is not None:
        value *= product.roots.get(code.root or "", 1.0) * product.assets.get(code.asset, 1.0)
    return min(max(value, LEAST), 1.0)


class Shown(NamedTuple):
    """What the fit needs, an array row for each labelled case."""

    patterns: tuple[str, ...]
    fired: Floats
    """1 where the pattern of the column fired."""
    like: Floats
    """1 where it fired and is like the reader's first threat."""
    own: Floats
    """The catalogue's estimate, by pattern."""
    kinds: Floats
    first: tuple[Code | None, ...]
    """The reader's first threat."""


def fit(shown: Shown) -> TypicalityCalibration:
    """Shrunken shares of the cases whose first threat is known."""
    known = [n for n, code in enumerate(shown.first) if code is not None]
    codes = [code for code in shown.first if code is not None]
    fired, wins = shown.fired[known].sum(axis=0), shown.like[known].sum(axis=0)
    mean = float(wins.sum() / max(fired.sum(), 1.0))
    there = fired > 0
    unseen = mean / float(shown.own[there].mean()) if there.any() else 1.0
    rates = (wins + PRIOR_CASES * unseen * shown.own) / (fired + PRIOR_CASES)
    kinds = shown.kinds[known]
    return TypicalityCalibration(
        rates={pattern: _short(rates[n]) for n, pattern in enumerate(shown.patterns) if there[n]},
        unseen=_short(unseen),
        roots=_lift_table([code.root for code in codes], kinds),
        assets=_lift_table([code.asset for code in codes], kinds),
    )


def _lift_table(told: Sequence[str | None], kinds: Floats) -> dict[str, dict[str, float]]:
    names = sorted({name for name in told if name is not None})
    chosen = (np.array(told, dtype=object)[:, None] == np.array(names, dtype=object)).astype(float)
    share = chosen.mean(axis=0) if len(told) else np.zeros(0)
    by_kind = (kinds.T @ chosen + KIND_CASES * share) / (kinds.sum(axis=0)[:, None] + KIND_CASES)
    table = np.round(np.minimum(by_kind / share, MOST_LIFT), 3)
    return {
        kind.key: dict(zip(names, row, strict=True)) for kind, row in zip(load_kinds(), table.tolist(), strict=True)
    }


def _short(value: float) -> float:
    return round(float(value), 4)
