"""Posture, summary and claimed controls: three sentences, and a control counts only where a vector has it."""

import pytest

from agent.drafting.judgement import JudgedControl, Judgement
from agent.drafting.product.controls import claimed
from agent.drafting.product.posture import posture, summary
from agent.drafting.threats.names import sentences
from agent.facts.sheet import without
from agent.records.evidence import MARK
from tests.fakes.drafting.threats import (
    CODER,
    EXAMPLES,
    INJECTION,
    TICKETS,
    Example,
    found_for,
    found_of,
    row,
    score_of_base,
    sheet_of,
    threat,
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_three_sentences_with_known_marks(example: Example) -> None:
    text = posture(example.sheet, example.name, example.kind, found_for(example), score_of_base("7.2"))
    known = {item.id for item in example.sheet.evidence}
    assert len(sentences(text)) == 3
    assert set(MARK.findall(text)) <= known
    assert text.count(example.name) == 1
    assert len(text.split()) <= 90
    one = summary(example.sheet, example.name, example.kind)
    assert len(sentences(one)) == 1
    assert set(MARK.findall(one)) <= known


def test_posture_says_rights_entry_and_controls() -> None:
    text = posture(TICKETS.sheet, TICKETS.name, TICKETS.kind, found_for(TICKETS), score_of_base("7.2"))
    assert text == (
        "An assistant connected to Tickety MCP can delete projects and change issues and comments in Tickety, acting "
        "with a personal access token [E3, E2, E6]. It can read issue comments that outsiders can write, so planted "
        "instructions could use these abilities [E4]. Against it stands an allow-list (server) [E8]; an approval step "
        "was not found [N:approval_before]."
    )


def test_a_struck_fact_takes_its_words_along() -> None:
    for fact in CODER.sheet.facts:
        struck = without(CODER.sheet, fact.id)
        text = posture(struck, CODER.name, CODER.kind, found_for(CODER), score_of_base("7.2"))
        assert not set(fact.evidence) & set(MARK.findall(text + summary(struck, CODER.name, CODER.kind)))


def test_an_llms_posture_leads_while_its_marks_stand() -> None:
    judgement = Judgement(posture="It can delete projects [E3].", summary="A tracker [E1].")
    score, found = score_of_base("7.2"), found_for(TICKETS)
    assert posture(TICKETS.sheet, "Tickety", "mcp-server", found, score, judgement) == "It can delete projects [E3]."
    fact = next(fact for fact in TICKETS.sheet.facts if fact.key == "deletes_data")
    struck = without(TICKETS.sheet, fact.id)
    assert "projects" not in posture(struck, "Tickety", "mcp-server", found, score, judgement)
    assert summary(TICKETS.sheet, "Tickety", "mcp-server", judgement) == "A tracker [E1]."


def test_a_control_counts_only_where_a_vector_has_it() -> None:
    sheet = sheet_of(
        row("runs_commands"),
        row("approval_before", default="on", part="client", rank=3),
        row("sandbox", default="off", rank=3),
        row("run_limit", rank=2),
        row("egress_limits", rank=3),
        row("certification", rank=3, default="on"),
    )
    asked = threat(1, "Injected commands", sheet, ("runs_commands",), INJECTION.replace("UI:P", "UI:A"),
        reasons={"UI": "a default approval stands before the step [E2]"})  # fmt: skip
    rows = {row.facts[0]: row for row in claimed(sheet, found_of(("agent_frameworks", asked)))}
    keys = {fact.key: rows[fact.id] for fact in sheet.facts if fact.id in rows}
    assert [key for key, one in keys.items() if one.counted] == ["approval_before"]
    assert keys["approval_before"].part == "client"
    assert keys["approval_before"].why.endswith("the vector of T1 takes it into account.")
    assert keys["sandbox"].why == "It is off unless somebody turns it on."
    assert keys["egress_limits"].why == "Its default is not stated."
    assert keys["sandbox"].part == "not stated"
    plain = threat(1, "Injected commands", sheet, ("runs_commands",), INJECTION)
    assert not any(one.counted for one in claimed(sheet, found_of(("agent_frameworks", plain))))


def test_a_control_of_the_second_number_counts() -> None:
    sheet = sheet_of(row("runs_commands"), row("sandbox", default="on", part="client", scope="all commands", rank=3))
    made = threat(1, "Injected commands", sheet, ("runs_commands",), INJECTION).model_copy(
        update={"id": "L3-command-on-host"}
    )
    rows = claimed(sheet, found_of(("agent_frameworks", made)))
    assert [one.counted for one in rows] == [True]
    assert "score with controls" in rows[0].why


def test_an_llms_words_lead_for_the_facts_that_they_cite() -> None:
    fact = next(fact for fact in TICKETS.sheet.facts if fact.key == "allow_list")
    judgement = Judgement(
        controls=(
            JudgedControl(text="Tools can be restricted [E8]", part="hosted server", facts=(fact.id,)),
            JudgedControl(text="A backup", part="server"),
        )
    )
    rows = claimed(TICKETS.sheet, found_for(TICKETS), judgement)
    assert [(one.text, one.part, one.rank) for one in rows] == [("Tools can be restricted [E8]", "hosted server", 3)]
    assert rows[0].evidence == ("E8",)


def test_a_control_cites_its_quote_word_for_word() -> None:
    rows = claimed(CODER.sheet, found_for(CODER))
    quotes = {item.id: item.quote for item in CODER.sheet.evidence}
    assert all(one.text == quotes[one.evidence[0]] for one in rows)
