"""Adding a threat: ids and numbers of the others, what it rests on, and what is shown of it while it is written."""

from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from agent.errors import InputError
from agent.report.draft_json import dump
from agent.report.markdown import render
from agent.report.report import build
from agent.report.view import View
from agent.review.domain.fields import checked_vector
from agent.review.domain.items import fact_marks, threats_of
from agent.review.domain.new_threat import Written, weighed
from agent.review.domain.replay import LAST
from agent.review.domain.rescore import headline_of, shown
from agent.scoring.cvss import BASE_METRICS
from evals.metrics.report_check import check
from tests.fakes.review.reviewing import Desk, golden_draft
from tests.fakes.review.strategies import VECTORS

DESK = Desk.of_case("dify")
MILD = "CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"
STATEMENT = {
    "source": "a tenant", "prerequisite": "an account", "action": "publish a flow",
    "impact": "disclosure", "asset": "documents of others",
}  # fmt: skip
FACTS = DESK.draft.facts.facts if DESK.draft.facts else ()


def fields(**more: object) -> dict[str, object]:
    basis: dict[str, object] = {"layer": "agent_frameworks", "title": "A flow leaks", "statement": STATEMENT}
    return {**basis, "cvss_vector": VECTORS[0], **more}


def numbers(desk: Desk) -> dict[str, str]:
    return {placed.threat.id: placed.name for placed in View(desk.state.reviewed).threats}


def weigh(desk: Desk, **given_: object) -> Written:
    return weighed(desk.state, desk.documents, given_, lambda planned: desk.stored(tuple(planned)).state)


# ---------------------------------------------------------------- ids and numbers


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from((*VECTORS, MILD)), st.booleans()), min_size=1, max_size=4))
def test_no_number_and_no_id_of_another_threat_moves(added: list[tuple[str, bool]]) -> None:
    desk = DESK
    for vector, quoted in added:
        before = numbers(desk)
        desk = desk.act("add", **fields(cvss_vector=vector, evidence=["E4"] if quoted else []))
        after = numbers(desk)
        assert {name: after[name] for name in before} == before
        assert set(after.values()) == {f"T{n}" for n in range(1, len(after) + 1)}
    reviewed = desk.state.reviewed
    first, listed = headline_of(reviewed), View(reviewed).threats
    assert first is not None
    assert listed[0].threat.id == first.id
    texts = [(asked.id, asked.text, asked.changes) for asked in reviewed.questions]
    assert texts == [(asked.id, asked.text, asked.changes) for asked in DESK.draft.questions]
    assert not [each for each in check(build(reviewed, desk.documents)) if "is named and not listed" in each]


def test_the_gravest_leads_the_lists_under_the_last_number() -> None:
    ask = {"text": "Ask before each flow.", "who": "vendor"}
    after = DESK.act("add", **fields(cvss_vector=VECTORS[0], evidence=["E4"], mitigations=[ask]))
    reviewed = after.state.reviewed
    first = View(reviewed).threats[0]
    assert (first.threat.id, first.name) == ("H1-a-flow-leaks", f"T{len(threats_of(DESK.draft)) + 1}")
    assert View(reviewed).headline == first
    page = render(reviewed, after.documents)
    assert f"Rests on {first.name}" in page
    assert page.index("Ask before each flow.") < page.index("**T1 ·")


def test_an_event_from_before_numbers_were_kept_folds_as_it_did() -> None:
    (planned,) = DESK.planned("add", **fields(cvss_vector=MILD, evidence=["E4"]))
    assert planned.after is not None
    assert planned.after["place"] == LAST
    older = planned.model_copy(
        update={"after": {name: value for name, value in planned.after.items() if name not in ("place", "seen")}}
    )
    listed = [placed.threat.id for placed in View(DESK.stored((older,)).state.reviewed).threats]
    drafted = [placed.threat.id for placed in View(DESK.draft).threats]
    assert listed == [drafted[0], "H1-a-flow-leaks", *drafted[1:]]


def test_an_id_is_given_once() -> None:
    undone = DESK.act("add", **fields()).act("undo")
    again = undone.act("add", **fields())
    assert "H2-a-flow-leaks" in threats_of(again.state.reviewed)
    assert "H1-a-flow-leaks" in threats_of(undone.act("redo").state.reviewed)
    many = DESK
    for _ in range(11):
        many = many.act("add", **fields(cvss_vector=MILD))
    assert numbers(many)["H11-a-flow-leaks"] == f"T{len(threats_of(DESK.draft)) + 11}"


