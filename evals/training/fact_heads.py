"""Fit the heads of the embedded fact reader on labelled statements, and report their quality.

`python -m evals.training.fact_heads --texts FOLDER …` finds the labelled texts by hash in the folders and in the
bundled corpus, lists any that are missing, fits the heads, and writes the weights to corpus/knowledge/reader and the
figures to evals/training/FACTS.md. All figures and constants are measured on held-out owners.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from agent.facts.readers.features import WORDS_SCALE, dense, feature_ids, name_words
from agent.facts.readers.heads import known_features, logistic, read_heads
from agent.facts.readers.patterns import load_patterns
from agent.facts.readers.reach import may_assert
from agent.facts.vocabulary import load_vocabulary
from agent.intake.extract.statements.roles import ROLES, carries_facts, choose, load_roles
from agent.records import Statement
from agent.resources import data_folder
from evals.script import run_script
from evals.training.fact_calibration import constants_of, pattern_figures, table_of
from evals.training.fact_labels import read_fact_labels, truth_of
from evals.training.fact_report import render
from evals.training.fold_readers import Fit, Folds
from evals.training.kind_heads import fit_kinds
from evals.training.labels import LabelledPage, Place, all_pages, read_places
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
_SEVERAL: Final = 2
"""Depth of a product's folder in a repository with several products, such as `src/name`."""
_REPORT: Final = Path(__file__).parent / "FACTS.md"


@dataclass(frozen=True)
class Lines:
    """The statements in which somebody looked for any key, as arrays over n statements and k keys."""

    statements: tuple[Statement, ...]
    """The statements, with roles from a classifier fitted without their owner."""
    names: tuple[frozenset[str], ...]
    owner: NDArray[np.str_]
    product: NDArray[np.str_]
    """The repository, followed by the folder if the repository contains several products."""
    truth: NDArray[np.int8]
    """Shape (n, k): 1 asserted, -1 denied, 0 neither."""
    looked: NDArray[np.bool_]
    """Shape (n, k): whether somebody looked for the key in the statement; if not, a truth of 0 is meaningless."""
    weight: NDArray[np.float64]
    """The weight of each statement for each key, shape (n, k)."""
    reaches: NDArray[np.bool_]
    """Whether the statement reaches the reader."""


class Matrix(NamedTuple):
    """The features of statements, scaled as the heads use them."""

    words: "csr_matrix"
    dense: NDArray[np.float32]


@dataclass(frozen=True)
class Taught:
    """The inputs of a fit, prepared once: labelled statements, and the sentences of the vocabulary."""

    lines: Lines
    features: NDArray[np.uint32]
    """The sorted features that are frequent enough to get a weight."""
    matrix: Matrix
    examples: Matrix
    examples_truth: NDArray[np.int8]


def lines_of(pages: Sequence[LabelledPage]) -> Lines:
    """Collect the statements of the pages, with roles from classifiers that held out their owners."""
    chances = left_out(pages, lesson(pages))
    labels, threshold = read_fact_labels(), load_roles().threshold
    statements: list[Statement] = []
    names, owner, product, columns = [], [], [], []
    first = 0
    for page in pages:
        own = chances[first : first + len(page.statements)]
        first += len(own)
        if not len(own):
            continue
        carries = carries_facts(own, threshold)
        roles = choose(own, carries)
        known = truth_of(page, labels.get(page.document.sha256, []))
        title = page.document.title or (page.statements[0].path[0] if page.statements[0].path else "")
        kept = np.flatnonzero(known.looked.any(axis=1))
        statements += [page.statements[n].model_copy(update={"role": ROLES[roles[n]]}) for n in kept]
        names += [name_words(title)] * len(kept)
        owner += [page.places[0].owner] * len(kept)
        product += [_product(page.places[0])] * len(kept)
        reaches = carries & np.array([not row.flagged and row.about != "other" for row in page.statements])
        columns.append((known.says[kept], known.looked[kept], known.weight[kept], reaches[kept]))
    truth, looked, weight, reaching = (np.concatenate(column) for column in zip(*columns, strict=True))
    return Lines(tuple(statements), tuple(names), np.array(owner), np.array(product), truth, looked, weight, reaching)


def _product(place: Place) -> str:
    folders = place.path.split("/")[:-1]
    several = len(folders) == _SEVERAL and folders[0] in ("src", "servers", "packages")
    return "/".join((place.repository, *folders)) if several else place.repository


def prepare(lines: Lines) -> Taught:
    """Build the matrices of labelled statements and of the vocabulary's sentences.

    For each key, the vocabulary has three sentences that state it and three that do not.
    """
    ids = feature_ids(lines.statements, lines.names)
    seen: Counter[int] = Counter()
    owners: dict[int, set[str]] = {}
    for row, owner in zip(ids, lines.owner.tolist(), strict=True):
        seen.update(row.tolist())
        for place in row.tolist():
            owners.setdefault(place, set()).add(owner)
    kept = [place for place, count in seen.items() if count >= _SEEN and len(owners[place]) >= _OWNERS]
    known = np.array(sorted(kept), dtype=np.uint32)
    keys = load_vocabulary()
    examples = [
        Statement(
            document="D1", start=0, end=len(text), text=text, path=(), sort="description", rank=2, about="product",
            flagged=False,
        )
        for key in keys for text in (*key.examples, *key.near_misses)
    ]  # fmt: skip
    stated = np.concatenate([[1] * len(key.examples) + [0] * len(key.near_misses) for key in keys])
    truth = (_own_examples() & (stated > 0)[:, None]).astype(np.int8)
    others = feature_ids(examples, [frozenset()] * len(examples))
    return Taught(lines, known, _matrix(ids, known, lines.statements), _matrix(others, known, examples), truth)


