"""Measure how much of the text that a threat model needs is in the passages shown to an LLM.

    python -m evals.training.needed_shown TEXTS [--product NAME]…

TEXTS contains `sources.tsv` and `listings/<product>/` (see `evals.training.needed_marks`). A blind reader marked the
needed sentences (`evals/training/labels/needed.tsv`).

For 8,000 and 16,000 tokens, the table has the share of needed sentences that each method shows. A sentence counts as
shown if at least half of it is, or if the same words are shown on another page. The methods are the passages of a
draft, passages by BM25 alone, and the first tokens of the sources. Folders that fit completely are skipped. The head
that chooses a draft's passages was fitted on these marks; `evals/training/NEEDED.md` has the figures with each folder
held out.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import click
import numpy as np

from agent.facts.needed import needed
from agent.facts.vocabulary import load_vocabulary
from agent.intake.extract.statements.roles import with_roles
from agent.records import Chunk, Document, Statement
from agent.retrieval.embed import embed
from agent.retrieval.passages import cut, estimate
from agent.retrieval.search import Lexical, terms
from agent.retrieval.shown import Worth, passages_for
from evals.training.needed_marks import FEWEST_PAGES, Folder, Span, folders, read_marks, spans

BUDGETS: Final = (8_000, 16_000)
_HALF: Final = 0.5
Counts = tuple[int, int, int]
"""The needed sentences shown by a draft, by BM25 alone, and by the first tokens."""


def counted(
    folder: Folder, statements: Sequence[Statement], wanted: Sequence[Span], tokens: int, worth: Worth
) -> Counts:
    """Count the needed sentences that each method shows; BM25 takes the next best passage of each topic in turn."""
    documents = folder.documents
    passages = cut(documents)
    index = Lexical([terms(passage.text) for passage in passages])
    ranked = [np.argsort(-index.scores(key.search_text), kind="stable") for key in load_vocabulary()]
    order = dict.fromkeys(int(row[depth]) for depth in range(len(passages)) for row in ranked)
    ours = passages_for(documents, statements, tokens, worth, store="memory").passages
    return (
        held(documents, wanted, [(one.document, one.start, one.end) for one in ours]),
        held(documents, wanted, _fitting((passages[number] for number in order), tokens)),
        held(documents, wanted, _fitting(passages, tokens)),
    )


def _fitting(passages: Iterable[Chunk], tokens: int) -> list[Span]:
    """Return the first passages that fit within the token limit."""
    shown: list[Span] = []
    for passage in passages:
        tokens -= estimate(passage.text)
        if tokens < 0:
            break
        shown.append((passage.document, passage.start, passage.end))
    return shown


def held(documents: Sequence[Document], wanted: Sequence[Span], shown: Sequence[Span]) -> int:
    """Count the needed sentences that are shown: at least half of their characters, or the same words on another
    page.
    """
    texts = {document.id: document.text for document in documents}
    words = "\n".join(" ".join(texts[name][begin:last].split()) for name, begin, last in shown)
    count = 0
    for document, start, end in wanted:
        common = sum(max(0, min(end, last) - max(start, begin)) for d, begin, last in shown if d == document)
        count += common >= _HALF * (end - start) or " ".join(texts[document][start:end].split()) in words
    return count


def table(rows: Sequence[tuple[str, int, int, Counts]]) -> str:
    """Return a table of the recall by folder, and over all sentences in the last row of each budget."""
    lines = [f"{'product':<24}{'tokens':>7}{'needed':>7}{'shown':>8}{'bm25':>8}{'first':>8}"]
    for budget in BUDGETS:
        own = [(name, wanted, found) for name, size, wanted, found in rows if size == budget and wanted]
        for name, wanted, found in own:
            lines.append(f"{name:<24}{budget:>7}{wanted:>7}" + "".join(f"{n / wanted:>8.2f}" for n in found))
        if own:
            total = sum(wanted for _, wanted, _ in own)
            sums = (sum(column) / total for column in zip(*(found for *_, found in own), strict=True))
            name = f"all {len(own)} folders"
            lines.append(f"{name:<24}{budget:>7}{total:>7}" + "".join(f"{share:>8.3f}" for share in sums))
    return "\n".join(lines)


def main() -> None:
    """Print the table, or a notice that the texts are missing."""
    parser = argparse.ArgumentParser(
        prog="python -m evals.training.needed_shown", description="Recall of needed sentences."
    )
    parser.add_argument("texts", type=Path)
    parser.add_argument("--product", action="append", default=[])
    chosen = parser.parse_args()
    if not (chosen.texts / "listings").is_dir():
        click.echo(f"skipped: the real texts are not in {chosen.texts}")
        return
    marks = [mark for mark in read_marks() if not chosen.product or mark.product in chosen.product]
    rows: list[tuple[str, int, int, Counts]] = []
    for folder in folders(chosen.texts, sorted({mark.product for mark in marks})) if marks else ():
        if len(folder.documents) > FEWEST_PAGES:
            wanted = spans(folder, [mark for mark in marks if mark.product == folder.product])
            statements = with_roles(folder.statements, folder.documents, embed([s.text for s in folder.statements]))
            size = sum(estimate(document.text) for document in folder.documents)
            for budget in BUDGETS:
                if size > budget:
                    rows.append(
                        (folder.product, budget, len(wanted), counted(folder, statements, wanted, budget, needed))
                    )
            click.echo(f"{folder.product} done", err=True)
    click.echo(table(rows))


if __name__ == "__main__":
    main()
