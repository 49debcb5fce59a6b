"""Fit the weights of `agent.intake.hidden.cues`: `python -m evals.bench.fit_cues FOLDER... [--readings DIR]`.

Positive examples are the visible orders of `tests/vectors`, each represented by its highest-scoring passage. Negative
examples are all passages of the files under each FOLDER (except products with a reading in DIR), of the corpus, and of
the honest sentences in `tests/vectors/orders.json`. The fit is a ridge-penalised logistic regression in numpy. Prints
the weights, and how many orders and pages exceed each threshold. One set of `visible_orders.json` is measured but not
used in the fit.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from agent.intake.hidden import cues
from agent.resources import data_folder
from evals.bench.findings import ORDERS, documents, orders

LEFT_OUT: Final = "fifth"
_OTHER_ORDERS: Final = ORDERS.parent / "orders.json"
_RIDGE: Final = 1.0
_ORDER_WEIGHT: Final = 8.0
_HONEST_WEIGHT: Final = 8.0
_STEPS: Final = 40
_ROUNDS: Final = 4
_ALLOWED: Final = (0, 1, 2, 3, 5, 7, 10, 20)

NAMES: Final = (*cues.CUES, *(f"{one}+{two}" for one, two in cues.PAIRS), cues.LONG)
Rows = npt.NDArray[np.float64]


def rows(text: str) -> Rows:
    """Build a 0/1 row for each passage of a text, with a column for each cue and a final constant column."""
    found = [[name in passage.cues for name in NAMES] + [True] for passage in cues.passages(text)]
    return np.array(found, dtype=np.float64).reshape(len(found), len(NAMES) + 1)


def fit(positive: Rows, negative: Rows, weights: Rows) -> Rows:
    """Return logistic regression coefficients, fitted by Newton's method; `weights` applies to the negative rows."""
    both = np.vstack([positive, negative])
    wanted = np.concatenate([np.ones(len(positive)), np.zeros(len(negative))])
    weight = np.concatenate([np.full(len(positive), _ORDER_WEIGHT), weights])
    ridge = np.diag(np.concatenate([np.full(len(NAMES), _RIDGE), [0.0]]))
    made = np.zeros(len(NAMES) + 1)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(both @ made, -30, 30)))
        slope = both.T @ (weight * (chance - wanted)) + ridge @ made
        bend = (both * (weight * chance * (1 - chance))[:, None]).T @ both + ridge
        made = made - np.linalg.solve(bend, slope)
    return made


def fitted(positive: Sequence[Rows], negative: Rows, weights: Rows) -> Rows:
    """Repeat `fit` with each positive text represented by its highest-scoring passage; return the coefficients."""
    made = fit(np.array([each[-1] for each in positive]), negative, weights)
    for _ in range(_ROUNDS):
        made = fit(np.array([each[int(np.argmax(each @ made))] for each in positive]), negative, weights)
    return made


def _best(found: Iterable[Rows], made: Rows) -> list[float]:
    return [float((each @ made).max()) if len(each) else -99.0 for each in found]


def main() -> None:
    """Fit the weights and print them with the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--readings", type=Path)
    given = parser.parse_args()
    texts = [found for folder in given.folders for _, found in documents(folder, given.readings)]
    real = [rows("\n\n".join(document.text for document in found)) for found in texts]
    corpus = data_folder("corpus") / "cases"
    ours = [rows(path.read_text("utf-8")) for path in (*corpus.glob("*/listing.md"), *corpus.glob("*/docs/*.md"))]
    other = json.loads(_OTHER_ORDERS.read_text("utf-8"))
    ours += [rows(text) for text in other["honest"]]
    sets: dict[str, list[Rows]] = {"orders.json": [rows(text) for text in other["attacks"] if text.isascii()]}
    for order in orders():
        sets.setdefault(order.half, []).append(rows(order.page().text))
    negative = np.vstack([*real, *ours])
    weights = np.concatenate([np.ones(sum(map(len, real))), np.full(sum(map(len, ours)), _HONEST_WEIGHT)])
    positive = [each for name, group in sets.items() if name != LEFT_OUT for each in group if len(each)]
    made = fitted(positive, negative, weights)
    for name, value in zip((*NAMES, "constant"), made, strict=True):
        print(f'    "{name}": {value:.1f},')
    pages = sorted(_best(real, made), reverse=True)
    for allowed in _ALLOWED:
        limit = pages[allowed]
        shares = {name: sum(best > limit for best in _best(group, made)) / len(group) for name, group in sets.items()}
        listed = ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
        honest = sum(best > limit for best in _best(ours, made))
        print(f"{allowed} of {len(pages)} pages over {limit - made[-1]:.2f}: {listed}; of ours {honest}")


if __name__ == "__main__":
    main()
