"""The threats of a draft: which hold, which leads, what is folded, what an LLM changes, and the score."""

from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given, settings, strategies as st

from agent.drafting.judgement import JudgedMetric, JudgedThreat, Judgement, Verdict
from agent.drafting.score import counted_controls, score_of, without_claims
from agent.drafting.threats.candidates import candidates
from agent.drafting.threats.headline import SUPPORTED
from agent.drafting.threats.selection import MAX_BEYOND, MAX_SHOWN, Found, find_threats
from agent.drafting.threats.severity import MAX_BELOW
from agent.facts.sheet import without
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, FactSheet, FactSource, LikelyConstants
from agent.scoring import verify
from agent.taxonomy.kinds import KINDS
from agent.taxonomy.layers import LAYERS
from tests.fakes.drafting.catalogue_sheets import fact, factors, sheet

KEYS = tuple(key.id for key in load_vocabulary())
CODING = ("runs_commands", "writes_files", "reads_code", "reads_web", "api_key", "local_process")


def found(made: FactSheet, kind: str = "coding-agent", judgement: Judgement | None = None) -> Found:
    return find_threats(made, kind, factors(), judgement)


def ids(result: Found) -> list[str]:
    return [placed.threat.id for placed in result.threats]


# ---------------------------------------------------------------- laws

