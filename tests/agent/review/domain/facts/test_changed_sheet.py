"""Facts as items: what is struck takes with it whatever rests on it, and back it is as it was, byte for byte."""

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies as st

from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.pipeline import judgement_of, recomposed
from agent.records import Draft, Evidence
from agent.records.facts import cited
from agent.report.draft_json import dump, parse
from agent.report.markdown import render
from agent.review.domain.items import items_of, threats_of
from tests.fakes.review.fact_desks import ASSISTED, NAMES, desk_of
from tests.fakes.review.reviewing import CHAINED, Desk
from tests.fakes.review.strategies import Step, steps, walked

LAWS = settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)


def facts_of(desk: Desk) -> list[str]:
    return [one.item.id for one in desk.state.items if one.item.kind == "fact" and one.verdict != "struck"]


def text(desk: Desk) -> str:
    return dump(desk.state.reviewed)


def place(item: Evidence) -> tuple[str, int, int]:
    return item.document, item.start, item.end


def brought(desk: Desk) -> set[tuple[str, int, int]]:
    """The quotes that reviewers cited themselves."""
    given_marks = [mark for event in desk.events for mark in ((event.after or {}).get("marks") or {}).values()]  # type: ignore[union-attr,attr-defined]
    return {place(Evidence.model_validate(mark)) for mark in given_marks}


def alone(desk: Desk, fact: str) -> set[tuple[str, int, int]]:
    """The quotes that nothing but this fact stands on."""
    facts = desk.state.reviewed.facts
    assert facts is not None
    mine = next((one for one in facts.facts if one.id == fact), None)
    if mine is None:
        return set()
    told = {(one.document, one.start, one.end) for one in facts.outlook.tellings.values()}
    marks = cited((mine,)) - cited(tuple(one for one in facts.facts if one.id != fact))
    judged = judgement_of(desk.state.reviewed)
    own = {place(item) for item in judged.evidence} if judged else set()
    places = {place(item) for item in desk.state.reviewed.evidence if item.id in marks}
    return places - told - own - brought(desk)


# ---------------------------------------------------------------- the law


@pytest.mark.slow
@LAWS
@given(st.sampled_from(NAMES), steps, st.integers(0, 100))
def test_a_struck_fact_takes_along_what_rests_on_it_and_back_it_is_as_it_was(
    name: str, path: list[Step], at: int
) -> None:
    desk = walked(desk_of(name), path)
    if not facts_of(desk):
        return
    item = facts_of(desk)[at % len(facts_of(desk))]
    fact = item.partition("/")[2]
    lost = alone(desk, fact)
    before = desk.act("confirm", item)
    after = desk.act("strike", item)
    reviewed = after.state.reviewed
    assert parse(dump(reviewed), where=name) == reviewed
    assert render(reviewed, desk.texts)
    assert not lost & {place(one) for one in reviewed.evidence}
    assert reviewed.facts is not None
    assert fact not in {one.id for one in reviewed.facts.facts}
    rests = [
        *(threat.facts for threat in threats_of(reviewed).values()),
        *(row.facts for row in reviewed.lines),
        *(control.facts for control in reviewed.controls),
    ]
    assert all(fact not in cites for cites in rests)
    known = {one.id for one in reviewed.evidence}
    parts = [part.evidence for factor in reviewed.factors.values() for part in factor.parts if part.evidence]
    system = reviewed.system
    drawn = (*system.actors, *system.components, *system.stores, *system.services, *system.flows, *system.capabilities)
    assert known.issuperset([*parts, *(mark for one in drawn for mark in one.evidence)])
    assert text(after.act("undo")) == text(desk)
    assert text(after.act("confirm", item)) == text(before)


@pytest.mark.slow
@LAWS
@given(st.sampled_from(NAMES[:3]), st.sets(st.integers(0, 40), max_size=4), st.integers(0, 40))
def test_facts_struck_and_back_in_any_order_leave_nothing_behind(name: str, which: set[int], last: int) -> None:
    start = desk_of(name)
    facts = facts_of(start)
    struck = list(dict.fromkeys(facts[n % len(facts)] for n in which))
    desk = start
    for item in struck:
        desk = desk.act("strike", item)
    turn = last % len(struck) if struck else 0
    for item in (*struck[turn:], *struck[:turn]):
        desk = desk.act("confirm", item)
    confirmed = start
    for item in struck:
        confirmed = confirmed.act("confirm", item)
    assert text(desk) == text(confirmed)


@pytest.mark.parametrize("name", NAMES[:3])
def test_every_fact_can_be_struck_and_the_others_stay_under_their_ids(name: str) -> None:
    start = desk_of(name)
    before = {one.item.id: one.item.title for one in start.state.items}
    for item in facts_of(start)[:: 1 if name != "dify" else 4]:
        after = start.act("strike", item)
        assert [one.verdict for one in after.state.items if one.item.id == item] == ["struck"]
        titles = {one.item.id: one.item.title for one in after.state.items}
        assert titles.keys() >= before.keys()
        assert all(titles[name] == before[name] for name in before if name.startswith(("capability/", "chain/")))
        for fell in after.state.fell:
            assert fell in titles
            with pytest.raises(InputError, match="rests on a fact"):
                after.act("confirm", fell)


