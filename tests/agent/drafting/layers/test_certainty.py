"""Certainty of layers: it needs a verified fact, and an LLM's verdict counts only with its quotes."""

from hypothesis import given, settings, strategies as st

from agent.drafting.calibration import load_calibration
from agent.drafting.judgement import JudgedLayer, Judgement
from agent.drafting.layers.certainty import HARDLY, Certainty, assess, told_quotes
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, Outlook, Telling
from agent.taxonomy.layers import LAYERS
from tests.fakes.drafting.sheets import doubtful, fact, sheet

LAYER = "security_compliance"
PINS = [key.id for key in load_vocabulary() if LAYER in key.pins and not key.opposes]
SURE = Outlook(layers=dict.fromkeys(LAYERS, 0.99))


def of(*facts: Fact, verdict: JudgedLayer | None = None, outlook: Outlook = SURE) -> Certainty:
    return assess(sheet(*facts, outlook=outlook), Judgement(layers={LAYER: verdict}) if verdict else None)[LAYER]


def test_facts_and_outlook_make_a_layer_certain_and_neither_does_alone() -> None:
    assert not any(row.certain for row in assess(sheet(outlook=SURE)).values())
    found = of(fact("api_key"), fact("scopes"))
    assert found.certain
    assert len(found.facts) == 2


def test_a_verdict_needs_quotes_or_yields_to_sure_facts() -> None:
    own, nothing, gone = fact("api_key"), Outlook(), {"facts": ("Fdeadbeef",), "evidence": ("E99",)}
    for verdict in ("sufficient", "mostly"):
        assert of(own, verdict=JudgedLayer(verdict=verdict, facts=(own.id,)), outlook=nothing).certain
        assert not of(verdict=JudgedLayer(verdict=verdict, **gone), outlook=nothing).certain
    assert not of(own, verdict=JudgedLayer(verdict="insufficient")).certain
    assert of(*map(fact, PINS), verdict=JudgedLayer(verdict="insufficient")).certain
    assert not of(*map(fact, PINS), verdict=JudgedLayer(verdict="hardly", facts=(own.id,))).certain


def test_what_an_analyst_knows_settles_a_layer_whatever_else_is_read() -> None:
    known, nothing = fact("api_key").model_copy(update={"rank": 5}), Outlook()
    assert not of(fact("api_key"), outlook=nothing).certain
    assert of(known, outlook=nothing).certain
    assert all(of(known, verdict=JudgedLayer(verdict=said)).certain for said in ("hardly", "insufficient"))


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(PINS), max_size=5), st.sampled_from(PINS))
def test_a_further_fact_never_makes_a_layer_less_certain(keys: list[str], more: str) -> None:
    before = of(*map(fact, dict.fromkeys(keys)), outlook=Outlook())
    after = of(*map(fact, dict.fromkeys([*keys, more])), outlook=Outlook())
    assert after.certainty >= before.certainty


def test_without_a_sure_fact_a_layer_needs_more() -> None:
    low = load_calibration().certainty.model_copy(update={"threshold": HARDLY - 0.2})

    def certain(confidence: float) -> list[float]:
        outlooks = [Outlook(layers=dict.fromkeys(LAYERS, n / 200)) for n in range(1, 200)]
        made = [sheet("api_key", "audit_log", "encryption", quote="It needs a key", outlook=one) for one in outlooks]
        rows = [assess(doubtful(one, confidence), calibration=low)[LAYER] for one in made]
        return [row.certainty for row in rows if row.certain]

    assert min(certain(0.9)) < HARDLY <= min(certain(0.7))


def test_a_layer_without_facts_rests_on_the_statement_that_tells_most_of_it() -> None:
    told = Telling(document="D1", start=10, end=31, quote="Every call is logged.", rank=2, about="product")
    tellings = {"agent_frameworks": told, "data_operations": told}
    verdicts = assess(sheet(outlook=SURE.model_copy(update={"tellings": tellings})))
    assert [key for key, one in verdicts.items() if one.certain] == ["data_operations", "agent_frameworks"]
    marks, added = told_quotes(verdicts, ())
    assert set(marks.values()) == {"E1"}
    assert [item.quote for item in added] == [told.quote]
