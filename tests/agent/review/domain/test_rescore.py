"""Reviewed drafts are scored anew by the drafter's rules."""

import itertools
from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from agent.drafting.withholding import why_withheld
from agent.records import Draft
from agent.report.markdown import render
from agent.review.domain.items import threats_of
from agent.review.domain.rescore import advised, headline_of, raw_score
from agent.scoring import severity, verify
from agent.taxonomy.factors import FACTOR_SETS, FactorKey
from tests.fakes.drafts import thin, thin_documents, workos, workos_documents
from tests.fakes.report.fact_drafts import harbour, withheld
from tests.fakes.review.reviewing import SLUGS, Desk, case_draft, golden_draft
from tests.fakes.review.strategies import VECTORS

DESKS = {
    "case": Desk.of_case(),
    "assisted": Desk(*golden_draft("assisted-0.1.0")),
    "workos": Desk(workos(), workos_documents()),
    "thin": Desk(thin(), thin_documents()),
}
LAWS = settings(max_examples=25, deadline=None)
KEYS = st.sampled_from(FACTOR_SETS["0.5"])
VALUES = st.integers(0, 10)


def number(desk: Desk) -> Decimal:
    score = desk.state.reviewed.score
    value = score.provisional if score.aivss is None else score.aivss
    assert value is not None
    return value


@LAWS
@given(st.sampled_from(sorted(DESKS)), KEYS, VALUES, VALUES)
def test_raising_a_factor_never_lowers_the_score(name: str, key: FactorKey, one: int, two: int) -> None:
    desk, (low, high) = DESKS[name], sorted((one, two))
    milder = desk.act("correct", f"factor/{key}", value=low / 10, note="low")
    graver = desk.act("correct", f"factor/{key}", value=high / 10, note="high")
    assert number(milder) <= number(graver)
    for threat, other in zip(
        threats_of(milder.state.reviewed).values(), threats_of(graver.state.reviewed).values(), strict=True
    ):
        assert threat.score.aivss <= other.score.aivss


@LAWS
@given(st.sampled_from(sorted(DESKS)), KEYS, VALUES)
def test_every_number_follows_from_the_factors(name: str, key: FactorKey, value: int) -> None:
    draft = DESKS[name].act("correct", f"factor/{key}", value=value / 10, note="so").state.reviewed
    verify(draft.score)
    assert draft.score.inputs is not None
    assert draft.score.inputs.factors is not None
    for each, given_range in draft.score.inputs.factors.items():
        estimate = draft.factors[each]
        assert (given_range.value, given_range.low, given_range.high) == (estimate.value, estimate.low, estimate.high)
    for threat in threats_of(draft).values():
        assert threat.score.severity == severity(threat.score.aivss)


@LAWS
@given(st.sampled_from(sorted(DESKS)), st.lists(VALUES, min_size=10, max_size=10))
def test_with_every_factor_decided_the_range_is_the_base_alone(name: str, values: list[int]) -> None:
    desk = DESKS[name]
    for key, value in zip(FACTOR_SETS["0.5"], values, strict=True):
        desk = desk.act("correct", f"factor/{key}", value=value / 10, note="decided")
    score = desk.state.reviewed.score
    assert score.low is not None
    assert score.high is not None
    assert score.likely_low is not None
    assert score.likely_high is not None
    # A tenth: corners are rounded half up, ranges outward.
    assert score.likely_low >= score.low - Decimal("0.1")
    assert score.likely_high <= score.high + Decimal("0.1")


def test_the_likely_range_narrows_step_by_step_and_never_jumps() -> None:
    desk = DESKS["case"]
    widths = []
    for key in FACTOR_SETS["0.5"]:
        value = float(desk.draft.factors[key].value)
        if desk.draft.factors[key].low != desk.draft.factors[key].high:
            desk = desk.act("correct", f"factor/{key}", value=value, note="decided")
        score = desk.state.reviewed.score
        assert score.likely_low is not None
        assert score.likely_high is not None
        widths.append(score.likely_high - score.likely_low)
    assert widths == sorted(widths, reverse=True)
    assert max(a - b for a, b in itertools.pairwise(widths)) <= Decimal("0.5")


def test_a_struck_headline_gives_way_to_the_next_gravest_and_the_last_one_to_no_number() -> None:
    desk = DESKS["case"]
    order = sorted(threats_of(desk.draft).values(), key=lambda threat: threat.place or 99)
    assert order[1].basis == "entry inferred"
    after = desk.act("strike", f"threat/{order[0].id}")
    first = headline_of(after.state.reviewed)
    assert first is not None
    assert first.id == order[1].id
    assert first.place == 1
    assert after.state.reviewed.score.cvss_vector == order[1].score.cvss_vector
    for threat in order[1:]:
        after = after.act("strike", f"threat/{threat.id}")
    score = after.state.reviewed.score
    assert (score.aivss, score.withheld) == (None, "no threat in default use rests on a quote")


def test_the_reviewer_chooses_the_headline_and_it_comes_first() -> None:
    desk = DESKS["case"]
    chosen = list(threats_of(desk.draft))[-1]
    after = desk.act("correct", "score", headline=chosen)
    first = headline_of(after.state.reviewed)
    assert first is not None
    assert (first.id, first.place) == (chosen, 1)
    places = [threat.place for threat in threats_of(after.state.reviewed).values()]
    assert sorted(places) == list(range(1, len(places) + 1))  # type: ignore[type-var]


