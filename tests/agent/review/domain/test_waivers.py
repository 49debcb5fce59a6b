"""What is waived is signed without a decision: it is counted, listed and asked for again as that."""

import pytest

from agent.errors import InputError
from agent.report.view import View
from agent.review.domain.acts import unanswered
from agent.review.store.signed import progress
from tests.fakes.review.reviewing import Desk

DESK = Desk.of_case()
FIRST = f"threat/{View(DESK.draft).threats[0].threat.id}"
FACTOR = "factor/autonomy_of_action"


def waiving(desk: Desk, *items: str) -> Desk:
    for item in items:
        desk = desk.act("waive", item, reason="out-of-scope")
    return desk


def test_what_is_waived_is_neither_open_nor_decided() -> None:
    after = waiving(DESK, FACTOR, "posture").act("confirm", "layer/data_operations").state
    assert (after.decided, len(after.waived), len(after.open)) == (1, 2, len(DESK.state.open) - 3)
    told = progress(after)
    assert told is not None
    assert (told.decided, told.waived, told.items) == (1, 2, len(after.own))
    assert "1 of" in View(after.reviewed, (), told).standing
    assert "2 waived" in View(after.reviewed, (), told).standing


def test_a_waived_question_is_still_unanswered_and_the_signature_says_so() -> None:
    asked = [f"question/{one.id}" for one in DESK.draft.questions]
    desk = waiving(DESK, *asked)
    assert len(unanswered(desk.state)) == len(asked)
    stamp = desk.closed().act("sign").state.stamp
    assert stamp is not None
    assert stamp.unanswered == tuple(one.text for one in DESK.draft.questions)
    assert [one.title for one in stamp.waivers] == [one.text for one in DESK.draft.questions]


def test_the_risk_of_the_headline_is_accepted_with_a_note_alone() -> None:
    with pytest.raises(InputError) as refused:
        DESK.act("waive", FIRST, reason="accepted-risk")
    assert refused.value.where == "note"
    noted = DESK.act("waive", FIRST, reason="accepted-risk", note="Accepted by the owner of the base until May.")
    assert noted.one(FIRST).verdict == "waived"
    assert DESK.act("waive", FACTOR, reason="accepted-risk").one(FACTOR).verdict == "waived"


def test_after_a_reopening_the_signer_says_that_waivers_still_hold() -> None:
    signed = waiving(DESK, FACTOR).closed().act("sign")
    again = signed.act("reopen", note="A page changed.")
    assert (again.one(FACTOR).verdict, again.one(FACTOR).earlier, again.state.open) == ("waived", True, ())
    with pytest.raises(InputError) as refused:
        again.act("sign")
    assert refused.value.where == "waivers"
    assert again.act("sign", waivers="hold").state.stage == "signed"
    assert again.act("confirm", FACTOR).act("sign").state.stage == "signed"
