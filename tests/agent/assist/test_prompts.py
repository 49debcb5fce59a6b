"""The LLM prompts: small enough, with a common beginning, and with examples in the form that they ask for."""

import re

import pytest
from pydantic import BaseModel

from agent.assist.asking import Ask, prompt, worded
from agent.assist.calls import BUILT, DOES, first_wave, second_wave, vocabulary_text
from agent.assist.shapes import Factors, FactsBuilt, FactsDoes, Page
from agent.facts.vocabulary import load_vocabulary
from agent.llm.parse import wire_schema
from agent.llm.prompts import cards
from agent.records import FactSheet
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS

SHAPES: dict[str, type[BaseModel]] = {
    "facts_does": FactsDoes,
    "facts_built": FactsBuilt,
    "factors": Factors,
    "page": Page,
}


def asks() -> tuple[Ask, ...]:
    """Return all four prompts for an empty sheet."""
    certain = dict.fromkeys(LAYERS, False)
    return (*first_wave(FactSheet(), {}, "123456789"), *second_wave((), FactSheet(), {}, certain, "123456789"))


@pytest.mark.parametrize("ask", asks(), ids=lambda ask: ask.stage)
def test_the_example_of_a_prompt_has_the_form_that_the_prompt_asks_for(ask: Ask) -> None:
    text = prompt(ask.prompt).render(**ask.values)
    example = text.rpartition("Example of the form (another product):\n")[2].strip()
    shape = SHAPES[ask.prompt]
    assert ask.shape is shape
    assert shape.model_validate_json(example, strict=True, extra="forbid")
    assert wire_schema(shape)


def test_all_keys_of_the_vocabulary_are_asked_for_once() -> None:
    words = load_vocabulary()
    text = f"{vocabulary_text(words, DOES)}\n{vocabulary_text(words, BUILT)}"
    assert re.findall(r"^- (\w+): ", text, re.MULTILINE) == [key.id for key in words]


def test_calls_begin_alike_whatever_the_product() -> None:
    calls = [worded(ask, f"Product: {n}", 100) for n, ask in enumerate(asks())]
    assert len({call.messages[0].text for call in calls}) == 1
    assert not re.search(r"\d{5}", calls[0].messages[0].text), "no delimiter stands there"


@pytest.mark.parametrize("key", FACTORS)
def test_a_rubric_has_examples_with_reasons_and_no_fitted_number(key: str) -> None:
    body = cards()[key].render()
    examples = re.findall(r"^- (\d+): .{20,}[:,] .+$", body, re.MULTILINE)
    assert len(examples) >= 3
    assert [int(value) for value in examples] == sorted(int(value) for value in examples)
    assert not re.search(r"\d\.\d", body)


def test_the_text_of_the_calls_without_sources_is_short() -> None:
    size = sum(len(message.text) for ask in asks() for message in worded(ask, "", 100).messages)
    assert size / 4 < 17_600, "tokens; a listing alone may take 25,000"
