"""Threats that recur for a kind of product: where they are used, what they claim, and which threats come first."""

from collections.abc import Mapping

import pytest

from agent.drafting.judgement import Judgement
from agent.drafting.threats.candidates import candidates, recurring
from agent.drafting.threats.catalogue import load_catalogue
from agent.drafting.threats.headline import SUPPORTED
from agent.drafting.threats.priorities import Pool, families_first, firm_ids
from agent.drafting.threats.selection import MAX_ALONE, Found, find_threats
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, FactSheet, Outlook
from agent.taxonomy.kinds import KINDS, ProductKind
from tests.fakes.drafting.sheets import doubtful, fact, factors, sheet
from tests.fakes.drafting.threats import judged

CATALOGUE = load_catalogue()
RECURRING = CATALOGUE.recurring


def known(kind: ProductKind, chances: Mapping[str, float] | None = None) -> FactSheet:
    """Return a sheet without facts for a product of a known kind."""
    return sheet(outlook=Outlook(kinds={kind: 0.9}, chances=dict(chances or {})))


def found(made: FactSheet, kind: ProductKind) -> Found:
    return find_threats(made, kind, factors(), usual=7.5)


def ids(result: Found) -> list[str]:
    return [placed.threat.id for placed in result.threats]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "other"])
def test_a_product_of_a_known_kind_has_several_threats(kind: ProductKind) -> None:
    keys = ("connected_services", "names_llm", "places_calls", "mcp_client", "sends_messages")
    result = found(known(kind, dict.fromkeys(keys, 0.7)), kind)
    assert len(result.threats) >= 3
    # Nothing is quoted, so nothing is scored.
    assert result.headline is None
    assert len({placed.threat.title for placed in result.threats}) == len(result.threats) <= MAX_ALONE


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_recurs_for_a_product_of_which_nothing_is_known(kind: ProductKind) -> None:
    assert recurring(sheet(), kind, factors()) == ()
    assert recurring(sheet(fact("runs_commands", about="platform")), kind, factors()) == ()
    assert recurring(sheet(outlook=Outlook(kinds={kind: 0.3})), kind, factors()) == ()


def test_a_likely_ability_is_enough_and_a_denied_one_is_not() -> None:
    def fired(*facts: Fact, **chances: float) -> set[str]:
        made = sheet(*facts, outlook=Outlook(kinds={"mcp-server": 0.9}, chances=chances))
        return {one.id for one in recurring(made, "mcp-server", factors())}

    assert "R-server-call" not in fired()
    assert "R-server-call" in fired(sends_messages=0.6)
    assert "R-server-call" not in fired(fact("sends_messages", polarity="denied"), sends_messages=0.6)
    assert "R-server-call" in fired(sends_messages=0.6, approval_before=0.6), "a likely control removes no threat"
    assert "R-server-key" not in fired(fact("no_credentials"), connected_services=0.6)


@pytest.mark.parametrize("kind", KINDS)
def test_no_llm_is_shown_a_recurring_threat_or_a_revised_pattern(kind: ProductKind) -> None:
    every = sheet(*(key.id for key in load_vocabulary()))
    assert all(one.pattern is CATALOGUE.patterns[one.id] for one in candidates(every, kind, factors()))


def test_a_draft_with_an_llms_threats_has_no_recurring_ones() -> None:
    made = sheet("runs_commands", "reads_web", "mcp_server")
    own = judged("NLPNPHHNLLN", title="Own", facts=tuple(one.id for one in made.facts))
    result = find_threats(made, "mcp-server", factors(), Judgement(threats=(own,)))
    assert not set(ids(result)) & set(RECURRING)
    assert set(ids(found(made, "mcp-server"))) & set(RECURRING)


def test_a_recurring_threat_leads_only_where_no_threat_of_the_facts_can() -> None:
    led = found(sheet("mcp_server", "named_clients", "changes_records"), "mcp-server")
    assert led.headline is not None
    assert led.headline.id not in RECURRING
    assert led.headline.basis in SUPPORTED
    bare = found(sheet("takes_free_text", "names_llm"), "agent-framework")
    assert bare.headline is not None
    assert bare.headline.id in RECURRING
    assert bare.headline.evidence


def test_one_threat_of_each_family_comes_first_and_the_headline_stands_for_one() -> None:
    families, first = CATALOGUE.priorities.families, CATALOGUE.priorities.kinds["voice-agent"][:3]
    pool = Pool([*CATALOGUE.every], ["L1-visitor-overrides-role"])
    chosen = families_first(pool, "voice-agent", (), 0, 3)
    assert [next(name for name in first if one in families[name]) for one in chosen] == list(first)
    led = families_first(pool, "voice-agent", ["R-voice-role"], 0, 3)
    assert led[0] == "R-voice-role"
    assert "L1-visitor-overrides-role" not in led


def test_what_cites_nothing_only_fills_up() -> None:
    bare = Pool(list(RECURRING), (), list(RECURRING))
    assert len(families_first(bare, "mcp-server", (), 2, 6)) == 2
    some = bare._replace(bare=["R-server-result"])
    assert families_first(some, "mcp-server", (), 6, 6)[-1] == "R-server-result"
    assert "R-server-result" not in families_first(some, "mcp-server", (), 2, 6)


def test_firm_facts_come_before_what_recurs_and_doubtful_ones_after() -> None:
    made = sheet("mcp_server", "queries_data", "api_key", quote="It does so in each run")
    order = ["L7-result-steers-client", "R-server-result"]
    assert order[0] in ids(found(made, "mcp-server"))
    assert order[0] not in firm_ids(doubtful(made, 0.85, keys=["queries_data"]), "mcp-server")
    assert families_first(Pool(order, order[:1]), "mcp-server", (), 0, 1) == order[:1]
    assert families_first(Pool(order, ()), "mcp-server", (), 0, 1) == order[1:]


def test_a_shell_reaches_where_its_user_is_signed_in_unless_a_sandbox_is_documented() -> None:
    def base(*facts: Fact | str) -> object:
        first = found(sheet("runs_commands", "local_process", *facts), "mcp-server").headline
        assert first is not None
        assert first.id == "L3-command-on-host"
        return first.score.cvss_base

    assert base() > base(fact("sandbox", "E9", rank=3, part="server"))
