"""A crawl of several hundred loopback pages under default settings: important pages are read, and every trap ends with
its expected reason.
"""

import re
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit

import pytest

from agent.intake.capture import read_remembered
from agent.records import Intake, Link
from agent.settings import Settings
from tests.fakes.intake.big_site import GOLD, LISTING, TimedList, big_sites
from tests.fakes.intake.big_site_traps import TRAPS
from tests.fakes.intake.big_site_words import FACTS, MARK

pytestmark = pytest.mark.slow

NOW = "2026-11-24T12:00:00Z"
WANTED_RECALL = 0.90
CLOCK_SLACK = 0.05
"""Seconds by which the time of arrival may differ from the time of sending."""
SLOW_HOST_DELAY = 2.0


class Run(NamedTuple):
    """One crawl and the requests that the servers received."""

    intake: Intake
    seconds: float
    addresses: dict[tuple[str, str], str]
    """Maps a page of GOLD or TRAPS to its address."""
    requests: dict[str, list[str]]
    moments: dict[str, list[float]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with big_sites() as sites:
        started = time.monotonic()
        result = read_remembered(
            [sites.directory.url(LISTING)], Settings(), allow_private=list(sites.hosts), now=NOW
        ).result
        seconds = time.monotonic() - started
        named = {*GOLD, *((trap.site, trap.path) for trap in TRAPS)}
        addresses = {place: sites.url(*place) for place in named}
        lists = {name: site.requests for name, site in sites._asdict().items()}
        moments = {name: list(paths.moments) for name, paths in lists.items() if isinstance(paths, TimedList)}
        yield Run(result.intake, seconds, addresses, {name: list(paths) for name, paths in lists.items()}, moments)


def test_the_sites_are_large_and_name_their_pages() -> None:
    with big_sites() as sites:
        served = {(name, path) for name, site in sites._asdict().items() for path in site.routes}
    counted = {place for place in served if "/events/" not in place[1] and "sid=" not in place[1]}
    assert len(counted) >= 300
    assert counted >= GOLD
    assert {(trap.site, trap.path) for trap in TRAPS} <= served


def test_recall_of_the_pages_that_matter(run: Run) -> None:
    read_urls = {document.url for document in run.intake.documents}
    found = {place for place in GOLD if run.addresses[place] in read_urls}
    if run.addresses["vendor", "/en/docs/permissions"] in read_urls:  # the same page under another address
        found.add(("vendor", "/docs/permissions"))
    _show(f"recall {len(found)}/{len(GOLD)} in {run.seconds:.1f} s, {run.intake.budget.pages_used} pages")
    for site, path in sorted(GOLD - found):
        _show(f"  missed {site} {path}: {_ending(run, site, path)}")
    assert len(GOLD) == 25
    assert len(found) >= WANTED_RECALL * len(GOLD)


def test_every_trap_ends_in_a_named_state(run: Run) -> None:
    wrong = []
    for trap in TRAPS:
        link = _ending(run, trap.site, trap.path)
        state, reason = (link.state, link.reason) if link else ("-", "no link")
        good = link is not None and re.search(trap.words, reason, re.IGNORECASE)
        _show(f"{'ok ' if good else 'BAD'} {trap.name:30} {trap.path:32} {state:8} {reason}")
        if not good:
            wrong.append(f"{trap.name}: {state} {reason}")
    assert not wrong


def test_nothing_of_a_trap_is_evidence_about_the_product(run: Run) -> None:
    texts = [
        document.text[section.start : section.end]
        for document in run.intake.documents
        for section in document.sections
        if section.about == "product"
    ]
    assert any(FACTS["listing"] in text for text in texts)
    assert [text for text in texts if MARK in text] == []


def test_politeness(run: Run) -> None:
    asked = run.requests["vendor"]
    assert len(asked) > 25
    assert [path for path in asked if path.startswith("/internal/")] == []
    assert _least_gap(run.moments["directory"]) >= Settings().delay_seconds - CLOCK_SLACK
    assert _least_gap(run.moments["vendor"]) >= Settings().delay_seconds - CLOCK_SLACK
    # The first wait follows robots.txt itself: the requested delay is unknown until the file has been read.
    assert _least_gap(run.moments["repository"][1:]) >= SLOW_HOST_DELAY - CLOCK_SLACK


def test_no_page_is_asked_for_and_no_text_read_twice(run: Run) -> None:
    for asked in run.requests.values():
        assert sorted(asked) == sorted(set(asked))
    texts = [document.text for document in run.intake.documents]
    assert len(texts) == len(set(texts))


def test_budgets(run: Run) -> None:
    assert run.intake.budget.pages_used <= Settings().max_pages
    assert len(run.intake.documents) <= Settings().max_pages
    assert run.seconds <= Settings().total_seconds


def test_wrong_charset_is_read_as_it_was_meant(run: Run) -> None:
    url = run.addresses["vendor", "/docs/privacy-notes"]
    texts = [document.text for document in run.intake.documents if document.url == url]
    assert all("café’s" in text and "“as typed”" in text for text in texts)
    assert texts or _ending(run, "vendor", "/docs/privacy-notes")


def _show(line: str) -> None:
    """Print a line of the table, which pytest shows when a test fails or with -s."""
    sys.stdout.write(f"\n{line}")


def _least_gap(moments: list[float]) -> float:
    return min((later - earlier for earlier, later in pairwise(moments)), default=float("inf"))


def _ending(run: Run, site: str, path: str) -> Link | None:
    """Return the link to the page, by its exact address or by the address without its query."""
    wanted = run.addresses[site, path]
    exact = [link for link in run.intake.links if link.url == wanted]
    bare = urlsplit(wanted)._replace(query="").geturl()
    return next(iter(exact or [link for link in run.intake.links if link.url == bare]), None)
