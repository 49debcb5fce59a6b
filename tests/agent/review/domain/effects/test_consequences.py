"""Consequences of a decision: for the text of threats, the threat numbers in texts, rows and conditions."""

import re
from collections import Counter
from decimal import Decimal

import pytest

from agent.records import Draft, Fact, FactLine, Threat
from agent.report.markdown import render
from agent.report.report import build
from agent.report.view import View
from agent.review.domain.effects.consequences import dependents, parts_of
from agent.review.domain.effects.decisions import Moved, what_moved
from agent.review.domain.items import fact_marks, facts_of
from agent.review.domain.records import replaced
from agent.review.domain.rescore import headline_of
from agent.review.domain.revise import renumbered
from evals.metrics.report_check import check
from tests.fakes.review.reviewing import GRAVE, Desk, golden_draft

CASE = Desk.of_case()
WORKS = Desk.of_case("dify")
FIRECRAWL = Desk.of_case("firecrawl-mcp")
TAG = re.compile(r"\bT\d+\b")


def placed(draft: Draft, place: int) -> Threat:
    return next(item.threat for item in View(draft).threats if item.place == place)


FIRST = placed(CASE.draft, 1)
ITEM = f"threat/{FIRST.id}"


def text(desk: Desk) -> str:
    return render(desk.reviewed, desk.documents)


def names(draft: Draft) -> dict[str, str]:
    return {item.name: item.threat.id for item in View(draft).threats}


# ---------------------------------------------------------------- how a threat is removed


def test_how_a_threat_goes_is_corrected_and_exported() -> None:
    assert FIRST.how[:40] in text(CASE)
    after = CASE.act("correct", ITEM, how="Whoever edits a record steers it (E3).", lost="the base")
    made = after.threats[FIRST.id]
    assert (made.how, made.lost, made.basis) == ("Whoever edits a record steers it (E3).", "the base", FIRST.basis)
    assert "Whoever edits a record steers it" in text(after)
    assert "the base" in text(after)
    assert FIRST.how not in text(after)


def test_a_corrected_statement_is_what_reports_tell() -> None:
    after = CASE.act("correct", ITEM, statement={"action": "overwrite the price list"})
    assert "overwrite the price list" in text(after)
    assert FIRST.how not in text(after)
    assert after.threats[FIRST.id].lost == FIRST.lost
    assert CASE.act("correct", ITEM, statement={"impact": "wrong prices"}).threats[FIRST.id].lost == ""
    both = CASE.act("correct", ITEM, statement={"action": "overwrite"}, how="It overwrites (E3).")
    assert both.threats[FIRST.id].how == "It overwrites (E3)."


# ---------------------------------------------------------------- numbers of threats


def test_texts_call_threats_by_the_numbers_of_the_reviewed_draft() -> None:
    named = next(q for q in WORKS.draft.questions if len(TAG.findall(q.changes)) > 1)
    was, other = names(WORKS.draft), TAG.findall(named.changes)[1]
    after = WORKS.act("correct", "score", headline=was[other]).reviewed
    assert placed(after, 1).id == was[other]
    # A number is how people refer to a threat, wherever it occurs.
    assert names(after) == was
    assert next(question for question in after.questions if question.id == named.id).changes == named.changes


def test_a_sentence_about_a_struck_threat_is_left_out_and_what_a_reviewer_wrote_is_not() -> None:
    threat = placed(WORKS.draft, 4)
    after = WORKS.act("correct", "posture", text="T1 is ours (E4).").act("strike", f"threat/{threat.id}")
    held, was = names(after.reviewed), names(WORKS.draft)
    assert after.reviewed.product.posture == "T1 is ours (E4)."
    for question, before in zip(after.reviewed.questions, WORKS.draft.questions, strict=True):
        told = [was[number] for number in TAG.findall(before.changes)]
        assert [held[number] for number in TAG.findall(question.changes)] == ([] if threat.id in told else told)
    assert not [each for each in check(build(after.reviewed, after.documents)) if "is mentioned but not listed" in each]


def test_older_drafts_number_nothing_in_their_texts() -> None:
    for draft in (golden_draft("first-0.1.0")[0], WORKS.draft):
        assert renumbered(draft, draft) is draft


# ---------------------------------------------------------------- rows of abilities


