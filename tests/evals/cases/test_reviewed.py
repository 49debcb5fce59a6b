"""`septet corpus add`: a signed review as a labelled case that the corpus's own lint accepts."""

import json
from pathlib import Path

import pytest

from agent.report.draft_json import FILE_NAME, load_whole
from evals.cases.case import Case
from evals.cases.corpus import load_case, plain
from evals.cases.documents import documents_of
from evals.cases.lint import lint
from evals.cases.reviewed import page_of
from tests.fakes.command import Outcome, Septet
from tests.fakes.review.reviewing import case_documents, case_draft, not_given
from tests.fakes.review.served_reviews import ADA, CASE, FACTOR, Reviews, draft_folder
from tests.places import CASES


def add(septet: Septet, place: Path, review: object, *more: object) -> Outcome:
    out = ("--out", place / "mine", "--store", place / "review.sqlite")
    return septet("corpus", "add", review, "--consent", "Acme, legal", *out, *more)


def only(place: Path) -> Case:
    (folder,) = (place / "mine").iterdir()
    return load_case(folder)


def texts_of(place: Path) -> str:
    return "".join(path.read_text("utf-8") for path in (place / "mine").rglob("*") if path.is_file())


def exported(reviews: Reviews, key: str, place: Path) -> Path:
    folder = draft_folder(place / "exported")
    (folder / FILE_NAME).write_bytes(reviews.service.export(key, "json").data)
    return folder


def test_a_signed_review_becomes_a_case_that_lint_accepts(septet: Septet, reviews: Reviews, tmp_path: Path) -> None:
    key = reviews.bring()
    # Only what has a quote becomes a label.
    name, given = next((name, one) for name, one in case_draft(CASE).factors.items() if one.evidence)
    value = 0.3 if float(given.value) > 0.3 else 0.4
    reviews.act(key, "correct", f"factor/{name}", value=value)
    reviews.signed(key)
    outcome = add(septet, tmp_path, key)
    assert outcome.code == 0, outcome.err
    case = only(tmp_path)
    reader = case.labels.reader
    assert reader is not None
    assert outcome.out.endswith(f"{len(reader.factors)} factors, {len(reader.layers)} layers\n")
    assert septet("corpus", "lint", tmp_path / "mine").code == 0
    draft = reviews.service.review(key).reviewed
    stamp = draft.review
    assert stamp is not None
    assert reader.factors[name].value == value
    for name, factor in reader.factors.items():
        assert (draft.factors[name].state, float(draft.factors[name].value)) == ("confirmed", factor.value)
    assert {name: layer.certain for name, layer in reader.layers.items()} == {
        name: layer.certain for name, layer in draft.layers.items()
    }
    assert case.consent is not None
    assert (case.consent.by, case.consent.draft, case.consent.head) == ("Acme, legal", draft.id, stamp.head)
    assert ADA.name not in texts_of(tmp_path).split()
    assert [one.text for one in documents_of(case)] == [one.text for one in case_documents(CASE)]
    assert case.listing.title == case_draft(CASE).product.name


def test_the_same_again_changes_nothing_and_another_one_is_refused(
    septet: Septet, reviews: Reviews, tmp_path: Path
) -> None:
    key = reviews.bring()
    reviews.signed(key)
    assert " added in " in add(septet, tmp_path, key).out
    assert " unchanged in " in add(septet, tmp_path, key).out
    reviews.act(key, "reopen", note="once more")
    reviews.act(key, "correct", FACTOR, value=0.9)
    reviews.signed(key)
    outcome = add(septet, tmp_path, key)
    assert outcome.code == 1
    assert "differ" in outcome.err
    assert " replaced in " in add(septet, tmp_path, key, "--force").out


def test_notes_and_what_rests_on_them_alone_stay_out(septet: Septet, reviews: Reviews, tmp_path: Path) -> None:
    key = reviews.bring()
    secret = "Our own gateway asks a person to confirm every deletion in production."
    states = [{"key": "approval_before", "polarity": "asserted"}]
    reviews.act(key, "answer", "question/Q1", text=secret, kind="analyst-note", note="our deployment", states=states)
    number = len(reviews.service.documents(key))
    span = {"document": f"D{number}", "start": 0, "end": len(secret)}
    reviews.act(key, "correct", FACTOR, value=0.1, evidence=[span])
    reviews.signed(key)
    outcome = add(septet, tmp_path, key)
    assert outcome.code == 0, outcome.err
    case = only(tmp_path)
    assert case.labels.reader is not None
    assert "autonomy_of_action" not in case.labels.reader.factors
    assert "in production" not in texts_of(tmp_path)


