"""The output when a listing cannot be read: the documented exit code, what failed and where, and what to do."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.fakes.command import Septet
from tests.fakes.intake.hostile import certificate, hostile, status
from tests.fakes.site import Answer, Route, Site, bomb, drip, drip_headers, hang_up, page, redirect

Serve = Callable[[Mapping[str, Route]], Site]
LISTING: Final = "/listing"
TEXT: Final = "<p>Acme Agent reads mail, drafts replies and sends them through Gmail with the owner's account.</p>"
SHELF: Final = "".join(
    f"<h2><a href='/{name[:3]}'>{name}</a></h2><p>{name} reads mail and sends replies through Gmail each day.</p>"
    for name in ("Ledger Agent", "Scout Agent", "Nurse Agent")
)
SCRIPTED: Final = (
    "<!doctype html><title>Acme</title><noscript>You need to enable JavaScript.</noscript><div id=root></div>"
    + "<script src=/a.js></script>" * 4
)
WALL: Final = (
    "<title>Acme</title><h1>Sign in to continue</h1><form><input type=password name=p><button>Go</button></form>"
)


class Fault(NamedTuple):
    """A listing that cannot be read, and the expected message."""

    listing: Route
    code: int
    what: str
    hint: str = ""
    more: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    robots: Route = Answer("<h1>Not found</h1>", status=404)


GOOD: Final = page("Acme Agent", f"<h1>Acme Agent</h1>{TEXT}")
SHELVES: Final = page("All agents", f"<h1>All agents</h1>{SHELF}")
FAULTS: Final[dict[str, Fault]] = {
    "several-products": Fault(SHELVES, 2, "several products", "--product: Ledger Agent, Scout Agent, Nurse Agent"),
    "unknown-product": Fault(SHELVES, 2, "not list a product 'Robo'", "Ledger Agent", ("--product", "Robo")),
    "robots": Fault(GOOD, 3, "robots.txt", "save the page", robots=Answer("User-agent: *\nDisallow: /", "text/plain")),
    "robots-fails": Fault(GOOD, 4, "robots.txt", robots=Answer("", status=503)),
    "scripts": Fault(SCRIPTED, 1, "no text", "JavaScript"),
    "log-in": Fault(WALL, 1, "behind a log-in", "save the page"),
    "absent": Fault(Answer(GOOD, status=404), 1, "404"),
    "forbidden": Fault(Answer(GOOD, status=403), 1, "403"),
    "failing": Fault(Answer(GOOD, status=503), 4, "503"),
    "redirect-to-private": Fault(redirect("http://10.0.0.7/"), 3, "private"),
    "redirect-to-metadata": Fault(redirect("http://169.254.169.254/latest/"), 3, ""),
    "redirect-to-a-file": Fault(redirect("file:///etc/passwd"), 3, "http"),
    "too-large": Fault("<p>" + "a" * 5000, 1, "larger", settings=(("max_page_bytes", "2000"),)),
    "bomb": Fault(bomb(3_000_000), 1, "times its size"),
    "slow-body": Fault(drip(4), 4, "time", settings=(("request_seconds", "0.6"),)),
    "slow-headers": Fault(drip_headers(4), 4, "", settings=(("first_byte_seconds", "0.4"), ("request_seconds", "0.6"))),
    "no-answer": Fault(hang_up, 1, ""),
    "no-bytes-left": Fault(GOOD, 1, "byte budget", settings=(("max_total_bytes", "100"),)),
}


def told(septet: Septet, verb: str, fault: Fault, *arguments: object) -> None:
    for form in ([], ["--json"]):
        said = septet(verb, *arguments, *fault.more, *form)
        assert (said.code, said.out) == (fault.code, ""), said
        error, hint = said.err.splitlines()
        assert error.startswith("error: ")
        assert fault.what in error
        assert hint.startswith("hint: ")
        assert fault.hint in hint


@pytest.mark.parametrize("name", FAULTS)
def test_a_listing_that_cannot_be_read(
    name: str, septet: Septet, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = FAULTS[name]
    for setting, value in (("delay_seconds", "0"), *fault.settings):
        monkeypatch.setenv(f"SEPTET_{setting.upper()}", value)
    site = serve({LISTING: fault.listing, "/robots.txt": fault.robots})
    told(septet, "intake", fault, site.url(LISTING), "--allow-private", site.host)


@pytest.mark.parametrize(
    "name", ["robots", "unknown-product", pytest.param("scripts", marks=pytest.mark.slow), "redirect-to-private"]
)
def test_a_draft_says_the_same(name: str, septet: Septet, serve: Serve) -> None:
    fault = FAULTS[name]
    site = serve({LISTING: fault.listing, "/robots.txt": fault.robots})
    told(septet, "draft", fault, site.url(LISTING), "--allow-private", site.host)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")
def test_a_certificate_that_nobody_vouches_for(septet: Septet, tmp_path: Path) -> None:
    rude, pem = status(200, b"", GOOD.encode()), certificate(tmp_path, "IP:127.0.0.1")
    with hostile(rude, pem=pem) as host:
        told(septet, "intake", Fault("", 4, "certificate"), f"https://{host}/", "--allow-private", host)
