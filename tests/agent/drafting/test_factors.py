"""Factors from hand-made sheets: parts that add up, floors, and what may lower."""

from decimal import Decimal

from hypothesis import given, settings, strategies as st

from agent.drafting.calibration import load_factors
from agent.drafting.factors import THIN, estimate, lowerings
from agent.drafting.judgement import JudgedFactor, Judgement
from agent.facts.vocabulary import load_vocabulary
from agent.records import Search
from agent.taxonomy.factors import FACTORS
from tests.fakes.drafting.sheets import fact, sheet

WORDS = load_vocabulary()
ABILITIES = [key.id for key in WORDS if key.raises]
NEUTRAL = [k.id for k in WORDS if not (k.raises or k.lowers or k.denial_lowers or k.opposes) and k.claim != "control"]


def test_all_eleven_have_parts_that_add_up() -> None:
    found = estimate(sheet(fact("runs_commands"), fact("reads_web")), "coding-agent")
    assert tuple(found) == FACTORS
    for row in found.values():
        total = min(1.0, max(0.0, sum(part.effect for part in row.parts)))
        assert abs(float(row.value) - total) <= 0.0501
        assert row.low <= row.value <= row.high


def test_each_evidence_part_names_the_fact_and_its_quote() -> None:
    found = estimate(sheet(fact("runs_commands", mark="E7")), "mcp-server")["dynamic_tool_use"]
    shown = [part for part in found.parts if part.kind == "evidence"]
    assert shown
    assert all(part.evidence == "E7" and part.signal == "runs_commands" for part in shown)
    assert found.evidence == ("E7",)


def test_an_asserted_fact_sets_a_floor() -> None:
    found = estimate(sheet(fact("delegates")), "mcp-server")
    assert found["multi_agent_interactions"].value >= Decimal("0.4")


def test_silence_is_not_zero() -> None:
    assert sum(float(row.value) for row in estimate(sheet(), "coding-agent").values()) > 2


def test_what_hardly_anything_was_read_of_is_valued_like_what_says_more() -> None:
    few, enough = (
        sheet(fact("reads_web")).model_copy(
            update={"searched": (Search(reader="embedded", documents=("D1",), statements=n),)}
        )
        for n in (THIN - 1, THIN)
    )
    thin, plain = estimate(few, "assistant"), estimate(enough, "assistant")
    assert all(thin[key].value >= plain[key].value for key in FACTORS)
    assert sum(row.value for row in thin.values()) > sum(row.value for row in plain.values())
    assert any("too little was read" in part.label for row in thin.values() for part in row.parts)
    assert not any("too little was read" in part.label for row in plain.values() for part in row.parts)


def test_a_documented_control_lowers_and_says_so() -> None:
    plain = [fact("approval_before", rank=2, default="on", part="server")]
    documented = [fact("approval_before", rank=3, default="on", part="server")]
    off = [fact("approval_before", rank=3, default="off", part="server")]
    said_off = [fact("approval_before", rank=3, default="off by default", part="server")]
    value = {
        n: estimate(sheet(*f), "coding-agent")["autonomy_of_action"].value
        for n, f in enumerate([plain, documented, off, said_off])
    }
    assert value[1] < value[0]
    assert value[2] == value[3] == value[0]
    rows = lowerings(sheet(*documented), "coding-agent")
    assert [(row.target, row.rank, row.evidence) for row in rows] == [("autonomy_of_action", 3, "E1")]
    assert rows[0].after < rows[0].before
    assert not lowerings(sheet(*plain), "coding-agent")


def test_a_denial_lowers_and_says_so() -> None:
    before = estimate(sheet(), "coding-agent")["dynamic_tool_use"].value
    denied = sheet(fact("runs_commands", "denied"))
    assert estimate(denied, "coding-agent")["dynamic_tool_use"].value < before
    assert [row.target for row in lowerings(denied, "coding-agent")] == ["dynamic_tool_use"]


def test_an_llm_leads_above_the_floor_only() -> None:
    low = JudgedFactor(value=Decimal("0.1"), low=Decimal("0.0"), high=Decimal("0.2"), reason="It only reads.")
    led = Judgement(factors={"dynamic_tool_use": low, "persistent_memory": low})
    found = estimate(sheet(fact("runs_commands")), "coding-agent", led)
    bias = load_factors().factors["persistent_memory"].judged.bias
    assert found["persistent_memory"].value == round(Decimal("0.1") + Decimal(str(bias)), 1)
    assert found["persistent_memory"].rationale == "It only reads."
    assert found["dynamic_tool_use"].value >= Decimal("0.4")


def test_a_better_reason_stands_while_its_quote_does() -> None:
    read = sheet(fact("runs_commands", mark="E7"))
    for said, holds in (("It runs what the LLM writes [E7].", True), ("It runs what the LLM writes [E9].", False)):
        judged = Judgement(reasons={"dynamic_tool_use": said})
        found = estimate(read, "mcp-server", judged)["dynamic_tool_use"]
        assert (found.rationale == said) is holds
        assert found.value == estimate(read, "mcp-server")["dynamic_tool_use"].value


def test_insufficient_keeps_the_embedded_estimate() -> None:
    nothing = JudgedFactor(
        value=Decimal("0.0"), low=Decimal("0.0"), high=Decimal("0.1"), reason="Nothing.", insufficient=True
    )
    found = estimate(sheet(), "assistant", Judgement(factors={"persistent_memory": nothing}))
    assert found == estimate(sheet(), "assistant")


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(ABILITIES), max_size=6), st.sampled_from(ABILITIES))
def test_a_further_ability_lowers_no_factor_that_it_raises(keys: list[str], more: str) -> None:
    before = estimate(sheet(*map(fact, dict.fromkeys(keys))), "agent-platform")
    after = estimate(sheet(*map(fact, dict.fromkeys([*keys, more]))), "agent-platform")
    assert all(after[key].value >= before[key].value for key in WORDS[more].raises)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(NEUTRAL), min_size=1, max_size=20))
def test_neutral_facts_change_no_value(keys: list[str]) -> None:
    own = [fact("runs_commands"), fact("fetched_at_start")]
    before = estimate(sheet(*own), "mcp-server")
    after = estimate(sheet(*own, *map(fact, dict.fromkeys(keys))), "mcp-server")
    assert {key: row.value for key, row in before.items()} == {key: row.value for key, row in after.items()}
