"""`septet export DRAFT --format NAME`: write a draft or a signed review in another format."""

import os
import sys
from pathlib import Path
from typing import Final

import click

from agent.cli.source_options import PATH
from agent.errors import InputError, UsageError

_LIST: Final = "list"
_HINT: Final = "`septet export` lists the formats"


@click.command("export")
@click.argument("draft", required=False, type=PATH, metavar="[DRAFT]")
@click.option("--format", "format_", metavar="NAME", help="The format; `list` lists all of them.")
@click.option("--out", metavar="FILE", type=PATH, help="Write to FILE instead of stdout.")
@click.option("--schema", is_flag=True, help="Print the JSON schema of draft.json; no draft is needed.")
def command(draft: Path | None, format_: str | None, out: Path | None, schema: bool) -> None:
    """Export DRAFT (a folder, a draft.json or a signed export of it) in the format NAME.

    No export claims more than the draft does: states, ranges, "not certain" and a withheld score are kept, and content
    for which a format has no field goes into its properties or descriptions. The same draft always gives the same
    bytes.

    \b
    Examples:
      septet export
      septet export acme --format sarif --out acme.sarif
      septet export acme --format csv
      septet export --schema
    """
    from agent.report.formats.registry import FORMATS, is_text, named

    if schema:
        if draft is not None or format_ is not None:
            hint = "septet export --schema [--out FILE]"
            raise UsageError("--schema cannot be combined with a draft or a format", hint=hint)
        from agent.report.draft_json import draft_schema

        _put(draft_schema(), out)
        return
    if format_ == _LIST or (draft is None and format_ is None):
        if draft is not None or out is not None:
            hint = "septet export --format list"
            raise UsageError("the list of formats cannot be combined with a draft or --out", hint=hint)
        width = max(len(name) for name in FORMATS)
        click.echo("\n".join(f"{each.name:<{width}}  {each.suffix:<6}  {each.title}" for each in FORMATS.values()))
        return
    if format_ is None:
        raise UsageError("no format was given", where=str(draft or out), hint=f"add --format NAME; {_HINT}")
    chosen, where = named(format_), f"--format {format_}"
    if draft is None:
        raise UsageError("no draft was given", where=where, hint="specify a draft's folder or its draft.json")
    if out is None and not is_text(chosen) and sys.stdout.isatty():
        hint = f"add --out NAME{chosen.suffix}"
        raise UsageError("the format is binary and cannot be printed to a terminal", where=where, hint=hint)
    from agent.report.draft_json import draft_file, load_whole
    from agent.report.view import View

    if out is not None:
        _check_place(out, draft_file(draft))
    _put(chosen.write(View(*load_whole(draft))), out)


def _check_place(out: Path, file: Path) -> None:
    """Raise InputError if `out` is a folder, is in a folder that does not exist, or is the draft itself."""
    if out.is_dir():
        raise InputError("the output is a folder", where=str(out), hint="choose a file in it")
    if not out.absolute().parent.is_dir():
        raise InputError("the output's folder does not exist", where=str(out), hint="create it first")
    if out.exists() and out.samefile(file):
        raise InputError("the output is the draft itself", where=str(out), hint="choose another file")


def _put(data: bytes, out: Path | None) -> None:
    """Write to stdout, or atomically to a file."""
    if out is None:
        click.echo(data, nl=False)
        return
    if out.exists() and not out.is_file():  # a pipe or device is written to directly
        out.write_bytes(data)
        return
    place = out.resolve()
    staged = place.with_name(f".{place.name}.new")
    staged.unlink(missing_ok=True)  # left behind by a run that was killed
    try:
        with staged.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        staged.replace(place)
    finally:
        staged.unlink(missing_ok=True)
