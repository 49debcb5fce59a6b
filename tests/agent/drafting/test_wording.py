"""The wording of facts: every key has a phrase, slots are used only as noun phrases, and lists are in plain English."""

import pytest
import yaml

from agent.drafting.wording import (
    abilities,
    article,
    excerpt,
    listed,
    load_sure_limits,
    load_wording,
    marks,
    noun,
    predicates,
    renamed,
    said,
    sentences,
    sure_facts,
    third_person,
    word_count,
)
from agent.facts.vocabulary import load_vocabulary
from agent.resources import data_folder
from tests.fakes.drafting.sheets import Row, doubtful, row, sheet_of
from tests.fakes.drafting.threats import TICKETS, found_for

KNOWLEDGE = data_folder("corpus") / "knowledge"


def test_every_key_has_words_and_no_other() -> None:
    assert set(load_wording()) == {key.id for key in load_vocabulary()}


@pytest.mark.parametrize("file", ["attack_paths", "conditions", "picture", "vendor_questions", "layer_texts"])
def test_data_names_only_keys_of_the_vocabulary(file: str) -> None:
    raw = yaml.safe_load((KNOWLEDGE / f"{file}.yaml").read_text("utf-8"))
    vocabulary = load_vocabulary()

    def keys(node: object, name: str = "") -> list[str]:
        if isinstance(node, dict):
            rows = node.values() if name == "follows" else ()
            return [key for row in rows for key in row] or [key for field in node for key in keys(node[field], field)]
        if isinstance(node, list):
            named = name in ("keys", "for", "met", "when", "open", "touches", "about")
            return list(node) if named else [key for value in node for key in keys(value, name)]
        return [node] if name == "key" and isinstance(node, str) else []

    found = keys(raw)
    assert found
    assert [key for key in found if key not in vocabulary] == []


@pytest.mark.parametrize("polarity", ["asserted", "configurable", "denied"])
def test_every_key_reads_without_slots(polarity: str) -> None:
    for key in load_vocabulary():
        if polarity != "denied" or key.deniable:
            text = f"The Long Product Name {said(sheet_of(row(key.id, polarity=polarity)))[0].clause}."
            assert not [mark for mark in ("{", "_", "  ") if mark in text]
            assert word_count(text) <= 20


@pytest.mark.parametrize(
    "value",
    [
        "create issues",
        "which it then runs",
        "E3",
        "issues; then more",
        "see https://example.org/x",
        "[a link](x)",
        "a very long phrase that no sentence would ever hold in one place",
        "delete_issue",
    ],
)
def test_a_slot_that_is_no_noun_phrase_is_not_used(value: str) -> None:
    sheet = sheet_of(row("deletes_data", object=value))
    assert noun(sheet.facts[0], "object") == ""
    assert said(sheet)[0].clause == "deletes data"


@pytest.mark.parametrize(
    ("one", "told"),
    [
        (row("changes_records", object="issues", counterpart="Tickety"), "changes issues in Tickety"),
        (row("api_key", credential="access token"), "authenticates with an access token"),
        (row("api_key", credential="your API key"), "authenticates with the user's API key"),
        (row("sandbox", default="disabled"), "isolates what it runs in a sandbox (configurable)"),
    ],
    ids=["slots", "article", "the reader is not addressed", "what is off as shipped is a setting"],
)
def test_slots_fill_templates_and_tell_of_the_product_as_shipped(one: Row, told: str) -> None:
    assert said(sheet_of(one))[0].clause == told


def test_several_objects_are_joined() -> None:
    (services,) = said(
        sheet_of(*(row("connected_services", counterpart=name) for name in ("Hospicore", "Calendarium")))
    )
    assert services.clause in ("connects to Hospicore and Calendarium", "connects to Calendarium and Hospicore")


def test_neighbours_share_a_verb() -> None:
    sheet = sheet_of(row("reads_web"), row("reads_code"), row("takes_free_text"))
    assert predicates(said(sheet)) == "reads web pages and source code, and accepts instructions in free text"


def test_verbs_lists_articles_and_marks() -> None:
    verbs = ("run", "push", "rely", "be", "keep or sign", "take in")
    assert [*map(third_person, verbs)] == ["runs", "pushes", "relies", "is", "keeps or signs", "takes in"]
    assert listed(["a"]) == "a"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert listed(["a and b", "c"]) == "a and b, and c"
    assert article("MCP server") == "an MCP server"
    assert article("voice agent") == "a voice agent"
    assert marks(["E1", "E1", "E2", "E3", "E4"]) == " [E1, E2, E3]"
    assert marks([]) == ""
    assert word_count("It runs code [E1, E2]. Not stated [N:sandbox].") == 5


def test_abilities_are_what_it_can_do_and_limits_are_what_is_so() -> None:
    told = said(sheet_of(row("runs_commands"), row("scheduled", polarity="configurable"), row("per_user_identity")))
    able = "can run shell commands and start on a schedule or an event (configurable)"
    assert abilities(told) == f"{able}, and acts with each user's own rights"


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [
        ("It sends reports to customers.", 6, "It sends reports to customers"),
        ("Reports | `send_report` sends a report to customers", 6, "… `send_report` sends a report to customers"),
        ("One two three four five six", 5, "One two three four five …"),
        ("See [E4] and **bold**", 6, "See …"),
    ],
)
def test_an_excerpt_can_stand_between_quotation_marks(text: str, most: int, expected: str) -> None:
    assert excerpt(text, most) == expected


def test_a_fact_is_sure_by_its_reader_its_confidence_and_its_quote() -> None:
    sheet, named = sheet_of(row("runs_commands")), sheet_of(row("runs_commands", quote="Shell"))
    limit = load_sure_limits().limits["runs_commands"]
    assert sure_facts(sheet) == sure_facts(doubtful(sheet, limit)) == {sheet.facts[0].id}
    assert not sure_facts(doubtful(sheet, limit - 0.01))
    assert not sure_facts(doubtful(named, limit))


@pytest.mark.parametrize(
    ("text", "renewed"),
    [
        ("T1 falls away.", "T2 falls away."),
        ("Settles T1/T2 (T12).", "Settles T2/T1 (T3)."),
        ("T1 shrinks. T9 falls away.", "T2 shrinks."),
        ("T1\u2019s reach, AT1 and T1x stay.", "T2\u2019s reach, AT1 and T1x stay."),
        ("T9.", ""),
        ("", ""),
    ],
)
def test_references_follow_the_draft(text: str, renewed: str) -> None:
    assert renamed(text, {"T1": "T2", "T2": "T1", "T12": "T3"}) == renewed


def test_names_lead_to_shown_threats_alone() -> None:
    found = found_for(TICKETS)._replace(names={"T1": "T2", "T2": "gone"})
    assert found.ids == found.called == {"T1": "T2"}


def test_sentences_end_at_their_marks() -> None:
    assert sentences("One. Two? Three [E1]. v1.2 is four") == ("One.", "Two?", "Three [E1].", "v1.2 is four")
