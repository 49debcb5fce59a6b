"""`septet intake SOURCE…`: show what a draft would read, without drafting."""

import click

from agent.cli.source_options import read, reading_options


@click.command("intake")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON (septet/intake/1) instead of text.")
def command(
    sources: tuple[str, ...], product: str | None, notes: tuple[str, ...], allow_private: tuple[str, ...], as_json: bool
) -> None:
    """Read SOURCE (a URL, a file or a folder) as `draft` would, and show the result.

    It lists documents with their hashes, findings with location and excerpt, how each link was handled and why, what is
    missing, and the remaining budget. Nothing is drafted, and only the cache is kept.

    \b
    Examples:
      septet intake https://directory.example/agents/acme
      septet intake listing.md docs/ --json
    """
    from agent.report import intake_report

    intake = read(sources, product=product, notes=notes, allow_private=allow_private)
    click.echo(intake_report.as_json(intake) if as_json else intake_report.as_text(intake), nl=False)
