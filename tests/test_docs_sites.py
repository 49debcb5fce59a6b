"""Of a large documentation site the pages that tell about powers and limits are read first."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from agent.intake import read
from agent.records import Intake
from agent.settings import Settings
from tests.fakes.docs_site import SHAPES, Shape, based, noise, reference, site
from tests.fakes.real_docs import folder, served
from tests.fakes.site import Site
from tests.fakes.wanted_pages import COUNTED, DEVELOPED, Wanted

REAL = os.environ.get("SEPTET_REAL", "")  # noqa: TID251  (where the folders of real products lie, outside)
NOW = "2026-11-27T12:00:00Z"
FIRST = 15
WANTED_SHARE = 0.8
QUICK = replace(Settings(), delay_seconds=0.0, connections_per_host=8)


def crawled(routes, most):
    """The intake of a site under a budget of `most` pages, and the paths read, in their order."""
    with Site({}) as served_site:
        base = served_site.url("")
        served_site.routes.update(based(routes, base))
        settings = replace(QUICK, max_pages=most)
        intake = read([base + "/"], settings, allow_private=[served_site.host], now=NOW).intake
    return intake, [document.url.removeprefix(base) for document in intake.documents]


def found_of(wanted: tuple[Wanted, ...], paths: list[str], *, raw: bool) -> list[Wanted]:
    have = set(paths)
    return [
        want
        for want in wanted
        if any(
            ("/" + path if raw and path.endswith((".md", ".mdx")) else served("/" + path)) in have
            for path in want.paths
        )
    ]


def count(name: str, shape: Shape, most: int = FIRST) -> tuple[list[Wanted], list[str]]:
    wanted = (DEVELOPED | COUNTED)[name]
    raw = shape == "llms.txt"
    docs = [*reference(), *noise(), *folder(Path(REAL), name, raw=raw)]
    _, paths = crawled(site(docs, shape, name), most)
    return found_of(wanted, paths, raw=raw), paths


@pytest.mark.slow
@pytest.mark.skipif(not REAL, reason="SEPTET_REAL names no folder of real documentation")
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [*DEVELOPED, *COUNTED])
def test_what_an_expert_wants_of_a_real_folder_is_among_the_first_read(name, shape):
    wanted = (DEVELOPED | COUNTED)[name]
    found, paths = count(name, shape)
    missed = [want.topic for want in wanted if want not in found]
    sys.stdout.write(f"\n{name} {shape} {len(found)}/{len(wanted)} missed {missed}\n  " + "\n  ".join(paths))
    assert len(found) >= WANTED_SHARE * len(wanted)
