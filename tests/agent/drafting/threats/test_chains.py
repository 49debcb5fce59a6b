"""Chains contain only shown threats, with a quote for each step (`test_laws` checks this for any sheet)."""

from agent.drafting.threats.chains import chains
from tests.fakes.drafting.threats import CODER, THIN, found_for, led


def test_paths_join_threats_where_there_are_any() -> None:
    assert chains(THIN, found_for(THIN)) == ()
    assert all(chain.title.startswith("From ") for chain in chains(CODER, found_for(CODER)))


def test_an_llms_chain_leads_and_loses_what_is_not_shown() -> None:
    found = found_for(CODER)._replace(names={"T1": "T2", "T2": "T1"})
    title = "From a hostile server to a shell"
    steps = [{"threat": "T1"}, {"threat": "T7"}, {"threat": "T2", "evidence": ["E1"]}]
    product = led(CODER, chains=[{"title": title, "steps": steps}, {"title": "From nowhere", "steps": steps[:2]}])
    first, *others = chains(product, found)
    assert (first.title, first.threats, first.hops[0].evidence) == (title, ("T2", "T1"), ("E1",))
    assert not any(chain.title == "From nowhere" for chain in others)
