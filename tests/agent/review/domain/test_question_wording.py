"""Asked and answered questions stay as they were worded then, and a log keeps the words of its time."""

import pytest

from agent.errors import InputError
from agent.records import Document
from agent.review.domain.effects.decisions import what_moved
from agent.review.domain.facts.changed_sheet import free_id
from agent.review.domain.facts.from_answers import stating
from agent.review.domain.quotes import Plain
from agent.review.domain.replay import called
from tests.fakes.review.reviewing import Desk

DESK = Desk.of_case("firecrawl-mcp")
ASKED = {about: one for one in DESK.draft.questions for about in one.about}
LOGS, LLMS = ASKED["own_logs"], ASKED["names_llm"]


def stated(*keys: str) -> list[dict[str, object]]:
    return [{"key": key, "polarity": "asserted"} for key in keys]


def answered(desk: Desk, name: str, *keys: str) -> Desk:
    return desk.act("answer", f"question/{name}", text=f"So it is: {keys}.", note="by mail", states=stated(*keys))


def sure(desk: Desk) -> Desk:
    for one in desk.state.answered:
        desk = desk.act("confirm", f"fact/{one}")
    return desk


def test_a_later_answer_rewords_no_question_that_was_answered() -> None:
    one = sure(answered(DESK, LOGS.id, "own_logs", "audit_log"))
    two = sure(answered(one, LLMS.id, "names_llm"))
    assert two.one(f"question/{LOGS.id}").item.title == LOGS.text
    assert two.one(f"question/{LOGS.id}").verdict == "answered"
    follow_up = {asked.id: asked.text for asked in two.state.reviewed.questions}
    assert LOGS.id not in follow_up
    assert set(follow_up) - {asked.id for asked in DESK.draft.questions}, "the follow-up is a question of its own"


def test_a_question_that_went_out_keeps_its_words() -> None:
    sent = DESK.act("send", f"question/{LOGS.id}")
    after = sure(answered(sent, LLMS.id, "names_llm", "tests_of_itself"))
    titles = {one.item.id: one.item.title for one in after.state.items}
    assert titles[f"question/{LOGS.id}"] == LOGS.text
    worded = sent.act("correct", f"question/{LOGS.id}", text="Who reads its log?")
    assert worded.one(f"question/{LOGS.id}").item.title == "Who reads its log?"


def test_events_say_what_items_were_called_then() -> None:
    threat = next(one for one in DESK.state.items if one.item.kind == "threat").item
    after = DESK.act("confirm", threat.id).act("correct", threat.id, title="Another title").act("confirm", "posture")
    assert [called(event) for event in after.events] == [threat.title, threat.title, "Posture"]
    seen = [one.item.id for one in DESK.state.items]
    (event,) = DESK.act("bulk", section="facts", seen=seen).events
    items = (event.after or {})["items"]
    assert isinstance(items, list)
    assert [called(event, item) for item in items] == [DESK.one(item).item.title for item in items]


def test_a_promise_never_grows() -> None:
    after = answered(DESK, LOGS.id, "own_logs", "audit_log")
    before = {asked.id: asked.effect for asked in DESK.draft.questions}
    for asked in after.state.reviewed.questions:
        assert asked.effect <= before.get(asked.id, asked.effect)
        assert after.one(f"question/{asked.id}").item.weight <= asked.effect


@pytest.mark.parametrize("asked", DESK.draft.questions, ids=lambda one: one.id)
def test_the_proposed_answer_states_a_fact_as_it_stands(asked: object) -> None:
    question = next(one for one in DESK.draft.questions if one == asked)

    def reads_nothing(document: Document) -> list[Plain]:
        return []

    kept = question.proposed.split(" / ")
    for text in (each for each in kept if each != "No."):
        states = stating({"text": text, "kind": "vendor-answer"}, question, reads_nothing)["states"]
        assert isinstance(states, list)
        assert states[0]["key"] in question.about
    if len(kept) > 1:
        with pytest.raises(InputError, match="several"):
            stating({"text": question.proposed}, question, reads_nothing)
    for silent in ("We cannot say.", "No."):
        assert "states" not in stating({"text": silent}, question, reads_nothing)


def test_a_strike_that_raises_the_score_says_which_threats_come_and_go_and_why() -> None:
    after = DESK.act("strike", "capability/C1")
    moved = what_moved(DESK.state, after.state)
    assert moved.before.aivss is not None
    assert moved.after.aivss is not None
    assert moved.after.aivss > moved.before.aivss
    (came,) = (one for one in moved.comes if one.startswith("threat"))
    assert came.partition("“")[2].rstrip("”") in moved.why
    assert sum(one.startswith("threat") for one in moved.falls) == 2
    assert what_moved(after.state, DESK.state).why == ""


def test_ids_of_follow_ups_are_free() -> None:
    assert free_id("Q", ("own_logs",), ()) != free_id("Q", ("own_logs",), (free_id("Q", ("own_logs",), ()),))
