"""`python -m evals.contest prompts|pairs|draft-sheet|keep|table`; the protocol is in README.md."""

import argparse
import os
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from agent.errors import SourceError
from agent.report.draft_json import load as load_draft
from evals.contest.judge_sheets import (
    FOLDER,
    KEY,
    READINGS,
    PairSheet,
    ReadingSheet,
    RoundKey,
    dump,
    empty_reading,
    read,
)
from evals.contest.pairs import PRODUCTS, Drafts, arranged, plain_prompt, products, write_pairs
from evals.contest.table import load_round, results
from evals.real.readings import listing_of, load_readings, texts_folder
from evals.script import run_script

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
_READER: Final = Path(__file__).with_name("reader.md")
_DRAFT: Final = "draft.json"
_REPORT: Final = "draft.md"


def main(arguments: Sequence[str]) -> None:
    """Run one step of the contest."""
    asked = _parser().parse_args(arguments)
    asked.run(asked)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evals.contest")
    steps = parser.add_subparsers(required=True)
    prompts = steps.add_parser("prompts", help="write the plain drafter's prompts, OUT/<slug>.prompt.md")
    prompts.set_defaults(run=_prompts)
    pairs = steps.add_parser("pairs", help="build the judges' folders and the key")
    pairs.add_argument("--septet", type=Path, required=True, help="drafts as DIR/<slug>/draft.json and draft.md")
    pairs.add_argument("--plain", type=Path, required=True, help="plain drafts as DIR/<slug>.md")
    pairs.add_argument("--drafter", choices=["embedded", "llm"], default="llm")
    pairs.add_argument("--llm", required=True, help="the LLM that wrote the drafts, as PROFILE/NAME or a plain name")
    pairs.add_argument("--judges", type=int, default=2)
    pairs.add_argument("--seed", type=int, required=True)
    pairs.add_argument("--key", type=Path, required=True, help="where to write the key, hidden from the judges")
    pairs.set_defaults(run=_pairs)
    draft = steps.add_parser("draft-sheet", help="lay out drafts with blank sheets for readers")
    draft.add_argument("--septet", type=Path, required=True)
    draft.add_argument("--drafter", choices=["embedded", "llm"], required=True)
    draft.add_argument("--readers", type=int, default=2)
    draft.set_defaults(run=_draft_sheets)
    for step in (prompts, pairs, draft):
        step.add_argument("texts", type=Path, nargs="?", help="folder of the real pages; SEPTET_REAL by default")
        step.add_argument("--out", type=Path, required=True)
        step.add_argument("--products", type=Path, default=PRODUCTS, help="another list of products")
    keep = steps.add_parser("keep", help="check filled sheets and store them as a round")
    keep.add_argument("folders", type=Path, nargs="+", help="folders that `pairs` or `draft-sheet` wrote")
    keep.add_argument("--round", required=True)
    keep.add_argument("--key", type=Path)
    keep.add_argument("--sheets", type=Path, default=FOLDER)
    keep.set_defaults(run=_keep)
    table = steps.add_parser("table", help="write RESULTS.md from the stored sheets")
    table.add_argument("--sheets", type=Path, default=FOLDER)
    table.add_argument("--out", type=Path, default=RESULTS)
    table.set_defaults(run=_table)
    return parser


def _texts(given: Path | None) -> Path:
    texts = texts_folder(given, os.environ)  # noqa: TID251
    if texts is None:
        raise SourceError("the real pages are not available", where="SEPTET_REAL", hint="specify their folder")
    return texts


def _prompts(asked: argparse.Namespace) -> None:
    texts = _texts(asked.texts)
    asked.out.mkdir(parents=True, exist_ok=True)
    known = products(asked.products)
    for product in known:
        (asked.out / f"{product.slug}.prompt.md").write_text(plain_prompt(texts, product), "utf-8")
    click.echo(f"{len(known)} prompts in {asked.out}")


def _pairs(asked: argparse.Namespace) -> None:
    texts = _texts(asked.texts)
    drafts, names, known = {}, {}, products(asked.products)
    for product in known:
        report, plain = asked.septet / product.slug / _REPORT, asked.plain / f"{product.slug}.md"
        if not report.is_file() or not plain.is_file():
            click.echo(f"left out: {product.slug}, which lacks one of the drafts", err=True)
            continue
        drafts[product.slug] = Drafts(report.read_text("utf-8"), plain.read_text("utf-8"))
        names[product.slug] = load_draft(asked.septet / product.slug / _DRAFT).product.name
    made = arranged(drafts, known, judges=asked.judges, seed=asked.seed, names=names)
    if not made:
        raise SourceError("no product has both drafts", where=str(asked.septet))
    write_pairs(made, asked.out, texts, known)
    asked.key.parent.mkdir(parents=True, exist_ok=True)
    on = datetime.now(UTC).date().isoformat()
    key = RoundKey(drafter=asked.drafter, llm=asked.llm, on=on, seed=asked.seed, pairs=tuple(pair for pair, _ in made))
    asked.key.write_text(dump(key), "utf-8")
    click.echo(f"{len(made)} pairs for {asked.judges} judges in {asked.out}; the key is {asked.key}")


def _draft_sheets(asked: argparse.Namespace) -> None:
    texts = _texts(asked.texts)
    count = 0
    for slug, reading in load_readings(texts).items():
        folder = asked.septet / slug
        if not (folder / _DRAFT).is_file():
            continue
        draft = load_draft(folder / _DRAFT)
        for number in range(1, asked.readers + 1):
            place = asked.out / f"reader-{number}" / slug
            place.mkdir(parents=True)
            shutil.copyfile(folder / _REPORT, place / _REPORT)
            source = listing_of(texts, slug)
            shutil.copyfile(source, place / f"listing{source.suffix}")
            shutil.copyfile(texts / "readings" / f"{slug}.json", place / "reading.json")
            sheet = empty_reading(draft, reading, asked.drafter, f"reader-{number}")
            (place / "sheet.json").write_text(sheet, "utf-8")
            shutil.copyfile(_READER, asked.out / f"reader-{number}" / _READER.name)
        count += 1
    click.echo(f"{count} drafts for {asked.readers} readers in {asked.out}")


def _keep(asked: argparse.Namespace) -> None:
    place: Path = asked.sheets / asked.round
    kept: dict[Path, str] = {}
    for folder in asked.folders:
        for path in sorted(folder.glob("judge-*/P*/sheet.json")):
            pair = read(PairSheet, path)
            kept[place / pair.judge / f"{pair.pair}.json"] = dump(pair)
        for path in sorted(folder.glob("reader-*/*/sheet.json")):
            one = read(ReadingSheet, path)
            kept[place / READINGS / f"{one.slug}.{one.drafter}.{one.reader}.json"] = dump(one)
    key = {} if asked.key is None else {place / KEY: dump(read(RoundKey, asked.key))}
    for path, text in (kept | key).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    click.echo(f"{len(kept)} sheets kept in {place}")


def _table(asked: argparse.Namespace) -> None:
    folders = sorted(path for path in asked.sheets.iterdir() if path.is_dir()) if asked.sheets.is_dir() else []
    text = results([load_round(folder) for folder in folders])
    asked.out.write_text(text, "utf-8")
    click.echo(text, nl=False)


if __name__ == "__main__":
    run_script(main)
