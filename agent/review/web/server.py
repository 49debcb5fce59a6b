"""Runs the review app on a local socket, bound only to loopback, until SIGINT or SIGTERM."""

import gc
import ipaddress
import signal
import socket
from types import FrameType
from typing import TYPE_CHECKING, Final

from agent.errors import InputError, RefusedError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

DRAIN_SECONDS: Final = 3
"""Seconds that pending requests may take after a signal. Of the five seconds for shutting down, the other two are for
closing the store."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)
_HOSTS: Final = {"127.0.0.1": socket.AF_INET, "localhost": socket.AF_INET, "::1": socket.AF_INET6}
_BACKLOG: Final = 128


def check_host(host: str) -> None:
    """Raise RefusedError for a host other than this machine, InputError for an unsupported loopback address."""
    name = host.strip("[]").lower()
    if name in _HOSTS:
        return
    try:
        loopback = ipaddress.ip_address(name).is_loopback
    except ValueError:
        loopback = False
    if loopback:
        raise InputError("the app cannot use this address", where=host, hint="use 127.0.0.1, localhost or ::1")
    raise RefusedError(
        "the app is available only on this machine",
        where=f"--host {host}",
        hint="it has no user accounts; use 127.0.0.1",
    )


def bound(host: str, port: int) -> socket.socket:
    """Open a listening socket; port 0 picks a free one.

    Raises the errors of `check_host`, and InputError if the port cannot be used.
    """
    check_host(host)
    name = host.strip("[]").lower()
    made = socket.socket(_HOSTS[name], socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1" if name == "localhost" else name, port))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        why = error.strerror or "the system refused it"
        raise InputError(
            f"the port cannot be used: {why.lower()}", where=f"{host}:{port}", hint="leave out --port to use a free one"
        ) from None
    return made


def address(made: socket.socket) -> str:
    """Return the address of a bound socket, without a path."""
    host, port = made.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(app: "ASGIApp", made: socket.socket) -> None:
    """Serve until SIGINT or SIGTERM. Pending requests then have three seconds; a second SIGINT ends them."""
    import uvicorn

    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            # Do not trust a proxy to report who sent a request.
            proxy_headers=False,
            ws="none",
            http="h11",
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )

    def stop(number: int, frame: FrameType | None) -> None:
        # By default uvicorn raises the signal again after stopping, which would end the process before the store is
        # closed.
        server.should_exit = True

    # Objects loaded by now stay alive; scanning them for garbage would delay one page in twenty.
    gc.collect()
    gc.freeze()
    before = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        server.run(sockets=[made])
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        made.close()
