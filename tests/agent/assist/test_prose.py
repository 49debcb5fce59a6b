"""Checking an LLM's sentences against accepted evidence: which stay, which are dropped, and that dropped ones are kept
verbatim.
"""

import re

import pytest
from hypothesis import given, strategies as st

from agent.assist.prose import Ground, Mode, sentences
from agent.assist.quotes import Quotes
from agent.facts.sheet import build_sheet
from agent.facts.verify import Material, verify
from agent.records.evidence import MARK
from tests.fakes.assist.product import NAME, VENDOR, documents, rows
from tests.fakes.fact_sources import document, material, proposal

QUOTES = {
    "runs_commands": "It runs shell commands on the gate computer",
    "reads_mail_chat": "It reads each mail that arrives in the office inbox",
    "approval_before": "Every refund needs approval by the harbour master",
}


def ground() -> Ground:
    """The invented product with three accepted quotes: E1 mail, E2 commands, E3 approval."""
    texts = documents()
    material = Material(texts, rows(texts), (NAME, VENDOR))
    found = verify([proposal(key, quote) for key, quote in QUOTES.items()], material)
    sheet = build_sheet(found.facts, found.evidence)
    return Ground(material, {item.id: item for item in sheet.evidence}, (NAME, VENDOR))


GROUND = ground()


@pytest.mark.parametrize(
    "text",
    [
        "It runs shell commands on the gate computer [E2].",
        "Quayside reads each mail of the office inbox. [E1]",
        "An attacker could have it open a gate.",
        "Whoever steals the key opens every gate.",
        "No approval of a command is stated.",
        "Every refund needs the harbour master's approval [E3].",
        "A hidden prompt in an e-mail (OWASP LLM01) becomes a command [E2].",
        "The sources do not say who rotates the key.",
    ],
)
def test_what_is_supported_or_follows_stays(text: str) -> None:
    found = GROUND.check(text, "product")
    assert found.text
    assert not found.dropped
    assert set(MARK.findall(found.text)) == set(found.evidence)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("It runs shell commands.", "cites nothing"),
        ("Quayside keeps every mail.", "cites nothing"),
        ("By default, it asks a person.", "cites nothing"),
        ("Everything is encrypted.", "is reassuring"),
        ("The traffic is safe.", "is reassuring"),
        ("It runs 40 shell commands on the gate computer [E2].", "not in the sources: 40"),
        ("It runs shell commands for Globex [E2].", "not in the sources: Globex"),
        ("It only runs shell commands on the gate computer [E2].", "do not say only"),
        ("It never runs shell commands on the gate computer [E2].", "do not say never"),
        ("It stores bookings in a vault [E2].", "are not relevant to it"),
        ("It reads mail of the office inbox [E99].", "nothing that was accepted"),
        ("See https://example.org for details.", "links"),
    ],
)
def test_what_is_not_supported_is_dropped_word_for_word(text: str, why: str) -> None:
    found = GROUND.check(text, "product")
    assert not found.text
    ((what, reason),) = found.dropped
    assert what == text.replace(". [", " [") if "[" in text else what == text
    assert why in reason


def test_advice_names_safeguards_that_a_statement_about_the_product_may_not_name() -> None:
    told = "Admit only the gate computer by a NetworkPolicy, and check the numeric ID of the sender."
    assert GROUND.check(told, "advice").text == told
    assert not GROUND.check("It admits the gate computer by a NetworkPolicy [E2].", "product").text
    assert not GROUND.check("Ask Globex to admit the gate computer.", "advice").text


def test_an_adjective_before_a_plural_noun_is_no_name() -> None:
    for told in ("Destructive writes damage the archive.", "Split reads from writes.", "Ordinary use leaks mail."):
        assert GROUND.check(told, "advice").text == told


def test_an_inference_loses_marks_that_do_not_carry_it() -> None:
    found = GROUND.check("A thief could resell berths [E2].", "inference")
    assert found.text == "A thief could resell berths."
    assert not found.evidence
    assert found.dropped


def test_a_mark_stays_at_the_end_of_its_clause() -> None:
    found = GROUND.check("It reads each mail that arrives [E1], so an attacker could steer it.", "product")
    assert found.text == "It reads each mail that arrives [E1], so an attacker could steer it."
    found = GROUND.check("It reads each mail that arrives [E1] and could obey it", "product")
    assert found.text == "It reads each mail that arrives [E1] and could obey it."


