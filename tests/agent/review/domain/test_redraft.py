"""Redrafting within a review whose draft does not follow from its facts: answers become sources, what they affect
changes, decisions that still fit stay.
"""

import pytest

from agent.errors import ConflictError, InputError
from agent.report.draft_json import dump, verify_evidence
from agent.report.markdown import render
from agent.review.domain.items import facts_of, fields_of
from agent.review.domain.redraft import Redrafted, redraft
from agent.review.domain.response import Answer, By
from agent.review.service import Service
from agent.review.store.audit import audit
from agent.review.store.queue import QueueQuery
from agent.settings import Settings
from tests.fakes.review.reviewing import asking_about, case_documents, case_draft, not_given
from tests.fakes.review.served_reviews import ADA, AT, CASE, GRACE, Reviews

OLDER = not_given(case_draft(CASE))
"""If the draft follows from the facts, answers count immediately, and nothing waits for a redraft."""
ANSWER = "Each action of the server runs at once; it asks nobody for a confirmation before it deletes records."
GRANTED = "Each user signs in with OAuth and grants the scopes separately."
TOKEN = "Every request to the HTTP endpoint must carry a bearer token; requests without one are rejected."
LOGGED = "Each user signs in with OAuth, and every call is written to an audit log."
UNAUTHENTICATED = "L4-endpoint-auth-unknown"


def answered(reviews: Reviews) -> str:
    key = reviews.bring(draft=OLDER)
    reviews.act(key, "answer", "question/Q1", text=ANSWER, url="https://docs.example/limits")
    return key


def made_again(text: str, by: By, *settles: str) -> Redrafted:
    """Return the redraft with an answer to a question that settles these factors and layers."""
    draft = asking_about(case_draft(CASE), *settles)
    return redraft(draft, case_documents(CASE), [Answer("Q1", text, "", by)], settings=Settings(), at=AT)


def test_an_answer_becomes_a_source_and_only_what_it_settles_moves(reviews: Reviews) -> None:
    key = answered(reviews)
    reviews.act(key, "confirm", "posture")
    before = reviews.service.review(key)
    done = reviews.service.redraft(key, GRACE, before.version)
    (event,), after = done.events, done.state.drafted
    assert (event.verb, event.reviewer, event.said["answers"]) == ("redraft", "Grace", {"Q1": 2})
    touched = {key for asked in before.drafted.questions if asked.id == "Q1" for key in asked.settles}
    for kind, keys in (("factor", before.drafted.factors), ("layer", before.drafted.layers)):
        for item in (f"{kind}/{name}" for name in keys if name not in touched):
            assert fields_of(after, item) == fields_of(before.drafted, item)
    assert reviews.service.documents(key)[-1].text.strip() == ANSWER
    assert after.sources[-1].kind == "vendor-answer"
    verify_evidence(done.state.reviewed, reviews.service.documents(key))
    assert after.manifest["redrafted_from"] == before.drafted.id
    assert next(one for one in done.state.items if one.item.id == "posture").verdict == "confirmed"
    assert event.said["score"] == {
        "before": done.moved.before.model_dump(mode="json"),
        "after": done.moved.after.model_dump(mode="json"),
        "causes": list(done.moved.causes),
    }
    assert audit(reviews.store).sound
    # Another process sees the review before and after.
    other = Service(reviews.store, Settings(), lambda: AT)
    assert other.review(key) == done.state
    assert other.review(key, 2).drafted == OLDER
    assert len(other.documents(key)) == len(OLDER.sources) + 1
    assert other.export(key, "md").data
    (row,) = other.queue(QueueQuery(text=done.state.drafted.id)).rows
    assert row.score == done.moved.after
    for draft in (OLDER.id, done.state.drafted.id):
        raw = f"draft: {draft}\ncontests: [{{item: posture, kind: wrong, text: 'of {draft}'}}]\n".encode()
        assert len(reviews.service.respond(key, raw, ADA).events) == 1


def test_undo_reaches_behind_a_redraft_and_redo_brings_it_back(reviews: Reviews) -> None:
    key = answered(reviews)
    before, texts = reviews.service.review(key), reviews.service.documents(key)
    done = reviews.service.redraft(key, ADA)
    assert dump(reviews.act(key, "undo").state.reviewed) == dump(before.reviewed)
    assert (reviews.service.documents(key), reviews.service.waiting(key)) == (texts, ("Q1",))
    assert dump(reviews.act(key, "undo").state.reviewed) == dump(OLDER)
    assert reviews.service.waiting(key) == ()
    reviews.act(key, "redo")
    assert dump(reviews.act(key, "redo").state.reviewed) == dump(done.state.reviewed)
    assert (len(reviews.service.documents(key)), reviews.service.waiting(key)) == (len(texts) + 1, ())
    assert audit(reviews.store).sound


