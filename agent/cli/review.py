"""`septet review [DRAFT_DIR…]`: the review app on this machine."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import click

from agent.cli.source_options import now

if TYPE_CHECKING:
    from agent.review.domain.records import Reviewer
    from agent.review.service import Service
    from agent.review.store.store import Store

ROLES: Final = ("viewer", "analyst", "approver")
_SOMEBODY: Final = "analyst"
_LINE: Final = 4096
"""The most bytes read of a typed line."""


@click.command("review", short_help="Review drafts in a local web app, and sign them.")
@click.argument("folders", nargs=-1, metavar="[DRAFT_DIR...]", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", metavar="H", help="127.0.0.1, localhost or ::1.")
@click.option("--port", default=0, metavar="P", type=click.IntRange(0, 65535), help="By default a free one.")
@click.option("--store", "file", metavar="FILE", type=click.Path(path_type=Path), help="The store, if not your own.")
@click.option("--reviewer", "name", metavar="NAME", help="Who decides, by name; by default your user name.")
@click.option("--role", type=click.Choice(ROLES), default="analyst", help="A viewer looks and changes nothing.")
def command(folders: tuple[Path, ...], host: str, port: int, file: Path | None, name: str | None, role: str) -> None:
    """Open the drafts in DRAFT_DIR (as `septet draft --out` wrote them) in the review app, and serve it until Ctrl-C.

    Its address holds a token that opens one session; it goes to stdout, everything else to stderr. In a terminal,
    Enter prints another address. Drafts and decisions are kept in your own store of reviews. Without DRAFT_DIR and
    --store, a half-reviewed demo is opened in a scratch store that is thrown away.

    \b
    Examples:
      septet review
      septet review acme other --reviewer "A. Analyst"
      septet review --store team.sqlite --port 8000
    """
    from agent.review.service import Service
    from agent.review.web.server import bound, check_host
    from agent.settings import load_settings

    environ = os.environ  # noqa: TID251
    check_host(host)
    reviewer = reviewer_of(name, role, environ)
    settings = load_settings(environ)
    with ExitStack() as left:
        made = left.enter_context(bound(host, port))
        demo = not folders and file is None
        store = left.enter_context(_opened(left, demo=demo, file=file, environ=environ))
        service = Service(store, settings, now)
        if demo:
            _demonstrate(service, environ)
        for folder in folders:
            key = service.import_draft(folder, reviewer)
            _tell(f"{key}: {service.review(key).drafted.product.name}")
        _serve(service, made, reviewer)
        if not demo and not store.damage:
            _keep_backup(store)
    _leave()


def reviewer_of(name: str | None, role: str, environ: Mapping[str, str]) -> "Reviewer":
    """Return the reviewer with the given name, else with the user's own. Raises InputError for an unusable name."""
    from agent.errors import InputError
    from agent.review.domain.acts import MAX_NAME
    from agent.review.domain.records import Reviewer

    said = (name if name is not None else environ.get("LOGNAME") or environ.get("USER") or _SOMEBODY).strip()
    if not 1 <= len(said) <= MAX_NAME or not said.isprintable():
        raise InputError("this is not a name", where="--reviewer", hint=f"1 to {MAX_NAME} letters on one line")
    return Reviewer.model_validate({"name": said, "role": role})


def _opened(left: ExitStack, *, demo: bool, file: Path | None, environ: Mapping[str, str]) -> "Store":
    from agent.review.store.store import Store
    from agent.settings import store_file

    if demo:
        return Store.open(Path(left.enter_context(TemporaryDirectory())) / "demo.sqlite")
    store = Store.open(file or store_file(environ))
    if store.damage:
        _tell(f"the store is damaged and opened for reading only: {store.damage}")
        _tell(f"hint: {store.hint}")
    return store


def _demonstrate(service: "Service", environ: Mapping[str, str]) -> None:
    from agent.errors import InputError
    from agent.review.demo import add_demo
    from agent.settings import store_file

    _tell("drafting the demo; your own drafts: septet review DRAFT_DIR")
    with suppress(InputError):
        own = store_file(environ)
        if own.exists():
            _tell(f"the reviews that you have: septet review --store {own}")
    add_demo(service)


def _serve(service: "Service", made: socket, reviewer: "Reviewer") -> None:
    from agent.review.web.access import ENTER, Access
    from agent.review.web.app import create_app
    from agent.review.web.server import address, serve

    access = Access.loopback(made.getsockname()[1])
    app = create_app(service, access)

    def invite() -> None:
        click.echo(f"{address(made)}{ENTER}?token={access.invite(reviewer)}")
        sys.stdout.flush()

    invite()
    asked = sys.stdin is not None and sys.stdin.isatty()
    more = "Enter prints another address, " if asked else ""
    _tell(f"open it once as {reviewer.name} ({reviewer.role}); {more}Ctrl-C ends")
    if asked:
        # A background process that reads from a terminal is stopped. With the signal ignored, only the read fails and
        # the thread ends.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        threading.Thread(target=_invite_again, args=(invite,), daemon=True).start()
    serve(app, made)


def _invite_again(invite: Callable[[], None]) -> None:
    """Print a new address for each typed line, until the terminal is gone."""
    with suppress(OSError):
        # Bypass sys.stdin, because this thread would still hold its lock when the process ends.
        while os.read(sys.stdin.fileno(), _LINE):
            invite()


def _keep_backup(store: "Store") -> None:
    from agent.errors import StoreError

    try:
        store.keep_backup()
    except StoreError as error:
        # Everything acknowledged is already in the store.
        _tell(f"no backup was written: {error}")


def _leave() -> None:
    """Exit at once if an abandoned request is still running: the closed store rejects its writes."""
    left = [one for one in threading.enumerate() if one is not threading.main_thread() and not one.daemon]
    if left:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _tell(line: str) -> None:
    from agent.report.safe_markdown import one_line

    click.echo(one_line(line), err=True)
