"""A run that is killed at any moment and started again equals an undisturbed one and requests no page twice."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from agent.intake.crawl.answer_log import Answered, read_log
from agent.report.draft_json import load as load_draft
from tests.agent.intake.test_recording import tree
from tests.fakes.site import Route, Site, page

pytestmark = pytest.mark.slow

PAGES = 24
FEW = 4
SEED = 20261101
START = "/agents/acme"
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT")
_OWN_HASH = re.compile(rb'"sha256": "[0-9a-f]{64}"\n}\n\Z')
TOPICS = ("security", "permissions", "privacy", "data", "tools", "setup", "audit", "approval")


def routes(pages: int) -> dict[str, Route]:
    """Return a listing and `pages` of documentation in two layers, each with its own wording."""
    made: dict[str, Route] = {}
    inner = {n: f"{START}/docs/{TOPICS[n % len(TOPICS)]}-{'abcdefghijklmnopqrstuvwxyz'[n]}" for n in range(pages)}
    half = pages // 2
    for n, path in inner.items():
        topic = TOPICS[n % len(TOPICS)]
        further = "".join(
            f'<p><a href="{inner[k]}">More on {topic}</a></p>' for k in range(half, pages) if k % half == n
        )
        made[path] = page(
            f"{topic.title()} {n} — Acme Mail Agent",
            f"<h1>{topic.title()} of Acme Mail Agent, part {n}</h1><p>Part {n} says how {topic} works: the agent of "
            f"part {n} reads folder number {n} and writes {n * 7} kinds of reply with the rights of owner {n * 13}.</p>"
            f"<p>It sends report {n * 3} to channel {n * 5} after step {n * 11} of the {topic} plan.</p>{further}",
        )
    links = "".join(f'<li><a href="{inner[n]}">Documentation: {TOPICS[n % len(TOPICS)]}</a></li>' for n in range(half))
    made[START] = page(
        "Acme Mail Agent — Example Directory",
        "<h1>Acme Mail Agent</h1><p>Acme Mail Agent reads a team's shared mailbox, drafts replies and sends them "
        f"through Gmail with the owner's account.</p><h2>Documentation</h2><ul>{links}</ul>",
    )
    return made


class Moment(NamedTuple):
    """A point in a run: after this many requests to the site, and this many seconds."""

    requests: int
    pause: float


class Runs:
    """`septet draft` of one site: each run in its own process, all with one cache."""

    def __init__(self, site: Site, folder: Path) -> None:
        self._site = site
        self._folder = folder

    def start(self, out: Path) -> subprocess.Popen[bytes]:
        code = "import sys; from agent.cli import main; main(sys.argv[1:])"
        call = ["draft", self._site.url(START), "--allow-private", self._site.host, "--out", str(out)]
        settings = {"SEPTET_CACHE_DIR": str(self._folder / "cache"), "SEPTET_DELAY_SECONDS": "0"}
        return subprocess.Popen(
            [sys.executable, "-c", code, *call],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **settings},  # noqa: TID251
        )

    def finish(self, out: Path) -> None:
        """Run to the end."""
        with self.start(out) as process:
            _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()

    def logged(self) -> set[str]:
        """Return the paths of the pages whose answers an interrupted run left behind."""
        logs = (self._folder / "cache" / "crawls").glob("*/log.jsonl")
        entries = [entry for log in logs for entry in read_log(log)]
        return {entry.asked.partition(self._site.host)[2] for entry in entries if isinstance(entry, Answered)}


def timeless(out: Path) -> dict[str, bytes]:
    """Return a draft's files without times, and without the hash that covers them."""
    return {name: _OWN_HASH.sub(b"", _TIME.sub(b"T", body)) for name, body in tree(out).items()}


def kill(runs: Runs, site: Site, out: Path, moment: Moment, undisturbed: dict[str, bytes]) -> set[str]:
    """Kill a run at a moment; return the pages that it left to the next one."""
    before = timeless(out) if out.exists() else None
    begun = len(site.requests)
    with runs.start(out) as process:
        while len(site.requests) - begun < moment.requests and process.poll() is None:
            time.sleep(0.002)
        time.sleep(moment.pause)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    if before is not None or out.exists():
        # Either the old or the new state is there, and it can be read.
        load_draft(out)
        assert timeless(out) in (before, undisturbed)
    return runs.logged()


def check_again(runs: Runs, asked: list[str], out: Path, spared: set[str], undisturbed: dict[str, bytes]) -> None:
    """Compare a run after a kill, which made the requests `asked`, with an undisturbed one."""
    assert spared.isdisjoint(asked), "what was answered is not asked for again"
    assert timeless(out) == undisturbed
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".")] == []
    assert runs.logged() == set(), "a finished run leaves no log"


def first_run(runs: Runs, site: Site, out: Path, pages: int) -> tuple[Moment, dict[str, bytes]]:
    """Make an undisturbed run; return its number of requests, the seconds after the last one, and its files."""
    last = time.monotonic()
    with runs.start(out) as process:
        seen = 0
        while process.poll() is None:
            if len(site.requests) > seen:
                seen, last = len(site.requests), time.monotonic()
            time.sleep(0.002)
        _, said = process.communicate()
    assert process.returncode == 0, said.decode()
    made = timeless(out)
    assert len(json.loads(made["draft.json"])["sources"]) == pages + 1
    return Moment(seen, time.monotonic() - last), made


def test_three_kills_in_a_row(tmp_path: Path) -> None:
    with Site(routes(FEW)) as site:
        runs, out = Runs(site, tmp_path), tmp_path / "out"
        whole, undisturbed = first_run(runs, site, tmp_path / "undisturbed", FEW)
        left: list[set[str]] = [set()]
        for moment in (Moment(4, 0.05), Moment(1, 0.2), Moment(1, whole.pause / 2)):
            left.append(kill(runs, site, out, moment, undisturbed))
            assert left[-1] >= left[-2] or out.exists(), "no answer is lost by a further kill"
        asked = len(site.requests)
        runs.finish(out)
        check_again(runs, site.requests[asked:], out, left[-1], undisturbed)
        assert any(left), "a kill hit the crawl or the draft"


def test_eight_kills_at_random_moments(tmp_path: Path) -> None:
    """Kill four runs between two requests of the crawl, and four while the draft is made and saved."""
    chance = random.Random(SEED)
    with Site(routes(PAGES)) as site:
        runs = Runs(site, tmp_path)
        whole, undisturbed = first_run(runs, site, tmp_path / "undisturbed", PAGES)
        crawl = [Moment(chance.randint(1, whole.requests - 1), chance.uniform(0, 0.1)) for _ in range(4)]
        draft = [Moment(whole.requests, chance.uniform(0, whole.pause)) for _ in range(4)]
        spared: list[int] = []
        for number, moment in enumerate(crawl + draft):
            # Every other run has an earlier draft to replace.
            out = tmp_path / ("out" if number % 2 else f"out-{number}")
            left = kill(runs, site, out, moment, undisturbed)
            asked = len(site.requests)
            runs.finish(out)
            check_again(runs, site.requests[asked:], out, left, undisturbed)
            spared.append(len(left))
    assert any(spared[:4]), "some kills left a part of the pages"
    assert any(pages >= PAGES + 1 for pages in spared[4:]), "some kills hit the draft"
