"""Layer paragraphs: facts and what follows where certain, marked general commentary elsewhere."""

import pytest

from agent.drafting.judgement import JudgedLayer, Judgement
from agent.drafting.layers.paragraphs import MARK, MAX_WORDS, load_layer_texts, paragraphs
from agent.drafting.wording import word_count
from agent.facts.sheet import without
from agent.facts.vocabulary import load_vocabulary
from agent.records import FactSource, Question
from agent.records.evidence import MARK as CITATION
from agent.taxonomy.kinds import KINDS
from agent.taxonomy.layers import LAYERS
from tests.fakes.drafting.threats import (
    CODER,
    EXAMPLES,
    Example,
    certainty_of,
    found_for,
    pinned_of,
    row,
    sheet_of,
)


def question(*settles: str) -> Question:
    return Question(id="Q4", text="Where?", proposed="Here.", settles=settles, effect=0.1)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_certain_layers_cite_and_uncertain_ones_do_not(example: Example) -> None:
    certainty = pinned_of(example.sheet)
    layers = paragraphs(example.sheet, example.kind, example.name, certainty, found_for(example), ())
    assert tuple(layers) == LAYERS
    known = {item.id for item in example.sheet.evidence}
    for layer in layers.values():
        cited = set(CITATION.findall(layer.paragraph))
        assert cited <= known
        assert "_" not in layer.paragraph
        if layer.certain:
            assert cited
            assert word_count(layer.paragraph) <= MAX_WORDS
            assert layer.missing is None
        else:
            assert layer.paragraph.startswith("Not certain from the listing — ")
            assert not cited
            assert example.name not in layer.paragraph
            assert layer.missing is not None


def test_every_kind_has_marked_commentary_for_every_layer() -> None:
    texts = load_layer_texts()
    for kind in KINDS:
        for layer in LAYERS:
            commentary = texts.commentary[kind][layer]
            assert word_count(commentary) <= 30
            assert "generally" in commentary
    assert set(texts.ask) == set(LAYERS)


def test_something_follows_from_every_key_that_pins_a_layer() -> None:
    follows = load_layer_texts().follows
    for layer in LAYERS:
        assert set(follows[layer]) == {key.id for key in load_vocabulary().pinning(layer)}
        assert all(word_count(text) <= 15 and text.endswith(".") for text in follows[layer].values())


def test_the_question_that_settles_a_layer_is_named() -> None:
    sheet = CODER.sheet
    asked = paragraphs(
        sheet, CODER.kind, CODER.name, certainty_of(sheet), found_for(CODER), (question("deployment_infrastructure"),)
    )
    assert asked["deployment_infrastructure"].question == "Q4"
    assert asked["data_operations"].question is None
    assert asked["data_operations"].paragraph.endswith("?")


def test_threats_stand_in_their_layer() -> None:
    layers = paragraphs(CODER.sheet, CODER.kind, CODER.name, pinned_of(CODER.sheet), found_for(CODER), ())
    assert [threat.id for threat in layers["agent_frameworks"].threats] == ["T1"]


def test_a_struck_fact_takes_its_words_along() -> None:
    for fact in CODER.sheet.facts:
        struck = without(CODER.sheet, fact.id)
        layers = paragraphs(struck, CODER.kind, CODER.name, pinned_of(struck), found_for(CODER), ())
        texts = " ".join(layer.paragraph for layer in layers.values())
        assert not set(fact.evidence) & set(CITATION.findall(texts))


def test_an_llms_paragraph_leads_where_it_may() -> None:
    judgement = Judgement(
        layers={
            "data_operations": JudgedLayer(verdict="sufficient", paragraph="It reads code [E4]. Text steers it."),
            "agent_frameworks": JudgedLayer(verdict="sufficient", paragraph="It runs commands [E99]."),
            "evaluation_observability": JudgedLayer(verdict="insufficient", paragraph="It logs nothing [E98]."),
            "foundation_models": JudgedLayer(verdict="insufficient", paragraph=MARK + "such agents often use one LLM."),
        }
    )
    certainty = certainty_of(CODER.sheet, "data_operations", "agent_frameworks")
    layers = paragraphs(CODER.sheet, CODER.kind, CODER.name, certainty, found_for(CODER), (), judgement)
    assert layers["data_operations"].paragraph == "It reads code [E4]. Text steers it."
    assert "E99" not in layers["agent_frameworks"].paragraph
    assert "E98" not in layers["evaluation_observability"].paragraph
    assert layers["foundation_models"].paragraph.startswith(MARK + "such agents often use one LLM.")


def test_a_product_without_an_llm_has_no_first_layer() -> None:
    sheet = sheet_of(row("no_llm"), row("queries_data"))
    example = Example("Ledgerly", "other", sheet)
    layers = paragraphs(sheet, "other", "Ledgerly", pinned_of(sheet), found_for(example), ())
    assert layers["foundation_models"].applies == "no"
    assert layers["foundation_models"].paragraph == "Does not apply: it contains no LLM [E1]."


def test_what_is_doubtful_is_told_in_the_words_of_its_quote_once() -> None:
    quote = "Tickets are closed by the assistant after a week"
    sheet = sheet_of(row("changes_records", quote=quote))
    doubtful = sheet.facts[0].model_copy(
        update={"sources": (FactSource(reader="embedded", confidence=0.7),), "confidence": 0.7}
    )
    made = sheet.model_copy(update={"facts": (doubtful,)})
    example = Example("Deskly", "assistant", made)

    layers = paragraphs(made, "assistant", "Deskly", pinned_of(made), found_for(example), ())

    texts = [layer.paragraph for layer in layers.values() if layer.certain]
    assert texts[0] == f"The sources say: “{quote}” [E1]."
    assert sum(quote in text for text in texts) == 1
