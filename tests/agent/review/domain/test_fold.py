"""The fold of events: a draft that loads, undo, order, strikes, redrafts, signatures."""

import re
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from agent.errors import InputError, IntegrityError
from agent.records import Draft
from agent.report.draft_json import dump, parse, verify_evidence
from agent.report.markdown import render
from agent.review.domain.items import threats_of
from agent.review.domain.records import Event, Planned, ReviewState, replaced
from agent.review.domain.rescore import headline_of, raw_score
from agent.scoring import verify
from tests.fakes.review.fact_desks import DESKS
from tests.fakes.review.reviewing import Desk, golden_draft
from tests.fakes.review.strategies import Step, acted, steps, walked

FACTOR = "factor/autonomy_of_action"
LAWS = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = st.sampled_from(sorted(DESKS))
CASE = DESKS["case"]
CITING = next(desk for desk in DESKS.values() if desk.draft.factors["autonomy_of_action"].evidence)
"""A review in which a quote supports the factor."""


def decided(state: ReviewState) -> tuple[object, ...]:
    """Return a state without its version and without who last touched what."""
    items = [replaced(one, changed=0) for one in state.items]
    return state.reviewed, state.drafted, items, state.contests, state.assigned, state.undoable


def by_quotes(draft: Draft) -> str:
    """Return a draft with quotes in place of evidence ids and without the order of the evidence."""
    text = dump(replaced(draft, evidence=()))
    for item in sorted(draft.evidence, key=lambda each: -len(each.id)):
        text = text.replace(f'"{item.id}"', f'"{item.document}:{item.start}-{item.end}"')
    return text


# ---------------------------------------------------------------- laws


@LAWS
@given(NAMES, steps)
def test_whatever_was_accepted_gives_a_draft_that_loads_and_stored_events_fold_alike(
    name: str, path: list[Step]
) -> None:
    desk = walked(DESKS[name], path)
    assert parse(desk.text, where="reviewed") == parse(desk.text, where="again")
    verify(desk.reviewed.score)
    verify_evidence(desk.reviewed, desk.texts)
    assert render(desk.reviewed, desk.texts)
    events = tuple(Event.model_validate_json(event.model_dump_json()) for event in desk.events)
    revisions = {name: parse(dump(made), where=name) for name, made in desk.revisions.items()}
    assert Desk(desk.draft, desk.documents, events, revisions).state == desk.state


@LAWS
@given(NAMES, steps, steps)
def test_undo_gives_back_the_state_before(name: str, path: list[Step], more: list[Step]) -> None:
    before = walked(DESKS[name], path)
    after, batches = before, 0
    for step in (step for step in more if step[0] != "undo"):
        new = acted(after, step)
        batches += new.events != after.events
        after = new
    for _ in range(batches):
        after = after.act("undo")
    assert decided(after.state) == decided(before.state)


@LAWS
@given(NAMES, st.sets(st.integers(0, 60)))
def test_confirming_changes_no_number(name: str, which: set[int]) -> None:
    desk = DESKS[name]
    for at in which:
        items = desk.state.items
        desk = desk.act("confirm", items[at % len(items)].item.id)
    before, after = DESKS[name].draft, desk.reviewed
    assert (after.score, after.product) == (before.score, before.product)
    numbers, were = ({key: (f.value, f.low, f.high) for key, f in d.factors.items()} for d in (after, before))
    assert numbers == were
    scores, were_ = ({key: threat.score for key, threat in threats_of(d).items()} for d in (after, before))
    assert scores == were_


@pytest.mark.slow
@LAWS
@given(NAMES, steps, steps)
def test_the_order_of_events_on_different_items_does_not_matter(name: str, path: list[Step], more: list[Step]) -> None:
    """Two reviewers act on the same state, on different items, in either order."""
    start = walked(DESKS[name], path)
    plans: list[tuple[set[str], tuple[Planned, ...]]] = []
    for step in more:
        if step[0] in ("undo", "redo", "add", "assign", "decide", "bulk"):
            continue
        new = acted(start, step).events[len(start.events) :]
        items = {event.item for event in new}
        if items and all(items.isdisjoint(other) for other, _ in plans):
            plans.append((items, tuple(_plan(event) for event in new)))
    one, two = start, start
    for _, each in plans[:2]:
        one = one.taken(each)
    for _, each in reversed(plans[:2]):
        two = two.taken(each)
    assert by_quotes(one.reviewed) == by_quotes(two.reviewed)
    assert [state.verdict for state in one.state.items] == [state.verdict for state in two.state.items]


