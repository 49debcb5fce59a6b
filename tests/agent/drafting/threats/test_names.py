"""What of a judgement stands: marks and facts that are there, threats that are shown."""

import pytest

from agent.drafting.judgement import Judgement
from agent.drafting.threats.names import quotes_of, renamed, sentences, shown_ids, shown_tags, stands
from agent.facts.sheet import without
from agent.records import Evidence
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


def test_an_entry_stands_while_what_it_cites_does() -> None:
    fact = TICKETS.sheet.facts[0]
    own = Evidence(id="E90", document="D1", start=0, end=5, quote="words", rank=2, about="product")
    judgement = Judgement(evidence=(own,))
    mark = fact.evidence[0]
    assert stands(TICKETS.sheet, judgement, f"It does [{mark}, E90].", (fact.id,), ("E90",))
    assert not stands(TICKETS.sheet, judgement, "It does [E91].")
    struck = without(TICKETS.sheet, fact.id)
    assert not stands(struck, judgement, "", (fact.id,))
    assert not stands(struck, judgement, f"It does [{mark}].")
    assert quotes_of(TICKETS.sheet, (fact.id,)) == (mark,)


def test_sentences_end_at_their_marks() -> None:
    assert sentences("One. Two? Three [E1]. v1.2 is four") == ("One.", "Two?", "Three [E1].", "v1.2 is four")
