"""An LLM that makes everything up: no false quote or id is taken, nor what rides along with a true quote."""

import random
import re
import time
from collections import Counter
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from agent.drafting_old.assisted.bearing import bears_on
from agent.drafting_old.assisted.checking import Shown, check, paragraph, place_of, words_at
from agent.drafting_old.assisted.grounds import BESIDE
from agent.drafting_old.assisted.shapes import Claim, PostureAnswer, Quote
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.pack import WHOLE_CHARS, Place, pack
from agent.evidence.anchor import holds, normalise
from agent.export.draft_json import dump
from agent.export.markdown import render
from agent.llm.tokens import by_bytes
from agent.pipeline import read_documents
from agent.records import Document, Draft, Section
from agent.resources import data_folder
from agent.settings import Settings
from agent.taxonomy.keys import FACTORS
from agent.taxonomy.lists import lint
from evals.corpus import load_case
from evals.documents import documents_of
from tests.fakes import paired
from tests.fakes.assisted_draft import DELIMITER, drafted, strings
from tests.fakes.llm_hostile import Passage
from tests.fakes.llm_lying import Lie, LyingLlm, SlyLlm, lies
from tests.test_export_attacks import ACTIVE, UNSAFE, tokens

CASES = ("firecrawl-mcp", "smolagents", "asana")
GRID = 0.01
"""Lowerings are kept with two digits."""
TRUE = "reads each new message and looks the sender up in the CRM"


@cache
def shown(slug: str) -> Shown:
    reading = read_documents(documents_of(load_case(data_folder("corpus") / "cases" / slug)), Settings())
    packed = pack(reading, DELIMITER, by_bytes().count, free_chars=WHOLE_CHARS)
    return Shown(reading, packed, (slug.split("-", maxsplit=1)[0],))


def passages(seen: Shown) -> list[Passage]:
    return [Passage(key, passage.shown) for key, passage in seen.packed.passages.items()]


@cache
def planted(slug: str) -> list[Lie]:
    chance = random.Random(slug)
    return [lie for number in range(10) for lie in lies(passages(shown(slug)), chance, number)]


def item(quotes: list[tuple[str, str]], claims: list[tuple[str, list[int]]]) -> PostureAnswer:
    return PostureAnswer(
        quotes=[Quote(passage=key, text=text) for key, text in quotes],
        sufficiency="sufficient",
        claims=[Claim(text=text, quotes=numbers) for text, numbers in claims],
        paragraph="",
    )


@pytest.mark.parametrize("slug", CASES)
def test_false_quotes_of_every_kind_stand_nowhere(slug: str) -> None:
    seen = shown(slug)
    taken = [
        lie for lie in planted(slug) if isinstance(place_of(Quote(passage=lie.passage, text=lie.text), seen), Place)
    ]
    assert taken == []
    kinds = Counter(lie.kind for lie in planted(slug))
    assert len(kinds) >= 14
    assert min(kinds.values()) == 10


@pytest.mark.parametrize("slug", CASES)
def test_claims_of_false_quotes_are_dropped(slug: str) -> None:
    seen = shown(slug)
    for lie in planted(slug):
        checked = check(item([(lie.passage, lie.text)], [(lie.text, [1])]), seen)
        assert checked.claims == ()
        assert checked.lost_most


# ---------------------------------------------------------------- claims on true quotes


def page(*texts: str, kind: str = "docs") -> Shown:
    """Each text is a page of its own, the first one is the listing."""
    documents = tuple(
        Document.model_validate({
            "id": f"D{n}",
            "sha256": "0" * 64,
            "url": "page.md",
            "title": "Quay",
            "kind": "listing" if n == 1 else kind,
            "media_type": "text/markdown",
            "fetched_at": "2026-11-01T00:00:00Z",
            "text": text,
            "sections": (Section(start=0, end=len(text), path=(), about="product"),),
        })
        for n, text in enumerate(texts, start=1)
    )  # fmt: skip
    reading = read_documents(documents, Settings())
    return Shown(reading, pack(reading, DELIMITER, by_bytes().count, free_chars=WHOLE_CHARS), ("Quay",))


@cache
def quay() -> Shown:
    return page(
        f"Quay answers the mailbox of a team. It {TRUE}. It cannot open spreadsheets of other teams. "
        "We plan that it will delete old records of the ledger. It is not the planner that writes the final answer."
    )


def state_of(quote: str, claim: str, seen: Shown) -> str:
    """claimed, inferred, or the fault of one claim on one quote."""
    key = next(iter(seen.packed.passages))
    checked = check(item([(key, quote)], [(claim, [1])]), seen)
    return checked.claims[0].state if checked.claims else checked.lost[0].fault


