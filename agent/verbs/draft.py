"""`septet draft SOURCE…`: the main job."""

import os
from pathlib import Path

import click

from agent.errors import UsageError
from agent.verbs.reading import note_text, now, progress_line, reading_options


@click.command("draft", short_help="Draft a threat model from a product listing.")
@click.argument("sources", nargs=-1, metavar="SOURCE...")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for draft.json, draft.md, snapshots/ and index/.")
@reading_options
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
