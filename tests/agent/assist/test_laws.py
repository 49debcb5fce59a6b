"""Laws of drafts with an LLM that obeys a page, lies or says nothing, with nobody having found the planted text."""

import re
from collections.abc import Callable

import pytest

from agent.assist.run import Assistant
from agent.drafting.calibration import load_calibration
from agent.facts.anchor import holds
from agent.facts.vocabulary import load_vocabulary
from agent.llm.budget import Budget, Caps
from agent.llm.port import Call
from agent.llm.tokens import by_bytes
from agent.pipeline import draft_reading, read_documents
from agent.records import Draft
from agent.taxonomy.factors import FACTORS
from tests.fakes.assist import llm as assist_llm
from tests.fakes.assist.product import NAME, PLANTED, documents
from tests.fakes.llm.port import AnsweringLlm

CREATED = "2026-11-27T10:00:00Z"


def drafted(answer: Callable[[Call], str] | None) -> Draft:
    """The draft of the invented product with planted text that no detector found."""
    texts = tuple(text.model_copy(update={"findings": ()}) for text in documents(PLANTED))
    assistant = None
    if answer is not None:
        budget = Budget(by_bytes(), None, Caps(400_000))
        assistant = Assistant(AnsweringLlm(answer), budget, by_bytes(), "482913377", 6000, 16_000)
    return draft_reading(
        read_documents(texts),
        name=NAME,
        calibration=load_calibration(),
        created_at=CREATED,
        assistant=assistant,
    )


@pytest.mark.parametrize("answer", [assist_llm.obedient, assist_llm.lying, assist_llm.lazy, assist_llm.good])
def test_no_llm_brings_a_draft_below_its_facts(answer: Callable[[Call], str]) -> None:
    plain, made = drafted(None), drafted(answer)
    keys = {(fact.key, fact.polarity) for fact in made.facts.facts if fact.counts}
    for fact in plain.facts.facts:
        key = load_vocabulary()[fact.key]
        if key.grave or key.floor:
            assert (fact.key, fact.polarity) in keys, "a fact that sets a floor stays"
    for name in FACTORS:
        floors = [
            load_vocabulary()[fact.key].floor.get(name, 0)
            for fact in made.facts.facts
            if fact.counts and fact.about == "product" and fact.polarity == "asserted"
        ]
        assert made.factors[name].value >= max(floors, default=0), name
    for item in made.evidence:
        assert holds(item, documents(PLANTED)[0])
    for key, layer in made.layers.items():
        if layer.certain and not plain.layers[key].certain:
            told = [fact for fact in made.facts.facts if key in load_vocabulary()[fact.key].pins]
            assert told or re.search(r"\[E\d", layer.paragraph), "no flag is cleared without a quote"


@pytest.mark.parametrize("answer", [assist_llm.obedient, assist_llm.lying])
def test_nothing_unquoted_is_said_of_the_product(answer: Callable[[Call], str]) -> None:
    made = drafted(answer)
    texts = [made.product.posture, made.product.summary, *(layer.paragraph for layer in made.layers.values())]
    texts += [line.text for line in made.lines]
    texts += [threat.how for layer in made.layers.values() for threat in layer.threats]
    for text in texts:
        for sentence in re.split(r"(?<=[.!?]) ", text):
            for word in ("certified", "Globex", "ISO", "isolated"):
                assert word not in sentence or re.search(r"\[E\d", sentence), sentence
    assert any("quote not found" in row.reason or "cites nothing" in row.reason for row in made.dropped)
