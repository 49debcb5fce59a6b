"""Factors: laws that a vendor's wording cannot break, and parts that add up."""

import functools
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.drafting_old.calibrate_factors import (
    load_factor_calibration,
)
from agent.drafting_old.factor_features import features
from agent.drafting_old.factors import FactorResult, estimate, values
from agent.drafting_old.kind import guess, lead, weigh
from agent.drafting_old.ledger import Ledger
from agent.evidence.reading import Reading
from agent.evidence.signals import detect
from agent.evidence.statements import statements
from agent.records import Document, Finding, Section
from agent.resources import data_folder
from agent.retrieval.embed import embed
from agent.taxonomy.keys import FACTORS, FactorKey
from evals.corpus import card, load_case
from evals.documents import documents_of

SENTENCES = (Path(__file__).parent / "vectors" / "neutral_sentences.txt").read_text("utf-8").splitlines()
SLUGS = ("firecrawl-mcp", "smolagents", "mem0", "ai-song-maker", "abridge", "zscaler-mcp", "linear", "vapi")
PINNED = "Every action requires approval by a named person, on by default, set by the administrator under Settings."
ONE_TOOL = (
    "Every send_payment call pauses until an approver in the Finance group accepts it; the setting approval.required "
    "is true by default and cannot be turned off by the agent's user."
)
TENTH = Decimal("0.1")


def page(text: str, *, kind: str = "docs", number: int = 9, findings: tuple[Finding, ...] = ()) -> Document:
    return Document.model_validate(
        {
            "id": f"D{number}",
            "sha256": "0" * 64,
            "url": "page.md",
            "title": "A page",
            "kind": kind,
            "media_type": "text/markdown",
            "fetched_at": "2026-11-01T00:00:00Z",
            "text": text,
            "sections": (Section(start=0, end=len(text), path=(), about="product"),),
            "findings": findings,
        }
    )


def read(documents: tuple[Document, ...]) -> Reading:
    found = statements(documents)
    return Reading(documents, found, embed([s.text for s in found]), detect(found), {})


def cases_folder() -> Path:
    return data_folder("corpus") / "cases"


@functools.cache
def case_reading(slug: str, *, short: bool = False) -> Reading:
    case = load_case(cases_folder() / slug)
    return read(documents_of(card(case) if short else case))


@functools.cache
def slugs() -> tuple[str, ...]:
    """The named cases that exist, and every thirtieth of the others."""
    known = sorted(p.name for p in cases_folder().iterdir() if p.is_dir())
    return tuple(dict.fromkeys([s for s in SLUGS if s in known] + known[::30]))


def result(reading: Reading) -> FactorResult:
    return estimate(reading, Ledger(reading.documents, reading.statements), load_factor_calibration())


def appended(reading: Reading, sentence: str, *, mark: str = "\n\n") -> Reading:
    """The reading with a line more at the end of the listing; only the new line is read anew."""
    first = reading.documents[0]
    text = first.text.rstrip("\n") + mark + sentence + "\n"
    last = first.sections[-1].model_copy(update={"end": len(text)})
    listing = first.model_copy(update={"text": text, "sections": (*first.sections[:-1], last)})
    documents = (listing, *reading.documents[1:])
    found = statements(documents)
    known = {s.text: n for n, s in enumerate(reading.statements)}
    rows = [reading.vectors[known[s.text]] if s.text in known else embed([s.text])[0] for s in found]
    return Reading(documents, found, np.array(rows, dtype=np.float32), detect(found), {})


def beside(reading: Reading, line: Reading) -> Reading:
    """The same, put together from two readings: quick enough for thousands of pairs."""
    at = sum(s.document == reading.documents[0].id for s in reading.statements)
    more = len(line.statements)
    shift = len(reading.documents[0].text) + 2
    first = reading.documents[0]
    text = first.text + "\n\n" + line.documents[0].text
    last = first.sections[-1].model_copy(update={"end": len(text)})
    listing = first.model_copy(update={"text": text, "sections": (*first.sections[:-1], last)})
    new = [
        s.model_copy(update={"document": listing.id, "start": s.start + shift, "end": s.end + shift})
        for s in line.statements
    ]
    signals = {
        key: [m if m.statement < at else m._replace(statement=m.statement + more) for m in matches]
        for key, matches in reading.signals.items()
    }
    for key, matches in line.signals.items():
        signals.setdefault(key, []).extend(
            m._replace(statement=m.statement + at, document=listing.id, start=m.start + shift, end=m.end + shift)
            for m in matches
        )
    return Reading(
        (listing, *reading.documents[1:]),
        (*reading.statements[:at], *new, *reading.statements[at:]),
        np.vstack([reading.vectors[:at], line.vectors, reading.vectors[at:]]),
        {key: tuple(matches) for key, matches in signals.items()},
        {},
    )


