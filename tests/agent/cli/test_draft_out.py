"""`draft --out`: its progress messages, and that it never replaces a draft under review."""

from pathlib import Path

import pytest

from agent.cli.source_options import progress_line
from agent.review.service import Service
from agent.review.store.store import Store
from agent.settings import Settings
from tests.fakes.command import Septet, refused
from tests.fakes.review.served_reviews import ADA, AT
from tests.places import CASES

LISTING = CASES / "workos"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path


def reviewed(out: Path, home: Path) -> str:
    """Put the draft in `out` under review in the user's own store, and return the review's key."""
    with Store.open(home / "data" / "septet" / "review.sqlite") as store:
        return Service(store, Settings(), lambda: AT).import_draft(out, ADA)


def test_a_draft_with_a_review_is_replaced_only_when_that_is_asked_for(septet: Septet, home: Path) -> None:
    out = home / "out"
    assert septet("draft", LISTING, "--out", out).code == 0
    assert septet("draft", LISTING, "--out", out).code == 0, "nobody reviews it yet"
    key = reviewed(out, home)
    before = (out / "draft.json").read_bytes()
    refused(septet("draft", LISTING, "--out", out, "--note", "Ours runs in CI"), 1, key, str(out), "--replace")
    assert (out / "draft.json").read_bytes() == before
    assert septet("draft", LISTING, "--out", out, "--note", "Ours runs in CI", "--replace").code == 0
    assert (out / "draft.json").read_bytes() != before
    with Store.open(home / "data" / "septet" / "review.sqlite", read_only=True) as store:
        assert store.keys() == (key,), "the review keeps its own draft"
    assert septet("draft", LISTING, "--out", home / "other").code == 0


def test_a_draft_is_not_replaced_while_its_reviews_cannot_be_read(septet: Septet, home: Path) -> None:
    out = home / "out"
    assert septet("draft", LISTING, "--out", out).code == 0
    store = home / "data" / "septet" / "review.sqlite"
    store.parent.mkdir(parents=True)
    store.write_text("not a store")
    refused(septet("draft", LISTING, "--out", out), 1, "cannot determine whether", str(out), "--replace")
    assert septet("draft", LISTING, "--out", out, "--replace").code == 0


def test_the_first_screen_the_path_and_the_stages_as_plain_lines_are_printed(septet: Septet, home: Path) -> None:
    outcome = septet("draft", CASES / "airtable-mcp-server", "--out", home / "out")
    assert len(outcome.out.splitlines()) < 50
    for told in ("T1 ", "before controls", "L7 ", str(home / "out" / "draft.md")):
        assert told in outcome.out
    said = outcome.err.splitlines()
    read = next(line for line in said if "pages" in line)
    assert "of at most 30 pages" in read
    assert "drafting" in read
    assert str(home / "out") in said[-1]


def test_of_many_pages_few_are_told_and_nothing_that_a_terminal_obeys(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_line() as tell:
        for number in range(200):
            tell(f"reading page {number} of at most 200: https://example.org/{number}")
        tell("drafting \x1b[31mred")
    (line,) = capsys.readouterr().err.splitlines()
    assert "drafting" in line
    assert "\x1b" not in line
