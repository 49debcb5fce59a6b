"""The threats of a draft: which apply, which is the headline, which are merged, what an LLM changes, and the score."""

from decimal import Decimal

import pytest
from hypothesis import given, settings, strategies as st

from agent.drafting.judgement import NOTHING, JudgedThreat, Judgement, Verdict
from agent.drafting.score import counted_controls, score_of, without_claims
from agent.drafting.threats.candidates import candidates
from agent.drafting.threats.headline import SUPPORTED
from agent.drafting.threats.selection import MAX_BEYOND, MAX_SHOWN, Found, find_threats
from agent.drafting.threats.severity import MAX_BELOW
from agent.facts.sheet import without
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, FactSheet, LikelyConstants, Score, Threat
from agent.scoring import verify
from agent.taxonomy.kinds import KINDS, ProductKind
from tests.fakes.drafting.sheets import doubtful, fact, factors, sheet
from tests.fakes.drafting.threats import judged

CODING = ("runs_commands", "writes_files", "reads_code", "reads_web", "api_key", "local_process")
SHELL, PAYMENT = "L3-command-on-host", "L7-money-moved"
MADE = sheet(*CODING)


def found(made: FactSheet, kind: ProductKind = "coding-agent", judgement: Judgement = NOTHING) -> Found:
    return find_threats(made, kind, factors(), judgement)


def led(made: FactSheet, *threats: JudgedThreat, verdicts: tuple[Verdict, ...] = ()) -> Found:
    return found(made, judgement=Judgement(threats=threats, verdicts=verdicts))


def ids(result: Found) -> list[str]:
    return [placed.threat.id for placed in result.threats]


def headline(result: Found) -> Threat:
    assert result.headline is not None
    return result.headline


def named(result: Found, id_: str) -> Threat:
    return next(placed.threat for placed in result.threats if id_ in (placed.threat.id, placed.threat.title))


some_facts = st.lists(
    st.builds(
        lambda key, polarity, rank: (key.id, polarity if key.deniable else "asserted", rank),
        st.sampled_from(load_vocabulary().keys),
        st.sampled_from(("asserted", "asserted", "configurable", "denied")),
        st.integers(1, 4),
    ),
    min_size=1,
    max_size=14,
    unique_by=lambda row: row[0],
).map(lambda rows: sheet(*(fact(key, f"E{n}", polarity=how, rank=rank) for n, (key, how, rank) in enumerate(rows, 1))))


@settings(max_examples=60, deadline=None)
@given(some_facts, st.sampled_from(KINDS), st.data())
def test_striking_a_fact_takes_exactly_what_rested_on_it(
    made: FactSheet, kind: ProductKind, data: st.DataObject
) -> None:
    struck = data.draw(st.sampled_from(made.facts))
    before = {one.id: one for one in candidates(made, kind, factors())}
    after = {one.id: one for one in candidates(without(made, struck.id), kind, factors())}
    for id_, one in before.items():
        # By contradicting another fact, this one may have kept the threat from having another basis.
        if struck.id not in one.facts and not struck.conflicts_with and struck.key not in one.pattern.when.keys:
            assert after[id_].facts == one.facts
    for id_, one in after.items():
        assert struck.id not in one.facts
        assert struck.evidence[0] not in one.threat.evidence
        assert id_ in before or struck.key in one.pattern.when.keys or struck.conflicts_with


@settings(max_examples=60, deadline=None)
@given(some_facts, st.sampled_from(KINDS))
def test_the_headline_leads_and_is_never_conditional(made: FactSheet, kind: ProductKind) -> None:
    result = found(made, kind)
    threats = [placed.threat for placed in result.threats]
    counting = {one.id for one in made.facts if one.counts and one.about == "product"}
    assert result == found(made, kind)
    assert [threat.place for threat in threats] == list(range(1, len(threats) + 1))
    assert len(set(ids(result))) == len(threats) <= MAX_SHOWN
    assert all(set(threat.facts) <= counting for threat in threats)
    if result.headline is None:
        assert all(not threat.default_use or not threat.evidence for threat in threats)
        return
    assert threats[0] == result.headline
    assert result.headline.default_use
    assert result.headline.basis != "needs a setting"
    assert result.base is not None
    assert result.base.low <= result.base.value == result.headline.score.cvss_base <= result.base.high
    supported = [threat.score.cvss_base for threat in threats if threat.basis in SUPPORTED and threat.default_use]
    assert not supported or result.headline.score.cvss_base == max(supported)


def test_an_adviser_that_only_proposes_code_is_led_by_insecure_proposals() -> None:
    result = found(sheet("proposes_code", "advises_only", "reads_code"), "agent-skill")
    assert headline(result).id == "L1-insecure-generated-code"
    assert Decimal(5) <= headline(result).score.cvss_base <= Decimal(7)
    assert all(placed.threat.score.cvss_base < 9 for placed in result.threats)