def test_a_draft_without_places_takes_a_threat_too() -> None:
    draft, documents = golden_draft("first-0.1.0")
    after = Desk(draft, documents).act("add", **fields(cvss_vector=VECTORS[0], evidence=[draft.evidence[0].id]))
    assert threats_of(after.state.reviewed)["H1-a-flow-leaks"].place is None


# ---------------------------------------------------------------- facts as evidence


def test_a_threat_on_a_fact_has_its_quotes_and_falls_with_it() -> None:
    fact = FACTS[0]
    after = DESK.act("add", **fields(facts=[fact.id]))
    made = threats_of(after.state.reviewed)["H1-a-flow-leaks"]
    assert (made.facts, made.evidence, made.state) == ((fact.id,), fact_marks(fact), "confirmed")
    struck = after.act("strike", f"fact/{fact.id}")
    item = "threat/H1-a-flow-leaks"
    assert "H1-a-flow-leaks" not in threats_of(struck.state.reviewed)
    assert item in struck.state.fell
    assert struck.one(item).fell
    assert "A flow leaks" not in render(struck.state.reviewed, struck.documents)
    assert dump(struck.act("undo").state.reviewed) == dump(after.state.reviewed)
    assert dump(struck.act("confirm", f"fact/{fact.id}").act("undo").state.reviewed) == dump(struck.state.reviewed)


def test_a_threat_stays_with_its_fact_when_an_answer_makes_it_part_of_another() -> None:
    fact = next(one for one in FACTS if one.about == "product" and not one.slots)
    after = DESK.act("add", **fields(facts=[fact.id]))
    told = {"key": fact.key, "polarity": fact.polarity, "value": "every night"}
    page = "https://docs.example/limits"
    said = after.act(
        "answer", "question/Q1", text="It is so every night.", url=page, kind="vendor-answer", states=[told]
    )
    sheet = said.state.reviewed.facts
    assert sheet is not None
    (held,) = (one for one in sheet.facts if set(fact.evidence) < set(one.evidence))
    assert held.id != fact.id
    made = threats_of(said.state.reviewed)["H1-a-flow-leaks"]
    assert (made.facts, made.evidence) == ((held.id,), fact_marks(held))
    assert "threat/H1-a-flow-leaks" in said.act("strike", f"fact/{fact.id}").state.fell
    assert dump(said.act("undo").state.reviewed) == dump(after.state.reviewed)


def test_with_a_quote_of_its_own_it_stays_and_is_open_again() -> None:
    fact, other = FACTS[0], next(e.id for e in DESK.draft.evidence if e.id not in fact_marks(FACTS[0]))
    after = DESK.act("add", **fields(facts=[fact.id], evidence=[other]))
    item = "threat/H1-a-flow-leaks"
    assert after.one(item).verdict == "confirmed"
    struck = after.act("strike", f"fact/{fact.id}")
    assert struck.one(item).verdict == "open"
    assert "a quote is gone" in struck.one(item).lapsed
    assert threats_of(struck.state.reviewed)["H1-a-flow-leaks"].facts == ()
    assert struck.act("undo").one(item).verdict == "confirmed"


def test_a_correction_of_its_evidence_lets_a_fact_go() -> None:
    fact, other = FACTS[0], next(e.id for e in DESK.draft.evidence if e.id not in fact_marks(FACTS[0]))
    after = DESK.act("add", **fields(facts=[fact.id]))
    both = after.act("correct", "threat/H1-a-flow-leaks", evidence=[*fact_marks(fact), other])
    assert threats_of(both.state.reviewed)["H1-a-flow-leaks"].facts == (fact.id,)
    assert set(threats_of(both.state.reviewed)["H1-a-flow-leaks"].evidence) == {*fact_marks(fact), other}
    alone = after.act("correct", "threat/H1-a-flow-leaks", evidence=[other])
    made = threats_of(alone.state.reviewed)["H1-a-flow-leaks"]
    assert (made.facts, made.evidence) == ((), (other,))
    assert not alone.act("strike", f"fact/{fact.id}").one("threat/H1-a-flow-leaks").fell


