"""`septet answer`: a response file is applied to a draft's folder completely or not at all, and recorded in a store."""

import json
from pathlib import Path

import pytest

from agent.records import Draft
from agent.report.draft_json import FILE_NAME, SNAPSHOTS, load_whole
from agent.report.safe_markdown import plain
from agent.review.domain.effects.decisions import score_words, what_moved
from agent.review.domain.redraft import moved_rows
from agent.review.domain.rescore import shown
from agent.review.service import Service
from agent.review.store.audit import audit
from agent.review.store.store import Store
from agent.settings import Settings
from tests.fakes.command import Septet
from tests.fakes.review.reviewing import asking_about, case_documents, case_draft, not_given
from tests.fakes.review.served_reviews import ADA, AT, CASE, FACTOR, Reviews, draft_folder

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
    index = sorted(path.name for path in (folder / "index").iterdir())
    assert len(index) == 1
    found = septet("search", folder, "who confirms a deletion?", "--json")
    assert found.code == 0, found.err
    assert documents[-1].id in {passage["document"] for passage in json.loads(found.out)["passages"]}
    assert sorted(path.name for path in (folder / "index").iterdir()) == index  # reopened, not rebuilt
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


@pytest.fixture
def store(folder: Path, tmp_path: Path) -> Path:
    """Create a store in which the folder's draft is under review and every factor is confirmed."""
    reviews = Reviews(tmp_path)
    with reviews.store:
        key = reviews.service.import_draft(folder, ADA)
        for one in reviews.service.review(key).items:
            if one.item.kind == "factor":
                reviews.act(key, "confirm", one.item.id)
    return reviews.store.path


STATED = (
    "answers: {Q1: {answer: 'Deletions can be undone for 30 days.', page: 'https://docs.example/limits', "
    "states: {undo: {value: 30 days}}}}\n"
)


def test_what_an_answer_states_is_a_fact_of_folder_and_review(
    septet: Septet, folder: Path, tmp_path: Path, store: Path
) -> None:
    outcome = septet("answer", folder, response(tmp_path, STATED + CONTEST), "--store", store, "--reviewer", "Bo")
    assert outcome.code == 0, outcome.err
    assert "2 events recorded in r1" in outcome.err
    assert "- Decision: not decided yet" in outcome.out
    with Store.open(store) as opened:
        events = opened.events("r1")
        assert audit(opened).sound
        reviewed = Service(opened, Settings(), lambda: AT).review("r1").reviewed
    assert [(e.verb, e.reviewer) for e in events[-2:]] == [("answer", "Bo"), ("contest", "Bo")]
    score = score_words(shown(case_draft(CASE).score))
    assert f"Review r1, answered: score stays {score}\n\n| what |" in outcome.out
    draft = load_whole(folder)[0]
    for one in (draft, reviewed):
        assert one.facts is not None
        (fact,) = (fact for fact in one.facts.facts if fact.key == "undo")
        assert (fact.rank, fact.counts, fact.slot("scope")) == (2, False, "30 days")
    assert reviewed.score == draft.score == case_draft(CASE).score
    assert draft.sources[-1] == reviewed.sources[-1]


def test_an_answer_that_states_nothing_by_itself_is_said_to(septet: Septet, folder: Path, tmp_path: Path) -> None:
    outcome = septet("answer", folder, answered(tmp_path))
    assert outcome.code == 0
    assert "Q1 does not state a fact" in outcome.err
    assert "undo: yes" in outcome.err
    said = response(tmp_path, "answers: {Q1: {answer: a, states: {nonsense: yes}}}\n", load_whole(folder)[0].id)
    refused = septet("answer", folder, said)
    assert refused.code == 1
    assert "no fact has the key 'nonsense'" in refused.err


def test_further_answers_find_the_same_review_and_so_does_the_folder(
    septet: Septet, folder: Path, tmp_path: Path, store: Path
) -> None:
    ids, keys = [case_draft(CASE).id], ("tests_of_itself", "own_logs", "injection_defence")
    for question, key in zip(("Q2", "Q3", "Q1"), keys, strict=True):
        said = f"{{answer: '{ANSWER}', states: {{{key}: yes}}}}"
        file = response(tmp_path, f"by: analyst\nanswers: {{{question}: {said}}}\n", ids[-1])
        outcome = septet("answer", folder, file, "--store", store)
        assert outcome.code == 0, outcome.err
        draft = load_whole(folder)[0]
        assert draft.earlier == tuple(reversed(ids))
        assert draft.facts is not None
        assert [fact.rank for fact in draft.facts.facts if fact.key == key] == [5]
        ids.append(draft.id)
    assert {fact.key for fact in draft.facts.facts} >= set(keys)
    with Store.open(store) as opened:
        service = Service(opened, Settings(), lambda: AT)
        assert [e.verb for e in opened.events("r1")].count("answer") == 3
        assert service.import_draft(folder, ADA) == "r1"
        assert opened.keys() == ("r1",)


