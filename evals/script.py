"""Runs a module of this package as a script."""

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
