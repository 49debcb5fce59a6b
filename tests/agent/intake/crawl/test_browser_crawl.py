"""A crawl with the browser: a listing rendered by scripts is read, and read again offline from the recording."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from agent.intake.capture import read_recorded, read_remembered
from agent.records import Intake
from agent.settings import Settings
from tests.fakes.site import Answer, Route, Site, page

Serve = Callable[[Mapping[str, Route]], Site]
NOW = "2026-11-24T12:00:00Z"
SETTINGS = Settings(browser="on", delay_seconds=0.0)
WORDS = (
    "Harborline Ops Agent restarts services and rotates keys in the cloud accounts of an operations team. "
    "It keeps the texts of alerts for thirty days and acts with the role of the operator who connected it."
)
SHELL = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>Harborline Ops Agent</title></head><body>"
    '<noscript>You need to enable JavaScript to run this app.</noscript><div id="root"></div>'
    '<script src="/app.js"></script></body></html>'
)
SCRIPT = (
    "fetch('/listing.json').then((answer) => answer.json()).then((listing) => {"
    "document.getElementById('root').innerHTML = '<main><h1>Harborline Ops Agent</h1><p>' + listing.text"
    " + '</p><p><a href=\"/docs/security\">Security documentation</a></p></main>'; });"
)
SECURITY = page(
    "Security — Harborline Ops Agent",
    "<h1>Security of Harborline Ops Agent</h1><p>Workers of Harborline Ops Agent run in a container without network, "
    "and a person of the on-call group confirms each deletion before it is carried out.</p>",
)
ROUTES: dict[str, Route] = {
    "/agents/harborline": SHELL,
    "/app.js": Answer(SCRIPT, media_type="text/javascript"),
    "/listing.json": Answer(f'{{"text": "{WORDS}"}}', media_type="application/json"),
    "/docs/security": SECURITY,
}


def read(site: Site, path: str, settings: Settings = SETTINGS, tell: Callable[[str], None] | None = None) -> Intake:
    found = read_remembered([site.url(path)], settings, allow_private=[site.host], progress=tell, now=NOW)
    return found.result.intake


@pytest.mark.browser
def test_a_listing_made_by_scripts_is_read_with_its_links_and_again_without_the_network(serve: Serve) -> None:
    site = serve(ROUTES)
    first = read_remembered([site.url("/agents/harborline")], SETTINGS, allow_private=[site.host], now=NOW)
    intake, asked = first.result.intake, list(site.requests)
    paths = [document.url.removeprefix(site.url("")) for document in intake.documents]
    assert paths == ["/agents/harborline", "/docs/security"]
    assert WORDS in intake.documents[0].text
    assert intake.missing == ()
    assert read_recorded(first.recorded, SETTINGS).result == first.result
    assert site.requests == asked


@pytest.mark.browser
def test_robots_txt_holds_for_what_the_page_asks_for(serve: Serve) -> None:
    robots = Answer("User-agent: *\nDisallow: /listing.json\n", media_type="text/plain")
    start = page("Harborline Ops Agent", f"<p>{WORDS}</p><a href='/docs/app'>Security</a>")
    site = serve({**ROUTES, "/robots.txt": robots, "/start": start, "/docs/app": SHELL})
    intake = read(site, "/start")
    assert "/app.js" in site.requests
    assert "/listing.json" not in site.requests
    assert [found.reason for found in intake.missing] == ["needs-javascript"]


def test_without_a_browser_the_page_is_said_to_need_it(serve: Serve) -> None:
    start = page("Harborline Ops Agent", f"<p>{WORDS}</p><a href='/docs/app'>Security</a>")
    site = serve({**ROUTES, "/start": start, "/docs/app": SHELL})
    told: list[str] = []
    settings = replace(SETTINGS, browser_path="no-such-browser")
    intake = read(site, "/start", settings, told.append)
    assert [found.reason for found in intake.missing] == ["needs-javascript"]
    assert any("not rendered" in line and "install" in line for line in told)