def test_a_folder_that_was_answered_alone_is_a_draft_of_its_own(
    septet: Septet, folder: Path, tmp_path: Path, store: Path
) -> None:
    assert septet("answer", folder, answered(tmp_path)).code == 0
    draft = load_whole(folder)[0]
    file = response(tmp_path, f"answers: {{Q2: {{answer: '{ANSWER}'}}}}\n", draft.id)
    outcome = septet("answer", folder, file, "--store", store)
    assert outcome.code == 1
    assert f"the response is for draft '{draft.id}'" in outcome.err
    assert load_whole(folder)[0] == draft
    with Store.open(store) as opened:
        assert Service(opened, Settings(), lambda: AT).import_draft(folder, ADA) == "r2"


def test_what_an_answer_moves_in_a_review_is_printed(septet: Septet, tmp_path: Path) -> None:
    reviews, lost, layer = Reviews(tmp_path), "threat/L4-endpoint-auth-unknown", "layer/deployment_infrastructure"
    folder = draft_folder(tmp_path, CASE, asking_about(case_draft(CASE), "deployment_infrastructure"))
    with reviews.store:
        key = reviews.service.import_draft(folder, ADA)
        reviews.act(key, "confirm", layer)
        reviews.act(key, "confirm", lost)
    said = "Every request to the HTTP endpoint must carry a bearer token; requests without one are rejected."
    file = response(tmp_path, f"by: analyst\nanswers: {{Q1: {{answer: '{said}'}}}}\n")
    outcome = septet("answer", folder, file, "--store", reviews.store.path)
    assert outcome.code == 0, outcome.err
    with Store.open(reviews.store.path) as opened:
        service = Service(opened, Settings(), lambda: AT)
        last = service.history(key)[-1]
        before, after = service.review(key, last.number - 2), service.review(key)
    told = outcome.out.partition("Review r1, answered: ")[2]
    moved = what_moved(before, after)
    assert told.startswith(f"{plain(moved.text)}\n\n| what | before | after |\n")
    assert f"\n| score | {score_words(moved.before)} | {score_words(moved.after)} |\n" in told
    rows = moved_rows(before.reviewed, after.reviewed)
    assert rows
    assert all(plain(row.after) in told for row in rows if row.what != "score")
    stand = {one.item.id: one.verdict for one in after.items}
    assert lost not in stand
    assert f"`{lost}`" in told.partition("\nGone: ")[2].partition("\n")[0]
    opened_again = told.partition("\nReopened: ")[2].partition("\n")[0]
    assert (stand[layer] == "open") is (f"`{layer}`" in opened_again)


def test_what_waits_in_an_older_review_is_drafted_with_once(septet: Septet, tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    folder = draft_folder(tmp_path, CASE, not_given(case_draft(CASE)))
    file, kept = answered(tmp_path), files(folder)
    with reviews.store:
        reviews.service.import_draft(folder, ADA)
        reviews.service.respond("r1", file.read_bytes(), ADA)
        assert reviews.service.waiting("r1") == ("Q1",)
    outcome = septet("answer", folder, file, "--store", reviews.store.path)
    assert outcome.code == 0, outcome.err
    assert "0 events recorded in r1" in outcome.err
    assert "Review r1, " in outcome.out
    for name, data in kept.items():
        (folder / name).write_bytes(data)
    again = septet("answer", folder, file, "--store", reviews.store.path)
    assert again.code == 0, again.err
    assert "Review r1" not in again.out
    with Store.open(reviews.store.path) as opened:
        assert [e.verb for e in opened.events("r1")].count("redraft") == 1
        assert Service(opened, Settings(), lambda: AT).waiting("r1") == ()


def test_contests_alone_draft_nothing_again_and_a_signed_review_takes_no_answer(
    septet: Septet, folder: Path, tmp_path: Path, store: Path
) -> None:
    outcome = septet("answer", folder, response(tmp_path, CONTEST), "--store", store)
    assert outcome.code == 0, outcome.err
    assert "Review r1" not in outcome.out
    reviews = Reviews(tmp_path)
    with reviews.store:
        number = reviews.service.review("r1").contests[0].number
        reviews.act("r1", "decide", FACTOR, number=number, decision="refused", rule="It does not.")
        reviews.signed("r1")
        version = reviews.store.version("r1")
    before = files(folder)
    outcome = septet("answer", folder, answered(tmp_path), "--store", store)
    assert outcome.code == 1
    assert "signed" in outcome.err
    assert files(folder) == before
    with Store.open(store) as opened:
        assert opened.version("r1") == version


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("answers: {Q99: {answer: x}}\n", "has no question Q99"),
        ("answers: {Q1: {answer: ' '}}\n", "contains no answers"),
        ("contests: [{item: threat/none, kind: wrong, text: x}]\n", "contains no"),
        ("answers: [1]\n", "not valid"),
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
    assert "for 'draft-0'" in septet("answer", folder, response(tmp_path, "", "draft-0")).err
    file = answered(tmp_path)
    assert "not a folder" in septet("answer", folder / FILE_NAME, file).err
    assert "cannot be read" in septet("answer", folder, tmp_path / "none.yaml").err
    assert "the store does not exist" in septet("answer", folder, file, "--store", tmp_path / "none.sqlite").err
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
