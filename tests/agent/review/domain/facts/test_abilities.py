"""What the product can do is one list: an ability is decided over through the facts that give it."""

import pytest

from agent.errors import InputError
from agent.report.draft_json import dump
from tests.fakes.review.reviewing import Desk, golden_draft

DESK = Desk.of_case("firecrawl-mcp")
ABILITY = "capability/C1"
(FACT,) = DESK.one(ABILITY).via


def test_an_ability_struck_is_its_fact_struck_with_all_that_hangs_on_it() -> None:
    after = DESK.act("strike", ABILITY)
    assert after.state == DESK.act("strike", FACT).state
    assert after.one(FACT).verdict == "struck"
    assert (after.one(ABILITY).verdict, after.one(ABILITY).fell) == ("struck", True)
    assert dump(after.act("confirm", FACT).state.reviewed) == dump(DESK.act("confirm", FACT).state.reviewed)


def test_an_ability_is_no_second_thing_to_decide_over() -> None:
    assert ABILITY not in {one.item.id for one in (*DESK.state.own, *DESK.state.open)}
    assert DESK.act("confirm", FACT).one(ABILITY).verdict == "confirmed"
    assert DESK.act("waive", FACT, reason="out-of-scope").state.waived[0].item.id == FACT
    with pytest.raises(InputError, match="its facts are decided"):
        DESK.act("waive", ABILITY)


def test_a_correction_or_a_contest_makes_it_an_item_of_its_own() -> None:
    corrected = DESK.act("correct", ABILITY, approver="the user")
    assert (corrected.one(ABILITY).via, corrected.one(ABILITY).verdict) == ((), "corrected")
    contested = DESK.act("contest", ABILITY, kind="wrong", text="It reads files alone.")
    assert ABILITY in {one.item.id for one in contested.state.open}


def test_drafts_whose_facts_do_not_give_it_keep_it_as_an_item() -> None:
    draft, documents = golden_draft("first-0.1.0")
    desk = Desk(draft, documents)
    abilities = [one for one in desk.state.items if one.item.kind == "capability"]
    assert abilities
    assert not any(one.via for one in abilities)
    assert desk.act("strike", abilities[0].item.id).one(abilities[0].item.id).verdict == "struck"
