"""Fit the heads of the embedded fact reader on labelled statements, and report their quality.

`python -m evals.training.fact_heads --texts FOLDER …` finds the labelled texts by hash in the folders and in the
bundled corpus, lists those found, fits, and writes the weights to corpus/knowledge/reader and the figures to
evals/training/FACTS.md. All figures and constants are measured on held-out owners.
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

from agent.facts.readers.features import WORDS_SCALE, dense, feature_ids, name_words
from agent.facts.readers.heads import known_features, read_heads
from agent.facts.readers.patterns import load_patterns
from agent.facts.readers.reach import may_assert
from agent.facts.vocabulary import load_vocabulary
from agent.intake.extract.statements.roles import ROLES, carries_facts, choose, discounted, load_roles, set_apart
from agent.records import Statement
from agent.resources import data_folder
from evals.script import run_script
from evals.training.fact_calibration import calibrate, pattern_figures
from evals.training.fact_labels import read_fact_labels, truth_of
from evals.training.fact_report import render
from evals.training.kind_heads import fit_kinds
from evals.training.labels import LabelledPage, Place, find_texts, labelled_pages, read_labels, read_places
from evals.training.reader_files import carry_outlook, write_reader
from evals.training.roles import folds_of, left_out, lesson

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

FOLDS: Final = 8
RAREST: Final = 4
"""Minimum number of labelled statements for a key to get a head."""
_OWNERS: Final = 3
_SEEN: Final = 3
"""Minimum numbers of owners and of statements in which a feature must occur to get a weight."""
_PENALTY: Final = 1.0
_ROUNDS: Final = 45
_EXAMPLE: Final = 1.0
_EXAMPLE_OTHERS: Final = 0.05
"""Weights of an example sentence of the vocabulary: for its own key, and as a negative example for other keys."""
_IDLE: Final = 0.5
"""Weight of a statement that does not reach the reader because its role carries no facts."""
_SHOWN: Final = 10
_SEVERAL: Final = 2
"""Depth of a product's folder in a repository with several products, such as `src/name`."""
_REPORT: Final = Path(__file__).parent / "FACTS.md"


@dataclass(frozen=True)
class Lines:
    """Labelled statements as columns, for n statements and k keys."""

    keys: tuple[str, ...]
    statements: tuple[Statement, ...]
    """The statements, with roles from a classifier fitted without their owner."""
    names: tuple[frozenset[str], ...]
    truth: NDArray[np.int8]
    """Shape (n, k): 1 asserted, -1 denied, 0 neither."""
    looked: NDArray[np.bool_]
    """Shape (n, k): whether somebody looked for the key in the statement; if not, a truth of 0 is meaningless."""
    weight: NDArray[np.float64]
    """The weight of each statement for each key, shape (n, k)."""
    reaches: NDArray[np.bool_]
    """Whether the statement reaches the reader."""
    owner: NDArray[np.str_]
    product: NDArray[np.str_]
    """The repository, followed by the folder if the repository contains several products."""

    def part(self, rows: NDArray[np.bool_]) -> "Lines":
        """Return the subset of statements selected by the mask."""
        places = np.flatnonzero(rows)
        return Lines(
            self.keys,
            tuple(self.statements[n] for n in places),
            tuple(self.names[n] for n in places),
            self.truth[rows],
            self.looked[rows],
            self.weight[rows],
            self.reaches[rows],
            self.owner[rows],
            self.product[rows],
        )


@dataclass(frozen=True)
class Matrix:
    """The features of statements, scaled as the heads use them."""

    words: "csr_matrix"
    dense: NDArray[np.float32]


