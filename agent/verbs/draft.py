"""`septet draft SOURCE…`: the main job."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from agent.errors import InputError

_NOTE_FILE_LIMIT = 200_000


@click.command("draft", short_help="Draft a threat model from a product listing.")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for draft.json, draft.md, snapshots/ and index/.")
@click.option("--product", metavar="NAME", help="Name of the product, when the page has several.")
@click.option("--note", "notes", multiple=True, metavar="TEXT|FILE", help="An analyst's note about this deployment.")
@click.option(
    "--allow-private",
    multiple=True,
    metavar="HOST[:PORT]",
    help="Admit exactly this loopback or private host and port. May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="Print draft.json instead of the report.")
def command(
    sources: tuple[str, ...],
    out: Path | None,
    product: str | None,
    notes: tuple[str, ...],
    allow_private: tuple[str, ...],
    as_json: bool,
) -> None:
    """Draft a threat model from SOURCE: a URL, a file (html, md, txt, pdf, json) or a folder.

    The first source is the listing, further ones are documentation. Without --out nothing is kept.

    \b
    Examples:
      septet draft https://directory.example/agents/acme --out acme
      septet draft listing.md docs.pdf --note "We run it in a shared CI account"
    """
    from agent.pipeline import draft, save
    from agent.settings import load_settings

    settings = load_settings(os.environ)  # noqa: TID251
    with _progress() as progress:
        result = draft(
            sources,
            settings=settings,
            now=_now(),
            out=out,
            product=product,
            notes=tuple(_note(note) for note in notes),
            allow_private=allow_private,
            progress=progress,
        )
        if out is not None:
            save(result, out)
    click.echo(result.json if as_json else result.markdown, nl=False)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _note(note: str) -> str:
    """The note itself, or the text of the file that it names."""
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
def _progress() -> Iterator[Callable[[str], None] | None]:
    """A status line on stderr, only on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status("reading") as status:
        yield status.update
