"""Laws for all text made from facts: it works for any sheet, cites existing evidence, and keeps its length limits."""

from itertools import pairwise

import pytest
from hypothesis import given as drawn, settings, strategies as st

from agent.drafting import conditions_for_use, questions
from agent.drafting.judgement import Given, Judgement
from agent.drafting.layers.paragraphs import MARK as UNCERTAIN, MAX_WORDS, paragraphs
from agent.drafting.product import capability_rows, controls, posture, system
from agent.drafting.threats.chains import chains
from agent.drafting.threats.selection import find_threats
from agent.drafting.wording import sentences, word_count
from agent.facts.vocabulary import load_vocabulary
from agent.records import Evidence, Fact
from agent.records.evidence import MARK
from agent.taxonomy.kinds import KINDS
from agent.taxonomy.layers import LAYERS
from tests.fakes.drafting.sheets import Row, factors, row, sheet_of
from tests.fakes.drafting.threats import CODER, EXAMPLES, TICKETS, fact_of, pinned_of, score_of_base, struck

VALUES = ("issues and comments", "your token", "off by default", "on", "E4", "[x](y)", "T1; then", "delete_issue")


@st.composite
def rows(draw: st.DrawFn) -> Row:
    """A fact with any key and any slots."""
    key = draw(st.sampled_from(load_vocabulary().keys))
    polarity = draw(st.sampled_from(("asserted", "asserted", "configurable", *(("denied",) if key.deniable else ()))))
    slots = draw(st.dictionaries(st.sampled_from(key.slots), st.sampled_from(VALUES), max_size=3))
    return row(key.id, f"The text says {key.title}.", polarity, draw(st.integers(1, 4)), **slots)


def products(least: int = 0) -> st.SearchStrategy[Given]:
    made = st.lists(rows(), min_size=least, max_size=14).map(lambda found: sheet_of(*found))
    return st.builds(lambda sheet, kind: Given(sheet, "Nimbus", kind), made, st.sampled_from(KINDS))


def texts_of(product: Given) -> list[str]:
    """Return everything that is said about a product, checking the length limits on the way."""
    sheet, certainty, values = product.sheet, pinned_of(product.sheet), factors("0.5", "0.2")
    found = find_threats(sheet, product.kind, values)
    score = score_of_base(str(found.base.value) if found.base else "5.0")
    asked = questions.ask(product, values, certainty, found, score)
    written = paragraphs(product, certainty, found, asked, {})
    lines = capability_rows.fact_lines(product)
    advised = conditions_for_use.advise(product, found, score, asked)
    made, claimed, picture = chains(product, found), controls.claimed(product, found), system.picture(product)
    said, summary = posture.posture(product, found, score), posture.summary(product)
    shown = {placed.threat.id for placed in found.threats}

    # If nothing is known of what the product does, the posture says only what threatens it and what stands against it.
    assert len(sentences(said)) in (2, 3)
    assert (len(sentences(summary)), said.count(product.name) <= 1) == (1, True)
    assert len(asked) <= 6
    labels = [line.label for line in lines]
    assert labels == [label for label in capability_rows.LABELS if label in labels]
    assert all(bool(line.facts) == bool(MARK.findall(line.text)) for line in lines)
    assert len(advised.conditions) <= conditions_for_use.MAX_CONDITIONS
    assert {name for condition in advised.conditions for name in condition.threats} <= shown
    for chain in made:
        assert 2 <= len(set(chain.threats)) == len(chain.threats) <= 4
        assert set(chain.threats) <= shown
        assert [(hop.source, hop.target) for hop in chain.hops] == [*pairwise(chain.threats)]
        assert all(hop.evidence for hop in chain.hops)
    assert tuple(written) == LAYERS
    for layer in written.values():
        assert (layer.missing is None) == layer.certain
        assert word_count(layer.paragraph) <= MAX_WORDS or not layer.certain
        assert layer.certain or (layer.paragraph.startswith(UNCERTAIN) and not MARK.search(layer.paragraph))
    assert all(item.rank >= 3 for item in claimed if item.counted)
    marks = [mark for one in made for hop in one.hops for mark in hop.evidence]
    items = (*picture.actors, *picture.components, *picture.stores, *picture.services, *picture.flows)
    marks += [mark for one in (*items, *picture.boundaries, *picture.capabilities) for mark in one.evidence]
    return [
        *(said, summary, advised.law, f"[{', '.join(marks)}]"),
        *(line.text for line in lines),
        *(layer.paragraph for layer in written.values()),
        *(text for question in asked for text in (question.text, question.why, question.changes, question.proposed)),
        *(text for one in advised.conditions for text in (one.text, one.price)),
        *system.assumptions(picture, product),
        *(f"{item.action} {item.object}" for item in picture.capabilities),
    ]


def check(product: Given) -> None:
    known = {item.id for item in product.sheet.evidence}
    texts = texts_of(product)
    for text in texts:
        assert set(MARK.findall(text)) <= known
        assert not [part for part in ("{", "}", "|", "<", ">", "  ", "[x]") if part in text]
    assert texts_of(product) == texts


@settings(max_examples=15, deadline=None)
@drawn(products())
def test_any_sheet_is_told_in_marked_plain_sentences(product: Given) -> None:
    check(product)


@pytest.mark.parametrize("product", EXAMPLES, ids=lambda product: product.name)
def test_so_is_each_example(product: Given) -> None:
    check(product)
    words = [word for text in texts_of(product) for word in text.split() if "N:" not in word]
    assert not [word for word in words if "_" in word]


def told_nowhere(product: Given, fact: Fact) -> None:
    without = struck(product, fact)
    gone = set(fact.evidence) - {item.id for item in without.sheet.evidence}
    assert not gone & {mark for text in texts_of(without) for mark in MARK.findall(text)}


@settings(max_examples=8, deadline=None)
@drawn(products(1), st.data())
def test_a_struck_fact_is_told_nowhere(product: Given, data: st.DataObject) -> None:
    told_nowhere(product, data.draw(st.sampled_from(product.sheet.facts)))


@pytest.mark.parametrize("fact", CODER.sheet.facts, ids=lambda fact: fact.key)
def test_nor_is_one_of_an_example(fact: Fact) -> None:
    told_nowhere(CODER, fact)


def test_an_entry_of_an_llm_stands_while_what_it_cites_does() -> None:
    fact = fact_of(TICKETS, "deletes_data")
    own = Evidence(id="E90", document="D1", start=0, end=5, quote="words", rank=2, about="product")
    product = TICKETS._replace(judgement=Judgement(evidence=(own,)))
    assert product.stands("It does [E3, E90].", (fact.id,), ("E90",))
    assert not product.stands("It does [E91].")
    assert not struck(product, fact).stands("", (fact.id,))
    assert not struck(product, fact).stands("It does [E3].")
    assert product.quotes((fact.id,)) == ("E3",)
