"""Factors from hand-made sheets: parts that add up, floors, and what may lower them."""

from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from agent.drafting.calibration import load_factors
from agent.drafting.factors import AMPLE, THIN, estimate, lowerings
from agent.drafting.judgement import JudgedFactor, Judgement
from agent.facts.vocabulary import load_vocabulary
from agent.records import FactorEstimate, Search
from agent.taxonomy.factors import FACTORS, FactorKey
from tests.fakes.drafting.sheets import fact, sheet

WORDS = load_vocabulary()
ABILITIES = [key.id for key in WORDS if key.raises]
NEUTRAL = [k.id for k in WORDS if not (k.raises or k.lowers or k.denial_lowers or k.opposes) and k.claim != "control"]
RUNS = sheet(fact("runs_commands", "E7"))


def test_all_eleven_have_parts_that_add_up_and_silence_is_not_zero() -> None:
    for made in (sheet(), sheet("runs_commands", "reads_web")):
        found = estimate(made, "coding-agent")
        assert tuple(found) == FACTORS
        assert sum(float(row.value) for row in found.values()) > 2
        for row in found.values():
            total = min(1.0, max(0.0, sum(part.effect for part in row.parts)))
            assert abs(float(row.value) - total) <= 0.0501
            assert row.low <= row.value <= row.high


def test_each_evidence_part_names_the_fact_and_its_quote_and_sets_a_floor() -> None:
    found = estimate(RUNS, "mcp-server")["dynamic_tool_use"]
    shown = [part for part in found.parts if part.kind == "evidence"]
    assert shown
    assert all(part.evidence == "E7" and part.signal == "runs_commands" for part in shown)
    assert found.evidence == ("E7",)
    assert estimate(sheet("delegates"), "mcp-server")["multi_agent_interactions"].value >= Decimal("0.4")


def test_what_hardly_anything_was_read_of_is_valued_like_what_says_more() -> None:
    def of(statements: int) -> dict[FactorKey, FactorEstimate]:
        looked = (Search(reader="embedded", documents=("D1",), statements=statements),)
        return estimate(sheet("reads_web").model_copy(update={"searched": looked}), "assistant")

    thin, plain = of(THIN), of(AMPLE)
    assert all(thin[key].value >= plain[key].value for key in FACTORS)
    assert sum(row.value for row in thin.values()) > sum(row.value for row in plain.values())
    labels = [str([part.label for row in one.values() for part in row.parts]) for one in (thin, plain)]
    assert ["too little was read" in told for told in labels] == [True, False]


def test_a_documented_control_lowers_and_says_so() -> None:
    def asks(rank: int, default: str) -> object:
        return sheet(fact("approval_before", rank=rank, default=default, part="server"))

    tried = [asks(2, "on"), asks(3, "on"), asks(3, "off"), asks(3, "off by default")]
    plain, documented, *off = (estimate(one, "coding-agent")["autonomy_of_action"].value for one in tried)
    assert documented < plain
    assert off == [plain, plain]
    (row,) = lowerings(tried[1], "coding-agent")
    assert (row.target, row.rank, row.evidence) == ("autonomy_of_action", 3, "E1")
    assert row.after < row.before
    assert not lowerings(tried[0], "coding-agent")


def test_a_denial_lowers_and_says_so() -> None:
    before = estimate(sheet(), "coding-agent")["dynamic_tool_use"].value
    denied = sheet(fact("runs_commands", polarity="denied"))
    assert estimate(denied, "coding-agent")["dynamic_tool_use"].value < before
    assert [row.target for row in lowerings(denied, "coding-agent")] == ["dynamic_tool_use"]


def test_an_llm_leads_above_the_floor_only_and_with_something_to_go_by() -> None:
    low = JudgedFactor(value=Decimal("0.1"), low=Decimal("0.0"), high=Decimal("0.2"), reason="It only reads.")
    nothing = low.model_copy(update={"insufficient": True})
    judged = {"dynamic_tool_use": low, "persistent_memory": low, "non_determinism": nothing}
    found, plain = estimate(RUNS, "coding-agent", Judgement(factors=judged)), estimate(RUNS, "coding-agent")
    bias = load_factors().factors["persistent_memory"].judged.bias
    assert found["persistent_memory"].value == round(Decimal("0.1") + Decimal(str(bias)), 1)
    assert found["persistent_memory"].rationale == "It only reads."
    assert found["dynamic_tool_use"].value >= Decimal("0.4")
    assert found["non_determinism"] == plain["non_determinism"]


@pytest.mark.parametrize(("said", "holds"), [("It runs what it writes [E7].", True), ("It runs it [E9].", False)])
def test_a_better_reason_stands_while_its_quote_does(said: str, holds: bool) -> None:
    found = estimate(RUNS, "mcp-server", Judgement(reasons={"dynamic_tool_use": said}))["dynamic_tool_use"]
    assert (found.rationale == said) is holds
    assert found.value == estimate(RUNS, "mcp-server")["dynamic_tool_use"].value


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(ABILITIES), max_size=6), st.sampled_from(ABILITIES))
def test_a_further_ability_lowers_no_factor_that_it_raises(keys: list[str], more: str) -> None:
    before = estimate(sheet(*dict.fromkeys(keys)), "agent-platform")
    after = estimate(sheet(*dict.fromkeys([*keys, more])), "agent-platform")
    assert all(after[key].value >= before[key].value for key in WORDS[more].raises)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.sampled_from(NEUTRAL), min_size=1, max_size=20))
def test_neutral_facts_change_no_value(keys: list[str]) -> None:
    own = ("runs_commands", "fetched_at_start")
    before, after = estimate(sheet(*own), "mcp-server"), estimate(sheet(*own, *dict.fromkeys(keys)), "mcp-server")
    assert {key: row.value for key, row in before.items()} == {key: row.value for key, row in after.items()}
