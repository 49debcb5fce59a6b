"""`septet answer`: a response file taken into a draft's folder, whole or not at all, and on the record of a store."""

import json
from pathlib import Path

import pytest

from agent.export.draft_json import FILE_NAME, SNAPSHOTS, load_whole
from agent.records import Draft
from agent.review.audit import audit
from agent.review.store import Store
from tests.fakes.command import Septet
from tests.fakes.reviewing import case_documents, case_draft
from tests.fakes.served_reviews import ADA, CASE, FACTOR, Reviews, draft_folder

ANSWER = "Each action of the server runs at once; it asks nobody for a confirmation before it deletes records."
CONTEST = (
    f"contests:\n- {{item: {FACTOR}, kind: wrong, text: 'It <b>asks</b> first.', url: 'https://docs.example/a'}}\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return draft_folder(tmp_path)


def response(place: Path, lines: str, draft: str = "") -> Path:
    file = place / "response.yaml"
    file.write_text(f"draft: {draft or case_draft(CASE).id}\nsender: Acme\n{lines}", "utf-8")
    return file


def answered(place: Path) -> Path:
    return response(place, f"answers: {{Q1: {{answer: '{ANSWER}', page: 'https://docs.example/limits'}}}}\n")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_answer_becomes_a_source_of_a_new_draft_in_the_folder(septet: Septet, folder: Path, tmp_path: Path) -> None:
    before: Draft = case_draft(CASE)
    outcome = septet("answer", folder, answered(tmp_path))
    assert outcome.code == 0, outcome.err
    draft, documents = load_whole(folder)
    assert outcome.out.startswith(f"Draft {before.id} → {draft.id}\n\n| what | before | after |\n")
    assert "\n| score | " in outcome.out
    assert draft.id != before.id
    assert draft.manifest["redrafted_from"] == before.id
    assert documents[:-1] == case_documents(CASE)
    assert documents[-1].text.strip() == ANSWER
    assert draft.sources[-1].kind == "vendor-answer"
    assert {path.name for path in folder.iterdir()} == {FILE_NAME, "draft.md", SNAPSHOTS, "index"}
    assert "DRAFT, not reviewed" in (folder / "draft.md").read_text("utf-8")
    assert septet("explain", folder).code == 0
    again = septet("answer", folder, tmp_path / "response.yaml")
    assert again.code == 1
    assert f"this is {draft.id}" in again.err


def test_contests_are_printed_as_a_reply_and_move_nothing(septet: Septet, folder: Path, tmp_path: Path) -> None:
    before = files(folder)
    outcome = septet("answer", folder, response(tmp_path, CONTEST))
    assert outcome.code == 0, outcome.err
    assert "factor/autonomy" in outcome.out.replace("`", "").replace("\\", "")
    assert "- Decision: not decided yet" in outcome.out
    assert "Said to be wrong by Acme" in outcome.out
    assert "<b>" not in outcome.out
    assert files(folder) == before


def test_both_go_on_the_record_of_a_store_that_has_the_review(septet: Septet, folder: Path, tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    with reviews.store:
        key = reviews.service.import_draft(folder, ADA)
    raw = answered(tmp_path).read_text("utf-8") + CONTEST
    file = tmp_path / "response.yaml"
    file.write_text(raw, "utf-8")
    outcome = septet("answer", folder, file, "--store", tmp_path / "review.sqlite", "--reviewer", "Bo")
    assert outcome.code == 0, outcome.err
    assert "2 events on the record of r1" in outcome.err
    assert "- Decision: not decided yet" in outcome.out
    with Store.open(tmp_path / "review.sqlite") as store:
        assert [(e.verb, e.reviewer) for e in store.events(key)[1:]] == [("answer", "Bo"), ("contest", "Bo")]
        assert audit(store).sound


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("answers: {Q99: {answer: x}}\n", "asks no question Q99"),
        ("answers: {Q1: {answer: ' '}}\n", "nothing is answered"),
        ("contests: [{item: threat/none, kind: wrong, text: x}]\n", "holds no"),
        ("answers: [1]\n", "not acceptable"),
    ],
)
def test_a_response_that_does_not_fit_changes_nothing(
    septet: Septet, folder: Path, tmp_path: Path, lines: str, says: str
) -> None:
    before = files(folder)
    outcome = septet("answer", folder, response(tmp_path, lines))
    assert outcome.code == 1
    assert says in outcome.err
    assert files(folder) == before


def test_what_is_no_draft_or_no_store_is_said_before_anything_is_written(
    septet: Septet, folder: Path, tmp_path: Path
) -> None:
    before = files(folder)
    file = answered(tmp_path)
    assert "about 'draft-0'" in septet("answer", folder, response(tmp_path, "", "draft-0")).err
    file = answered(tmp_path)
    assert "no folder" in septet("answer", folder / FILE_NAME, file).err
    assert "cannot be read" in septet("answer", folder, tmp_path / "none.yaml").err
    assert "no store" in septet("answer", folder, file, "--store", tmp_path / "none.sqlite").err
    with Store.open(tmp_path / "empty.sqlite") as store:
        busy = septet("answer", folder, file, "--store", tmp_path / "empty.sqlite")
        assert "another process" in busy.err
        assert store.keys() == ()
    assert "has no review" in septet("answer", folder, file, "--store", tmp_path / "empty.sqlite").err
    assert not (tmp_path / "none.sqlite").exists()
    (folder / "notes.txt").write_text("mine", "utf-8")
    assert "other files" in septet("answer", folder, file).err
    (folder / "notes.txt").unlink()
    assert files(folder) == before
    plain = json.loads((folder / FILE_NAME).read_text("utf-8"))
    assert plain["id"] == case_draft(CASE).id
