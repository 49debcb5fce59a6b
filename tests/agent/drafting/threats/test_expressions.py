"""Expressions over facts: when they hold, which facts they rest on, and which are refused."""

import pytest
from hypothesis import given, strategies as st

from agent.drafting.threats.catalogue import load_catalogue
from agent.drafting.threats.expressions import FactIndex, Truth, parse
from agent.facts.vocabulary import load_vocabulary
from agent.records import Fact
from tests.fakes.drafting.sheets import fact, sheet

KNOWN = [key.id for key in load_vocabulary()]
SOME = ("runs_commands", "reads_web", "sends_messages", "api_key")


def truth(text: str, *facts: Fact | str, settings: bool = True) -> Truth:
    return parse(text, KNOWN).of(FactIndex(sheet(*facts), "assistant", settings=settings))


def test_a_truth_names_every_fact_that_it_rests_on() -> None:
    held = truth("reads_web and (runs_commands or sends_messages)", *SOME)
    assert held.holds
    assert {one.key for one in held.facts} == {"reads_web", "runs_commands", "sends_messages"}
    assert truth("reads_web and places_calls", *SOME).facts == ()


SHELL = fact("runs_commands", polarity="configurable")
PAYS = fact("approval_before", rank=3, action="payments", part="app")
VAGUE = fact("approval_before", rank=2, action="shell commands", part="app")
EVERYTHING = fact("approval_before", rank=3, action="each tool call", part="app")
PART = fact("endpoint_no_auth", part="`/health`")


@pytest.mark.parametrize(
    ("text", "facts", "holds"),
    [
        ("configurable(runs_commands) and not asserted(runs_commands)", [SHELL], True),
        ("denied(deletes_data) and not deletes_data", [fact("deletes_data", polarity="denied")], True),
        ("ranked(sandbox)", [fact("sandbox", rank=3, part="server")], True),
        ("ranked(sandbox)", [fact("sandbox", rank=2, part="server")], False),
        ("runs_commands", [SHELL], True),
        ("runs_commands", [fact("runs_commands", about="platform")], False),
        ("approved(pay)", [PAYS], True),
        ("approved(command, shell)", [PAYS], False),
        ("approved(command, shell)", [VAGUE], False),
        ("approved(command, plug-in)", [EVERYTHING], True),
        ("kind(mcp-server, assistant)", [], True),
        ("kind(mcp-server)", [], False),
        ("whole(endpoint_no_auth)", [PART], False),
        ("endpoint_no_auth", [PART], True),
        ("whole(endpoint_no_auth)", [fact("endpoint_no_auth")], True),
    ],
)
def test_what_holds(text: str, facts: list[Fact], holds: bool) -> None:
    assert truth(text, *facts).holds is holds


def test_what_a_setting_decides_does_not_hold_in_default_use() -> None:
    assert not truth("runs_commands", SHELL, settings=False).holds


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("runs_comands", "neither a fact key"),
        ("runs_commands and", "not an expression"),
        ("(runs_commands", "not an expression"),
        ("runs_commands reads_web", "not an expression"),
        ("kind(toaster)", "unknown kind"),
        ("likes(runs_commands)", "no function"),
        ("denied(runs_commands, reads_web)", "no function"),
        ("__import__('os')", "no function"),
        ("__import__('os').name", "unexpected"),
        ("runs_commands == 1", "unexpected"),
        ("", "not an expression"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        parse(text, KNOWN)


trees = st.recursive(
    st.sampled_from(SOME),
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("{} or {} and {}".format, inner, inner, inner),
        st.builds("not {}".format, inner),
    ),
    max_leaves=8,
)


@given(trees, st.sets(st.sampled_from(SOME)))
def test_it_means_what_the_same_words_mean_in_logic(text: str, present: set[str]) -> None:
    wanted = eval(text, {}, {key: key in present for key in SOME})
    held = truth(text, *sorted(present))
    assert held.holds == wanted
    assert {one.key for one in held.facts} <= present


def test_an_open_health_check_beside_a_login_is_no_open_endpoint() -> None:
    opened = load_catalogue().patterns["L4-open-endpoint"].when
    login = fact("endpoint_auth", "E2", polarity="configurable")
    assert not opened.of(FactIndex(sheet(PART, login))).holds
    assert opened.of(FactIndex(sheet(PART))).holds
    assert opened.of(FactIndex(sheet(fact("endpoint_no_auth"), login))).holds
