"""The network: guard, fetcher and politeness (robots.txt, delays), several requests at a time.

robots.txt is parsed by protego and applied according to RFC 9309: a missing file (4xx) allows everything, a file that
cannot be fetched (5xx, no response) allows nothing. A Crawl-delay longer than the configured delay replaces it; a host
that asks for more than `max_crawl_delay_seconds` is not read.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from agent.errors import RefusedError, SeptetError, UnavailableError
from agent.intake.crawl.answer import Fetched, Outcome
from agent.intake.crawl.connections import Meter
from agent.intake.crawl.fetch import Fetcher
from agent.intake.crawl.guard import Guard, Resolver, Target, with_deadline
from agent.settings import Settings

if TYPE_CHECKING:
    import httpcore2
    from protego import Protego

ROBOTS: Final = "/robots.txt"
_WEB_PORTS: Final = frozenset({80, 443})
_SAVE: Final = "save the page and give the file"
_DELAY_TOO_LONG: Final = "the host asks for {:g} seconds between requests, more than max_crawl_delay_seconds"


class _Rules(NamedTuple):
    """The robots.txt of an origin: its rules and the file, or the error raised when fetching it."""

    found: "Protego | None"
    file: Fetched | RefusedError | UnavailableError


class _Host:
    """The queue of requests to one host."""

    def __init__(self) -> None:
        self.gate = threading.Lock()
        """Lock held by the one request that is waiting to start."""
        self.slots = threading.Condition()
        self.open = 0
        self.started = float("-inf")
        self.not_before = float("-inf")
        self.crawl_delay = 0.0


class Polite:
    """The politeness rules of one crawl.

    `read` fetches a robots.txt; it raises RefusedError or UnavailableError when the file cannot be fetched.
    """

    def __init__(self, settings: Settings, meter: Meter, read: Callable[[str], Fetched]) -> None:
        self._settings = settings
        self._meter = meter
        self._read = read
        self._agent = agent_token(settings.user_agent)
        self._lock = threading.Lock()
        self._hosts: defaultdict[str, _Host] = defaultdict(_Host)
        self._origins: dict[str, _Rules] = {}
        self._reading: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def robots(self, target: Target) -> Fetched | RefusedError | UnavailableError:
        """Return the robots.txt of the target's origin, or the error from fetching it; each file is read once."""
        return self._rules(target).file

    def check(self, target: Target) -> None:
        """Check that robots.txt allows `target`.

        Raises RefusedError when robots.txt forbids the page, asks for too long a delay or is itself refused,
        UnavailableError when it cannot be fetched.
        """
        rules = self._rules(target)
        if isinstance(rules.file, RefusedError | UnavailableError):
            raise type(rules.file)(rules.file.what, where=rules.file.where, hint=rules.file.hint)
        if rules.found is None:
            return
        if target.path != ROBOTS and not rules.found.can_fetch(target.url, self._agent):
            raise RefusedError("robots.txt of the site does not allow this page", where=target.url, hint=_SAVE)
        delay = rules.found.crawl_delay(self._agent) or 0.0
        if delay > self._settings.max_crawl_delay_seconds:
            raise RefusedError(_DELAY_TOO_LONG.format(delay), where=target.origin, hint=_SAVE)

    @contextmanager
    def turn(self, target: Target) -> Iterator[None]:
        """Wait for a free connection slot of the host and for the time of its next request, then hold the slot.

        The wait does not count as time of the request. Raises UnavailableError when it would exceed the product's time.
        """
        host = self._host(target)
        came = self._meter.clock()
        with host.slots:
            while host.open >= self._connections(host):
                if not host.slots.wait(max(0.0, self._meter.end - self._meter.clock())):
                    raise _no_time(target)
            host.open += 1
        try:
            with ExitStack() as gate:
                gate.enter_context(host.gate)
                self._wait(host, target)
                self._meter.not_counted(host.started - came)

                def sent() -> None:
                    host.started = self._meter.clock()
                    gate.close()

                if not self._settings.delay_seconds and not host.crawl_delay:
                    gate.close()
                # Keep the gate shut until the request is sent: the delay starts then, not at the start of connecting.
                self._meter.when_sent(sent)
                yield
        finally:
            self._meter.when_sent(None)
            with host.slots:
                host.open -= 1
                host.slots.notify_all()

    def _wait(self, host: _Host, target: Target) -> None:
        delay = max(self._settings.delay_seconds, host.crawl_delay)
        start = max(host.started + delay, host.not_before)
        if max(start, self._meter.clock()) >= self._meter.end:
            raise _no_time(target)
        while (wait := start - self._meter.clock()) > 0:
            if self._meter.stopped():
                raise UnavailableError("stopped", where=target.url)
            self._meter.sleep(wait)
        host.started = self._meter.clock()

    def hold(self, target: Target, seconds: float) -> bool:
        """Leave the host alone for `seconds`; return False, with no effect, if that is too long or exceeds the time
        left.
        """
        until = self._meter.clock() + seconds
        if seconds > self._settings.max_crawl_delay_seconds or until >= self._meter.end:
            return False
        host = self._host(target)
        with host.gate:
            host.not_before = max(host.not_before, until)
        return True

    def _connections(self, host: _Host) -> int:
        return 1 if host.crawl_delay else max(1, self._settings.connections_per_host)

    def _host(self, target: Target) -> _Host:
        # Ports 80 and 443 belong to the same server; any other port of a host is usually another program.
        name = target.host if target.port in _WEB_PORTS else f"{target.host}:{target.port}"
        with self._lock:
            return self._hosts[name]

    def _rules(self, target: Target) -> _Rules:
        origin = f"{target.scheme}://{target.origin}"
        with self._lock:
            reading = self._reading[origin]
        with reading:
            rules = self._origins.get(origin)
            if rules is None:
                rules = self._read_rules(origin + ROBOTS)
                self._origins[origin] = rules
                delay = rules.found.crawl_delay(self._agent) if rules.found is not None else None
                if delay:
                    self._host(target).crawl_delay = max(delay, self._host(target).crawl_delay)
        return rules

    def _read_rules(self, url: str) -> _Rules:
        try:
            file = self._read(url)
        except (RefusedError, UnavailableError) as error:
            return _Rules(None, error)
        return _Rules(_parsed(file.body), file)


