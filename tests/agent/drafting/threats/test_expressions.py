"""Expressions over facts: what holds, on which facts, and what is refused."""

import pytest
from hypothesis import given, strategies as st

from agent.drafting.threats.catalogue import load_catalogue
from agent.drafting.threats.expressions import Expression, FactIndex, parse
from agent.errors import InputError
from agent.facts.vocabulary import load_vocabulary
from tests.fakes.drafting.catalogue_sheets import fact, sheet

KNOWN = [key.id for key in load_vocabulary()]
SOME = ("runs_commands", "reads_web", "sends_messages", "api_key")


def expression(text: str) -> Expression:
    return parse(text, where="here", known=KNOWN)


def holds(text: str, index: FactIndex) -> bool:
    return expression(text).of(index).holds


def test_a_truth_names_every_fact_that_it_rests_on() -> None:
    index = FactIndex(sheet("reads_web", "runs_commands", "sends_messages", "api_key"))

    truth = expression("reads_web and (runs_commands or sends_messages)").of(index)

    assert truth.holds
    assert {one.key for one in truth.facts} == {"reads_web", "runs_commands", "sends_messages"}
    assert expression("reads_web and places_calls").of(index).facts == ()


def test_and_binds_closer_than_or_and_not_closest() -> None:
    index = FactIndex(sheet("api_key"))

    assert holds("api_key or reads_web and runs_commands", index)
    assert not holds("(api_key or reads_web) and runs_commands", index)
    assert holds("not reads_web and api_key", index)
    assert not holds("not (reads_web or api_key)", index)


def test_polarity_and_rank_are_told_apart() -> None:
    index = FactIndex(
        sheet(
            fact("runs_commands", "E1", polarity="configurable"),
            fact("deletes_data", "E2", polarity="denied"),
            fact("sandbox", "E3", rank=3, part="server"),
            fact("allow_list", "E4", rank=2, part="server"),
        )
    )

    assert holds("runs_commands and configurable(runs_commands) and not asserted(runs_commands)", index)
    assert holds("denied(deletes_data) and not deletes_data", index)
    assert holds("ranked(sandbox) and allow_list and not ranked(allow_list)", index)


def test_what_a_setting_decides_does_not_hold_in_default_use() -> None:
    made = sheet(fact("runs_commands", polarity="configurable"))

    assert holds("runs_commands", FactIndex(made))
    assert not holds("runs_commands", FactIndex(made, settings=False))


def test_only_facts_about_the_product_count() -> None:
    index = FactIndex(sheet(fact("runs_commands", about="platform"), fact("reads_web", about="other")))

    assert not holds("runs_commands or reads_web", index)


def test_an_approval_covers_what_it_names() -> None:
    pays = fact("approval_before", rank=3, action="payments", part="app")
    vague = fact("approval_before", rank=2, action="shell commands", part="app")
    everything = fact("approval_before", rank=3, action="each tool call", part="app")

    assert holds("approved(pay)", FactIndex(sheet(pays)))
    assert not holds("approved(command, shell)", FactIndex(sheet(pays)))
    assert not holds("approved(command, shell)", FactIndex(sheet(vague)))
    assert holds("approved(command, shell)", FactIndex(sheet(everything)))


def test_kinds() -> None:
    assert holds("kind(mcp-server, assistant)", FactIndex(sheet(), "assistant"))
    assert not holds("kind(mcp-server)", FactIndex(sheet(), "assistant"))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("runs_comands", "no key"),
        ("runs_commands and", "missing"),
        ("(runs_commands", "missing"),
        ("runs_commands reads_web", "unexpected"),
        ("kind(toaster)", "no kind"),
        ("likes(runs_commands)", "no function"),
        ("denied(runs_commands, reads_web)", "no function"),
        ("__import__('os')", "unexpected"),
        ("", "missing"),
    ],
)
def test_what_is_no_expression_names_its_place(text: str, what: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, where="file.yaml: L1-x", known=KNOWN)

    assert what in caught.value.what
    assert "file.yaml: L1-x" in str(caught.value.where)
    assert caught.value.hint


trees = st.recursive(
    st.sampled_from(SOME),
    lambda inner: st.one_of(
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("not {}".format, inner),
    ),
    max_leaves=8,
)


@given(trees, st.sets(st.sampled_from(SOME)))
def test_it_means_what_the_same_words_mean_in_logic(text: str, present: set[str]) -> None:
    made = sheet(*sorted(present))

    wanted = eval(text, {}, {key: key in present for key in SOME})

    truth = expression(text).of(FactIndex(made))
    assert truth.holds == wanted
    assert {one.key for one in truth.facts} <= present


def test_what_is_said_of_a_part_is_not_said_of_the_whole() -> None:
    part, whole = fact("endpoint_no_auth", "E1", part="`/health`"), fact("endpoint_no_auth", "E2")

    assert not holds("whole(endpoint_no_auth)", FactIndex(sheet(part)))
    assert holds("endpoint_no_auth", FactIndex(sheet(part)))
    assert holds("whole(endpoint_no_auth)", FactIndex(sheet(whole)))


def test_an_open_health_check_beside_a_login_is_no_open_endpoint() -> None:
    opened = load_catalogue().patterns["L4-open-endpoint"].when
    health, login = (
        fact("endpoint_no_auth", "E1", part="`/health`"),
        fact("endpoint_auth", "E2", polarity="configurable"),
    )

    assert not opened.of(FactIndex(sheet(health, login))).holds
    assert opened.of(FactIndex(sheet(health))).holds
    assert opened.of(FactIndex(sheet(fact("endpoint_no_auth", "E1"), login))).holds
