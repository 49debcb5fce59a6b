"""Sentences of an LLM side by side: what points back to nothing, and which quotes a sentence is told with."""

import functools

import pytest

from agent.drafting_old.assisted.checking import Shown, check, sentences
from agent.drafting_old.assisted.prose import told
from agent.drafting_old.assisted.shapes import Claim, PostureAnswer
from agent.drafting_old.ledger import Ledger
from tests.fakes.paperhawk_reading import page, quote, shown_of

READS = "Paperhawk reads invoices of suppliers and bookings of the ledger"
TOOLS = "The server offers twelve tools for invoices"
BOTH = "All of them are on by default in the console"
FAR = ("A clerk opens the archive", "Nightly exports go to Datadog", "The matcher compares account numbers")
KEEPS = "They keep the history of every supplier in a database"
LOGS = "A comment says that these requests are logged for support"


@functools.cache
def shown() -> Shown:
    return shown_of(page(1, ". ".join((READS, TOOLS, BOTH, *FAR, KEEPS, LOGS)) + ".", "listing"))


def paragraph(text: str, *quotes: str) -> tuple[str, dict[str, str]]:
    """What is told of a paragraph with one claim in the words of each quote; the quotes by their mark."""
    said = PostureAnswer(
        quotes=[quote(words, shown()) for words in quotes],
        sufficiency="sufficient",
        claims=[Claim(text=f"{words}.", quotes=[number]) for number, words in enumerate(quotes, start=1)],
        paragraph=text,
    )
    reading = shown().reading
    ledger = Ledger(reading.documents, reading.statements)
    made, _ = told(text, check(said, shown()), shown(), ledger, 4)
    return made, {row.id: row.quote for row in ledger.evidence()}


def test_a_sentence_on_them_stands_behind_the_one_that_names_them() -> None:
    assert paragraph(f"{TOOLS}. {BOTH}.", TOOLS, BOTH)[0] == f"{TOOLS} (E1). {BOTH} (E2)."


@pytest.mark.parametrize(
    ("text", "quotes", "told_alone"),
    [
        (f"{BOTH}. {READS}.", (READS, BOTH), READS),  # nothing before it
        (f"{READS}. {KEEPS}.", (READS, KEEPS), READS),  # far from what stands before it
        (f"{READS}. {LOGS}.", (READS, LOGS), READS),
        (f"{TOOLS}. Gnomes use it. {BOTH}.", (TOOLS, BOTH), TOOLS),  # what stood before it is not told
        ("Gnomes use it.", (BOTH, READS), READS),  # claims stand in
    ],
)
def test_a_sentence_that_points_back_to_nothing_is_left_out(
    text: str, quotes: tuple[str, ...], told_alone: str
) -> None:
    assert paragraph(text, *quotes)[0] == f"{told_alone} (E1)."


def test_it_is_told_where_there_is_nothing_else() -> None:
    assert paragraph("", BOTH)[0] == f"{BOTH} (E1)."


def test_a_sentence_that_several_quotes_carry_together_is_told_with_those_alone() -> None:
    joined = f"{FAR[0]}, and nightly exports go to Datadog"
    made, evidence = paragraph(f"{joined}.", TOOLS, FAR[0], FAR[2], FAR[1])
    assert made.startswith(joined)
    assert sorted(text.rstrip(".") for text in evidence.values()) == sorted(FAR[:2])


def test_a_sentence_may_begin_with_an_identifier() -> None:
    text = (
        "It opens mail. `read-email` drops tags. send_mail sends. list-mail lists, e.g. read-only. v1 is old. 2 remain."
    )
    assert sentences(text) == (
        "It opens mail.",
        "`read-email` drops tags.",
        "send_mail sends.",
        "list-mail lists, e.g. read-only. v1 is old.",
        "2 remain.",
    )
