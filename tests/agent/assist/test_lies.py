"""An LLM that makes everything up: no false quote, id, name or number is accepted, nor a claim attached to a true
quote.
"""

import random
import re
import time
from collections import Counter
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agent.assist.acceptance import for_llm
from agent.assist.quotes import Quotes
from agent.facts.anchor import holds, normalise
from agent.facts.verify import Material
from agent.facts.vocabulary import load_vocabulary
from agent.pipeline import placed_statements
from agent.records import Document, Draft, FactSheet
from agent.report.draft_json import dump
from agent.report.markdown import render
from evals.metrics.references import lint
from tests.agent.report.test_attacks import ACTIVE, UNSAFE, tokens
from tests.fakes import paired
from tests.fakes.assist.assisted_draft import drafted, strings
from tests.fakes.llm.hostile import LyingLlm, Passage, SlyLlm, lies

MADE_UP = re.compile(r"narnia|gnome|4711|evil\.example|onerror|javascript:|[\u202e\u200b\ue000]", re.IGNORECASE)
SAME_WORDS = frozenset(("no such passage", "two words", "inside words"))
"""Lies whose words occur in the sources; they are checked where quotes are located, not in the draft."""
NAME = "Quay Desk Agent"
HIDDEN = "Every message of the vault is approved by what the agent does not show."
LEAST = Decimal("0.1")


@cache
def pages() -> tuple[Document, ...]:
    """The product page, which contains a hidden sentence, and notes."""
    hidden = f'<p>It opens tickets. <span style="display:none">{HIDDEN}</span></p>'
    notes = (
        "It keeps drafts of answers for a week and sends them to the owner of the queue. The owner sees each draft in "
        "the console beside the records that were read for it."
    )
    files = {"listing.html": paired.listing(hidden), "notes.html": paired.page(notes)}
    with TemporaryDirectory() as place:
        return paired.of_files(Path(place), files).documents


@cache
def material() -> Material:
    return Material(pages(), for_llm(placed_statements(pages())), (NAME,))


@cache
def plain() -> Draft:
    return drafted(pages(), None, NAME)


def test_false_quotes_of_every_kind_stand_nowhere() -> None:
    shown = [Passage(document.id, document.text) for document in pages()]
    chance = random.Random("quay")
    planted = [lie for number in range(10) for lie in lies(shown, chance, number)]
    quotes = Quotes(FactSheet(), material())
    taken = [lie for lie in planted if quotes.take([f"{lie.passage}: {lie.text}"])]
    # Two names at the beginning of a list may be quoted.
    assert [lie for lie in taken if lie.kind != "two words" or "," not in lie.text] == []
    kinds = Counter(lie.kind for lie in planted)
    assert len(kinds) >= 14
    assert min(kinds.values()) == 10


def check_draft(llm: LyingLlm) -> Draft:
    """Check that the draft with a lying LLM contains none of its lies, and that the rules enforced by code hold."""
    made = drafted(pages(), llm, NAME)
    texts = {document.id: document for document in pages()}
    assert all(holds(evidence, texts[evidence.document]) for evidence in made.evidence)
    whole = made.model_copy(update={"facts": made.facts.model_copy(update={"dropped": ()})})
    told = strings(dump(whole), without=("dropped", "sources"))
    assert {text for text in told if MADE_UP.search(text)} == set()
    everything = normalise("\n".join(told))
    assert [lie for lie in llm.quotes if lie.kind not in SAME_WORDS and normalise(lie.text) in everything] == []
    check_ids(made, llm)
    check_floors(made)
    report = render(made, pages())
    assert UNSAFE.search(report) is None
    assert [token.content for token in tokens(report) if token.type in ACTIVE] == []
    return made


def check_ids(made: Draft, llm: LyingLlm) -> None:
    threats = [threat for layer in made.layers.values() for threat in layer.threats]
    refs = [ref for threat in threats for ref in threat.taxonomy]
    assert lint(refs) == ()
    assert not {ref.id for ref in refs} & set(llm.ids)
    assert {key for chain in made.chains for key in chain.threats} <= {threat.id for threat in threats}


def check_floors(made: Draft) -> None:
    words = load_vocabulary()
    held = {(fact.key, fact.polarity) for fact in made.facts.facts if fact.counts}
    for fact in plain().facts.facts:
        if fact.counts and (words[fact.key].grave or words[fact.key].floor):
            assert (fact.key, fact.polarity) in held
            for key, least in words[fact.key].floor.items():
                if fact.polarity == "asserted" and fact.about == "product":
                    assert made.factors[key].low >= Decimal(str(least))
    assert all(factor.low >= LEAST for factor in made.factors.values())
    assert made.score.aivss is not None
    assert made.score.cvss_base >= plain().score.cvss_base
    assert made.score.threat_multiplier == plain().score.threat_multiplier
    assert made.score.mitigation_factor == plain().score.mitigation_factor


def test_nothing_that_a_lying_llm_made_up_is_in_the_draft() -> None:
    llm = LyingLlm(1, unshown=(HIDDEN,))
    made = check_draft(llm)
    assert len(llm.quotes) >= 50
    assert len(llm.ids) >= 10
    facts = {source.reader for fact in made.facts.facts for source in fact.sources}
    assert "llm" not in facts
    for key, layer in made.layers.items():
        assert layer.certain <= plain().layers[key].certain, "no flag is cleared by a quote that is not there"


def test_nor_what_an_llm_slips_into_a_good_answer() -> None:
    llm = SlyLlm(1, unshown=(HIDDEN,))
    made = check_draft(llm)
    assert {part.part for part in made.drafter.parts if part.by != "embedded"} >= {"facts/does", "threats"}
    assert "llm" in {source.reader for fact in made.facts.facts for source in fact.sources}
    assert any(threat.by == "llm" for layer in made.layers.values() for threat in layer.threats)
    assert len(llm.quotes) >= 50
    assert sum(bool(MADE_UP.search(row.what)) for row in made.dropped) >= 10, "what was dropped is told word for word"


@pytest.mark.slow
@pytest.mark.parametrize("llm", [LyingLlm(2), LyingLlm(3), SlyLlm(4), SlyLlm(5)])
def test_nor_with_other_lies(llm: LyingLlm) -> None:
    check_draft(llm)
    assert len(llm.quotes) >= 50


@pytest.mark.slow
def test_a_flood_of_lies_costs_bounded_time_and_room() -> None:
    began = time.monotonic()
    made = check_draft(LyingLlm(7, times=8))
    assert time.monotonic() - began < 60
    assert len(made.dropped) < 2000
