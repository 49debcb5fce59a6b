"""Fit the head that selects passages of long documentation for an LLM, and report its recall of needed statements.

`python -m evals.training.needed_head --texts FOLDER` reads the documentation folders in which a blind reader marked the
needed statements (`evals.training.needed_marks`), fits the head, and writes the weights to corpus/knowledge/needed and
the figures to evals/training/NEEDED.md. The fact and role heads that supply its features are refitted without the
owners of these folders, so that the head learns how they behave on unlabelled products. The report measures each
folder with a head fitted on the other folders.
"""

import argparse
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import click
import numpy as np
from numpy.typing import NDArray

from agent.facts.needed import CONSTANTS, WEIGHTS, Floats, NeededHead, needed_features, vector_columns
from agent.facts.readers.heads import FactHeads, load_heads
from agent.facts.topics import topics
from agent.intake.extract.statements.roles import ROLES, RoleClassifier, discounted, load_roles, set_apart, with_roles
from agent.records import Statement
from agent.resources import data_folder
from agent.retrieval.embed import embed, embedder_id
from agent.retrieval.library import Library
from agent.retrieval.shown import passages_for
from evals.script import run_script
from evals.training.fact_heads import fit_rows, lines_of, prepare
from evals.training.labels import find_texts, labelled_pages, read_labels, read_places
from evals.training.needed_marks import Folder, Mark, folders, read_marks, spans
from evals.training.needed_shown import BUDGETS, Span, first, held, lexical, spans_of
from evals.training.roles import fit as fit_roles, left_out, lesson

PENALTY: Final = 20.0
VECTOR_PENALTY: Final = 15.0
"""Penalties on the squared weights of features scaled to unit deviation, and of vectors of unit length."""
_HALF: Final = 0.5
_ROUNDS: Final = 25
_ENOUGH: Final = 1e-6
_REPORT: Final = Path(__file__).parent / "NEEDED.md"


@dataclass(frozen=True)
class Taught:
    """The training data of one folder."""

    folder: Folder
    statements: tuple[Statement, ...]
    """The statements with their roles, as a draft passes them on."""
    features: Floats
    """Features of the statements in the folder's library, shape (n, f)."""
    needed: NDArray[np.bool_]
    """Whether each library statement was marked, shape (n,)."""
    counts: NDArray[np.bool_]
    """Whether the reader was shown each library statement: only documentation was shown, not the listing."""
    spans: tuple[Span, ...]


def stand_ins(owners: frozenset[str], texts: Sequence[Path]) -> tuple[FactHeads, RoleClassifier]:
    """Fit the fact and role heads without these owners. Raises OSError when labels are missing."""
    labels = [label for label in read_labels() if label.owner not in owners]
    facts = [place for place in read_places() if place.owner not in owners]
    found = find_texts({place.sha256 for place in (*labels, *facts)}, [*texts, data_folder("corpus") / "cases"])
    pages = labelled_pages(labels, found, facts)
    taught = lesson(pages)
    usable = taught.role >= 0
    weights, bias = fit_roles(taught.features[usable], taught.role[usable], taught.weight[usable])
    roles = replace(load_roles(), weights=weights.astype(np.float32), bias=bias.astype(np.float32))
    aside = set_apart([statement for page in pages for statement in page.statements])
    lines = lines_of(pages, discounted(left_out(taught), aside))
    ready = prepare(lines)
    made = fit_rows(ready, np.ones(len(lines.truth), dtype=np.bool_))
    heads = load_heads()
    columns = [lines.keys.index(key) for key in heads.keys]
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
    middle[vector_columns()], scale[vector_columns()] = 0.0, 1.0
    penalty = np.full(features.shape[1] + 1, PENALTY)
    penalty[vector_columns()], penalty[-1] = VECTOR_PENALTY, _ENOUGH
    rows = np.concatenate([(features - middle) / scale, np.ones((len(features), 1))], axis=1)
    found = np.zeros(rows.shape[1])
    found[-1] = np.log(stated.mean() / (1 - stated.mean()))
    for _ in range(_ROUNDS):
        chances = 1 / (1 + np.exp(-np.clip(rows @ found, -30, 30)))
        spread = np.maximum(chances * (1 - chances), _ENOUGH)
        slope = rows.T @ (chances - stated) + penalty * found
        step = np.linalg.solve((rows * spread[:, None]).T @ rows + np.diag(penalty), slope)
        found -= step
        if np.abs(step).max() < _ENOUGH:
            break
    weights = found[:-1] / scale
    return NeededHead(weights, float(found[-1] - middle @ weights))


