"""Fixtures of the tests of `septet draft` with an LLM."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.llm.answers import answer_body
from tests.fakes.llm.drafting import LISTING, written
from tests.fakes.llm.server import FakeEndpoint, by


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def listing(tmp_path: Path) -> Path:
    return written(tmp_path / "listing.md", LISTING)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeEndpoint]:
    """An endpoint that answers well, with settings that point to it."""
    with FakeEndpoint([by(answer_body)]) as endpoint:
        monkeypatch.setenv("SEPTET_LLM_BASE_URL", endpoint.base_url)
        yield endpoint
