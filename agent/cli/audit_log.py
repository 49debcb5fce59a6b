"""`septet audit-log verify`: check that the log of decisions has not been altered."""

import os
from pathlib import Path
from typing import Final

import click

from agent.cli.source_options import PATH
from agent.errors import ChainError, DamagedError, InputError, SourceError

_KEEP: Final = "keep the file as it is, and compare it with a backup and with signed exports"
_ANEW: Final = (
    "export the signed version again and compare; a report from another Septet release may differ only in wording"
)
_MAX_BYTES: Final = 100_000_000


@click.group("audit-log")
def command() -> None:
    """Verify the event log of a review store: one event per action, each linked to the previous one by its hash."""


@command.command("verify", short_help="Recompute the hash chain and report the first bad row.")
@click.option("--store", metavar="FILE", type=PATH, help="The store to verify; your own by default.")
@click.option(
    "--against",
    metavar="EXPORT",
    type=PATH,
    help="A signed export (JSON, Markdown, HTML); its head must be in the chain and its content unchanged.",
)
def verify(store: Path | None, against: Path | None) -> None:
    """Recompute the store's hash chain, and check what the chain does not cover: drafts, texts, queue and file.

    Events that were removed from the end of the log can be detected only with an export signed earlier. All values and
    text of that export are compared with what was signed. Nothing is changed, and the review app may keep running. The
    exit code is 5 if something is wrong.

    \b
    Examples:
      septet audit-log verify
      septet audit-log verify --store review.sqlite --against acme-signed.md
    """
    from agent.review.store.audit import audit
    from agent.review.store.chain import find_head, head_line
    from agent.review.store.signed import otherwise
    from agent.review.store.store import Store
    from agent.settings import store_file

    text = "" if against is None else _text(against)
    head = find_head(text)
    if against is not None and head is None:
        raise InputError("the export has no chain head", where=str(against), hint="only signed exports have one")
    path = store or store_file(os.environ)  # noqa: TID251
    try:
        with Store.open(path, read_only=True) as opened:
            found = audit(opened, head)
            damage = opened.damage
            other = otherwise(opened, head, text) if head is not None and found.sound and not damage else ""
    except DamagedError as error:
        raise ChainError(error.what, where=error.where, hint=error.hint) from None
    for fault in found.faults:
        click.echo(f"{fault.where}: {fault.what}")
    if found.broken is not None:
        row = found.broken
        event = f" (review {row.review}, event {row.number})" if row.number else ""
        raise ChainError(row.what, where=f"{path}: row {row.seq}{event}", hint=_KEEP)
    if found.faults or damage:
        what = f"{len(found.faults)} faults outside the chain" if found.faults else damage
        raise ChainError(what, where=str(path), hint=_KEEP)
    last = f"; head {head_line(found.head)}" if found.head else ""
    click.echo(f"intact: {found.events} events of {found.reviews} reviews{last}")
    if head is None:
        return
    click.echo(f"the chain contains the export's head: {head_line(head)}")
    if other:
        raise ChainError(f"the export was changed: {other}", where=str(against), hint=_ANEW)
    click.echo("the export matches what was signed")


def _text(export: Path) -> str:
    """Return the text of an export. Raises SourceError if it cannot be read, InputError if it is too large."""
    try:
        if export.stat().st_size > _MAX_BYTES:
            raise InputError("the export is too large", where=str(export), hint="specify a signed Septet export")
        return export.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SourceError("the export cannot be read", where=str(export), hint=str(why)) from None
