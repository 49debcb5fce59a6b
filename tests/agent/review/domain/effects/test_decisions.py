"""What to decide first, what is weakly supported, and what a decision changed."""

from decimal import Decimal

import pytest

from agent.review.domain.effects.decisions import MAX_DECISIONS, first_decisions, review_order, what_moved
from agent.review.domain.records import replaced
from agent.review.domain.rescore import headline_of
from tests.fakes.review.fact_desks import DESKS
from tests.fakes.review.reviewing import GRAVE, Desk

CASE, OTHER, THIN = DESKS["other case"], DESKS["case"], DESKS["thin"]
FACTOR = "factor/autonomy_of_action"


@pytest.mark.parametrize("desk", [CASE, OTHER, DESKS["assisted"], THIN])
def test_at_most_fifteen_decisions_all_open_the_heaviest_first(desk: Desk) -> None:
    found = first_decisions(desk.state)
    assert 0 < len(found) <= MAX_DECISIONS
    assert all(decision.state in desk.state.open and decision.why for decision in found)
    order = [(not decision.moves_band, -decision.weight) for decision in found]
    assert order == sorted(order)


def decided(desk: Desk) -> list[str]:
    return [each.state.item.id for each in first_decisions(desk.state)]


def test_what_moves_the_band_comes_first_and_what_is_decided_not_at_all() -> None:
    headline = headline_of(CASE.draft)
    item, found = f"threat/{headline.id}", first_decisions(CASE.state)
    at = decided(CASE).index(item)
    assert all(decision.moves_band for decision in found[: at + 1])
    assert any(not decision.moves_band for decision in found[at + 1 :])
    assert item not in decided(CASE.act("confirm", item))
    assert CASE.one(FACTOR).item.weight > 0
    after = CASE.act("correct", FACTOR, value=0.3)
    assert after.one(FACTOR).item.weight == 0
    assert FACTOR not in decided(after)


def test_where_no_number_is_shown_layers_come_first() -> None:
    found = first_decisions(THIN.state)
    assert {decision.state.item.kind for decision in found[:7]} == {"layer"}
    assert "0 of 7 layers are certain, 2 are needed" in found[0].why


def test_weak_spots_come_first_and_every_open_item_is_there_once() -> None:
    layer = OTHER.draft.layers["agent_frameworks"]
    layers = {**OTHER.draft.layers}
    layers["agent_frameworks"] = replaced(layer, threats=(replaced(layer.threats[0], state="contradicted"),))
    desk = Desk(replaced(OTHER.draft, layers=layers), OTHER.documents)
    spots = review_order(desk.state)
    assert sorted(s.state.item.id for s in spots) == sorted(s.item.id for s in desk.state.open)
    assert spots[0].why[0].startswith("contradicted")
    weak = [bool(spot.why) for spot in spots]
    assert weak == sorted(weak, reverse=True)
    (first, *_) = review_order(desk.act("contest", "posture", kind="outdated", text="Since May it cannot.").state)
    assert (first.state.item.id, first.why) == ("posture", ("contested",))


def test_what_moved_names_the_factor_and_its_points() -> None:
    after, value = OTHER.act("correct", FACTOR, value=1.0), OTHER.draft.factors["autonomy_of_action"].value
    moved, was, now = what_moved(OTHER.state, after.state), OTHER.draft.score, after.reviewed.score
    assert (was.aivss, was.likely_low) != (now.aivss, now.likely_low)
    points = (10 - was.cvss_base) / 10 * Decimal("0.97") * (1 - value)
    change = f"score stays {now.aivss}" if was.aivss == now.aivss else f"{was.aivss} {was.severity} → {now.aivss}"
    assert moved.text == f"{change} {now.severity}: Autonomy of Action {value} → 1.0 ({points:+.2f} points)"
    assert (moved.before.aivss, moved.after.aivss) == (was.aivss, now.aivss)


def test_what_moved_names_headline_vector_layers_and_controls() -> None:
    headline, score = headline_of(OTHER.draft), OTHER.draft.score
    after = OTHER.act("strike", f"threat/{headline.id}").state
    now, struck = headline_of(after.reviewed), what_moved(OTHER.state, after)
    assert f"headline now “{now.title}”" in struck.causes[0]
    assert f"base {headline.score.cvss_base} → {after.reviewed.score.cvss_base}" in struck.causes[0]
    graver = what_moved(OTHER.state, OTHER.act("correct", f"threat/{headline.id}", cvss_vector=GRAVE).state)
    assert graver.causes[0].startswith(f"“{headline.title}” (")
    certain = [key for key, layer in OTHER.draft.layers.items() if layer.certain]
    assert certain[0] == "data_operations"
    layers = OTHER
    for key in certain[:-1]:
        layers = layers.act("strike", f"layer/{key}")
    moved = what_moved(OTHER.state, layers.state)
    assert moved.after.aivss is None
    assert moved.text.startswith(f"{score.aivss} {score.severity} → not scored: L2 Data Operations now not certain")
    assert moved.causes[-1] == "withheld: only 1 of the 7 layers is certain"
    assert what_moved(layers.state, OTHER.state).causes[-1] == "a score is shown again"
    controlled = OTHER.act("correct", "score", mitigation_factor=0.9, evidence=["E7"])
    lower = controlled.reviewed.score.with_controls
    assert what_moved(OTHER.state, controlled.state).causes == (f"with controls none → {lower.aivss}",)


def test_nothing_moved_and_a_range_that_was_decided_are_said() -> None:
    score, drafted = CASE.draft.score, CASE.draft.factors["autonomy_of_action"]
    told = what_moved(CASE.state, CASE.act("confirm", "posture").state).text
    assert told == f"score stays {score.aivss} {score.severity}"
    moved = what_moved(CASE.state, CASE.act("correct", FACTOR, value=float(drafted.value)).state)
    ends = f"{drafted.low}–{drafted.high} → {drafted.value}–{drafted.value}"
    assert moved.causes == (f"Autonomy of Action range {ends}",)
