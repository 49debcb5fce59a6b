"""A page that was read before is requested conditionally; content that the server does not confirm is never used."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from agent.settings import load_settings
from tests.fakes.command import Septet
from tests.fakes.site import HTML, LISTING_PATH, Answer, Route, Site, Stream, acme

SECURITY = "/agents/acme/security"


def tagged(body: str, tag: str, name: str = "etag") -> Stream:
    """A route with a validator; it answers 304 to a request that has the validator."""
    asks = {"etag": "if-none-match", "last-modified": "if-modified-since"}[name]

    def send(handler: BaseHTTPRequestHandler) -> None:
        known = handler.headers.get(asks) == tag
        handler.send_response(304 if known else 200)
        handler.send_header(name, tag)
        if not known:
            handler.send_header("content-type", HTML)
            handler.send_header("content-length", str(len(body.encode())))
        handler.send_header("connection", "close")
        handler.end_headers()
        if not known:
            handler.wfile.write(body.encode())

    return send


@dataclass
class Reader:
    """Runs `septet intake` on the site and records its requests."""

    septet: Septet
    site: Site

    def __call__(self) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
        """Return the document hashes by path, and the request headers by path."""
        begun = len(self.site.requests)
        said = self.septet("intake", self.site.url(LISTING_PATH), "--allow-private", self.site.host, "--json")
        assert said.code == 0, said.err
        documents = json.loads(said.out)["documents"]
        hashes = {document["url"].partition(self.site.host)[2]: document["sha256"] for document in documents}
        asked = zip(self.site.requests[begun:], self.site.headers[begun:], strict=True)
        return hashes, dict(asked)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder."""
    monkeypatch.setenv("SEPTET_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SEPTET_DELAY_SECONDS", "0")
    monkeypatch.setenv("SEPTET_MAX_PAGES", "3")
    return tmp_path / "cache"


@pytest.fixture
def reader(septet: Septet, serve: Callable[[Mapping[str, Route]], Site], folder: Path) -> Reader:
    routes = acme()
    listing, security = routes[LISTING_PATH], routes[SECURITY]
    assert isinstance(listing, str)
    assert isinstance(security, str)
    routes[LISTING_PATH] = tagged(listing, "Sun, 01 Nov 2026 00:00:00 GMT", "last-modified")
    routes[SECURITY] = tagged(security, '"one"')
    return Reader(septet, serve(routes))


def test_an_unchanged_page_is_confirmed_and_not_sent_again(reader: Reader) -> None:
    first, asked = reader()
    assert not any(name in headers for headers in asked.values() for name in ("if-none-match", "if-modified-since"))
    again, asked = reader()
    assert again == first
    assert asked[SECURITY]["if-none-match"] == '"one"'
    assert asked[LISTING_PATH]["if-modified-since"] == "Sun, 01 Nov 2026 00:00:00 GMT"
    plain = next(path for path in first if path not in (SECURITY, LISTING_PATH))
    assert not {"if-none-match", "if-modified-since"} & set(asked[plain]), "no validators, so it is fetched anew"


def test_a_changed_page_is_read_anew(reader: Reader) -> None:
    first, _ = reader()
    body = acme()[SECURITY]
    assert isinstance(body, str)
    reader.site.routes[SECURITY] = tagged(body.replace("rotated each week", "rotated each day"), '"two"')
    second, asked = reader()
    assert asked[SECURITY]["if-none-match"] == '"one"'
    assert second[SECURITY] != first[SECURITY]
    assert reader()[1][SECURITY]["if-none-match"] == '"two"'


def test_a_page_that_is_gone_is_gone(reader: Reader) -> None:
    first, _ = reader()
    reader.site.routes[SECURITY] = Answer("<h1>Gone</h1>", status=410)
    second, _ = reader()
    assert SECURITY in first
    assert SECURITY not in second


def test_a_spoiled_cache_is_asked_nothing(reader: Reader, folder: Path) -> None:
    first, _ = reader()
    for path in (folder / "blobs").rglob("*"):
        if path.is_file():
            path.write_bytes(b"planted")
    second, asked = reader()
    assert second == first
    assert "if-none-match" not in asked[SECURITY]
    assert reader()[1][SECURITY]["if-none-match"] == '"one"', "and it was written anew"


def test_without_a_cache_nothing_is_kept(reader: Reader, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_CACHE_DIR", "off")
    reader()
    assert "if-none-match" not in reader()[1][SECURITY]
    assert not folder.exists()


def test_the_cache_keeps_to_its_size(reader: Reader, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEPTET_CACHE_MAX_BYTES", "1000")
    reader()
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) <= 1000


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.cache/septet"),
        ({"HOME": "/home/ada", "XDG_CACHE_HOME": "/var/ada"}, "/var/ada/septet"),
        ({"HOME": "/home/ada", "XDG_CACHE_HOME": "relative"}, "/home/ada/.cache/septet"),
        ({"HOME": "/home/ada", "SEPTET_CACHE_DIR": "here"}, "here"),
        ({"HOME": "/home/ada", "SEPTET_CACHE_DIR": "off"}, ""),
        ({"HOME": "/home/ada", "SEPTET_CACHE_DIR": "-"}, ""),
        ({"HOME": "/home/ada", "SEPTET_CACHE_DIR": ""}, ""),
        ({}, ""),
    ],
)
def test_the_cache_is_in_the_users_cache_folder(environment: dict[str, str], expected: str) -> None:
    assert load_settings(environment).cache_dir == expected


@pytest.mark.slow
def test_a_cached_page_makes_no_run_differ(reader: Reader, septet: Septet, tmp_path: Path) -> None:
    call = ["draft", reader.site.url(LISTING_PATH), "--allow-private", reader.site.host, "--json"]
    drafts = [json.loads(septet(*call).out) for _ in range(2)]
    for draft in drafts:
        draft["created_at"] = ""
        for source in draft["sources"]:
            source["fetched_at"] = ""
    assert drafts[0] == drafts[1]
