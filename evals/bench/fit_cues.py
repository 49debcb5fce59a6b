"""Fit the weights of `agent.intake.hidden.cues`: `python -m evals.bench.fit_cues FOLDER... [--readings DIR]`.

Positive examples are the visible orders of `tests/vectors`, each represented by its highest-scoring passage. Negative
examples are all passages of the files under each FOLDER (except products with a reading in DIR), of the corpus, and of
the harmless sentences in `tests/vectors/orders.json`. The fit is a ridge-penalised logistic regression in numpy. One
set of `visible_orders.json` is measured but not used in the fit.

Prints the weights and, for several thresholds, how many of 100 pages and what share of each set of orders exceed the
threshold in cross-validation: a page is scored with weights fitted without its vendor (the first part of its folder's
name, up to a `+`), and an order with weights fitted without its set. The threshold is chosen from these figures.
"""

import argparse
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from agent.intake.hidden import cues
from agent.resources import data_folder
from evals.bench.findings import AFTER, BEFORE, ORDERS, Order, documents, orders

LEFT_OUT: Final = "fifth"
FOLDS: Final = 5
_OTHER_ORDERS: Final = ORDERS.parent / "orders.json"
_RIDGE: Final = 1.0
_ORDER_WEIGHT: Final = 8.0
_OUR_WEIGHT: Final = 8.0
_STEPS: Final = 40
_SMALL: Final = 1e-5
_ROUNDS: Final = 4
_STRIDE: Final = 0.25
_LOWEST: Final = 1.0
_HIGHEST: Final = 6.0
_NEVER: Final = -99.0

Rows = npt.NDArray[np.float64]


class Text(NamedTuple):
    """The rows of the passages of one page or order, and the vendor or set that it is held out with."""

    group: str
    rows: Rows
    ours: bool = False
    """Whether the text was written for this project; such text must not be flagged at all."""


def rows(text: str, first: int = 0, last: int | None = None) -> Rows:
    """Build a 0/1 row for each passage within `text[first:last]`, with a column for each cue and a constant column."""
    stop = len(text) if last is None else last
    found = [
        [name in passage.cues for name in cues.NAMES] + [True]
        for passage in cues.passages(text)
        if first <= passage.start and passage.end <= stop
    ]
    return np.array(found, dtype=np.float64).reshape(len(found), len(cues.NAMES) + 1)


def order_rows(order: Order) -> Rows:
    """Build the rows of an order's own passages. The text shared by all order pages is left out, since the fit would
    learn it as a sign of an order.
    """
    text = order.page().text
    return rows(text, text.index(BEFORE.split()[-1]) + len(BEFORE.split()[-1]), text.rindex(AFTER.strip()))


def fit(positive: Rows, negative: Rows, weights: Rows) -> Rows:
    """Return logistic regression coefficients, fitted by Newton's method; `weights` has the weights of the negative
    rows."""
    both = np.vstack([positive, negative])
    wanted = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    weight = np.concatenate([np.full(len(positive), _ORDER_WEIGHT), weights])
    ridge = np.diag(np.concatenate([np.full(both.shape[1] - 1, _RIDGE), [0.0]]))
    made = np.zeros(both.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(both @ made, -30, 30)))
        slope = both.T @ (weight * (chance - wanted)) + ridge @ made
        bend = (both * (weight * chance * (1 - chance))[:, None]).T @ both + ridge
        step = np.linalg.solve(bend, slope)
        made = made - step
        if np.abs(step).max() < _SMALL:
            break
    return made


def fitted(found: Sequence[Text], pages: Sequence[Text]) -> Rows:
    """Repeat `fit` with each order represented by its highest-scoring passage; return the coefficients."""
    positive = [each.rows for each in found if len(each.rows)]
    negative = np.vstack([each.rows for each in pages])
    weights = np.concatenate([np.full(len(each.rows), _OUR_WEIGHT if each.ours else 1.0) for each in pages])
    made = fit(np.array([each[-1] for each in positive]), negative, weights)
    for _ in range(_ROUNDS):
        made = fit(np.array([each[int(np.argmax(each @ made))] for each in positive]), negative, weights)
    return made


def left_out_scores(texts: Sequence[Text], fold: Callable[[str], str], refit: Callable[[str], Rows]) -> Rows:
    """Score each text, leaving out the constant, with the weights that `refit` fits without the texts of its fold."""
    made = {name: refit(name) for name in sorted({fold(each.group) for each in texts})}
    return np.array([_best(each.rows, made[fold(each.group)]) for each in texts])


def _best(found: Rows, made: Rows) -> float:
    return float((found @ made).max() - made[-1]) if len(found) else _NEVER


def _fold(vendor: str) -> str:
    return str(zlib.crc32(vendor.encode()) % FOLDS)


def _pages(folders: Iterable[Path], readings: Path | None) -> Iterator[Text]:
    for folder in folders:
        for name, found in documents(folder, readings):
            vendor = name.split("/")[0].split("+")[0].lower()
            yield Text(vendor, rows("\n\n".join(document.text for document in found)))


def _ours() -> Iterator[Text]:
    corpus = data_folder("corpus") / "cases"
    for path in (*corpus.glob("*/listing.md"), *corpus.glob("*/docs/*.md")):
        yield Text(path.relative_to(corpus).parts[0], rows(path.read_text("utf-8")), ours=True)
    for text in json.loads(_OTHER_ORDERS.read_text("utf-8"))["honest"]:
        yield Text(text, rows(text), ours=True)


def _orders() -> Iterator[Text]:
    for text in json.loads(_OTHER_ORDERS.read_text("utf-8"))["attacks"]:
        if text.isascii():
            yield Text("orders.json", rows(text))
    for order in orders():
        yield Text(order.half, order_rows(order))


def _figures(real: Rows, ours: Rows, found: Sequence[Text], scores: Rows) -> Iterator[str]:
    names = list(dict.fromkeys(each.group for each in found))
    for limit in np.arange(_LOWEST, _HIGHEST, _STRIDE):
        over = {name: np.mean(scores[[each.group == name for each in found]] > limit) for name in names}
        listed = ", ".join(f"{name} {share:.2f}" for name, share in over.items())
        yield (
            f"over {limit:.2f}: {100 * np.mean(real > limit):.2f} in 100 of {len(real)} pages, {np.sum(ours > limit)} "
            f"of {len(ours)} texts of ours; by cues alone {listed}"
        )


def report(pages: Sequence[Text], ours: Sequence[Text], found: Sequence[Text]) -> Iterator[str]:
    """Yield the weights, then the figures of cross-validation for each threshold."""
    used = [each for each in found if each.group != LEFT_OUT]
    made = fitted(used, [*pages, *ours])
    for name, value in zip((*cues.NAMES, "constant"), made, strict=True):
        yield f'    "{name}": {value:.1f},'
    every = [*pages, *ours]
    scores = left_out_scores(
        every, _fold, lambda fold: fitted(used, [each for each in every if _fold(each.group) != fold])
    )
    kept = left_out_scores(found, str, lambda name: fitted([each for each in used if each.group != name], every))
    yield from _figures(scores[: len(pages)], scores[len(pages) :], found, kept)


def main() -> None:
    """Fit the weights and print them with the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--readings", type=Path)
    given = parser.parse_args()
    print("\n".join(report(list(_pages(given.folders, given.readings)), list(_ours()), list(_orders()))))


if __name__ == "__main__":
    main()
