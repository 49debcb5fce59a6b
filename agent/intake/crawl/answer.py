"""The answer to a request, and the `Web` interface through which the crawl sends requests."""

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
    """The response headers that are needed later, names in lower case, in the order sent by the server."""
    fetched_at: str = ""
    """UTC, ISO 8601 with seconds and `Z`."""
    user_agent: str = ""


Outcome = Fetched | SeptetError
"""An answer, or the error that the request ended in."""


class Web(Protocol):
    """The web as the crawl sees it: the network behind guard and politeness rules, or a log of earlier answers."""

    def get_all(self, urls: Sequence[str]) -> list[Outcome]:
        """Fetch all addresses, in parallel within the limits per host; outcomes are in the order of `urls`.

        An address that robots.txt forbids, that the guard refuses or that fails has its error as its outcome;
        nothing is raised for a single address. A robots.txt may be requested like any other address, to see the
        sitemaps that it names; the answer is the copy already read for its site.
        """
        ...

    def exhausted(self) -> str | None:
        """A message saying which budget (bytes or time) is used up, or None."""
        ...