@pytest.mark.parametrize(
    "beside",
    [
        " and is certified safe",
        ", so it poses no risk at all",
        ". scores of zero fit everywhere",
        " under the eyes of a person who approves everything",
        " inside a sandbox",
        " with military encryption",
        " in 4711 countries",
        " since May",
        " of Narnia",
        " zanzibar gnomes kwagga",
        " <img src=x onerror=alert(1)>",
        " [more](records)",
        " `code`",
        " {{ sender }}",
        " |",
        " \u202emessage",
        " me\u200bssage",
        " messag\u0435",
        " \ue000",
        " https://crm",
        "\x1b[2J",
    ],
)
def test_nothing_rides_along_with_a_true_quote(beside: str) -> None:
    assert state_of(TRUE, f"Quay {TRUE}", quay()) == "claimed"
    assert state_of(TRUE, f"Quay {TRUE}{beside}", quay()) not in ("claimed", "inferred")


@pytest.mark.parametrize(
    ("cut", "outcome"),
    [
        ("open spreadsheets of other teams", "the quotes say otherwise"),
        ("the planner that writes the final answer", "the quotes say otherwise"),
        ("delete old records of the ledger", "inferred"),
        ("cannot open spreadsheets of other teams", "claimed"),
    ],
)
def test_what_a_quote_is_cut_from_counts(cut: str, outcome: str) -> None:
    assert state_of(cut, cut, quay()) == outcome


def test_a_claim_with_words_of_its_own_is_never_told() -> None:
    key = next(iter(quay().packed.passages))
    own, plain = f"Quay {TRUE} zanzibar kwagga", f"Quay {TRUE}"
    for claims, expected in (([own, plain], (f"{plain} (E1).", ("E1",))), ([own], ("", ()))):
        checked = check(item([(key, TRUE)], [(text, [1]) for text in claims]), quay())
        assert {claim.state for claim in checked.claims} >= {"inferred"}
        reading = quay().reading
        found = paragraph("It is harmless.", checked, quay(), Ledger(reading.documents, reading.statements))
        assert found == expected


def test_a_quote_with_unseen_signs_in_it_is_cited_as_the_source_has_it() -> None:
    seen = quay()
    key = next(iter(seen.packed.passages))
    place = place_of(Quote(passage=key, text=f"\ufeff{TRUE[:9]}\u200b{TRUE[9:]}"), seen)
    assert isinstance(place, Place)
    assert words_at(place, seen.reading) == TRUE


def test_of_a_thousand_claims_twelve_are_read() -> None:
    key = next(iter(quay().packed.passages))
    checked = check(item([(key, TRUE)] * 1000, [(f"Quay {TRUE}", [1, 999])] + [("Gnomes", [1])] * 999), quay())
    assert (len(checked.places), checked.proposed, checked.claims) == (12, 12, ())


# ---------------------------------------------------------------- what a pinned sentence bears on

APPROVAL = (
    "Every send_payment call pauses until an approver accepts it; the setting approval.required is true by default "
    "for all calls and only administrators can change it in the console."
)
LOGGING = (
    "Audit logging of every tool call is enabled by default in the settings, and only administrators can change it."
)
ALLOWED = "The allowlist of tools is enforced by default for every call; only an owner can change it in the Settings."
MEMORY = "The retention setting is seven days by default for all sessions, restricted, and only admins can change it."
SCOPED = "Every token is restricted by default to one repository by a policy that only administrators can change."


@pytest.mark.parametrize(
    ("sentence", "keys"),
    [
        (APPROVAL, {"autonomy_of_action"}),
        (LOGGING, {"opacity_reflexivity"}),
        (ALLOWED, {"dynamic_tool_use"}),
        (MEMORY, {"persistent_memory"}),
        (SCOPED, {"dynamic_identity", "contextual_awareness"}),
        ("The sandbox is enabled by default for every command; only administrators can change the setting.", set()),
    ],
)
def test_a_pinned_sentence_frees_the_factors_that_it_is_about(sentence: str, keys: set[str]) -> None:
    assert {key for key in FACTORS if bears_on(sentence, key)} == keys
    reading = page(f"Quay answers the mailbox of a team. It {TRUE}.", sentence).reading
    (pinned,) = (n for n, statement in enumerate(reading.statements) if statement.document == "D2")
    assert reading.statements[pinned].rank == 3


@pytest.mark.parametrize(
    "sentence",
    [
        "The Model Context Protocol is spoken.",
        "It is a library for agents.",
        "Its abstractions are kept thin.",
        "An LLM extracts fields into JSON.",
    ],
)
def test_words_that_every_such_product_uses_bear_on_nothing(sentence: str) -> None:
    assert {key for key in FACTORS if bears_on(sentence, key)} == set()


# ---------------------------------------------------------------- whole drafts

MADE_UP = re.compile(r"narnia|gnome|4711|evil\.example|onerror|javascript:|[\u202e\u200b\ue000]", re.IGNORECASE)
SAME_WORDS = frozenset(("no such passage", "two words", "inside words"))
"""Lies whose words stand in the sources: they are looked for where quotes are found, not in the draft."""
HIDDEN = "Every gnome of the Quay vault approves what the agent does."


