"""`septet search`: passages of a draft's sources from the stored index, and its errors."""

import json
import shutil
from pathlib import Path

import pytest

from tests.fakes.command import Septet, refused

LISTING = """# Mailer

Mailer reads your inbox and drafts replies with an LLM of the vendor. It sends messages only after you approve them.

## Storage

Conversations are kept in a database for 30 days. Each call is logged with user, tool and duration.
"""


@pytest.fixture
def drafted(septet: Septet, tmp_path: Path) -> Path:
    listing = tmp_path / "listing.md"
    listing.write_text(LISTING)
    assert septet("draft", listing, "--out", tmp_path / "mailer").code == 0
    return tmp_path / "mailer"


def test_passages_with_places_and_the_index_kept(drafted: Path, septet: Septet) -> None:
    found = septet("search", drafted, "how long are conversations kept?", "-k", "1", "--json")
    assert (found.code, found.err) == (0, "")
    [passage] = json.loads(found.out)["passages"]
    text = json.loads((drafted / "snapshots" / "documents.json").read_text())[0]["text"]
    sentence = passage["sentence"]
    assert text[sentence["start"] : sentence["end"]] == "Conversations are kept in a database for 30 days."
    assert text[passage["start"] : passage["end"]] == passage["text"]
    assert (passage["document"], passage["path"], passage["score"] > 0) == ("D1", ["Mailer", "Storage"], True)
    before = sorted((drafted / "index").rglob("complete.json"))
    again = septet("search", drafted, "how long are conversations kept?", "-k", "1", "--json")
    assert again.out == found.out
    assert sorted((drafted / "index").rglob("complete.json")) == before


def test_text_for_a_terminal_and_another_store_without_an_index(
    drafted: Path, septet: Septet, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(drafted / "index")
    monkeypatch.setenv("SEPTET_VECTOR_STORE", "memory")
    found = septet("search", drafted, "who approves a message")
    assert found.code == 0
    assert found.out.startswith("1. D1 ")
    assert "only after you approve them" in found.out
    assert list((drafted / "index").rglob("vectors.json"))


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        (("nowhere", "port"), 1, "there is no draft here"),
        (("{draft}", "  "), 1, "the question is empty"),
        (("{draft}",), 2, "Missing argument"),
        (("{draft}", "port", "-k", "0"), 2, "-k"),
        (("{alone}", "port"), 1, "the source texts of this draft are missing"),
    ],
)
def test_errors(drafted: Path, septet: Septet, arguments: tuple[str, ...], code: int, what: str) -> None:
    alone = shutil.copy(drafted / "draft.json", drafted.parent / "draft.json")
    refused(septet("search", *[one.format(draft=drafted, alone=alone) for one in arguments]), code, what)
