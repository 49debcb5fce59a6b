"""Old drafts against new ones, as seen by someone who changes what drafts say."""

import shutil
from pathlib import Path

import pytest

from agent.errors import InputError
from evals.look import checkout_of, difference
from tests.places import CASES, ROOT


@pytest.mark.slow
def test_a_change_of_the_knowledge_is_seen_in_the_report(tmp_path: Path) -> None:
    kept = shutil.ignore_patterns("__pycache__", "_data")
    for part in ("agent", "prompts", "corpus/knowledge"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=kept)
    case = CASES / "firecrawl-mcp"
    assert difference(case, tmp_path) == []
    threats = tmp_path / "corpus" / "knowledge" / "catalogue"
    for file in threats.glob("*.yaml"):
        file.write_text(
            file.read_text("utf-8").replace("hijacks the calling agent", "moves the calling agent"), "utf-8"
        )
    found = difference(case, tmp_path)
    assert any(line.startswith("-") and "moves the calling agent" in line for line in found)
    assert any(line.startswith("+") and "hijacks the calling agent" in line for line in found)


def test_what_is_neither_a_folder_nor_a_commit_is_refused() -> None:
    with pytest.raises(InputError, match="neither a folder nor a commit"), checkout_of("no-such-commit"):
        pass
