"""What to decide first, what is weak, what a decision moved."""

from decimal import Decimal

from agent.review.domain.effects.decisions import (
    MAX_DECISIONS,
    first_decisions,
    review_order,
    what_moved,
)
from agent.review.domain.rescore import headline_of
from tests.fakes.drafts import thin, thin_documents
from tests.fakes.review.reviewing import Desk, golden_draft
from tests.fakes.review.strategies import VECTORS

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
    found = first_decisions(CASE.state)
    at = next(n for n, decision in enumerate(found) if decision.state.item.id == f"threat/{headline.id}")
    assert all(decision.moves_band for decision in found[: at + 1])
    assert any(not decision.moves_band for decision in found[at + 1 :])
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
    case = Desk.of_case()
    layers = dict(case.draft.layers)
    first = layers["agent_frameworks"].threats[0].model_copy(update={"state": "contradicted"})
    layers["agent_frameworks"] = layers["agent_frameworks"].model_copy(update={"threats": (first,)})
    desk = Desk(case.draft.model_copy(update={"layers": layers}), case.documents)
    spots = review_order(desk.state)
    assert sorted(s.state.item.id for s in spots) == sorted(s.item.id for s in desk.state.open)
    assert spots[0].why[0].startswith("contradicted")
    weak = [bool(spot.why) for spot in spots]
    assert weak == sorted(weak, reverse=True)
    contested = desk.act("contest", "posture", kind="outdated", text="Since May it cannot.")
    assert review_order(contested.state)[0].state.item.id == "posture"
    assert review_order(contested.state)[0].why == ("contested",)


def test_what_moved_names_the_factor_and_its_points() -> None:
    desk = Desk.of_case()
    value = desk.draft.factors["autonomy_of_action"].value
    after = desk.act("correct", FACTOR, value=1.0)
    moved = what_moved(desk.state, after.state)
    was, now = desk.draft.score, after.state.reviewed.score
    assert was.cvss_base is not None
    assert (was.aivss, was.likely_low) != (now.aivss, now.likely_low)
    points = (10 - was.cvss_base) / 10 * Decimal("0.97") * (1 - value)
    same = was.aivss == now.aivss
    change = f"score stays {now.aivss}" if same else f"{was.aivss} {was.severity} → {now.aivss}"
    assert moved.text == f"{change} {now.severity}: Autonomy of Action {value} → 1.0 ({points:+.2f} points)"
    assert (moved.before.aivss, moved.after.aivss) == (was.aivss, now.aivss)


def test_what_moved_names_headline_vector_layers_and_controls() -> None:
    desk = Desk.of_case()
    headline = headline_of(desk.draft)
    assert headline is not None
    after = desk.act("strike", f"threat/{headline.id}").state
    struck = what_moved(desk.state, after)
    now = headline_of(after.reviewed)
    assert now is not None
    assert f"headline now “{now.title}”" in struck.causes[0]
    assert f"base {headline.score.cvss_base} → {after.reviewed.score.cvss_base}" in struck.causes[0]
    graver = what_moved(desk.state, desk.act("correct", f"threat/{headline.id}", cvss_vector=VECTORS[0]).state)
    assert graver.causes[0].startswith(f"“{headline.title}” (")
    certain = [key for key, layer in desk.draft.layers.items() if layer.certain]
    layers = desk
    for key in certain[:-1]:
        layers = layers.act("strike", f"layer/{key}")
    assert certain[0] == "data_operations"
    moved = what_moved(desk.state, layers.state)
    assert moved.after.aivss is None
    assert moved.text.startswith(
        f"{desk.draft.score.aivss} {desk.draft.score.severity} → not scored: L2 Data Operations now not certain"
    )
    assert moved.causes[-1] == "withheld: only 1 of 7 layers is certain"
    controlled = desk.act("correct", "score", mitigation_factor=0.9, evidence=["E7"])
    lower = controlled.state.reviewed.score.with_controls
    assert lower is not None
    assert what_moved(desk.state, controlled.state).causes == (f"with controls none → {lower.aivss}",)
    assert what_moved(layers.state, desk.state).causes[-1] == "a number is shown again"


def test_nothing_moved_is_said() -> None:
    score = CASE.draft.score
    told = what_moved(CASE.state, CASE.act("confirm", "posture").state).text
    assert told == f"score stays {score.aivss} {score.severity}"


def test_a_range_that_was_decided_is_named() -> None:
    drafted = CASE.draft.factors["autonomy_of_action"]
    moved = what_moved(CASE.state, CASE.act("correct", FACTOR, value=float(drafted.value)).state)
    value = drafted.value
    assert moved.causes == (f"Autonomy of Action range {drafted.low}–{drafted.high} → {value}–{value}",)
