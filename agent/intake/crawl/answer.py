"""The answer to a request, and the `Web` interface through which the crawl asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from agent.errors import SeptetError


@dataclass(frozen=True)
class Fetched:
    """One answer with its body, after redirects and decoding."""

    requested: str
    url: str
    """Where the answer came from after redirects."""
    media_type: str
    """Lower case, without parameters; empty when the server names none."""
    charset: str
    """As declared in the header; may be empty or wrong."""
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    """The response headers that matter later, names in lower case, in the order of the server."""
    fetched_at: str = ""
    """UTC, ISO 8601 with seconds and `Z`."""
    user_agent: str = ""


Outcome = Fetched | SeptetError
"""An answer, or the error that stands for it."""


class Web(Protocol):
    """The web as the crawl sees it: the network with its guard and manners, or a log of what it answered once."""

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """What each address gave, in the order asked for; fetched side by side within the limits per host.

        An address that robots.txt does not allow, that the guard refuses or that fails has its error as its outcome;
        nothing is raised for a single address. A robots.txt is an address like others: it comes from the one that was
        read for its site, and names the sitemaps.
        """
        ...

    def exhausted(self) -> str | None:
        """Which budget of bytes or time is used up, in words, or None."""
        ...
