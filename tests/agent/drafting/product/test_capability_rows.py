"""Rows of what a product can do: short, marked, and "not stated" only after a search."""

import pytest

from agent.drafting.judgement import JudgedLine, Judgement
from agent.drafting.product.capability_rows import LABELS, fact_lines
from agent.drafting.wording import word_count
from agent.facts.sheet import without
from agent.records import FactSource
from agent.records.evidence import MARK
from tests.fakes.drafting.threats import CODER, EXAMPLES, TICKETS, Example, row, sheet_of

MAX_WORDS = 40


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_rows_are_few_short_and_marked(example: Example) -> None:
    lines = fact_lines(example.sheet, example.kind)
    assert [line.label for line in lines] == [label for label in LABELS if label in {one.label for one in lines}]
    known = {item.id for item in example.sheet.evidence}
    for line in lines:
        assert set(MARK.findall(line.text)) <= known
        assert set(line.evidence) <= known
        assert word_count(line.text) <= MAX_WORDS
        assert "_" not in " ".join(word for word in line.text.split() if "N:" not in word)
        assert bool(line.facts) == bool(MARK.findall(line.text))


def test_not_stated_is_said_only_after_a_search() -> None:
    unread = sheet_of(row("runs_commands"), statements=0)
    assert not any("not stated" in line.text for line in fact_lines(unread, "other"))
    read = sheet_of(row("runs_commands"), statements=5)
    texts = {line.label: line.text for line in fact_lines(read, "other")}
    assert texts["Approval"] == "An approval step is not stated [N:approval_before]."


@pytest.mark.parametrize("fact", CODER.sheet.facts, ids=lambda fact: fact.key)
def test_a_struck_fact_takes_its_words_along(fact: object) -> None:
    struck = without(CODER.sheet, fact.id)
    for line in fact_lines(struck, CODER.kind):
        assert fact.id not in line.facts
        assert not set(fact.evidence) & set(MARK.findall(line.text))


def test_an_llms_row_leads_while_its_facts_stand() -> None:
    fact = next(fact for fact in TICKETS.sheet.facts if fact.key == "deletes_data")
    line = JudgedLine(label="acts", text="Deletes whole projects [E3].", facts=(fact.id,), evidence=("E3",))
    judgement = Judgement(lines=(line,))
    shown = {one.label: one.text for one in fact_lines(TICKETS.sheet, TICKETS.kind, judgement)}
    assert shown["Acts"] == "Deletes whole projects [E3]."
    assert "Reads" in shown
    struck = without(TICKETS.sheet, fact.id)
    shown = {one.label: one.text for one in fact_lines(struck, TICKETS.kind, judgement)}
    assert "Acts" not in shown


def test_of_a_framework_its_agents_act() -> None:
    sheet = sheet_of(row("runs_code"), row("delegates"))
    texts = [line.text for line in fact_lines(sheet, "agent-framework")]
    assert texts[0] == "An agent built with it can also hand work to sub-agents [E2]."


def test_what_the_posture_says_is_not_said_again() -> None:
    sheet = sheet_of(row("runs_commands"), row("plans_steps"))
    shown = {one.label: one.text for one in fact_lines(sheet, "coding-agent")}
    assert shown["Acts"] == "It can also plan several steps ahead [E2]."
    led = Judgement(posture="It runs commands [E1].")
    shown = {one.label: one.text for one in fact_lines(sheet, "coding-agent", led)}
    assert shown["Acts"] == "It can run shell commands and plan several steps ahead [E1, E2]."


def test_what_is_doubtful_has_no_row() -> None:
    sheet = sheet_of(row("memory_long"), row("vector_store"))
    doubtful = sheet.facts[0].model_copy(
        update={"sources": (FactSource(reader="embedded", confidence=0.7),), "confidence": 0.7}
    )
    mixed = sheet.model_copy(update={"facts": (doubtful, *sheet.facts[1:])})

    shown = {line.label: line.text for line in fact_lines(mixed, "other")}
    assert shown["Memory"] == "It can keep an index for retrieval [E2]."