def test_a_waived_item_is_no_label(septet: Septet, reviews: Reviews, tmp_path: Path) -> None:
    key = reviews.bring()
    reviews.act(key, "waive", FACTOR)
    reviews.act(key, "waive", "layer/data_operations")
    reviews.signed(key)
    assert add(septet, tmp_path, key).code == 0
    reader = only(tmp_path).labels.reader
    assert reader is not None
    assert "autonomy_of_action" not in reader.factors
    assert "data_operations" not in reader.layers
    assert len(reader.layers) == 6
    assert add(septet, tmp_path / "by export", exported(reviews, key, tmp_path)).code == 0
    assert only(tmp_path / "by export") == only(tmp_path)


def test_a_signed_export_beside_its_snapshots_does_as_well(septet: Septet, reviews: Reviews, tmp_path: Path) -> None:
    key = reviews.bring()
    reviews.signed(key)
    folder = exported(reviews, key, tmp_path)
    draft, documents = load_whole(folder)
    assert draft.review is not None
    assert documents == case_documents(CASE)
    outcome = add(septet, tmp_path, folder)
    assert outcome.code == 0, outcome.err
    one = only(tmp_path)
    assert add(septet, tmp_path / "store", key, "--store", tmp_path / "review.sqlite").code == 0
    assert only(tmp_path / "store") == one
    signed = json.loads((folder / FILE_NAME).read_text("utf-8"))
    signed["product"]["name"] = "Another name"
    (folder / FILE_NAME).write_text(json.dumps(signed), "utf-8")
    outcome = add(septet, tmp_path / "forged", folder)
    assert outcome.code == 1
    assert "not the one that was signed" in outcome.err


@pytest.mark.parametrize("older", [False, True])
def test_a_signed_export_finds_the_answers_in_its_store(
    septet: Septet, reviews: Reviews, tmp_path: Path, older: bool
) -> None:
    """With and without a redraft: the folder has snapshots of the sources, and the store also has the answers."""
    key = reviews.bring(draft=not_given(case_draft(CASE)) if older else None)
    said = {"text": "Deletions can be undone for 30 days.", "url": "https://docs.example/limits"}
    if older:
        reviews.act(key, "answer", "question/Q1", **said)
        reviews.service.redraft(key, ADA)
    else:
        reviews.act(key, "answer", "question/Q1", **said, states=[{"key": "undo", "polarity": "asserted"}])
        reviews.act(key, "confirm", "fact/Q1-undo")
    reviews.signed(key)
    folder = exported(reviews, key, tmp_path)
    outcome = add(septet, tmp_path, folder)
    assert outcome.code == 0, outcome.err
    one = only(tmp_path)
    assert any("Deletions can be undone" in page.markdown for page in one.docs)
    assert add(septet, tmp_path / "by key", key, "--store", tmp_path / "review.sqlite").code == 0
    assert only(tmp_path / "by key") == one
    alone = add(septet, tmp_path / "alone", folder)
    assert alone.code == 1
    assert "--store" in alone.err


def test_what_is_not_signed_or_not_there_is_refused(septet: Septet, reviews: Reviews, tmp_path: Path) -> None:
    key = reviews.bring()
    assert "not signed" in add(septet, tmp_path, key).err
    assert "no such review" in add(septet, tmp_path, "r9").err
    assert "there is no draft here" in add(septet, tmp_path, tmp_path / "none").err
    assert "not signed" in add(septet, tmp_path, draft_folder(tmp_path / "plain")).err
    assert septet("corpus", "add", key, "--out", tmp_path).code == 2
    assert not (tmp_path / "mine").exists()


@pytest.mark.slow
def test_the_texts_of_bundled_cases_come_back_as_they_were() -> None:
    for folder in sorted(CASES.iterdir())[::4]:
        case = load_case(folder)
        pages = [page_of(document, document.title) for document in documents_of(case)]
        again = case.model_copy(update={"listing": pages[0], "docs": tuple(pages[1:])})
        assert [plain(one.text) for one in documents_of(again)] == [plain(one.text) for one in documents_of(case)]
        assert not lint([again])