some_facts = st.lists(
    st.builds(
        lambda key, polarity, rank: (key, polarity if load_vocabulary()[key].deniable else "asserted", rank),
        st.sampled_from(KEYS),
        st.sampled_from(("asserted", "asserted", "configurable", "denied")),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda row: row[0],
)


def built(rows: list[tuple[str, str, int]]) -> FactSheet:
    return sheet(*(fact(key, f"E{n}", polarity=polarity, rank=rank) for n, (key, polarity, rank) in enumerate(rows, 1)))


@settings(max_examples=60, deadline=None)
@given(some_facts, st.sampled_from(KINDS), st.data())
def test_striking_a_fact_takes_exactly_what_rested_on_it(
    rows: list[tuple[str, str, int]], kind: str, data: st.DataObject
) -> None:
    made = built(rows)
    struck = data.draw(st.sampled_from(made.facts))

    before = {one.id: one for one in candidates(made, kind, factors())}
    after = {one.id: one for one in candidates(without(made, struck.id), kind, factors())}

    for id_, one in before.items():
        if struck.id not in one.facts and not _mentions(one, struck):
            assert id_ in after
            assert after[id_].facts == one.facts
    for id_, one in after.items():
        assert struck.id not in one.facts
        assert struck.evidence[0] not in one.threat.evidence
        assert id_ in before or struck.key in one.pattern.when.keys or struck.conflicts_with


def _mentions(one: object, struck: Fact) -> bool:
    """Whether the fact may have kept the threat from another basis, by contradiction."""
    return bool(struck.conflicts_with) or struck.key in one.pattern.when.keys


@settings(max_examples=60, deadline=None)
@given(some_facts, st.sampled_from(KINDS))
def test_the_headline_leads_and_is_never_conditional(rows: list[tuple[str, str, int]], kind: str) -> None:
    result = found(built(rows), kind)

    assert len(result.threats) <= MAX_SHOWN
    assert [placed.threat.place for placed in result.threats] == list(range(1, len(result.threats) + 1))
    assert len(set(ids(result))) == len(result.threats)
    if result.headline is None:
        assert all(not placed.threat.default_use or not placed.threat.evidence for placed in result.threats)
        return
    assert result.threats[0].threat == result.headline
    assert result.headline.default_use
    assert result.headline.basis != "needs a setting"
    assert result.base is not None
    assert result.base.low <= result.base.value == result.headline.score.cvss_base <= result.base.high
    supported = [p.threat for p in result.threats if p.threat.basis in SUPPORTED and p.threat.default_use]
    if supported:
        assert result.headline.score.cvss_base == max(threat.score.cvss_base for threat in supported)
    if result.graver:
        assert not result.graver.default_use
        assert result.graver.score.cvss_base > result.headline.score.cvss_base


@settings(max_examples=40, deadline=None)
@given(some_facts, st.sampled_from(KINDS))
def test_every_threat_rests_on_facts_about_the_product_that_count(rows: list[tuple[str, str, int]], kind: str) -> None:
    made = built(rows)
    counting = {one.id for one in made.facts if one.counts and one.about == "product"}

    for placed in found(made, kind).threats:
        assert set(placed.threat.facts) <= counting


def test_a_second_reading_gives_the_same() -> None:
    assert found(sheet(*CODING)) == found(sheet(*CODING))


# ---------------------------------------------------------------- without an LLM


def test_an_adviser_that_only_proposes_code_is_led_by_insecure_proposals() -> None:
    result = found(sheet("proposes_code", "advises_only", "reads_code"), "agent-skill")

    assert result.headline is not None
    assert result.headline.id == "L1-insecure-generated-code"
    assert Decimal(5) <= result.headline.score.cvss_base <= Decimal(7)
    assert all(placed.threat.score.cvss_base < 9 for placed in result.threats)


def test_an_agent_with_a_shell_is_led_by_injected_commands() -> None:
    result = found(sheet(*CODING))

    assert result.headline is not None
    assert result.headline.title == "Prompt injection through web pages runs attacker commands"
    assert result.headline.basis == "quoted"
    assert "L2-text-steers-actions" not in ids(result)
    assert any("L3-command-on-host tells it more closely" in one.reason for one in result.folded)


def test_an_entry_that_is_not_quoted_is_inferred() -> None:
    result = found(sheet("runs_commands", "reads_code"))

    assert result.headline is not None
    assert result.headline.basis == "entry inferred"
    assert result.headline.state == "inferred"


def test_what_a_setting_decides_is_shown_and_not_the_headline() -> None:
    result = found(sheet("writes_files", "reads_web", fact("runs_commands", "E9", polarity="configurable")))
    command = next(placed.threat for placed in result.threats if placed.threat.id == "L3-command-on-host")

    assert command.basis == "needs a setting"
    assert not command.default_use
    assert "[E9]" in command.setting
    assert result.headline is not None
    assert result.headline.id != command.id


def test_a_graver_setting_is_named_beside_the_headline() -> None:
    result = found(sheet(*CODING, "headless_mode", "approval_off"))

    assert result.graver is not None
    assert result.graver.id == "L6-headless-pipeline"
    assert result.graver in [placed.threat for placed in result.threats]


def test_an_assumed_threat_leads_only_where_nothing_better_is_there() -> None:
    assert found(sheet("api_key", "named_clients")).headline is not None
    assert found(sheet("api_key")).headline.id == "L6-scope-too-wide"  # type: ignore[union-attr]
    assert found(sheet("api_key", "runs_commands")).headline.basis != "assumed"  # type: ignore[union-attr]


def test_a_likely_fact_is_asked_and_not_claimed() -> None:
    result = found(sheet("reads_web", chances={"runs_commands": 0.7, "spends_money": 0.1}))

    assert "L3-command-on-host" not in ids(result)
    assert "L3-command-on-host" in {one.id for one in result.open}
    assert "L7-money-moved" not in {one.id for one in result.open}


def test_nothing_follows_from_nothing() -> None:
    assert found(sheet()).threats == ()
    assert found(sheet(fact("runs_commands", about="platform"))).headline is None


# ---------------------------------------------------------------- with an LLM


def threat(made: FactSheet, title: str, *keys: str, vector: str = "NLPNPHHNLLN", **fields: object) -> JudgedThreat:
    cited = tuple(one.id for one in made.facts if one.key in keys)
    metrics = ("AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA")
    return JudgedThreat(
        **{
            "title": title,
            "actor": "an outsider",
            "how": "An outsider writes a page that the agent reads.",
            "lost": "the code",
            "layer": "agent_frameworks",
            "basis": "quoted",
            "facts": cited,
            "metrics": {m: JudgedMetric(value=v, reason="because") for m, v in zip(metrics, vector, strict=True)},
            **fields,
        }
    )


MADE = sheet(*CODING)


def test_the_llm_leads_in_its_order_behind_the_headline() -> None:
    judgement = Judgement(
        threats=(
            threat(MADE, "Second", "reads_web", "writes_files", vector="NLPNPLHNLLN"),
            threat(MADE, "First", "reads_web", "runs_commands", vector="NLPNPHHHHHN", candidate="L3-command-on-host"),
            threat(MADE, "Third", "api_key", basis="assumed", vector="NLPLNHHNLLN"),
        )
    )

    result = found(MADE, judgement=judgement)

    assert [placed.threat.title for placed in result.threats][:3] == ["First", "Second", "Third"]
    assert [placed.threat.by for placed in result.threats][:3] == ["both", "llm", "llm"]
    assert result.names == {"T1": "LLM-1", "T2": "L3-command-on-host", "T3": "LLM-3"}
    assert len(result.threats) <= 3 + MAX_BEYOND


def test_a_candidate_called_wrong_goes_only_when_code_confirmed_it() -> None:
    says = {"candidate": "L3-command-on-host", "says": "wrong", "why": "the sentence is addressed to the reader"}
    one = threat(MADE, "Only", "reads_web", "writes_files", vector="NLPNPHHLLLN")

    gone = found(MADE, judgement=Judgement(threats=(one,), verdicts=(Verdict(**says),)))
    kept = found(MADE, judgement=Judgement(threats=(one,), verdicts=(Verdict(**says, holds=False),)))

    assert "L3-command-on-host" not in ids(gone)
    assert any("addressed to the reader" in row.reason for row in gone.folded)
    assert "L3-command-on-host" in ids(kept)


def test_a_lying_llm_cannot_talk_the_headline_down() -> None:
    harmless = threat(MADE, "Nothing to see", "reads_web", vector="NHPLANNNNNN")
    verdicts = tuple(
        Verdict(candidate=one.id, says="merge", into="T1") for one in candidates(MADE, "coding-agent", factors())
    )

    for judgement in (
        Judgement(threats=(harmless,), verdicts=verdicts),
        Judgement(threats=(harmless.model_copy(update={"candidate": "L3-command-on-host"}),), verdicts=verdicts),
    ):
        lied = found(MADE, judgement=judgement).headline
        honest = found(MADE).headline
        assert lied is not None
        assert honest is not None
        assert lied.score.cvss_base >= honest.score.cvss_base - MAX_BELOW


def test_what_an_llm_reads_as_a_setting_from_the_same_quote_sets_no_floor() -> None:
    """ "Writing requires ALLOW_WRITE=true" asserts no writing, though words alone read it so."""
    shell = fact("runs_commands", "E1").model_copy(update={"sources": (source("embedded"),)})
    setting = fact("runs_commands", "E1", polarity="configurable").model_copy(update={"sources": (source("llm"),)})
    other = setting.model_copy(update={"evidence": ("E7",)})
    read = [fact(key, f"E{n}") for n, key in enumerate(CODING[1:], 2)]

    def base(*facts: Fact) -> Decimal:
        made = sheet(*facts, *read)
        judgement = Judgement(threats=(threat(made, "Nothing to see", "reads_web", vector="NHPLANNNNNN"),))
        headline = found(made, judgement=judgement).headline
        assert headline is not None
        return headline.score.cvss_base

    assert base(shell, setting) < base(shell, other) == base(shell)


def source(reader: str) -> FactSource:
    return FactSource(reader=reader, confidence=0.9, state="claimed")


def test_what_an_llm_rests_on_a_struck_fact_goes_with_it() -> None:
    judgement = Judgement(threats=(threat(MADE, "Rests on the shell", "runs_commands"),))
    struck = next(one.id for one in MADE.facts if one.key == "runs_commands")

    assert "Rests on the shell" in {p.threat.title for p in found(MADE, judgement=judgement).threats}
    after = found(without(MADE, struck), judgement=judgement)
    assert "Rests on the shell" not in {p.threat.title for p in after.threats}
    assert any("Rests on the shell" in row.what for row in after.folded)


def test_an_unquoted_threat_is_assumed_whatever_the_llm_says() -> None:
    judgement = Judgement(threats=(threat(MADE, "From nowhere", vector="NLNNNHHHHHN"),))

    result = found(MADE, judgement=judgement)
    one = next(placed.threat for placed in result.threats if placed.threat.title == "From nowhere")

    assert one.basis == "assumed"
    assert result.headline != one


# ---------------------------------------------------------------- the score


class Layer(NamedTuple):
    certain: bool


CERTAIN = dict.fromkeys(LAYERS, Layer(certain=True))


def scored(made: FactSheet, certain: dict[str, Layer] | None = None, **fields: object) -> object:
    return score_of(found(made), factors(), certain or CERTAIN, made, **fields)


def test_the_score_recomputes() -> None:
    made = scored(sheet(*CODING))

    verify(made)
    assert made.withheld is None
    assert made.aivss > made.cvss_base
    assert made.without_vendor_claims.aivss >= made.aivss


@pytest.mark.parametrize(
    ("made", "certain", "why"),
    [
        (sheet("named_clients"), CERTAIN, "rests on a quote"),
        (sheet(*CODING), {**CERTAIN, **dict.fromkeys(LAYERS[1:], Layer(certain=False))}, "only 1 of 7"),
        (sheet(*CODING), dict.fromkeys(LAYERS, Layer(certain=False)), "none of 7"),
    ],
)
def test_a_score_without_ground_is_withheld(made: FactSheet, certain: dict[str, Layer], why: str) -> None:
    result = scored(made, certain)

    assert result.aivss is None
    assert why in result.withheld


def test_a_range_over_three_bands_is_withheld() -> None:
    wide = LikelyConstants(below=Decimal(6), above=Decimal(1), calibration="wide")

    result = scored(sheet(*CODING), constants=lambda raw: wide)

    assert "spans" in result.withheld


def test_documented_controls_of_the_headline_give_a_second_number() -> None:
    named = sheet(*CODING, fact("sandbox", "E9", rank=3, part="cli"), fact("retention", "E10", rank=3, part="cloud"))
    claimed = sheet(*CODING, fact("sandbox", "E9", rank=2, part="cli"))

    result = scored(named)
    verify(result)
    assert result.with_controls is not None
    assert result.with_controls.evidence == ("E9",)
    assert result.with_controls.aivss < result.aivss
    assert scored(claimed).with_controls is None
    assert [one.key for one in counted_controls(found(named), named)] == ["sandbox"]


def test_an_approval_that_is_in_the_vector_is_not_counted_twice() -> None:
    made = sheet(*CODING, fact("approval_before", "E9", rank=3, part="cli", action="commands"))

    assert (
        "UI:A" in next(p.threat for p in found(made).threats if p.threat.id == "L3-command-on-host").score.cvss_vector
    )
    assert all(one.key != "approval_before" for one in counted_controls(found(made), made))


def test_general_words_of_the_vendor_lower_nothing_in_the_second_reading() -> None:
    made = sheet("writes_files", "reads_web", fact("deletes_data", "E8", polarity="denied", rank=2), "memory_long")

    assert {one.key for one in without_claims(made).facts} == {"writes_files", "reads_web", "memory_long"}
    kept = sheet("writes_files", fact("deletes_data", "E8", polarity="denied", rank=3))
    assert len(without_claims(kept).facts) == 2


def doubtful(key: str, mark: str, confidence: float = 0.7) -> Fact:
    sources = (FactSource(reader="embedded", confidence=confidence),)
    return fact(key, mark).model_copy(update={"sources": sources, "confidence": confidence})


def told(*facts: Fact) -> FactSheet:
    """A sheet whose quotes are sentences."""
    made = sheet(*facts)
    quotes = tuple(item.model_copy(update={"quote": "It does so in each run"}) for item in made.evidence)
    return made.model_copy(update={"evidence": quotes})


def test_what_rests_on_doubtful_facts_gives_way_without_an_llm() -> None:
    sure = [fact(key, f"E{n}") for n, key in enumerate((*CODING, "sends_messages", "memory_long"), start=1)]

    alone, both = found(told(*sure)), found(told(*sure, doubtful("spends_money", "E20")))

    assert "L7-money-moved" not in ids(both)
    assert "L7-money-moved" in ids(found(told(*sure, fact("spends_money", "E20"))))
    assert ids(both)[0] == ids(alone)[0]


def test_doubtful_facts_give_threats_where_there_are_no_others() -> None:
    assert "L7-money-moved" in ids(found(told(doubtful("spends_money", "E1"), doubtful("reads_web", "E2"))))
