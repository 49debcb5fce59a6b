"""Drafting again within a review whose draft its facts do not give: answers become sources, what they touch moves,
decisions that still fit stay."""

import pytest

from agent.errors import ConflictError, InputError
from agent.records import Draft
from agent.report.draft_json import dump, verify_evidence
from agent.report.markdown import render
from agent.review.domain.items import fields_of
from agent.review.domain.redraft import redraft
from agent.review.domain.response import Answer, By
from agent.review.store.audit import audit
from agent.review.store.queue import QueueQuery
from agent.settings import Settings
from tests.fakes.review.reviewing import asking_about, case_documents, case_draft, not_given
from tests.fakes.review.served_reviews import ADA, CASE, GRACE, Reviews

AT = "2026-11-26T12:00:00Z"
OLDER = not_given(case_draft(CASE))
"""Where the facts give the draft, answers count at once, and nothing waits for a redraft."""
ANSWER = "Each action of the server runs at once; it asks nobody for a confirmation before it deletes records."


def settled(draft: Draft, question: str = "Q1") -> set[str]:
    return {key for asked in draft.questions if asked.id == question for key in asked.settles}


def answered(reviews: Reviews, question: str = "Q1") -> str:
    key = reviews.bring(draft=OLDER)
    reviews.act(key, "answer", f"question/{question}", text=ANSWER, url="https://docs.example/limits")
    return key


def test_an_answer_becomes_a_source_and_only_what_it_settles_moves(reviews: Reviews) -> None:
    key = answered(reviews)
    reviews.act(key, "confirm", "posture")
    before = reviews.service.review(key)
    done = reviews.service.redraft(key, GRACE, before.version)
    (event,) = done.events
    assert (event.verb, event.reviewer) == ("redraft", "Grace")
    assert event.after is not None
    assert event.after["answers"] == {"Q1": 2}
    after = done.state.drafted
    touched = settled(before.drafted)
    for kind, keys in (("factor", before.drafted.factors), ("layer", before.drafted.layers)):
        for name in keys:
            if name not in touched:
                item = f"{kind}/{name}"
                assert fields_of(after, item) == fields_of(before.drafted, item)
    texts = [one.text for one in reviews.service.documents(key)]
    assert texts[-1].strip() == ANSWER
    assert [source.kind for source in after.sources][-1] == "vendor-answer"
    verify_evidence(done.state.reviewed, reviews.service.documents(key))
    assert after.manifest["redrafted_from"] == before.drafted.id
    assert next(one for one in done.state.items if one.item.id == "posture").verdict == "confirmed"
    assert event.after["score"] == {
        "before": done.moved.before.model_dump(mode="json"),
        "after": done.moved.after.model_dump(mode="json"),
        "causes": list(done.moved.causes),
    }
    assert audit(reviews.store).sound


def test_a_paragraph_that_an_answer_changed_is_among_what_moved() -> None:
    """No value moved, and the layer reads otherwise all the same."""
    draft = asking_about(case_draft(CASE), "security_compliance")
    text = "A person confirms each deletion before it runs."
    made = redraft(draft, case_documents(CASE), [Answer("Q1", text, "", "analyst")], settings=Settings(), at=AT)
    layers = [key for key in draft.layers if made.draft.layers[key].paragraph != draft.layers[key].paragraph]
    assert layers
    assert set(layers) <= {row.what for row in made.moved}
    assert made.documents[-1].title == "Answer to Q1"
    assert all("“”" not in layer.paragraph for layer in made.draft.layers.values())


def test_the_review_before_and_after_can_be_seen_from_another_process(reviews: Reviews) -> None:
    key = answered(reviews)
    done = reviews.service.redraft(key, ADA)
    other = Reviews.__new__(Reviews)
    other.service = type(reviews.service)(reviews.store, reviews.service._settings, reviews.service._clock)
    assert other.service.review(key) == done.state
    assert other.service.review(key, 2).drafted == OLDER
    assert len(other.service.documents(key)) == len(case_draft(CASE).sources) + 1
    assert other.service.export(key, "md").data
    (row,) = other.service.queue(QueueQuery(text=done.state.drafted.id)).rows
    assert row.score == done.moved.after


def test_undo_reaches_behind_a_redraft_and_redo_brings_it_back(reviews: Reviews) -> None:
    key = answered(reviews)
    before, texts = reviews.service.review(key), reviews.service.documents(key)
    done = reviews.service.redraft(key, ADA)
    back = reviews.act(key, "undo")
    assert dump(back.state.reviewed) == dump(before.reviewed)
    assert reviews.service.documents(key) == texts
    assert reviews.service.waiting(key) == ("Q1",)
    assert dump(reviews.act(key, "undo").state.reviewed) == dump(OLDER)
    assert reviews.service.waiting(key) == ()
    reviews.act(key, "redo")
    again = reviews.act(key, "redo")
    assert dump(again.state.reviewed) == dump(done.state.reviewed)
    assert len(reviews.service.documents(key)) == len(texts) + 1
    assert reviews.service.waiting(key) == ()
    assert audit(reviews.store).sound


def test_an_answer_is_taken_in_once(reviews: Reviews) -> None:
    key = answered(reviews)
    reviews.service.redraft(key, ADA)
    with pytest.raises(InputError, match="no answer came in since"):
        reviews.service.redraft(key, ADA)
    reviews.act(key, "answer", "question/Q2", text="Tokens belong to the workspace.", note="said on the phone")
    done = reviews.service.redraft(key, ADA)
    assert done.events[0].after is not None
    assert list(done.events[0].after["answers"]) == ["Q2"]  # type: ignore[call-overload]
    assert [source.url for source in done.state.drafted.sources][-2:] == ["answer-Q1", "answer-Q2"]