def test_an_agent_with_a_shell_is_led_by_injected_commands() -> None:
    result = found(MADE)
    assert headline(result).title == "Prompt injection through web pages runs attacker commands"
    assert headline(result).basis == "quoted"
    assert "L2-text-steers-actions" not in ids(result)
    assert any("covered more specifically by L3-command-on-host" in one.reason for one in result.folded)


def test_what_a_setting_decides_is_shown_and_not_the_headline_even_if_graver() -> None:
    result = found(sheet("writes_files", "reads_web", fact("runs_commands", "E9", polarity="configurable")))
    command = named(result, SHELL)
    assert (command.basis, command.default_use) == ("needs a setting", False)
    assert "[E9]" in command.setting
    assert headline(result).id != command.id
    result = found(sheet(*CODING, "headless_mode", "approval_off"))
    graver = named(result, "L6-headless-pipeline")
    assert not graver.default_use
    assert graver.score.cvss_base > headline(result).score.cvss_base


def test_an_unquoted_entry_is_inferred_and_an_assumed_threat_leads_only_where_nothing_better_is_there() -> None:
    first = headline(found(sheet("runs_commands", "reads_code")))
    assert (first.basis, first.state) == ("entry inferred", "inferred")
    assert headline(found(sheet("api_key"))).id == "L6-scope-too-wide"
    assert headline(found(sheet("api_key", "runs_commands"))).basis != "assumed"


def test_no_threat_follows_from_a_likely_fact_or_from_nothing() -> None:
    assert SHELL not in ids(found(sheet("reads_web", chances={"runs_commands": 0.7})))
    assert found(sheet()).threats == ()
    assert found(sheet(fact("runs_commands", about="platform"))).headline is None


def test_what_rests_on_doubtful_facts_gives_way_without_an_llm_unless_there_are_no_others() -> None:
    keys = (*CODING, "sends_messages", "memory_long", "spends_money")
    quote = "It does so in each run"
    sure, alone = sheet(*keys, quote=quote), sheet(*keys[:-1], quote=quote)
    both = found(doubtful(sure, keys=["spends_money"]))
    assert PAYMENT not in ids(both)
    assert PAYMENT in ids(found(sure))
    assert ids(both)[0] == ids(found(alone))[0]
    assert PAYMENT in ids(found(doubtful(sheet("spends_money", "reads_web", quote=quote))))


def threat(made: FactSheet, title: str, *keys: str, vector: str = "NLPNPHHNLLN", **fields: object) -> JudgedThreat:
    cited = tuple(one.id for one in made.facts if one.key in keys)
    return judged(vector, title=title, facts=cited, **fields)


HARMLESS = threat(MADE, "Nothing to see", "reads_web", vector="NHPLANNNNNN")


def test_the_llm_leads_in_its_order_behind_the_headline() -> None:
    result = led(
        MADE,
        threat(MADE, "Second", "reads_web", "writes_files", vector="NLPNPLHNLLN"),
        threat(MADE, "First", "reads_web", "runs_commands", vector="NLPNPHHHHHN", candidate=SHELL),
        threat(MADE, "Third", "api_key", basis="assumed", vector="NLPLNHHNLLN"),
    )
    assert [placed.threat.title for placed in result.threats][:3] == ["First", "Second", "Third"]
    assert [placed.threat.by for placed in result.threats][:3] == ["both", "llm", "llm"]
    assert result.names == {"T1": "LLM-1", "T2": SHELL, "T3": "LLM-3"}
    assert len(result.threats) <= 3 + MAX_BEYOND


def test_a_candidate_called_wrong_goes_only_when_code_confirmed_it() -> None:
    wrong = Verdict(candidate=SHELL, says="wrong", why="the sentence is addressed to the reader")
    one = threat(MADE, "Only", "reads_web", "writes_files", vector="NLPNPHHLLLN")
    gone = led(MADE, one, verdicts=(wrong,))
    kept = led(MADE, one, verdicts=(wrong.model_copy(update={"holds": False}),))
    assert SHELL not in ids(gone)
    assert any("addressed to the reader" in row.reason for row in gone.folded)
    assert SHELL in ids(kept)


@pytest.mark.parametrize(("vector", "stays"), [("NLPNPHHLLLN", False), ("NLPNPLNNNNN", True)])
def test_a_candidate_called_wrong_goes_when_threats_about_as_grave_carry_all_of_its_facts(
    vector: str, stays: bool
) -> None:
    wrong = Verdict(candidate=SHELL, says="wrong", why="no command can be planted", holds=False)
    titles = ("First", "Second", "Third", "Fourth")
    own = [threat(MADE, title, *CODING, vector=vector) for title in titles]
    assert (SHELL in ids(led(MADE, *own, verdicts=(wrong,)))) is stays


