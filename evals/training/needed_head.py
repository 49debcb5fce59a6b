"""Fit the head that selects passages of long documentation for an LLM, and report its recall of needed statements.

`python -m evals.training.needed_head --texts FOLDER` reads the documentation folders in which a blind reader marked the
needed statements (`evals.training.needed_marks`), fits the head, and writes the weights to corpus/knowledge/needed and
the figures to evals/training/NEEDED.md. The fact and role heads that supply its features are refitted without the
owners of these folders, so that the head learns how they behave on unlabelled products. The report measures each
folder with a head fitted on the other folders.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click
import numpy as np
from numpy.typing import NDArray

from agent.facts.needed import CONSTANTS, WEIGHTS, Floats, NeededHead, needed_features
from agent.facts.readers.heads import FactHeads, load_heads
from agent.facts.vocabulary import load_vocabulary
from agent.intake.extract.statements.roles import ROLES, RoleClassifier, load_roles, with_roles
from agent.records import Statement
from agent.resources import data_folder
from agent.retrieval.embed import DIMENSIONS, embed, embedder_id
from agent.retrieval.library import Library
from evals.script import run_script, wide_markdown
from evals.training.fact_heads import fit_rows, lines_of, prepare
from evals.training.fits import newton
from evals.training.labels import labelled_pages, labelled_texts, read_places
from evals.training.needed_marks import Folder, Mark, Span, folders, read_marks, spans
from evals.training.needed_shown import BUDGETS, Counts, counted
from evals.training.roles import lesson
from evals.training.weights import write_arrays, write_constants

PENALTY: Final = 20.0
VECTOR_PENALTY: Final = 15.0
"""Penalties on the squared weights of features scaled to unit deviation, and of vectors of unit length."""
_HALF: Final = 0.5
_ROUNDS: Final = 25
_ENOUGH: Final = 1e-6
_METHODS: Final = ("shown", "BM25", "first tokens")
_REPORT: Final = Path(__file__).parent / "NEEDED.md"
VECTOR_COLUMNS: Final = slice(0, 2 * DIMENSIONS)
"""The columns of `needed_features` that contain unit-length vectors."""


@dataclass(frozen=True)
class Taught:
    """The training data of one folder."""

    folder: Folder
    statements: tuple[Statement, ...]
    """The statements with their roles, in the form in which a draft uses them."""
    features: Floats
    """Features of the statements in the folder's library, shape (n, f)."""
    needed: NDArray[np.bool_]
    """Whether each library statement was marked, shape (n,)."""
    counts: NDArray[np.bool_]
    """Whether the reader was shown each library statement: only documentation was shown, not the listing."""
    spans: tuple[Span, ...]


def stand_ins(owners: frozenset[str], texts: Path) -> tuple[FactHeads, RoleClassifier]:
    """Fit the fact and role heads without these owners. Raises OSError when labels are missing."""
    places = [place for place in read_places() if place.owner not in owners]
    pages = labelled_pages(places, labelled_texts(places, [texts]))
    taught = lesson(pages)
    weights, bias = taught.fit(taught.every)
    roles = replace(load_roles(), weights=weights.astype(np.float32), bias=bias.astype(np.float32))
    ready = prepare(lines_of(pages))
    made = fit_rows(ready, np.ones(len(ready.lines.truth), dtype=np.bool_))
    heads, order = load_heads(), load_vocabulary().order
    columns = [order[key] for key in heads.keys]
    return replace(heads, features=ready.features, weights=made.weights[:, columns], bias=made.bias[columns]), roles


def taught_of(folder: Folder, marks: Sequence[Mark], heads: FactHeads, roles: RoleClassifier) -> Taught:
    """Prepare a folder and its marks for a fit."""
    placed = with_roles(folder.statements, folder.documents, embed([row.text for row in folder.statements]))
    places = tuple(spans(folder, [mark for mark in marks if mark.product == folder.product]))
    with Library(folder.documents, placed, "memory") as library:
        features = needed_features(library, heads, roles)
        own = library.statements
    wanted = np.array([any(_shares(row, place) for place in places) for row in own])
    counts = np.array([row.document != folder.documents[0].id for row in own])
    return Taught(folder, placed, features, wanted, counts, places)


def _shares(statement: Statement, place: Span) -> bool:
    document, start, end = place
    common = min(end, statement.end) - max(start, statement.start)
    return statement.document == document and common >= _HALF * (statement.end - statement.start)


