"""Mitigations as work, comments, and the rule of two people."""

from pathlib import Path

import pytest

from agent.drafting.threats.cvss_vectors import base_of
from agent.errors import InputError, RefusedError
from agent.report.draft_json import dump
from agent.review.domain.items import fields_of, threats_of
from agent.review.domain.mitigations import WORK, left_with, work_left_over, work_of
from agent.review.domain.records import Action
from agent.review.domain.rescore import headline_of, shown
from agent.review.service import Service
from agent.review.store.audit import audit
from agent.settings import Settings
from tests.fakes.review.reviewing import Desk, case_draft, not_given
from tests.fakes.review.served_reviews import ADA, AT, CASE, GRACE, Reviews
from tests.fakes.review.strategies import VECTORS

DESK = Desk.of_case()
THREAT = next(name for name, threat in threats_of(DESK.draft).items() if threat.mitigations)
ITEM = f"threat/{THREAT}"
TEXT = threats_of(DESK.draft)[THREAT].mitigations[0].text


def bare(desk: Desk) -> str:
    """The reviewed draft without what is noted beside its parts."""
    return dump(desk.state.reviewed.model_copy(update={"notes": None}))


def test_a_mitigation_has_an_owner_a_day_a_state_and_what_is_left_with_it() -> None:
    after = DESK.act(
        "manage", ITEM, mitigation=TEXT, owner="Ops", due="2027-01-31", status="doing", residual=VECTORS[1]
    )
    work = next(each for each in work_of(after.state) if each.threat == THREAT and each.mitigation.text == TEXT)
    assert (work.owner, work.due, work.status, work.left) == ("Ops", "2027-01-31", "doing", str(base_of(VECTORS[1])))
    assert work.known
    assert [each.known for each in work_of(DESK.state)] == [False] * len(work_of(DESK.state))
    again = after.act("manage", ITEM, mitigation=TEXT, status="done", note="since May")
    work = next(each for each in work_of(again.state) if each.known)
    assert (work.owner, work.status, work.note) == ("", "done", "since May")


def test_managing_decides_nothing_and_goes_on_when_it_is_signed() -> None:
    after = DESK.act("manage", ITEM, mitigation=TEXT, owner="Ops")
    assert after.one(ITEM).verdict == "open"
    assert bare(after) == bare(DESK)
    signed = DESK.closed().act("sign")
    later = signed.act("manage", ITEM, mitigation=TEXT, owner="Ops").act("comment", ITEM, text="in the next release")
    assert later.state.stage == "signed"
    assert dump(later.state.reviewed) == dump(signed.state.reviewed)
    assert [comment.text for comment in later.one(ITEM).comments] == ["in the next release"]


@pytest.mark.parametrize(
    ("item", "fields", "where"),
    [
        ("posture", {"mitigation": TEXT}, "posture"),
        (ITEM, {"mitigation": "pray"}, "mitigation"),
        (ITEM, {"mitigation": TEXT, "status": "maybe"}, "status"),
        (ITEM, {"mitigation": TEXT, "due": "tomorrow"}, "due"),
        (ITEM, {"mitigation": TEXT, "owner": "x" * 81}, "owner"),
        (ITEM, {"mitigation": TEXT, "residual": "CVSS:4.0/AV:N"}, ""),
    ],
)
def test_what_is_managed_is_checked(item: str, fields: dict[str, object], where: str) -> None:
    with pytest.raises(InputError) as refused:
        DESK.act("manage", item, **fields)
    assert where in refused.value.where


MILD = "CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"


def known(desk: Desk) -> list[tuple[str, str]]:
    return [(work.owner, work.mitigation.text) for work in work_of(desk.state) if work.known]