def _own_examples() -> NDArray[np.bool_]:
    """Return whether each sentence of the vocabulary is about each key, shape (6 k, k)."""
    own: NDArray[np.bool_] = np.repeat(np.eye(len(load_vocabulary()), dtype=bool), 6, axis=0)
    return own


def _matrix(ids: Sequence[NDArray[np.uint32]], known: NDArray[np.uint32], statements: Sequence[Statement]) -> Matrix:
    """Compute the features of statements as the reader does."""
    from scipy.sparse import csr_matrix

    places, starts = known_features(ids, known)
    counts = np.diff(starts)
    values = np.repeat(WORDS_SCALE / np.sqrt(np.maximum(counts, 1)), counts).astype(np.float32)
    words = csr_matrix((values, places, starts), shape=(len(counts), len(known)), dtype=np.float32)
    return Matrix(words, dense(statements))


def fit_rows(taught: Taught, rows: NDArray[np.bool_]) -> Fit:
    """Fit the heads on the selected labelled statements and on the vocabulary's sentences."""
    from scipy.sparse import vstack

    lines = taught.lines
    words = vstack([taught.matrix.words[rows], taught.examples.words]).tocsr().astype(np.float32)
    dense = np.concatenate([taught.matrix.dense[rows], taught.examples.dense])
    truth = np.concatenate([lines.truth[rows], taught.examples_truth])
    own = (lines.weight * lines.looked * np.where(lines.reaches, 1.0, _IDLE)[:, None]).astype(np.float32)
    example = np.where(_own_examples(), _EXAMPLE, _EXAMPLE_OTHERS).astype(np.float32)
    return fit(Matrix(words, dense), truth, np.concatenate([own[rows], example]))


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
        slope = weight * (logistic(scores) - stated)
        change = np.concatenate([turned @ slope, dense.T @ slope, slope.sum(axis=0, keepdims=True)])
        return float(cost), (change + penalty * weights).astype(np.float64).ravel()

    asked = {"maxiter": _ROUNDS, "maxcor": 6}
    found = minimize(loss, np.zeros((width + size + 1) * keys), jac=True, method="L-BFGS-B", options=asked)
    weights = found.x.reshape(width + size + 1, keys).astype(np.float32)
    return Fit(weights[:-1], weights[-1] + start)


def scores_left_out(taught: Taught) -> tuple[NDArray[np.float32], Folds]:
    """Return the out-of-fold log-odds of every statement, shape (n, k), and the fits that left out its owner."""
    lines = taught.lines
    fold = folds_of(lines.owner, np.ones(len(lines.owner)))
    found = np.zeros(lines.truth.shape, dtype=np.float32)
    width = len(taught.features)
    fits: list[Fit] = []
    for number in range(FOLDS):
        test = fold == number
        weights, bias = fit_rows(taught, ~test)
        fits.append(Fit(weights, bias))
        found[test] = taught.matrix.words[test] @ weights[:width] + taught.matrix.dense[test] @ weights[width:] + bias
        click.echo(f"  fold {number + 1} of {FOLDS}", err=True)
    return found, Folds(taught.features, dict(zip(lines.owner.tolist(), fold.tolist(), strict=True)), fits)


def main(arguments: Sequence[str]) -> None:
    """Fit on all labelled statements, calibrate on held-out owners, and write the files and the report."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.fact_heads")
    parser.add_argument("--texts", type=Path, nargs="*", default=[], help="folders with the labelled texts")
    parser.add_argument("--folds", type=Path, help="file for the fits that left out an eighth of the owners each")
    asked = parser.parse_args(arguments)
    folders = asked.texts
    pages = all_pages(read_places(), folders, "heads")
    if not pages:
        return
    lines = lines_of(pages)
    taught = prepare(lines)
    usable = may_assert(lines.statements, list(load_vocabulary()))
    scores, folds = scores_left_out(taught)
    table = table_of(lines, scores, usable)
    every = np.ones(len(table.products), dtype=bool)
    constants = constants_of(table, every, (lines.truth > 0).sum(axis=0) >= RAREST)
    made = fit_rows(taught, np.ones(len(lines.statements), dtype=bool))
    kinds = fit_kinds(folders)
    patterns = pattern_figures(lines, load_patterns())
    folder = data_folder("corpus") / "knowledge" / "reader"
    before = read_heads(folder).keys
    after = tuple(key.id for key, head in zip(load_vocabulary(), constants.head, strict=True) if head)
    write_reader(folder, made, taught.features, constants, kinds, patterns, len(lines.statements))
    if asked.folds:
        folds.write(asked.folds)
    if after != before:
        carry_outlook(folder.parent / "outlook", before, after)
        click.echo("the keys have changed: fit the outlook again with evals.training.derive")
    report = render(len(lines.statements), table, constants, kinds, patterns)
    _REPORT.write_text(report, "utf-8")
    click.echo(report)


if __name__ == "__main__":
    run_script(main)