def test_an_answer_is_taken_in_once(reviews: Reviews) -> None:
    key = answered(reviews)
    reviews.service.redraft(key, ADA)
    with pytest.raises(InputError, match="no answer has been recorded since"):
        reviews.service.redraft(key, ADA)
    reviews.act(key, "answer", "question/Q2", text="Tokens belong to the workspace.", note="said on the phone")
    done = reviews.service.redraft(key, ADA)
    assert list(done.events[0].said["answers"]) == ["Q2"]
    assert [source.url for source in done.state.drafted.sources][-2:] == ["answer-Q1", "answer-Q2"]


def test_without_an_answer_on_an_older_version_or_when_signed_nothing_is_made(reviews: Reviews) -> None:
    key = answered(reviews)
    with pytest.raises(ConflictError, match="has changed since"):
        reviews.service.redraft(key, ADA, 1)
    reviews.act(key, "undo")
    with pytest.raises(InputError, match="no answer"):
        reviews.service.redraft(key, ADA)
    reviews.act(key, "redo")
    reviews.signed(key)
    with pytest.raises(InputError, match="signed"):
        reviews.service.redraft(key, ADA)


def test_a_decision_that_comes_in_meanwhile_is_not_drafted_over(reviews: Reviews) -> None:
    key = answered(reviews)

    def clock() -> str:
        # The drafter asks for the time when it begins; another reviewer decides at that moment.
        if reviews.service.review(key).version == 2:
            reviews.act(key, "confirm", "posture", by=GRACE)
        return AT

    with pytest.raises(ConflictError, match="has changed since"):
        Service(reviews.store, Settings(), clock).redraft(key, ADA)
    assert [event.verb for event in reviews.service.history(key)] == ["import", "answer", "confirm"]


# ---------------------------------------------------------------- what changes


def test_a_paragraph_that_an_answer_changed_is_among_what_moved_and_no_threat_is_lost_for_room() -> None:
    """No value changed, yet the layer's text did."""
    made, draft = made_again(LOGGED, "analyst", "evaluation_observability"), case_draft(CASE)
    layers = [key for key in draft.layers if made.draft.layers[key].paragraph != draft.layers[key].paragraph]
    assert layers
    assert set(layers) <= {row.what for row in made.moved}
    assert made.documents[-1].title == "Answer to Q1"
    assert all("“”" not in layer.paragraph for layer in made.draft.layers.values())
    drafts = (draft, made.draft)
    before, after = ({(t.id, t.state) for t in each.layers["security_compliance"].threats} for each in drafts)
    assert set() != before <= after
    places = sorted(t.place or 0 for layer in made.draft.layers.values() for t in layer.threats)
    assert places == list(range(1, len(places) + 1))


@pytest.mark.parametrize(("by", "stays"), [("vendor", True), ("analyst", False)])
def test_a_vendor_alone_takes_no_threat_away_and_an_analyst_does(by: By, stays: bool) -> None:
    made = made_again(TOKEN, by, "deployment_infrastructure").draft
    assert UNAUTHENTICATED in {threat.id for threat in case_draft(CASE).layers["deployment_infrastructure"].threats}
    after = {threat.id: threat.state for threat in made.layers["deployment_infrastructure"].threats}
    assert (after.get(UNAUTHENTICATED) == "contradicted") is stays
    assert (UNAUTHENTICATED in after) is stays
    named = {threat for each in (made.advice.conditions if made.advice else ()) for threat in each.threats}
    assert (UNAUTHENTICATED in named) is stays


def test_what_an_answer_says_is_among_the_facts_and_in_the_report() -> None:
    made = made_again(TOKEN, "vendor", "deployment_infrastructure")
    before = {fact.id for fact in facts_of(case_draft(CASE))}
    quotes = {item.id: item for item in made.draft.evidence}
    own = {mark for mark, quote in quotes.items() if quote.document == made.documents[-1].id}
    (new,) = (fact for fact in facts_of(made.draft) if own & set(fact.evidence))
    assert new.id not in before
    assert before < {fact.id for fact in facts_of(made.draft)}
    assert new.key == "endpoint_auth"
    assert [quotes[mark].document for mark in new.evidence] == [made.documents[-1].id]
    assert made.draft.facts.sheet(made.draft.evidence).facts == made.draft.facts.facts
    assert "endpoint_auth" not in {absence.key for absence in made.draft.facts.absent}
    assert TOKEN.split(";")[0] in render(made.draft, made.documents)
    verify_evidence(made.draft, made.documents)


@pytest.mark.parametrize("by", ["vendor", "analyst"])
def test_that_nobody_is_asked_is_no_approval(by: By) -> None:
    """The words that state a control's absence lower nothing, no matter who says them."""
    made = made_again(ANSWER, by, "agent_frameworks", "security_compliance", "autonomy_of_action").draft
    told = {(fact.key, fact.polarity) for fact in facts_of(made)}
    assert ("approval_before", "asserted") not in told
    assert (made.score.aivss or 0) >= (case_draft(CASE).score.aivss or 10)
