"""Compare the estimator with baseline predictors on the bundled cases: `python -m evals.bench.estimators`.

Each fit holds out the vendor family of the case. The rows of the table are: the median of the other families' published
labels, a ridge regression from the page embedding to the mean of both label sets (which cannot explain its values), and
the reader's labels, which need no fit.
"""

import sys

import numpy as np
from numpy.typing import NDArray

from agent.resources import data_folder
from agent.retrieval.embed import embed
from agent.taxonomy.factors import FACTOR_SETS
from evals.cases.corpus import load_cases
from evals.cases.families import families

PENALTY = 0.5
KEYS = FACTOR_SETS["0.5"]
Floats = NDArray[np.float64]


def main() -> None:
    """Print, in one row for each predictor, the factor error against both label sets and the error of the sum."""
    cases = [c for c in load_cases(data_folder("corpus") / "cases") if c.published and c.reader]
    published = np.array([[c.published.factors[k] for k in KEYS] for c in cases if c.published])
    reader = np.array([[c.reader.factors[k].value for k in KEYS] for c in cases if c.reader])
    pages = np.asarray(embed(["\n".join(page.markdown for page in c.pages) for c in cases]), dtype=np.float64)
    labels = np.array(families([c.identity for c in cases]))
    median, ridge = np.empty_like(published), np.empty_like(published)
    for family in sorted(set(labels)):
        held = labels == family
        median[held] = np.median(published[~held], axis=0)
        ridge[held] = _ridge(pages, (published + reader) / 2, held)
    for name, guess in (("median", median), ("ridge on embeddings", np.clip(ridge, 0, 1)), ("reader", reader)):
        own = np.abs(guess - published).mean()
        other = np.abs(guess - reader).mean()
        total = np.abs(guess.sum(axis=1) - published.sum(axis=1)).mean()
        sys.stdout.write(f"{name:22} published {own:.3f}  reader {other:.3f}  sum {total:.2f}\n")


def _ridge(pages: Floats, targets: Floats, held: NDArray[np.bool_]) -> Floats:
    known, centre, mean = pages[~held], pages[~held].mean(axis=0), targets[~held].mean(axis=0)
    shifted = known - centre
    gram = shifted.T @ shifted + PENALTY * np.eye(pages.shape[1])
    weights: Floats = np.linalg.solve(gram, shifted.T @ (targets[~held] - mean))
    guess: Floats = (pages[held] - centre) @ weights + mean
    return guess


if __name__ == "__main__":
    main()
