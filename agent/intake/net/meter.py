"""What one product may use of the network, and how long the running request may still take.

The time-outs of an HTTP library hold for one read each, so that a server which drips a byte at a time outlasts them.
Here a request has one end, whatever is read in between; a server must begin to answer within its own limit, and once
it has begun it must keep up a minimum rate, so that a drip ends before the deadline.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from agent.settings import Settings

SLOW_GRACE_SECONDS: Final = 5.0
"""How long after its first byte a server may be as slow as it likes."""
SLOW_BYTES_PER_SECOND: Final = 1000.0
"""What it must have sent on average afterwards; a modem of the nineties did three times that."""


class _Request(threading.local):
    """The times of the request that runs in this thread; None while there is none."""

    end: float | None = None
    answer_by: float | None = None
    begun: float | None = None
    received: int = 0
    connected: bool = False
    on_sent: Callable[[], None] | None = None


class Meter:
    """Bytes of all bodies and seconds of all requests of one product. Several threads may use it, a request each.

    `clock` gives monotonic seconds, `sleep` waits for some; they are given only to tests.
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
        """When the time for the product is used up."""
        self.bytes_used = 0
        self._settings = settings
        self._lock = threading.Lock()
        self._request = _Request()

    def start_request(self) -> None:
        """Begin the time of one request of this thread, redirects included."""
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
        """Give back the time that the request waited out of politeness."""
        if self._request.end is not None:
            self._request.end = min(self.end, self._request.end + seconds)

    @contextmanager
    def suspended(self) -> Iterator[None]:
        """Stop the time of the running request, as for another request that must come first."""
        left = None if self._request.end is None else self._request.end - self.clock()
        try:
            yield
        finally:
            if left is not None:
                self._request.end = min(self.end, self.clock() + left)

    def seconds_left(self) -> float:
        """Seconds until the running request of this thread must be over, or until its server must have answered."""
        request = self._request
        end = self.end if request.end is None else request.end
        if request.begun is None and request.answer_by is not None:
            end = min(end, request.answer_by)
        return end - self.clock()

    def seconds_at_this_rate(self) -> float:
        """Seconds until the server, if it sent nothing more, would be slower than the minimum rate."""
        request = self._request
        if request.begun is None:
            return float("inf")
        allowed = max(SLOW_GRACE_SECONDS, request.received / SLOW_BYTES_PER_SECOND)
        return request.begun + allowed - self.clock()

    def connected(self) -> None:
        """Note that the exchange opened a connection of its own."""
        self._request.connected = True

    def has_connected(self) -> bool:
        """Whether the running exchange opened a connection of its own instead of using one that was open."""
        return self._request.connected

    def when_sent(self, then: Callable[[], None] | None) -> None:
        """Call `then` once when the next bytes of this thread's request were sent; None to forget it."""
        self._request.on_sent = then

    def sent(self) -> None:
        """Bytes of this thread's request are on their way."""
        then, self._request.on_sent = self._request.on_sent, None
        if then is not None:
            then()

    def received(self, size: int) -> None:
        """Count bytes off the wire, for the rate."""
        if size and self._request.begun is None:
            self._request.begun = self.clock()
        self._request.received += size

    def stop(self) -> None:
        """End all waits: whoever reads for the product has gone."""
        self._stopped.set()

    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped.is_set()

    def exhausted(self) -> str | None:
        """Which budget is used up, in words, or None."""
        if self.clock() >= self.end:
            return "the time for one product is used up"
        if self.bytes_used >= self._settings.max_total_bytes:
            return "the bytes for one product are used up"
        return None

    def take(self, size: int) -> bool:
        """Count `size` bytes of a body; False when that is more than there is."""
        with self._lock:
            self.bytes_used += size
            return self.bytes_used <= self._settings.max_total_bytes