def grid(reading: Reading) -> dict[FactorKey, Decimal]:
    return {key: factor.value for key, factor in result(reading).factors.items()}


def lowered(before: dict[FactorKey, Decimal], after: dict[FactorKey, Decimal]) -> list[FactorKey]:
    return [key for key in FACTORS if after[key] < before[key]]


# ---------------------------------------------------------------- the laws


@pytest.mark.slow
def test_neutral_sentences_lower_no_factor() -> None:
    lines = [(sentence, read((page(sentence, kind="listing", number=1),))) for sentence in SENTENCES]
    assert len(lines) >= 200
    for slug in slugs():
        for short in (False, True):
            reading = case_reading(slug, short=short)
            before = grid(reading)
            for sentence, line in lines[:: 1 if not short else 7]:
                after = {
                    key: max(Decimal(0), Decimal(str(round(v, 4)))).quantize(TENTH, rounding="ROUND_HALF_UP")
                    for key, v in values(features(beside(reading, line)), load_factor_calibration()).items()
                }
                assert not [k for k, v in after.items() if v < before[k]], (slug, short, sentence)


@pytest.mark.parametrize("mark", ["\n\n", "\n", "\n- "])
def test_a_sentence_that_is_really_appended_lowers_no_factor(mark: str) -> None:
    for slug in slugs()[:3]:
        reading = case_reading(slug)
        before = grid(reading)
        for sentence in SENTENCES[::23]:
            assert not lowered(before, grid(appended(reading, sentence, mark=mark))), (slug, sentence)


CLAIMS = st.builds(
    lambda subject, verb, thing, tail: f"{subject} {verb} {thing}{tail}",
    st.sampled_from(
        ["We", "Our team", "The company", "This product", "Nobody", "Your data", "It", "The agent", "Every user"]
    ),
    st.sampled_from(
        [
            "never stores",
            "does not keep",
            "cannot change",
            "only reads",
            "loves",
            "protects",
            "is",
            "does not need",
            "never calls",
        ]
    ),
    st.sampled_from(
        [
            "anything",
            "your data",
            "read-only access",
            "a safe choice",
            "stateless",
            "one tool",
            "memory",
            "an LLM",
            "the best",
        ]
    ),
    st.sampled_from([".", " by default.", " and that is a promise.", ", period.", " — always.", " without approval."]),
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.one_of(CLAIMS, st.text(min_size=1, max_size=80).filter(lambda t: any(c.isalnum() for c in t))))
def test_no_sentence_at_the_end_of_a_listing_lowers_a_factor(sentence: str) -> None:
    line = read((page(sentence, kind="listing", number=1),))
    if not line.statements:
        return
    for slug in slugs()[:2]:
        reading = case_reading(slug)
        assert not lowered(grid(reading), grid(beside(reading, line)))


def test_a_card_is_not_below_its_full_listing() -> None:
    shifts = []
    for slug in slugs():
        full, short = grid(case_reading(slug)), grid(case_reading(slug, short=True))
        shifts.append(sum(short.values()) - sum(full.values()))
        assert result(case_reading(slug, short=True)).thin
        assert not result(case_reading(slug)).thin
    assert sum(shifts) / len(shifts) > -Decimal("0.25")  # a sample; the slow test asks it of the whole corpus


def test_a_pinned_control_lowers_autonomy_and_says_so() -> None:
    counted = 0
    for slug in slugs():
        reading = case_reading(slug)
        before = result(reading)
        after = result(read((*reading.documents, page(PINNED))))
        drop = before.factors["autonomy_of_action"].value - after.factors["autonomy_of_action"].value
        if before.factors["autonomy_of_action"].value <= Decimal("0.1"):
            continue
        counted += 1
        assert drop >= TENTH, slug
        part = after.factors["autonomy_of_action"].parts[-1]
        assert part.signal == "asks_approval"
        assert part.effect < 0
        assert part.evidence is not None
        rows = [r for r in after.lowerings if r.target == "autonomy_of_action" and r.evidence == part.evidence]
        assert [r.rank for r in rows] == [3]
        assert rows[0].before > rows[0].after
        others = [k for k in FACTORS if k != "autonomy_of_action"]
        assert all(after.factors[k].value == before.factors[k].value for k in others)
    assert counted >= 5


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("listing", PINNED),
        ("vendor-answer", PINNED),
        ("docs", "Every action requires approval by a named person."),
        ("docs", PINNED.replace("on by default", "off by default")),
        ("docs", "The agent is safe, certified and always under human control."),
        ("docs", ONE_TOOL),
    ],
)
def test_weaker_claims_lower_nothing(kind: str, text: str) -> None:
    for slug in slugs()[:5]:
        reading = case_reading(slug)
        assert not lowered(grid(reading), grid(read((*reading.documents, page(text, kind=kind))))), slug


