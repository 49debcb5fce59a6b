"""Laws of everything that is said from facts: it holds for any sheet, cites what is there, and keeps its limits."""

from hypothesis import given, settings, strategies as st

from agent.drafting import conditions_for_use, questions
from agent.drafting.layers import paragraphs
from agent.drafting.product import assumptions, capability_rows, controls, posture, system
from agent.drafting.threats import chains
from agent.drafting.threats.names import sentences
from agent.drafting.threats.selection import find_threats
from agent.drafting.wording import word_count
from agent.facts.sheet import without
from agent.facts.vocabulary import load_vocabulary
from agent.records import FactSheet
from agent.records.evidence import MARK
from agent.taxonomy.kinds import KINDS, ProductKind
from tests.fakes.drafting.threats import Row, factors_of, pinned_of, row, score_of_base, sheet_of

NAME = "Nimbus"
VALUES = ("issues and comments", "your token", "off by default", "on", "E4", "[x](y)", "T1; then", "", "delete_issue")


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """A fact of any key, with slots of any sort."""
    key = draw(st.sampled_from(load_vocabulary().keys))
    polarity = draw(st.sampled_from(("asserted", "asserted", "configurable", *(("denied",) if key.deniable else ()))))
    slots = draw(st.dictionaries(st.sampled_from(key.slots), st.sampled_from([v for v in VALUES if v]), max_size=3))
    return row(key.id, f"The text says {key.title}.", polarity, draw(st.integers(1, 4)), **slots)


sheets = st.lists(rows(), max_size=14).map(lambda found: sheet_of(*found))


def texts_of(sheet: FactSheet, kind: ProductKind) -> list[str]:
    """Everything that is said of a product, checked for its limits on the way."""
    factors, certainty = factors_of(), pinned_of(sheet)
    found = find_threats(sheet, kind, factors)
    score = score_of_base(str(found.base.value) if found.base else "5.0")
    asked = questions.ask(sheet, kind, factors, certainty, found, score)
    written = paragraphs.paragraphs(sheet, kind, NAME, certainty, found, asked)
    rows_ = capability_rows.fact_lines(sheet, kind)
    advised = conditions_for_use.advise(sheet, kind, found, factors, score, asked)
    made = chains.chains(sheet, found)
    claimed = controls.claimed(sheet, found)
    picture = system.picture(sheet, NAME, kind)
    said = posture.posture(sheet, NAME, kind, found, score)
    assert len(sentences(said)) == 3
    assert len(asked) <= 6
    assert len(rows_) <= 8
    assert len(advised.conditions) <= 5
    assert all(2 <= len(chain.threats) <= 4 for chain in made)
    assert all(word_count(layer.paragraph) <= 45 for layer in written.values())
    assert all(item.rank >= 3 for item in claimed if item.counted)
    shown = {placed.threat.id for placed in found.threats}
    assert {name for condition in advised.conditions for name in condition.threats} <= shown
    return [
        said,
        posture.summary(sheet, NAME, kind),
        *(line.text for line in rows_),
        *(layer.paragraph for layer in written.values()),
        *(text for question in asked for text in (question.text, question.why, question.changes, question.proposed)),
        *(text for one in advised.conditions for text in (one.text, one.price)),
        advised.law,
        *assumptions.assumptions(picture, sheet, kind),
        *(f"{item.action} {item.object}" for item in picture.capabilities),
    ]


@settings(max_examples=15, deadline=None)
@given(sheets, st.sampled_from(KINDS))
def test_any_sheet_is_told_in_marked_plain_sentences(sheet: FactSheet, kind: ProductKind) -> None:
    known = {item.id for item in sheet.evidence}
    for text in texts_of(sheet, kind):
        assert set(MARK.findall(text)) <= known
        assert not set("{}|<>") & set(text)
        assert "  " not in text
        assert "[x]" not in text
    assert texts_of(sheet, kind) == texts_of(sheet, kind)


@settings(max_examples=8, deadline=None)
@given(st.lists(rows(), min_size=1, max_size=8).map(lambda found: sheet_of(*found)), st.sampled_from(KINDS), st.data())
def test_a_struck_fact_is_told_nowhere(sheet: FactSheet, kind: ProductKind, data: st.DataObject) -> None:
    fact = data.draw(st.sampled_from(sheet.facts))
    struck = without(sheet, fact.id)
    gone = set(fact.evidence) - {item.id for item in struck.evidence}
    for text in texts_of(struck, kind):
        assert not gone & set(MARK.findall(text))