def test_what_is_left_is_what_the_drafter_would_score_with_that_vector() -> None:
    first = headline_of(DESK.draft)
    assert first is not None
    text = first.mitigations[0].text
    after = DESK.act("manage", f"threat/{first.id}", mitigation=text, status="done", residual=MILD)
    left = left_with(after.state, work_of(after.state))
    eased = DESK.act("correct", f"threat/{first.id}", cvss_vector=MILD).state.reviewed
    assert left is not None
    assert left.score == shown(eased.score)
    assert (left.base, left.aivss) == (
        threats_of(eased)[first.id].score.cvss_base,
        threats_of(eased)[first.id].score.aivss,
    )
    assert left_with(after.state, []) is None
    # Nothing is counted: the state of the threat and of the mitigation are what they were.
    assert bare(after) == bare(DESK)


@pytest.mark.parametrize("status", WORK)
def test_a_day_is_past_while_something_is_to_be_done(status: str) -> None:
    after = DESK.act("manage", ITEM, mitigation=TEXT, due="2027-01-31", status=status)
    work = next(each for each in work_of(after.state) if each.due)
    assert work.late("2027-02-01") is (status in ("open", "planned", "doing"))
    assert not work.late("2027-01-31")


def test_work_goes_with_a_mitigation_that_is_worded_otherwise() -> None:
    after = DESK.act("manage", ITEM, mitigation=TEXT, owner="Ops")
    rows = fields_of(DESK.draft, ITEM)["mitigations"]
    assert isinstance(rows, list)
    worded = after.act("correct", ITEM, mitigations=[{**rows[0], "text": "Ask a person first."}, *rows[1:]])
    assert known(worded) == [("Ops", "Ask a person first.")]
    assert work_left_over(worded.state) == ()
    assert known(worded.act("undo")) == [("Ops", TEXT)]
    gone = after.act("correct", ITEM, mitigations=[*rows[1:]])
    assert known(gone) == []
    assert [(work.owner, work.mitigation.text) for work in work_left_over(gone.state)] == [("Ops", TEXT)]


def test_work_on_a_struck_threat_stays_in_the_list_with_the_reason() -> None:
    struck = DESK.act("manage", ITEM, mitigation=TEXT, owner="Ops", residual=MILD).act("strike", ITEM)
    (left,) = work_left_over(struck.state)
    assert (left.owner, left.mitigation.text) == ("Ops", TEXT)
    assert "struck" in left.gone
    assert left_with(struck.state, [left]) is None
    assert known(struck.act("undo")) == [("Ops", TEXT)]


