"""Chains run over shown threats alone, each hop with a quote."""

import pytest

from agent.drafting.judgement import JudgedChain, JudgedStep, Judgement
from agent.drafting.threats.chains import MAX_CHAINS, chains
from agent.facts.sheet import without
from tests.fakes.drafting.threats import CODER, EXAMPLES, THIN, Example, found_for


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_chains_join_shown_threats_with_quotes(example: Example) -> None:
    found = found_for(example)
    made = chains(example.sheet, found)
    shown = {placed.threat.id for placed in found.threats}
    known = {item.id for item in example.sheet.evidence}
    assert len(made) <= MAX_CHAINS
    for chain in made:
        assert 2 <= len(chain.threats) <= 4
        assert set(chain.threats) <= shown
        assert len(set(chain.threats)) == len(chain.threats)
        assert [(hop.source, hop.target) for hop in chain.hops] == list(
            zip(chain.threats, chain.threats[1:], strict=False)
        )
        assert all(hop.evidence and set(hop.evidence) <= known for hop in chain.hops)
        assert chain.title.startswith("From ")


def test_without_threats_there_is_no_chain() -> None:
    assert chains(THIN.sheet, found_for(THIN)) == ()


def test_a_struck_fact_carries_no_hop() -> None:
    for fact in CODER.sheet.facts:
        made = chains(without(CODER.sheet, fact.id), found_for(CODER))
        assert not any(set(fact.evidence) & set(hop.evidence) for chain in made for hop in chain.hops)


def test_an_llms_chain_leads_and_loses_what_is_not_shown() -> None:
    found = found_for(CODER)._replace(names={"T1": "T2", "T2": "T1"})
    steps = (JudgedStep(threat="T1"), JudgedStep(threat="T7"), JudgedStep(threat="T2", evidence=("E1",)))
    judgement = Judgement(
        chains=(
            JudgedChain(title="From a hostile server to a shell", steps=steps),
            JudgedChain(title="From nowhere", steps=(JudgedStep(threat="T1"), JudgedStep(threat="T7"))),
        )
    )
    made = chains(CODER.sheet, found, judgement)
    assert made[0].title == "From a hostile server to a shell"
    assert made[0].threats == ("T2", "T1")
    assert made[0].hops[0].evidence == ("E1",)
    assert not any(chain.title == "From nowhere" for chain in made)
