"""The fold of events: a draft that loads, undo, order, strikes, redrafts, signatures."""

import re
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from agent.errors import IntegrityError
from agent.records import Draft
from agent.report.draft_json import dump, parse, verify_evidence
from agent.report.markdown import render
from agent.review.domain.items import threats_of
from agent.review.domain.records import Event, ItemState, Planned, ReviewState
from agent.review.domain.rescore import headline_of, raw_score
from agent.scoring import verify
from tests.fakes.drafts import thin, thin_documents, workos, workos_documents
from tests.fakes.review.reviewing import CHAINED, Desk, golden_draft
from tests.fakes.review.strategies import Step, acted, steps, walked

FACTOR = "factor/autonomy_of_action"
LAWS = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def desks() -> dict[str, Desk]:
    return {
        "case": Desk.of_case(),
        "other case": Desk.of_case("abridge"),
        "chained": Desk.of_case(CHAINED),
        "assisted": Desk(*golden_draft("assisted-0.1.0")),
        "workos": Desk(workos(), workos_documents()),
        "thin": Desk(thin(), thin_documents()),
    }


DESKS = desks()
NAMES = st.sampled_from(sorted(DESKS))


def decided(state: ReviewState) -> tuple[object, ...]:
    """A state but for its version and who touched what last."""
    return state.reviewed, state.drafted, [item_decided(one) for one in state.items], state.contests, state.assigned


def item_decided(one: ItemState) -> ItemState:
    return one.model_copy(update={"changed": 0})


def by_quotes(draft: Draft) -> str:
    """A draft with quotes for ids of evidence and without the order of the evidence."""
    text = dump(draft.model_copy(update={"evidence": ()}))
    for item in sorted(draft.evidence, key=lambda each: -len(each.id)):
        text = text.replace(f'"{item.id}"', f'"{item.document}:{item.start}-{item.end}"')
    return text


# ---------------------------------------------------------------- laws


@LAWS
@given(NAMES, steps)
def test_whatever_was_accepted_gives_a_draft_that_loads(name: str, path: list[Step]) -> None:
    desk = walked(DESKS[name], path)
    reviewed = desk.state.reviewed
    assert parse(dump(reviewed), where="reviewed") == parse(dump(reviewed), where="again")
    verify(reviewed.score)
    verify_evidence(reviewed, desk.texts)
    assert render(reviewed, desk.texts)


@LAWS
@given(NAMES, steps)
def test_the_fold_is_pure_and_reads_stored_events_alike(name: str, path: list[Step]) -> None:
    desk = walked(DESKS[name], path)
    again = Desk(
        desk.draft,
        desk.documents,
        tuple(type(e).model_validate_json(e.model_dump_json()) for e in desk.events),
        {name: parse(dump(made), where=name) for name, made in desk.revisions.items()},
    )
    assert again.state == desk.state


@LAWS
@given(NAMES, steps, steps)
def test_undo_gives_back_the_state_before(name: str, path: list[Step], more: list[Step]) -> None:
    before = walked(DESKS[name], path)
    after, batches = before, 0
    for step in more:
        if step[0] == "undo":
            continue
        new = acted(after, step)
        batches += new.events != after.events
        after = new
    for _ in range(batches):
        after = after.act("undo")
    assert decided(after.state) == decided(before.state)
    assert after.state.undoable == before.state.undoable


@LAWS
@given(NAMES, st.sets(st.integers(0, 60)))
def test_confirming_changes_no_number(name: str, which: set[int]) -> None:
    desk = DESKS[name]
    for at in which:
        items = desk.state.items
        desk = desk.act("confirm", items[at % len(items)].item.id)
    before, after = DESKS[name].draft, desk.state.reviewed
    assert after.score == before.score
    assert {key: (f.value, f.low, f.high) for key, f in after.factors.items()} == {
        key: (f.value, f.low, f.high) for key, f in before.factors.items()
    }
    assert {key: threat.score for key, threat in threats_of(after).items()} == {
        key: threat.score for key, threat in threats_of(before).items()
    }
    assert after.product == before.product


