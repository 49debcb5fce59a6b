"""What `explain` says about a draft with an LLM: who made, worded or found an item."""

from agent.records import Capability
from agent.report.explain.explanation import explain, text
from agent.report.explain.explanation_items import as_json_text
from agent.taxonomy.factors import FACTORS
from agent.taxonomy.layers import LAYERS
from tests.agent.report.test_attacks import UNSAFE
from tests.fakes.report.fact_drafts import harbour
from tests.fakes.report.stored_assisted import golden, items


def test_every_item_is_explained() -> None:
    for draft in (golden(), harbour()):
        names = items(draft)
        assert len(names) > len(FACTORS) + len(LAYERS)
        for name in names:
            explained = explain(draft, name)
            assert explained.passages, name
            assert UNSAFE.search(text(explained) + as_json_text(explained)) is None


def test_a_factor_that_the_llm_did_not_move_says_why() -> None:
    shown = " ".join(text(explain(golden(), "self_modification")).split())
    assert "made by the estimate only; the LLM found that the quotes do not suffice (too- little-evidence)" in shown
    assert "Weighed with" not in shown


def test_who_worded_the_paragraph_of_a_layer_is_said() -> None:
    assert "made by                    in the LLM's words\n" in text(explain(golden(), "L4"))
    kept = " ".join(text(explain(golden(), "L1")).split())
    assert "made by in the program's words; the program holds the layer not certain, whatever" in kept


def test_who_found_a_capability_is_said() -> None:
    found = golden().system.capabilities[0]
    own = text(explain(golden(), found.id))
    assert "made by                    the program\n" in own
    by_llm = Capability.model_validate({**found.model_dump(), "id": "C99", "signal": "proposed"})
    system = golden().system.model_copy(update={"capabilities": (by_llm,)})
    assert "the LLM, in the words of the quote" in text(explain(golden().model_copy(update={"system": system}), "C99"))