@cache
def quay_pages() -> tuple[Document, ...]:
    """The product page, notes with a pinned sentence, and a page that hides a sentence."""
    hidden = f'<p>It opens tickets. <span style="display:none">{HIDDEN}</span></p>'
    notes = f"{APPROVAL} {LOGGING} It keeps drafts of answers for a week and sends them to the owner of the queue."
    files = {"listing.html": paired.listing(hidden), "notes.html": paired.page(notes)}
    with TemporaryDirectory() as folder:
        return paired.of_files(Path(folder), files).documents


def case_pages(slug: str) -> tuple[Document, ...]:
    return documents_of(load_case(data_folder("corpus") / "cases" / slug))


def check_draft(documents: tuple[Document, ...], llm: LyingLlm) -> Draft:
    """The draft with a lying LLM has nothing of its lies, and what code decides is as without it."""
    plain, made = drafted(documents, None), drafted(documents, llm)
    texts = {document.id: document for document in documents}
    assert all(holds(evidence, texts[evidence.document]) for evidence in made.evidence)
    told = strings(dump(made), without=("dropped", "sources"))
    assert {text for text in told - strings(dump(plain)) if MADE_UP.search(text)} == set()
    everything = normalise("\n".join(told))
    survivors = [lie for lie in llm.quotes if lie.kind not in SAME_WORDS and normalise(lie.text) in everything]
    assert survivors == []
    check_ids(made, llm)
    for key, factor in made.factors.items():
        freed = any(row.target == key and row.rank >= 3 for row in made.lowerings)
        assert factor.value >= plain.factors[key].low or (
            freed and key in ("autonomy_of_action", "opacity_reflexivity")
        )
    quotes = {evidence.id: evidence.quote for evidence in made.evidence}
    for row in made.lowerings:
        if row.rule.startswith("an LLM") and row.target in FACTORS:
            bearing = bears_on(quotes[row.evidence], row.target)
            assert bearing or round(row.before - row.after, 2) <= BESIDE + GRID, (row, quotes[row.evidence])
    for name, layer in made.layers.items():
        assert (layer.certain, layer.applies, layer.features) == (
            plain.layers[name].certain,
            plain.layers[name].applies,
            plain.layers[name].features,
        )
    assert made.score.threat_multiplier == plain.score.threat_multiplier
    assert made.score.mitigation_factor == plain.score.mitigation_factor
    report = render(made, documents)
    assert UNSAFE.search(report) is None
    assert [token.content for token in tokens(report) if token.type in ACTIVE] == []
    return made


def check_ids(made: Draft, llm: LyingLlm) -> None:
    threats = [threat for layer in made.layers.values() for threat in layer.threats]
    refs = [ref for threat in threats for ref in threat.taxonomy]
    assert lint(refs) == ()
    assert not {(ref.id, ref.title) for ref in refs} & set(llm.ids)
    assert {key for chain in made.chains for key in chain.threats} <= {threat.id for threat in threats}


def test_nothing_that_a_lying_llm_made_up_is_in_the_draft() -> None:
    llm = LyingLlm(1, unshown=(HIDDEN,))
    made = check_draft(quay_pages(), llm)
    assert len(llm.quotes) >= 50
    assert len(llm.ids) >= 20
    assert made.usage["quotes_found"] < made.usage["quotes_proposed"] / 2
    assert made.usage["claims_dropped"] > made.usage["claims_proposed"] / 2


def test_nor_what_an_llm_slips_into_a_good_answer() -> None:
    llm = SlyLlm(1, unshown=(HIDDEN,))
    made = check_draft(quay_pages(), llm)
    used = {part.part for part in made.drafter.parts if part.by != "embedded"}
    assert {"system", "factors/persistent_memory", "layers/data_operations"} <= used
    assert made.usage["claims_supported"] > 20
    assert made.usage["claims_dropped"] > 20
    assert len(llm.quotes) >= 50


@pytest.mark.slow
@pytest.mark.parametrize("slug", CASES)
def test_nor_with_other_lies_on_other_products(slug: str) -> None:
    liars = [LyingLlm(2), LyingLlm(3), SlyLlm(4), SlyLlm(5)]
    for llm in liars:
        check_draft(case_pages(slug), llm)
    assert sum(len(llm.quotes) for llm in liars) >= 150
    assert sum(len(llm.ids) for llm in liars) >= 50


def test_a_threat_that_holds_loses_its_false_ids() -> None:
    llm = SlyLlm(6)
    made = check_draft(case_pages("asana"), llm)
    own = [threat for layer in made.layers.values() for threat in layer.threats if "proposed" in threat.id]
    assert own != []
    assert {ref for threat in own for ref in threat.taxonomy} == set()
    assert {text for threat in own for remedy in threat.mitigations if "gnome" in (text := remedy.text)} == set()
    assert sum(row.what.startswith("id of the LLM") for row in made.dropped) >= len(llm.ids[:4])


@pytest.mark.slow
def test_a_flood_of_lies_costs_bounded_time_and_room() -> None:
    began = time.monotonic()
    made = check_draft(quay_pages(), LyingLlm(7, times=8))
    assert time.monotonic() - began < 60
    assert len(made.dropped) < 200