def test_hidden_text_is_read_by_nothing() -> None:
    text = (
        f"{PINNED} It is read-only, stateless and makes no plans. It executes shell commands and learns from feedback."
    )
    finding = Finding(kind="hidden-text", document="D9", start=0, end=len(text), where="p", excerpt=text[:200])
    reading = case_reading(slugs()[0])
    with_page = read((*reading.documents, page(text, findings=(finding,))))
    assert features(with_page) == features(reading)
    assert grid(with_page) == grid(reading)


def test_contradiction_takes_the_worse_reading() -> None:
    # The limit opens the listing: further down nothing of a vendor's rank could lower, and so nothing would be opposed.
    def listing(limit: str) -> Document:
        text = f"Notes tool. {limit} It keeps notes of meetings for a team of people at work."
        return page(text, kind="listing", number=1)

    memory = "It remembers facts across sessions and stores conversation history."
    both = result(read((listing("The server is stateless."), page(memory))))
    only = result(read((listing(""), page(memory))))
    none = result(read((listing("The server is stateless."), page("It sorts them."))))
    key: FactorKey = "persistent_memory"
    assert both.factors[key].value == only.factors[key].value
    assert both.factors[key].state == "contradicted"
    assert none.factors[key].value < only.factors[key].value


def test_a_limit_lowers_and_is_quoted_where_it_opens_the_listing_alone() -> None:
    said = "Calculator server. An MCP server that adds numbers for assistants."
    limit = "The output is deterministic."
    listing = page(said, kind="listing", number=1)
    plain = result(read((listing, page("It adds numbers."))))
    limited = result(read((page(f"{said} {limit}", kind="listing", number=1), page("It adds numbers."))))
    key: FactorKey = "non_determinism"
    added = result(read((listing, page(f"It adds numbers. {limit}"))))
    assert added.factors[key].value == plain.factors[key].value
    assert added.lowerings == plain.lowerings
    assert limited.factors[key].value <= plain.factors[key].value
    assert limited.factors[key].state == "denied"
    assert any(r.target == key and "not" in r.rule for r in limited.lowerings)


# ---------------------------------------------------------------- the parts


def test_parts_add_up_and_quotes_are_there() -> None:
    for slug in slugs():
        for short in (False, True):
            reading = case_reading(slug, short=short)
            ledger = Ledger(reading.documents, reading.statements)
            made = estimate(reading, ledger, load_factor_calibration())
            known = {e.id for e in ledger.evidence()}
            assert list(made.factors) == list(FACTORS)
            for key, factor in made.factors.items():
                total = min(max(sum(p.effect for p in factor.parts), 0.0), 1.0)
                assert abs(float(factor.value) - total) <= 0.05 + 1e-9, (slug, key)
                assert factor.low <= factor.value <= factor.high
                assert all(v % TENTH == 0 for v in (factor.low, factor.value, factor.high))
                assert factor.parts[0].kind == "typical"
                assert all(0 <= p.effect <= 0.1 for p in factor.parts if p.kind == "remainder")
                assert all(p.evidence in known for p in factor.parts if p.kind == "evidence")
                assert set(factor.evidence) <= known
                assert bool(factor.evidence) == (factor.state != "unknown"), (slug, key, factor.state)
                assert factor.rationale.endswith(".")
            assert all(r.evidence in known and r.before >= r.after for r in made.lowerings)


def test_the_same_reading_gives_the_same_estimate() -> None:
    reading = case_reading(slugs()[0])
    assert result(reading) == result(read(reading.documents))


def test_values_agree_with_the_estimate() -> None:
    for slug in slugs()[:4]:
        for short in (False, True):
            reading = case_reading(slug, short=short)
            quick = values(features(reading), load_factor_calibration())
            full = grid(reading)
            assert all(abs(float(full[k]) - v) <= 0.0501 for k, v in quick.items())


def test_an_empty_listing_still_has_wide_estimates() -> None:
    made = result(read((page("", kind="listing", number=1),)))
    assert made.thin
    for key, factor in made.factors.items():
        assert factor.state == "unknown", key
        assert factor.value > 0 or key == "self_modification"


def test_kinds_come_from_the_first_lines() -> None:
    listing = "Songs\n\nCreates songs from a short request.\n\nA website that turns a prompt into music in seconds.\n"
    reading = read((page(listing, kind="listing", number=1),))
    assert guess(weigh(reading).probabilities).key == "media_generator"
    longer = read(
        (page(listing + "\nIt is a coding agent that edits files in a repository.\n", kind="listing", number=1),)
    )
    assert weigh(longer).probabilities == weigh(reading).probabilities
    assert len(lead(longer)) == len(lead(reading))
    assert abs(sum(weigh(reading).probabilities) - 1) < 0.01
