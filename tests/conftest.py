"""Rules for every test: no network except loopback, nothing from the environment; fixtures such as a site server."""

import gc
import ipaddress
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from agent.intake.extract.statements.language import detect
from tests.fakes.command import Septet
from tests.fakes.site import Route, Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.fakes.review.served_reviews import Reviews

# A slow machine does not violate a law; benchmarks measure times.
settings.register_profile("septet", deadline=None)
settings.load_profile("septet")

_CONNECTS = frozenset({"socket.connect", "socket.sendto"})
_LOOKS_UP = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_OURS = ("SEPTET_", "OPENAI_", "ANTHROPIC_", "LANGCHAIN_", "LANGSMITH_", "CHROMA_")
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})
_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "::1", "", None})


class NetworkUseError(RuntimeError):
    """Raised when a test tries to reach the network."""


def _only_loopback(event: str, arguments: tuple[object, ...]) -> None:
    """An audit hook: it sees every socket of the process, whichever library opens it, without patching."""
    if event in _CONNECTS:
        address = arguments[1]
        if isinstance(address, tuple) and not ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback:
            raise NetworkUseError(f"{event} to {address[0]}")
    elif event in _LOOKS_UP:
        host = arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]
        if host not in _LOCAL_NAMES and not _is_address(str(host)):
            raise NetworkUseError(f"{event} of {host}")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


sys.addaudithook(_only_loopback)

# Collecting thousands of tests makes millions of objects that live until the end; scanning them again and again takes a
# tenth of the time.
gc.disable()


def pytest_collection_finish() -> None:
    """Exclude the collected objects from all later garbage collections."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    gc.enable()


@pytest.fixture(scope="session")
def languages() -> None:
    """Load the language tables before a test with a deadline needs them."""
    detect("Der Agent liest die Nachrichten und sendet Antworten an alle Kunden, wenn niemand widerspricht.")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):  # noqa: TID251  (what a developer has set must not reach a test)
        if name.startswith(_OURS) or name.lower() in _PROXIES:
            monkeypatch.delenv(name)
    monkeypatch.setenv("SEPTET_CACHE_DIR", "off")  # no test writes into the cache of the user who runs it


@pytest.fixture
def serve() -> Iterator[Callable[[Mapping[str, Route]], Site]]:
    """Yield a function that serves routes on loopback until the test ends."""
    with ExitStack() as stack:
        yield lambda routes: stack.enter_context(Site(routes))


@pytest.fixture
def septet(capsys: pytest.CaptureFixture[str]) -> Septet:
    """Return the command line, run in this process."""
    return Septet(capsys)


@pytest.fixture
def reviews(tmp_path: Path) -> "Iterator[Reviews]":
    """A review store with its service, open until the test ends."""
    from tests.fakes.review.served_reviews import Reviews

    made = Reviews(tmp_path)
    with made.store:
        yield made


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """The system's Chromium."""
    from tests.fakes.review.browser import chromium

    with chromium() as started:
        yield started
