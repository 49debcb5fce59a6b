"""No claim moves a draft: thousands of sentences of rank 2 and below leave factors, flags, threats and score unchanged.

A sentence is added where a vendor can add one (to the listing, or on a separate page) and the whole draft is made
again. Many are added at a time, because the effect of any one of them shows in the draft of them all.
"""

from collections.abc import Sequence
from functools import cache

import pytest

from agent.drafting.calibration import load_calibration
from agent.facts.vocabulary import load_vocabulary
from agent.intake.extract.statements.claims import COUNTING_RANK
from agent.intake.extract.statements.split import statements
from agent.pipeline import draft_reading, read_documents
from agent.records import Document, Draft, Section
from agent.resources import data_folder
from evals.cases.corpus import load_case
from evals.cases.documents import READ_AT, documents_of
from tests.fakes.intake.claims import claims

SLUGS = ("firecrawl-mcp", "abridge", "vapi")
QUICK, ALL, AT_ONCE = 300, 4_000, 50


@cache
def documents(slug: str) -> tuple[Document, ...]:
    return documents_of(load_case(data_folder("corpus") / "cases" / slug))


def drafted(read: Sequence[Document]) -> Draft:
    return draft_reading(read_documents(tuple(read)), name=None, calibration=load_calibration(), created_at=READ_AT)


@cache
def plain(slug: str) -> dict[str, object]:
    return concluded(drafted(documents(slug)))


def concluded(draft: Draft) -> dict[str, object]:
    """Return what claims must not move, as plain data. Marks are numbered by citation, so they are replaced by their
    quotes.
    """
    quotes = {item.id: item.quote for item in draft.evidence}
    words = load_vocabulary()
    return {
        "factors": {k: (f.value, f.low, f.high, f.state, [(p.label, p.effect) for p in f.parts],
                        [quotes[mark] for mark in f.evidence]) for k, f in draft.factors.items()},
        "flags": {k: layer.certain for k, layer in draft.layers.items()},
        "threats": [(t.id, t.title, t.state, t.score.cvss_vector, t.score.aivss)
                    for x in draft.layers.values() for t in x.threats],
        "score": draft.score.model_dump(exclude={"with_controls"}),
        "lowerings": [(quotes[low.evidence], low.target, low.before, low.after) for low in draft.lowerings],
        "controls": draft.score.with_controls and draft.score.with_controls.aivss,
        "facts": [(f.key, f.polarity, f.slots) for f in draft.facts.facts if words[f.key].claim != "control"],
    }  # fmt: skip


def in_listing(read: Sequence[Document], lines: Sequence[str]) -> tuple[Document, ...]:
    first = read[0]
    text = first.text.rstrip("\n") + "".join(f"\n\n{line}" for line in lines)
    last = first.sections[-1].model_copy(update={"end": len(text)})
    return (first.model_copy(update={"text": text, "sections": (*first.sections[:-1], last)}), *read[1:])


def on_a_page(read: Sequence[Document], lines: Sequence[str]) -> tuple[Document, ...]:
    text = "\n\n".join(lines)
    page = Document(
        id="D90", sha256="0" * 64, url="trust.md", title="Trust", kind="docs", media_type="text/markdown",
        fetched_at=READ_AT, text=text, sections=(Section(start=0, end=len(text), path=("Trust",), about="product"),),
    )  # fmt: skip
    return (*read, page)


PLACES = (in_listing, on_a_page)


def moved(slug: str, place: int, lines: Sequence[str]) -> dict[str, tuple[object, object]]:
    before, after = plain(slug), concluded(drafted(PLACES[place](documents(slug), lines)))
    return {key: (before[key], after[key]) for key in before if before[key] != after[key]}


@pytest.mark.parametrize("place", range(len(PLACES)))
@pytest.mark.parametrize("slug", SLUGS)
def test_claims_move_nothing(slug: str, place: int) -> None:
    lines = claims("own", QUICK)
    at = (SLUGS.index(slug) + place) * AT_ONCE
    assert moved(slug, place, lines[at : at + AT_ONCE]) == {}


def test_each_alone_is_told_for_what_it_is() -> None:
    for text in claims("own", QUICK):
        weak = [row for row in statements(on_a_page((), [text])) if row.rank < COUNTING_RANK]
        assert [row.text for row in weak if not row.claim and row.sort != "boilerplate"] == [], text


def test_a_heading_that_claims_moves_nothing() -> None:
    for slug in SLUGS:
        first = documents(slug)[0]
        line = "Every action is approved by a person."
        text = f"{first.text.rstrip()}\n\nSafe, certified and approved\n\n{line}"
        at = len(first.text.rstrip()) + 2
        sections = (
            *first.sections[:-1],
            first.sections[-1].model_copy(update={"end": at}),
            Section(start=at, end=len(text), path=("Safe, certified and approved",), about="product"),
        )
        more = first.model_copy(update={"text": text, "sections": sections})
        assert concluded(drafted((more, *documents(slug)[1:]))) == plain(slug)


@pytest.mark.slow
def test_four_thousand_claims_move_nothing() -> None:
    lines = claims("own", ALL)
    for at in range(0, ALL, AT_ONCE):
        turn = at // AT_ONCE
        slug, place = SLUGS[turn % len(SLUGS)], turn // len(SLUGS) % len(PLACES)
        assert moved(slug, place, lines[at : at + AT_ONCE]) == {}, lines[at : at + AT_ONCE]


def comforting(lines: Sequence[str]) -> list[str]:
    """Return the sentences that, on a separate page, still state a limit or a denial."""
    words = load_vocabulary()
    sheet = read_documents(on_a_page((), lines)).sheet
    marks = {
        mark
        for fact in sheet.facts
        if words[fact.key].claim != "control" and words[fact.key].comforting != (fact.polarity == "denied")
        for mark in fact.evidence
    }
    return [item.quote for item in sheet.evidence if item.id in marks]


@pytest.mark.slow
def test_sentences_in_other_words_rarely_carry_a_limit() -> None:
    """An open class can never be recognised completely: at most one in a hundred of these may be taken for a
    description.
    """
    lines = claims("other", 2_000)
    assert len(set(lines)) == len(lines)
    assert sum(len(comforting(lines[at : at + 20])) for at in range(0, len(lines), 20)) <= len(lines) / 100


def test_sentences_in_a_third_authors_words_seldom_carry_a_limit() -> None:
    lines = claims("blind", 300)
    assert sum(len(comforting(lines[at : at + 5])) for at in range(0, len(lines), 5)) <= len(lines) / 100


@pytest.mark.slow
@pytest.mark.parametrize("place", range(len(PLACES)))
def test_other_words_lower_nothing(place: int) -> None:
    lines = claims("other", 400)
    before = drafted(documents(SLUGS[place]))
    after = drafted(PLACES[place](documents(SLUGS[place]), lines[:60]))
    assert [key for key in before.factors if after.factors[key].value < before.factors[key].value] == []
    assert [key for key in before.layers if after.layers[key].certain and not before.layers[key].certain] == []
