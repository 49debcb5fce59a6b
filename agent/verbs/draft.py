"""`septet draft SOURCE…`: the main job."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from agent.errors import InputError, UsageError

_NOTE_FILE_LIMIT = 200_000


@click.command("draft", short_help="Draft a threat model from a product listing.")
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for draft.json, draft.md, snapshots/ and index/.")
@click.option("--product", metavar="NAME", help="Name of the product, when the page has several.")
@click.option("--note", "notes", multiple=True, metavar="TEXT|FILE", help="An analyst's note about this deployment.")
@click.option(
    "--allow-private",
    multiple=True,
    metavar="HOST[:PORT]",
    help="Admit exactly this loopback or private host and port. May be repeated.",
)
@click.option(
    "--from-snapshot",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Instead of SOURCE: repeat the draft in DIR offline, from what it was made of.",
)
@click.option("--json", "as_json", is_flag=True, help="Print draft.json instead of the report.")
def command(
    sources: tuple[str, ...],
    out: Path | None,
    product: str | None,
    notes: tuple[str, ...],
    allow_private: tuple[str, ...],
    from_snapshot: Path | None,
    as_json: bool,
) -> None:
    """Draft a threat model from SOURCE: a URL, a file (html, md, txt, pdf, json) or a folder.

    The first source is the listing, further ones are documentation. Without --out nothing is kept but the cache. A run
    that was interrupted is gone on with when it is called again.

    \b
    Examples:
      septet draft https://directory.example/agents/acme --out acme
      septet draft listing.md docs.pdf --note "We run it in a shared CI account"
      septet draft --from-snapshot acme
    """
    from agent.pipeline import draft, redraft, save
    from agent.settings import load_settings

    _check_call(sources, from_snapshot, bool(product or notes or allow_private))
    settings = load_settings(os.environ)  # noqa: TID251
    with progress_line() as progress:
        if from_snapshot is not None:
            result = redraft(from_snapshot, settings=settings, out=out, progress=progress)
        else:
            result = draft(
                sources,
                settings=settings,
                now=now(),
                out=out,
                product=product,
                notes=tuple(note_text(note) for note in notes),
                allow_private=allow_private,
                progress=progress,
            )
        if out is not None:
            save(result, out)
    click.echo(result.json if as_json else result.markdown, nl=False)


def _check_call(sources: tuple[str, ...], from_snapshot: Path | None, more: bool) -> None:
    if from_snapshot is None and not sources:
        raise UsageError("no source", hint="give a URL, a file or a folder, or --from-snapshot with an earlier draft")
    if from_snapshot is not None and (sources or more):
        what = "a source" if sources else "--product, --note and --allow-private"
        raise UsageError(
            f"--from-snapshot does not go with {what}", hint="it repeats a draft exactly as it was; leave them out"
        )


def now() -> str:
    """The time of this moment as records have it: UTC, ISO 8601 with seconds and `Z`."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def note_text(note: str) -> str:
    """The note itself, or the text of the file that it names. Raises InputError for a file that is no short text."""
    try:
        path = Path(note)
        if not path.is_file():
            return note
        if path.stat().st_size > _NOTE_FILE_LIMIT:
            raise InputError("the note is too long", where=note, hint=f"at most {_NOTE_FILE_LIMIT} bytes")
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise InputError("the note is not UTF-8 text", where=note, hint="save it as UTF-8") from None
    except OSError:
        return note


@contextmanager
def progress_line() -> Iterator[Callable[[str], None] | None]:
    """A status line on stderr, only on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.text import Text

    from agent.export.safe_markdown import one_line

    # Addresses and file names are text: no markup of the terminal's library, no escapes of the terminal.
    with Console(stderr=True).status("reading") as status:
        yield lambda line: status.update(Text(one_line(line)))
