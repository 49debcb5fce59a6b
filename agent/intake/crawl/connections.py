"""Connections below HTTP and TLS, which go only to checked addresses and have a deadline on every read and write.

The time-outs of an HTTP library apply to each read separately, so a server that sends one byte at a time can evade
them. Here, every request has a single deadline for all its reads. A server must also begin to answer within a separate
limit and then keep up a minimum rate, so that slow-drip responses end before the deadline.
"""

import re
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import httpcore2

from agent.errors import UnavailableError
from agent.intake.crawl.answer import BYTES_USED_UP, TIME_USED_UP
from agent.intake.crawl.guard import Guard
from agent.settings import Settings

SLOW_GRACE_SECONDS: Final = 5.0
"""Seconds after its first byte during which a server may be arbitrarily slow."""
SLOW_BYTES_PER_SECOND: Final = 1000.0
"""Minimum average rate after the grace period; a 1990s modem was three times as fast."""
MAX_HEADER_BYTES: Final = 65_536
_HEAD_END: Final = re.compile(rb"\r?\n\r?\n")
_STATUS: Final = re.compile(rb"HTTP/1\.1 (\d{3})")
_LENGTH: Final = re.compile(rb"(?im)^content-length:[ \t]*(\d{1,12})[ \t]*\r?$")
_CODED: Final = re.compile(rb"(?im)^transfer-encoding:")


class _Request(threading.local):
    """Timing of this thread's current request; the times are None when there is none."""

    end: float | None = None
    answer_by: float | None = None
    begun: float | None = None
    """When the first byte of the response arrived."""
    received: int = 0
    connected: bool = False
    """Whether the running exchange opened a new connection instead of reusing an open one."""
    on_sent: Callable[[], None] | None = None
    """Function to call once, after the next bytes of the request are sent."""


class Meter:
    """Tracks the byte and time budgets of one product, and the deadline of each thread's current request.

    `clock` returns monotonic seconds and `sleep` waits for the given number of seconds; only tests replace them.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self.stopped: Final = threading.Event()
        """Set when the run for the product is over, which ends all waits."""
        self.clock: Final = clock
        self.sleep: Final = sleep or self.stopped.wait
        self.end: Final = clock() + settings.total_seconds
        """Clock time at which the product's time budget is used up."""
        self.request: Final = _Request()
        self._bytes_used = 0
        self._settings = settings
        self._lock = threading.Lock()

    def start_request(self) -> None:
        """Start the clock for one request of this thread, including its redirects."""
        self.request.end = min(self.end, self.clock() + self._settings.request_seconds)
        self.request.answer_by = self.request.begun = None

    def start_hop(self) -> None:
        """Begin one exchange of the request: the server must begin to answer within `first_byte_seconds`."""
        self.request.answer_by = self.clock() + self._settings.first_byte_seconds
        self.request.begun, self.request.received, self.request.connected = None, 0, False

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Pause the clock of the running request, for example while another request has to come first."""
        left = None if self.request.end is None else self.request.end - self.clock()
        try:
            yield
        finally:
            if left is not None:
                self.request.end = min(self.end, self.clock() + left)

    def seconds_left(self) -> float:
        """Return the seconds until this thread's request must be complete, or its server must begin to answer."""
        end = self.end if self.request.end is None else self.request.end
        if self.request.begun is None and self.request.answer_by is not None:
            end = min(end, self.request.answer_by)
        return end - self.clock()

    def exhausted(self) -> str | None:
        """Return a message saying which budget is used up, or None."""
        if self.clock() >= self.end:
            return TIME_USED_UP
        return BYTES_USED_UP if self._bytes_used >= self._settings.max_total_bytes else None

    def take(self, size: int) -> bool:
        """Count `size` bytes of a body; return False when the byte budget is exceeded."""
        with self._lock:
            self._bytes_used += size
            return self._bytes_used <= self._settings.max_total_bytes


class TimedStream(httpcore2.NetworkStream):
    """A network stream that enforces the deadline on each read, write and handshake.

    It also tracks whether exactly one complete response was received, if the headers declare its length.
    """

    def __init__(self, inner: httpcore2.NetworkStream, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter
        self._head: bytes | None = b""
        """Response headers received so far; None once they are complete or too large."""
        self._seen = 0
        self._size: int | None = None
        """Size of the whole response in bytes, known from its headers; None when it cannot be determined."""

    def _left(self, kind: type[Exception]) -> float:
        left = self._meter.seconds_left()
        if left <= 0:
            raise kind("deadline")
        return left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read the next bytes. Raises UnavailableError if the server is too slow, ReadTimeout at the deadline."""
        left, patience = self._left(httpcore2.ReadTimeout), float("inf")
        request, clock = self._meter.request, self._meter.clock
        too_slow = UnavailableError("the server sends too slowly", hint="save the page and use the file instead")
        if request.begun is not None:
            allowed = max(SLOW_GRACE_SECONDS, request.received / SLOW_BYTES_PER_SECOND)
            patience = request.begun + allowed - clock()
        if patience <= 0:
            raise too_slow
        try:
            data = self._inner.read(max_bytes, min(left, patience))
        except httpcore2.ReadTimeout:
            if patience < left:
                raise too_slow from None
            raise
        if data and request.begun is None:
            request.begun = clock()
        request.received += len(data)
        self._seen += len(data)
        if self._head is not None:
            self._head += data
            end = _HEAD_END.search(self._head)
            if end is not None:
                self._size = _size_of(self._head[: end.end()])
            if end is not None or len(self._head) > 2 * MAX_HEADER_BYTES:
                self._head = None
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send bytes. Raises WriteTimeout at the deadline."""
        if self._seen:
            self._head, self._seen, self._size = b"", 0, None
        self._inner.write(buffer, self._left(httpcore2.WriteTimeout))
        then, self._meter.request.on_sent = self._meter.request.on_sent, None
        if then is not None:
            then()

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
        """Return the inner stream's information.

        Unless exactly one complete response was received, `is_readable` is True: the pool then closes the connection,
        so that leftover bytes are not taken as the response to the next request.
        """
        if info == "is_readable" and self._seen != self._size:
            return True
        return self._inner.get_extra_info(info)


def _size_of(head: bytes) -> int | None:
    """Return the size of a response in bytes, headers included, according to its headers.

    Return None if the response is interim or chunked, or does not declare exactly one length.
    """
    status, lengths = _STATUS.match(head), _LENGTH.findall(head)
    if status is None or status[1].startswith(b"1"):
        return None
    if status[1] in (b"204", b"304"):
        return len(head)
    return len(head) + int(lengths[0]) if len(lengths) == 1 and not _CODED.search(head) else None


class GuardedBackend(httpcore2.NetworkBackend):
    """Network backend that connects only to addresses that the guard has checked.

    It works below TLS, so the certificate and the Host header are still those of the URL's host name.
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
        """Connect to the first address of `host` that accepts the connection.

        Raises RefusedError, before opening a socket, when the guard refuses an address.
        """
        self._meter.request.connected = True
        failure: Exception = httpcore2.ConnectError("no address")
        for address in self._guard.addresses(host.strip("[]"), port):
            left = self._meter.seconds_left()
            if left <= 0:
                raise httpcore2.ConnectTimeout("deadline")
            try:
                return TimedStream(self._inner.connect_tcp(str(address), port, left), self._meter)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure
