"""The review service: acts with roles and conflicts become events; previews, responses, comparisons, memory."""

import hashlib
import threading
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from agent.errors import ConflictError, InputError, IntegrityError, RefusedError
from agent.records import Draft
from agent.report.draft_json import FILE_NAME, SNAPSHOTS, dump, parse
from agent.review.domain.facts.changed_sheet import stated_keys
from agent.review.domain.items import threats_of
from agent.review.domain.records import Action, Reviewer, replaced
from agent.review.domain.response import parse_response
from agent.review.service import Service
from agent.review.store.audit import audit
from agent.review.store.cache import LruCache
from agent.review.store.queue import QueueQuery
from agent.settings import Settings
from tests.fakes.review.reviewing import case_documents, case_draft, case_with, not_given
from tests.fakes.review.served_reviews import ADA, AT, CASE, FACTOR, GRACE, VIC, Reviews, draft_folder


def response(draft: str, lines: str) -> bytes:
    return f"draft: {draft}\nsender: Acme\n{lines}".encode()


def at_once(works: Iterable[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# ---------------------------------------------------------------- in and out


def test_a_draft_comes_in_once_with_its_texts(reviews: Reviews) -> None:
    key = reviews.bring()
    assert reviews.bring() == key
    state = reviews.service.review(key)
    assert state.drafted == state.reviewed == case_draft(CASE)
    assert reviews.service.documents(key) == case_documents(CASE)
    assert (state.version, state.stage, len(state.open)) == (1, "open", len(state.own))
    assert [event.verb for event in reviews.service.history(key)] == ["import"]
    (row,) = reviews.service.queue(QueueQuery()).rows
    assert (row.key, row.open, row.items, row.changed) == (key, len(state.own), len(state.own), "")
    assert row.score.aivss == state.reviewed.score.aivss
    assert reviews.service.queue(QueueQuery(text=state.drafted.id)).total == 1


def test_a_draft_without_texts_with_a_changed_one_or_signed_is_refused(reviews: Reviews, tmp_path: Path) -> None:
    folder = draft_folder(tmp_path / "again")
    with pytest.raises(RefusedError):
        reviews.service.import_draft(folder, VIC)
    key = reviews.bring()
    reviews.signed(key)
    signed = dump(reviews.service.review(key).reviewed)
    (folder / FILE_NAME).write_text(signed, "utf-8")
    with pytest.raises(InputError, match="already signed"):
        reviews.service.import_draft(folder, ADA)
    texts = folder / SNAPSHOTS / "documents.json"
    texts.write_text(texts.read_text("utf-8").replace("Airtable", "Airtables"), "utf-8")
    with pytest.raises(IntegrityError):
        reviews.service.import_draft(folder, ADA)
    texts.unlink()
    with pytest.raises(InputError, match="no source texts"):
        reviews.service.import_draft(folder, ADA)


def test_what_is_not_there_is_said(reviews: Reviews) -> None:
    key = reviews.bring()
    for wrong in (-1, 2):
        with pytest.raises(InputError, match="no such version"):
            reviews.service.review(key, wrong)
    for ask in (reviews.service.review, reviews.service.documents, reviews.service.history, reviews.service.reply):
        with pytest.raises(InputError) as found:
            ask("r9")
        assert found.value.where == "review 'r9'"


# ---------------------------------------------------------------- acts


def test_an_act_becomes_events_a_state_and_what_moved(reviews: Reviews) -> None:
    key = reviews.bring()
    done = reviews.act(key, "correct", FACTOR, value=1.0, note="seen in the settings")
    assert [(e.verb, e.number, e.reviewer, e.role) for e in done.events] == [("correct", 2, "Ada", "analyst")]
    assert done.state == reviews.service.review(key)
    assert done.moved.before != done.moved.after
    assert "Autonomy of Action" in done.moved.causes[0]
    (row,) = reviews.service.queue(QueueQuery()).rows
    assert row.score == done.moved.after
    assert row.changed.startswith("1 corrected")
    assert [reviews.service.review(key, version).version for version in (1, 0)] == [1, 0]
    again = reviews.act(key, "confirm", FACTOR)
    assert (again.events, again.state, again.moved.causes) == ((), done.state, ())
    assert audit(reviews.store).sound


def test_a_viewer_looks_and_changes_nothing(reviews: Reviews) -> None:
    key = reviews.bring()
    for ask in (
        lambda: reviews.act(key, "confirm", FACTOR, by=VIC),
        lambda: reviews.act(key, "sign", by=VIC),
        lambda: reviews.service.respond(key, b"", VIC),
        lambda: reviews.service.redraft(key, VIC),
    ):
        with pytest.raises(RefusedError, match="viewer"):
            ask()
    assert reviews.service.review(key).version == 1
    assert reviews.service.export(key, "md").data


@pytest.mark.parametrize("verb", ["redraft", "import"])
def test_what_comes_in_otherwise_is_no_act(reviews: Reviews, verb: str) -> None:
    key = reviews.bring()
    with pytest.raises(InputError):
        reviews.act(key, verb, sha256="0" * 64, documents="0" * 64)  # type: ignore[arg-type]
    assert reviews.service.review(key).version == 1


def test_two_threads_on_different_items_lose_nothing(reviews: Reviews) -> None:
    key = reviews.bring()
    items = [one.item.id for one in reviews.service.review(key).items]
    failed: list[Exception] = []

    def work(mine: list[str]) -> None:
        for item in mine:
            try:
                reviews.act(key, "confirm", item, version=1)
            except (ConflictError, InputError) as error:
                failed.append(error)

    at_once(partial(work, items[n::4]) for n in range(4))
    assert failed == []
    assert reviews.service.review(key).open == ()
    assert len(reviews.service.history(key)) == 1 + len(items)
    assert audit(reviews.store).sound


def test_several_on_one_item_at_once_one_wins(reviews: Reviews) -> None:
    key = reviews.bring()
    outcomes: list[str] = []

    def work(value: float) -> None:
        try:
            reviews.act(key, "correct", FACTOR, value=value, version=1)
            outcomes.append("stored")
        except ConflictError:
            outcomes.append("conflict")

    at_once(partial(work, n / 10) for n in range(1, 6))
    assert sorted(outcomes) == ["conflict"] * 4 + ["stored"]
    assert len(reviews.service.history(key)) == 2


# ---------------------------------------------------------------- previews


def test_a_preview_says_what_an_act_moves_and_stores_nothing(reviews: Reviews) -> None:
    key = reviews.bring()
    action = Action(verb="correct", item=FACTOR, version=1, fields={"value": 0.1}, reason="wrong-value", note="as seen")
    seen = reviews.service.preview(key, action)
    tried = reviews.service.try_out(key, action, GRACE)
    assert reviews.service.history(key)[1:] == ()
    done = reviews.service.act(key, action, ADA)
    assert seen == tried.moved == done.moved
    assert tried.state.reviewed == done.state.reviewed
    with pytest.raises(ConflictError):
        reviews.service.preview(key, action)
    with pytest.raises(InputError):
        reviews.service.preview(key, action.model_copy(update={"fields": {"value": 7}, "version": 2}))


def test_a_signature_freezes_the_reviewed_draft(reviews: Reviews) -> None:
    key = reviews.bring()
    with pytest.raises(InputError, match="items are open"):
        reviews.act(key, "sign")
    reviews.close_all(key)
    done = reviews.act(key, "sign", by=GRACE)
    stamp = done.state.stamp
    # Another process shows the very draft that was signed.
    later = Service(reviews.store, Settings(), lambda: AT).review(key).reviewed
    assert dump(replaced(later, review=None)).encode() == reviews.store.blob(stamp.sha256)
    assert (stamp.reviewer, stamp.role, stamp.review) == ("Grace", "approver", key)
    frozen = reviews.store.blob(stamp.sha256)
    assert hashlib.sha256(frozen).hexdigest() == stamp.sha256
    assert parse(frozen.decode(), where="blob") == replaced(done.state.reviewed, review=None)
    with pytest.raises(InputError, match="signed"):
        reviews.act(key, "correct", FACTOR, value=0.3)
    reviews.act(key, "reopen", note="a new release")
    assert reviews.service.review(key).stamp is None
    assert reviews.service.queue(QueueQuery(stage="signed")).total == 0


# ---------------------------------------------------------------- responses


def test_a_response_file_becomes_answers_and_contests_once(reviews: Reviews) -> None:
    key = reviews.bring()
    draft = case_draft(CASE)
    threat = next(f"threat/{name}" for name in threats_of(draft))
    mark = draft.evidence[0].id
    raw = response(
        draft.id,
        "answers: {Q1: {answer: 'Only reading runs unasked.', page: 'https://docs.example/limits'}}\n"
        f"contests:\n- {{item: {threat}, kind: wrong, text: 'It runs in a sandbox.', url: 'https://docs.example/s'}}\n"
        f"- {{item: {mark}, kind: outdated, text: 'The sentence is of an old page.'}}\n",
    )
    done = reviews.service.respond(key, raw, ADA)
    assert [event.verb for event in done.events] == ["answer", "contest", "contest"]
    assert len({event.batch for event in done.events}) == 1
    assert reviews.service.respond(key, raw, ADA).events == ()
    state = done.state
    assert next(one for one in state.items if one.item.id == "question/Q1").verdict == "answered"
    first, second = state.contests
    assert (first.item, first.kind, first.sender) == (threat, "wrong", "Acme")
    assert second.kind == "outdated"
    (row,) = reviews.service.queue(QueueQuery(contested=True)).rows
    assert row.contested == 2
    assert "not decided yet" in reviews.service.reply(key)
    reviews.act(key, "decide", threat, decision="refused", rule="The page does not name the default.")
    text = reviews.service.reply(key)
    assert "- Decision: refused\n- Reason: The page does not name the default.\n- Effect: no change" in text


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("answers: {Q99: {answer: x}}\n", "no question Q99"),
        ("contests: [{item: threat/none, kind: wrong, text: x}]\n", "contains no"),
        ("contests: [{item: E999, kind: wrong, text: x}]\n", "contains no"),
        ("contests: [{item: posture, kind: odd, text: x}]\n", "not valid"),
    ],
)
def test_a_response_that_names_what_is_not_there_stores_nothing(reviews: Reviews, lines: str, says: str) -> None:
    key = reviews.bring()
    good = "answers: {Q1: {answer: 'Yes.'}}\n" if "answers" not in lines else ""
    with pytest.raises(InputError, match=says):
        reviews.service.respond(key, response(case_draft(CASE).id, good + lines), ADA, 1)
    assert reviews.service.review(key).version == 1


def test_a_response_about_another_draft_or_a_question_that_moved_on_is_refused(reviews: Reviews) -> None:
    key, answers = reviews.bring(), "answers: {Q1: {answer: 'Yes.'}}\n"
    with pytest.raises(InputError, match="for draft 'draft-0'"):
        reviews.service.respond(key, response("draft-0", answers), ADA, 1)
    reviews.act(key, "strike", "question/Q1", by=GRACE)
    with pytest.raises(ConflictError):
        reviews.service.respond(key, response(case_draft(CASE).id, answers), ADA, 1)


def test_the_form_that_contests_an_item_is_a_response_file(reviews: Reviews) -> None:
    key = reviews.bring()
    form = reviews.service.contest_form(key, FACTOR)
    with pytest.raises(InputError, match="text"):
        parse_response(form.encode(), where="form")
    filled = form.replace("text: ''", "text: 'It asks first.'")
    done = reviews.service.respond(key, filled.encode(), ADA)
    assert [(c.item, c.text) for c in done.state.contests] == [(FACTOR, "It asks first.")]
    with pytest.raises(InputError, match="no item"):
        reviews.service.contest_form(key, "threat/none")


# ---------------------------------------------------------------- the rest


def test_versions_and_products_stand_side_by_side(reviews: Reviews) -> None:
    one, two = reviews.bring(), reviews.bring("abridge")
    reviews.act(one, "correct", FACTOR, value=0.1)
    found = reviews.service.compare(one, 1, 2)
    assert [difference.item for difference in found.differences] == [FACTOR]
    side = reviews.service.compare_reviews([one, two])
    assert [column.key for column in side.columns] == [one, two]


def test_focus_time_adds_up_and_is_capped(reviews: Reviews) -> None:
    key = reviews.bring()
    reviews.service.focus(key, FACTOR, 20.5, ADA)
    reviews.service.focus(key, FACTOR, 500, GRACE)
    reviews.service.focus(key, "", 3)
    assert reviews.service.focus_by_item(key) == {"": 3.0, FACTOR: 140.5}
    with pytest.raises(InputError):
        reviews.service.focus(key, "threat/none", 3, ADA)
    assert reviews.service.queue(QueueQuery()).rows[0].seconds == 143.5


def test_the_questionnaire_leaves_out_what_was_answered(reviews: Reviews) -> None:
    key = reviews.bring()
    before = reviews.service.questionnaire(key, "md").data.decode()
    reviews.act(key, "answer", "question/Q1", text="Only reading.", url="https://docs.example/a")
    after = reviews.service.questionnaire(key, "md").data.decode()
    assert "## Q1. " in before
    assert "## Q1. " not in after
    assert "## Q2. " in after
    for kind in ("csv", "docx"):
        made = reviews.service.questionnaire(key, kind)  # type: ignore[arg-type]
        assert (made.name, bool(made.data)) == (f"{key}-questions.{kind}", True)


def test_what_was_asked_for_last_is_kept() -> None:
    kept: LruCache[int, int] = LruCache(2)
    made = [kept.get(number, partial(int, at)) for at, number in enumerate((1, 2, 1, 3, 1, 2))]
    assert made == [0, 1, 0, 3, 0, 5], "only what is not kept is made again"


# ---------------------------------------------------------------- answers as facts


TOKEN = "Every request to the HTTP endpoint must carry a bearer token; requests without one are rejected."


