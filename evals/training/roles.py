"""Fit the role classifier on labelled statements, and report its quality on held-out products.

`python -m evals.training.roles --texts FOLDER …` finds the labelled texts by hash in the folders and in the bundled
corpus, fits, and writes the weights to corpus/knowledge/roles and the figures to evals/training/ROLES.md. `--check`
writes nothing and raises DriftError if the stored weights differ from the fit; if texts are missing, it only lists
them. `--curve` also fits on growing shares of the owners.
"""

import argparse
import hashlib
import io
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import numpy as np
from numpy.typing import NDArray

from agent.errors import DriftError
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
from evals.training.labels import Label, LabelledPage, find_texts, labelled_pages, read_labels
from evals.training.role_figures import Figures, figures_of, places_of, threshold_of
from evals.training.role_report import render

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FOLDS: Final = 8
KEPT: Final = 0.93
"""Share of the carrying statements that must pass the threshold."""
STEEPNESS: Final = 2.0
_PENALTY: Final = 0.03
"""`C` of scikit-learn's LinearSVC."""
_ROUNDS: Final = 40
_SMALLEST: Final = 127
_SHOWN: Final = 10
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
    first: NDArray[np.int64]
    """The first row of each page."""


def lesson(pages: Sequence[LabelledPage]) -> Lesson:
    """Build the features and roles of all statements of the pages."""
    from scipy.sparse import csr_matrix, hstack

    indices, ends, vectors, first = [], [0], [], []
    for page in pages:
        first.append(len(ends) - 1)
        if not page.statements:
            continue
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
        owner=np.array([page.owner for page in pages for _ in page.statements]),
        first=np.array(first),
    )


def _weights(page: LabelledPage) -> NDArray[np.float64]:
    """Split a weight of 1 per labelled place among the statements that share most words with this place."""
    nearest: dict[int, tuple[int, int]] = {}
    for number, held in enumerate(page.held):
        for statement, count in held.items():
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


def fit(
    features: "csr_matrix", role: NDArray[np.int64], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fit a one-vs-rest linear classifier for each role; return weights, shape (features, roles), and biases."""
    from sklearn.svm import LinearSVC

    machine = LinearSVC(C=_PENALTY, max_iter=_ROUNDS, tol=1e-3, random_state=0)
    machine.fit(features, role, sample_weight=weight)
    return machine.coef_.T, machine.intercept_


def chances_of(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert scores to probabilities as `RoleClassifier.chances` does."""
    raised = np.exp(STEEPNESS * (scores - scores.max(axis=1, keepdims=True)))
    found: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return found


def left_out(taught: Lesson, usable: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
    """Return the out-of-fold role probabilities of every statement, shape (statements, roles).

    `usable` masks the statements whose labels the fits may use; the default is all.
    """
    fold = folds_of(taught.owner, taught.weight)
    usable = (taught.role >= 0) if usable is None else (taught.role >= 0) & usable
    chances = np.zeros((len(fold), len(ROLES)))
    for number in range(FOLDS):
        train, test = usable & (fold != number), fold == number
        weights, bias = fit(taught.features[train], taught.role[train], taught.weight[train])
        chances[test] = chances_of(taught.features[test] @ weights + bias)
    return chances


def small_of(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float64]]:
    """Quantise the weights to one-byte integers; return them with the scale factor of each role."""
    scales = np.abs(weights).max(axis=0) / _SMALLEST
    return np.ascontiguousarray(np.round(weights / scales).astype(np.int8)), scales


def write_roles(
    folder: Path, weights: NDArray[np.float64], bias: NDArray[np.float64], threshold: float, trained: int
) -> None:
    """Write the weights as one-byte integers, and their constants; the same fit gives the same bytes."""
    small, scales = small_of(weights)
    stored = io.BytesIO()
    np.save(stored, small, allow_pickle=False)
    constants = {
        "about": "Written by `python -m evals.training.roles`; a change by hand is noticed.",
        "bias": [round(float(value), 6) for value in bias],
        "embedder": embedder_id(),
        "roles": list(ROLES),
        "scales": [round(float(value), 9) for value in scales],
        "steepness": STEEPNESS,
        "threshold": round(threshold, 4),
        "trained_on": trained,
        "weights_sha256": hashlib.sha256(stored.getvalue()).hexdigest(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(stored.getvalue())
    (folder / CONSTANTS).write_text(json.dumps(constants, indent=1, sort_keys=True) + "\n", "utf-8")


def main(arguments: Sequence[str]) -> None:
    """Fit, write and report. With `--check`, raises DriftError when the stored weights differ from the fit."""
    asked = _parser().parse_args(arguments)
    labels = read_labels()
    texts = find_texts({label.sha256 for label in labels}, [*asked.texts, data_folder("corpus") / "cases"])
    missing = sorted({(label.repository, label.path) for label in labels if label.sha256 not in texts})
    click.echo(f"{len(texts)} labelled texts are here, {len(missing)} are missing")
    if missing:
        for repository, path in missing[:_SHOWN]:
            click.echo(f"  missing: {repository} {path}")
        click.echo("nothing is fitted: the weights are those of all texts")
        return
    pages = labelled_pages(labels, texts)
    taught = lesson(pages)
    usable = taught.role >= 0
    weights, bias = fit(taught.features[usable], taught.role[usable], taught.weight[usable])
    folder = data_folder("corpus") / "knowledge" / "roles"
    if asked.check:
        _check(folder, weights)
        return
    aside = set_apart([statement for page in pages for statement in page.statements])
    chances = left_out(taught)
    places = places_of(pages, discounted(chances, aside))
    threshold = threshold_of(places.part(_is_first), KEPT)
    write_roles(folder, weights, bias, threshold, int(usable.sum()))
    report = render(places, threshold, _curve(pages, taught) if asked.curve else ())
    _REPORT.write_text(report, "utf-8")
    click.echo(report)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.training.roles")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="folders with the labelled texts")
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    parser.add_argument("--curve", action="store_true", help="fit on parts of the labels as well")
    return parser


def _is_first(label: Label) -> bool:
    return label.batch == "first"


def _curve(pages: Sequence[LabelledPage], taught: Lesson) -> list[tuple[str, Figures]]:
    """Measure on the first batch of labels, with fits on a share of the owners or on the first batch alone."""
    names = sorted(set(taught.owner.tolist()))
    order = np.random.default_rng(0).permutation(len(names))
    rank = {names[n]: place / len(names) for place, n in enumerate(order)}
    places = np.array([rank[name] for name in taught.owner.tolist()])
    first = np.array([_from_first(page, n) for page in pages for n in range(len(page.statements))])
    asked = [(f"{share:.0%} of the owners", places < share) for share in (0.25, 0.5)]
    found = []
    for name, usable in [*asked, ("the first labels alone", first)]:
        kept = places_of(pages, left_out(taught, usable)).part(_is_first)
        found.append((name, figures_of(kept, threshold_of(kept, KEPT))))
    return found


def _from_first(page: LabelledPage, statement: int) -> bool:
    return any(statement in held and label.batch == "first" for label, held in zip(page.labels, page.held, strict=True))


def _check(folder: Path, weights: NDArray[np.float64]) -> None:
    stored = np.load(folder / WEIGHTS, allow_pickle=False)
    if not np.array_equal(stored, small_of(weights)[0]):
        raise DriftError(
            "the role weights are not what the labels give",
            where=str(folder / WEIGHTS),
            hint="run `python -m evals.training.roles --texts FOLDER` and commit the result",
        )
    click.echo("the stored weights are those of the fit")


if __name__ == "__main__":
    run_script(main)