def test_without_an_llm_further_dangers_of_the_kind_are_named_once() -> None:
    result = found(sheet("runs_commands", "api_key", "plugins", "listens_on_network"), "computer-use-agent")
    titles = [placed.threat.title for placed in result.threats]
    assert result.further
    assert not set(result.further) & set(titles)
    assert led(MADE, threat(MADE, "Only", "reads_web", vector="NLPNPHHLLLN")).further == ()


@pytest.mark.parametrize("candidate", [None, SHELL])
def test_a_lying_llm_cannot_talk_the_headline_down(candidate: str | None) -> None:
    fired = candidates(MADE, "coding-agent", factors())
    merged = tuple(Verdict(candidate=one.id, says="merge", into="T1") for one in fired)
    lied = headline(led(MADE, HARMLESS.model_copy(update={"candidate": candidate}), verdicts=merged))
    assert lied.score.cvss_base >= headline(found(MADE)).score.cvss_base - MAX_BELOW


def test_what_an_llm_reads_as_a_setting_from_the_same_quote_sets_no_floor() -> None:
    """ "Writing requires ALLOW_WRITE=true" does not assert writing, although the words alone suggest it."""
    shell = fact("runs_commands", "E1")
    setting = fact("runs_commands", "E1", polarity="configurable", reader="llm")
    other = setting.model_copy(update={"evidence": ("E7",)})
    read = [fact(key, f"E{n}") for n, key in enumerate(CODING[1:], 2)]

    def base(*facts: Fact) -> Decimal:
        return headline(led(sheet(*facts, *read), HARMLESS)).score.cvss_base

    assert base(shell, setting) < base(shell, other) == base(shell)


def test_what_an_llm_rests_on_a_struck_fact_goes_with_it() -> None:
    own = threat(MADE, "Rests on the shell", "runs_commands")
    struck = next(one.id for one in MADE.facts if one.key == "runs_commands")
    assert named(led(MADE, own), "Rests on the shell")
    after = led(without(MADE, struck), own)
    assert "Rests on the shell" not in {placed.threat.title for placed in after.threats}
    assert any("Rests on the shell" in row.what for row in after.folded)


def test_an_unquoted_threat_is_assumed_whatever_the_llm_says() -> None:
    result = led(MADE, threat(MADE, "From nowhere", vector="NLNNNHHHHHN"))
    assert named(result, "From nowhere").basis == "assumed"
    assert headline(result).title != "From nowhere"


def scored(made: FactSheet, certain: int = 7, **fields: object) -> Score:
    return score_of(found(made), factors(), certain, made, **fields)


def test_the_score_recomputes() -> None:
    made = scored(MADE)
    verify(made)
    assert made.withheld is None
    assert made.aivss > made.cvss_base
    assert made.without_vendor_claims.aivss >= made.aivss


WIDE = LikelyConstants(below=Decimal(6), above=Decimal(1), calibration="wide")


@pytest.mark.parametrize(
    ("result", "why"),
    [
        (scored(sheet("named_clients")), "is supported by a quote"),
        (scored(MADE, 1), "only 1 of the 7"),
        (scored(MADE, 0), "none of the 7"),
        (scored(MADE, constants=lambda raw: WIDE), "spans"),
    ],
)
def test_a_score_without_ground_is_withheld(result: Score, why: str) -> None:
    assert result.aivss is None
    assert why in result.withheld


def test_documented_controls_of_the_headline_give_a_second_number_unless_they_are_in_its_vector() -> None:
    box = fact("sandbox", "E9", rank=3, part="cli")
    made = sheet(*CODING, box, fact("retention", "E10", rank=3, part="cloud"))
    result = scored(made)
    verify(result)
    assert result.with_controls is not None
    assert result.with_controls.evidence == ("E9",)
    assert result.with_controls.aivss < result.aivss
    assert scored(sheet(*CODING, box.model_copy(update={"rank": 2}))).with_controls is None
    assert [one.key for one in counted_controls(found(made), made)] == ["sandbox"]
    made = sheet(*CODING, fact("approval_before", "E9", rank=3, part="cli", action="commands"))
    assert "UI:A" in named(found(made), SHELL).score.cvss_vector
    assert all(one.key != "approval_before" for one in counted_controls(found(made), made))


def test_general_words_of_the_vendor_lower_nothing_in_the_second_reading() -> None:
    for rank in (2, 3):
        denied = fact("deletes_data", "E8", polarity="denied", rank=rank)
        assert len(without_claims(sheet("writes_files", "memory_long", denied)).facts) == rank
