"""Drafts of earlier releases: each must load, recompute and re-verify forever, whatever the drafter says today.

Never regenerate a file here: add one for each released schema and formula revision.
"""

import json
import shutil
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from agent.errors import IntegrityError
from agent.records import DRAFT_SCHEMA, Document
from agent.report.draft_json import FILE_NAME, load
from agent.report.markdown import render
from agent.scoring.result import CURRENT
from tests.fakes.command import Septet
from tests.places import GOLDEN

FOLDER = GOLDEN / "drafts"
FILES = sorted(FOLDER.glob("*.json"))
DOCUMENTS = TypeAdapter(tuple[Document, ...])


def texts(file: Path) -> tuple[Document, ...]:
    return DOCUMENTS.validate_json((FOLDER / "texts" / file.name).read_text("utf-8"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_loads_with_every_score_and_quote_checked(file: Path) -> None:
    draft = load(file, texts(file))
    assert draft.evidence
    assert draft.product.name in render(draft, texts(file))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_explained(file: Path, septet: Septet) -> None:
    for item in ((), ("score",), ("autonomy_of_action",), ("L3",), ("E1",), ("Q1",)):
        outcome = septet("explain", file, *item)
        assert outcome.code == 0, outcome.err


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_touched_one_is_refused(file: Path, tmp_path: Path) -> None:
    data = json.loads(file.read_text("utf-8"))
    data["evidence"][0]["quote"] += " and more"
    changed = tmp_path / FILE_NAME
    changed.write_text(json.dumps(data), "utf-8")
    with pytest.raises(IntegrityError):
        load(changed, texts(file))
    shutil.copy(file, changed)
    assert load(tmp_path, texts(file)) == load(file)


def test_the_schema_and_revision_of_this_release_have_one() -> None:
    kept = [json.loads(file.read_text("utf-8")) for file in FILES]
    assert (DRAFT_SCHEMA, CURRENT) in {(data["schema"], data["score"]["revision"]) for data in kept}
