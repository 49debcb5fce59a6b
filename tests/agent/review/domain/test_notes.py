"""Notes of a review beside a draft's parts: threat numbers and question texts that never change, former titles, work,
answers, decided contests.
"""

import pytest

from agent.errors import InputError
from agent.records import Question
from agent.report.draft_json import parse
from agent.report.markdown import render
from agent.report.view import View
from agent.review.domain.facts.changed_sheet import free_id
from agent.review.domain.facts.from_answers import stating
from agent.review.domain.items import facts_of
from agent.review.domain.records import replaced
from agent.review.domain.replay import called
from tests.fakes.review.reviewing import MILD, Desk, new_threat

DESK = Desk.of_case("brave-search-mcp")
READS = DESK.one("capability/C1").via[0]
NEW = new_threat(cvss_vector=MILD, evidence=[DESK.draft.evidence[-1].id])
ASKED = {about: one for one in DESK.draft.questions for about in one.about}
LOGS, LLMS, KEPT_APART = ASKED["own_logs"], ASKED["names_llm"], ASKED["injection_defence"]


def numbers(desk: Desk) -> dict[str, int]:
    return {placed.threat.id: placed.number for placed in View(desk.reviewed).threats}


FIRST = numbers(DESK)


def old(desk: Desk) -> Desk:
    """Return the same review as an earlier release stored it: its events contain no numbers and no titles."""
    events = []
    for event in desk.events:
        after = {name: value for name, value in event.said.items() if name not in ("called", "number")}
        if "sheet" in after:
            after["sheet"] = {name: value for name, value in after["sheet"].items() if name != "numbers"}
        events.append(replaced(event, after=after or None))
    return Desk(desk.draft, desk.documents, tuple(events), desk.revisions)


def answered(desk: Desk, question: Question, *keys: str) -> Desk:
    """Return the review after an answer that states these keys."""
    states = [{"key": key, "polarity": "asserted"} for key in keys]
    return desk.act("answer", f"question/{question.id}", text=f"So it is: {keys}.", note="by mail", states=states)


def sure(desk: Desk) -> Desk:
    for one in desk.state.answered:
        desk = desk.act("confirm", f"fact/{one}")
    return desk


# ---------------------------------------------------------------- numbers of threats


def test_a_number_is_what_a_threat_had_whatever_is_struck_added_or_comes() -> None:
    struck, fact = next(
        (made, name)
        for name in (f"fact/{one.id}" for one in facts_of(DESK.draft))
        if len(numbers(made := DESK.act("strike", name)).keys() - FIRST.keys()) == 2
    )
    assert {name: n for name, n in numbers(struck).items() if name in FIRST}.items() <= FIRST.items()
    came, other = sorted(numbers(struck).keys() - FIRST.keys(), key=numbers(struck).__getitem__)
    added = struck.act("add", **NEW)
    new = [numbers(added)[name] for name in (came, other, "H1-a-flow-leaks")]
    assert new == [len(FIRST) + 1, len(FIRST) + 2, len(FIRST) + 3]
    back = added.act("confirm", fact)
    assert numbers(back) == {**FIRST, "H1-a-flow-leaks": len(FIRST) + 3}
    assert [numbers(back.act("strike", fact))[name] for name in (came, other)] == new[:2]


def test_texts_and_the_document_use_the_numbers_of_the_review() -> None:
    gone = View(DESK.draft).threats[1]
    after = DESK.act("strike", f"threat/{gone.threat.id}")
    text = render(after.reviewed, DESK.documents)
    for placed in View(after.reviewed).threats:
        assert f"T{FIRST[placed.threat.id]} · {placed.threat.title}" in text.replace("`", "")
    assert f"{gone.name} ·" not in text
    assert parse(after.text, where="it") == after.reviewed


def test_events_of_before_have_numbers_all_the_same() -> None:
    new = DESK.act("strike", READS).act("add", **NEW)
    held = old(new)
    assert len(set(held.state.numbers.values())) == len(held.state.numbers)
    assert numbers(held).keys() == numbers(new).keys()
    later = held.act("strike", "threat/H1-a-flow-leaks").state
    assert held.state.numbers.items() <= later.numbers.items()


# ---------------------------------------------------------------- question texts, former titles