def _plan(event: Event) -> Planned:
    """Return the event as it was requested; whatever follows from the facts is planned again."""
    told = event.model_dump(include=set(Planned.model_fields))
    return Planned(**{**told, "after": {name: value for name, value in event.said.items() if name != "sheet"} or None})


@LAWS
@given(NAMES, st.integers(0, 100), st.booleans())
def test_striking_a_threat_that_is_not_the_headline_changes_no_score(name: str, at: int, first: bool) -> None:
    desk = DESKS[name]
    headline = headline_of(desk.draft)
    others = [key for key in threats_of(desk.draft) if headline is None or key != headline.id]
    for key in others if first or not others else [others[at % len(others)]]:
        desk = desk.act("strike", f"threat/{key}")
    assert desk.reviewed.score == desk.draft.score


# ---------------------------------------------------------------- verdicts and their effect on the draft


@pytest.mark.parametrize("name", DESKS)
def test_nothing_done_is_the_draft_itself(name: str) -> None:
    assert DESKS[name].reviewed == DESKS[name].draft
    assert {one.verdict for one in DESKS[name].state.items} == {"open"}


def test_only_a_reviewer_makes_it_confirmed_and_unknown_stays_unknown() -> None:
    desk = CASE.closed()
    for key, factor in desk.reviewed.factors.items():
        before = desk.draft.factors[key]
        assert factor.state == ("confirmed" if before.evidence else before.state)
    assert {threat.state for threat in desk.threats.values()} == {"confirmed"}
    assert desk.state.open == ()


def test_a_corrected_factor_says_so_and_adds_up() -> None:
    after = CITING.act("correct", FACTOR, value=0.2, low=0.1, high=0.4, note="We watched it")
    factor = after.reviewed.factors["autonomy_of_action"]
    assert (factor.value, factor.low, factor.high) == (Decimal("0.2"), Decimal("0.1"), Decimal("0.4"))
    assert factor.state == "confirmed"
    assert sum(part.effect for part in factor.parts) == pytest.approx(0.2)
    assert factor.parts[-1].kind == "review"
    assert "We watched it" in factor.rationale
    one, was = after.one(FACTOR), CITING.draft.factors["autonomy_of_action"]
    assert (one.verdict, one.after) == ("corrected", {"value": 0.2, "low": 0.1, "high": 0.4})
    assert one.before == {name: float(getattr(was, name)) for name in ("value", "low", "high")}


def test_a_struck_factor_falls_back_to_what_is_usual_with_both_in_its_range() -> None:
    before = CASE.draft.factors["autonomy_of_action"]
    usual = next(part.effect for part in before.parts if part.kind == "typical")
    factor = CASE.act("strike", FACTOR).reviewed.factors["autonomy_of_action"]
    assert (factor.value, factor.state, factor.evidence) == (Decimal(f"{usual:.1f}"), "unknown", ())
    assert factor.low <= min(before.low, factor.value) <= before.value <= max(before.high, factor.value) <= factor.high


def test_struck_things_are_listed_and_take_their_chains_along() -> None:
    desk = DESKS["chained"]
    threat = desk.draft.chains[0].threats[0]
    after = desk.act("strike", f"threat/{threat}", reason="not-this-product", note="another server")
    alone = {item.what.partition(":")[0]: item.reason for item in after.reviewed.dropped}
    assert threat in alone["chain 1"]
    held = {f"fact/{fact}" for fact in desk.threats[threat].facts}
    able = next(
        one.id for one in desk.draft.system.capabilities if held.isdisjoint(desk.one(f"capability/{one.id}").via)
    )
    for item in ("question/Q1", "layer/data_operations", f"capability/{able}"):
        after = after.act("strike", item)
    reviewed = after.reviewed
    assert threat not in after.threats
    assert all(threat not in chain.threats for chain in reviewed.chains)
    assert able not in {one.id for one in reviewed.system.capabilities}
    assert "Q1" not in {one.id for one in reviewed.questions}
    layer = reviewed.layers["data_operations"]
    assert not layer.certain
    assert layer.paragraph.startswith("Not certain from the listing — ")
    reasons = {item.what.partition(":")[0]: item.reason for item in reviewed.dropped}
    assert reasons[f"threat {threat}"] == "struck in review: about another product: another server"
    assert {f"capability {able}", "question Q1", "paragraph of data_operations"} <= set(reasons)
    assert after.one(f"threat/{threat}").verdict == "struck"  # still an item, so that the strike can be undone
    assert threat in after.act("confirm", f"threat/{threat}").threats


