"""The verb `septet corpus`; found by the command line through an entry point."""

from pathlib import Path
from typing import Final

import click

from agent.errors import InputError
from agent.resources import data_folder
from evals.corpus import import_file, load_cases

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_FILE: Final = click.Path(path_type=Path, dir_okay=False)


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
    """Check the cases in FOLDER, or the bundled ones with their variants.

    Form, quotes that are not in the text, near doublets, words of the labels that a listing gives away.
    """
    from evals.lint import lint, lint_bundled

    cases = load_cases(folder or data_folder("corpus") / "cases")
    complaints = lint(cases) if folder else lint_bundled(data_folder("corpus"), cases)
    for complaint in complaints:
        click.echo(complaint)
    if complaints:
        raise InputError(f"{len(complaints)} complaints", where=str(folder or "bundled corpus"), hint="mend the cases")
    click.echo(f"{len(cases)} cases, no complaint")
