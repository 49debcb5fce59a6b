"""Layer paragraphs: facts and their consequences for certain layers, marked general commentary for the others."""

from agent.drafting.calibration import load_calibration
from agent.drafting.compose import compose
from agent.drafting.judgement import Given
from agent.drafting.layers.paragraphs import MARK, load_layer_texts, paragraphs
from agent.drafting.wording import word_count
from agent.facts.vocabulary import load_vocabulary
from agent.records import LayerThreats, Outlook, Question, Telling
from agent.taxonomy.kinds import KINDS
from agent.taxonomy.layers import LAYERS, LayerKey
from tests.fakes.drafting.sheets import doubtful, fact, row, sheet, sheet_of
from tests.fakes.drafting.threats import CODER, certainty_of, found_for, led, pinned_of


def written(product: Given, *certain: LayerKey, questions: tuple[Question, ...] = ()) -> dict[LayerKey, LayerThreats]:
    """Return the paragraphs with these layers certain, by default all that a fact settles."""
    certainty = certainty_of(product.sheet, *certain) if certain else pinned_of(product.sheet)
    return paragraphs(product, certainty, found_for(product), questions, {})


def test_there_are_texts_for_every_kind_layer_and_key() -> None:
    texts = load_layer_texts()
    for layer in LAYERS:
        told = [texts.commentary[kind][layer] for kind in KINDS]
        assert all(word_count(text) <= 30 and "generally" in text for text in told)
        assert set(texts.follows[layer]) == {key.id for key in load_vocabulary().pinning(layer)}
        assert all(word_count(text) <= 15 and text.endswith(".") for text in texts.follows[layer].values())
    assert set(texts.ask) == set(LAYERS)


def test_the_question_that_settles_a_layer_is_named_and_threats_stand_in_their_layer() -> None:
    asked = Question(id="Q4", text="Where?", proposed="Here.", settles=("deployment_infrastructure",), effect=0.1)
    layers = written(CODER, "agent_ecosystem", questions=(asked,))
    assert layers["deployment_infrastructure"].question == "Q4"
    assert layers["data_operations"].question is None
    assert layers["data_operations"].paragraph.endswith("?")
    assert CODER.name not in layers["data_operations"].paragraph
    assert [threat.id for threat in layers["agent_frameworks"].threats] == ["T1"]


def test_an_llms_paragraph_leads_where_it_may() -> None:
    told = {
        "data_operations": ("sufficient", "It reads code [E4]. Text steers it."),
        "agent_frameworks": ("sufficient", "It runs commands [E99]."),
        "evaluation_observability": ("insufficient", "It logs nothing [E98]."),
        "foundation_models": ("insufficient", MARK + "such agents often use one LLM."),
    }
    product = led(CODER, layers={key: {"verdict": verdict, "paragraph": text} for key, (verdict, text) in told.items()})
    layers = written(product, "data_operations", "agent_frameworks")
    assert layers["data_operations"].paragraph == told["data_operations"][1]
    assert "E99" not in layers["agent_frameworks"].paragraph
    assert "E98" not in layers["evaluation_observability"].paragraph
    assert layers["foundation_models"].paragraph.startswith(told["foundation_models"][1])


def test_a_product_without_an_llm_has_no_first_layer() -> None:
    layer = written(Given(sheet_of(row("no_llm"), row("queries_data")), "Ledgerly", "other"))["foundation_models"]
    assert (layer.applies, layer.paragraph) == ("no", "Does not apply: it contains no LLM [E1].")


def test_what_is_doubtful_is_told_in_the_words_of_its_quote_once() -> None:
    quote = "Tickets are closed by the assistant after a week"
    product = Given(doubtful(sheet_of(row("changes_records", quote=quote))), "Deskly", "assistant")
    texts = [layer.paragraph for layer in written(product).values() if layer.certain]
    assert texts[0] == f"The sources say: “{quote}” [E1]."
    assert sum(quote in text for text in texts) == 1


def test_a_layer_that_rests_on_a_statement_quotes_it_as_evidence_of_the_draft() -> None:
    told = Telling(document="D1", start=10, end=31, quote="Every call is logged.", rank=2, about="product")
    outlook = Outlook(layers=dict.fromkeys(LAYERS, 0.99), tellings={"data_operations": told})
    made = compose(sheet(fact("runs_commands"), outlook=outlook), name="Courier", calibration=load_calibration())
    mark = next(item.id for item in made.evidence if item.quote == told.quote)
    assert made.layers["data_operations"].certain
    assert f"“Every call is logged” [{mark}]" in made.layers["data_operations"].paragraph
