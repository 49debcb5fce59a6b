"""Threats that recur for a kind of product: where they are used, what they claim, and which threats come first."""

from collections.abc import Mapping
from itertools import combinations
from pathlib import Path

import pytest

from agent.drafting.judgement import Judgement
from agent.drafting.threats.candidates import candidates, open_threats, recurring
from agent.drafting.threats.catalogue import Pattern, load_catalogue
from agent.drafting.threats.cvss_vectors import METRICS, base_of
from agent.drafting.threats.expressions import FactIndex
from agent.drafting.threats.headline import SUPPORTED
from agent.drafting.threats.priorities import Pool, families_first, firm_ids
from agent.drafting.threats.selection import MAX_ALONE, Found, find_threats
from agent.drafting.threats.severity import metrics_of, vector
from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact, FactSheet, Outlook
from agent.taxonomy.kinds import KINDS, ProductKind
from evals.metrics.references import lint
from tests.fakes.drafting.sheets import doubtful, fact, factors, sheet
from tests.fakes.drafting.threats import faulty_catalogue, judged

CATALOGUE = load_catalogue()
RECURRING = CATALOGUE.recurring
ALL = sheet(*(key.id for key in load_vocabulary()))


def known(kind: ProductKind, chances: Mapping[str, float] | None = None) -> FactSheet:
    """Return a sheet without facts for a product of a known kind."""
    return sheet(outlook=Outlook(kinds={kind: 0.9}, chances=dict(chances or {})))


def found(made: FactSheet, kind: ProductKind) -> Found:
    return find_threats(made, kind, factors(), usual=7.5)


def ids(result: Found) -> list[str]:
    return [placed.threat.id for placed in result.threats]


# ---------------------------------------------------------------- the patterns


def firing(pattern: Pattern) -> tuple[FactSheet, ProductKind]:
    """Return a minimal sheet and a kind for which the trigger holds."""
    for size in range(4):
        for keys in combinations(sorted(pattern.when.keys), size):
            for kind in KINDS:
                made = sheet(*keys) if keys else known(kind)
                if pattern.when.of(FactIndex(made, kind)).holds:
                    return made, kind
    raise AssertionError(f"{pattern.id} never fires")


@pytest.mark.parametrize("pattern", RECURRING.values(), ids=lambda pattern: pattern.id)
def test_each_recurring_pattern_fires_as_an_assumption_or_with_a_setting(pattern: Pattern) -> None:
    made, kind = firing(pattern)

    one = next(one for one in recurring(made, kind, factors()) if one.id == pattern.id)

    assert one.threat.basis == ("needs a setting" if pattern.setting else "assumed")
    assert one.threat.state != "claimed"
    assert one.threat.default_use is (pattern.setting is None)
    assert set(one.threat.score.reasons) == set(METRICS)
    assert "{" not in one.title + one.threat.how + one.threat.lost + one.threat.statement.source
    for facts in (sheet(), ALL):
        assert base_of(vector(metrics_of(pattern, FactIndex(facts, kind), "web pages"))) >= 4


def test_recurring_patterns_are_of_the_catalogues_form() -> None:
    assert lint(ref for pattern in RECURRING.values() for ref in pattern.taxonomy) == ()
    comforting = {key.id for key in load_vocabulary() if key.comforting}
    titles = [pattern.title.fill(FactIndex(sheet()), "web pages") for pattern in CATALOGUE.every.values()]
    assert len(set(titles)) == len(titles)
    for pattern in RECURRING.values():
        assert pattern.id.startswith("R-")
        assert pattern.controls
        assert set(pattern.controls) <= comforting
        assert len(pattern.title.plain.split()) <= 16


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
    assert "R-server-call" not in fired(sends_messages=0.6, approval_before=0.6)
    assert "R-server-key" not in fired(fact("no_credentials"), connected_services=0.6)


# ---------------------------------------------------------------- where they are used


@pytest.mark.parametrize("kind", KINDS)
def test_no_llm_is_shown_a_recurring_threat_or_a_revised_pattern(kind: ProductKind) -> None:
    shown = candidates(ALL, kind, factors())
    assert not {one.id for one in shown} & set(RECURRING)
    assert not {one.id for one in open_threats(known(kind, dict.fromkeys(CATALOGUE.patterns, 0.9)), kind)} & set(
        RECURRING
    )
    assert all(one.pattern is CATALOGUE.patterns[one.id] for one in shown)


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


# ---------------------------------------------------------------- order


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
    assert "L7-result-steers-client" in ids(found(made, "mcp-server"))

    soft = doubtful(made, 0.85, keys=["queries_data"])
    assert "L7-result-steers-client" not in firm_ids(soft, "mcp-server", factors())
    order = ["L7-result-steers-client", "R-server-result"]
    assert families_first(Pool(order, order[:1]), "mcp-server", (), 0, 1) == order[:1]
    assert families_first(Pool(order, ()), "mcp-server", (), 0, 1) == order[1:]


def test_a_shell_reaches_where_its_user_is_signed_in_unless_a_sandbox_is_documented() -> None:
    def base(*facts: Fact | str) -> object:
        first = found(sheet("runs_commands", "local_process", *facts), "mcp-server").headline
        assert first is not None
        assert first.id == "L3-command-on-host"
        return first.score.cvss_base

    assert base() > base(fact("sandbox", "E9", rank=3, part="server"))


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("  media: [L1-harmful-media]", "  media: [L1-harmless-media]", "unknown patterns"),
        (
            "  media: [L1-harmful-media]",
            "  media: [L1-harmful-media]\n  unused: [L6-role-mixup]",
            "no kind of product lists",
        ),
        ("R-gateway-breach]", "L6-role-mixup]", "no kind of product lists"),
        ("    when: not kind(mcp-server)", "    when: not kind(mcp-serve)", "unknown kind of product"),
        ("      VI: {H: its next steps", "      VI: {X: its next steps", "values"),
    ],
)
def test_faulty_priorities_are_refused(old: str, new: str, what: str, tmp_path: Path) -> None:
    copy = faulty_catalogue(tmp_path, "recurring/priorities.yaml", old, new)
    with pytest.raises(InputError, match=what):
        load_catalogue(copy)
