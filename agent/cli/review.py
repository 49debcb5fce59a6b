"""`septet review [DRAFT_DIR…]`: run the review app on this machine."""

import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from agent.cli.source_options import PATH, now, tell
from agent.errors import InputError, StoreError

if TYPE_CHECKING:
    from agent.review.domain.records import Reviewer
    from agent.review.service import Service

ROLES: Final = ("viewer", "analyst", "approver")
_SOMEBODY: Final = "analyst"
_LINE: Final = 4096
"""The maximum length of a typed line, in bytes."""


@click.command("review")
@click.argument("folders", nargs=-1, metavar="[DRAFT_DIR...]", type=PATH)
@click.option("--host", default="127.0.0.1", metavar="H", help="127.0.0.1, localhost or ::1.")
@click.option("--port", default=0, metavar="P", type=click.IntRange(0, 65535), help="A free port by default.")
@click.option("--store", "file", metavar="FILE", type=PATH, help="The store to use; your own by default.")
@click.option("--reviewer", "name", metavar="NAME", help="Name of the reviewer; your user name by default.")
@click.option("--role", type=click.Choice(ROLES), default="analyst", help="A viewer can look but change nothing.")
def command(folders: tuple[Path, ...], host: str, port: int, file: Path | None, name: str | None, role: str) -> None:
    """Open the drafts in DRAFT_DIR (as `septet draft --out` wrote them) in the review app, and serve it until Ctrl-C.

    The printed address contains a token that opens one session; the address goes to stdout, everything else to stderr.
    In a terminal, press Enter to print another address. Drafts and decisions are kept in your own review store. Without
    DRAFT_DIR and --store, a half-reviewed demo is opened in a temporary store.

    \b
    Examples:
      septet review
      septet review acme other --reviewer "A. Analyst"
      septet review --store team.sqlite --port 8000
    """
    from agent.review.demo import add_demo
    from agent.review.service import Service
    from agent.review.store.store import Store
    from agent.review.web.server import bound, check_host
    from agent.settings import load_settings, store_file

    environ = os.environ  # noqa: TID251
    check_host(host)
    reviewer = reviewer_of(name, role, environ)
    settings = load_settings(environ)
    demo = not folders and file is None
    with ExitStack() as left:
        made = left.enter_context(bound(host, port))
        scratch = Path(left.enter_context(TemporaryDirectory())) / "demo.sqlite" if demo else None
        store = left.enter_context(Store.open(scratch or file or store_file(environ)))
        if store.damage:
            tell(f"the store is damaged and was opened read-only: {store.damage}")
            tell(f"hint: {store.hint}")
        service = Service(store, settings, now)
        if demo:
            tell("drafting the demo; for your own drafts: septet review DRAFT_DIR")
            with suppress(InputError):
                own = store_file(environ)
                if own.exists():
                    tell(f"for your existing reviews: septet review --store {own}")
            add_demo(service)
        for folder in folders:
            key = service.import_draft(folder, reviewer)
            tell(f"{key}: {service.review(key).drafted.product.name}")
        _serve(service, made, reviewer)
        if not demo and not store.damage:
            try:
                store.keep_backup()
            except StoreError as error:
                # A failed backup loses nothing: everything that was acknowledged is already in the store.
                tell(f"could not write a backup: {error}")
    # Exit immediately if an abandoned request is still running: the closed store rejects its writes.
    if any(one is not threading.main_thread() and not one.daemon for one in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def reviewer_of(name: str | None, role: str, environ: Mapping[str, str]) -> "Reviewer":
    """Return a reviewer with the given name, or else the user's login name. Raises InputError for an invalid name."""
    from agent.review.domain.acts import MAX_NAME
    from agent.review.domain.records import Reviewer

    said = (name if name is not None else environ.get("LOGNAME") or environ.get("USER") or _SOMEBODY).strip()
    if not 1 <= len(said) <= MAX_NAME or not said.isprintable():
        raise InputError(
            "the name is not valid", where="--reviewer", hint=f"use 1 to {MAX_NAME} characters on one line"
        )
    return Reviewer.model_validate({"name": said, "role": role})


def _serve(service: "Service", made: socket, reviewer: "Reviewer") -> None:
    from agent.review.web.access import ENTER, Access
    from agent.review.web.app import create_app
    from agent.review.web.server import address, serve

    access = Access.loopback(made.getsockname()[1])
    app = create_app(service, access)

    def invite() -> None:
        click.echo(f"{address(made)}{ENTER}?token={access.invite(reviewer)}")
        sys.stdout.flush()

    def invite_again() -> None:
        """Print a new address for each typed line, until the terminal is closed."""
        # Bypass sys.stdin, because this thread would still hold its lock when the process ends.
        with suppress(OSError):
            while os.read(sys.stdin.fileno(), _LINE):
                invite()

    invite()
    asked = sys.stdin is not None and sys.stdin.isatty()
    more = "press Enter for another address, " if asked else ""
    tell(f"the address works once and signs you in as {reviewer.name} ({reviewer.role}); {more}Ctrl-C to stop")
    if asked:
        # The system stops a background process that reads from the terminal. With the signal ignored, only the read
        # fails, and the thread ends.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        threading.Thread(target=invite_again, daemon=True).start()
    serve(app, made)
