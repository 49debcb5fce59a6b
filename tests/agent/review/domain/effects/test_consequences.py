"""What a decision takes along: the words of a threat, the numbers that texts call threats by, rows, conditions."""

import re
from decimal import Decimal

import pytest

from agent.errors import InputError
from agent.records import Advice, Draft, FactLine, Threat
from agent.report.markdown import render
from agent.report.report import build
from agent.report.view import View
from agent.review.domain.effects.consequences import dependents, parts_of
from agent.review.domain.effects.decisions import Moved, what_moved
from agent.review.domain.items import threats_of
from agent.review.domain.rescore import headline_of
from agent.review.domain.revise import renumbered
from evals.metrics.report_check import check
from tests.fakes.review.reviewing import Desk, golden_draft
from tests.fakes.review.strategies import VECTORS

CASE = Desk.of_case()
WORKS = Desk.of_case("dify")


def placed(draft: Draft, place: int) -> Threat:
    return next(item.threat for item in View(draft).threats if item.place == place)


def advice(draft: Draft) -> Advice:
    assert draft.advice is not None
    return draft.advice


def text(desk: Desk) -> str:
    return render(desk.state.reviewed, desk.documents)


# ---------------------------------------------------------------- how a threat goes


def test_how_a_threat_goes_is_corrected_and_exported() -> None:
    threat = placed(CASE.draft, 1)
    assert threat.how[:40] in text(CASE)
    after = CASE.act("correct", f"threat/{threat.id}", how="Whoever edits a record steers it (E3).", lost="the base")
    reviewed = threats_of(after.state.reviewed)[threat.id]
    assert (reviewed.how, reviewed.lost, reviewed.basis) == (
        "Whoever edits a record steers it (E3).", "the base", threat.basis,
    )  # fmt: skip
    assert "Whoever edits a record steers it" in text(after)
    assert "the base" in text(after)
    assert threat.how not in text(after)


def test_a_corrected_statement_is_what_reports_tell() -> None:
    threat = placed(CASE.draft, 1)
    after = CASE.act("correct", f"threat/{threat.id}", statement={"action": "overwrite the price list"})
    assert "overwrite the price list" in text(after)
    assert threat.how not in text(after)
    assert threats_of(after.state.reviewed)[threat.id].lost == threat.lost
    moved = CASE.act("correct", f"threat/{threat.id}", statement={"impact": "wrong prices"})
    assert threats_of(moved.state.reviewed)[threat.id].lost == ""
    both = CASE.act("correct", f"threat/{threat.id}", statement={"action": "overwrite"}, how="It overwrites (E3).")
    assert threats_of(both.state.reviewed)[threat.id].how == "It overwrites (E3)."


@pytest.mark.parametrize("name", ["how", "lost"])
def test_words_of_a_threat_name_known_quotes_only(name: str) -> None:
    with pytest.raises(InputError) as refused:
        CASE.act("correct", f"threat/{placed(CASE.draft, 1).id}", **{name: "It does (E99)."})
    assert refused.value.where == name


def test_a_threat_by_hand_may_say_how_it_goes() -> None:
    after = CASE.act(
        "add", layer="agent_frameworks", title="Prices change", cvss_vector=VECTORS[1],
        how="Anybody edits prices (E3).", lost="the price list", evidence=["E3"],
        statement=dict.fromkeys(("source", "prerequisite", "action", "impact", "asset"), "a thing"),
    )  # fmt: skip
    assert threats_of(after.state.reviewed)["H1-prices-change"].lost == "the price list"
    assert "Anybody edits prices" in text(after)


# ---------------------------------------------------------------- numbers of threats


def test_texts_call_threats_by_the_numbers_of_the_reviewed_draft() -> None:
    named = next(q for q in WORKS.draft.questions if len(re.findall(r"\bT\d+\b", q.changes)) > 1)
    _, other = re.findall(r"\bT\d+\b", named.changes)[:2]
    was = {item.name: item.threat.id for item in View(WORKS.draft).threats}
    after = WORKS.act("correct", "score", headline=was[other]).state.reviewed
    assert placed(after, 1).id == was[other]
    # A number is what people call a threat by, wherever it stands.
    assert {item.threat.id: item.name for item in View(after).threats} == {name: tag for tag, name in was.items()}
    assert next(question for question in after.questions if question.id == named.id).changes == named.changes


