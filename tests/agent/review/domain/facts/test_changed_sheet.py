"""Facts as items: striking one removes whatever rests on it, and restoring it gives the same draft, byte for byte."""

import pytest
from hypothesis import given, strategies as st

from agent.facts.vocabulary import load_vocabulary
from agent.pipeline import judgement_of, recomposed
from agent.records import Draft, Evidence
from agent.records.facts import cited
from agent.report.draft_json import dump, parse
from agent.report.markdown import render
from agent.review.domain.items import facts_of
from agent.review.domain.records import replaced
from tests.fakes.review.fact_desks import ASSISTED, NAMES, desk_of
from tests.fakes.review.reviewing import CHAINED, Desk
from tests.fakes.review.strategies import Step, laws, steps, walked

LAWS = laws(25)
CASE = Desk.of_case()


def standing(desk: Desk) -> list[str]:
    return [one.item.id for one in desk.state.items if one.item.kind == "fact" and one.verdict != "struck"]


def places(evidence: tuple[Evidence, ...]) -> set[tuple[str, int, int]]:
    return {(item.document, item.start, item.end) for item in evidence}


def alone(desk: Desk, fact: str) -> set[tuple[str, int, int]]:
    """Return the quotes that only this fact cites: no other fact, no reviewer and no LLM does."""
    sheet, judged = desk.reviewed.facts, judgement_of(desk.reviewed)
    mine = tuple(one for one in sheet.facts if one.id == fact)
    marks = cited(mine) - cited(tuple(one for one in sheet.facts if one.id != fact))
    told = {(one.document, one.start, one.end) for one in sheet.outlook.tellings.values()}
    brought = [Evidence.model_validate(mark) for event in desk.events for mark in event.said.get("marks", {}).values()]
    own = places(tuple(item for item in desk.reviewed.evidence if item.id in marks))
    return own - told - places(judged.evidence if judged else ()) - places(tuple(brought))


# ---------------------------------------------------------------- the law


@pytest.mark.slow
@LAWS
@given(st.sampled_from(NAMES), steps, st.integers(0, 100))
def test_a_struck_fact_takes_along_what_rests_on_it_and_back_it_is_as_it_was(
    name: str, path: list[Step], at: int
) -> None:
    desk = walked(desk_of(name), path)
    if not standing(desk):
        return
    item = standing(desk)[at % len(standing(desk))]
    fact, before, after = item.partition("/")[2], desk.act("confirm", item), desk.act("strike", item)
    reviewed, system = after.reviewed, after.reviewed.system
    assert parse(after.text, where=name) == reviewed
    assert render(reviewed, desk.texts)
    assert not alone(desk, fact) & places(reviewed.evidence)
    assert fact not in {one.id for one in facts_of(reviewed)}
    rests = [one.facts for one in (*after.threats.values(), *reviewed.lines, *reviewed.controls)]
    assert all(fact not in cites for cites in rests)
    known = {one.id for one in reviewed.evidence}
    parts = [part.evidence for factor in reviewed.factors.values() for part in factor.parts if part.evidence]
    drawn = (*system.actors, *system.components, *system.stores, *system.services, *system.flows, *system.capabilities)
    assert known.issuperset([*parts, *(mark for one in drawn for mark in one.evidence)])
    assert after.act("undo").text == desk.text
    assert after.act("confirm", item).text == before.text


@pytest.mark.slow
@LAWS
@given(st.sampled_from(NAMES[:3]), st.sets(st.integers(0, 40), max_size=4), st.integers(0, 40))
def test_facts_struck_and_back_in_any_order_leave_nothing_behind(name: str, which: set[int], last: int) -> None:
    desk = confirmed = desk_of(name)
    facts = standing(desk)
    struck = list(dict.fromkeys(facts[n % len(facts)] for n in which))
    turn = last % len(struck) if struck else 0
    for item in struck:
        desk, confirmed = desk.act("strike", item), confirmed.act("confirm", item)
    for item in (*struck[turn:], *struck[:turn]):
        desk = desk.act("confirm", item)
    assert desk.text == confirmed.text