def test_a_corrected_capability_is_in_the_report() -> None:
    after = CASE.act("correct", "capability/C1", approver="the owner of the base", object="records of one base")
    rows = {line.label: line.text for line in after.reviewed.lines}
    assert re.match(r"It deletes records of one base \(E\d", rows["Acts"])
    assert "after approval by the owner of the base" in rows["Approval"]
    assert "not stated" not in rows["Approval"]
    assert "after approval by the owner of the base" in text(after)
    assert after.act("undo").reviewed.lines == CASE.draft.lines


def test_a_row_on_a_struck_capability_gives_way_to_what_is_left() -> None:
    first, *others = WORKS.draft.system.capabilities
    able = {mark for one in WORKS.draft.system.capabilities for mark in one.evidence}
    marks = (*first.evidence, next(one.id for one in WORKS.draft.evidence if one.id not in able))
    row = FactLine(label="Acts", text="It runs shell commands and code.", facts=(), evidence=marks)
    lines = (row, *(line for line in WORKS.draft.lines if line.label != "Acts"))
    bent = Desk(replaced(WORKS.draft, facts=None, lines=lines), WORKS.documents)
    after = bent.act("strike", f"capability/{first.id}").reviewed
    acts = next(line for line in after.lines if line.label == "Acts")
    assert "shell commands" not in acts.text
    assert others[0].object in acts.text
    assert set(acts.evidence).isdisjoint(first.evidence)
    assert after.lines[1:] == bent.draft.lines[1:]


# ---------------------------------------------------------------- conditions and remaining severity


def test_conditions_speak_of_threats_that_stand_and_what_remains_of_what_a_reviewer_made_graver() -> None:
    struck = CASE.act("strike", ITEM).reviewed.advice
    assert any(FIRST.id in each.threats for each in CASE.reviewed.advice.conditions)
    assert not any(FIRST.id in (*each.threats, *each.after) for each in struck.conditions)
    assert all(each.threats for each in struck.conditions)
    graver = CASE.act("correct", ITEM, cvss_vector=GRAVE)
    assert (graver.reviewed.advice.residual.threat, graver.reviewed.advice.residual.after) == (
        FIRST.id,
        Decimal("10.0"),
    )
    assert graver.reviewed.advice.proposal == "wait for answers"
    assert not any(FIRST.id in each.after for each in graver.reviewed.advice.conditions)
    milder = CASE.act("strike", f"threat/{CASE.reviewed.advice.residual.threat}").reviewed.advice.residual
    assert milder.after <= CASE.reviewed.advice.residual.after
    assert milder.threat != CASE.reviewed.advice.residual.threat


@pytest.mark.parametrize("desk", [CASE, WORKS], ids=["airtable", "dify"])
def test_confirming_leaves_advice_rows_and_numbers_alone(desk: Desk) -> None:
    reviewed = desk.closed().reviewed
    for name in ("advice", "lines", "questions", "controls"):
        assert getattr(reviewed, name) == getattr(desk.draft, name)
    assert headline_of(reviewed) is not None
    assert {fact.state for fact in facts_of(reviewed)} == {"confirmed"}


def test_an_llm_that_was_more_careful_than_the_numbers_stays_so() -> None:
    careful = replaced(CASE.draft, advice=replaced(CASE.reviewed.advice, proposal="wait for answers"))
    after = Desk(careful, CASE.documents).act("strike", f"threat/{View(CASE.draft).threats[-1].threat.id}")
    assert after.reviewed.advice.proposal == "wait for answers"


# ---------------------------------------------------------------- chains


def test_a_chain_that_lost_a_threat_waits_for_no_decision_until_that_is_back() -> None:
    desk = next(one for one in (FIRECRAWL, WORKS, CASE) if one.draft.chains)
    first, *others = desk.draft.chains
    threat = f"threat/{next(one for one in first.threats if not any(one in other.threats for other in others))}"

    def chain(at: Desk) -> tuple[str, bool]:
        return at.one("chain/1").verdict, at.one("chain/1").fell

    assert chain(desk) == ("open", False)
    struck = desk.act("strike", threat)
    assert chain(struck) == ("struck", True)
    assert "chain/1" not in {one.item.id for one in struck.state.open}
    assert chain(struck.act("undo")) == ("open", False)
    decided = desk.act("confirm", "chain/1").act("strike", threat)
    assert decided.reviewed.chains == tuple(others)
    assert chain(decided) == ("struck", True)
    assert chain(decided.act("undo"))[0] == "confirmed"


