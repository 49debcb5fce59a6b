"""Measure how much of the text that a threat model needs is in the passages shown to an LLM.

    python -m evals.training.needed_shown TEXTS [--labels] [--product NAME]…

TEXTS contains `sources.tsv` and `listings/<product>/` (see `evals.training.needed_marks`). A blind reader marked the
needed sentences (`evals/training/labels/needed.tsv`). `--labels`, meant for tuning, uses documentation sentences
labelled with a fact (`TEXTS/labels.tsv`) instead. All of a product's labels are on one page, which favours methods
that show early pages.

For 8,000 and 16,000 tokens, the table has the share of needed sentences that each method shows (at least half of the
sentence, or the same words on another page). The methods are the passages of a draft, passages by BM25 alone, and the
first tokens of the sources. Folders that fit completely are skipped. The head that chooses a draft's passages was
fitted on these marks; `evals/training/NEEDED.md` has the figures with each folder held out.
"""

import argparse
import csv
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import click
import numpy as np

from agent.facts.needed import needed
from agent.facts.topics import topics
from agent.intake.extract.statements.roles import with_roles
from agent.records import Document, Statement
from agent.retrieval.embed import embed
from agent.retrieval.passages import cut, estimate
from agent.retrieval.search import Lexical, terms
from agent.retrieval.shown import Passage, passages_for
from evals.training.needed_marks import FEWEST_PAGES, Folder, Mark, folders, read_marks, spans

BUDGETS: Final = (8_000, 16_000)
_LABELLED_PAGES: Final = 8
"""A folder with labels is used for tuning if it has at least this many pages."""
_CARRYING: Final = frozenset("BTCLKA")
_HALF: Final = 0.5
Span = tuple[str, int, int]
Method = Callable[[Sequence[Document], Sequence[Statement], int], list[Span]]


class Cell(NamedTuple):
    """The results of one folder at one token budget."""

    product: str
    budget: int
    needed: int
    found: dict[str, int]
    """Number of needed sentences shown, by method."""


def ours(documents: Sequence[Document], statements: Sequence[Statement], tokens: int) -> list[Span]:
    """Return the passages that a draft shows."""
    return spans_of(passages_for(documents, statements, topics(), tokens, store="memory", worth=needed).passages)


def lexical(documents: Sequence[Document], _: Sequence[Statement], tokens: int) -> list[Span]:
    """Choose passages of 200 to 400 tokens by BM25 alone, taking the next best of each topic in turn."""
    passages = cut(documents)
    index = Lexical([terms(passage.text) for passage in passages])
    ranked = [np.argsort(-index.scores(topic.text), kind="stable") for topic in topics()]
    order = dict.fromkeys(int(row[depth]) for depth in range(len(passages)) for row in ranked)
    shown = []
    for number in order:
        cost = estimate(passages[number].text)
        if cost > tokens:
            break
        tokens -= cost
        shown.append((passages[number].document, passages[number].start, passages[number].end))
    return shown


def first(documents: Sequence[Document], _: Sequence[Statement], tokens: int) -> list[Span]:
    """Return the first passages of the sources, in order, that fit in `tokens`."""
    shown = []
    for passage in cut(documents):
        cost = estimate(passage.text)
        if cost > tokens:
            break
        tokens -= cost
        shown.append((passage.document, passage.start, passage.end))
    return shown


METHODS: Final[Mapping[str, Method]] = {"shown": ours, "bm25": lexical, "first": first}


def measure(folder: Folder, needed: Sequence[Span]) -> list[Cell]:
    """Measure a folder at each budget that is too small for the whole folder."""
    statements = with_roles(folder.statements, folder.documents, embed([s.text for s in folder.statements]))
    size = sum(estimate(document.text) for document in folder.documents)
    return [
        Cell(
            folder.product,
            budget,
            len(needed),
            {
                name: held(folder.documents, needed, method(folder.documents, statements, budget))
                for name, method in METHODS.items()
            },
        )
        for budget in BUDGETS
        if size > budget
    ]


def held(documents: Sequence[Document], needed: Sequence[Span], shown: Sequence[Span]) -> int:
    """Count the needed sentences shown: at least half of their characters, or the same words on another page."""
    texts = {document.id: document.text for document in documents}
    words = "\n".join(" ".join(texts[name][begin:last].split()) for name, begin, last in shown)
    count = 0
    for document, start, end in needed:
        common = sum(max(0, min(end, last) - max(start, begin)) for d, begin, last in shown if d == document)
        count += common >= _HALF * (end - start) or " ".join(texts[document][start:end].split()) in words
    return count


def labelled(texts: Path) -> list[Mark]:
    """Load the documentation statements labelled with a fact."""
    with (texts / "labels.tsv").open(encoding="utf-8", newline="") as handle:
        return [
            Mark(row["slug"], "", row["file"], "", row["sha256"], int(row["start"]), int(row["end"]), "labels")
            for row in csv.DictReader(handle, delimiter="\t")
            if row["file"].startswith("docs/") and row["role"] in _CARRYING and row["facts"]
        ]


def table(cells: Sequence[Cell]) -> str:
    """Return a table of the recall by folder, and over all sentences in the last row."""
    lines = [f"{'product':<24}{'tokens':>7}{'needed':>7}" + "".join(f"{name:>8}" for name in METHODS)]
    for budget in BUDGETS:
        own = [cell for cell in cells if cell.budget == budget and cell.needed]
        for cell in own:
            rates = "".join(f"{cell.found[name] / cell.needed:>8.2f}" for name in METHODS)
            lines.append(f"{cell.product:<24}{budget:>7}{cell.needed:>7}{rates}")
        total = sum(cell.needed for cell in own)
        if total:
            rates = "".join(f"{sum(cell.found[name] for cell in own) / total:>8.3f}" for name in METHODS)
            lines.append(f"{f'all {len(own)} folders':<24}{budget:>7}{total:>7}{rates}")
    return "\n".join(lines)


def spans_of(passages: Sequence[Passage]) -> list[Span]:
    """Return the document id, start and end of each passage."""
    return [(passage.document, passage.start, passage.end) for passage in passages]


def main() -> None:
    """Print the table, or a notice that the texts are missing."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.training.needed_shown", description="Recall of needed sentences."
    )
    parser.add_argument("texts", type=Path)
    parser.add_argument("--labels", action="store_true", help="labelled facts in place of a reader's marks, for tuning")
    parser.add_argument("--product", action="append", default=[])
    chosen = parser.parse_args()
    if not (chosen.texts / "listings").is_dir():
        click.echo(f"skipped: the real texts are not at {chosen.texts}")
        return
    marks = labelled(chosen.texts) if chosen.labels else read_marks()
    wanted = sorted({mark.product for mark in marks} & set(chosen.product or {mark.product for mark in marks}))
    if not wanted:
        click.echo("no needed sentences are marked: see evals/training/needed_marks.py, or give --labels")
        sys.exit(1)
    cells: list[Cell] = []
    for folder in folders(chosen.texts, wanted):
        if len(folder.documents) > (_LABELLED_PAGES if chosen.labels else FEWEST_PAGES):
            own = [mark for mark in marks if mark.product == folder.product]
            cells += measure(folder, spans(folder, own))
            click.echo(f"{folder.product} done", err=True)
    click.echo(table(cells))


if __name__ == "__main__":
    main()
