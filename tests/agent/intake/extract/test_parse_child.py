"""The parsing child: limits that are enforced, a warm process that dies and is replaced, documents in parallel."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from agent.errors import SourceError
from agent.intake.extract.parse import read_page
from agent.intake.extract.parse_process import Stopped, WarmParser
from agent.settings import Settings

PAGE = b"<html><body><main><h1>Acme</h1><p>It reads mail.</p></main></body></html>"
LIMITS = (5.0, 1024)
BIG = b"<html><body>" + b"<p>x y</p>" * 300_000


@pytest.fixture
def parser():
    made = WarmParser()
    yield made
    made.close()


def test_one_process_serves_many_documents_from_many_threads(parser):
    first = parser.parse(PAGE, "html", "", *LIMITS)
    pid = parser.pid()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: parser.parse(PAGE, "html", "", *LIMITS), range(12)))
    assert (set(answers), parser.pid()) == ({first}, pid)


def test_a_document_over_its_time_costs_one_fork(parser):
    with pytest.raises(Stopped, match="killed"):
        parser.parse(BIG, "html", "", 0.2, 1024)
    assert b"reads mail" in parser.parse(PAGE, "html", "", *LIMITS)


def test_a_warm_process_that_fell_is_started_anew(parser):
    parser.parse(PAGE, "html", "", *LIMITS)
    pid = parser.pid()
    os.kill(pid, signal.SIGKILL)
    assert b"reads mail" in parser.parse(PAGE, "html", "", *LIMITS)
    assert parser.pid() != pid


def test_memory_has_a_cap():
    with pytest.raises(SourceError, match=r"too large|too much memory|cannot be parsed"):
        read_page(BIG, "html", "", "big.html", Settings(parse_memory_mb=150))
