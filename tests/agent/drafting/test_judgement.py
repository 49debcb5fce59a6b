"""What of a judgement stands: marks and facts that are there."""

from agent.drafting.judgement import Judgement, quotes_of, stands
from agent.facts.sheet import without
from agent.records import Evidence
from tests.fakes.drafting.threats import TICKETS


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