def fit_needed(lessons: Sequence[Taught]) -> NeededHead:
    """Fit a logistic head by Newton's method; its weights apply to unscaled features."""
    features = np.concatenate([each.features[each.counts] for each in lessons])
    stated = np.concatenate([each.needed[each.counts] for each in lessons]).astype(np.float64)
    middle, scale = features.mean(axis=0), features.std(axis=0) + _ENOUGH
    middle[VECTOR_COLUMNS], scale[VECTOR_COLUMNS] = 0.0, 1.0
    penalty = np.full(features.shape[1] + 1, PENALTY)
    penalty[VECTOR_COLUMNS], penalty[-1] = VECTOR_PENALTY, _ENOUGH
    rows = np.concatenate([(features - middle) / scale, np.ones((len(features), 1))], axis=1)
    start = np.zeros(rows.shape[1])
    start[-1] = np.log(stated.mean() / (1 - stated.mean()))
    even = np.ones(len(rows))
    found = newton(rows, stated, even, penalty, rounds=_ROUNDS, start=start, floor=_ENOUGH, enough=_ENOUGH)
    weights = found[:-1] / scale
    return NeededHead(weights, float(found[-1] - middle @ weights))


def recall(taught: Taught, head: NeededHead) -> list[Counts]:
    """Count the marked statements that each method shows at each budget."""
    return [
        counted(taught.folder, taught.statements, taught.spans, budget, lambda _: head.odds(taught.features))
        for budget in BUDGETS
    ]


def render(rows: Sequence[tuple[str, int, Sequence[Counts]]], features: int) -> str:
    """Return the report as Markdown: for each folder its name, its marks, and what is shown of them."""
    total = sum(marks for _, marks, _ in rows)
    cells = [
        [product, str(marks), *(f"{count / marks:.2f}" for counts in found for count in counts)]
        for product, marks, found in rows
    ]
    every = np.sum([found for *_, found in rows], axis=0) / total
    cells.append(["all", str(total), *(f"{share:.3f}" for share in every.ravel())])
    heads = [f"{name}, {budget:,}" for budget in BUDGETS for name in _METHODS]
    return f"""\
# Passages shown to an LLM: how many of the needed statements they contain

Written by `python -m evals.training.needed_head`. The figures are shares of the statements marked by
a blind reader that are shown within 8,000 and 16,000 tokens, in their own place or verbatim on another page. `shown`
uses a head that was fitted on the other folders, with fact and role heads fitted without the owners of any folder.

{total} marks in {len(rows)} folders; {features} features.

{wide_markdown(["folder", "marks", *heads], cells)}
"""


def main(arguments: Sequence[str]) -> None:
    """Fit the head, and write the weights and the report."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.needed_head")
    parser.add_argument("--texts", type=Path, required=True, help="the folder with sources.tsv and listings")
    texts = parser.parse_args(arguments).texts
    marks = read_marks()
    wanted = sorted({mark.product for mark in marks})
    found = list(folders(texts, wanted))
    if len(found) < len(wanted):
        click.echo(f"{len(found)} of {len(wanted)} marked folders were found; nothing is fitted")
        return
    owners = frozenset(mark.repository.split("/")[0].lower() for mark in marks)
    heads, roles = stand_ins(owners, texts)
    lessons = []
    for folder in found:
        lessons.append(taught_of(folder, marks, heads, roles))
        click.echo(f"  {folder.product}", err=True)
    rows = []
    for each in lessons:
        left_out = fit_needed([other for other in lessons if other is not each])
        rows.append((each.folder.product, len(each.spans), recall(each, left_out)))
    head = fit_needed(lessons)
    store = data_folder("corpus") / "knowledge" / "needed"
    constants = {
        "bias": round(head.bias, 6),
        "embedder": embedder_id(),
        "roles": list(ROLES),
        "sha256": write_arrays(store, {WEIGHTS: head.weights.astype(np.float32)})[WEIGHTS],
        "trained_on": sum(marks for _, marks, _ in rows),
    }
    write_constants(store / CONSTANTS, "needed_head", constants)
    report = render(rows, lessons[0].features.shape[1])
    _REPORT.write_text(report, "utf-8")
    click.echo(report)


if __name__ == "__main__":
    run_script(main)
