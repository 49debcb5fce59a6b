"""Hostile documents: each ends in a specific error or a bounded result, in time, and does not harm this process."""

import gc
import re
import resource
import time

import pytest

from agent.errors import SourceError
from agent.intake.extract.parse import read_page, sniff
from agent.settings import Settings
from tests.fakes.intake.hostile_documents import DOCUMENTS

GRACE = 3.0  # another test may use both cores while the child is started and killed
"""Seconds after the deadline within which reading a document must have ended."""
TIGHT = 0.3
SMALL = [name for name, document in DOCUMENTS.items() if not document.heavy]
HEAVY = [name for name, document in DOCUMENTS.items() if document.heavy]
MEGABYTE = 1024


@pytest.fixture(scope="module", autouse=True)
def warm():
    """Load the readers before the clock starts."""
    for body, kind in ((b"<p>x</p>", "html"), (b"{}", "json"), (b"<urlset/>", "xml"), (b"x", "markdown")):
        read_page(body, kind, "", "warm", Settings())
    with pytest.raises(SourceError):
        read_page(b"%PDF-1.7", "pdf", "", "warm", Settings())


def read(name, seconds):
    """Read a document within the deadline; return its page or error."""
    document = DOCUMENTS[name]
    body = document.build()
    begun = time.monotonic()
    try:
        kind = sniff(body, "", document.name)
        outcome = read_page(body, kind, document.charset, document.name, Settings(parse_seconds=seconds))
    except SourceError as error:
        outcome = error
    assert time.monotonic() - begun < seconds + GRACE
    return outcome


@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        *((name, 5.0) for name in SMALL),
        *(pytest.param(name, Settings().parse_seconds, marks=pytest.mark.slow) for name in HEAVY),
    ],
)
def test_a_hostile_document_is_read_or_named(name, seconds):
    document, outcome = DOCUMENTS[name], read(name, seconds)
    if document.error:
        assert isinstance(outcome, SourceError), outcome.blocks[:3]
        assert re.search(document.error, str(outcome))
        assert outcome.where.startswith(document.name)
    else:
        assert not isinstance(outcome, SourceError), str(outcome)
        assert document.text in " ".join(block.text for block in outcome.blocks)


@pytest.mark.parametrize("name", HEAVY)
def test_a_heavy_document_ends_within_a_tight_deadline(name):
    outcome = read(name, TIGHT)
    if isinstance(outcome, SourceError):
        assert re.search("took too long|too large|cannot be parsed|too many", outcome.what)


@pytest.mark.slow
def test_the_memory_of_this_process_stays_flat():
    names = ("200,000 attributes on one tag", "200,000 nested tags", "deep JSON", "billion laughs", "a zip as HTML")

    def peak():
        for name in names:
            read(name, 5.0)
        gc.collect()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE

    first = peak()
    assert peak() - first < 20
