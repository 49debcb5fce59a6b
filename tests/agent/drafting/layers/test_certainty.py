"""Certainty of layers: a verified fact is needed, and an LLM's verdict counts with its quotes."""

from hypothesis import given, settings, strategies as st

from agent.drafting.judgement import JudgedLayer, Judgement
from agent.drafting.layers.certainty import HARDLY, assess
from agent.facts.vocabulary import load_vocabulary
from agent.records import FactSheet, FactSource, Outlook
from agent.taxonomy.layers import LAYERS
from tests.fakes.drafting.sheets import fact, sheet

PINS = [key.id for key in load_vocabulary() if "security_compliance" in key.pins and not key.opposes]
SURE = Outlook(layers=dict.fromkeys(LAYERS, 0.99))


def test_no_fact_no_certainty() -> None:
    found = assess(sheet(outlook=SURE))
    assert tuple(found) == LAYERS
    assert not any(row.certain for row in found.values())


def test_facts_and_outlook_make_a_layer_certain() -> None:
    found = assess(sheet(fact("api_key"), fact("scopes"), outlook=SURE))["security_compliance"]
    assert found.certain
    assert len(found.facts) == 2


def test_sufficient_needs_a_verified_quote() -> None:
    own = fact("names_llm")
    claims = JudgedLayer(verdict="sufficient", facts=("Fdeadbeef",), evidence=("E99",))
    assert not assess(sheet(), Judgement(layers={"foundation_models": claims}))["foundation_models"].certain
    cites = JudgedLayer(verdict="sufficient", facts=(own.id,))
    assert assess(sheet(own), Judgement(layers={"foundation_models": cites}))["foundation_models"].certain


def test_insufficient_yields_to_sure_facts_only() -> None:
    verdict = Judgement(layers={"security_compliance": JudgedLayer(verdict="insufficient")})
    one = sheet(fact("api_key"), outlook=SURE)
    many = sheet(*map(fact, PINS), outlook=SURE)
    assert not assess(one, verdict)["security_compliance"].certain
    assert assess(many, verdict)["security_compliance"].certain


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(PINS), max_size=5), st.sampled_from(PINS))
def test_a_further_fact_never_makes_a_layer_less_certain(keys: list[str], more: str) -> None:
    before = assess(sheet(*map(fact, dict.fromkeys(keys))))["security_compliance"]
    after = assess(sheet(*map(fact, dict.fromkeys([*keys, more]))))["security_compliance"]
    assert after.certainty >= before.certainty


def told(confidence: float, outlook: float) -> FactSheet:
    made = sheet(
        fact("api_key").model_copy(
            update={"confidence": confidence, "sources": (FactSource(reader="embedded", confidence=confidence),)}
        ),
        outlook=Outlook(layers=dict.fromkeys(LAYERS, outlook)),
    )
    return made.model_copy(
        update={"evidence": tuple(item.model_copy(update={"quote": "It needs a key"}) for item in made.evidence)}
    )


def test_without_a_sure_fact_a_layer_needs_more() -> None:
    tried = [n / 50 for n in range(1, 50)]
    sure = [assess(told(0.9, chance))["security_compliance"] for chance in tried]
    doubtful = [assess(told(0.7, chance))["security_compliance"] for chance in tried]

    assert any(row.certain and row.certainty < HARDLY for row in sure)
    assert any(row.certain for row in doubtful)
    assert all(row.certainty >= HARDLY for row in doubtful if row.certain)
