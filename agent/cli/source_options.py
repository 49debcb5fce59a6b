"""Shared by the verbs that read sources: options, reading, timestamps, notes and the progress line."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

import click

from agent.errors import InputError
from agent.report.safe_markdown import one_line

if TYPE_CHECKING:
    from agent.records import Intake

PATH: Final = click.Path(path_type=Path)
_NOTE_FILE_LIMIT = 200_000
_PAGE: Final = "reading "
"""The prefix of progress lines about a single page or file, which may be frequent."""
_BETWEEN_PAGES: Final = 2.0
"""Minimum number of seconds between two such lines if stderr is not a terminal, as in the log of a CI job."""
_P = ParamSpec("_P")
_R = TypeVar("_R")


def reading_options(verb: Callable[_P, _R]) -> Callable[_P, _R]:
    """Add `--product`, `--note` and `--allow-private` to a verb, in the order shown in its help."""
    private = "Allow exactly this loopback or private host and port. Repeatable."
    note = "An analyst's note about this deployment."
    for option in (
        click.option("--allow-private", multiple=True, metavar="HOST[:PORT]", help=private),
        click.option("--note", "notes", multiple=True, metavar="TEXT|FILE", help=note),
        click.option("--product", metavar="NAME", help="Name of the product, if the page lists several."),
    ):
        verb = option(verb)
    return verb


def read(
    sources: tuple[str, ...],
    *,
    product: str | None = None,
    notes: tuple[str, ...] = (),
    allow_private: tuple[str, ...] = (),
) -> "Intake":
    """Read the sources as a draft would, with progress on stderr; only the cache is kept."""
    from agent.intake.capture import read_remembered
    from agent.settings import load_settings

    settings = load_settings(os.environ)  # noqa: TID251
    with progress_line() as progress:
        found = read_remembered(
            sources, settings, allow_private=allow_private, notes=tuple(map(note_text, notes)), product=product,
            progress=progress, now=now(),
        )  # fmt: skip
    if found.unfinished is not None:
        found.unfinished.finish()
    return found.result.intake


def now() -> str:
    """Return the current time as records store it: UTC, ISO 8601 with seconds and `Z`."""
    return stamp(datetime.now(UTC))


def stamp(moment: datetime) -> str:
    """Format a time as records store it: UTC, ISO 8601 with seconds and `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def note_text(note: str) -> str:
    """Return the note itself, or the content of the file that it names.

    Raises InputError if the file is longer than 200,000 bytes or not UTF-8.
    """
    try:
        path = Path(note)
        if not path.is_file():
            return note
        if path.stat().st_size > _NOTE_FILE_LIMIT:
            raise InputError("the note is too long", where=note, hint=f"use at most {_NOTE_FILE_LIMIT} bytes")
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise InputError("the note is not UTF-8 text", where=note, hint="save it as UTF-8") from None
    except OSError:
        return note


def tell(line: str) -> None:
    """Write a line to stderr, unless it is empty."""
    if line:
        # Do not use click.echo, which would write into the middle of the progress line.
        sys.stderr.write(f"{one_line(line)}\n")
        sys.stderr.flush()


@contextmanager
def progress_line() -> Iterator[Callable[[str], None]]:
    """Show progress on stderr: a status line on a terminal, plain lines otherwise.

    Plain lines report every stage, but at most one page every two seconds.
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.text import Text

        # Addresses and file names are plain text: do not interpret them as Rich markup or terminal escapes.
        with Console(stderr=True).status("reading") as status:
            yield lambda line: status.update(Text(one_line(line)))
        return
    last = time.monotonic()

    def tell_some(line: str) -> None:
        nonlocal last
        moment = time.monotonic()
        if not line.startswith(_PAGE) or moment - last >= _BETWEEN_PAGES:
            last = moment
            tell(line)

    yield tell_some
