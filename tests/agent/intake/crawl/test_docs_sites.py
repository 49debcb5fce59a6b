"""On a large documentation site, pages about capabilities and limits are read first.

The invented site has a dozen wanted pages among some sixty others, linked in an unhelpful order. The folders of real
products have 16 to 20 pages each; without padding, a crawl of fifteen pages would read nearly all of them, so the same
forty pages of API reference, changelogs, blog posts and examples are put in front. `SEPTET_REAL` is the folder that
contains `sources.tsv` and `listings/`; without it, the tests on real folders are skipped.
"""

import os
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from agent.intake.capture import read_remembered
from agent.records import Intake
from agent.settings import Settings
from tests.fakes.intake.docs_site import SHAPES, Doc, Shape, based, markdown, noise, reference, site
from tests.fakes.intake.real_docs import folder, served
from tests.fakes.intake.wanted_pages import COUNTED, DEVELOPED, Wanted
from tests.fakes.site import Route, Site

REAL = os.environ.get("SEPTET_REAL", "")  # noqa: TID251  (the folder with the texts of real products, outside the project)
NOW = "2026-11-27T12:00:00Z"
FIRST = 15
WANTED_SHARE = 0.8
LEAST_SHARE = 0.75
"""Minimum share for a single folder: one of its eight pages is named by a term of its own trade, which no rule can
know.
"""
QUICK = replace(Settings(), delay_seconds=0.0, connections_per_host=8)
WANTED: dict[str, str] = {
    "security": "/docs/security",
    "permissions": "/docs/guides/permissions",
    "oversight": "/docs/guides/human-in-the-loop",
    "authentication": "/docs/authentication",
    "configuration": "/docs/reference/configuration",
    "memory": "/docs/concepts/memory",
    "telemetry": "/docs/telemetry",
    "tools": "/docs/concepts/tools",
    "sandbox": "/docs/concepts/sandbox",
    "deployment": "/docs/self-hosting",
    "integrations": "/docs/mcp/overview",
    "pricing": "/pricing",
}
TUTORIALS = ("first-steps", "write-a-poem", "sort-your-photos", "plan-a-dinner", "name-a-cat", "learn-a-language")


def doc(path: str, title: str, words: str) -> Doc:
    """Return a page of sentences made from `words`, in which each star is replaced by a letter."""
    return markdown(path, title, " ".join(words.replace("*", letter) for letter in "abcdefghijklmnop"))


def invented() -> list[Doc]:
    """Return tutorials and the wanted pages, one of them preceded by further pages on its topic."""
    docs = []
    for number, name in enumerate(TUTORIALS):
        title = name.replace("-", " ").capitalize()
        docs.append(doc(f"/docs/tutorials/{name}", title, f"lesson{number}* goes on with part{number}*"))
    for number, vendor in enumerate(("alpha", "beta", "gamma", "delta")):
        path = f"/docs/integrations/{vendor}-permissions"
        docs.append(doc(path, f"Permissions of {vendor}", f"{vendor}* permission{number}*"))
    for topic, path in reversed(WANTED.items()):
        title = path.rpartition("/")[2].replace("-", " ").capitalize()
        docs.append(doc(path, title, f"{topic}* is set by *{topic}"))
    return docs


def crawled(routes: dict[str, Route], most: int) -> tuple[Intake, list[str]]:
    """Return the intake of a site under a budget of `most` pages, and the paths read, in order."""
    with Site({}) as server:
        base = server.url("")
        server.routes.update(based(routes, base))
        settings = replace(QUICK, max_pages=most)
        intake = read_remembered([base + "/"], settings, allow_private=[server.host], now=NOW).result.intake
    return intake, [document.url.removeprefix(base) for document in intake.documents]


NEEDS_REAL = pytest.mark.skipif(not REAL, reason="SEPTET_REAL names no folder of real documentation")


@pytest.mark.parametrize("shape", SHAPES)
def test_of_fifteen_pages_most_are_wanted_ones(shape: Shape) -> None:
    docs = [*reference(), *noise(), *invented()]
    _, paths = crawled(site(docs, shape), FIRST)
    missed = [topic for topic, path in WANTED.items() if path not in paths]
    assert len(docs) >= 60
    assert len(missed) <= 1, missed


@pytest.mark.slow
@pytest.mark.parametrize("shape", SHAPES)
def test_the_whole_budget_is_used_and_the_reference_keeps_its_quota(shape: Shape) -> None:
    docs = [*reference(), *noise(), *invented()]
    intake, paths = crawled(site(docs, shape), Settings().max_pages)
    ranked = [path for path in paths if path.startswith("/api-reference/")]
    assert set(WANTED.values()) <= set(paths)
    assert intake.budget.pages_used == Settings().max_pages
    assert len(ranked) <= 4
    reasons = {link.reason for link in intake.links if "/api-reference/" in link.url and link.state == "skipped"}
    assert "kept for later: API reference beyond its quota" in reasons


