"""Citations: verbatim, of a readable size, numbered once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drafting_old.ledger import MAX_CHARS, MIN_WORDS, Ledger
from agent.errors import InputError, IntegrityError
from agent.evidence.anchor import holds
from agent.evidence.statements import statements
from agent.records import Document, Section, Statement


def document(text: str, key: str = "D1", path: tuple[str, ...] = ()) -> Document:
    return Document(
        id=key,
        sha256="0" * 64,
        url=f"{key}.md",
        title="Page",
        kind="docs",
        media_type="text/markdown",
        fetched_at="2026-11-01T00:00:00Z",
        text=text,
        sections=(Section(start=0, end=len(text), path=path, about="product"),),
    )


def whole(text: str) -> Statement:
    return Statement(
        document="D1",
        start=0,
        end=len(text),
        text=text,
        path=(),
        sort="description",
        rank=2,
        about="platform",
        flagged=False,
    )


def test_numbers_follow_the_first_citation_and_repeat() -> None:
    pages = (document("It stores every chat. It sends mail to customers."), document("It runs in a container.", "D2"))
    ledger = Ledger(pages, statements(pages))
    assert [ledger.cite(2), ledger.cite(0), ledger.cite(2), ledger.cite(1, 22, 27)] == ["E1", "E2", "E1", "E3"]
    assert [(e.id, e.document, e.quote) for e in ledger.evidence()] == [
        ("E1", "D2", "It runs in a container."),
        ("E2", "D1", "It stores every chat."),
        ("E3", "D1", "It sends mail to customers."),
    ]
    assert ledger.quote("E2") == "It stores every chat."


def test_rank_and_about_come_from_the_statement() -> None:
    text = "The platform keeps audit logs."
    ledger = Ledger([document(text)], [whole(text)])
    ledger.cite(0)
    assert [(e.rank, e.about) for e in ledger.evidence()] == [(2, "platform")]


def test_a_long_statement_is_cut_to_the_clauses_around_the_match() -> None:
    clauses = [f"in case {n} the agent reads the record number {n} and files it away" for n in range(20)]
    clauses[12] = "it deletes whole tables without asking"
    text = ", ".join(clauses) + "."
    at = text.index("deletes whole tables")
    ledger = Ledger([document(text)], [whole(text)])
    ledger.cite(0, at, at + 20)
    ledger.cite(0)
    around, beginning = (e.quote for e in ledger.evidence())
    assert "it deletes whole tables without asking," in around
    assert around.startswith(("in case", "it deletes"))
    assert around.endswith(",")
    assert len(around) <= MAX_CHARS
    assert beginning.startswith("in case 0")
    assert len(beginning) <= MAX_CHARS


def test_a_match_longer_than_a_quote_is_cut_at_a_word() -> None:
    text = "deletes " + "very " * 200 + "old tables"
    ledger = Ledger([document(text)], [whole(text)])
    ledger.cite(0, 0, len(text))
    (entry,) = ledger.evidence()
    assert entry.quote.startswith("deletes very")
    assert entry.quote.endswith("very")


def test_a_short_item_grows_to_its_neighbours_but_not_over_a_flagged_one() -> None:
    pages = (document("Works with\n\n- Slack\n- Gmail\n- Notion\n- Linear\n"),)
    found = statements(pages)
    index = next(i for i, s in enumerate(found) if s.text == "Gmail")
    ledger = Ledger(pages, found)
    ledger.cite(index)
    flagged = tuple(s.model_copy(update={"flagged": s.text == "Notion"}) for s in found)
    other = Ledger(pages, flagged)
    other.cite(index)
    assert ledger.evidence()[0].quote == "Gmail\n- Notion\n- Linear"
    assert other.evidence()[0].quote.endswith("Slack\n- Gmail")


def test_only_a_document_of_two_words_gives_a_shorter_quote() -> None:
    pages = (document("Slack bot"),)
    ledger = Ledger(pages, statements(pages))
    ledger.cite(0)
    assert ledger.evidence()[0].quote == "Slack bot"


def test_calls_that_make_no_sense_are_refused() -> None:
    pages = (document("It stores every chat."),)
    ledger = Ledger(pages, statements(pages))
    for index, start, end in ((1, None, None), (-1, None, None), (0, 5, 500), (0, 9, 3), (0, 4, 4)):
        with pytest.raises(InputError):
            ledger.cite(index, start, end)
    with pytest.raises(InputError, match="E1"):
        ledger.quote("E1")


def test_a_statement_that_the_document_does_not_make_is_refused() -> None:
    text = "It stores every chat."
    beyond = whole(text).model_copy(update={"end": len(text) + 9})
    with pytest.raises(IntegrityError):
        Ledger([document(text)], [beyond]).cite(0)


SENTENCES = st.lists(
    st.sampled_from(
        (
            "reads mail",
            "Slack",
            "the agent deletes records, sends messages; and (rarely) pays invoices",
            "https://example.org/" + "a" * 450,
            "データを保存します",
            "it runs — without a person — every night",
        )
    ),
    min_size=1,
    max_size=12,
)


@given(SENTENCES, st.sampled_from((" ", ", ", ".\n", "\n\n")), st.data())
def test_every_quote_is_verbatim_and_of_a_readable_size(parts: list[str], joint: str, data: st.DataObject) -> None:
    text = joint.join(parts) + "."
    page = document(text)
    found = statements((page,)) or (whole(text),)
    found = (*found, whole(text))
    ledger = Ledger((page,), found)
    for index, statement in enumerate(found):
        start = data.draw(st.integers(statement.start, statement.end - 1))
        end = data.draw(st.integers(start + 1, statement.end))
        ledger.cite(index, start, end)
    for entry in ledger.evidence():
        assert holds(entry, page)
        assert entry.quote == text[entry.start : entry.end] == entry.quote.strip()
        assert 0 < len(entry.quote) <= MAX_CHARS
        enough = len(entry.quote.split()) >= MIN_WORDS or "データ" in entry.quote
        assert enough or len(text.split()) < MIN_WORDS or "a" * 300 in text
