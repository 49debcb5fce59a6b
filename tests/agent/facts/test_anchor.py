"""Quotes are found exactly where they occur, and nowhere else."""

import re

import pytest
from hypothesis import given, strategies as st

from agent.errors import IntegrityError
from agent.facts.anchor import Anchored, holds, locate, normalise, verify
from agent.records import Evidence
from tests.fakes.fact_sources import plain

# Letters, characters that expand or are dropped, quotes, dashes, marks and spaces: everything that normalisation
# handles.
TEXTS = st.text(alphabet="abAB é\u0301ﬁß’'“\"–-\u00ad\u200b\u00a0\n\t.,;İ½…가각한1", max_size=60)
PIECES = ("the", "agent's", "“stored”", "tokens—are", "ﬁled", "re-used", "naïve", "Straße", "20", "%", "daily")
WORDS = st.lists(st.sampled_from(PIECES), min_size=1)


def evidence(start: int, end: int, quote: str, of: str = "D1") -> Evidence:
    return Evidence(id="E1", document=of, start=start, end=end, quote=quote, rank=1, about="product")


@pytest.mark.parametrize(
    ("quote", "text", "found"),
    [
        ('it\'s "safe" - mostly', "Well, it’s “safe” — mostly.", "it’s “safe” — mostly"),
        ("autonomous agent", "An auto\u00adnomous\n  agent runs.", "auto\u00adnomous\n  agent"),
        ("runs daily", "It RUNS\u00a0\u200bdaily.", "RUNS\u00a0\u200bdaily"),
        ("the file is kept", "Then the ﬁle is kept.", "the ﬁle is kept"),
        ("café", "The cafe\u0301 opens.", "cafe\u0301"),
        ("caf\u00e9", "CAFE\u0301", "CAFE\u0301"),
        ("strasse", "Die Straße.", "Straße"),
        ("wait...", "Please wait…", "wait…"),
        ("한글", "이 \u1112\u1161\u11ab\u1100\u1173\u11af 문서", "\u1112\u1161\u11ab\u1100\u1173\u11af"),
        ("  keeps logs \n", "It keeps logs.", "keeps logs"),
    ],
)
def test_forgiven_differences(quote: str, text: str, found: str) -> None:
    span = locate(quote, text)
    assert span is not None
    assert text[span.start : span.end] == found


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("able to delete", "It is unable to delete."),
        ("it store", "It stores data."),
        ("reads and deletes mail", "It reads mail and deletes mail."),
        ("reads mail ... deletes mail", "It reads mail and deletes mail."),
        ("reads the mails", "It reads the mail."),
        ("i", "A ﬁ ligature"),
        ("", "Something"),
        (" \u200b ", "Something else"),
        ("longer than the text", "text"),
    ],
)
def test_what_is_not_there_is_not_found(quote: str, text: str) -> None:
    assert locate(quote, text) is None


def test_a_hint_picks_the_nearest_and_an_exact_match_wins() -> None:
    text = "It keeps logs. Later IT KEEPS LOGS. At last it keeps logs."
    anchored = Anchored(text)
    assert anchored.locate("keeps logs") == (3, 13)
    assert anchored.locate("keeps logs", hint=len(text)) == (47, 57)
    assert anchored.locate("keeps logs", hint=24) == (3, 13)
    assert anchored.locate("Keeps Logs", hint=25) == (24, 34)


@given(TEXTS, st.integers(0, 60), st.integers(0, 60))
def test_a_verbatim_piece_between_word_borders_is_found_as_it_is(text: str, one: int, other: int) -> None:
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    piece = text[start:end].strip()
    around = f"{text[:start]} {piece} {text[end:]}"
    span = locate(piece, around)
    assert (span is None) == (piece == "")
    if span:
        assert around[span.start : span.end] == piece


@given(TEXTS, TEXTS)
def test_what_is_found_says_the_same(quote: str, text: str) -> None:
    if span := locate(quote, text):
        assert 0 <= span.start < span.end <= len(text)
        found = text[span.start : span.end]
        assert found == quote.strip() or normalise(found) == normalise(quote)


@given(WORDS, WORDS, WORDS, st.integers(0, 3))
def test_typography_does_not_hide_a_quote(before: list[str], words: list[str], after: list[str], how: int) -> None:
    quote = " ".join(words)
    changed = (
        quote.upper().replace("SS", "ss"),
        re.sub(" ", " \n\u00a0", quote).translate(str.maketrans("“”—-", '""-–')),
        "\u00ad".join(quote),
        "\u200b".join(quote.replace("'", "’")),
    )[how]
    text = f"{' '.join(before)}. {changed} . {' '.join(after)}"
    span = locate(quote, text)
    assert span is not None
    assert normalise(text[span.start : span.end]) == normalise(quote)


@given(TEXTS)
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once


def test_evidence_is_verified_at_its_place() -> None:
    page = plain("It stores “chats” for 30 days. It sends mail.")
    verify(evidence(0, 30, "It stores “chats” for 30 days."), page)
    assert holds(evidence(0, 30, 'it stores "chats" for 30 days.'), page)
    for wrong in (
        evidence(0, 30, "It stores chats for 30 days."),
        evidence(1, 30, "It stores “chats” for 30 days."),
        evidence(31, 45, "It stores “chats” for 30 days."),
        evidence(0, 300, "It stores “chats” for 30 days. It sends mail."),
        evidence(0, 30, "It stores “chats” for 30 days.", of="D2"),
        evidence(5, 5, ""),
    ):
        assert not holds(wrong, page)
        with pytest.raises(IntegrityError, match="E1"):
            verify(wrong, page)
