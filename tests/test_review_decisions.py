"""What to decide first, what is weak, what a decision moved."""

from agent.review.decisions import (
    MAX_DECISIONS,
    first_decisions,
    review_order,
    what_moved,
)
from agent.review.rescore import headline_of
from tests.fakes.drafts import thin, thin_documents
from tests.fakes.review_strategies import VECTORS
from tests.fakes.reviewing import Desk, golden_draft

CASE = Desk.of_case("abridge")
DESKS = (CASE, Desk.of_case(), Desk(*golden_draft("assisted-0.1.0")), Desk(thin(), thin_documents()))
FACTOR = "factor/autonomy_of_action"


def test_at_most_fifteen_decisions_all_open_the_heaviest_first() -> None:
    for desk in DESKS:
        found = first_decisions(desk.state)
        assert 0 < len(found) <= MAX_DECISIONS
        assert all(decision.state in desk.state.open and decision.why for decision in found)
        order = [(not decision.moves_band, -decision.weight) for decision in found]
        assert order == sorted(order)


def test_the_headline_comes_before_what_cannot_move_the_band() -> None:
    headline = headline_of(CASE.draft)
    assert headline is not None
    assert first_decisions(CASE.state)[0].state.item.id == f"threat/{headline.id}"
    decided = CASE.act("confirm", f"threat/{headline.id}")
    assert f"threat/{headline.id}" not in {each.state.item.id for each in first_decisions(decided.state)}


def test_where_no_number_is_shown_layers_come_first() -> None:
    found = first_decisions(DESKS[-1].state)
    assert {decision.state.item.kind for decision in found[:7]} == {"layer"}
    assert "0 of 7 layers certain, 2 needed" in found[0].why


def test_a_factor_that_was_decided_moves_nothing_any_more() -> None:
    assert CASE.one(FACTOR).item.weight > 0
    after = CASE.act("correct", FACTOR, value=0.3)
    assert after.one(FACTOR).item.weight == 0
    assert FACTOR not in {each.state.item.id for each in first_decisions(after.state)}


def test_weak_spots_come_first_and_every_open_item_is_there_once() -> None:
    desk = Desk.of_case()
    spots = review_order(desk.state)
    assert sorted(s.state.item.id for s in spots) == sorted(s.item.id for s in desk.state.open)
    assert spots[0].why[0].startswith("contradicted")
    weak = [bool(spot.why) for spot in spots]
    assert weak == sorted(weak, reverse=True)
    contested = desk.act("contest", "posture", kind="outdated", text="Since May it cannot.")
    assert review_order(contested.state)[0].state.item.id == "posture"
    assert review_order(contested.state)[0].why == ("contested",)


def test_what_moved_names_the_factor_and_its_points() -> None:
    after = CASE.act("correct", FACTOR, value=0.1)
    moved = what_moved(CASE.state, after.state)
    assert moved.text == "8.1 High → 8.0 High: Autonomy of Action 0.4 → 0.1 (-0.08 points)"
    assert (moved.before.aivss, moved.after.aivss) == (CASE.draft.score.aivss, after.state.reviewed.score.aivss)


def test_what_moved_names_headline_vector_layers_and_controls() -> None:
    desk = Desk.of_case()
    headline = headline_of(desk.draft)
    assert headline is not None
    struck = what_moved(desk.state, desk.act("strike", f"threat/{headline.id}").state)
    assert f"headline {headline.id}" in struck.causes[0]
    assert "base 8.7 → 8.7" in struck.causes[0]
    milder = what_moved(desk.state, desk.act("correct", f"threat/{headline.id}", cvss_vector=VECTORS[1]).state)
    assert milder.causes[0].startswith(f"{headline.id} ")
    layers = desk.act("strike", "layer/data_operations").act("strike", "layer/deployment_infrastructure")
    layers = layers.act("strike", "layer/agent_ecosystem")
    moved = what_moved(desk.state, layers.state)
    assert moved.after.aivss is None
    assert moved.text.startswith("9.2 Critical → not scored: L2 Data Operations now not certain")
    assert moved.causes[-1] == "withheld: only 1 of 7 layers is certain"
    controlled = desk.act("correct", "score", mitigation_factor=0.9, evidence=["E7"])
    assert what_moved(desk.state, controlled.state).causes == ("with controls none → 8.3",)
    assert what_moved(layers.state, desk.state).causes[-1] == "a number is shown again"


def test_nothing_moved_is_said() -> None:
    assert what_moved(CASE.state, CASE.act("confirm", "posture").state).text == "8.1 High: nothing moved the score"


def test_a_range_that_was_decided_is_named() -> None:
    value = float(CASE.draft.factors["autonomy_of_action"].value)
    moved = what_moved(CASE.state, CASE.act("correct", FACTOR, value=value).state)
    assert moved.causes == ("Autonomy of Action range 0.1–0.6 → 0.4–0.4",)
