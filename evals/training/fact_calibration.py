"""From scores to chances and thresholds, product by product: how often is a fact with such a score right?

A product's sources state a key when any labelled statement of it does. Its score is the highest that any of its
statements gets which the reader would see. Both come from fits that did not know the owner.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.heads import LOWEST

if TYPE_CHECKING:
    from evals.training.fact_heads import Lines

WANTED: Final = 0.8
"""Share of the asserted facts that must be right."""
_MARGIN: Final = 0.015
"""By which the share on seen products exceeds it, since a threshold always looks a little too good on its own data."""
_KEY_SPREAD: Final = 0.8
"""Standard deviation, in log odds, of what a key adds to the calibration that all share."""
_SLOPE_SPREAD: Final = 0.12
_KEY_LEAST: Final = 0.7
"""A key whose facts are right less often than this, drawn towards WANTED by `_DRAWN` facts, gets a higher threshold."""
_DRAWN: Final = 3


@dataclass(frozen=True)
class Table:
    """Products by keys."""

    products: tuple[str, ...]
    owner: NDArray[np.str_]
    stated: NDArray[np.bool_]
    """Shape (products, keys)."""
    score: NDArray[np.float64]
    """The highest score, LOWEST where no statement reaches the reader."""


@dataclass(frozen=True)
class Constants:
    """Of each key, shape (keys,)."""

    head: NDArray[np.bool_]
    threshold: NDArray[np.float64]
    slope: NDArray[np.float64]
    offset: NDArray[np.float64]

    def chances(self, score: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chance that the product's sources state the key, shape as `score`, (…, keys)."""
        found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(self.slope * score + self.offset, -30, 30)))
        return found


def table_of(
    lines: "Lines", scores: NDArray[np.float32], usable: NDArray[np.bool_] | None = None, *, labelled: bool = True
) -> Table:
    """The table of all products with labelled statements; `usable` says which statement may assert which key.

    `labelled` leaves out the statements that were not labelled, which nobody can say to be right or wrong.
    """
    names = sorted(set(lines.product[lines.labelled].tolist()))
    place = {name: n for n, name in enumerate(names)}
    stated = np.zeros((len(names), len(lines.keys)), dtype=bool)
    score = np.full(stated.shape, LOWEST)
    owner = [""] * len(names)
    allowed = np.where(lines.reaches[:, None] & (True if usable is None else usable), scores, LOWEST)
    for row, product in enumerate(lines.product.tolist()):
        if product not in place or (labelled and not lines.labelled[row]):
            continue
        at = place[product]
        owner[at] = str(lines.owner[row])
        stated[at] |= lines.truth[row] > 0
        score[at] = np.maximum(score[at], allowed[row])
    return Table(tuple(names), np.array(owner), stated, score)


def calibrate(lines: "Lines", scores: NDArray[np.float32], head: NDArray[np.bool_]) -> Constants:
    """Chances and thresholds from all products; keys without a head never assert."""
    table = table_of(lines, scores)
    return constants_of(table, np.ones(len(table.products), dtype=bool), head)


def constants_of(table: Table, rows: NDArray[np.bool_], head: NDArray[np.bool_]) -> Constants:
    """Chances and thresholds from some of the products."""
    stated, score = table.stated[rows], table.score[rows]
    slope, offset = _fit(stated[:, head], score[:, head])
    made = Constants(head, np.full(len(head), np.inf), np.ones(len(head)), np.full(len(head), -30.0))
    made.slope[head], made.offset[head] = slope, offset
    chances = made.chances(score)
    limit = _limit(stated[:, head], chances[:, head])
    for key in np.flatnonzero(head):
        least = _key_limit(stated[:, key], chances[:, key], limit)
        if least < 1:
            made.threshold[key] = (np.log(least / (1 - least)) - made.offset[key]) / made.slope[key]
    return made


def _fit(stated: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Slopes and offsets: those that all keys share, and what each adds, the less the fewer facts it has."""
    from scipy.optimize import minimize

    keys = stated.shape[1]
    truth = stated.astype(float)

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        slope, offset = flat[0] + flat[2 : 2 + keys], flat[1] + flat[2 + keys :]
        logit = slope * score + offset
        cost = (np.logaddexp(0, logit) - truth * logit).sum()
        change = 1 / (1 + np.exp(-np.clip(logit, -30, 30))) - truth
        of_slope, of_offset = (change * score).sum(axis=0), change.sum(axis=0)
        more, shift = flat[2 : 2 + keys] / _SLOPE_SPREAD**2, flat[2 + keys :] / _KEY_SPREAD**2
        cost += 0.5 * (more * flat[2 : 2 + keys]).sum() + 0.5 * (shift * flat[2 + keys :]).sum()
        return float(cost), np.concatenate([[of_slope.sum(), of_offset.sum()], of_slope + more, of_offset + shift])

    found = minimize(loss, np.concatenate([[1.0, 0.0], np.zeros(2 * keys)]), jac=True, method="L-BFGS-B").x
    return np.maximum(found[0] + found[2 : 2 + keys], 0.2), found[1] + found[2 + keys :]


def _limit(stated: NDArray[np.bool_], chances: NDArray[np.float64]) -> float:
    """The lowest chance from which WANTED of all facts are right, on average over keys and products."""
    order = np.argsort(-chances, axis=None)
    right = np.cumsum(stated.ravel()[order]) / np.arange(1, order.size + 1)
    good = np.flatnonzero(right >= WANTED + _MARGIN)
    return float(chances.ravel()[order][good[-1]]) if len(good) else 1.0


def _key_limit(stated: NDArray[np.bool_], chances: NDArray[np.float64], limit: float) -> float:
    """The limit of one key: the common one, or the lowest above it at which the key is right often enough."""
    for least in sorted({limit, *chances[chances > limit].tolist()}):
        chosen = chances >= least
        if (stated[chosen].sum() + WANTED * _DRAWN) / (chosen.sum() + _DRAWN) >= _KEY_LEAST:
            return least
    return 1.0


@dataclass(frozen=True)
class Measured:
    """What was asserted of products that neither fit nor calibration knew."""

    asserted: NDArray[np.bool_]
    chances: NDArray[np.float64]
    """Both of shape (products, keys)."""

    def figures(self, table: Table, keys: NDArray[np.bool_] | None = None) -> tuple[float, float, int, int]:
        """Precision, recall, number asserted, number stated."""
        part = np.ones(table.stated.shape[1], dtype=bool) if keys is None else keys
        asserted, stated = self.asserted[:, part], table.stated[:, part]
        right = int((asserted & stated).sum())
        return (
            right / max(1, int(asserted.sum())),
            right / max(1, int(stated.sum())),
            int(asserted.sum()),
            int(stated.sum()),
        )


def measure(table: Table, head: NDArray[np.bool_], folds: int = 8) -> Measured:
    """Constants from the other owners' products, applied to each product."""
    owners = sorted(set(table.owner.tolist()))
    fold = {name: n % folds for n, name in enumerate(np.random.default_rng(0).permutation(owners).tolist())}
    number = np.array([fold[name] for name in table.owner.tolist()])
    asserted = np.zeros(table.stated.shape, dtype=bool)
    chances = np.zeros(table.stated.shape)
    for n in range(folds):
        made = constants_of(table, number != n, head)
        test = number == n
        asserted[test] = table.score[test] >= made.threshold
        chances[test] = made.chances(table.score[test])
    return Measured(asserted, chances)
