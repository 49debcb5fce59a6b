"""Advice: conditions, and a residual that no untouched threat exceeds."""

from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from agent.drafting.conditions_for_use import MAX_CONDITIONS, advise
from agent.drafting.judgement import JudgedCondition, Judgement
from agent.drafting.threats.cvss_vectors import base_of, eased, joined
from agent.facts.sheet import without
from agent.records import Advice, Question
from agent.records.evidence import MARK
from agent.scoring.cvss import BASE_METRICS
from tests.fakes.drafting.threats import (
    EXAMPLES,
    INJECTION,
    OPEN_PORT,
    THIN,
    TICKETS,
    Example,
    factors_of,
    found_for,
    found_of,
    row,
    score_of_base,
    sheet_of,
    threat,
)

QUESTION = (Question(id="Q1", text="Where?", proposed="Here.", settles=(), effect=0.0),)
VALUES = {"AV": "NALP", "AC": "LH", "AT": "NP", "PR": "NLH", "UI": "NPA"} | dict.fromkeys(BASE_METRICS[5:], "HLN")
vectors = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})


def advised(example: Example, judgement: Judgement | None = None) -> Advice:
    found = found_for(example)
    if judgement:
        found = found._replace(names={"T1": "T1", "T2": "T3"})
    return advise(example.sheet, example.kind, found, factors_of(), score_of_base("7.2"), QUESTION, judgement)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_residual_is_what_remains_of_all_default_threats(example: Example) -> None:
    advice = advised(example)
    found = found_for(example)
    default = [placed.threat for placed in found.threats if placed.threat.default_use]
    assert len(advice.conditions) <= MAX_CONDITIONS
    touched = {name for condition in advice.conditions for name in condition.threats}
    untouched = [one.score.cvss_base for one in default if one.id not in touched]
    if not default:
        assert advice.residual is None
        return
    assert advice.residual is not None
    assert advice.residual.before == max(one.score.cvss_base for one in default)
    assert advice.residual.after <= advice.residual.before
    assert advice.residual.after >= max(untouched, default=Decimal(0))
    assert advice.residual.threat in {one.id for one in default}
    assert set(MARK.findall(advice.law)) <= {item.id for item in example.sheet.evidence}
    for condition in advice.conditions:
        bases = {placed.threat.id: placed.threat.score.cvss_base for placed in found.threats}
        assert all(after <= bases[name] for name, after in condition.after.items())
        assert set(condition.after) == set(condition.threats)


def test_an_untouched_threat_keeps_the_residual_up() -> None:
    sheet = sheet_of(row("runs_commands"), row("fine_tunes"))
    found = found_of(
        ("agent_frameworks", threat(1, "Injected commands", sheet, ("runs_commands",), INJECTION)),
        ("foundation_models", threat(2, "Poisoned tuning", sheet, ("fine_tunes",), OPEN_PORT)),
    )
    advice = advise(sheet, "other", found, factors_of(), score_of_base("9.0"), QUESTION)
    assert advice.residual is not None
    assert advice.residual.after == base_of(OPEN_PORT)
    assert advice.residual.threat == "T2"
    assert advice.proposal == "wait for answers"


def test_nothing_to_fear_needs_no_condition() -> None:
    sheet = sheet_of(row("reads_files"))
    low = "CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"
    found = found_of(("data_operations", threat(1, "Files read", sheet, ("reads_files",), low)))
    advice = advise(sheet, "other", found, factors_of(), score_of_base("2.0"), ())
    assert advice.proposal == "use"
    assert advice.conditions == ()


def test_without_a_score_the_vendor_answers_first() -> None:
    found = found_for(THIN)
    score = score_of_base("5.0", withheld="too little")
    assert advise(THIN.sheet, "other", found, factors_of(), score, QUESTION).proposal == "wait for answers"


def test_an_llms_conditions_lead_under_the_names_of_the_draft() -> None:
    judgement = Judgement(
        conditions=(
            JudgedCondition(
                text="Issue a read-only token; T1 then ends.",
                who="administrator",
                threats=("T1", "T2", "T9"),
                metrics={"T1": {"VI": "L", "SI": "L"}, "T2": {"AV": "N"}},
            ),
            JudgedCondition(text="Do something about T9.", who="operator", threats=("T9",)),
        ),
        proposal="wait for answers",
        law="Check the contract [E5].",
    )
    advice = advised(TICKETS, judgement)
    assert advice.conditions[0].threats == ("T1", "T3")
    assert advice.conditions[0].after["T1"] < base_of(INJECTION)
    assert not any("T9" in condition.text for condition in advice.conditions)
    assert advice.proposal == "wait for answers"
    assert advice.law == "Check the contract [E5]."


def test_of_several_full_losses_an_llms_conditions_leave_one() -> None:
    sheet = sheet_of(row("reads_files"))
    whole = "CVSS:4.0/AV:N/AC:L/AT:P/PR:N/UI:P/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"
    found = found_of(("data_operations", threat(1, "Code runs", sheet, ("reads_files",), whole)))
    found = found._replace(names={"T1": "T1"})
    narrow = JudgedCondition(
        text="Give it a copy.", who="operator", threats=("T1",), metrics={"T1": {"VC": "L", "VI": "L", "VA": "L"}}
    )
    judgement = Judgement(conditions=(narrow,))
    advice = advise(sheet, "other", found, factors_of(), score_of_base("7.7"), (), judgement)
    assert advice.residual is not None
    assert advice.residual.changes == {"T1": "VI:L/VA:L"}


def test_law_follows_the_facts() -> None:
    assert "personal" in advised(TICKETS).law
    fact = next(fact for fact in TICKETS.sheet.facts if fact.key == "reads_private_data")
    struck = Example(TICKETS.name, TICKETS.kind, without(TICKETS.sheet, fact.id))
    found = found_for(TICKETS)
    advice = advise(struck.sheet, struck.kind, found, factors_of(), score_of_base("7.2"), QUESTION)
    assert advice.law == ""


@settings(max_examples=60, deadline=None)
@given(vectors, vectors)
def test_easing_never_raises_a_base(own: dict[str, str], changes: dict[str, str]) -> None:
    vector = "CVSS:4.0/" + "/".join(f"{name}:{own[name]}" for name in BASE_METRICS)
    milder = eased(vector, changes)
    for name, values in VALUES.items():
        value = milder.split(f"/{name}:")[1][0]
        assert values.index(value) == max(values.index(own[name]), values.index(changes[name]))
    assert eased(milder, changes) == milder
    assert joined(changes, changes) == changes