def test_a_later_answer_rewords_no_question_that_was_answered() -> None:
    two = sure(answered(sure(answered(DESK, LOGS, "own_logs")), KEPT_APART, "injection_defence"))
    one = two.one(f"question/{LOGS.id}")
    assert (one.item.title, one.verdict) == (LOGS.text, "answered")
    assert LOGS.id not in {asked.id for asked in two.reviewed.questions}
    more = {asked.id for asked in two.reviewed.questions if "own_logs" in asked.about}
    assert more, "the answer leaves something to ask about the log"
    assert more.isdisjoint(asked.id for asked in DESK.draft.questions), "the follow-up is a question of its own"
    assert free_id("Q", ("own_logs",), ()) != free_id("Q", ("own_logs",), (free_id("Q", ("own_logs",), ()),))


def test_a_question_that_went_out_keeps_its_words() -> None:
    sent = DESK.act("send", f"question/{LOGS.id}")
    after = sure(answered(sent, LLMS, "names_llm", "tests_of_itself"))
    assert after.one(f"question/{LOGS.id}").item.title == LOGS.text
    worded = sent.act("correct", f"question/{LOGS.id}", text="Who reads its log?")
    assert worded.one(f"question/{LOGS.id}").item.title == "Who reads its log?"


def test_events_say_what_items_were_called_then() -> None:
    threat = DESK.one(DESK.first("threat")).item
    after = DESK.act("confirm", threat.id).act("correct", threat.id, title="Another title").act("confirm", "posture")
    assert [called(event) for event in after.events] == [threat.title, threat.title, "Posture"]
    (event,) = DESK.bulk("facts").events
    items = event.said["items"]
    assert [called(event, item) for item in items] == [DESK.one(item).item.title for item in items]


def test_a_promise_never_grows() -> None:
    after = answered(DESK, LOGS, "own_logs", "audit_log")
    before = {asked.id: asked.effect for asked in DESK.draft.questions}
    for asked in after.reviewed.questions:
        assert asked.effect <= before.get(asked.id, asked.effect)
        assert after.one(f"question/{asked.id}").item.weight <= asked.effect


@pytest.mark.parametrize("question", DESK.draft.questions, ids=lambda one: one.id)
def test_the_proposed_answer_states_a_fact_as_it_stands(question: Question) -> None:
    kept = question.proposed.split(" / ")
    for text in (each for each in kept if each != "No."):
        states = stating({"text": text, "kind": "vendor-answer"}, question, lambda _: [])["states"]
        assert states[0]["key"] in question.about
    if len(kept) > 1:
        with pytest.raises(InputError, match="several"):
            stating({"text": question.proposed}, question, lambda _: [])
    for silent in ("We cannot say.", "No."):
        assert "states" not in stating({"text": silent}, question, lambda _: [])


# ---------------------------------------------------------------- contents of the document


def test_work_an_answer_and_a_refused_contest_are_in_the_document() -> None:
    threat = next(t for t in DESK.threats.values() if any(m.who == "you" for m in t.mitigations))
    todo = next(m.text for m in threat.mitigations if m.who == "you")
    item, asked = f"threat/{threat.id}", DESK.reviewed.questions[0]
    desk = DESK.act("manage", item, mitigation=todo, owner="R. Ortiz", due="2027-01-31", status="doing")
    desk = desk.act("contest", item, kind="wrong", text="Switched off by default.", sender="The vendor")
    desk = desk.act("decide", item, decision="refused", rule="No page says so.")
    desk = desk.act("answer", f"question/{asked.id}", text="We cannot say.", note="by mail")
    assert asked.id not in {one.id for one in desk.reviewed.questions}
    text = render(desk.reviewed, desk.documents)
    for told in ("R. Ortiz, due 2027-01-31, in progress", "refused: No page says so", "We cannot say.", asked.text):
        assert told in text
    assert asked.text not in text.partition("## Ask the vendor")[2].partition("\n## ")[0]


def test_the_decision_of_the_signer_and_waivers_by_title_are_in_the_document() -> None:
    threat = View(DESK.draft).threats[2]
    desk = DESK.act("waive", f"threat/{threat.threat.id}", reason="out-of-scope").closed()
    text = render(desk.act("sign", decision="wait for answers").reviewed, desk.documents)
    assert "Decided by Ada: **Do not use it until the vendor has answered.**" in text
    assert "Proposed:" not in text
    waived = text.partition("Waived: ")[2].partition("out of scope")[0].replace("`", "")
    assert f"{threat.name} {threat.threat.title}" in waived
