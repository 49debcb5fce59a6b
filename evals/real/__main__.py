"""`python -m evals.real [TEXTS] --out DIR` and `python -m evals.real facts [TEXTS]`; see evals/real/readings.py."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click

from agent.errors import UsageError
from evals.real import drafting
from evals.real.against_readings import Compared, compare, failed, figures
from evals.real.facts import FactRow, Gold, Labelled, fact_figures, fact_row, read_gold
from evals.real.listing_tables import as_json, facts_markdown, markdown
from evals.real.readings import VARIABLE, load_readings, texts_folder
from evals.script import run_script

ABSENT: Final = (
    f"skipped: the real pages are not here; they belong to third parties and are not part of the project. "
    f"Give their folder as an argument or in {VARIABLE}."
)

LEARNED: Final = (
    "The embedded reader has learned from these labels, so its figures here flatter. With products left out: "
    "`python -m evals.training.fact_heads`."
)


def main(arguments: Sequence[str]) -> None:
    """Compare drafts of all products with a reading, or measure facts; if the texts are missing, print a message."""
    asked, what = _parser().parse_args(arguments), ""
    words: list[str] = asked.words
    if words and words[0] == "facts":
        what, words = "facts", words[1:]
    if len(words) > 1:
        raise UsageError("one folder at most", hint="python -m evals.real [facts] [TEXTS]")
    texts = texts_folder(Path(words[0]) if words else None, os.environ)  # noqa: TID251
    if texts is None:
        click.echo(ABSENT)
        return
    out: Path | None = asked.out
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    if what == "facts":
        _facts(texts, asked, out)
    else:
        _readings(texts, asked, out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.real")
    parser.add_argument("words", nargs="*", metavar="[facts] TEXTS", help="folder with listings and readings")
    parser.add_argument("--out", type=Path, help="where drafts, real.md and real.json are written")
    parser.add_argument("--drafter", choices=["embedded", "llm"], default="embedded")
    parser.add_argument("--drafts", type=Path, help="compare the drafts that are there, as DRAFTS/<slug>/draft.json")
    parser.add_argument("--replay", type=Path, metavar="DIR", help="an LLM's recorded answers, DIR/<slug>")
    parser.add_argument("--record", type=Path, metavar="DIR", help="ask the LLM, and record what it answers")
    parser.add_argument("--llm", default="", metavar="PROFILE/NAME")
    parser.add_argument("--only", nargs="*", default=[], metavar="SLUG")
    parser.add_argument("--second", action="store_true", help="against the second reader")
    return parser


def _drafter(asked: argparse.Namespace, environ: Mapping[str, str]) -> drafting.Drafter:
    if asked.drafter == "embedded":
        return drafting.embedded()
    if asked.replay is not None:
        return drafting.replayed(asked.replay)
    if asked.record is not None:
        return drafting.asked(asked.llm, asked.record, environ)
    raise UsageError("no answers are named", hint="--replay DIR, or --record DIR with --llm PROFILE/NAME")


def _readings(texts: Path, asked: argparse.Namespace, out: Path | None) -> None:
    if asked.drafts is not None:
        make = drafting.stored(asked.drafts)
    else:
        make = drafting.of_listings(texts, _drafter(asked, os.environ), out)  # noqa: TID251
    rows: list[Compared] = []
    for slug, reading in load_readings(texts, asked.second).items():
        if asked.only and slug not in asked.only:
            continue
        made = drafting.tried(make, slug)
        rows.append(failed(reading, made.error or "") if made.draft is None else compare(reading, made.draft))
    if not rows:
        raise UsageError("no product to compare", where=str(texts), hint="--only names slugs of its readings")
    found = figures(rows)
    said = markdown(rows, found, asked.drafter)
    if out is not None:
        (out / "real.md").write_text(said, "utf-8")
        (out / "real.json").write_text(as_json(asked.drafter, rows, found), "utf-8")
    click.echo(said, nl=False)


def _facts(texts: Path, asked: argparse.Namespace, out: Path | None) -> None:
    if asked.drafts is not None:
        tell = drafting.stored_whole(asked.drafts)
    else:
        tell = drafting.drafted_by(_drafter(asked, os.environ))  # noqa: TID251
    golds = {slug: gold for slug, gold in read_gold(texts).items() if not asked.only or slug in asked.only}
    if asked.drafts is not None:
        golds = {slug: gold for slug, gold in golds.items() if (asked.drafts / slug / drafting.JSON).is_file()}
    if not golds:
        raise UsageError("no product to compare", where=str(asked.drafts or texts), hint="labels.tsv names them")
    rows = [_fact_row(texts, slug, gold, tell) for slug, gold in golds.items()]
    found = fact_figures(rows)
    learned = asked.drafts is None and asked.drafter == "embedded"
    said = facts_markdown(rows, found, LEARNED if learned else "")
    if out is not None:
        (out / "facts.md").write_text(said, "utf-8")
        (out / "facts.json").write_text(as_json("facts", rows, found), "utf-8")
    click.echo(said, nl=False)


def _fact_row(texts: Path, slug: str, gold: Gold, tell: drafting.Teller) -> FactRow:
    """Draft one product from its labelled files and measure the facts."""
    files = {name: texts / "listings" / slug / name for name in gold.files}
    present = {name: file for name, file in files.items() if file.is_file()}
    made = tell(slug, list(present.values()))
    names = {file.read_bytes(): name for name, file in present.items()}
    labelled = {}
    for document in made.documents:
        blob = made.blobs.get(document.sha256, b"")
        if blob in names:
            labelled[document.id] = Labelled(blob.decode("utf-8", "replace"), document, gold.files[names[blob]])
    facts = made.draft.facts
    return fact_row(slug, facts.facts if facts else (), made.draft.evidence, labelled, gold)


if __name__ == "__main__":
    run_script(main)
