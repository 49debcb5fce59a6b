"""HTTP transport of the native adapter, with a size cap and a deadline; it follows no redirects and reads no
environment settings.

It sits below the SDK, which reads a whole response before returning anything. Every socket read and write checks the
deadline of the call, because an HTTP client's own timeouts never fire on a server that sends byte by byte. Decoded
bytes are counted as they arrive. Of the SDK's headers, only the allowed ones are sent.
"""

import contextlib
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Final

import httpcore2
import httpx2

from agent.llm.retry import Limits

_SENT_HEADERS: Final = frozenset(
    {"accept", "authorization", "connection", "content-length", "content-type", "host", "idempotency-key"}
)
"""Headers that may be sent besides our own user agent and encoding; none reveals the system, SDK or organisation."""
_USER_AGENT: Final = b"septet"
_MAX_HEADER_BYTES: Final = 65_536
_SLICE_SECONDS: Final = 0.25
"""Longest time that a read may block before checking whether the call was cancelled."""
_CODINGS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}
_PIECE: Final = 65_536


class TooLargeError(httpx2.ReadError):
    """The response is larger than the limit."""


class CodingError(httpx2.ReadError):
    """The response uses an unknown compression or cannot be decompressed."""


class StoppedError(httpx2.ReadError):
    """The call was cancelled."""


class Watch(threading.local):
    """The deadline of this thread's current call, and whether the call has connected and sent anything."""

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped
        self.deadline = 0.0
        self.sent = False
        self.connected = False

    def left(self) -> float:
        """Return the seconds until the deadline. Raises StoppedError if the call was cancelled."""
        if self._stopped.is_set():
            raise StoppedError("the call was cancelled")
        return self.deadline - time.monotonic()


class _TimedStream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream, watch: Watch) -> None:
        self._inner = inner
        self._watch = watch

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        while (left := self._watch.left()) > 0:
            with contextlib.suppress(httpcore2.ReadTimeout):
                return self._inner.read(max_bytes, min(left, _SLICE_SECONDS))
        raise httpcore2.ReadTimeout("deadline")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        left = self._watch.left()
        if left <= 0:
            raise httpcore2.WriteTimeout("deadline")
        self._watch.sent = True
        self._inner.write(buffer, left)

    def close(self) -> None:
        self._inner.close()

    def get_extra_info(self, info: str) -> object:
        return self._inner.get_extra_info(info)

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = max(0.001, self._watch.left())
        return _TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._watch)


Resolve = Callable[[str, int], list[str]]
"""Maps a host and a port to addresses, in the order in which to try them. Raises OSError."""