def test_what_fell_is_stored_with_its_quotes_and_the_reviewed_draft_has_none_of_them() -> None:
    start = Desk.of_case(CHAINED)
    lonely = [threat for threat in threats_of(start.draft).values() if len(threat.facts) == 1]
    assert lonely
    for threat in lonely[:3]:
        own = alone(start, threat.facts[0])
        after = start.act("strike", f"fact/{threat.facts[0]}")
        assert f"threat/{threat.id}" in after.state.fell
        for name, made in after.revisions.items():
            assert dump(parse(dump(made), where=name)) == dump(made)
            assert set(threat.evidence) <= {item.id for item in made.evidence}
        assert not own & {place(item) for item in after.state.reviewed.evidence}


# ---------------------------------------------------------------- what follows


@pytest.mark.parametrize("name", NAMES[:3])
def test_a_draft_follows_from_its_own_facts(name: str) -> None:
    draft = desk_of(name).draft
    assert draft.facts is not None
    assert recomposed(draft, draft.facts.sheet(draft.evidence)) == draft


@pytest.mark.parametrize(
    "changed",
    [
        {"judgement": None},
        {"assumptions": ("nobody looks",)},
        {"facts": None},
    ],
)  # fmt: skip
def test_one_that_its_facts_do_not_give_is_not_composed_again(changed: dict[str, object]) -> None:
    draft = desk_of(ASSISTED).draft
    other = draft.model_copy(update=changed)
    assert draft.facts is not None
    assert recomposed(other, draft.facts.sheet(draft.evidence)) is None


def headline_facts(draft: Draft) -> list[str]:
    """The facts on which the headline rests."""
    first = next(t for t in threats_of(draft).values() if t.place == 1)
    return [f"fact/{name}" for name in first.facts]


def test_what_moves_the_score_weighs_most() -> None:
    draft = Desk.of_case().draft
    weights = {one.id: one.weight for one in items_of(draft) if one.kind == "fact"}
    assert max(weights, key=lambda name: weights[name]) in headline_facts(draft)


def test_a_struck_fact_is_listed_with_what_fell_and_an_undo_brings_decisions_back() -> None:
    start = Desk.of_case()
    item = headline_facts(start.draft)[0]
    threat = next(f"threat/{t.id}" for t in threats_of(start.draft).values() if item.partition("/")[2] in t.facts)
    confirmed = start.act("confirm", threat)
    after = confirmed.act("strike", item, reason="wrong-quote")
    assert threat in after.state.fell
    one = after.one(threat)
    assert (one.verdict, one.fell) == ("struck", True)
    told = {each.what.partition(":")[0]: each.reason for each in after.state.reviewed.dropped}
    assert told[threat.replace("/", " ")] == "struck in review with a fact that it rested on"
    assert told[item.replace("/", " ")] == "struck in review: the quote does not say it"
    assert after.state.drafted == start.draft
    back = after.act("undo")
    assert (back.one(threat).verdict, back.one(threat).fell) == ("confirmed", False)
    assert text(back.act("redo")) == text(after)


def test_a_corrected_fact_is_the_analysts_word_and_moves_what_follows() -> None:
    start = Desk.of_case()
    item = next(one.item.id for one in start.state.items if (one.item.kind, one.item.title) == ("fact", "deletes data"))
    after = start.act("correct", item, polarity="configurable", slots={"scope": "one base"})
    facts = after.state.reviewed.facts
    assert facts is not None
    made = next(fact for fact in facts.facts if fact.key == "deletes_data")
    assert (made.polarity, made.state, made.slot("scope")) == ("configurable", "confirmed", "one base")
    assert [source.reader for source in made.sources][-1] == "analyst"
    one = after.one(item)
    assert (one.verdict, one.after) == ("corrected", {"polarity": "configurable", "slots": {"scope": "one base"}})
    assert text(after.act("undo")) == text(start)


def test_a_correction_of_a_fact_is_checked() -> None:
    desk = Desk.of_case()
    item = facts_of(desk)[0]
    for fields, where in (
        ({"polarity": "loud"}, "polarity"),
        ({"about": "nobody"}, "about"),
        ({"slots": {"colour": "red"}}, "slots"),
        ({"evidence": []}, "evidence"),
        ({"key": "runs_commands"}, "key"),
    ):  # fmt: skip
        with pytest.raises(InputError) as refused:
            desk.act("correct", item, **fields)
        assert refused.value.where == where
    plain = next(
        one.item.id for one in desk.state.items
        if one.item.kind == "fact" and not load_vocabulary()[key_of(desk.draft, one.item.id)].deniable
    )  # fmt: skip
    with pytest.raises(InputError, match="no fact of the vocabulary"):
        desk.act("correct", plain, polarity="denied")


def key_of(draft: Draft, item: str) -> str:
    assert draft.facts is not None
    return next(fact.key for fact in draft.facts.facts if f"fact/{fact.id}" == item)
