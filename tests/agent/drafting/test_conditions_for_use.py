"""Advice on use: conditions, and a remaining severity that no unaffected threat exceeds."""

from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from agent.drafting.conditions_for_use import advise
from agent.drafting.judgement import Given
from agent.drafting.threats.cvss_vectors import METRICS, VALUES, base_of, eased, joined, vector_of
from agent.records import Advice, Question
from tests.fakes.drafting.sheets import row, sheet_of
from tests.fakes.drafting.threats import (
    EXAMPLES,
    INJECTION,
    OPEN_PORT,
    THIN,
    TICKETS,
    fact_of,
    found_for,
    found_of,
    led,
    score_of_base,
    struck,
    threat,
)

ASKED = (Question(id="Q1", text="Where?", proposed="Here.", settles=(), effect=0.0),)
vectors = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})


def advised(product: Given, names: dict[str, str] | None = None, score: str = "7.2") -> Advice:
    return advise(product, found_for(product)._replace(names=names or {}), score_of_base(score), ASKED)


def advised_on(vector: str, score: str, setting: str = "", **parts: object) -> Advice:
    """Return the advice on a product with one threat, which an LLM calls T1."""
    sheet = sheet_of(row("reads_files"))
    one = threat(1, "Files read", sheet, ("reads_files",), vector).model_copy(update={"setting": setting})
    found = found_of(("data_operations", one))._replace(names={"T1": "T1"})
    return advise(led(Given(sheet, "Nimbus", "other"), **parts), found, score_of_base(score), ())


@pytest.mark.parametrize("product", EXAMPLES, ids=lambda product: product.name)
def test_the_residual_is_what_remains_of_all_default_threats(product: Given) -> None:
    advice = advised(product)
    bases = {placed.threat.id: placed.threat.score.cvss_base for placed in found_for(product).threats}
    default = [placed.threat.id for placed in found_for(product).threats if placed.threat.default_use]
    touched = {name for condition in advice.conditions for name in condition.threats}
    if not default:
        assert advice.residual is None
        return
    assert advice.residual is not None
    assert advice.residual.before == max(bases[name] for name in default)
    untouched = max((bases[name] for name in default if name not in touched), default=Decimal(0))
    assert untouched <= advice.residual.after <= advice.residual.before
    assert advice.residual.threat in default
    for condition in advice.conditions:
        assert all(after <= bases[name] for name, after in condition.after.items())
        assert set(condition.after) == set(condition.threats)


def test_an_untouched_threat_keeps_the_residual_up() -> None:
    sheet = sheet_of(row("runs_commands"), row("fine_tunes"))
    found = found_of(
        ("agent_frameworks", threat(1, "Injected commands", sheet, ("runs_commands",), INJECTION)),
        ("foundation_models", threat(2, "Poisoned tuning", sheet, ("fine_tunes",), OPEN_PORT)),
    )
    advice = advise(Given(sheet, "Nimbus", "other"), found, score_of_base("9.0"), ASKED)
    assert advice.residual is not None
    assert (advice.residual.after, advice.residual.threat) == (base_of(OPEN_PORT), "T2")
    assert advice.proposal == "wait for answers"


def test_nothing_to_fear_needs_no_condition_and_without_a_score_the_vendor_answers_first() -> None:
    advice = advised_on("CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N", "2.0")
    assert (advice.proposal, advice.conditions) == ("use", ())
    score = score_of_base("5.0", withheld="too little")
    assert advise(THIN, found_for(THIN), score, ASKED).proposal == "wait for answers"


def test_an_llms_conditions_lead_under_the_names_of_the_draft() -> None:
    narrow = {
        "text": "Issue a read-only token; T1 then ends.",
        "who": "administrator",
        "threats": ["T1", "T2", "T9"],
        "metrics": {"T1": {"VI": "L", "SI": "L"}, "T2": {"AV": "N"}},
    }
    other = {"text": "Do something about T9.", "who": "operator", "threats": ["T9"]}
    law = "Check the contract [E5]."
    product = led(TICKETS, conditions=[narrow, other], proposal="wait for answers", law=law)
    advice = advised(product, {"T1": "T1", "T2": "T3"})
    assert advice.conditions[0].threats == ("T1", "T3")
    assert advice.conditions[0].after["T1"] < base_of(INJECTION)
    assert not any("T9" in condition.text for condition in advice.conditions)
    assert (advice.proposal, advice.law) == ("wait for answers", law)


def test_a_reviewed_pin_keeps_a_hijacked_release_out() -> None:
    hijacked = "CVSS:4.0/AV:N/AC:H/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
    pinned = {"text": "Pin it.", "who": "operator", "threats": ["T1"], "metrics": {"T1": {"PR": "H"}}}
    sheet = sheet_of(row("reads_files"))
    own = threat(1, "Hijacked release", sheet, ("reads_files",), hijacked)
    found = found_of(("data_operations", own.model_copy(update={"setting": "a release is hijacked"})))
    product = led(Given(sheet, "Nimbus", "other"), conditions=[pinned])
    residual = advise(product, found._replace(names={"T1": "T1"}), score_of_base("7.7"), ()).residual
    assert residual is not None
    assert residual.after == 0


def test_of_several_total_losses_the_one_that_fewest_conditions_reduce_stays() -> None:
    whole = "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
    copy = {"text": "Give it a copy.", "who": "operator", "metrics": {"T1": {"VC": "L", "VI": "L", "VA": "L"}}}
    secrets = {"text": "Keep secrets out.", "who": "operator", "metrics": {"T1": {"VC": "L"}}}
    advice = advised_on(whole, "7.7", conditions=[{**one, "threats": ["T1"]} for one in (copy, secrets)])
    assert advice.residual is not None
    assert advice.residual.changes == {"T1": "VC:L/VA:L"}


@pytest.mark.parametrize(("setting", "left"), [("", "VC:L/VI:N/VA:N"), ("the shell is enabled", "VC:N/VI:N/VA:N")])
def test_only_a_threat_that_needs_a_setting_ends_under_an_llms_conditions(setting: str, left: str) -> None:
    metrics = {"T1": dict.fromkeys(("VC", "VI", "VA"), "N")}
    nothing = {"text": "Leave it off.", "threats": ["T1"], "metrics": metrics, "who": "operator"}
    whole = "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
    residual = advised_on(whole, "7.7", setting, conditions=[nothing]).residual
    assert residual is not None
    assert residual.changes == {"T1": left}


def test_law_follows_the_facts_unless_an_llm_names_none() -> None:
    assert "personal" in advised(TICKETS).law
    assert advised(led(TICKETS, proposal="use", law="")).law == ""
    assert advised(struck(TICKETS, fact_of(TICKETS, "reads_private_data"))).law == ""


@settings(max_examples=60, deadline=None)
@given(vectors, vectors)
def test_easing_never_raises_a_base(own: dict[str, str], changes: dict[str, str]) -> None:
    milder = eased(vector_of(own), changes)
    for name in METRICS:
        value = milder.split(f"/{name}:")[1][0]
        assert VALUES[name].index(value) == max(map(VALUES[name].index, (own[name], changes[name])))
    assert eased(milder, changes) == milder
    assert joined(changes, changes) == changes