def test_marks_stand_at_the_end_of_their_sentence() -> None:
    found = GROUND.check("It reads [E1] each mail that arrives. [E1] An attacker could use that.", "product")
    assert found.text == "It reads each mail that arrives [E1]. An attacker could use that."


PIECES = st.sampled_from(
    [
        *("It", "Quayside", "The server", "An attacker", "Whoever holds the key", "Moorings Ltd", "By default, it"),
        *("runs", "never runs", "only reads", "stores", "could open", "is certified for", "has no", "encrypts"),
        *("shell commands", "each mail", "the gate", "Globex", "300 keys", "all data"),
        *("[E2]", "[E1]", "[F9]", "[E77]"),
        *(".", ".", "!", "?", "`x`", "<b>"),
    ]
)


@given(st.lists(PIECES, max_size=14).map(" ".join), st.sampled_from(["product", "inference", "advice"]))
def test_whatever_is_written_nothing_about_the_product_stays_without_an_accepted_quote(text: str, mode: Mode) -> None:
    found = GROUND.check(text, mode)
    assert set(found.evidence) <= set(GROUND.evidence)
    assert not re.search(r"\[[^\]]*F\d", found.text)
    assert not re.search(r"Globex (?:runs|stores|encrypts|is|has)|300|<b>|by Globex", found.text)
    if mode in ("product", "inference"):
        for sentence in sentences(found.text):
            bare = MARK.sub("", sentence)
            hedged = re.search(r"could", sentence)
            # Sentences about what an attacker does to the product do not have the product as their subject.
            assert MARK.search(sentence) or hedged or not GROUND.tells(bare, mode), sentence


def test_an_english_sentence_is_not_compared_with_words_of_another_language() -> None:
    texts = tuple(text.model_copy(update={"language": "es"}) for text in documents())
    foreign = Ground(Material(texts, rows(texts), (NAME, VENDOR)), GROUND.evidence, (NAME, VENDOR))
    told = "It answers letters from Spanish sailors [E2]."

    assert foreign.check(told, "product").text == told
    assert not GROUND.check(told, "product").text, "in the same language, the quote has to say it"
    assert not foreign.check("It opens 300 gates [E2].", "product").text, "numbers are the same in every language"
    assert not foreign.check("Quayside keeps every mail.", "product").text, "it still needs a quote"


def test_a_sentence_in_the_words_of_its_quote_stays_though_none_of_them_is_rare() -> None:
    """The words of "connects AI agents with the platform", apart from names, belong to no group of the vocabulary."""
    page = document(f"# {NAME}\n\n{NAME} connects AI agents with the {VENDOR} platform of the harbour.\n")
    found = Quotes(build_sheet((), ()), made := material(page))
    (mark,) = found.take(["connects AI agents with the"])
    one = Ground(made, found.all, (NAME, VENDOR))
    assert one.check(f"{NAME} connects AI agents with its platform [{mark}].", "product").text
    assert not one.check(f"{NAME} remembers every visitor for years [{mark}].", "product").text


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("The sources do not say whether the vault is encrypted.", True),
        ("The vault is encrypted.", False),
        ("It runs shell commands on the gate computer, without any terminal of its own [E2].", True),
        ("It asks for approval and never refunds without it [E2].", False),
    ],
)
def test_a_sentence_that_comforts_needs_its_quote_and_one_that_asks_does_not(text: str, *, stays: bool) -> None:
    assert bool(GROUND.check(text, "product").text) is stays


def test_a_scheme_alone_is_no_link() -> None:
    assert GROUND.check("A stranger could read what goes to an `http://` address.", "inference").text
    assert not GROUND.check("A stranger could read what goes to http://evil.example/x.", "inference").text


def test_a_sentence_that_points_at_one_left_out_is_left_out_too() -> None:
    text = "It keeps the master key in a shared drive. An attacker could copy that key. A thief could then open a gate."
    found = GROUND.check(text, "product")
    assert found.text == "A thief could then open a gate."
    assert [sentence for sentence, _ in found.dropped] == [
        "It keeps the master key in a shared drive.",
        "An attacker could copy that key.",
    ]
    assert GROUND.check("An attacker could steal a key. A thief could then use that key.", "product").dropped == ()
