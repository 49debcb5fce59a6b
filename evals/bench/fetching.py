"""How fast and how flat fetching is: many pages of a slow server on loopback, and what unbounded bodies end in.

    python -m evals.bench.fetching [--pages 200] [--latency 0.05] [--connections 8]

The server runs in a process of its own. The ideal is pages x latency / connections; the bar is 1.3 times that.
"""

import argparse
import resource
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

from agent.intake.crawl.answer import Fetched
from agent.intake.crawl.network import open_network
from agent.settings import Settings
from evals.bench.serving import Serving

BAR: Final = 1.3
"""Times the ideal."""
_RUNS: Final = 3
_PAGE_BYTES: Final = 20_000
_KILO: Final = 1024
_DEADLINE: Final = 2.0
_NOT_FOUND: Final = b"HTTP/1.1 404 X\r\ncontent-length: 0\r\n\r\n"
_HEAD: Final = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n"


@dataclass(frozen=True)
class Speed:
    """One measurement."""

    seconds: float
    """The fastest run."""
    ideal: float
    growth_mb: float
    """Of the peak of resident memory after the first run."""

    @property
    def ratio(self) -> float:
        """Times the ideal."""
        return self.seconds / self.ideal


def measure(pages: int, latency: float, connections: int) -> Speed:
    """Fetch `pages` pages a few times. Raises RuntimeError when one did not arrive."""
    settings = Settings(
        delay_seconds=0, connections=connections, connections_per_host=connections, max_total_bytes=10**9
    )
    best, peak = float("inf"), 0.0
    with Serving(_serve, latency) as port:
        host = f"127.0.0.1:{port}"
        urls = [f"http://{host}/{number}" for number in range(pages)]
        for _ in range(_RUNS):
            begun = time.perf_counter()
            with open_network(settings, [host]) as (_guard, network):
                outcomes = network.get_all(urls)
            best = min(best, time.perf_counter() - begun)
            failed = [outcome for outcome in outcomes if not isinstance(outcome, Fetched)]
            if failed:
                raise RuntimeError(f"{len(failed)} pages did not arrive: {failed[0]}")
            peak = peak or _peak_mb()
    return Speed(best, pages * latency / connections, _peak_mb() - peak)


def endings() -> dict[str, tuple[float, str]]:
    """Seconds and outcome of servers that never come to an end, under a deadline of two seconds."""
    settings = Settings(delay_seconds=0, first_byte_seconds=_DEADLINE / 2, request_seconds=_DEADLINE, total_seconds=10)
    found: dict[str, tuple[float, str]] = {}
    with Serving(_serve, 0.0) as port:
        host = f"127.0.0.1:{port}"
        for name in ("endless", "drip", "drip-head", "silent"):
            begun = time.perf_counter()
            with open_network(settings, [host]) as (_guard, network):
                [outcome] = network.get_all([f"http://{host}/{name}"])
            said = "a page" if isinstance(outcome, Fetched) else outcome.what
            found[name] = (time.perf_counter() - begun, said)
    return found


def _serve(there: Connection, latency: float) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        there.send(listener.getsockname()[1])
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_talk, args=(connection, latency), daemon=True).start()


def _talk(connection: socket.socket, latency: float) -> None:
    page = _HEAD + b"content-length: %d\r\n\r\n" % _PAGE_BYTES + b"<p>word " * (_PAGE_BYTES // 8)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection, suppress(OSError):
        while request := connection.recv(65536):
            path = request.split(b" ", 2)[1]
            rude = _RUDE.get(path)
            if rude:
                rude(connection)
                return
            if path == b"/robots.txt":
                connection.sendall(_NOT_FOUND)
                continue
            time.sleep(latency)
            connection.sendall(page)


def _for_ever(head: bytes, piece: bytes, pause: float) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return answer


_RUDE: Final = {
    b"/endless": _for_ever(_HEAD + b"\r\n", b"a" * 65536, 0.0),
    b"/drip": _for_ever(_HEAD + b"\r\n", b"a", 0.05),
    b"/drip-head": _for_ever(b"HTTP/1.1 200 OK\r\nx: ", b"a", 0.05),
    b"/silent": _for_ever(b"", b"", 0.5),
}


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KILO


def main() -> int:
    """Print the figures; 1 when they miss the bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=200)
    parser.add_argument("--latency", type=float, default=0.05)
    parser.add_argument("--connections", type=int, default=8)
    given = parser.parse_args()
    speed = measure(given.pages, given.latency, given.connections)
    print(f"{given.pages} pages, {given.latency * 1000:.0f} ms latency, {given.connections} connections")
    print(f"  {speed.seconds:.3f} s, ideal {speed.ideal:.3f} s, ratio {speed.ratio:.3f} (bar {BAR})")
    print(f"  peak memory grew by {speed.growth_mb:.1f} MiB over {_RUNS - 1} further runs")
    late = False
    for name, (seconds, said) in endings().items():
        late = late or seconds > _DEADLINE + 1
        print(f"  {name}: {seconds:.2f} s, {said}")
    return int(speed.ratio > BAR or late)


if __name__ == "__main__":
    sys.exit(main())
