"""Mitigations as work, comments, the two-person rule, and facts in a store."""

from pathlib import Path

import pytest

from agent.drafting.threats.cvss_vectors import base_of
from agent.errors import RefusedError
from agent.report.draft_json import dump
from agent.review.domain.items import facts_of, fields_of, threats_of
from agent.review.domain.mitigations import WORK, left_with, work_left_over, work_of
from agent.review.domain.records import Action, replaced
from agent.review.domain.rescore import headline_of, shown
from agent.review.service import Service
from agent.review.store.audit import audit
from agent.settings import Settings
from tests.fakes.review.reviewing import MILD, MILDEST, Desk, case_draft, not_given
from tests.fakes.review.served_reviews import AT, CASE, GRACE, Reviews

DESK = Desk.of_case()
THREAT = next(name for name, threat in threats_of(DESK.draft).items() if threat.mitigations)
ITEM = f"threat/{THREAT}"
TEXT = DESK.threats[THREAT].mitigations[0].text
DAY = "2027-01-31"


def bare(desk: Desk) -> str:
    """Return the reviewed draft without the notes beside its parts."""
    return dump(replaced(desk.reviewed, notes=None))


def managed(desk: Desk, **given: object) -> Desk:
    return desk.act("manage", ITEM, mitigation=TEXT, **given)


def known(desk: Desk) -> list[tuple[str, str]]:
    return [(work.owner, work.mitigation.text) for work in work_of(desk.state) if work.known]


def test_a_mitigation_has_an_owner_a_day_a_state_and_what_is_left_with_it() -> None:
    after = managed(DESK, owner="Ops", due=DAY, status="doing", residual=MILD)
    (work,) = (each for each in work_of(after.state) if each.known)
    assert (work.threat, work.mitigation.text, work.owner, work.due) == (THREAT, TEXT, "Ops", DAY)
    assert (work.status, work.left) == ("doing", str(base_of(MILD)))
    assert known(DESK) == []
    (work,) = (each for each in work_of(managed(after, status="done", note="since May").state) if each.known)
    assert (work.owner, work.status, work.note) == ("", "done", "since May")


def test_managing_decides_nothing_and_goes_on_when_it_is_signed() -> None:
    after = managed(DESK, owner="Ops")
    assert after.one(ITEM).verdict == "open"
    assert bare(after) == bare(DESK)
    signed = DESK.closed().act("sign")
    later = managed(signed, owner="Ops").act("comment", ITEM, text="in the next release")
    assert later.state.managed
    assert (later.state.stage, later.text) == ("signed", signed.text)
    assert [comment.text for comment in later.one(ITEM).comments] == ["in the next release"]


@pytest.mark.parametrize(
    ("item", "fields", "where"),
    [
        ("posture", {}, "posture"),
        (ITEM, {"mitigation": "pray"}, "mitigation"),
        (ITEM, {"status": "maybe"}, "status"),
        (ITEM, {"due": "tomorrow"}, "due"),
        (ITEM, {"owner": "x" * 81}, "owner"),
        (ITEM, {"residual": "CVSS:4.0/AV:N"}, "cvss_vector"),
    ],
)
def test_what_is_managed_is_checked(item: str, fields: dict[str, object], where: str) -> None:
    assert DESK.refused("manage", item, **{"mitigation": TEXT, **fields}).where == where


def test_what_is_left_is_what_the_drafter_would_score_with_that_vector() -> None:
    first = headline_of(DESK.draft)
    item, text = f"threat/{first.id}", first.mitigations[0].text
    after = DESK.act("manage", item, mitigation=text, status="done", residual=MILDEST)
    left, eased = left_with(after.state, work_of(after.state)), DESK.act("correct", item, cvss_vector=MILDEST)
    assert left.score == shown(eased.reviewed.score)
    assert (left.base, left.aivss) == (eased.threats[first.id].score.cvss_base, eased.threats[first.id].score.aivss)
    assert left_with(after.state, []) is None
    # Nothing is counted: threat and mitigation keep their states.
    assert bare(after) == bare(DESK)


@pytest.mark.parametrize("status", WORK)
def test_a_day_is_past_while_something_is_to_be_done(status: str) -> None:
    (work,) = (each for each in work_of(managed(DESK, due=DAY, status=status).state) if each.due)
    assert work.late("2027-02-01") is (status in ("open", "planned", "doing"))
    assert not work.late(DAY)