def agent_token(user_agent: str) -> str:
    """Return this crawler's name in robots.txt files: the first word of the user agent, without its version."""
    words = user_agent.split()
    return words[0].partition("/")[0] if words else ""


def _parsed(body: bytes) -> "Protego":
    from protego import Protego

    text = body.decode("utf-8-sig", "replace")
    # An HTML page sent by a catch-all route instead of the file contains no robots rules.
    return Protego.parse("" if text.lstrip().startswith("<") else text)


def _no_time(target: Target) -> UnavailableError:
    return UnavailableError(
        "the time for one product is used up", where=target.url, hint="raise total_seconds or lower delay_seconds"
    )


class Kept(Protocol):
    """Store of earlier responses, so that a server need only be asked whether they are still valid."""

    def page(self, url: str, user_agent: str) -> Fetched | None:
        """Return the last response for `url`, or None."""
        ...

    def keep(self, fetched: Fetched) -> None:
        """Store a response."""
        ...


class Network:
    """A `Web` that fetches from the network; use it as a context manager.

    `meter` holds the budget and the clock, `kept` holds earlier responses, `backend` replaces the socket layer, `stamp`
    gives the time for the responses (UTC, ISO 8601 with `Z`).
    """

    def __init__(
        self,
        settings: Settings,
        guard: Guard,
        meter: Meter,
        *,
        kept: Kept | None = None,
        backend: "httpcore2.NetworkBackend | None" = None,
        stamp: Callable[[], str] | None = None,
    ) -> None:
        self._settings = settings
        self._guard = guard
        self._meter = meter
        self._kept = kept
        self._polite = Polite(settings, meter, self._read_robots)
        self._fetcher = Fetcher(settings, guard, meter, backend, manners=self._polite, stamp=stamp)
        self._workers = ThreadPoolExecutor(max(1, settings.connections), thread_name_prefix="fetch")

    def __enter__(self) -> "Network":
        """Return the network."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all waits, let running requests finish by their deadline, then close the connections."""
        self._meter.stop()
        self._workers.shutdown(cancel_futures=True)
        self._fetcher.__exit__()

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """Fetch all addresses, up to `settings.connections` at a time; outcomes are in the order of `urls`.

        A request for a robots.txt returns the copy already read for its site, so that the sitemaps named there can be
        found.
        """
        return list(self._workers.map(self._get, urls))

    def exhausted(self) -> str | None:
        """Return a message saying which budget is used up, or None."""
        return self._meter.exhausted()

    def _get(self, url: str) -> Outcome:
        try:
            target = self._guard.parse(url)
            if target.path == ROBOTS:
                return self._polite.robots(target)
            kept = self._kept.page(url, self._settings.user_agent) if self._kept else None
            fetched = self._fetcher.get(url, kept)
            if self._kept:
                self._kept.keep(fetched)
            return fetched
        except SeptetError as error:
            return error

    def _read_robots(self, url: str) -> Fetched:
        return self._fetcher.robots(url)


def open_network(
    settings: Settings,
    allow_private: Sequence[str] = (),
    *,
    resolve: Resolver | None = None,
    kept: Kept | None = None,
    backend: "httpcore2.NetworkBackend | None" = None,
    meter: Meter | None = None,
) -> AbstractContextManager[tuple[Guard, Network]]:
    """Open a guard and the network behind it, with one time budget for both; `resolve` replaces the system's lookup.

    Raises UsageError when an entry of `allow_private` is malformed.
    """
    meter = meter or Meter(settings)
    guard = Guard(allow_private, with_deadline(resolve, meter.seconds_left))
    return _Opened(guard, Network(settings, guard, meter, kept=kept, backend=backend))


class _Opened(AbstractContextManager[tuple[Guard, Network]]):
    def __init__(self, guard: Guard, network: Network) -> None:
        self._guard = guard
        self._network = network

    def __enter__(self) -> tuple[Guard, Network]:
        return self._guard, self._network.__enter__()

    def __exit__(self, *details: object) -> None:
        self._network.__exit__(*details)
