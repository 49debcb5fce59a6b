"""What texts call threats: only those that are shown, by the draft's own numbers."""

import pytest

from agent.drafting.threats.names import renamed, sentences, shown_ids, shown_tags
from tests.fakes.drafting.threats import TICKETS, found_for

NAMES = {"T1": "T2", "T2": "T1", "T12": "T3"}


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
    assert renamed(text, NAMES) == renewed


def test_names_lead_to_shown_threats_alone() -> None:
    found = found_for(TICKETS)._replace(names={"T1": "T2", "T2": "gone"})
    assert shown_ids(found) == {"T1": "T2"}
    assert shown_tags(found) == {"T1": "T2"}


def test_sentences_end_at_their_marks() -> None:
    assert sentences("One. Two? Three [E1]. v1.2 is four") == ("One.", "Two?", "Three [E1].", "v1.2 is four")
