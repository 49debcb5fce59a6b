"""The response to a request, and the `Web` interface through which the crawl sends requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from agent.errors import SeptetError

BYTES_USED_UP: Final = "the product's byte budget is used up"
TIME_USED_UP: Final = "the product's time budget is used up"


@dataclass(frozen=True)
class Fetched:
    """One response with its body, after redirects and decoding."""

    requested: str
    url: str
    """Final address, after redirects."""
    media_type: str
    """Lower case, without parameters; empty if the server declares none."""
    charset: str
    """As declared in the header; may be empty or wrong."""
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    """Response headers needed later, with names in lower case, in the order sent by the server."""
    fetched_at: str = ""
    """UTC, ISO 8601 with seconds and `Z`."""
    user_agent: str = ""


Outcome = Fetched | SeptetError
"""A response, or the error that ended the request."""


class Web(Protocol):
    """The web as the crawl sees it: the network behind guard and politeness rules, or a log of earlier responses."""

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """Fetch all addresses, in parallel within the limits per host; outcomes are in the order of `urls`.

        If robots.txt forbids an address, the guard refuses it or its request fails, its outcome is the error; nothing
        is raised for a single address. A robots.txt may be requested like any other address, to find the sitemaps that
        it names; the response is the copy already read for its site.
        """
        ...

    def exhausted(self) -> str | None:
        """Return a message saying which budget (bytes or time) is used up, or None."""
        ...