def resolve(host: str, port: int) -> list[str]:
    """Look up the addresses of `host` with the system resolver. Raises OSError."""
    found = (str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    return list(dict.fromkeys(found))


class _TimedBackend(httpcore2.NetworkBackend):
    def __init__(self, connect_seconds: float, watch: Watch, resolver: Resolve) -> None:
        self._connect_seconds = connect_seconds
        self._resolver = resolver
        self._watch = watch
        self._inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        self._watch.connected = True
        until = time.monotonic() + self._connect_seconds
        failure: Exception = httpcore2.ConnectError("no address")
        # Share one deadline among all addresses, because the socket library would give each of them the full timeout.
        for address in self._addresses(host.strip("[]"), port, until):
            try:
                stream = self._inner.connect_tcp(address, port, self._left(until), local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._watch)
        raise failure

    def _addresses(self, host: str, port: int, until: float) -> list[str]:
        """Look up the host in a thread that is abandoned at the deadline, because a look-up itself has no timeout."""
        found: list[list[str]] = []

        def look_up() -> None:
            with contextlib.suppress(OSError, UnicodeError):
                found.append(self._resolver(host, port))

        thread = threading.Thread(target=look_up, name="look-up", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(min(self._left(until), _SLICE_SECONDS))
        return found[0] if found else []

    def _left(self, until: float) -> float:
        left = min(self._watch.left(), until - time.monotonic())
        if left <= 0:
            raise httpcore2.ConnectTimeout("deadline")
        return left


class _Body(httpx2.SyncByteStream):
    """A decoded response body that counts its bytes against the limit."""

    def __init__(self, stream: Iterable[bytes], coding: str, limit: int) -> None:
        self._stream = stream
        self._coding = coding
        self._limit = limit

    def __iter__(self) -> Iterator[bytes]:
        unpack = zlib.decompressobj(_CODINGS[self._coding]) if self._coding else None
        decoded = 0
        for piece in self._stream:
            for part in _unpacked(unpack, piece) if unpack else (piece,):
                decoded += len(part)
                if decoded > self._limit:
                    raise TooLargeError(f"the response is larger than {self._limit} bytes")
                yield part

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


def _unpacked(unpack: "zlib._Decompress", piece: bytes) -> Iterator[bytes]:
    while piece:
        try:
            yield unpack.decompress(piece, _PIECE)
        except zlib.error:
            raise CodingError("the response cannot be decompressed") from None
        piece = unpack.unconsumed_tail


class Transport(httpx2.BaseTransport):
    """A connection pool for the SDK's HTTP client that enforces the limits of a call on each exchange.

    `encrypted` says whether https will be used; if not, the slow loading of certificates is skipped. `resolver` looks
    up hosts.
    """

    def __init__(self, limits: Limits, *, encrypted: bool, resolver: Resolve = resolve) -> None:
        self._limits = limits
        self._stopped = threading.Event()
        self.watch = Watch(self._stopped)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl.create_default_context() if encrypted else None,
            retries=0,
            network_backend=_TimedBackend(limits.connect_seconds, self.watch, resolver),
        )

    def start(self, seconds: float) -> None:
        """Set the deadline of this thread's next request to `seconds` from now."""
        self.watch.deadline = time.monotonic() + seconds
        self.watch.sent = False

    def stop(self) -> None:
        """Cancel all requests in all threads within a quarter of a second."""
        self._stopped.set()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request and return the response with its body unread; reading the body counts decoded bytes.

        Raises errors of the HTTP client, including TooLargeError, CodingError and StoppedError.
        """
        headers = [row for row in request.headers.raw if row[0].decode("latin-1").lower() in _SENT_HEADERS]
        headers += [(b"user-agent", _USER_AGENT), (b"accept-encoding", b"identity")]
        raw = request.url
        url = httpcore2.URL(scheme=raw.raw_scheme, host=raw.raw_host, port=raw.port, target=raw.raw_path)
        content = request.stream if isinstance(request.stream, Iterable) else None
        extensions = {"timeout": {"pool": max(0.0, self.watch.left())}}
        asked = httpcore2.Request(request.method, url, headers=headers, content=content, extensions=extensions)
        self.watch.connected = False
        try:
            answer = self._pool.handle_request(asked)
        except (httpcore2.RemoteProtocolError, httpcore2.NetworkError):
            if self.watch.connected or self._stopped.is_set():
                raise
            # Retry once, because the server may have closed a kept-alive connection in the meantime.
            answer = self._pool.handle_request(asked)
        assert isinstance(answer.stream, Iterable)
        coding = ""
        kept = []
        for name, value in answer.headers:
            if name.lower() == b"content-encoding":
                coding = value.decode("latin-1").strip().lower().removeprefix("identity")
            elif name.lower() != b"content-length":
                kept.append((name, value))
        if coding and coding not in _CODINGS:
            answer.close()
            raise CodingError(f"the response has the unknown compression {coding[:20]!r}")
        if sum(len(name) + len(value) for name, value in kept) > _MAX_HEADER_BYTES:
            answer.close()
            raise TooLargeError(f"the headers are larger than {_MAX_HEADER_BYTES} bytes")
        body = _Body(answer.stream, coding, self._limits.max_answer_bytes)
        return httpx2.Response(answer.status, headers=kept, stream=body, request=request)

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
