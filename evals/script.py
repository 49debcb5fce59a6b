"""Helpers shared by the modules of this package that run as scripts."""

import sys
from collections.abc import Callable, Sequence

import click

from agent.errors import SeptetError


def run_script(script: Callable[[Sequence[str]], None]) -> None:
    """Run a script of this package; print an error as `error:` and `hint:` and exit with the error's code."""
    try:
        script(sys.argv[1:])
    except SeptetError as error:
        click.echo(f"error: {error}\nhint: {error.hint}", err=True)
        sys.exit(error.exit_code)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]], first: str = "---", rest: str = "--:") -> list[str]:
    """Return the lines of a Markdown table; `first` and `rest` align the first column and the others."""
    rule = "|" + "|".join([first, *[rest] * (len(heads) - 1)]) + "|"
    return ["| " + " | ".join(heads) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)]


def wide_markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table without alignment, as used in the reports on fits."""
    return "\n".join(markdown(heads, rows, " --- ", " --- "))
