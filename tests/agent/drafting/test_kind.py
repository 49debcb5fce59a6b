"""The product kind: the LLM's unless facts contradict it, else the most likely, else the one that facts show."""

from agent.drafting.judgement import Judgement
from agent.drafting.kind import kind_of
from agent.records import FactSheet, Outlook
from tests.fakes.drafting.sheets import fact, sheet


def test_the_llm_leads_unless_facts_contradict_it() -> None:
    likely = Outlook(kinds={"browser-agent": 0.6, "assistant": 0.4})
    assert kind_of(sheet(outlook=likely), Judgement(kind="coding-agent")) == "coding-agent"
    denied = sheet(fact("drives_browser", polarity="denied"), outlook=likely)
    assert kind_of(denied, Judgement(kind="browser-agent")) == "assistant"


def test_the_likeliest_of_the_outlook_else_what_facts_tell() -> None:
    assert kind_of(sheet(outlook=Outlook(kinds={"mcp-server": 0.3, "agent-skill": 0.7}))) == "agent-skill"
    assert kind_of(sheet("mcp_server")) == "mcp-server"
    assert kind_of(FactSheet()) == "other"