def test_a_chain_keeps_its_number_when_another_one_is_struck() -> None:
    after = DESKS["workos"].act("strike", "chain/1").act("correct", "chain/2", title="Second")
    assert [chain.title for chain in after.reviewed.chains] == ["Second"]


@pytest.mark.parametrize(
    "item", ["posture", "factor/self_modification", "layer/data_operations", "capability/C1", "chain/1"]
)
def test_attached_quotes_reach_the_draft(item: str) -> None:
    desk = DESKS["chained"]
    quote = {"document": "D1", "quote": "Two levels are offered"}
    after = desk.act("attach", item, **quote)
    (new,) = after.reviewed.evidence[len(desk.draft.evidence) :]
    assert new.id == f"E{len(desk.draft.evidence) + 1}"
    assert new.id in after.one(item).item.evidence
    assert f'{new.id}"' in after.text.replace(f"({new.id})", f'{new.id}"')
    again = after.act("attach", "factor/persistent_memory", **quote)
    assert len(again.reviewed.evidence) == len(desk.draft.evidence) + 1  # one span, one id


def test_a_denied_capability_is_not_made_one_that_is_there() -> None:
    system = CASE.draft.system
    denied = replaced(system.capabilities[0], state="denied")
    bent = Desk(replaced(CASE.draft, system=replaced(system, capabilities=(denied,))), CASE.documents)
    assert bent.act("confirm", "capability/C1").reviewed.system.capabilities[0].state == "denied"


def test_a_signed_review_carries_its_stamp_and_a_reopened_one_does_not() -> None:
    done = CASE.closed()
    signed = done.act("sign")
    stamp = signed.state.stamp
    assert (stamp.head, stamp.number) == (signed.events[-1].hash, len(signed.events))
    assert signed.reviewed.review == stamp == parse(signed.text, where="x").review
    assert replaced(signed.reviewed, review=None) == done.reviewed
    assert '"review"' not in done.text
    assert signed.act("reopen", note="again").state.stamp is None


# ---------------------------------------------------------------- capabilities, decided on through their facts

ABLE = Desk.of_case("firecrawl-mcp")
ABILITY = "capability/C1"
(GIVING,) = ABLE.one(ABILITY).via


def test_an_ability_struck_is_its_fact_struck_with_all_that_hangs_on_it() -> None:
    after = ABLE.act("strike", ABILITY)
    assert after.state == ABLE.act("strike", GIVING).state
    assert after.one(GIVING).verdict == "struck"
    assert (after.one(ABILITY).verdict, after.one(ABILITY).fell) == ("struck", True)
    assert after.act("confirm", GIVING).text == ABLE.act("confirm", GIVING).text


def test_an_ability_is_no_second_thing_to_decide_over() -> None:
    assert ABILITY not in {one.item.id for one in (*ABLE.state.own, *ABLE.state.open)}
    assert ABLE.act("confirm", GIVING).one(ABILITY).verdict == "confirmed"
    assert ABLE.act("waive", GIVING, reason="out-of-scope").state.waived[0].item.id == GIVING
    assert "decide on its facts" in str(ABLE.refused("waive", ABILITY))


def test_a_correction_or_a_contest_makes_an_ability_an_item_of_its_own() -> None:
    corrected = ABLE.act("correct", ABILITY, approver="the user")
    assert (corrected.one(ABILITY).via, corrected.one(ABILITY).verdict) == ((), "corrected")
    contested = ABLE.act("contest", ABILITY, kind="wrong", text="It reads files alone.")
    assert ABILITY in {one.item.id for one in contested.state.open}


def test_drafts_whose_facts_do_not_give_an_ability_keep_it_as_an_item() -> None:
    desk = Desk(*golden_draft("first-0.1.0"))
    abilities = [one for one in desk.state.items if one.item.kind == "capability"]
    assert abilities
    assert not any(one.via for one in abilities)
    assert desk.act("strike", abilities[0].item.id).one(abilities[0].item.id).verdict == "struck"


# ---------------------------------------------------------------- contests


def test_contests_close_with_their_effect() -> None:
    desk = CASE.act("confirm", FACTOR).act("contest", FACTOR, kind="wrong", text="We ask first.", sender="V")
    assert desk.one(FACTOR).contested
    refused = desk.act("decide", FACTOR, decision="refused", rule="A claim lowers nothing.")
    assert (refused.state.contests[0].effect, refused.one(FACTOR).contested) == ("no change", False)
    accepted = desk.act("decide", FACTOR, decision="accepted", rule="Shown.")
    assert (accepted.state.contests[0].effect, accepted.one(FACTOR).verdict) == ("reopened", "open")
    effect = accepted.act("correct", FACTOR, value=0.1).state.contests[0].effect
    assert effect.startswith(f"corrected: value {desk.draft.factors['autonomy_of_action'].value:g} → 0.1")
    assert re.search(r"; score (\d\.\d+) → (?!\1)\d\.\d+", effect)


