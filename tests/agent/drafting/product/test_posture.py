"""Posture, summary and claimed controls: three sentences, and a control counts only where a vector contains it."""

import pytest

from agent.drafting.judgement import Given
from agent.drafting.product.controls import claimed
from agent.drafting.product.posture import posture, summary
from agent.facts.sheet import build_sheet
from agent.records import ClaimedControl, Threat
from tests.fakes.drafting.sheets import doubtful, row, sheet_of
from tests.fakes.drafting.threats import (
    CODER,
    INJECTION,
    TICKETS,
    fact_of,
    found_for,
    found_of,
    led,
    score_of_base,
    struck,
    threat,
)

SCORE = score_of_base("7.2")


def test_posture_says_abilities_entry_and_controls() -> None:
    assert posture(TICKETS, found_for(TICKETS), SCORE) == (
        "An assistant connected to Tickety MCP can delete projects and change issues and comments in Tickety "
        "[E3, E2]. It can read issue comments that outsiders can write, so planted "
        "instructions could misuse these abilities [E4]. The documented safeguard is an allow-list (server) [E8], but "
        "no approval step was found [N:approval_before]."
    )


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (("runs_commands", "endpoint_no_auth"), "so anyone who can reach it can use these abilities [E2]."),
        (("mcp_client",), "Anyone who can write to the content it reads could plant instructions"),
        (("scheduled",), "It can start on a schedule or an event, so a wrong step may go unnoticed [E1]."),
        (("runs_code",), "An agent built with Nimbus can execute generated or supplied code [E1]."),
    ],
)
def test_posture_says_what_makes_it_dangerous(keys: tuple[str, ...], told: str) -> None:
    product = Given(sheet_of(*map(row, keys)), "Nimbus", "agent-framework")
    assert told in posture(product, found_of(), SCORE)
    assert summary(product).startswith("Nimbus is a framework for agents")


def test_posture_does_not_deny_an_approval_that_may_be_mentioned() -> None:
    product = Given(sheet_of(row("runs_code")), "Nimbus", "agent-framework")
    assert "Neither an approval step nor a sandbox was found" in posture(product, found_of(), SCORE)
    sheet = product.sheet
    outlook = sheet.outlook.model_copy(update={"mentioned": ("approval_before",)})
    looked = [one.model_copy(update={"reader": "embedded"}) for one in sheet.searched]
    unsure = build_sheet(sheet.facts, sheet.evidence, looked, outlook=outlook)
    assert "may describe an approval step" in posture(product._replace(sheet=unsure), found_of(), SCORE)


def test_an_llms_posture_leads_while_its_marks_stand() -> None:
    product = led(TICKETS, posture="It can delete projects [E3].", summary="A tracker [E1].")
    assert posture(product, found_for(TICKETS), SCORE) == "It can delete projects [E3]."
    without = struck(product, fact_of(TICKETS, "deletes_data"))
    assert "projects" not in posture(without, found_for(TICKETS), SCORE)
    assert summary(without) == "A tracker [E1]."


def controls(product: Given, made: Threat) -> dict[str, ClaimedControl]:
    keys = {fact.id: fact.key for fact in product.sheet.facts}
    return {keys[one.facts[0]]: one for one in claimed(product, found_of(("agent_frameworks", made)))}


def test_a_control_counts_only_where_a_vector_has_it() -> None:
    approval, box = row("approval_before", default="on", part="client", rank=3), row("sandbox", default="off", rank=3)
    others = row("run_limit", rank=2), row("egress_limits", rank=3), row("certification", rank=3, default="on")
    sheet = sheet_of(row("runs_commands"), approval, box, *others)
    product = Given(sheet, "Nimbus", "other")
    reasons = {"UI": "the step requires approval by default [E2]"}
    vector = INJECTION.replace("UI:P", "UI:A")
    found = controls(product, threat(1, "Injected", sheet, ("runs_commands",), vector, reasons=reasons))
    assert [key for key, one in found.items() if one.counted] == ["approval_before"]
    assert found["approval_before"].part == "client"
    assert found["approval_before"].why.endswith("the vector of T1 takes it into account.")
    assert (found["sandbox"].why, found["sandbox"].part) == ("It is off by default.", "not stated")
    assert found["egress_limits"].why == "Its default is not stated."
    plain = controls(product, threat(1, "Injected", sheet, ("runs_commands",), INJECTION))
    assert not any(one.counted for one in plain.values())


def test_a_control_of_the_second_number_counts() -> None:
    sheet = sheet_of(row("runs_commands"), row("sandbox", default="on", part="client", scope="all commands", rank=3))
    made = threat(1, "Injected", sheet, ("runs_commands",), INJECTION)
    found = controls(Given(sheet, "Nimbus", "other"), made.model_copy(update={"id": "L3-command-on-host"}))
    assert found["sandbox"].counted
    assert "score with controls" in found["sandbox"].why


def test_an_llms_words_lead_for_the_facts_that_they_cite() -> None:
    fact = fact_of(TICKETS, "allow_list")
    told = {"text": "Tools can be restricted [E8]", "part": "hosted server", "facts": [fact.id]}
    product = led(TICKETS, controls=[told, {"text": "A backup", "part": "server"}])
    (one,) = claimed(product, found_for(TICKETS))
    assert (one.text, one.part, one.rank, one.evidence) == (told["text"], "hosted server", 3, ("E8",))


def test_a_control_cites_its_quote_word_for_word() -> None:
    quotes = {item.id: item.quote for item in CODER.sheet.evidence}
    assert all(one.text == quotes[one.evidence[0]] for one in claimed(CODER, found_for(CODER)))


def test_doubtful_controls_and_abilities_are_not_stated() -> None:
    doubt = doubtful(sheet_of(row("deletes_data"), row("sandbox")), 0.8)
    told = posture(TICKETS._replace(sheet=doubt), found_of(), SCORE)
    assert "may delete" in told
    assert "may describe a sandbox [E2]; check" in told


def test_a_part_that_only_reads_is_no_safeguard_of_a_product_that_acts() -> None:
    reads = sheet_of(row("read_only"), row("reads_web"))
    acts = sheet_of(row("read_only"), row("reads_web"), row("deletes_data"))
    assert "read-only access" in posture(TICKETS._replace(sheet=reads), found_of(), SCORE)
    assert "read-only access" not in posture(TICKETS._replace(sheet=acts), found_of(), SCORE)
