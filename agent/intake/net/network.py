"""The real web: guard, fetcher and manners together, several addresses at a time."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

from agent.errors import SeptetError
from agent.intake.net.answer import Fetched, Outcome
from agent.intake.net.fetch import Fetcher
from agent.intake.net.meter import Meter
from agent.intake.net.netguard import Guard, Resolver, with_deadline
from agent.intake.net.polite import ROBOTS, Polite
from agent.settings import Settings

if TYPE_CHECKING:
    import httpcore2


class Kept(Protocol):
    """Earlier answers, with which a server is asked only whether they still hold."""

    def page(self, url: str, user_agent: str) -> Fetched | None:
        """The last answer for `url`, or None."""
        ...

    def keep(self, fetched: Fetched) -> None:
        """Remember an answer."""
        ...


class Network:
    """A `Web` that asks the network; use it as a context manager.

    `meter` holds the budget and the clock, `kept` earlier answers, `backend` stands in for the socket layer, `stamp`
    for the time of the answers (UTC, ISO 8601 with `Z`).
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
        """The network itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the waits, let running requests end by their deadline, close the connections."""
        self._meter.stop()
        self._workers.shutdown(cancel_futures=True)
        self._fetcher.__exit__()

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """What each address gave, in the order asked for, up to `settings.connections` at a time.

        A robots.txt is answered from the one that was read for its site; it is the way to see the sitemaps that it
        names (`polite.sitemaps`).
        """
        return list(self._workers.map(self._get, urls))

    def exhausted(self) -> str | None:
        """Which budget is used up."""
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
    """The guard and the network behind it, with one budget of time for both; `resolve` stands in for the look-up.

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