@pytest.mark.parametrize("name", NAMES[:3])
def test_every_fact_can_be_struck_and_the_others_stay_under_their_ids(name: str) -> None:
    start = desk_of(name)
    before = {one.item.id: one.item.title for one in start.state.items}
    for item in standing(start)[:: 1 if name != "dify" else 4]:
        after = start.act("strike", item)
        assert after.one(item).verdict == "struck"
        titles = {one.item.id: one.item.title for one in after.state.items}
        assert titles.keys() >= before.keys()
        assert all(titles[name] == before[name] for name in before if name.startswith(("capability/", "chain/")))
        for fell in after.state.fell:
            assert fell in titles
            assert "rests on a fact" in str(after.refused("confirm", fell))


def test_what_fell_is_stored_with_its_quotes_and_the_reviewed_draft_has_none_of_them() -> None:
    start = Desk.of_case(CHAINED)
    lonely = [threat for threat in start.threats.values() if len(threat.facts) == 1]
    assert lonely
    for threat in lonely[:3]:
        after = start.act("strike", f"fact/{threat.facts[0]}")
        assert f"threat/{threat.id}" in after.state.fell
        for name, made in after.revisions.items():
            assert dump(parse(dump(made), where=name)) == dump(made)
            assert set(threat.evidence) <= {item.id for item in made.evidence}
        assert not alone(start, threat.facts[0]) & places(after.reviewed.evidence)


# ---------------------------------------------------------------- consequences


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_draft_follows_from_its_own_facts(name: str) -> None:
    draft = desk_of(name).draft
    assert recomposed(draft, draft.facts.sheet(draft.evidence)) == draft


@pytest.mark.parametrize("changed", [{"judgement": None}, {"assumptions": ("nobody looks",)}, {"facts": None}])
def test_one_that_its_facts_do_not_give_is_not_composed_again(changed: dict[str, object]) -> None:
    draft = desk_of(ASSISTED).draft
    assert recomposed(replaced(draft, **changed), draft.facts.sheet(draft.evidence)) is None


def leading(draft: Draft) -> tuple[str, str]:
    """Return the item of a fact on which the headline rests, and that of the headline."""
    first = next(t for layer in draft.layers.values() for t in layer.threats if t.place == 1)
    return f"fact/{first.facts[0]}", f"threat/{first.id}"


def test_a_struck_fact_is_listed_with_what_fell_and_an_undo_brings_decisions_back() -> None:
    item, threat = leading(CASE.draft)
    after = CASE.act("confirm", threat).act("strike", item, reason="wrong-quote")
    assert threat in after.state.fell
    assert (after.one(threat).verdict, after.one(threat).fell) == ("struck", True)
    told = {each.what.partition(":")[0]: each.reason for each in after.reviewed.dropped}
    assert told[threat.replace("/", " ")] == "struck in review along with a fact that it rested on"
    assert told[item.replace("/", " ")] == "struck in review: the quote does not say it"
    assert after.state.drafted == CASE.draft
    back = after.act("undo")
    assert (back.one(threat).verdict, back.one(threat).fell) == ("confirmed", False)
    assert back.act("redo").text == after.text


def test_a_corrected_fact_is_the_analysts_word_and_moves_what_follows() -> None:
    item, edits = f"fact/{CASE.facts['deletes_data'].id}", {"polarity": "configurable", "slots": {"scope": "one base"}}
    after = CASE.act("correct", item, **edits)
    made = after.facts["deletes_data"]
    assert (made.polarity, made.state, made.slot("scope")) == ("configurable", "confirmed", "one base")
    assert made.sources[-1].reader == "analyst"
    assert (after.one(item).verdict, after.one(item).after) == ("corrected", edits)
    assert after.act("undo").text == CASE.text
    words = load_vocabulary()
    plain = next(f"fact/{fact.id}" for fact in CASE.facts.values() if not words[fact.key].deniable)
    assert "the vocabulary does not allow denying this fact" in str(CASE.refused("correct", plain, polarity="denied"))