@dataclass(frozen=True)
class Fit:
    """Weights, shape (features + columns of `features.dense`, k), and biases of all keys."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def scores(self, matrix: Matrix) -> NDArray[np.float32]:
        """Return the log-odds, shape (n, k)."""
        width = matrix.words.shape[1]
        found: NDArray[np.float32] = (
            matrix.words @ self.weights[:width] + matrix.dense @ self.weights[width:] + self.bias
        )
        return found


def lines_of(pages: Sequence[LabelledPage], chances: NDArray[np.float64]) -> Lines:
    """Collect the statements in which somebody looked for any key.

    `chances` are the out-of-fold role probabilities of all statements of the pages.
    """
    vocabulary = load_vocabulary()
    labels = read_fact_labels()
    threshold = load_roles().threshold
    statements: list[Statement] = []
    names, facts, looked, weight, reaches, owner, product = [], [], [], [], [], [], []
    first = 0
    for page in pages:
        count = len(page.statements)
        own = chances[first : first + count]
        first += count
        if not count:
            continue
        carries = carries_facts(own, threshold)
        roles = choose(own, carries)
        known = truth_of(page, labels.get(page.source.sha256, []))
        title = page.document.title or (page.statements[0].path[0] if page.statements[0].path else "")
        statements += [
            row.model_copy(update={"role": ROLES[role]}) for row, role in zip(page.statements, roles, strict=True)
        ]
        names += [name_words(title)] * count
        facts += list(known.facts)
        looked.append(known.looked)
        weight.append(known.weight)
        reaches.append(carries & np.array([not row.flagged and row.about != "other" for row in page.statements]))
        owner += [page.owner] * count
        product += [_product(page.source)] * count
    truth = np.zeros((len(statements), len(vocabulary)), dtype=np.int8)
    for row, found in enumerate(facts):
        for key, polarity in found.items():
            truth[row, vocabulary.order[key]] = -1 if polarity == "denied" else 1
    everything = Lines(
        tuple(key.id for key in vocabulary),
        tuple(statements),
        tuple(names),
        truth,
        np.concatenate(looked),
        np.concatenate(weight),
        np.concatenate(reaches),
        np.array(owner),
        np.array(product),
    )
    return everything.part(np.asarray(everything.looked.any(axis=1)))


def _product(place: Place) -> str:
    folders = place.path.split("/")[:-1]
    several = len(folders) == _SEVERAL and folders[0] in ("src", "servers", "packages")
    return "/".join((place.repository, *folders)) if several else place.repository


def examples() -> Lines:
    """Return the vocabulary's sentences as statements: for each key, three that state it and three that do not."""
    vocabulary = load_vocabulary()
    texts, truth = [], []
    for key in vocabulary:
        for sentence, stated in [(s, 1) for s in key.examples] + [(s, 0) for s in key.near_misses]:
            row = np.full(len(vocabulary), 0, dtype=np.int8)
            row[vocabulary.order[key.id]] = stated
            texts.append(sentence)
            truth.append(row)
    statements = tuple(
        Statement(
            document="D1", start=0, end=len(text), text=text, path=(), sort="description", rank=2, about="product",
            flagged=False,
        )
        for text in texts
    )  # fmt: skip
    count = len(texts)
    return Lines(
        tuple(key.id for key in vocabulary),
        statements,
        (frozenset[str](),) * count,
        np.array(truth),
        np.ones((count, len(vocabulary)), dtype=bool),
        np.ones((count, len(vocabulary))),
        np.ones(count, dtype=bool),
        np.array(["vocabulary"] * count),
        np.array(["vocabulary"] * count),
    )


def features_of(lines: Lines) -> tuple[list[NDArray[np.uint32]], NDArray[np.uint32]]:
    """Return each statement's hashed features, and the sorted features frequent enough to get a weight."""
    ids = feature_ids(lines.statements, lines.names)
    seen: Counter[int] = Counter()
    owners: dict[int, set[str]] = {}
    for row, owner in zip(ids, lines.owner.tolist(), strict=True):
        seen.update(row.tolist())
        for place in row.tolist():
            owners.setdefault(place, set()).add(owner)
    kept = [place for place, count in seen.items() if count >= _SEEN and len(owners[place]) >= _OWNERS]
    return ids, np.array(sorted(kept), dtype=np.uint32)


