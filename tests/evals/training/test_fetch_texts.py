"""Labelled texts are downloaded at their commit, kept only if they are the labelled ones, and not fetched twice."""

import hashlib
from pathlib import Path

import pytest

from agent.errors import SourceError
from evals.training.fetch_texts import fetch, place_of
from evals.training.labels import find_texts
from tests.fakes.site import Answer, Site

TEXT = "# Kestrel\n\nIt runs shell commands.\n"
ROWS = (
    ("acme/Kestrel", "docs/READ ME.md", "c1", TEXT),
    ("acme/changed", "README.md", "c2", "what the labels were made on"),
    ("acme/gone", "README.md", "c3", "no longer there"),
    ("corpus/abridge", "listing.md", "", "in this repository"),
)
SITE = {"/acme/Kestrel/c1/docs/READ%20ME.md": Answer(TEXT), "/acme/changed/c2/README.md": Answer("another text")}


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    lines = ["\t".join(("text", "owner", "repository", "path", "commit", "sha256"))]
    lines += [
        "\t".join((str(n), repository.partition("/")[0], repository, path, commit, digest(text)))
        for n, (repository, path, commit, text) in enumerate(ROWS, 1)
    ]
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "texts.tsv").write_text("\n".join(lines) + "\n", "utf-8")
    return tmp_path / "labels"


def test_texts_are_kept_if_they_are_the_labelled_ones(labels: Path, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    with Site(SITE) as site:
        written, left = fetch(folder, site.url("").rstrip("/"), labels)
        asked = len(site.requests)
        assert fetch(folder, site.url("").rstrip("/"), labels) == (0, left)
        assert len(site.requests) == 2 * asked - 1, "what is there is not asked for again"
    assert written == 1
    assert [line.partition(": ")[0] for line in left] == ["acme/changed/README.md", "acme/gone/README.md"]
    place = place_of(folder, "acme/Kestrel", "docs/READ ME.md")
    assert place.read_text("utf-8") == TEXT
    assert find_texts([digest(TEXT)], [folder]) == {digest(TEXT): place}
    assert [path for path in folder.rglob("*") if path.is_file()] == [place]


def test_a_server_that_does_not_answer_is_an_error_with_a_hint(labels: Path, tmp_path: Path) -> None:
    with Site({}) as site:
        address = site.url("").rstrip("/")
    with pytest.raises(SourceError, match="no answer") as caught:
        fetch(tmp_path / "texts", address, labels)
    assert caught.value.hint
