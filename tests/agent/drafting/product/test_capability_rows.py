"""Rows on what a product can do: short, marked, and "not stated" only after a search."""

import pytest

from agent.drafting.judgement import Given
from agent.drafting.product.capability_rows import fact_lines
from agent.drafting.wording import word_count
from agent.records import Outlook
from agent.taxonomy.kinds import ProductKind
from tests.fakes.drafting.sheets import doubtful, row, sheet_of
from tests.fakes.drafting.threats import EXAMPLES, TICKETS, fact_of, led, struck


def shown(product: Given) -> dict[str, str]:
    return {line.label: line.text for line in fact_lines(product)}


def of(*keys: str, kind: ProductKind = "other", statements: int = 40) -> Given:
    return Given(sheet_of(*map(row, keys), statements=statements), "Nimbus", kind)


def test_rows_are_short() -> None:
    assert all(word_count(text) <= 40 for example in EXAMPLES for text in shown(example).values())


def test_not_stated_is_said_only_after_a_search() -> None:
    assert "not stated" not in " ".join(shown(of("runs_commands", statements=0)).values())
    told = "Whether a person has to approve its actions is not stated [N:approval_before]."
    assert shown(of("runs_commands"))["Approval"] == told


def test_an_llms_row_leads_while_its_facts_stand() -> None:
    fact = fact_of(TICKETS, "deletes_data")
    row = {"label": "acts", "text": "Deletes whole projects [E3].", "facts": [fact.id], "evidence": ["E3"]}
    product = led(TICKETS, lines=[row])
    assert shown(product)["Acts"] == "Deletes whole projects [E3]."
    assert "Reads" in shown(product)
    assert "Acts" not in shown(struck(product, fact))


CODING, STORING = of("runs_commands", "plans_steps", kind="coding-agent"), of("memory_long", "vector_store")
MIXED = STORING._replace(sheet=doubtful(STORING.sheet, keys=["memory_long"]))
LIKELY = struck(STORING, STORING.sheet.facts[0])
LIKELY = LIKELY._replace(sheet=LIKELY.sheet.model_copy(update={"outlook": Outlook(chances={"memory_long": 0.6})}))
HEARD = led(MIXED, summary="It stores passages.")
POSED, FRAMEWORK = led(CODING, posture="It runs commands [E1]."), of("runs_code", "delegates", kind="agent-framework")


@pytest.mark.parametrize(
    ("product", "label", "text"),
    [
        (FRAMEWORK, "Acts", "An agent built with it can also hand work to sub-agents [E2]."),
        (CODING, "Acts", "It can also plan several steps ahead [E2]."),
        (POSED, "Acts", "It can run shell commands and plan several steps ahead [E1, E2]."),
        (MIXED, "Memory", "It can keep an index for retrieval [E2]. It may also keep memory across sessions [E1]."),
        (LIKELY, "Memory", "It can keep an index for retrieval [E2]. It may also keep memory across sessions."),
        (HEARD, "Memory", "It can keep an index for retrieval [E2]."),
    ],
    ids=["of a framework its agents act", "not what the posture says", "an LLM's posture", "doubtful", "likely", "LLM"],
)
def test_what_a_row_says(product: Given, label: str, text: str) -> None:
    assert shown(product)[label] == text