def recall(taught: Taught, head: NeededHead) -> dict[tuple[str, int], int]:
    """Count the marked statements that are shown, by method and budget."""
    documents, statements = taught.folder.documents, taught.statements
    found = {}
    for budget in BUDGETS:
        by_head = passages_for(
            documents, statements, topics(), budget, store="memory", worth=lambda _: head.odds(taught.features)
        )
        for name, shown in (
            ("shown", spans_of(by_head.passages)),
            ("BM25", lexical(documents, statements, budget)),
            ("first tokens", first(documents, statements, budget)),
        ):
            found[name, budget] = held(documents, taught.spans, shown)
    return found


def render(rows: Sequence[tuple[Taught, dict[tuple[str, int], int]]], features: int) -> str:
    """Return the report as Markdown."""
    names = list(dict.fromkeys(name for name, _ in rows[0][1]))
    head = [f"{name}, {budget:,}" for budget in BUDGETS for name in names]
    lines = [
        "# What an LLM is shown of long documentation: how much of what is needed is in it",
        "",
        "Written by `python -m evals.training.needed_head`. Share of the statements marked by a blind reader that are",
        "shown within 8,000 and 16,000 tokens, there or word for word on another page. `shown` is by a head that was",
        "fitted on the other folders, and on heads of facts and roles that were fitted without the owners of all.",
        "",
        f"{sum(len(taught.spans) for taught, _ in rows)} marks in {len(rows)} folders; {features} features.",
        "",
        "| folder | marks | " + " | ".join(head) + " |",
        "| --- | --- |" + " --- |" * len(head),
    ]
    for taught, found in rows:
        cells = [f"{found[name, budget] / len(taught.spans):.2f}" for budget in BUDGETS for name in names]
        lines.append(f"| {taught.folder.product} | {len(taught.spans)} | " + " | ".join(cells) + " |")
    total = sum(len(taught.spans) for taught, _ in rows)
    cells = [f"{sum(found[name, budget] for _, found in rows) / total:.3f}" for budget in BUDGETS for name in names]
    return "\n".join([*lines, f"| all | {total} | " + " | ".join(cells) + " |"]) + "\n"


def write_needed(folder: Path, head: NeededHead, marks: int) -> None:
    """Write the head to `folder`; the same fit gives the same bytes."""
    stored = io.BytesIO()
    np.save(stored, head.weights.astype(np.float32), allow_pickle=False)
    constants = {
        "about": "Written by `python -m evals.training.needed_head`; a change by hand is noticed.",
        "bias": round(head.bias, 6),
        "embedder": embedder_id(),
        "roles": list(ROLES),
        "sha256": hashlib.sha256(stored.getvalue()).hexdigest(),
        "trained_on": marks,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).write_bytes(stored.getvalue())
    (folder / CONSTANTS).write_text(json.dumps(constants, indent=1) + "\n", "utf-8")


def main(arguments: Sequence[str]) -> None:
    """Fit the head, and write the weights and the report."""
    parser = argparse.ArgumentParser(prog="python -m evals.training.needed_head")
    parser.add_argument("--texts", type=Path, required=True, help="the folder with sources.tsv and listings")
    texts = parser.parse_args(arguments).texts
    marks = read_marks()
    wanted = sorted({mark.product for mark in marks})
    found = list(folders(texts, wanted)) if (texts / "listings").is_dir() else []
    if len(found) < len(wanted):
        click.echo(f"{len(found)} of {len(wanted)} marked folders are here; nothing is fitted")
        return
    owners = frozenset(mark.repository.split("/")[0].lower() for mark in marks)
    heads, roles = stand_ins(owners, [texts])
    lessons = []
    for folder in found:
        lessons.append(taught_of(folder, marks, heads, roles))
        click.echo(f"  {folder.product}", err=True)
    rows = [(each, recall(each, fit_needed([other for other in lessons if other is not each]))) for each in lessons]
    head = fit_needed(lessons)
    write_needed(data_folder("corpus") / "knowledge" / "needed", head, sum(len(each.spans) for each in lessons))
    report = render(rows, lessons[0].features.shape[1])
    _REPORT.write_text(report, "utf-8")
    click.echo(report)


if __name__ == "__main__":
    run_script(main)
