"""Layers with an LLM: what is asked, and which of its sentences may stand as the paragraph of a layer."""

import functools
import re
from collections.abc import Sequence

import pytest

from agent.drafting_old.assisted.asking import prompt
from agent.drafting_old.assisted.checking import Shown, check
from agent.drafting_old.assisted.layers import INSUFFICIENT, NOT_CERTAIN, SENTENCES, asks, told
from agent.drafting_old.assisted.proposals import CLAIMS_DROPPED, NOT_ANSWERED, Item, Notes, Proposals
from agent.drafting_old.assisted.prose import verdict_in
from agent.drafting_old.assisted.shapes import LayerItem, Sufficiency
from agent.drafting_old.combine import load_combination
from agent.drafting_old.layers import Paragraph
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pack import WHOLE_CHARS, pack
from agent.llm.prompts import cards
from agent.llm.tokens import by_bytes, counter
from agent.pipeline import read_documents
from agent.records import Evidence, Missing
from agent.settings import Settings
from agent.taxonomy.keys import LAYERS, LayerKey
from tests.fakes.proposed import page

DELIMITER = "f3a91c07be2d4456"
MOST_TOKENS = 650
KEY: LayerKey = "data_operations"
KEEPS = "Paperhawk keeps the history of every supplier in a Postgres database."
SPLITS = "One schema for each customer separates their records."
SECURE = "It stores the tokens in a secure vault that only the workspace can open."
PLATFORM = "The platform stores the prompts of all customers in a shared vector index."
QUOTES = {
    "keeps": ("D1/0", KEEPS, "It keeps the history of every supplier in Postgres."),
    "splits": ("D1/0", SPLITS, "One schema separates the records of each customer."),
    "secure": ("D1/0", SECURE, "It stores the tokens in a secure vault."),
    "vault": ("D1/0", SECURE, "It stores the tokens in a vault that only the workspace can open."),
    "platform": ("D2/0", PLATFORM, "The platform stores the prompts of all customers."),
    "invented": ("D1/0", "All data is wiped every night at two.", "All data is wiped every night."),
}
"""By name: passage, quote, claim."""


@functools.cache
def shown() -> Shown:
    pages = (page(1, f"{KEEPS} {SPLITS} {SECURE}", "listing", "product"), page(2, PLATFORM, "docs", "platform"))
    reading = read_documents(pages, Settings())
    return Shown(reading, pack(reading, DELIMITER, by_bytes().count, free_chars=WHOLE_CHARS), ("Paperhawk",))


def proposal(names: Sequence[str], paragraph: str = "", *, sufficiency: Sufficiency = "sufficient") -> Item[LayerItem]:
    """An item with one claim and quote for each name."""
    said = LayerItem.model_validate(
        {
            "layer": KEY,
            "quotes": [{"passage": QUOTES[name][0], "text": QUOTES[name][1]} for name in names],
            "sufficiency": sufficiency,
            "claims": [{"text": QUOTES[name][2], "quotes": [n]} for n, name in enumerate(names, start=1)],
            "paragraph": paragraph,
        }
    )
    return Item(said, check(said, shown()))


def used(
    item: Item[LayerItem] | None, *, certain: bool = True, missing: dict[str, Missing] | None = None
) -> tuple[Paragraph | None, Notes, tuple[Evidence, ...]]:
    reading = shown().reading
    ledger = Ledger(reading.documents, reading.statements)
    items = {} if item is None else {KEY: item}
    made, notes = told(
        KEY, certain, Proposals(shown(), load_combination(), layers=items, missing=missing or {}), ledger
    )
    return made, notes, ledger.evidence()


def test_one_call_asks_for_all_layers_and_is_short() -> None:
    (ask,) = asks()
    assert (ask.stage, ask.keys) == ("layers", LAYERS)
    text = prompt(ask.prompt).render(**ask.values)
    assert counter("openai/gpt-4", None).count(text) <= MOST_TOKENS
    for key in LAYERS:
        assert text.count(f"\n- {key}: {cards()[key].purpose}. Told by: ") == 1
    assert text.count("Not enough: ") == len(LAYERS)
    assert "**" not in str(ask.values["cards"])


def test_a_repeat_asks_for_what_is_wanted_only() -> None:
    (ask,) = asks({KEY})
    assert ask.keys == (KEY,)
    assert "foundation_models" not in str(ask.values["cards"])
    assert asks(set()) == ()


def test_sentences_that_hold_are_the_paragraph_with_their_marks() -> None:
    text = "It keeps the history of suppliers in Postgres. An attacker can read it. One schema separates the records."
    made, notes, evidence = used(proposal(["keeps", "splits"], text))
    assert made is not None
    assert made.text == "It keeps the history of suppliers in Postgres (E1). One schema separates the records (E2)."
    assert (made.missing, made.evidence) == (None, ("E1", "E2"))
    assert [e.quote for e in evidence] == [KEEPS, SPLITS]
    assert [(row.part, row.by, row.missing) for row in notes.made] == [(f"layers/{KEY}", "llm", None)]
    assert notes.dropped == ()