def test_a_site_that_is_all_reference_is_read_to_the_end_of_the_budget() -> None:
    _, paths = crawled(site(reference(), "sidebar"), 10)
    assert len(paths) == 10


def test_a_small_reference_has_no_quota() -> None:
    _, paths = crawled(site([*reference()[:8], *noise()], "sidebar"), 12)
    assert len([path for path in paths if path.startswith("/api-reference/")]) == 8


def test_pages_of_one_template_wait_for_the_others() -> None:
    words = ("amber", "birch", "cedar", "dune", "ember", "fjord", "grove", "heath", "inlet", "jetty", "knoll", "lagoon")
    many = [doc(f"/docs/connect-to-{w}-tools", f"Connect to {w} tools", f"{w}* is a tool of *{w}") for w in words]
    topics = [each for each in invented() if each.path in WANTED.values()]
    intake, paths = crawled(site([*many, *topics], "sidebar"), 16)
    assert set(WANTED.values()) <= set(paths)
    assert "kept for later: pages of one template beyond their quota" in {link.reason for link in intake.links}


def test_what_was_read_says_for_which_topic() -> None:
    intake, _ = crawled(site(invented(), "sidebar"), FIRST)
    said = {link.url.partition("/docs/")[2]: link.reason for link in intake.links if link.state == "read"}
    assert said["security"] == "documentation: security"
    assert said["guides/human-in-the-loop"] == "documentation: oversight"


def test_a_page_that_cannot_be_read_leaves_its_topic_open() -> None:
    docs = [each for each in invented() if each.path in WANTED.values()]
    routes = site([*docs, doc("/docs/more/security-notes", "Security notes", "note* of security")], "sidebar")
    del routes["/docs/security"]
    _, paths = crawled(routes, 12)
    assert "/docs/more/security-notes" in paths
    assert "/pricing" not in paths


def test_a_heading_above_a_link_tells_its_topic() -> None:
    routes = site([doc(f"/docs/p/{n}", f"Chapter {n}", f"word{n}*") for n in range(30)], "sidebar")
    lines = [f"- [Chapter {number}](/docs/p/{number})" for number in range(30)]
    text = "\n".join(["# Acme Agent", "", "## Contents", *lines[:25], "", "## Security", *lines[25:28], "", "## More"])
    routes = {path: route for path, route in routes.items() if path != "/"} | site([], "sidebar")
    routes["/llms.txt"] = markdown("/llms.txt", "", text, raw=True).answer
    intake, _ = crawled(routes, 4)
    assert "documentation: security" in {link.reason for link in intake.links if link.state == "read"}


@cache
def count(name: str, shape: Shape) -> tuple[list[Wanted], list[str]]:
    """Return which of a real folder's wanted pages were found, and the paths read."""
    raw = shape == "llms.txt"
    docs = [*reference(), *noise(), *folder(Path(REAL), name, raw=raw)]
    _, paths = crawled(site(docs, shape, name), FIRST)

    def is_there(path: str) -> bool:  # Markdown served as written keeps its suffix
        return ("/" + path if raw and path.endswith((".md", ".mdx")) else served("/" + path)) in paths

    return [want for want in (DEVELOPED | COUNTED)[name] if any(map(is_there, want.paths))], paths


@pytest.mark.slow
@NEEDS_REAL
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("half", [DEVELOPED, COUNTED], ids=["developed", "counted"])
def test_most_of_what_an_expert_wants_of_real_folders_is_among_the_first_read(
    half: dict[str, tuple[Wanted, ...]], shape: Shape
) -> None:
    found = sum(len(count(name, shape)[0]) for name in half)
    wanted = sum(map(len, half.values()))
    sys.stdout.write(f"\n{shape}: {found} of {wanted}")
    assert found >= WANTED_SHARE * wanted


@pytest.mark.slow
@NEEDS_REAL
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [*DEVELOPED, *COUNTED])
def test_no_real_folder_is_read_badly(name: str, shape: Shape) -> None:
    wanted = (DEVELOPED | COUNTED)[name]
    found, paths = count(name, shape)
    missed = [want.topic for want in wanted if want not in found]
    sys.stdout.write(f"\n{name}, {shape}: {len(found)} of {len(wanted)}, missed {missed}\n  " + "\n  ".join(paths))
    assert len(found) >= LEAST_SHARE * len(wanted)
