"""Calibrate scores per product: convert them to probabilities and choose the thresholds for asserting facts.

A product's sources state a key if any of its labelled statements does. The `signs` summarise the scores of all of the
product's statements that reach the reader. Scores and roles come from fits that hold out the product's owner.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.heads import LOWEST, logistic, signs
from agent.facts.readers.patterns import PatternRule, matches
from agent.facts.vocabulary import load_vocabulary

if TYPE_CHECKING:
    from evals.training.fact_heads import Lines

WANTED: Final = 0.8
"""Share of the asserted facts that must be right."""
_MARGIN: Final = 0.013
"""Added to `WANTED` when choosing a threshold, since precision is overestimated on the data it was chosen on."""
_KEY_SPREAD: Final = 0.8
"""Prior standard deviation, in log-odds, of a key's own offset from the shared calibration."""
_KEY_LEAST: Final = 0.7
"""A key gets a higher threshold if its precision is below this after shrinkage towards WANTED with the weight of
`_DRAWN` facts."""
_DRAWN: Final = 3
_NEVER: Final = 2.0
"""A limit above every probability."""


@dataclass(frozen=True)
class Table:
    """The labels and signs of the products, by key."""

    products: tuple[str, ...]
    owner: NDArray[np.str_]
    known: NDArray[np.bool_]
    """Whether somebody looked for the key in the product's statements that reach the reader, shape (products, keys)."""
    stated: NDArray[np.bool_]
    """Whether the product's sources state the key, shape (products, keys)."""
    signs: NDArray[np.float64]
    """Shape (products, keys, 3), as returned by `agent.facts.readers.heads.signs`."""


