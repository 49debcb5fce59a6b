"""Connections below HTTP and TLS: to checked addresses only, with the times of the meter on every read and write."""

import re
import ssl
from collections.abc import Iterable, Iterator
from typing import Final

import httpcore2
import httpx2

from agent.errors import RefusedError, SourceError, UnavailableError
from agent.intake.net.meter import Meter
from agent.intake.net.netguard import Guard

MAX_HEADER_BYTES: Final = 65_536
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH: Final = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,12})[ \t]*\r?$")
_CODED: Final = re.compile(rb"(?im)^transfer-encoding:")
_SAVE: Final = "save the page and give the file"


class TimedStream(httpcore2.NetworkStream):
    """A network stream on which the deadline holds for each read, write and handshake."""

    def __init__(self, inner: httpcore2.NetworkStream, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter
        self._framing = _Framing()

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
        self._framing.received(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes, until the deadline."""
        self._framing.sent()
        self._inner.write(buffer, self._left(httpcore2.WriteTimeout))
        self._meter.sent()

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
        """What the inner stream knows; a connection on which more came than its answer counts as readable.

        The pool then closes it: what is left over must not be taken for the answer to the next request.
        """
        if info == "is_readable" and not self._framing.is_complete():
            return True
        return self._inner.get_extra_info(info)


class _Framing:
    """Whether exactly one answer came for a request, as far as its length is declared in its head."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._head = b""
        self._size: int | None = None
        """Bytes of the whole answer, once its head was read; None when they cannot be told."""
        self._seen = 0
        self._open = True
        """Whether the head is still to come."""

    def sent(self) -> None:
        """Bytes of a request went out; the next answer begins."""
        if self._seen:
            self._begin()

    def received(self, data: bytes) -> None:
        """Count bytes of the answer."""
        self._seen += len(data)
        if not self._open:
            return
        self._head += data
        end = _HEAD_END.search(self._head)
        if end is not None:
            self._size = _size_of(self._head[: end.end()])
        if end is not None or len(self._head) > 2 * MAX_HEADER_BYTES:
            self._open, self._head = False, b""

    def is_complete(self) -> bool:
        """Whether all bytes of the answer came and no more."""
        return self._seen == self._size


def _size_of(head: bytes) -> int | None:
    """The bytes of an answer from its head alone; None when it is interim, chunked or of no single length."""
    status, lengths = _STATUS.match(head), _LENGTH.findall(head)
    if status is None or status[1].startswith(b"1"):
        return None
    if status[1] in (b"204", b"304"):
        return len(head)
    return len(head) + int(lengths[0]) if len(lengths) == 1 and not _CODED.search(head) else None


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
