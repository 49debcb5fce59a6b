"""`python -m evals.real [TEXTS] --out DIR` and `python -m evals.real facts [TEXTS]`; see evals/real/readings.py."""

import argparse
import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from agent.errors import DriftError, LlmError, UsageError
from agent.records import Draft
from agent.report.draft_json import load, load_whole
from evals.cases.documents import file_document
from evals.real import drafting
from evals.real.against_readings import Compared, compare, failed, figures
from evals.real.facts import FactRow, Gold, Labelled, fact_figures, fact_row, read_gold
from evals.real.holdout import RealHoldout
from evals.real.listing_tables import as_json, facts_markdown, markdown
from evals.real.readings import VARIABLE, listing_of, load_readings, texts_folder
from evals.runs.runner import FAULTS, named_error
from evals.script import run_script

ABSENT: Final = (
    "skipped: the real pages are not available; they belong to third parties and are not part of the project. Give "
    f"their folder as an argument or in {VARIABLE}."
)

SHIPPED: Final = "The bundled constants have learned from these readings, so the figures here are too good."
LEARNED: Final = (
    "The embedded reader has learned from these labels, so its figures here are too good. For held-out products, run "
    "`python -m evals.training.fact_heads`."
)


def main(arguments: Sequence[str]) -> None:
    """Compare the drafts of all products that have a reading, or measure facts; if the texts are missing, print a
    message."""
    asked = _parser().parse_args(arguments)
    words: list[str] = asked.words
    facts = words[:1] == ["facts"]
    if len(words) > 1 + facts:
        raise UsageError("one folder at most", hint="python -m evals.real [facts] [TEXTS]")
    texts = texts_folder(Path(words[-1]) if words[facts:] else None, os.environ)  # noqa: TID251
    if texts is None:
        click.echo(ABSENT)
        return
    out: Path | None = asked.out
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
    name, said, data = _facts(texts, asked) if facts else _readings(texts, asked)
    if out is not None:
        (out / f"{name}.md").write_text(said, "utf-8")
        (out / f"{name}.json").write_text(data, "utf-8")
    click.echo(said, nl=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.real")
    parser.add_argument("words", nargs="*", metavar="[facts] TEXTS", help="folder with listings and readings")
    parser.add_argument("--out", type=Path, help="where to write drafts, real.md and real.json")
    parser.add_argument("--drafter", choices=["embedded", "llm"], default="embedded")
    parser.add_argument("--drafts", type=Path, help="compare existing drafts, DRAFTS/<slug>/draft.json")
    parser.add_argument("--replay", type=Path, metavar="DIR", help="an LLM's recorded answers, DIR/<slug>")
    parser.add_argument("--record", type=Path, metavar="DIR", help="call this LLM and record its answers")
    parser.add_argument("--llm", default="", metavar="PROFILE/NAME")
    parser.add_argument("--only", nargs="*", default=[], metavar="SLUG")
    parser.add_argument("--second", action="store_true", help="compare with the second reader")
    parser.add_argument(
        "--shipped", action="store_true", help="use the bundled constants, which have learned from the readings"
    )
    parser.add_argument("--cache", type=Path, metavar="FILE", help="file for the rows of the fits")
    return parser


def _drafter(asked: argparse.Namespace) -> drafting.Drafter:
    if asked.drafter == "embedded":
        return drafting.embedded
    if asked.replay is not None:
        return drafting.replayed(asked.replay)
    if asked.record is not None:
        return drafting.asked(asked.llm, asked.record, os.environ)  # noqa: TID251
    raise UsageError("no answers were given", hint="use --replay DIR, or --record DIR with --llm PROFILE/NAME")


def _readings(texts: Path, asked: argparse.Namespace) -> tuple[str, str, str]:
    drafter = None if asked.drafts is not None else _drafter(asked)
    holdout = None if asked.shipped else RealHoldout.fitted(texts, asked.cache)

    def draft(slug: str) -> Draft:
        made = drafted(slug)
        if holdout is None or slug not in holdout.by_slug:
            return made
        page = listing_of(texts, slug)
        documents = (file_document(page.read_bytes(), page.name),)
        if drafter is not None and asked.drafter == "embedded":
            return holdout.drafted(slug, made, documents)
        return holdout.recomposed(slug, made, documents)

    def drafted(slug: str) -> Draft:
        if drafter is None:
            return load(asked.drafts / slug / drafting.JSON)
        made = drafter(slug, [listing_of(texts, slug)])
        if asked.out is not None:
            (asked.out / slug).mkdir(parents=True, exist_ok=True)
            (asked.out / slug / drafting.JSON).write_text(made.json, "utf-8")
            (asked.out / slug / drafting.MARKDOWN).write_text(made.markdown, "utf-8")
        return made.draft

    rows: list[Compared] = []
    for slug, reading in load_readings(texts, asked.second).items():
        if asked.only and slug not in asked.only:
            continue
        try:
            made = draft(slug)
        except (DriftError, LlmError):
            raise  # These affect all products.
        except FAULTS as error:
            rows.append(failed(reading, named_error(error)))
        else:
            rows.append(compare(reading, made))
    if not rows:
        raise UsageError(
            "no product to compare", where=str(texts), hint="--only takes slugs of products with a reading"
        )
    found = figures(rows)
    said = markdown(rows, found, asked.drafter)
    if asked.shipped:
        said = f"{said}\n{SHIPPED}\n"
    return "real", said, as_json(asked.drafter, rows, found)


def _facts(texts: Path, asked: argparse.Namespace) -> tuple[str, str, str]:
    drafts: Path | None = asked.drafts
    drafter = None if drafts is not None else _drafter(asked)
    golds = {slug: gold for slug, gold in read_gold(texts).items() if not asked.only or slug in asked.only}
    if drafts is not None:
        golds = {slug: gold for slug, gold in golds.items() if (drafts / slug / drafting.JSON).is_file()}
    if not golds:
        raise UsageError("no product to compare", where=str(drafts or texts), hint="labels.tsv lists them")
    rows = [_fact_row(texts, slug, gold, drafter, drafts) for slug, gold in golds.items()]
    found = fact_figures(rows)
    learned = drafts is None and asked.drafter == "embedded"
    return "facts", facts_markdown(rows, found, LEARNED if learned else ""), as_json("facts", rows, found)


def _fact_row(texts: Path, slug: str, gold: Gold, drafter: drafting.Drafter | None, drafts: Path | None) -> FactRow:
    """Draft one product from its labelled files, or load its draft, and measure the facts."""
    files = {name: file for name in gold if (file := texts / "listings" / slug / name).is_file()}
    names = {hashlib.sha256(file.read_bytes()).hexdigest(): name for name, file in files.items()}
    if drafter is not None:
        made = drafter(slug, list(files.values()))
        draft, documents = made.draft, made.documents
    else:
        assert drafts is not None
        draft, documents = load_whole(drafts / slug)
    labelled = {}
    for document in documents:
        name = names.get(document.sha256)
        if name is not None:
            raw = files[name].read_bytes().decode("utf-8", "replace")
            labelled[document.id] = Labelled(raw, document, gold[name])
    facts = draft.facts.facts if draft.facts else ()
    return fact_row(slug, facts, draft.evidence, labelled, gold)


if __name__ == "__main__":
    run_script(main)
