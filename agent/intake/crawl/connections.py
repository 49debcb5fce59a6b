"""Connections below HTTP and TLS: checked addresses only, with a deadline on every read and write.

The time-outs of an HTTP library apply to each read separately, so a server that sends single bytes can evade them. Here
every request has one deadline for all its reads together. A server must also begin to answer within a separate limit
and then keep up a minimum rate, so that slow-drip responses end before the deadline.
"""

import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import httpcore2
import httpx2

from agent.errors import SourceError, UnavailableError
from agent.intake.crawl.guard import Guard
from agent.settings import Settings

SLOW_GRACE_SECONDS: Final = 5.0
"""Seconds after its first byte during which a server may be arbitrarily slow."""
SLOW_BYTES_PER_SECOND: Final = 1000.0
"""Minimum average rate after the grace period; a modem of the nineties was three times as fast."""
MAX_HEADER_BYTES: Final = 65_536
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH: Final = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,12})[ \t]*\r?$")
_CODED: Final = re.compile(rb"(?im)^transfer-encoding:")
_SAVE: Final = "save the page and give the file"


class _Request(threading.local):
    """Timing of this thread's running request; times are None while there is none."""

    end: float | None = None
    answer_by: float | None = None
    begun: float | None = None
    received: int = 0
    connected: bool = False
    on_sent: Callable[[], None] | None = None


class Meter:
    """Counter of body bytes and request seconds for one product; several threads may use it, one request each.

    `clock` returns monotonic seconds and `sleep` waits for the given number of seconds; only tests replace them.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._stopped = threading.Event()
        self.clock: Final = clock
        self.sleep: Final = sleep or self._stopped.wait
        self.end: Final = clock() + settings.total_seconds
        """Clock time at which the product's time budget is used up."""
        self.bytes_used = 0
        self._settings = settings
        self._lock = threading.Lock()
        self._request = _Request()

    def start_request(self) -> None:
        """Start the clock for one request of this thread, including its redirects."""
        self._request.end = min(self.end, self.clock() + self._settings.request_seconds)
        self._request.answer_by = None
        self._request.begun = None

    def start_hop(self) -> None:
        """Begin one exchange of the request: the server must begin to answer within `first_byte_seconds`."""
        self._request.answer_by = self.clock() + self._settings.first_byte_seconds
        self._request.begun = None
        self._request.received = 0
        self._request.connected = False

    def not_counted(self, seconds: float) -> None:
        """Extend the request's deadline by `seconds` spent waiting out of politeness."""
        if self._request.end is not None:
            self._request.end = min(self.end, self._request.end + seconds)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Pause the clock of the running request, for example while another request has to come first."""
        left = None if self._request.end is None else self._request.end - self.clock()
        try:
            yield
        finally:
            if left is not None:
                self._request.end = min(self.end, self.clock() + left)

    def seconds_left(self) -> float:
        """Return the seconds until this thread's request must be complete, or its server must begin to answer."""
        request = self._request
        end = self.end if request.end is None else request.end
        if request.begun is None and request.answer_by is not None:
            end = min(end, request.answer_by)
        return end - self.clock()

    def seconds_at_this_rate(self) -> float:
        """Return the seconds until the server would fall below the minimum rate if it sent nothing more."""
        request = self._request
        if request.begun is None:
            return float("inf")
        allowed = max(SLOW_GRACE_SECONDS, request.received / SLOW_BYTES_PER_SECOND)
        return request.begun + allowed - self.clock()

    def connected(self) -> None:
        """Record that the running exchange opened a new connection."""
        self._request.connected = True

    def has_connected(self) -> bool:
        """Return whether the running exchange opened a new connection instead of reusing an open one."""
        return self._request.connected

    def when_sent(self, then: Callable[[], None] | None) -> None:
        """Call `then` once, after the next bytes of this thread's request are sent; None cancels the call."""
        self._request.on_sent = then

    def sent(self) -> None:
        """Record that bytes of this thread's request were sent."""
        then, self._request.on_sent = self._request.on_sent, None
        if then is not None:
            then()

    def received(self, size: int) -> None:
        """Count bytes received from the network to compute the rate."""
        if size and self._request.begun is None:
            self._request.begun = self.clock()
        self._request.received += size

    def stop(self) -> None:
        """End all waits, because the run for the product is over."""
        self._stopped.set()

    def stopped(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopped.is_set()

    def exhausted(self) -> str | None:
        """Return a message saying which budget is used up, or None."""
        if self.clock() >= self.end:
            return "the time for one product is used up"
        if self.bytes_used >= self._settings.max_total_bytes:
            return "the bytes for one product are used up"
        return None

    def take(self, size: int) -> bool:
        """Count `size` bytes of a body; return False when the byte budget is exceeded."""
        with self._lock:
            self.bytes_used += size
            return self.bytes_used <= self._settings.max_total_bytes


class TimedStream(httpcore2.NetworkStream):
    """A network stream that enforces the deadline on each read, write and handshake."""

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
        """Read the next bytes. Raises UnavailableError when the server is too slow, ReadTimeout at the deadline."""
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
        """Send bytes. Raises WriteTimeout at the deadline."""
        self._framing.sent()
        self._inner.write(buffer, self._left(httpcore2.WriteTimeout))
        self._meter.sent()

    def close(self) -> None:
        """Close the connection."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Return the same connection over TLS; the deadline applies to the handshake."""
        left = self._left(httpcore2.ConnectTimeout)
        return TimedStream(self._inner.start_tls(ssl_context, server_hostname, left), self._meter)

    def get_extra_info(self, info: str) -> object:
        """Return the inner stream's information, but report it as readable unless exactly one complete response was
        received.

        The pool then closes the connection, so that leftover bytes are not taken as the response to the next request.
        """
        if info == "is_readable" and not self._framing.is_complete():
            return True
        return self._inner.get_extra_info(info)


class _Framing:
    """Tracker of whether a request got exactly one response, for responses whose headers declare a length."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._head = b""
        self._size: int | None = None
        """Size of the whole response in bytes, known from its headers; None when it cannot be determined."""
        self._seen = 0
        self._open = True
        """Whether the headers are still incomplete."""

    def sent(self) -> None:
        """Record that bytes of a request were sent, so that the next response begins."""
        if self._seen:
            self._begin()

    def received(self, data: bytes) -> None:
        """Count received bytes of the response."""
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
        """Return whether all bytes of the response, and no others, were received."""
        return self._seen == self._size


def _size_of(head: bytes) -> int | None:
    """Return the size of a response in bytes from its headers; None if interim, chunked or without a single length."""
    status, lengths = _STATUS.match(head), _LENGTH.findall(head)
    if status is None or status[1].startswith(b"1"):
        return None
    if status[1] in (b"204", b"304"):
        return len(head)
    return len(head) + int(lengths[0]) if len(lengths) == 1 and not _CODED.search(head) else None


def _too_slow() -> UnavailableError:
    return UnavailableError("the server sends too slowly", hint=_SAVE)


class GuardedBackend(httpcore2.NetworkBackend):
    """Network backend that connects below TLS to guard-checked addresses; certificate name and Host still match the
    URL.
    """

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
        """Connect to the first checked address of `host` that answers. Raises RefusedError before opening a socket."""
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
    """A pool of at most `connections` guarded connections for an HTTP client; `inner` replaces the socket layer."""

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
        """Return the response with its body still unread. Raises SourceError when its headers are too large."""
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