def test_a_sentence_about_a_struck_threat_is_left_out_and_what_a_reviewer_wrote_is_not() -> None:
    threat = placed(WORKS.draft, 4)
    after = WORKS.act("correct", "posture", text="T1 is ours (E4).").act("strike", f"threat/{threat.id}")
    reviewed = after.state.reviewed
    assert reviewed.product.posture == "T1 is ours (E4)."
    held = {item.name: item.threat.id for item in View(reviewed).threats}
    was = {item.name: item.threat.id for item in View(WORKS.draft).threats}
    for question, before in zip(reviewed.questions, WORKS.draft.questions, strict=True):
        numbers = re.findall(r"\bT\d+\b", question.changes)
        assert set(numbers) <= held.keys()
        told = [was[number] for number in re.findall(r"\bT\d+\b", before.changes)]
        assert [held[number] for number in numbers] == ([] if threat.id in told else told)
    assert not [each for each in check(build(reviewed, after.documents)) if "is named and not listed" in each]


def test_older_drafts_number_nothing_in_their_texts() -> None:
    draft, _ = golden_draft("first-0.1.0")
    assert renumbered(draft, draft) is draft
    assert renumbered(WORKS.draft, WORKS.draft) is WORKS.draft


# ---------------------------------------------------------------- rows of abilities


def test_a_corrected_capability_is_in_the_report() -> None:
    after = CASE.act("correct", "capability/C1", approver="the owner of the base", object="records of one base")
    rows = {line.label: line for line in after.state.reviewed.lines}
    assert rows["Acts"].text.startswith("It deletes records of one base (E3")
    assert "after approval by the owner of the base" in rows["Approval"].text
    assert "not stated" not in rows["Approval"].text
    assert "after approval by the owner of the base" in text(after)
    assert after.act("undo").state.reviewed.lines == CASE.draft.lines


def test_a_row_on_a_struck_capability_gives_way_to_what_is_left() -> None:
    first, *others = WORKS.draft.system.capabilities
    marks = (*first.evidence, "E6")
    row = FactLine(label="Acts", text="It runs shell commands and code [E4, E6].", facts=(), evidence=marks)
    bent = Desk(WORKS.draft.model_copy(update={"facts": None, "lines": (row, *WORKS.draft.lines)}), WORKS.documents)
    after = bent.act("strike", f"capability/{first.id}").state.reviewed
    acts = next(line for line in after.lines if line.label == "Acts")
    assert "shell commands" not in acts.text
    assert others[0].object in acts.text
    assert set(acts.evidence).isdisjoint(first.evidence)
    assert after.lines[1:] == bent.draft.lines[1:]


# ---------------------------------------------------------------- conditions and what remains


def test_conditions_speak_of_threats_that_stand() -> None:
    threat = placed(CASE.draft, 1)
    before, after = advice(CASE.draft), advice(CASE.act("strike", f"threat/{threat.id}").state.reviewed)
    assert any(threat.id in each.threats for each in before.conditions)
    assert not any(threat.id in (*each.threats, *each.after) for each in after.conditions)
    assert all(each.threats for each in after.conditions)


def test_what_remains_counts_what_a_reviewer_made_graver_or_added() -> None:
    before = advice(CASE.draft).residual
    assert before is not None
    threat = placed(CASE.draft, 1)
    graver = advice(CASE.act("correct", f"threat/{threat.id}", cvss_vector=VECTORS[0]).state.reviewed)
    assert graver.residual is not None
    assert (graver.residual.threat, graver.residual.after) == (threat.id, Decimal("10.0"))
    assert graver.proposal == "wait for answers"
    assert not any(threat.id in each.after for each in graver.conditions)
    milder = advice(CASE.act("strike", f"threat/{before.threat}").state.reviewed)
    assert milder.residual is not None
    assert milder.residual.after <= before.after
    assert milder.residual.threat != before.threat


