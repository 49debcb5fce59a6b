"""Connections below HTTP and TLS: to checked addresses only, with the times of the meter on every read and write."""

import ssl
from collections.abc import Iterable, Iterator
from typing import Final

import httpcore2
import httpx2

from agent.errors import RefusedError, SourceError, UnavailableError
from agent.intake.net.meter import Meter
from agent.intake.net.netguard import Guard

MAX_HEADER_BYTES: Final = 65_536
_SAVE: Final = "save the page and give the file"


class TimedStream(httpcore2.NetworkStream):
    """A network stream on which the deadline holds for each read, write and handshake."""

    def __init__(self, inner: httpcore2.NetworkStream, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    def _left(self, kind: type[Exception]) -> float:
        left = self._meter.seconds_left()
        if left <= 0:
            raise kind("deadline")
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes. Raises UnavailableError when the server sends too slowly, ReadTimeout at the deadline."""
        left, patience = self._left(httpcore2.ReadTimeout), self._meter.seconds_at_this_rate()
        if patience <= 0:
            raise _too_slow()
        try:
            data = self._inner.read(max_bytes, min(left, patience))
        except httpcore2.ReadTimeout:
            if patience < left:
                raise _too_slow() from None
            raise
        self._meter.received(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes, until the deadline."""
        self._inner.write(buffer, self._left(httpcore2.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """The same connection behind TLS, the handshake under the deadline."""
        left = self._left(httpcore2.ConnectTimeout)
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._meter)

    def get_extra_info(self, info: str) -> object:
        """What the inner stream knows."""
        return self._inner.get_extra_info(info)


def _too_slow() -> UnavailableError:
    return UnavailableError("the server sends too slowly", hint=_SAVE)


class GuardedBackend(httpcore2.NetworkBackend):
    """Connects to addresses that the guard has checked, below TLS: certificate name and Host stay the URL's own."""

    def __init__(self, guard: Guard, meter: Meter, inner: httpcore2.NetworkBackend | None = None) -> None:
        self._guard = guard
        self._meter = meter
        self._inner = inner or httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """A stream to the first checked address of `host` that answers; raises RefusedError before any socket."""
        self._meter.connected()
        addresses = self._guard.addresses(host.strip("[]"), port)
        failure: Exception = httpcore2.ConnectError("no address")
        for address in addresses:
            left = self._meter.seconds_left()
            if left <= 0:
                raise httpcore2.ConnectTimeout("deadline")
            try:
                return TimedStream(self._inner.connect_tcp(str(address), port, left), self._meter)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """Always refused."""
        raise RefusedError("a local socket is never read", where=path)


class _Body(httpx2.SyncByteStream):
    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        close = getattr(self._stream, "close", None)
        if close is not None:
            close()


class Transport(httpx2.BaseTransport):
    """A pool of at most `connections` guarded connections for an HTTP client; `inner` stands in for the sockets."""

    def __init__(
        self, guard: Guard, meter: Meter, connections: int, inner: httpcore2.NetworkBackend | None = None
    ) -> None:
        self._meter = meter
        self._pool = httpcore2.ConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=max(1, connections),
            retries=0,
            network_backend=GuardedBackend(guard, meter, inner),
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The answer, its body still to be read. Raises SourceError when its headers are too large."""
        url = httpcore2.URL(
            scheme=request.url.raw_scheme,
            host=request.url.raw_host,
            port=request.url.port,
            target=request.url.raw_path,
        )
        wait = {"timeout": {"pool": max(0.0, self._meter.seconds_left())}}
        answer = self._pool.handle_request(
            httpcore2.Request(request.method, url, headers=request.headers.raw, extensions=wait)
        )
        if sum(len(name) + len(value) for name, value in answer.headers) > MAX_HEADER_BYTES:
            answer.close()
            raise SourceError(f"headers larger than {MAX_HEADER_BYTES} bytes", hint=_SAVE)
        assert isinstance(answer.stream, Iterable)
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Body(answer.stream))

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()