@pytest.mark.slow
@LAWS
@given(NAMES, steps, steps)
def test_the_order_of_events_on_different_items_does_not_matter(name: str, path: list[Step], more: list[Step]) -> None:
    """Two reviewers who saw the same state, each with one act, in either order."""
    start = walked(DESKS[name], path)
    plans = []
    for step in more:
        if step[0] in ("undo", "redo", "add", "assign", "decide", "bulk"):
            continue
        new = acted(start, step)
        items = {event.item for event in new.events[len(start.events) :]}
        if items and all(items.isdisjoint(other) for other, _ in plans):
            plans.append((items, new.events[len(start.events) :]))
    planned = [tuple(_plan(event) for event in events) for _, events in plans[:2]]
    one, two = start, start
    for each in planned:
        one = one.taken(each)
    for each in reversed(planned):
        two = two.taken(each)
    assert by_quotes(one.state.reviewed) == by_quotes(two.state.reviewed)
    assert [state.verdict for state in one.state.items] == [state.verdict for state in two.state.items]


def _plan(event: Event) -> Planned:
    """What was asked for; what follows from the facts is planned anew."""
    after = {name: value for name, value in (event.after or {}).items() if name != "sheet"} or None
    return Planned(
        verb=event.verb, item=event.item, before=event.before, after=after, reason=event.reason, note=event.note
    )


@LAWS
@given(NAMES, st.integers(0, 100), st.booleans())
def test_striking_a_threat_that_is_not_the_headline_changes_no_score(name: str, at: int, first: bool) -> None:
    desk = DESKS[name]
    headline = headline_of(desk.draft)
    others = [key for key in threats_of(desk.draft) if headline is None or key != headline.id]
    if not others:
        return
    for key in others if first else [others[at % len(others)]]:
        desk = desk.act("strike", f"threat/{key}")
    assert desk.state.reviewed.score == desk.draft.score


# ---------------------------------------------------------------- verdicts and what they do to the draft


def test_nothing_done_is_the_draft_itself() -> None:
    for desk in DESKS.values():
        assert desk.state.reviewed == desk.draft
        assert {one.verdict for one in desk.state.items} == {"open"}


def test_only_a_reviewer_makes_it_confirmed_and_unknown_stays_unknown() -> None:
    desk = DESKS["case"].closed()
    for key, factor in desk.state.reviewed.factors.items():
        before = desk.draft.factors[key]
        assert factor.state == ("confirmed" if before.evidence else before.state)
    assert {threat.state for threat in threats_of(desk.state.reviewed).values()} == {"confirmed"}
    assert desk.state.open == ()


def test_a_corrected_factor_says_so_and_adds_up() -> None:
    after = DESKS["case"].act("correct", FACTOR, value=0.2, low=0.1, high=0.4, note="We watched it")
    factor = after.state.reviewed.factors["autonomy_of_action"]
    assert (factor.value, factor.low, factor.high, factor.state) == (
        Decimal("0.2"), Decimal("0.1"), Decimal("0.4"), "confirmed",
    )  # fmt: skip
    assert sum(part.effect for part in factor.parts) == pytest.approx(0.2)
    assert factor.parts[-1].kind == "review"
    assert "We watched it" in factor.rationale
    one = after.one(FACTOR)
    assert (one.verdict, one.before, one.after) == (
        "corrected",
        {
            name: float(getattr(DESKS["case"].draft.factors["autonomy_of_action"], name))
            for name in ("value", "low", "high")
        },
        {"value": 0.2, "low": 0.1, "high": 0.4},
    )


def test_a_struck_factor_falls_back_to_what_is_usual_with_both_in_its_range() -> None:
    before = DESKS["case"].draft.factors["autonomy_of_action"]
    usual = next(part.effect for part in before.parts if part.kind == "typical")
    factor = DESKS["case"].act("strike", FACTOR).state.reviewed.factors["autonomy_of_action"]
    assert (factor.value, factor.state, factor.evidence) == (Decimal(f"{usual:.1f}"), "unknown", ())
    assert factor.value < before.value
    assert factor.low <= min(before.low, factor.value)
    assert factor.high >= before.high


