"""The verbs `septet eval` and `septet corpus`; found by the command line through an entry point."""

import sys
from pathlib import Path
from typing import Final

import click

from agent.errors import InputError
from agent.resources import data_folder
from agent.settings import Settings
from evals.corpus import import_file, lint, load_cases
from evals.results import Evaluation

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


@click.command("eval")
@click.option("--cases", "folder", type=_FOLDER, help="Folder of labelled cases; the bundled corpus when not given.")
@click.option(
    "--drafter",
    default="embedded",
    show_default=True,
    type=click.Choice(["embedded"]),
    help="Which drafter to measure.",
)
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N cases, for a quick look.")
@click.option("--no-cards", is_flag=True, help="Do not draft each case a second time from its card.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON and nothing else.")
def eval_command(folder: Path | None, drafter: str, limit: int | None, no_cards: bool, as_json: bool) -> None:
    """Measure the drafter on labelled cases.

    Each case is drafted with all calibration data of its vendor family left out, then compared with its published
    labels and with an independent reader's. A case that fails counts as the worst value and is named.
    """
    from evals.run import evaluate

    cases = [case for case in load_cases(folder or data_folder("corpus") / "cases") if not case.example]
    evaluation = evaluate(
        cases[:limit] if limit else cases,
        settings=Settings(),
        progress=_progress if sys.stderr.isatty() else None,
        cards=not no_cards,
    )
    if as_json:
        click.echo(evaluation.model_dump_json(by_alias=True, indent=1))
    else:
        click.echo(table(evaluation))


@click.group("corpus")
def corpus_command() -> None:
    """Import and check labelled cases."""


@corpus_command.command("import")
@click.argument("file", type=_FILE)
@click.option("--out", required=True, type=_FOLDER, help="Folder in which the case folders are written.")
@click.option("--force", is_flag=True, help="Replace cases that differ from what is there.")
def import_command(file: Path, out: Path, force: bool) -> None:
    """Write each line of the JSONL FILE as a case folder that a person can read and edit.

    Every line is checked before the first folder is written. A case that is there already with the same content is
    left alone; one that differs is refused without --force, so that nobody's edits are lost.
    """
    done = import_file(file, out, force=force)
    click.echo(f"{len(done.added)} added, {len(done.replaced)} replaced, {len(done.unchanged)} unchanged in {out}")


@corpus_command.command("lint")
@click.argument("folder", type=_FOLDER, required=False)
def lint_command(folder: Path | None) -> None:
    """Check the cases in FOLDER, or the bundled ones: form, quotes that are not in the text, doublets."""
    cases = load_cases(folder or data_folder("corpus") / "cases")
    complaints = lint(cases)
    for complaint in complaints:
        click.echo(complaint)
    if complaints:
        raise InputError(f"{len(complaints)} complaints", where=str(folder or "bundled corpus"), hint="mend the cases")
    click.echo(f"{len(cases)} cases, no complaint")


def table(evaluation: Evaluation) -> str:
    """The evaluation as text: metrics, then factors and layers, then what failed."""
    lines = [f"{evaluation.drafter} drafter, {evaluation.cases} cases", ""]
    width = max(len(name) for name in evaluation.metrics)
    lines += [f"{name:{width}}  {_number(value)}" for name, value in evaluation.metrics.items()]
    lines += ["", f"{'factor':28}{'MAE publ.':>10}{'MAE reader':>11}{'bias publ.':>11}{'covered':>9}{'width':>7}"]
    for key, factor in evaluation.factors.items():
        lines.append(
            f"{key:28}{_number(factor.mae_published):>10}{_number(factor.mae_reader):>11}"
            f"{_number(factor.bias_published):>11}{_number(factor.coverage_published):>9}{_number(factor.width):>7}"
        )
    lines += [
        "",
        f"{'layer (positive: not certain)':30}{'precision':>10}{'recall':>8}{'F1':>8}{'labels':>8}{'flags':>7}",
    ]
    for name, layer in evaluation.layers.items():
        lines.append(
            f"{name:30}{_number(layer.precision_reader):>10}{_number(layer.recall_reader):>8}"
            f"{_number(layer.f1_reader):>8}{layer.positives_reader:>8}{layer.flagged:>7}"
        )
    lines += ["", *(f"failed: {case}: {error}" for case, error in evaluation.errors.items())]
    return "\n".join(lines).rstrip()


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _progress(text: str) -> None:
    click.echo(f"\r\033[K{text}", nl=False, err=True)