def test_a_corrected_vector_moves_its_threat_and_the_score_when_it_leads() -> None:
    desk = DESKS["case"]
    headline = headline_of(desk.draft)
    assert headline is not None
    after = desk.act("correct", f"threat/{headline.id}", cvss_vector=VECTORS[0])
    threat = threats_of(after.state.reviewed)[headline.id]
    assert after.state.reviewed.score.cvss_base == threat.score.cvss_base > headline.score.cvss_base
    assert after.state.reviewed.score.aivss == threat.score.aivss
    assert set(threat.score.reasons) < set(headline.score.reasons)


def test_the_headline_stays_the_gravest_supported_threat_in_default_use() -> None:
    desk = DESKS["case"]
    headline = headline_of(desk.draft)
    assert headline is not None
    second = next(threat for threat in threats_of(desk.draft).values() if threat.place == 2)
    assumed = next(threat for threat in threats_of(desk.draft).values() if threat.basis == "assumed")
    milder = desk.act("correct", f"threat/{headline.id}", cvss_vector=VECTORS[1]).state.reviewed
    graver = desk.act("correct", f"threat/{second.id}", cvss_vector=VECTORS[0]).state.reviewed
    for reviewed in (milder, graver):
        first = headline_of(reviewed)
        assert first is not None
        assert (first.id, first.place) == (second.id, 1)
    # What only an assumption carries leads nothing, however grave.
    same = desk.act("correct", f"threat/{assumed.id}", cvss_vector=VECTORS[0]).state.reviewed
    assert headline_of(same) == headline
    assert same.score == desk.draft.score
    # The reviewer's own choice counts for more than the rule.
    chosen = desk.act("correct", "score", headline=second.id)
    assert "the threat that a reviewer chose" in render(chosen.state.reviewed, desk.documents)
    assert "in default use: " in render(desk.state.reviewed, desk.documents)


def test_controls_come_with_their_evidence_and_beside_the_number() -> None:
    after = DESKS["case"].act("correct", "score", mitigation_factor=0.8, evidence=["E7"]).state.reviewed
    assert after.score.aivss == DESKS["case"].draft.score.aivss
    assert after.score.with_controls is not None
    assert after.score.with_controls.evidence == ("E7",)
    assert after.score.with_controls.aivss < (after.score.aivss or 0)


@pytest.mark.parametrize("slug", SLUGS)
def test_the_reasons_for_no_number_are_the_drafters(slug: str) -> None:
    draft = case_draft(slug)
    headline = headline_of(draft)
    certain = sum(layer.certain for layer in draft.layers.values())
    assert why_withheld(draft.score, headline, certain) == draft.score.withheld


def test_a_second_certain_layer_gives_the_number_back() -> None:
    desk = DESKS["case"]
    for key, layer in desk.draft.layers.items():
        if layer.certain:
            desk = desk.act("strike", f"layer/{key}")
    assert desk.state.reviewed.score.withheld == "none of 7 layers is certain"
    assert desk.state.reviewed.score.provisional == desk.draft.score.aivss
    certain = [key for key, layer in desk.draft.layers.items() if layer.certain]
    one = desk.act("confirm", f"layer/{certain[0]}")
    assert one.state.reviewed.score.withheld == "only 1 of 7 layers is certain"
    two = one.act("confirm", f"layer/{certain[1]}")
    assert two.state.reviewed.score.aivss == desk.draft.score.aivss


def test_the_posture_of_an_older_draft_names_the_band_of_the_new_score() -> None:
    desk = DESKS["assisted"]
    assert f"{desk.draft.score.severity} before controls: " in desk.draft.product.posture
    headline = headline_of(desk.draft)
    assert headline is not None
    after = desk.act("correct", f"threat/{headline.id}", cvss_vector=VECTORS[1]).state.reviewed
    assert after.score.severity != desk.draft.score.severity
    assert f"{after.score.severity} before controls" in after.product.posture or "Not scored:" in after.product.posture
    own = desk.act("correct", "posture", text="Critical before controls: ours.").act("strike", f"threat/{headline.id}")
    assert own.state.reviewed.product.posture == "Critical before controls: ours."


def test_an_added_threat_can_lead_where_nothing_else_does() -> None:
    desk = DESKS["thin"].act(
        "add", layer="agent_frameworks", title="It opens planted files", cvss_vector=VECTORS[0],
        statement=dict.fromkeys(("source", "prerequisite", "action", "impact", "asset"), "a thing"), evidence=["E1"],
    )  # fmt: skip
    first = headline_of(desk.state.reviewed)
    assert first is not None
    assert first.id == "H1-it-opens-planted-files"
    assert desk.state.reviewed.score.withheld == "none of 7 layers is certain"


def test_what_claims_would_lower_moves_with_the_score_and_never_below_it() -> None:
    after = DESKS["case"].act("correct", "factor/dynamic_tool_use", value=0.0).state.reviewed.score
    assert after.without_vendor_claims is not None
    assert after.without_vendor_claims.aivss is not None
    assert after.without_vendor_claims.aivss >= (after.aivss or 0)


def test_raw_scores_are_before_rounding_and_withholding() -> None:
    told = DESKS["case"].draft.score
    assert told.cvss_base is not None
    assert told.aars is not None
    assert told.aivss == round(raw_score(DESKS["case"].draft), 1)
    assert abs(raw_score(DESKS["case"].draft) - told.cvss_base - told.aars) <= Decimal("0.005")
    assert raw_score(thin()) > 0


@pytest.mark.parametrize("draft", [harbour(), withheld()], ids=["scored", "withheld"])
def test_the_advice_of_an_llm_stays_whole_while_nothing_is_reviewed(draft: Draft) -> None:
    assert draft.advice is not None
    led = {
        "proposal": "use with conditions",
        "caveat": "Leave night mode off.",
        "also": ("a form that floods the office",),
    }
    own = draft.model_copy(update={"advice": draft.advice.model_copy(update=led)})
    assert advised(own, own).advice == own.advice