def test_claims_stand_in_for_a_paragraph_that_does_not_hold() -> None:
    made, _, _ = used(proposal(["keeps"], "All 900 customers trust it."))
    assert made is not None
    assert made.text == "It keeps the history of every supplier in Postgres (E1)."


def test_a_paragraph_is_short_and_cites_no_more_than_it_shows() -> None:
    text = " ".join(["It keeps the history of suppliers in Postgres."] * 5 + ["One schema separates the records."])
    made, _, evidence = used(proposal(["keeps", "splits"], text))
    assert made is not None
    assert made.text.count("(E1)") == SENTENCES
    assert [e.id for e in evidence] == list(made.evidence) == ["E1"]


def test_a_verdict_is_left_out_even_when_a_quote_has_it() -> None:
    text = "It stores the tokens in a secure vault. It keeps the history of suppliers in Postgres."
    made, notes, _ = used(proposal(["keeps", "secure"], text))
    assert made is not None
    assert made.text == "It keeps the history of suppliers in Postgres (E1)."
    assert [lost.reason for lost in notes.dropped] == ["passes a verdict, which is the program's to compute: secure"]


def test_a_sentence_with_a_verdict_is_left_out_though_a_claim_carries_it() -> None:
    text = "It stores the tokens in a secure vault. Only the workspace can open the vault."
    made, _, _ = used(proposal(["vault"], text))
    assert made is not None
    assert made.text == "Only the workspace can open the vault (E1)."


@pytest.mark.parametrize(
    ("item", "certain", "why", "dropped"),
    [
        (proposal(["keeps", "splits"]), False, NOT_CERTAIN, 2),
        (proposal(["keeps"], sufficiency="insufficient"), True, INSUFFICIENT, 1),
        (proposal([], sufficiency="insufficient"), False, INSUFFICIENT, 0),
        (proposal(["keeps", "invented", "invented"]), True, CLAIMS_DROPPED, 3),
        (proposal([]), True, NOT_ANSWERED, 0),
        (None, True, NOT_ANSWERED, 0),
    ],
)
def test_the_embedded_paragraph_stands_and_the_reason_is_told(
    item: Item[LayerItem] | None, certain: bool, why: Missing, dropped: int
) -> None:
    made, notes, evidence = used(item, certain=certain)
    assert made is None
    assert evidence == ()
    assert [(row.by, row.missing) for row in notes.made] == [("embedded", why)]
    assert len(notes.dropped) == dropped


def test_the_flag_of_an_uncertain_layer_is_named_as_the_reason() -> None:
    _, notes, _ = used(proposal(["keeps"], "It keeps the history."), certain=False)
    (lost,) = notes.dropped
    assert lost.what == f"claim of the LLM, layers/{KEY}: {QUOTES['keeps'][2]}"
    assert "the program holds the layer not certain" in lost.reason


@pytest.mark.parametrize("names", [["platform"], ["secure"]])
def test_a_layer_is_not_told_by_the_platform_or_by_praise(names: list[str]) -> None:
    made, notes, evidence = used(proposal(names, QUOTES[names[0]][2]))
    assert made is None
    assert evidence == ()
    assert notes.made[0].missing is not None
    assert notes.made[0].missing.reason == "claims-dropped"
    assert len(notes.dropped) == 1


def test_a_failed_call_is_named() -> None:
    why = Missing(reason="refused", detail="the LLM refused")
    made, notes, _ = used(None, missing={f"layers/{KEY}": why})
    assert made is None
    assert notes.made[0].missing == why


@pytest.mark.parametrize(
    ("sentence", "word"),
    [
        ("It is a low-risk tool.", "low-risk"),
        ("The risk is very low.", "risk is very low"),
        ("It runs safely in a container.", "safely"),
        ("A critical flaw remains.", "critical"),
        ("It has high severity.", "high severity"),
        ("Robust checks are made.", "Robust"),
        ("It scores leads and stores high volumes.", None),
        ("The safety settings of the LLM are kept.", None),
        ("A risk register is read each day.", None),
    ],
)
def test_verdicts_are_known_by_their_words(sentence: str, word: str | None) -> None:
    assert verdict_in(sentence) == word


def test_every_sentence_of_a_paragraph_has_a_mark() -> None:
    text = "It keeps the history of suppliers in Postgres. Nobody else does. One schema separates the records. Fine."
    made, _, _ = used(proposal(["keeps", "splits", "platform"], text))
    assert made is not None
    assert all(re.search(r"\(E\d+\)\.$", part) for part in re.findall(r"[^.]+\.", made.text))
