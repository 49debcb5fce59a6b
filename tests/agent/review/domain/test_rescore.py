"""Reviewed drafts are scored again by the drafter's rules."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from agent.drafting.score import why_withheld
from agent.records import Draft
from agent.report.markdown import render
from agent.review.domain.items import threats_of
from agent.review.domain.records import replaced
from agent.review.domain.rescore import advised, headline_of, raw_score
from agent.scoring import severity, verify
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from tests.fakes.drafts import thin
from tests.fakes.report.fact_drafts import harbour, withheld
from tests.fakes.review.fact_desks import DESKS
from tests.fakes.review.reviewing import GRAVE, MILD, SLUGS, Desk, case_draft, new_threat

CASE = DESKS["case"]
LAWS = settings(max_examples=25, deadline=None)
NAMES = st.sampled_from(("assisted", "case", "thin", "workos"))
KEYS = st.sampled_from(FACTOR_SETS["0.5"])
VALUES = st.integers(0, 10)


HEADLINE = headline_of(CASE.draft)
ORDER = sorted(CASE.threats.values(), key=lambda threat: threat.place or 99)
CERTAIN = [key for key, layer in CASE.draft.layers.items() if layer.certain]


def decided(desk: Desk, key: str, value: float) -> Desk:
    """Return the review with this value of a factor and no range: confirmed if it is so already, or else corrected."""
    one = desk.reviewed.factors[key]
    if {one.low, one.value, one.high} == {Decimal(str(value))}:
        return desk.act("confirm", f"factor/{key}")
    return desk.act("correct", f"factor/{key}", value=value, note="decided")


@LAWS
@given(NAMES, KEYS, VALUES, VALUES)
def test_raising_a_factor_never_lowers_the_score_and_every_number_follows_from_the_factors(
    name: str, key: FactorKey, one: int, two: int
) -> None:
    milder, graver = (decided(DESKS[name], key, value / 10).reviewed for value in sorted((one, two)))
    low, high = (draft.score.provisional or draft.score.aivss for draft in (milder, graver))
    assert low <= high
    for threat, other in zip(threats_of(milder).values(), threats_of(graver).values(), strict=True):
        assert threat.score.aivss <= other.score.aivss
    verify(graver.score)
    for each, given_range in graver.score.inputs.factors.items():
        estimate = graver.factors[each]
        assert (given_range.value, given_range.low, given_range.high) == (estimate.value, estimate.low, estimate.high)
    for threat in threats_of(graver).values():
        assert threat.score.severity == severity(threat.score.aivss)


@LAWS
@given(NAMES, st.lists(VALUES, min_size=10, max_size=10))
def test_with_every_factor_decided_the_range_is_the_base_alone(name: str, values: list[int]) -> None:
    desk = DESKS[name]
    for key, value in zip(FACTOR_SETS["0.5"], values, strict=True):
        desk = decided(desk, key, value / 10)
    score = desk.reviewed.score
    # One tenth: corners are rounded half up, ranges outward.
    assert (score.likely_low or 0) >= (score.low or 10) - Decimal("0.1")
    assert (score.likely_high or 10) <= (score.high or 0) + Decimal("0.1")


def test_the_likely_range_narrows_step_by_step_and_never_jumps() -> None:
    desk, widths = CASE, []
    for key in FACTOR_SETS["0.5"]:
        one = desk.draft.factors[key]
        desk = decided(desk, key, float(one.value)) if one.low != one.high else desk
        score = desk.reviewed.score
        widths.append(score.likely_high - score.likely_low)
    assert widths == sorted(widths, reverse=True)
    assert max(a - b for a, b in itertools.pairwise(widths)) <= Decimal("0.5")


# ---------------------------------------------------------------- headline


def test_a_struck_headline_gives_way_to_the_next_gravest_and_the_last_one_to_no_number() -> None:
    assert ORDER[1].basis == "entry inferred"
    after = CASE.act("strike", f"threat/{ORDER[0].id}")
    first = headline_of(after.reviewed)
    assert (first.id, first.place) == (ORDER[1].id, 1)
    assert after.reviewed.score.cvss_vector == ORDER[1].score.cvss_vector
    for threat in ORDER[1:]:
        after = after.act("strike", f"threat/{threat.id}")
    score = after.reviewed.score
    assert (score.aivss, score.withheld) == (None, "no threat in default use is supported by a quote")


def test_the_reviewer_chooses_the_headline_and_it_comes_first() -> None:
    chosen = min(CASE.threats.values(), key=lambda threat: threat.score.cvss_base).id
    assert chosen != HEADLINE.id
    after = CASE.act("correct", "score", headline=chosen)
    assert (headline_of(after.reviewed).id, headline_of(after.reviewed).place) == (chosen, 1)
    assert sorted(threat.place or 0 for threat in after.threats.values()) == list(range(1, len(after.threats) + 1))
    assert "the threat that a reviewer selected" in render(after.reviewed, CASE.documents)
    assert "in default use: " in render(CASE.reviewed, CASE.documents)


def test_a_corrected_vector_moves_its_threat_and_the_score_when_it_leads() -> None:
    after = CASE.act("correct", f"threat/{HEADLINE.id}", cvss_vector=GRAVE)
    threat, score = after.threats[HEADLINE.id], after.reviewed.score
    assert score.cvss_base == threat.score.cvss_base > HEADLINE.score.cvss_base
    assert score.aivss == threat.score.aivss
    assert set(threat.score.reasons) < set(HEADLINE.score.reasons)


def test_the_headline_stays_the_gravest_supported_threat_in_default_use() -> None:
    milder = CASE.act("correct", f"threat/{HEADLINE.id}", cvss_vector=MILD).reviewed
    graver = CASE.act("correct", f"threat/{ORDER[1].id}", cvss_vector=GRAVE).reviewed
    for reviewed in (milder, graver):
        assert (headline_of(reviewed).id, headline_of(reviewed).place) == (ORDER[1].id, 1)
    # A threat that rests only on an assumption is never the headline, however grave it is.
    assumed = next(threat for threat in CASE.threats.values() if threat.basis == "assumed")
    same = CASE.act("correct", f"threat/{assumed.id}", cvss_vector=GRAVE).reviewed
    assert (headline_of(same), same.score) == (HEADLINE, CASE.draft.score)


def test_an_added_threat_can_lead_where_nothing_else_does() -> None:
    after = DESKS["thin"].act("add", **new_threat(evidence=["E1"])).reviewed
    assert headline_of(after).id == "H1-a-flow-leaks"
    assert after.score.withheld == "none of the 7 layers is certain"


# ---------------------------------------------------------------- controls, withholding, posture, advice


def test_controls_come_with_their_evidence_and_beside_the_number() -> None:
    score = CASE.act("correct", "score", mitigation_factor=0.8, evidence=["E7"]).reviewed.score
    assert score.aivss == CASE.draft.score.aivss
    assert score.with_controls.evidence == ("E7",)
    assert score.with_controls.aivss < (score.aivss or 0)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_reasons_for_no_number_are_the_drafters(slug: str) -> None:
    draft = case_draft(slug)
    certain = sum(layer.certain for layer in draft.layers.values())
    assert why_withheld(draft.score, headline_of(draft), certain) == draft.score.withheld


def test_a_second_certain_layer_gives_the_number_back() -> None:
    desk = CASE
    for key in CERTAIN:
        desk = desk.act("strike", f"layer/{key}")
    score, drafted = desk.reviewed.score, CASE.draft.score
    assert (score.withheld, score.provisional) == ("none of the 7 layers is certain", drafted.aivss)
    one = desk.act("confirm", f"layer/{CERTAIN[0]}")
    assert one.reviewed.score.withheld == "only 1 of the 7 layers is certain"
    assert one.act("confirm", f"layer/{CERTAIN[1]}").reviewed.score.aivss == drafted.aivss


def test_the_posture_of_an_older_draft_names_the_band_of_the_new_score() -> None:
    desk = DESKS["assisted"]
    headline = f"threat/{headline_of(desk.draft).id}"
    assert f"{desk.draft.score.severity} before controls: " in desk.draft.product.posture
    after = desk.act("correct", headline, cvss_vector=MILD).reviewed
    assert after.score.severity != desk.draft.score.severity
    assert f"{after.score.severity} before controls" in after.product.posture or "Not scored:" in after.product.posture
    own = desk.act("correct", "posture", text="Critical before controls: ours.").act("strike", headline)
    assert own.reviewed.product.posture == "Critical before controls: ours."


def test_what_claims_would_lower_moves_with_the_score_and_never_below_it() -> None:
    score = decided(CASE, "dynamic_tool_use", 0.0).reviewed.score
    assert (score.without_vendor_claims.aivss or 0) >= (score.aivss or 10)


def test_raw_scores_are_before_rounding_and_withholding() -> None:
    told, raw = CASE.draft.score, raw_score(CASE.draft)
    assert told.aivss == round(raw, 1)
    assert abs(raw - (told.cvss_base or 0) - (told.aars or 0)) <= Decimal("0.005")
    assert raw_score(thin()) > 0


@pytest.mark.parametrize("draft", [harbour(), withheld()], ids=["scored", "withheld"])
def test_the_advice_of_an_llm_stays_whole_while_nothing_is_reviewed(draft: Draft) -> None:
    told = {
        "caveat": "Leave night mode off.",
        "also": ("a form that floods the office",),
        "conflicts": ("Its pages disagree.",),
    }
    own = replaced(draft, advice=replaced(draft.advice, proposal="use with conditions", **told))
    assert advised(own, own).advice == own.advice
