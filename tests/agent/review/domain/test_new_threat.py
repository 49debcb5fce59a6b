"""Adding a threat: ids and numbers of the others, its evidence, and the preview while it is written."""

import pytest
from hypothesis import given, settings, strategies as st

from agent.report.markdown import render
from agent.report.report import build
from agent.report.view import View
from agent.review.domain.items import fact_marks, facts_of, threats_of
from agent.review.domain.new_threat import Written, weighed
from agent.review.domain.records import replaced
from agent.review.domain.replay import LAST
from agent.review.domain.rescore import headline_of, shown
from evals.metrics.report_check import check
from tests.fakes.review.reviewing import MILDEST, VECTORS, Desk, golden_draft, new_threat

DESK = Desk.of_case("dify")
NAME = "H1-a-flow-leaks"
ITEM = f"threat/{NAME}"
FACTS = facts_of(DESK.draft)
FACT = FACTS[0]
OTHER = next(item.id for item in DESK.draft.evidence if item.id not in fact_marks(FACT))
"""A quote that the fact does not cite."""
ADDED = DESK.act("add", **new_threat(facts=[FACT.id]))
PART = next(one for one in FACTS if one.about == "product" and not one.slots)
"""A fact that an answer with a detail merges into another."""
AFAR = next(item.id for item in DESK.draft.evidence if item.id not in fact_marks(PART))
ON_PART = DESK.act("add", **new_threat(facts=[PART.id]))
SAID = ON_PART.act(
    "answer", "question/Q1", text="It is so every night.", url="https://docs.example/limits", kind="vendor-answer",
    states=[{"key": PART.key, "polarity": PART.polarity, "value": "every night"}],
)  # fmt: skip


def numbers(desk: Desk) -> dict[str, str]:
    return {placed.threat.id: placed.name for placed in View(desk.reviewed).threats}


def weigh(**given_: object) -> Written:
    return weighed(DESK.state, DESK.documents, given_, lambda planned: DESK.stored(tuple(planned)).state)


# ---------------------------------------------------------------- ids and numbers


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from((*VECTORS, MILDEST)), st.booleans()), min_size=1, max_size=4))
def test_no_number_and_no_id_of_another_threat_moves(added: list[tuple[str, bool]]) -> None:
    desk = DESK
    for vector, quoted in added:
        before = numbers(desk)
        desk = desk.act("add", **new_threat(cvss_vector=vector, evidence=["E4"] if quoted else []))
        after = numbers(desk)
        assert {name: after[name] for name in before} == before
        assert set(after.values()) == {f"T{n}" for n in range(1, len(after) + 1)}
    first, listed = headline_of(desk.reviewed), View(desk.reviewed).threats
    assert listed[0].threat.id == first.id
    texts, were = ([(one.id, one.text, one.changes) for one in d.questions] for d in (desk.reviewed, DESK.draft))
    assert texts == were
    assert not [each for each in check(build(desk.reviewed, desk.documents)) if "is mentioned but not listed" in each]


def test_the_gravest_leads_the_lists_under_the_last_number_and_is_an_assumption_without_a_quote() -> None:
    ask = {"text": "Ask before each flow.", "who": "vendor"}
    listed = {"scheme": "owasp-agentic", "id": "T2"}
    after = DESK.act("add", **new_threat(evidence=["E4"], mitigations=[ask], taxonomy=[listed], lost="the base"))
    first = View(after.reviewed).threats[0]
    assert (first.threat.id, first.name) == (NAME, f"T{len(threats_of(DESK.draft)) + 1}")
    assert (first.threat.state, first.threat.lost, bool(first.threat.taxonomy[0].title)) == (
        "confirmed",
        "the base",
        True,
    )
    assert View(after.reviewed).headline == first
    page = render(after.reviewed, after.documents)
    assert f"Based on {first.name}" in page
    assert page.index("Ask before each flow.") < page.index("### T1 ·")
    assert DESK.act("add", **new_threat()).threats[NAME].state == "inferred"


def test_an_event_from_before_numbers_were_kept_folds_as_it_did() -> None:
    (planned,) = DESK.planned("add", **new_threat(cvss_vector=MILDEST, evidence=["E4"]))
    assert planned.said["place"] == LAST
    after = {name: value for name, value in planned.said.items() if name not in ("place", "seen")}
    listed = [placed.threat.id for placed in View(DESK.stored((replaced(planned, after=after),)).reviewed).threats]
    drafted = [placed.threat.id for placed in View(DESK.draft).threats]
    assert listed == [drafted[0], NAME, *drafted[1:]]


def test_an_id_is_given_once() -> None:
    undone = DESK.act("add", **new_threat()).act("undo")
    assert undone.text == DESK.text
    assert numbers(undone.act("add", **new_threat()))["H2-a-flow-leaks"] == f"T{len(threats_of(DESK.draft)) + 2}"
    assert NAME in undone.act("redo").threats
    many = DESK
    for _ in range(11):
        many = many.act("add", **new_threat(cvss_vector=MILDEST))
    assert numbers(many)["H11-a-flow-leaks"] == f"T{len(threats_of(DESK.draft)) + 11}"