@pytest.mark.parametrize("kept", [True, False])
def test_its_evidence_is_corrected_by_what_its_fact_has_become_part_of(kept: bool) -> None:
    fact = next(one for one in FACTS if one.about == "product" and not one.slots)
    item, other = "threat/H1-a-flow-leaks", next(e.id for e in DESK.draft.evidence if e.id not in fact_marks(fact))
    told = {"key": fact.key, "polarity": fact.polarity, "value": "every night"}
    page = "https://docs.example/limits"
    added = DESK.act("add", **fields(facts=[fact.id]))
    said = added.act(
        "answer", "question/Q1", text="It is so every night.", url=page, kind="vendor-answer", states=[told]
    )
    before = threats_of(said.state.reviewed)["H1-a-flow-leaks"]
    after = said.act("correct", item, evidence=[*(before.evidence if kept else ()), other])
    made = threats_of(after.state.reviewed)["H1-a-flow-leaks"]
    assert made.facts == (before.facts if kept else ())
    assert set(made.evidence) == {other, *(before.evidence if kept else ())}
    struck = after.act("strike", f"fact/{fact.id}")
    left = threats_of(struck.act("strike", f"fact/Q1-{fact.key}").state.reviewed)["H1-a-flow-leaks"]
    assert (left.facts, left.evidence) == ((), (other,))


def test_a_fact_that_does_not_stand_is_no_evidence() -> None:
    struck = DESK.act("strike", f"fact/{FACTS[0].id}")
    with pytest.raises(InputError) as refused:
        struck.planned("add", **fields(facts=[FACTS[0].id]))
    assert refused.value.where == "facts"


# ---------------------------------------------------------------- while it is written


@settings(max_examples=15, deadline=None)
@given(st.sampled_from((*VECTORS, MILD)), st.sampled_from(([], ["E4"])), st.sampled_from(FACTS).map(lambda f: f.id))
def test_what_is_shown_is_what_the_act_does(vector: str, evidence: list[str], fact: str) -> None:
    given_ = fields(cvss_vector=vector, evidence=evidence, **({"facts": [fact]} if evidence else {}))
    told = weigh(DESK, **given_)
    after = DESK.act("add", **given_)
    made = threats_of(after.state.reviewed)["H1-a-flow-leaks"]
    assert told.wrong == ()
    assert (told.base, told.aivss, told.severity) == (made.score.cvss_base, made.score.aivss, made.score.severity)
    assert (told.number, told.marks, told.state) == (numbers(after)[made.id], made.evidence, made.state)
    assert told.moved is not None
    assert told.moved.after == shown(after.state.reviewed.score)
    first = headline_of(after.state.reviewed)
    assert told.leads is (first is not None and first.id == made.id)
    if evidence:
        chosen = after.act("correct", "score", headline=made.id).state.reviewed.score
        assert told.gravest == shown(chosen)
    else:
        assert told.gravest is None


def test_half_a_threat_is_shown_as_far_as_it_goes() -> None:
    nothing = weigh(DESK)
    assert (nothing.sentence, nothing.base, nothing.moved) == ("", None, None)
    assert {one.field for one in nothing.wrong if one.missing} >= {"layer", "title", "cvss_vector", "statement.asset"}
    some = weigh(DESK, title="A flow leaks", statement={"action": "publish a flow"}, cvss_vector=MILD)
    assert "can publish a flow" in some.sentence
    assert some.base is not None
    bad = weigh(DESK, **fields(title="It “says so nowhere”", cvss_vector="CVSS:3.1/AV:N"))
    assert {one.field for one in bad.wrong} == {"title", "cvss_vector"}
    assert not any(one.missing for one in bad.wrong)


def test_nothing_is_stored_by_a_look() -> None:
    desk = replace(DESK)
    weigh(desk, **fields())
    assert desk.events == ()


@pytest.mark.parametrize("metric", BASE_METRICS)
def test_a_vector_is_refused_by_the_metric_that_is_wrong(metric: str) -> None:
    value = dict(part.split(":") for part in MILD.split("/")[1:])[metric]
    with pytest.raises(InputError, match=rf"\b{metric} \(.*has no value 'Z'"):
        checked_vector(MILD.replace(f"/{metric}:{value}", f"/{metric}:Z"))
    with pytest.raises(InputError, match=rf"lacks {metric}\b"):
        checked_vector(MILD.replace(f"/{metric}:{value}", ""))
    assert checked_vector(f" {MILD} ") == MILD