def matrix_of(ids: Sequence[NDArray[np.uint32]], known: NDArray[np.uint32], statements: Sequence[Statement]) -> Matrix:
    """Build the features of statements as the reader does."""
    from scipy.sparse import csr_matrix

    places, starts = known_features(ids, known)
    counts = np.diff(starts)
    values = np.repeat(WORDS_SCALE / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    words = csr_matrix((values, places, starts), shape=(len(counts), len(known)), dtype=np.float32)
    return Matrix(words, dense(statements))


def fit(matrix: Matrix, truth: NDArray[np.int8], weight: NDArray[np.float32]) -> Fit:
    """Fit one logistic head for each key, all at once; `weight` is the weight of each statement for each key."""
    from scipy.optimize import minimize

    words, dense, turned = matrix.words, matrix.dense, matrix.words.T.tocsr()
    stated = (truth > 0).astype(np.float32)
    width, size, keys = words.shape[1], dense.shape[1], stated.shape[1]
    share = np.clip((weight * stated).sum(axis=0) / np.maximum(weight.sum(axis=0), 1), 1e-4, 0.5)
    start = np.log(share / (1 - share)).astype(np.float32)
    penalty = np.concatenate([np.full(width + size, _PENALTY), [1e-3]]).astype(np.float32)[:, None]

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        weights = flat.reshape(width + size + 1, keys).astype(np.float32)
        scores = words @ weights[:width] + dense @ weights[width:-1] + weights[-1] + start
        cost = (weight * (np.logaddexp(0, scores) - stated * scores)).sum() + 0.5 * (penalty * weights**2).sum()
        slope = weight * (1 / (1 + np.exp(-np.clip(scores, -30, 30))) - stated)
        change = np.concatenate([turned @ slope, dense.T @ slope, slope.sum(axis=0, keepdims=True)])
        return float(cost), (change + penalty * weights).astype(np.float64).ravel()

    asked = {"maxiter": _ROUNDS, "maxcor": 6}
    found = minimize(loss, np.zeros((width + size + 1) * keys), jac=True, method="L-BFGS-B", options=asked)
    weights = found.x.reshape(width + size + 1, keys).astype(np.float32)
    return Fit(weights[:-1], weights[-1] + start)


def weight_of(lines: Lines) -> NDArray[np.float32]:
    """Return the weight of each statement for each key, shape (n, k); 0 where nobody looked for the key."""
    own = lines.weight * lines.looked * np.where(lines.reaches, 1.0, _IDLE)[:, None]
    found: NDArray[np.float32] = own.astype(np.float32)
    return found


def example_weight() -> NDArray[np.float32]:
    """Return the weights of the vocabulary's sentences, shape (6 k, k)."""
    vocabulary = load_vocabulary()
    found = np.full((6 * len(vocabulary), len(vocabulary)), _EXAMPLE_OTHERS, dtype=np.float32)
    for number in range(len(vocabulary)):
        found[6 * number : 6 * number + 6, number] = _EXAMPLE
    return found


@dataclass(frozen=True)
class Taught:
    """The inputs of a fit, prepared once."""

    lines: Lines
    matrix: Matrix
    features: NDArray[np.uint32]
    taught: Matrix
    """The features of the vocabulary's sentences."""
    taught_truth: NDArray[np.int8]


def prepare(lines: Lines) -> Taught:
    """Build the matrices of labelled statements and of the vocabulary's sentences."""
    ids, known = features_of(lines)
    own = examples()
    return Taught(
        lines,
        matrix_of(ids, known, lines.statements),
        known,
        matrix_of(feature_ids(own.statements, own.names), known, own.statements),
        own.truth,
    )


def fit_rows(taught: Taught, rows: NDArray[np.bool_]) -> Fit:
    """Fit the heads on the selected labelled statements and on the vocabulary's sentences."""
    from scipy.sparse import vstack

    part = taught.lines
    words = vstack([taught.matrix.words[rows], taught.taught.words]).tocsr().astype(np.float32)
    dense = np.concatenate([taught.matrix.dense[rows], taught.taught.dense])
    truth = np.concatenate([part.truth[rows], taught.taught_truth])
    return fit(Matrix(words, dense), truth, np.concatenate([weight_of(part)[rows], example_weight()]))


def scores_left_out(taught: Taught) -> NDArray[np.float32]:
    """Return the out-of-fold log-odds of every statement, from fits without its owner, shape (n, k)."""
    lines = taught.lines
    fold = folds_of(lines.owner, np.ones(len(lines.owner)))
    found = np.zeros(lines.truth.shape, dtype=np.float32)
    for number in range(FOLDS):
        test = fold == number
        made = fit_rows(taught, ~test)
        found[test] = made.scores(Matrix(taught.matrix.words[test], taught.matrix.dense[test]))
        click.echo(f"  fold {number + 1} of {FOLDS}", err=True)
    return found


def has_head(lines: Lines) -> NDArray[np.bool_]:
    """Return a mask of the keys with enough labels for a head, shape (k,)."""
    found: NDArray[np.bool_] = (lines.truth > 0).sum(axis=0) >= RAREST
    return found


def main(arguments: Sequence[str]) -> None:
    """Find the labelled texts, fit the heads, and write weights and report."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.fact_heads")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="folders with the labelled texts")
    asked = parser.parse_args(arguments)
    labels, places = read_labels(), read_places()
    everywhere = [*labels, *places]
    texts = find_texts({place.sha256 for place in everywhere}, [*asked.texts, data_folder("corpus") / "cases"])
    missing = sorted({(place.repository, place.path) for place in everywhere if place.sha256 not in texts})
    click.echo(f"{len(texts)} labelled texts are here, {len(missing)} are missing")
    if missing:
        for repository, path in missing[:_SHOWN]:
            click.echo(f"  missing: {repository} {path}")
        click.echo("nothing is fitted: the heads are those of all texts")
        return
    pages = labelled_pages(labels, texts, places)
    aside = set_apart([statement for page in pages for statement in page.statements])
    lines = lines_of(pages, discounted(left_out(lesson(pages)), aside))
    train(lines, asked.texts)


def train(lines: Lines, folders: Sequence[Path]) -> None:
    """Fit on all labelled statements, calibrate on held-out owners, and write the files and the report."""
    taught = prepare(lines)
    scores = scores_left_out(taught)
    usable = usable_of(lines)
    constants = calibrate(lines, scores, has_head(lines), usable)
    made = fit_rows(taught, np.ones(len(lines.statements), dtype=bool))
    kinds = fit_kinds(folders)
    patterns = pattern_figures(lines, load_patterns())
    folder = data_folder("corpus") / "knowledge" / "reader"
    before, after = read_heads(folder).keys, tuple(np.array(lines.keys)[constants.head].tolist())
    write_reader(folder, made.weights, made.bias, taught.features, constants, kinds, patterns, len(lines.statements))
    if after != before:
        carry_outlook(folder.parent / "outlook", before, after)
        click.echo("the keys are others: fit the outlook anew with evals.training.derive")
    report = render(lines, scores, usable, constants, kinds, patterns)
    _REPORT.write_text(report, "utf-8")
    click.echo(report)


def usable_of(lines: Lines) -> NDArray[np.bool_]:
    """Return a mask of the keys that each statement's form allows it to assert, shape (n, k)."""
    return may_assert(lines.statements, [load_vocabulary()[key] for key in lines.keys])


if __name__ == "__main__":
    run_script(main)