def test_confirming_leaves_advice_rows_and_numbers_alone() -> None:
    for desk in (CASE, WORKS):
        reviewed = desk.closed().state.reviewed
        assert reviewed.advice == desk.draft.advice
        assert reviewed.lines == desk.draft.lines
        assert reviewed.questions == desk.draft.questions
        assert headline_of(reviewed) is not None
        assert reviewed.controls == desk.draft.controls
        assert reviewed.facts is not None
        assert {fact.state for fact in reviewed.facts.facts} == {"confirmed"}


def test_an_llm_that_was_more_careful_than_the_numbers_stays_so() -> None:
    careful = CASE.draft.model_copy(
        update={"advice": advice(CASE.draft).model_copy(update={"proposal": "wait for answers"})}
    )
    after = Desk(careful, CASE.documents).act("strike", f"threat/{View(CASE.draft).threats[-1].threat.id}")
    assert advice(after.state.reviewed).proposal == "wait for answers"


# ---------------------------------------------------------------- chains


def test_a_chain_that_lost_a_threat_waits_for_no_decision_until_that_is_back() -> None:
    desk = next(one for one in (Desk.of_case("firecrawl-mcp"), WORKS, CASE) if one.draft.chains)

    def chain(at: Desk) -> tuple[str, bool]:
        one = next(each for each in at.state.items if each.item.id == "chain/1")
        return one.verdict, one.fell

    assert chain(desk) == ("open", False)
    struck = desk.act("strike", f"threat/{desk.draft.chains[0].threats[-1]}")
    assert chain(struck) == ("struck", True)
    assert "chain/1" not in {one.item.id for one in struck.state.open}
    assert chain(struck.act("undo")) == ("open", False)
    decided = desk.act("confirm", "chain/1").act("strike", f"threat/{desk.draft.chains[0].threats[-1]}")
    assert decided.state.reviewed.chains == desk.draft.chains[1:]
    assert chain(decided) == ("struck", True)
    assert chain(decided.act("undo"))[0] == "confirmed"


# ---------------------------------------------------------------- what a strike falls and changes


FIRECRAWL = Desk.of_case("firecrawl-mcp")


def strike(desk: Desk, item: str) -> tuple[Desk, Moved]:
    after = desk.act("strike", item, reason="not-supported")
    return after, what_moved(desk.state, after.state)


def test_a_strike_says_what_falls_or_changes_wherever_something_rests_on_the_fact() -> None:
    state = FIRECRAWL.state
    assert state.drafted.facts is not None
    resting = dependents(state.based, state.numbers)
    for fact in state.drafted.facts.facts:
        after, moved = strike(FIRECRAWL, f"fact/{fact.id}")
        told = (*moved.falls, *moved.alters, *moved.causes)
        assert bool(told) >= bool(resting[fact.id]), fact.key
        # What is said to fall is gone, and what is said to change is there.
        gone = set(parts_of(after.state.reviewed))
        assert not gone & set(moved.falls)
        assert not set(moved.falls) & set(moved.alters)
        back = what_moved(after.state, FIRECRAWL.state)
        assert back.returns == moved.falls


def test_what_was_struck_already_does_not_fall() -> None:
    facts = {fact.key: fact.id for fact in FIRECRAWL.draft.facts.facts} if FIRECRAWL.draft.facts else {}
    _, whole = strike(FIRECRAWL, f"fact/{facts['reads_web']}")
    threat = next(t for t in threats_of(FIRECRAWL.draft).values() if facts["reads_web"] in t.facts)
    assert any(threat.title in each for each in whole.falls)
    before, _ = strike(FIRECRAWL, f"threat/{threat.id}")
    _, moved = strike(before, f"fact/{facts['reads_web']}")
    assert not any(threat.title in each for each in moved.falls)


def test_a_strike_that_raises_the_score_names_a_threat_that_does_not_rest_on_what_was_struck() -> None:
    facts = {fact.key: fact.id for fact in FIRECRAWL.draft.facts.facts} if FIRECRAWL.draft.facts else {}
    after, moved = strike(FIRECRAWL, f"fact/{facts['reads_web']}")
    now = headline_of(after.state.reviewed)
    assert now is not None
    assert now.title in moved.why
    assert facts["reads_web"] not in now.facts
    lost = {one.id for one in FIRECRAWL.draft.evidence} - {one.id for one in after.state.reviewed.evidence}
    assert not lost & set(now.evidence)