@dataclass(frozen=True)
class Constants:
    """The calibration constants; arrays have shape (keys,) unless noted."""

    head: NDArray[np.bool_]
    limit: NDArray[np.float64]
    """Lowest probability at which a fact is asserted; above 1 means never."""
    offset: NDArray[np.float64]
    mix: NDArray[np.float64]
    """Weights of the signs, shared by all keys, shape (3,)."""

    def chances(self, signs: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability that the sources state each key, shape (…, keys); `signs`: shape (…, keys, 3)."""
        return logistic(signs @ self.mix + self.offset)


def table_of(lines: "Lines", scores: NDArray[np.float32], usable: NDArray[np.bool_]) -> Table:
    """Build the table of all products; `usable` says which statement may assert which key.

    For each key, statements in which nobody looked for the key are skipped, since it is unknown whether they state it.
    """
    names = sorted(set(lines.product.tolist()))
    allowed = np.where(usable & lines.looked, scores, LOWEST)
    known, stated, signed, owner = [], [], [], []
    for name in names:
        own = lines.product == name
        says = (lines.truth[own] > 0).any(axis=0)
        seen = own & lines.reaches
        known.append(lines.looked[seen].any(axis=0) | says)
        stated.append(says)
        signed.append(signs(allowed[seen]))
        owner.append(str(lines.owner[own][0]))
    return Table(tuple(names), np.array(owner), np.array(known), np.array(stated), np.array(signed))


def constants_of(table: Table, rows: NDArray[np.bool_], head: NDArray[np.bool_]) -> Constants:
    """Fit the calibration and the limits on the given rows of the table."""
    known, stated, signed = table.known[rows], table.stated[rows], table.signs[rows]
    mix, offset = _fit(known[:, head], stated[:, head], signed[:, head])
    made = Constants(head, np.full(len(head), _NEVER), np.full(len(head), -30.0), mix)
    made.offset[head] = offset
    chances = made.chances(signed)
    inside = known & head
    limit = _limit(stated[inside], chances[inside])
    for key in np.flatnonzero(head):
        made.limit[key] = _key_limit(stated[known[:, key], key], chances[known[:, key], key], limit)
    return made


def _fit(
    known: NDArray[np.bool_], stated: NDArray[np.bool_], signed: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit the shared weights of the signs, and an offset per key, shrunk to the shared offset if facts are few."""
    from scipy.optimize import minimize

    size = signed.shape[-1]
    truth = stated.astype(float)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        mix, shared, own = flat[:size], flat[size], flat[size + 1 :]
        logit = signed @ mix + shared + own
        cost = (known * (np.logaddexp(0, logit) - truth * logit)).sum() + 0.5 * (own**2).sum() / _KEY_SPREAD**2
        change = known * (logistic(logit) - truth)
        return float(cost), np.concatenate(
            [(change[..., None] * signed).sum(axis=(0, 1)), [change.sum()], change.sum(axis=0) + own / _KEY_SPREAD**2]
        )

    start = np.concatenate([[1.0], np.zeros(size + stated.shape[1])])
    found = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return found[:size], found[size] + found[size + 1 :]


def _limit(stated: NDArray[np.bool_], chances: NDArray[np.float64]) -> float:
    """Return the lowest limit with a precision of at least WANTED + _MARGIN over all keys and products. Inputs have the
    shape (facts,)."""
    order = np.argsort(-chances)
    right = np.cumsum(stated[order]) / np.arange(1, order.size + 1)
    good = np.flatnonzero(right >= WANTED + _MARGIN)
    return float(chances[order][good[-1]]) if len(good) else _NEVER


def _key_limit(stated: NDArray[np.bool_], chances: NDArray[np.float64], limit: float) -> float:
    """Return a key's limit: the lowest limit with sufficient precision for this key, at least the common `limit`."""
    for least in sorted({limit, *chances[chances > limit].tolist()}):
        chosen = chances >= least
        if (stated[chosen].sum() + WANTED * _DRAWN) / (chosen.sum() + _DRAWN) >= _KEY_LEAST:
            return float(least)
    return _NEVER


@dataclass(frozen=True)
class Measured:
    """Assertions about held-out products, which neither the fit nor the calibration has seen."""

    asserted: NDArray[np.bool_]
    chances: NDArray[np.float64]
    """Both arrays have the shape (products, keys)."""

    def figures(self, table: Table, keys: NDArray[np.bool_] | None = None) -> tuple[float, float, int, int]:
        """Return the precision, the recall, the number of asserted facts and the number of stated facts."""
        part = np.ones(table.stated.shape[1], dtype=bool) if keys is None else keys
        asserted, stated = (self.asserted & table.known)[:, part], table.stated[:, part]
        right = int((asserted & stated).sum())
        return (
            right / max(1, int(asserted.sum())),
            right / max(1, int(stated.sum())),
            int(asserted.sum()),
            int(stated.sum()),
        )


def measure(table: Table, head: NDArray[np.bool_], folds: int = 8) -> Measured:
    """Measure each product with constants fitted on the products of other owners."""
    owners = sorted(set(table.owner.tolist()))
    fold = {name: n % folds for n, name in enumerate(np.random.default_rng(0).permutation(owners).tolist())}
    number = np.array([fold[name] for name in table.owner.tolist()])
    asserted = np.zeros(table.stated.shape, dtype=bool)
    chances = np.zeros(table.stated.shape)
    for n in range(folds):
        made = constants_of(table, number != n, head)
        test = number == n
        chances[test] = made.chances(table.signs[test])
        asserted[test] = chances[test] >= made.limit
    return Measured(asserted, chances)


@dataclass(frozen=True)
class PatternFigures:
    """The precision of one pattern."""

    key: str
    polarity: str
    products: int
    """Number of products on which the pattern fires in labelled places that reach the reader."""
    right: int
    """Number of these products where a labelled statement agrees or, for a denial, no labelled statement disagrees."""

    @property
    def precision(self) -> float:
        """The share of products on which the pattern is right, shrunk towards WANTED by `_DRAWN` products."""
        return (self.right + WANTED * _DRAWN) / (self.products + _DRAWN)


def pattern_figures(lines: "Lines", rules: Sequence[PatternRule]) -> list[PatternFigures]:
    """Measure patterns on labelled statements. Nothing is held out, since patterns are written by hand."""
    rows = np.flatnonzero(lines.reaches)
    hits = matches([lines.statements[n] for n in rows], rules)
    order = load_vocabulary().order
    found = []
    for number, rule in enumerate(rules):
        looked = lines.looked[rows, order[rule.key]]
        fired = {str(lines.product[n]) for n in rows[hits[:, number] & looked]}
        wanted = -1 if rule.polarity == "denied" else 1
        truth = lines.truth[:, order[rule.key]]
        said = {str(name) for name in lines.product[truth == wanted]}
        against = {str(name) for name in lines.product[truth == -wanted]}
        right = fired - against if rule.polarity == "denied" else fired & said
        found.append(PatternFigures(rule.key, rule.polarity, len(fired), len(right)))
    return found