def test_a_draft_without_places_takes_a_threat_too() -> None:
    draft, documents = golden_draft("first-0.1.0")
    after = Desk(draft, documents).act("add", **new_threat(evidence=[draft.evidence[0].id]))
    assert after.threats[NAME].place is None


# ---------------------------------------------------------------- facts as evidence


def test_a_threat_on_a_fact_has_its_quotes_and_falls_with_it() -> None:
    made = ADDED.threats[NAME]
    assert (made.facts, made.evidence, made.state) == ((FACT.id,), fact_marks(FACT), "confirmed")
    struck = ADDED.act("strike", f"fact/{FACT.id}")
    assert NAME not in struck.threats
    assert ITEM in struck.state.fell
    assert struck.one(ITEM).fell
    assert "A flow leaks" not in render(struck.reviewed, struck.documents)
    assert struck.act("undo").text == ADDED.text
    assert struck.act("confirm", f"fact/{FACT.id}").act("undo").text == struck.text
    assert struck.refused("add", **new_threat(facts=[FACT.id])).where == "facts"


def test_a_threat_stays_with_its_fact_when_an_answer_makes_it_part_of_another() -> None:
    (held,) = (one for one in facts_of(SAID.reviewed) if set(PART.evidence) < set(one.evidence))
    assert held.id != PART.id
    made = SAID.threats[NAME]
    assert (made.facts, made.evidence) == ((held.id,), fact_marks(held))
    assert ITEM in SAID.act("strike", f"fact/{PART.id}").state.fell
    assert SAID.act("undo").text == ON_PART.text


def test_with_a_quote_of_its_own_it_stays_and_is_open_again() -> None:
    after = DESK.act("add", **new_threat(facts=[FACT.id], evidence=[OTHER]))
    assert after.one(ITEM).verdict == "confirmed"
    struck = after.act("strike", f"fact/{FACT.id}")
    assert struck.one(ITEM).verdict == "open"
    assert "a quote was removed" in struck.one(ITEM).lapsed
    assert struck.threats[NAME].facts == ()
    assert struck.act("undo").one(ITEM).verdict == "confirmed"


def test_a_correction_of_its_evidence_lets_a_fact_go() -> None:
    both = ADDED.act("correct", ITEM, evidence=[*fact_marks(FACT), OTHER]).threats[NAME]
    assert (both.facts, set(both.evidence)) == ((FACT.id,), {*fact_marks(FACT), OTHER})
    alone = ADDED.act("correct", ITEM, evidence=[OTHER])
    assert (alone.threats[NAME].facts, alone.threats[NAME].evidence) == ((), (OTHER,))
    assert not alone.act("strike", f"fact/{FACT.id}").one(ITEM).fell


@pytest.mark.parametrize("kept", [True, False])
def test_its_evidence_is_corrected_by_what_its_fact_has_become_part_of(kept: bool) -> None:
    before = SAID.threats[NAME]
    after = SAID.act("correct", ITEM, evidence=[*(before.evidence if kept else ()), AFAR])
    made = after.threats[NAME]
    assert made.facts == (before.facts if kept else ())
    assert set(made.evidence) == {AFAR, *(before.evidence if kept else ())}
    left = after.act("strike", f"fact/{PART.id}").act("strike", f"fact/Q1-{PART.key}").threats[NAME]
    assert (left.facts, left.evidence) == ((), (AFAR,))


# ---------------------------------------------------------------- the preview


@settings(max_examples=15, deadline=None)
@given(st.sampled_from((*VECTORS, MILDEST)), st.sampled_from(([], ["E4"])), st.sampled_from(FACTS).map(lambda f: f.id))
def test_what_is_shown_is_what_the_act_does(vector: str, evidence: list[str], fact: str) -> None:
    given_ = new_threat(cvss_vector=vector, evidence=evidence, **({"facts": [fact]} if evidence else {}))
    told, after = weigh(**given_), DESK.act("add", **given_)
    made, first = after.threats[NAME], headline_of(after.reviewed)
    assert told.wrong == ()
    assert (told.base, told.aivss, told.severity) == (made.score.cvss_base, made.score.aivss, made.score.severity)
    assert (told.number, told.marks, told.state) == (numbers(after)[made.id], made.evidence, made.state)
    assert told.moved.after == shown(after.reviewed.score)
    assert told.leads is (first is not None and first.id == made.id)
    chosen = shown(after.act("correct", "score", headline=made.id).reviewed.score) if evidence else None
    assert told.gravest == chosen


def test_half_a_threat_is_shown_as_far_as_it_goes_and_nothing_is_stored() -> None:
    nothing = weigh()
    assert (nothing.sentence, nothing.base, nothing.moved) == ("", None, None)
    assert {one.field for one in nothing.wrong if one.missing} >= {"layer", "title", "cvss_vector", "statement.asset"}
    some = weigh(title="A flow leaks", statement={"action": "publish a flow"}, cvss_vector=MILDEST)
    assert "can publish a flow" in some.sentence
    assert some.base is not None
    bad = weigh(**new_threat(title="It “says so nowhere”", cvss_vector="CVSS:3.1/AV:N"))
    assert {(one.field, one.missing) for one in bad.wrong} == {("title", False), ("cvss_vector", False)}
    assert DESK.events == ()