def test_work_goes_with_a_mitigation_that_is_worded_otherwise() -> None:
    after, rows = managed(DESK, owner="Ops"), fields_of(DESK.draft, ITEM)["mitigations"]
    worded = after.act("correct", ITEM, mitigations=[{**rows[0], "text": "Ask a person first."}, *rows[1:]])
    assert known(worded) == [("Ops", "Ask a person first.")]
    assert work_left_over(worded.state) == ()
    assert known(worded.act("undo")) == [("Ops", TEXT)]
    gone = after.act("correct", ITEM, mitigations=rows[1:])
    assert known(gone) == []
    assert [(work.owner, work.mitigation.text) for work in work_left_over(gone.state)] == [("Ops", TEXT)]


def test_work_on_a_struck_threat_stays_in_the_list_with_the_reason() -> None:
    struck = managed(DESK, owner="Ops", residual=MILDEST).act("strike", ITEM)
    (left,) = work_left_over(struck.state)
    assert (left.owner, left.mitigation.text) == ("Ops", TEXT)
    assert "struck" in left.gone
    assert left_with(struck.state, [left]) is None
    assert known(struck.act("undo")) == [("Ops", TEXT)]


def test_comments_stand_in_their_order_and_go_with_an_undo() -> None:
    after = DESK.act("comment", "posture", text="who says so?").act("comment", "posture", text="the docs", by="Grace")
    told = [(one.by, one.text) for one in after.one("posture").comments]
    assert told == [("Ada", "who says so?"), ("Grace", "the docs")]
    assert [one.text for one in after.act("undo").one("posture").comments] == ["who says so?"]


def test_of_two_people_one_decides_and_another_signs(tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    assert reviews.signed(reviews.bring("abridge")).state.stage == "signed"  # without the rule one person is enough
    reviews.service = Service(reviews.store, Settings(review_two_person="on"), lambda: AT)
    key = reviews.bring()
    reviews.act(key, "confirm", "posture", by=GRACE)
    reviews.close_all(key)
    with pytest.raises(RefusedError, match="an approver must sign"):
        reviews.act(key, "sign")
    with pytest.raises(RefusedError, match="cannot sign"):
        reviews.act(key, "sign", by=GRACE)
    assert reviews.service.review(key).stage == "open"
    other = reviews.bring("dify")
    reviews.close_all(other)
    assert reviews.act(other, "sign", by=GRACE).state.stage == "signed"
    assert audit(reviews.store).sound


# ---------------------------------------------------------------- facts in a store


def test_a_struck_fact_and_what_follows_are_stored_undone_and_exported(tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    key = reviews.bring()
    before, state = reviews.service.export(key, "json").data, reviews.service.review(key)
    facts = [one for one in state.items if one.item.kind == "fact"]
    item = max(facts, key=lambda one: one.item.weight).item.id
    tried = reviews.service.preview(key, Action(verb="strike", item=item, version=state.version, reason="wrong-quote"))
    done = reviews.act(key, "strike", item, reason="wrong-quote")
    assert tried.falls == done.moved.falls != ()
    # Another process folds the stored events to the same state.
    other = Service(reviews.store, Settings(), lambda: AT)
    assert dump(other.review(key).reviewed) == dump(done.state.reviewed)
    assert other.export(key, "json").data != before
    assert reviews.act(key, "undo").moved.returns == done.moved.falls
    assert reviews.service.export(key, "json").data == before
    assert dump(reviews.act(key, "redo").state.reviewed) == dump(done.state.reviewed)
    assert audit(reviews.store).sound


def test_facts_stay_struck_and_work_stays_known_over_a_redraft_and_an_older_version_is_as_it_was(
    tmp_path: Path,
) -> None:
    reviews = Reviews(tmp_path)
    key = reviews.bring(draft=not_given(case_draft(CASE)))
    reviews.act(key, "manage", ITEM, mitigation=TEXT, owner="Ops", due=DAY)
    facts = [one.item.id for one in reviews.service.review(key).items if one.item.kind == "fact"]
    item = next(name for name in facts if name.removeprefix("fact/") not in DESK.threats[THREAT].facts)
    reviews.act(key, "strike", item, reason="wrong-quote")
    reviews.act(key, "answer", "question/Q1", text="Each action runs at once.", url="https://docs.example/limits")
    after = reviews.service.redraft(key, GRACE, reviews.service.review(key).version).state
    assert item.removeprefix("fact/") not in {fact.id for fact in facts_of(after.reviewed)}
    assert next(one for one in after.items if one.item.id == item).verdict == "struck"
    every = [*work_of(after), *work_left_over(after)]
    assert [(work.owner, work.due) for work in every if work.known] == [("Ops", DAY)]
    first = Service(reviews.store, Settings(), lambda: AT).review(key, 1)
    assert dump(first.reviewed) == dump(reviews.service.review(key, 1).drafted)
    assert audit(reviews.store).sound