def test_struck_things_are_listed_and_take_their_chains_along() -> None:
    desk = DESKS["chained"]
    threat = desk.draft.chains[0].threats[0]
    after = desk.act("strike", f"threat/{threat}", reason="not-this-product", note="another server")
    alone = {item.what.partition(":")[0]: item.reason for item in after.state.reviewed.dropped}
    assert threat in alone["chain 1"]
    after = after.act("strike", "question/Q1").act("strike", "layer/data_operations").act("strike", "capability/C1")
    reviewed = after.state.reviewed
    assert threat not in threats_of(reviewed)
    assert all(threat not in chain.threats for chain in reviewed.chains)
    assert "C1" not in {one.id for one in reviewed.system.capabilities}
    assert "Q1" not in {one.id for one in reviewed.questions}
    layer = reviewed.layers["data_operations"]
    assert not layer.certain
    assert layer.paragraph.startswith("Not certain from the listing — ")
    reasons = {item.what.partition(":")[0]: item.reason for item in reviewed.dropped}
    assert reasons[f"threat {threat}"] == "struck in review: about another product: another server"
    assert {"capability C1", "question Q1", "paragraph of data_operations"} <= set(reasons)
    assert after.one(f"threat/{threat}").verdict == "struck"  # still an item, so that it can be taken back
    assert threat in threats_of(after.act("confirm", f"threat/{threat}").state.reviewed)


def test_a_chain_keeps_its_number_when_another_one_is_struck() -> None:
    after = DESKS["workos"].act("strike", "chain/1").act("correct", "chain/2", title="Second")
    assert [chain.title for chain in after.state.reviewed.chains] == ["Second"]


def test_attached_quotes_reach_the_draft() -> None:
    desk = DESKS["chained"]
    quote = {"document": "D1", "quote": "Two building blocks sit side by side"}
    for item in ("posture", "factor/self_modification", "layer/data_operations", "capability/C1", "chain/1"):
        after = desk.act("attach", item, **quote)
        (new,) = after.state.reviewed.evidence[len(desk.draft.evidence) :]
        assert new.id == f"E{len(desk.draft.evidence) + 1}"
        assert new.id in after.one(item).item.evidence
        assert f'{new.id}"' in dump(after.state.reviewed).replace(f"({new.id})", f'{new.id}"')
    again = after.act("attach", "posture", **quote)
    assert len(again.state.reviewed.evidence) == len(desk.draft.evidence) + 1  # one span, one id


def test_a_denied_capability_is_not_made_one_that_is_there() -> None:
    desk = DESKS["case"]
    denied = desk.draft.system.capabilities[0].model_copy(update={"state": "denied"})
    system = desk.draft.system.model_copy(update={"capabilities": (denied,)})
    bent = Desk(desk.draft.model_copy(update={"system": system}), desk.documents)
    assert bent.act("confirm", "capability/C1").state.reviewed.system.capabilities[0].state == "denied"


def test_contests_close_with_their_effect() -> None:
    desk = DESKS["case"].act("confirm", FACTOR).act("contest", FACTOR, kind="wrong", text="We ask first.", sender="V")
    assert desk.one(FACTOR).contested
    refused = desk.act("decide", FACTOR, decision="refused", rule="A claim lowers nothing.")
    assert refused.state.contests[0].effect == "no change"
    assert not refused.one(FACTOR).contested
    accepted = desk.act("decide", FACTOR, decision="accepted", rule="Shown.")
    assert accepted.state.contests[0].effect == "open again"
    assert accepted.one(FACTOR).verdict == "open"
    corrected = accepted.act("correct", FACTOR, value=0.1)
    value = desk.draft.factors["autonomy_of_action"].value
    assert corrected.state.contests[0].effect.startswith(f"corrected: value {value:g} → 0.1")
    assert re.search(r"; score (\d\.\d+) → (?!\1)\d\.\d+", corrected.state.contests[0].effect)


def test_a_contest_of_a_corrected_item_opens_it_and_counts_from_there() -> None:
    """The correction is what the contest speaks of, so it is no effect of it."""
    before = DESKS["case"].act("correct", FACTOR, value=0.9)
    asked = before.act("contest", FACTOR, kind="wrong", text="We ask first.", sender="V")
    accepted = asked.act("decide", FACTOR, decision="accepted", rule="Shown.")
    assert accepted.one(FACTOR).verdict == "open"
    assert accepted.state.contests[0].effect == "open again"
    assert accepted.act("confirm", FACTOR).state.contests[0].effect == "looked at again, no change"
    settled = asked.act("correct", FACTOR, value=0.1).act("decide", FACTOR, decision="accepted", rule="Shown.")
    assert settled.one(FACTOR).verdict == "corrected"
    effect = settled.state.contests[0].effect
    assert effect.startswith("corrected: value 0.9 → 0.1")
    told = re.search(r"score (\d\.\d+) → (\d\.\d+)$", effect)
    assert told is not None
    shown = [raw_score(desk.state.reviewed) for desk in (asked, settled)]
    assert [f"{value:.2f}" for value in shown] == list(told.groups())


