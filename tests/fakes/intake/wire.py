"""A replacement for the socket layer: a resolver from a table and a network backend that answers from memory.

Everything fetched through them stays in the process, and every address that was tried is recorded.
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
    """Records each address in `connects` and each request in `requests`; `answer` returns the bytes of the answers."""

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
        """Return a connection to nowhere."""
        with self._lock:
            self.connects.append((host, port))
        return WireStream(self)

    def begin(self) -> None:
        """Called when a request is being sent."""
        with self._lock:
            self.starts.append(self._clock())

    def answer(self, request: bytes) -> bytes:
        """Return what the server sends in reply to a request."""
        line, host = _REQUEST.match(request), _HOST.search(request)
        assert line is not None
        assert host is not None
        asked = (host[1].decode(), line[1].decode())
        with self._lock:
            self.requests.append((*asked, request))
            return self._answer(*asked)


class WireStream(httpcore2.NetworkStream):
    """One connection: takes a request and returns its answer."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._sent = b""
        self._waiting = b""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Return the next bytes of the answer; empty once all were read."""
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
        """Do nothing, as nothing has to be closed."""

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> Self:
        """Return the same connection, since nothing needs encryption here."""
        self._wire.server_names.append(server_hostname)
        return self

    def get_extra_info(self, info: str) -> object:
        """Return that it is not readable, so that an idle connection counts as alive."""
        return False if info == "is_readable" else None


class Names:
    """A resolver: for each host its answers to successive look-ups, the last one repeated; `otherwise` for others."""

    def __init__(self, table: Mapping[str, Sequence[Sequence[str]]], otherwise: Sequence[str] = ()) -> None:
        self.asked: list[str] = []
        self._table = {name: list(answers) for name, answers in table.items()}
        self._otherwise = otherwise

    def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the next answer."""
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
        """Return the seconds."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Move the clock."""
        with self._lock:
            self.now += seconds


def http(body: bytes = b"<p>hello</p>", status: int = 200, kind: str = "text/html", **headers: str) -> bytes:
    """Return an answer; header names are given with underscores instead of dashes."""
    lines = [f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def moved(location: str) -> bytes:
    """Return a redirect."""
    return http(b"", 302, location=location)


def crawl(
    pages: Mapping[str, str | bytes],
    *sources: str,
    allow: Sequence[str] = (),
    names: Mapping[str, Sequence[Sequence[str]]] | None = None,
) -> tuple[Intake, Wire]:
    """Return the intake of `sources` over a web of `pages` (address without scheme to text or raw answer), and the
    wire.
    """

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
    """Return the same server without a robots.txt."""
    return lambda host, path: http(b"", 404) if path == "/robots.txt" else answer(host, path)