def test_a_contest_of_a_corrected_item_opens_it_and_counts_from_there() -> None:
    """The contest is about this correction, so the correction is not an effect of the contest."""
    before = CASE.act("correct", FACTOR, value=0.9)
    asked = before.act("contest", FACTOR, kind="wrong", text="We ask first.", sender="V")
    accepted = asked.act("decide", FACTOR, decision="accepted", rule="Shown.")
    assert (accepted.state.contests[0].effect, accepted.one(FACTOR).verdict) == ("reopened", "open")
    assert accepted.act("confirm", FACTOR).state.contests[0].effect == "reviewed again, no change"
    settled = asked.act("correct", FACTOR, value=0.1).act("decide", FACTOR, decision="accepted", rule="Shown.")
    assert settled.one(FACTOR).verdict == "corrected"
    told = re.search(r"^corrected: value 0.9 → 0.1.*score (\d\.\d+) → (\d\.\d+)$", settled.state.contests[0].effect)
    assert [f"{raw_score(desk.reviewed):.2f}" for desk in (asked, settled)] == list(told.groups())


def test_a_contest_of_a_struck_item_does_not_bring_it_back() -> None:
    threat = CASE.first("threat")
    desk = CASE.act("strike", threat).act("contest", threat, kind="wrong", text="No such thing.")
    accepted = desk.act("decide", threat, decision="accepted", rule="So it is.")
    assert (accepted.state.contests[0].effect, accepted.one(threat).verdict) == ("already struck, no change", "struck")


# ---------------------------------------------------------------- redrafts


def redrafted(desk: Desk, draft: Draft) -> Desk:
    revised = Desk(desk.draft, desk.documents, desk.events, {**desk.revisions, "a" * 64: draft})
    return revised.act("redraft", sha256="a" * 64)


def test_a_redraft_keeps_decisions_and_opens_what_it_moved() -> None:
    desk = DESKS["chained"].act("confirm", FACTOR).act("confirm", "factor/dynamic_tool_use")
    desk = desk.act("correct", "posture", text="Ours (E1).").act("strike", "chain/1")
    factors = dict(desk.draft.factors)
    factors["autonomy_of_action"] = replaced(factors["autonomy_of_action"], value=Decimal("0.45"))
    after = redrafted(desk, replaced(desk.draft, factors=factors))
    assert (after.one(FACTOR).verdict, after.one(FACTOR).changed) == ("open", len(after.events))
    assert after.one("factor/dynamic_tool_use").verdict == "confirmed"
    assert after.reviewed.product.posture == "Ours (E1)."
    assert desk.draft.chains[0] not in after.reviewed.chains
    assert after.state.undoable == len(after.events)
    back = after.act("undo")
    assert (back.text, back.one(FACTOR).verdict) == (desk.text, "confirmed")
    assert back.act("redo").text == after.text
    assert after.act("confirm", FACTOR).act("undo").one(FACTOR).verdict == "open"


def test_evidence_that_a_redraft_numbers_otherwise_is_still_the_same_quote() -> None:
    desk = CASE.act("attach", FACTOR, document="D1", quote="third-party, open source server")
    count = len(desk.draft.evidence)
    desk = desk.act("correct", "posture", text=f"It can delete (E1); see E{count + 1}.")
    turned = tuple(replaced(item, id=f"E{count - n}") for n, item in enumerate(desk.draft.evidence))
    other = replaced(turned[3], id=f"E{count + 1}", start=0, end=7, quote=desk.documents[0].text[:7])
    after = redrafted(desk, replaced(desk.draft, evidence=(*turned, other)))
    quotes = {item.id: item.quote for item in after.reviewed.evidence}
    told = re.findall(r"\bE\d+\b", after.reviewed.product.posture)
    assert [quotes[mark] for mark in told] == [desk.draft.evidence[0].quote, "third-party, open source server"]


def test_a_lost_revision_is_named() -> None:
    with pytest.raises(IntegrityError, match="the redraft is missing"):
        _ = CASE.act("redraft", sha256="b" * 64).state
    with pytest.raises(InputError, match="not specified"):
        CASE.act("redraft")