def test_a_contest_of_a_struck_item_does_not_bring_it_back() -> None:
    threat = f"threat/{next(iter(threats_of(DESKS['case'].draft)))}"
    desk = DESKS["case"].act("strike", threat).act("contest", threat, kind="wrong", text="No such thing.")
    accepted = desk.act("decide", threat, decision="accepted", rule="So it is.")
    assert accepted.one(threat).verdict == "struck"
    assert accepted.state.contests[0].effect == "struck before, no change"


def test_a_signed_review_carries_its_stamp_and_a_reopened_one_does_not() -> None:
    done = DESKS["case"].closed()
    signed = done.act("sign")
    stamp = signed.state.stamp
    assert stamp is not None
    assert (stamp.head, stamp.number) == (signed.events[-1].hash, len(signed.events))
    assert signed.state.reviewed.review == stamp
    assert parse(dump(signed.state.reviewed), where="x").review == stamp
    assert signed.state.reviewed.model_copy(update={"review": None}) == done.state.reviewed
    assert '"review"' not in dump(done.state.reviewed)
    assert signed.act("reopen", note="again").state.stamp is None


# ---------------------------------------------------------------- redrafts


def redrafted(desk: Desk, draft: Draft) -> Desk:
    revised = Desk(desk.draft, desk.documents, desk.events, {**desk.revisions, "a" * 64: draft})
    return revised.act("redraft", sha256="a" * 64)


def test_a_redraft_keeps_decisions_and_opens_what_it_moved() -> None:
    desk = DESKS["chained"].act("confirm", FACTOR).act("confirm", "factor/dynamic_tool_use")
    desk = desk.act("correct", "posture", text="Ours (E1).").act("strike", "chain/1")
    factors = dict(desk.draft.factors)
    factors["autonomy_of_action"] = factors["autonomy_of_action"].model_copy(update={"value": Decimal("0.45")})
    after = redrafted(desk, desk.draft.model_copy(update={"factors": factors}))
    assert after.one(FACTOR).verdict == "open"
    assert after.one(FACTOR).changed == len(after.events)
    assert after.one("factor/dynamic_tool_use").verdict == "confirmed"
    assert after.state.reviewed.product.posture == "Ours (E1)."
    assert desk.draft.chains[0] not in after.state.reviewed.chains
    assert after.state.undoable == len(after.events)
    back = after.act("undo")
    assert dump(back.state.reviewed) == dump(desk.state.reviewed)
    assert back.one(FACTOR).verdict == "confirmed"
    assert dump(back.act("redo").state.reviewed) == dump(after.state.reviewed)
    assert after.act("confirm", FACTOR).act("undo").one(FACTOR).verdict == "open"


def test_evidence_that_a_redraft_numbers_otherwise_is_still_the_same_quote() -> None:
    desk = DESKS["case"].act("attach", FACTOR, document="D1", quote="third-party, open source server")
    attached = f"E{len(desk.draft.evidence) + 1}"
    desk = desk.act("correct", "posture", text=f"It can delete (E1); see {attached}.")
    turned = tuple(
        item.model_copy(update={"id": f"E{len(desk.draft.evidence) + 1 - n}"})
        for n, item in enumerate(desk.draft.evidence, start=1)
    )
    other = turned[3].model_copy(update={"id": attached, "start": 0, "end": 7, "quote": desk.documents[0].text[:7]})
    after = redrafted(desk, desk.draft.model_copy(update={"evidence": (*turned, other)}))
    quotes = {item.id: item.quote for item in after.state.reviewed.evidence}
    told = after.state.reviewed.product.posture
    first, last = (word.strip("(;.)") for word in told.split() if word.strip("(;.)") in quotes)
    assert quotes[first] == desk.draft.evidence[0].quote
    assert quotes[last] == "third-party, open source server"


def test_a_lost_revision_is_named() -> None:
    desk = DESKS["case"].act("redraft", sha256="b" * 64)
    with pytest.raises(IntegrityError, match="made again is missing"):
        _ = desk.state


# ---------------------------------------------------------------- speed
