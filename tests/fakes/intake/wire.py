"""In place of the socket layer: a resolver from a table and a network backend that answers from memory.

Whatever is fetched through them stays in the process, and every address that was tried is known afterwards.
"""

import re
import ssl
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import httpcore2

from agent.intake.crawl.network import open_network
from agent.intake.reader import read_inputs
from agent.records import Intake
from agent.settings import Settings

_REQUEST = re.compile(rb"GET (\S+) HTTP/1\.1\r\n.*?\r\n\r\n", re.DOTALL)
_HOST = re.compile(rb"(?im)^host: (\S+)\r$")

Answerer = Callable[[str, str], bytes]
"""The bytes that answer a request for a host (as in its Host header) and a path."""


class Wire(httpcore2.NetworkBackend):
    """Notes each address in `connects` and each request in `requests`; `answer` gives the bytes of the answers."""

    def __init__(self, answer: Answerer, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.connects: list[tuple[str, int]] = []
        self.requests: list[tuple[str, str, bytes]] = []
        """Host, path and the whole request."""
        self.starts: list[float] = []
        """When each request was sent, by `clock`."""
        self.server_names: list[str | None] = []
        self._answer = answer
        self._clock = clock
        self._lock = threading.Lock()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> "WireStream":
        """A connection to nowhere."""
        with self._lock:
            self.connects.append((host, port))
        return WireStream(self)

    def begin(self) -> None:
        """A request is being sent."""
        with self._lock:
            self.starts.append(self._clock())

    def answer(self, request: bytes) -> bytes:
        """What the server of a request sends."""
        line, host = _REQUEST.match(request), _HOST.search(request)
        assert line is not None
        assert host is not None
        asked = (host[1].decode(), line[1].decode())
        with self._lock:
            self.requests.append((*asked, request))
            return self._answer(*asked)


class WireStream(httpcore2.NetworkStream):
    """One connection: a request in, its answer out."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._sent = b""
        self._waiting = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes of the answer; nothing when all were read."""
        if not self._waiting and self._sent:
            self._waiting, self._sent = self._wire.answer(self._sent), b""
        data, self._waiting = self._waiting[:max_bytes], self._waiting[max_bytes:]
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Take the bytes of a request."""
        if not self._sent:
            self._wire.begin()
        self._sent += buffer

    def close(self) -> None:
        """Nothing to close."""

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Self:
        """The same connection: there is nobody to hide from."""
        self._wire.server_names.append(server_hostname)
        return self

    def get_extra_info(self, info: str) -> object:
        """Never readable, so that a kept connection counts as alive."""
        return False if info == "is_readable" else None


class Names:
    """A resolver: for each host its answers to successive look-ups, the last one for ever; `otherwise` for others."""

    def __init__(self, table: Mapping[str, Sequence[Sequence[str]]], otherwise: Sequence[str] = ()) -> None:
        self.asked: list[str] = []
        self._table = {name: list(answers) for name, answers in table.items()}
        self._otherwise = otherwise

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """The next answer."""
        self.asked.append(host)
        answers = self._table.get(host, [self._otherwise] if self._otherwise else [])
        if not answers:
            raise OSError("unknown")
        return answers.pop(0) if len(answers) > 1 else answers[0]


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._lock = threading.Lock()

    def clock(self) -> float:
        """Seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        with self._lock:
            self.now += seconds


def http(body: bytes = b"<p>hello</p>", status: int = 200, kind: str = "text/html", **headers: str) -> bytes:
    """An answer; names of headers with underscores for dashes."""
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def moved(location: str) -> bytes:
    """A redirect."""
    return http(b"", 302, location=location)


def crawl(
    pages: Mapping[str, str | bytes],
    *sources: str,
    allow: Sequence[str] = (),
    names: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> tuple[Intake, Wire]:
    """The intake of `sources` over a web of `pages` (address without scheme to text or raw answer), and the wire."""

    def answer(host: str, path: str) -> bytes:
        found = pages.get(host + path, http(b"none", 404))
        if isinstance(found, bytes):
            return found
        kind = "text/xml" if found.startswith("<?xml") else "application/json" if found.startswith("{") else ""
        return http(found.encode(), kind=kind or ("text/html" if "<" in found else "text/plain"))

    wire = Wire(answer)
    settings = Settings(delay_seconds=0)
    resolver = Names(names or {}, otherwise=["93.184.216.34"])
    with open_network(settings, allow, resolve=resolver, backend=wire) as (guard, web):
        return read_inputs(sources, web, settings, guard=guard, now="2026-11-01T00:00:00Z").intake, wire


def no_robots(answer: Answerer) -> Answerer:
    """The same server without a robots.txt."""
    return lambda host, path: http(b"", 404) if path == "/robots.txt" else answer(host, path)