def is_new(key: str, draft: Draft) -> bool:
    """Return whether a draft neither states nor asks this."""
    return key not in stated_keys(draft) and all(key not in one.about for one in draft.questions)


def test_an_answer_that_says_it_by_itself_is_a_fact_and_nothing_waits(reviews: Reviews) -> None:
    key = reviews.bring(case_with(partial(is_new, "endpoint_auth")))
    ask = Action(verb="ask", version=1, fields={"key": "endpoint_auth"})
    (asked,) = reviews.service.act(key, ask, ADA).events
    done = reviews.act(key, "answer", asked.item, text=TOKEN, url="https://docs.example/limits")
    (fact, quotes) = done.state.answered[f"{asked.item.partition('/')[2]}-endpoint_auth"]
    assert (fact.polarity, quotes[0].quote) == ("asserted", TOKEN)
    assert reviews.service.follows(key)
    assert reviews.service.waiting(key) == ()
    assert reviews.service.documents(key)[-1].text.strip() == TOKEN
    reviews.act(key, "answer", "question/Q1", text="Yes.", note="by phone")
    assert reviews.service.waiting(key) == ()
    with pytest.raises(InputError, match="answers count as facts"):
        reviews.service.redraft(key, ADA)
    other = Service(reviews.store, Settings(), lambda: AT)
    assert dump(other.review(key).reviewed) == dump(reviews.service.review(key).reviewed)
    assert audit(reviews.store).sound
    for _ in range(3):
        reviews.act(key, "undo")
    assert dump(reviews.service.review(key).reviewed) == dump(reviews.service.review(key).drafted)
    assert len(reviews.service.documents(key)) == len(reviews.service.documents(key, 1))


def test_a_response_file_may_say_what_its_answers_state(reviews: Reviews) -> None:
    key = reviews.bring()
    before = reviews.service.review(key)
    raw = response(before.drafted.id, "answers: {Q1: {answer: It can., states: {undo: yes, dry_run: no}}}\n")
    told = reviews.service.respond(key, raw, ADA).state.answered
    assert {name: fact.polarity for name, (fact, _) in told.items()} == {"Q1-undo": "asserted", "Q1-dry_run": "denied"}
    assert reviews.service.respond(key, raw, ADA).events == ()
    reviews.act(key, "undo")
    assert dump(reviews.service.review(key).reviewed) == dump(before.reviewed)


def test_an_older_draft_says_that_it_takes_no_facts_of_answers(reviews: Reviews) -> None:
    key = reviews.bring(draft=not_given(case_draft(CASE)))
    states = [{"key": "undo", "polarity": "asserted"}]
    with pytest.raises(InputError, match="not derived from its facts"):
        reviews.act(key, "answer", "question/Q1", text="It can.", note="by phone", states=states)
    reviews.act(key, "answer", "question/Q1", text="It can.", note="by phone")
    assert reviews.service.waiting(key) == ("Q1",)


def test_the_queue_finds_what_a_comment_asks_somebody_to_look_at(reviews: Reviews) -> None:
    key = reviews.bring()
    reviews.act(key, "comment", "posture", text="Is it so?", to="Grace Hopper")
    (row,) = reviews.service.queue(QueueQuery(asked="Grace Hopper")).rows
    assert (row.key, row.changed) == (key, "1 comment, Grace Hopper asked to look at 1")
    assert reviews.service.queue(QueueQuery(asked="Grace")).total == 0
    reviews.act(key, "confirm", "posture", by=Reviewer(name="Grace Hopper"))
    assert reviews.service.queue(QueueQuery(asked="Grace Hopper")).total == 0


def test_an_act_on_which_another_rests_is_taken_back_after_that(reviews: Reviews) -> None:
    key = reviews.bring()
    facts = [one.item.id for one in reviews.service.review(key).items if one.item.kind == "fact"]
    reviews.act(key, "confirm", "posture")
    first = reviews.act(key, "strike", facts[0], reason="wrong-quote").events[0].batch
    reviews.act(key, "comment", facts[0], by=GRACE, text="Why?")
    theirs = reviews.act(key, "strike", facts[1], by=GRACE, reason="wrong-quote").events[0].batch
    # What follows from the facts was computed with both.
    with pytest.raises(InputError, match="by Grace depends on it"):
        reviews.act(key, "undo")
    reviews.act(key, "undo", batch=theirs)
    undone = reviews.act(key, "undo").events[0]
    assert undone.after == {"batch": first}
    assert reviews.service.review(key).fell == ()
    reviews.act(key, "undo")
    with pytest.raises(InputError, match="you have nothing to undo"):
        reviews.act(key, "undo")
    with pytest.raises(InputError, match="nothing to undo"):
        reviews.act(key, "undo", batch=first)