def test_without_an_answer_or_on_an_older_version_nothing_is_made(reviews: Reviews) -> None:
    key = reviews.bring(draft=OLDER)
    with pytest.raises(InputError, match="no answer"):
        reviews.service.redraft(key, ADA)
    reviews.act(key, "answer", "question/Q1", text=ANSWER, note="said on the phone")
    with pytest.raises(ConflictError, match="went on"):
        reviews.service.redraft(key, ADA, 1)
    reviews.act(key, "undo")
    with pytest.raises(InputError, match="no answer"):
        reviews.service.redraft(key, ADA)
    assert reviews.service.review(key).version == 3


def test_a_decision_that_comes_in_meanwhile_is_not_drafted_over(reviews: Reviews) -> None:
    key = answered(reviews)
    during: list[str] = []

    def clock() -> str:
        # The drafter asks for the time once it begins: another reviewer is quicker.
        if not during:
            during.append("begun")
            reviews.act(key, "confirm", "posture", by=GRACE)
        return "2026-11-26T11:00:00Z"

    slow = type(reviews.service)(reviews.store, reviews.service._settings, clock)
    with pytest.raises(ConflictError, match="went on"):
        slow.redraft(key, ADA)
    assert [event.verb for event in reviews.service.history(key)] == ["import", "answer", "confirm"]


def test_a_signed_review_is_not_drafted_again(reviews: Reviews) -> None:
    key = answered(reviews)
    reviews.close_all(key)
    reviews.act(key, "sign")
    with pytest.raises(InputError, match="signed"):
        reviews.service.redraft(key, ADA)


def test_responses_to_either_draft_are_taken(reviews: Reviews) -> None:
    key = answered(reviews)
    done = reviews.service.redraft(key, ADA)
    for draft in (case_draft(CASE).id, done.state.drafted.id):
        raw = f"draft: {draft}\ncontests: [{{item: posture, kind: wrong, text: 'of {draft}'}}]\n".encode()
        assert len(reviews.service.respond(key, raw, ADA).events) == 1


TOKEN = "Every request to the HTTP endpoint must carry a bearer token; requests without one are rejected."
UNAUTHENTICATED = "L4-endpoint-auth-unknown"


@pytest.mark.parametrize(("by", "stays"), [("vendor", True), ("analyst", False)])
def test_a_vendor_alone_takes_no_threat_away_and_an_analyst_does(by: By, stays: bool) -> None:
    draft, documents = asking_about(case_draft(CASE), "deployment_infrastructure"), case_documents(CASE)
    made = redraft(draft, documents, [Answer("Q1", TOKEN, "", by)], settings=Settings(), at=AT)
    before = {threat.id for threat in draft.layers["deployment_infrastructure"].threats}
    after = {threat.id: threat.state for threat in made.draft.layers["deployment_infrastructure"].threats}
    assert UNAUTHENTICATED in before
    assert (after.get(UNAUTHENTICATED) == "contradicted") is stays
    assert (UNAUTHENTICATED in after) is stays
    named = {threat for each in made.draft.advice.conditions for threat in each.threats} if made.draft.advice else set()
    assert (UNAUTHENTICATED in named) is stays


def test_what_an_answer_says_is_among_the_facts_and_in_the_report() -> None:
    draft, documents = asking_about(case_draft(CASE), "deployment_infrastructure"), case_documents(CASE)
    made = redraft(draft, documents, [Answer("Q1", TOKEN, "", "vendor")], settings=Settings(), at=AT)
    assert draft.facts is not None
    assert made.draft.facts is not None
    before = {fact.id for fact in draft.facts.facts}
    (new,) = (fact for fact in made.draft.facts.facts if fact.id not in before)
    assert before < {fact.id for fact in made.draft.facts.facts}
    assert new.key == "endpoint_auth"
    quotes = {item.id: item for item in made.draft.evidence}
    assert [quotes[mark].document for mark in new.evidence] == [made.documents[-1].id]
    assert made.draft.facts.sheet(made.draft.evidence).facts == made.draft.facts.facts
    assert "endpoint_auth" not in {absence.key for absence in made.draft.facts.absent}
    assert TOKEN.split(";")[0] in render(made.draft, made.documents)
    verify_evidence(made.draft, made.documents)


@pytest.mark.parametrize("by", ["vendor", "analyst"])
def test_that_nobody_is_asked_is_no_approval(by: By) -> None:
    """The words of a control with which its absence is said lower nothing, whoever says it."""
    draft = asking_about(case_draft(CASE), "agent_frameworks", "security_compliance", "autonomy_of_action")
    made = redraft(draft, case_documents(CASE), [Answer("Q1", ANSWER, "", by)], settings=Settings(), at=AT)
    assert made.draft.facts is not None
    assert not [
        fact for fact in made.draft.facts.facts if fact.key == "approval_before" and fact.polarity == "asserted"
    ]
    assert (made.draft.score.aivss or 0) >= (draft.score.aivss or 0)


def test_a_threat_that_a_new_draft_has_no_room_for_stays() -> None:
    """An answer that brings other threats of a layer says nothing about those that were there."""
    draft = asking_about(case_draft(CASE), "security_compliance")
    text = "A person confirms each deletion before it runs."
    made = redraft(draft, case_documents(CASE), [Answer("Q1", text, "", "analyst")], settings=Settings(), at=AT)
    before = {threat.id: threat.state for threat in draft.layers["security_compliance"].threats}
    after = {threat.id: threat.state for threat in made.draft.layers["security_compliance"].threats}
    assert before.items() <= after.items()
    places = sorted(t.place or 0 for layer in made.draft.layers.values() for t in layer.threats)
    assert places == list(range(1, len(places) + 1))