# ---------------------------------------------------------------- what a strike removes and changes


def strike(desk: Desk, item: str) -> tuple[Desk, Moved]:
    after = desk.act("strike", item)
    return after, what_moved(desk.state, after.state)


def without_shared_quotes(draft: Draft) -> Draft:
    """Return the draft with each fact citing only quotes that no other fact cites."""
    often = Counter(mark for fact in facts_of(draft) for mark in fact_marks(fact))

    def own(fact: Fact) -> Fact:
        slots = tuple(slot for slot in fact.slots if often[slot.evidence] < 2)
        return fact.model_copy(
            update={"evidence": tuple(mark for mark in fact.evidence if often[mark] < 2), "slots": slots}
        )

    facts = draft.facts.model_copy(update={"facts": tuple(map(own, draft.facts.facts))})
    return draft.model_copy(update={"facts": facts})


def test_a_strike_says_what_falls_or_changes_wherever_something_rests_on_the_fact() -> None:
    resting = dependents(without_shared_quotes(FIRECRAWL.state.based), FIRECRAWL.state.numbers)
    assert sum(map(bool, resting.values())) > len(resting) / 2
    for fact in facts_of(FIRECRAWL.draft):
        after, moved = strike(FIRECRAWL, f"fact/{fact.id}")
        told = (*moved.falls, *moved.alters, *moved.causes)
        assert bool(told) >= bool(resting[fact.id]), fact.key
        # What is announced as removed is gone, and what is announced as changed is there.
        assert set(moved.falls).isdisjoint((*parts_of(after.reviewed), *moved.alters))
        assert what_moved(after.state, FIRECRAWL.state).returns == moved.falls


def test_what_was_struck_already_does_not_fall() -> None:
    fact, threat = next(
        (f"fact/{fact}", threat) for threat in FIRECRAWL.threats.values() for fact in threat.facts
        if threat.id not in FIRECRAWL.act("strike", f"fact/{fact}").threats
    )  # fmt: skip
    _, whole = strike(FIRECRAWL, fact)
    assert any(threat.title in each for each in whole.falls)
    before, _ = strike(FIRECRAWL, f"threat/{threat.id}")
    _, moved = strike(before, fact)
    assert not any(threat.title in each for each in moved.falls)


def raised() -> tuple[Desk, str]:
    """Return the review of a case, and an ability without which another threat, which the draft lacks, is graver."""
    for desk in map(Desk.of_case, ("brave-search-mcp", "tavily-mcp-server", "agno", "dbhub", "firecrawl-mcp", "dify")):
        for ability in (f"capability/{one.id}" for one in desk.draft.system.capabilities):
            after = desk.act("strike", ability).reviewed
            new = (lead := headline_of(after)) is not None and lead.id not in desk.threats
            if new and (after.score.aivss or 0) > (desk.draft.score.aivss or 10):
                return desk, ability
    raise AssertionError("no case has a graver threat without one of its abilities")


def test_a_strike_that_raises_the_score_says_which_threats_come_and_go_and_on_which_it_now_rests() -> None:
    desk, ability = raised()
    after, moved = strike(desk, ability)
    assert (moved.after.aivss or 0) > (moved.before.aivss or 10)
    new, gone = (one.threats.keys() - other.threats.keys() for one, other in ((after, desk), (desk, after)))
    for told, threats in ((moved.comes, {after.threats[name].title for name in new}),
                          (moved.falls, {desk.threats[name].title for name in gone})):  # fmt: skip
        assert {one.partition("“")[2].rstrip("”") for one in told if one.startswith("threat")} == threats != set()
    assert what_moved(after.state, desk.state).why == ""
    now = headline_of(after.reviewed)
    assert now.id in new
    assert now.title in moved.why
    assert not set(desk.one(ability).via) & {f"fact/{fact}" for fact in now.facts}
    lost = {one.id for one in desk.draft.evidence} - {one.id for one in after.reviewed.evidence}
    assert lost
    assert not lost & set(now.evidence)
