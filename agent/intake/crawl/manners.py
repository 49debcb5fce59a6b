"""Politeness: robots.txt, delays between requests to a host, and the number of connections to it.

robots.txt is parsed by protego and applied according to RFC 9309: a missing file (4xx) allows everything, a file that
cannot be fetched (5xx, no response) allows nothing. A Crawl-delay longer than the configured delay replaces it; a host
that asks for more than `max_crawl_delay_seconds` is not read.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

from agent.errors import RefusedError, UnavailableError
from agent.intake.crawl.answer import TIME_USED_UP, Fetched
from agent.intake.crawl.connections import Meter
from agent.intake.crawl.guard import Target
from agent.settings import Settings

if TYPE_CHECKING:
    from protego import Protego

ROBOTS: Final = "/robots.txt"
_SAVE: Final = "save the page and use the file instead"


class _Host:
    """Connection slots and request times of one host."""

    def __init__(self) -> None:
        self.gate = threading.Lock()  # held by the one request that is waiting to start
        self.slots = threading.Condition()
        self.open = 0
        self.started = self.not_before = float("-inf")
        self.crawl_delay = 0.0


class Manners:
    """The politeness rules of one crawl.

    `read` fetches a robots.txt; it raises RefusedError or UnavailableError when the file cannot be fetched.
    """

    def __init__(self, settings: Settings, meter: Meter, read: Callable[[str], Fetched]) -> None:
        self._settings = settings
        self._meter = meter
        self._read = read
        # The crawler's name in robots.txt files is the first word of its user agent, without the version.
        self._agent = (settings.user_agent.split() or [""])[0].partition("/")[0]
        self._lock = threading.Lock()
        self._hosts: defaultdict[str, _Host] = defaultdict(_Host)
        self._origins: dict[str, tuple[Protego, Fetched | RefusedError | UnavailableError]] = {}
        self._reading: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def robots(self, target: Target) -> Fetched | RefusedError | UnavailableError:
        """Return the robots.txt of the target's origin, or the error from fetching it; each file is read once."""
        return self._rules(target)[1]

    def check(self, target: Target) -> None:
        """Check that robots.txt allows `target`.

        Raises RefusedError when robots.txt forbids the page, asks for too long a delay or is itself refused,
        UnavailableError when it cannot be fetched.
        """
        rules, file = self._rules(target)
        if isinstance(file, RefusedError | UnavailableError):
            raise type(file)(file.what, where=file.where, hint=file.hint)
        if target.path != ROBOTS and not rules.can_fetch(target.url, self._agent):
            raise RefusedError("the site's robots.txt does not allow this page", where=target.url, hint=_SAVE)
        delay = rules.crawl_delay(self._agent) or 0.0
        if delay > self._settings.max_crawl_delay_seconds:
            what = f"the host asks for {delay:g} seconds between requests, more than max_crawl_delay_seconds"
            raise RefusedError(what, where=target.origin, hint=_SAVE)

    @contextmanager
    def turn(self, target: Target) -> Iterator[None]:
        """Wait for a free connection slot at the host and until its next request is due, then hold the slot.

        The wait does not count towards the request's time. Raises UnavailableError if it would exceed the time budget.
        """
        host, meter = self._host(target), self._meter
        with ExitStack() as held:
            gate = ExitStack()
            with meter.suspended():
                held.enter_context(self._slot(host, target))
                held.push(gate).enter_context(host.gate)
                delay = max(self._settings.delay_seconds, host.crawl_delay)
                start = max(host.started + delay, host.not_before)
                if max(start, meter.clock()) >= meter.end:
                    raise _no_time(target)
                while (wait := start - meter.clock()) > 0:
                    if meter.stopped.is_set():
                        raise UnavailableError("stopped", where=target.url)
                    meter.sleep(wait)
                host.started = meter.clock()

            def sent() -> None:
                host.started = meter.clock()
                gate.close()

            if not delay:
                gate.close()
            # Keep the gate shut until the request is sent: the delay starts then, not at the start of connecting.
            meter.request.on_sent = sent
            try:
                yield
            finally:
                meter.request.on_sent = None

    @contextmanager
    def _slot(self, host: _Host, target: Target) -> Iterator[None]:
        with host.slots:
            while host.open >= (1 if host.crawl_delay else max(1, self._settings.connections_per_host)):
                if not host.slots.wait(max(0.0, self._meter.end - self._meter.clock())):
                    raise _no_time(target)
            host.open += 1
        try:
            yield
        finally:
            with host.slots:
                host.open -= 1
                host.slots.notify_all()

    def hold(self, target: Target, seconds: float) -> bool:
        """Send no request to the host for `seconds`, and return True.

        Return False, without any effect, if that exceeds `max_crawl_delay_seconds` or the time left.
        """
        until = self._meter.clock() + seconds
        if seconds > self._settings.max_crawl_delay_seconds or until >= self._meter.end:
            return False
        host = self._host(target)
        with host.gate:
            host.not_before = max(host.not_before, until)
        return True

    def _host(self, target: Target) -> _Host:
        # Ports 80 and 443 belong to the same server; any other port of a host is usually another program.
        name = target.host if target.port in (80, 443) else f"{target.host}:{target.port}"
        with self._lock:
            return self._hosts[name]

    def _rules(self, target: Target) -> "tuple[Protego, Fetched | RefusedError | UnavailableError]":
        from protego import Protego

        origin = f"{target.scheme}://{target.origin}"
        with self._lock:
            reading = self._reading[origin]
        with reading:
            if origin not in self._origins:
                try:
                    file = self._read(origin + ROBOTS)
                except (RefusedError, UnavailableError) as error:
                    self._origins[origin] = Protego.parse(""), error
                else:
                    text = file.body.decode("utf-8-sig", "replace")
                    # An HTML page sent by a catch-all route instead of the file contains no robots rules.
                    rules = Protego.parse("" if text.lstrip().startswith("<") else text)
                    self._origins[origin] = rules, file
                    host = self._host(target)
                    host.crawl_delay = max(rules.crawl_delay(self._agent) or 0.0, host.crawl_delay)
            return self._origins[origin]


def _no_time(target: Target) -> UnavailableError:
    return UnavailableError(TIME_USED_UP, where=target.url, hint="raise total_seconds or lower delay_seconds")
