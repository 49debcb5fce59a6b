"""Fit the role classifier on labelled statements, and report its quality on held-out products.

`python -m evals.training.roles --texts FOLDER …` finds the labelled texts by hash in the folders and in the bundled
corpus, fits the classifier, and writes the weights to corpus/knowledge/roles and the figures to
evals/training/ROLES.md. If texts are missing, it only lists them.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import numpy as np
from numpy.typing import NDArray

from agent.intake.extract.statements.role_features import BUCKETS, hashed, named_features, paper
from agent.intake.extract.statements.roles import (
    CONSTANTS,
    ROLES,
    VECTOR_SCALE,
    WEIGHTS,
    WORDS_SCALE,
    discounted,
    set_apart,
)
from agent.resources import data_folder
from agent.retrieval.embed import embed, embedder_id
from evals.script import run_script
from evals.training.labels import LabelledPage, all_pages, read_labels
from evals.training.role_report import first_batch, places_of, render, threshold_of
from evals.training.weights import rounded, small_of, write_arrays, write_constants

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FOLDS: Final = 8
KEPT: Final = 0.93
"""Share of the carrying statements that must pass the threshold."""
STEEPNESS: Final = 2.0
_PENALTY: Final = 0.03
"""`C` of scikit-learn's LinearSVC."""
_ROUNDS: Final = 40
_REPORT: Final = Path(__file__).parent / "ROLES.md"


@dataclass(frozen=True)
class Lesson:
    """All labelled pages as one matrix."""

    features: "csr_matrix"
    """Sparse, shape (statements, BUCKETS + DIMENSIONS), scaled as in the classifier."""
    role: NDArray[np.int64]
    """Index into ROLES; -1 for a statement without a label."""
    weight: NDArray[np.float64]
    """Weight of each statement; the weights of one labelled place sum to 1."""
    owner: NDArray[np.str_]

    def fit(self, rows: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fit a one-vs-rest linear classifier for each role on the labelled statements among `rows`.

        Returns weights, shape (features, roles), and biases.
        """
        from sklearn.svm import LinearSVC

        used = rows & (self.role >= 0)
        machine = LinearSVC(C=_PENALTY, max_iter=_ROUNDS, tol=1e-3, random_state=0)
        machine.fit(self.features[used], self.role[used], sample_weight=self.weight[used])
        return machine.coef_.T, machine.intercept_

    @property
    def every(self) -> NDArray[np.bool_]:
        """The mask of all statements."""
        return np.ones(len(self.role), dtype=bool)


def lesson(pages: Sequence[LabelledPage]) -> Lesson:
    """Build the features and roles of all statements of the pages."""
    from scipy.sparse import csr_matrix, hstack

    indices, ends, vectors = [], [0], []
    for page in pages:
        if page.statements:
            found, starts = hashed(named_features(paper(page.document, page.statements)))
            indices.append(found)
            ends.extend((ends[-1] + starts[1:]).tolist())
            vectors.append(embed([statement.text for statement in page.statements]))
    counts = np.diff(ends)
    values = np.repeat(WORDS_SCALE / np.sqrt(counts), counts)
    words = csr_matrix((values, np.concatenate(indices), ends), shape=(len(counts), BUCKETS))
    return Lesson(
        features=hstack([words, csr_matrix(VECTOR_SCALE * np.concatenate(vectors))]).tocsr(),
        role=np.array([ROLES.index(role) if role else -1 for page in pages for role in page.roles]),
        weight=np.concatenate([_weights(page) for page in pages]),
        owner=np.array([page.places[0].owner for page in pages for _ in page.statements]),
    )


def _weights(page: LabelledPage) -> NDArray[np.float64]:
    """Split a weight of 1 per labelled place among the statements that share the most words with the place."""
    nearest: dict[int, tuple[int, int]] = {}
    for number, (place, held) in enumerate(zip(page.places, page.held, strict=True)):
        for statement, count in held.items() if place.role else ():
            nearest[statement] = max(nearest.get(statement, (0, 0)), (count, -number))
    own = {n: -nearest[n][1] for n, role in enumerate(page.roles) if role}
    sizes = Counter(own.values())
    return np.array([1 / sizes[own[n]] if n in own else 0.0 for n in range(len(page.statements))])


def folds_of(owner: NDArray[np.str_], weight: NDArray[np.float64]) -> NDArray[np.int64]:
    """Assign owners to folds, largest first, each to the lightest fold; return the fold of each statement."""
    sizes: Counter[str] = Counter()
    for name, part in zip(owner.tolist(), weight.tolist(), strict=True):
        sizes[name] += part
    room, fold = np.zeros(FOLDS), {}
    for name, size in sorted(sizes.items(), key=lambda pair: (-round(pair[1], 6), pair[0])):
        fold[name] = int(room.argmin())
        room[fold[name]] += size
    return np.array([fold[name] for name in owner.tolist()])


def left_out(pages: Sequence[LabelledPage], taught: Lesson) -> NDArray[np.float64]:
    """Return the out-of-fold role probabilities of every statement, shape (statements, roles)."""
    fold = folds_of(taught.owner, taught.weight)
    chances = np.zeros((len(fold), len(ROLES)))
    for number in range(FOLDS):
        weights, bias = taught.fit(fold != number)
        scores = taught.features[fold == number] @ weights + bias
        raised = np.exp(STEEPNESS * (scores - scores.max(axis=1, keepdims=True)))
        chances[fold == number] = raised / raised.sum(axis=1, keepdims=True)
    return discounted(chances, set_apart([statement for page in pages for statement in page.statements]))


def main(arguments: Sequence[str]) -> None:
    """Fit the classifier, and write the weights and the report."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.roles")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="folders with the labelled texts")
    pages = all_pages(read_labels(), parser.parse_args(arguments).texts, "weights")
    if not pages:
        return
    taught = lesson(pages)
    weights, bias = taught.fit(taught.every)
    places = places_of(pages, left_out(pages, taught))
    threshold = threshold_of(places.part(first_batch), KEPT)
    small, scales = small_of(weights)
    folder = data_folder("corpus") / "knowledge" / "roles"
    constants = {
        "bias": rounded(bias, 6),
        "embedder": embedder_id(),
        "roles": list(ROLES),
        "scales": rounded(scales, 9),
        "steepness": STEEPNESS,
        "threshold": round(threshold, 4),
        "trained_on": int((taught.role >= 0).sum()),
        "weights_sha256": write_arrays(folder, {WEIGHTS: small})[WEIGHTS],
    }
    write_constants(folder / CONSTANTS, "roles", constants)
    report = render(places, threshold)
    _REPORT.write_text(report, "utf-8")
    click.echo(report)


if __name__ == "__main__":
    run_script(main)
