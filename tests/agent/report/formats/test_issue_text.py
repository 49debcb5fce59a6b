"""The text of an issue: all that the draft says of a threat, within the room that a tracker gives."""

from agent.report.formats.issue_text import as_markdown, as_text, as_wiki
from agent.report.formats.threat_rows import threat_rows
from tests.fakes.report.exported import VIEWS


def test_quotes_that_do_not_fit_are_counted() -> None:
    row = threat_rows(VIEWS["with-facts"]())[0]
    whole = as_markdown(row, 60_000)
    assert len(row.quotes) == 3
    for made in (as_markdown, as_text, as_wiki):
        short = made(row, len(made(row, 60_000)) - 10)
        assert len(short) <= len(made(row, 60_000)) - 10
        assert "more in the draft" in short
        assert len(made(row, 500)) <= 500
    assert "more in the draft" not in whole


def test_nothing_the_draft_says_is_left_out() -> None:
    for view in (VIEWS["with-facts"](), VIEWS["with-an-llm"](), VIEWS["signed"]()):
        for row in threat_rows(view):
            text = as_text(row, 60_000)
            for label in ("Severity", "Layer", "Rests on", "State", "Lost", "Product", "Draft"):
                assert f"- {label}: " in text
            assert all(fact.id in text for fact in row.facts)
            assert all(f"{ref.id} {ref.title}" in text for ref in row.threat.taxonomy)
            assert (row.waived in text) if row.waived else ("Waived" not in text)