def test_work_survives_changed_facts_and_a_redraft(tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    key = reviews.bring(draft=not_given(case_draft(CASE)))
    reviews.act(key, "manage", ITEM, mitigation=TEXT, owner="Ops", due="2027-01-31")
    state = reviews.service.review(key)
    threat = threats_of(state.reviewed)[THREAT]
    fact = next(one.item.id for one in state.items if one.item.kind == "fact" and one.item.id[5:] not in threat.facts)
    reviews.act(key, "strike", fact, reason="wrong-quote")
    reviews.act(key, "answer", "question/Q1", text="Each action runs at once.", url="https://docs.example/limits")
    after = reviews.service.redraft(key, GRACE).state
    every = [*work_of(after), *work_left_over(after)]
    assert [(work.owner, work.due) for work in every if work.known] == [("Ops", "2027-01-31")]


def test_comments_stand_in_their_order_and_go_with_an_undo() -> None:
    after = DESK.act("comment", "posture", text="who says so?").act("comment", "posture", text="the docs", by="Grace")
    assert [(one.by, one.text) for one in after.one("posture").comments] == [
        ("Ada", "who says so?"), ("Grace", "the docs"),
    ]  # fmt: skip
    assert [one.text for one in after.act("undo").one("posture").comments] == ["who says so?"]
    with pytest.raises(InputError, match="empty"):
        DESK.act("comment", "posture", text=" ")


# ---------------------------------------------------------------- what a signature says


def test_a_signature_counts_what_was_confirmed_in_bulk_and_lists_open_questions() -> None:
    desk = Desk.of_case().closed()
    stamp = desk.act("sign").state.stamp
    assert stamp is not None
    assert stamp.bulk == sum(one.bulk for one in desk.state.items) > 0
    assert stamp.unanswered == tuple(asked.text for asked in desk.state.reviewed.questions)
    first = f"question/{desk.state.reviewed.questions[0].id}"
    answered = desk.act("answer", first, text="It asks nobody.", url="https://docs.example/limits").act("sign").state
    assert answered.stamp is not None
    assert answered.stamp.unanswered == stamp.unanswered[1:]


def test_confirmed_one_by_one_nothing_counts_as_bulk() -> None:
    desk = Desk.of_case().bulk("factors")
    factor = next(one for one in desk.state.items if one.bulk)
    assert not desk.act("confirm", factor.item.id).one(factor.item.id).bulk


def two(tmp_path: Path) -> Reviews:
    reviews = Reviews(tmp_path)
    reviews.service = Service(reviews.store, Settings(review_two_person="on"), lambda: AT)
    return reviews


def test_of_two_people_one_decides_and_another_signs(tmp_path: Path) -> None:
    reviews = two(tmp_path)
    key = reviews.bring()
    reviews.close_all(key)
    with pytest.raises(RefusedError, match="an approver signs"):
        reviews.act(key, "sign")
    assert reviews.act(key, "sign", by=GRACE).state.stage == "signed"
    assert audit(reviews.store).sound


def test_an_approver_who_decided_over_an_item_does_not_sign(tmp_path: Path) -> None:
    reviews = two(tmp_path)
    key = reviews.bring()
    reviews.act(key, "confirm", "posture", by=GRACE)
    reviews.close_all(key)
    with pytest.raises(RefusedError, match="does not sign"):
        reviews.act(key, "sign", by=GRACE)
    assert reviews.service.review(key).stage == "open"


def test_without_the_rule_one_person_is_enough(tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    assert reviews.signed(reviews.bring()).state.stage == "signed"
    assert ADA.role == "analyst"


# ---------------------------------------------------------------- facts in a store


def test_a_struck_fact_and_what_follows_are_stored_undone_and_exported(tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    key = reviews.bring()
    before = reviews.service.export(key, "json").data
    facts = [one for one in reviews.service.review(key).items if one.item.kind == "fact"]
    item = max(facts, key=lambda one: one.item.weight).item.id
    tried = reviews.service.preview(key, reviews_action(reviews, key, item))
    done = reviews.act(key, "strike", item, reason="wrong-quote")
    assert tried.falls == done.moved.falls
    assert done.moved.falls
    # Another process folds the same from what is stored.
    other = Service(reviews.store, Settings(), lambda: AT)
    assert dump(other.review(key).reviewed) == dump(done.state.reviewed)
    assert other.export(key, "json").data != before
    undone = reviews.act(key, "undo")
    assert undone.moved.returns == done.moved.falls
    assert reviews.service.export(key, "json").data == before
    assert dump(reviews.act(key, "redo").state.reviewed) == dump(done.state.reviewed)
    assert audit(reviews.store).sound


def reviews_action(reviews: Reviews, key: str, item: str) -> Action:
    return Action(verb="strike", item=item, version=reviews.service.review(key).version, reason="wrong-quote")


def test_facts_stay_struck_over_a_redraft_and_an_older_version_is_as_it_was(tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    key = reviews.bring(draft=not_given(case_draft(CASE)))
    item = next(one.item.id for one in reviews.service.review(key).items if one.item.kind == "fact")
    reviews.act(key, "strike", item, reason="wrong-quote")
    reviews.act(key, "answer", "question/Q1", text="Each action runs at once.", url="https://docs.example/limits")
    at = reviews.service.review(key).version
    done = reviews.service.redraft(key, GRACE, at)
    facts = done.state.reviewed.facts
    assert facts is not None
    assert item.partition("/")[2] not in {fact.id for fact in facts.facts}
    assert next(one for one in done.state.items if one.item.id == item).verdict == "struck"
    assert dump(Service(reviews.store, Settings(), lambda: AT).review(key, 1).reviewed) == dump(
        reviews.service.review(key, 1).drafted
    )
    assert audit(reviews.store).sound
