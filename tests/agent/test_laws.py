"""Requirements for explainable drafts, checked on whole drafts: idle words lower nothing, thin texts are not milder,
and a control counts only once it is specified. The slow run checks every bundled case.
"""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import pytest

from agent.drafting.calibration import load_calibration
from agent.pipeline import draft_reading, read_documents
from agent.records import Document, DocumentBlock, Draft, Section
from agent.resources import data_folder
from agent.taxonomy.factors import FACTOR_SETS, FACTORS
from evals.cases.case import Case
from evals.cases.corpus import card, load_case, load_cases
from evals.cases.documents import READ_AT, documents_of
from tests.places import VECTORS

SENTENCES = (VECTORS / "neutral_sentences.txt").read_text("utf-8").split("\n")
APPROVAL = "Every action requires approval by a named person, on by default, set by the administrator under Settings."
SLUGS = ("firecrawl-mcp", "smolagents", "abridge", "vapi")
TEN = FACTOR_SETS["0.5"]
TENTH = Decimal("0.1")


@cache
def cases() -> tuple[Case, ...]:
    return tuple(case for case in load_cases(data_folder("corpus") / "cases") if not case.example)


@cache
def sample() -> tuple[Case, ...]:
    return tuple(load_case(data_folder("corpus") / "cases" / slug) for slug in SLUGS)


def drafted(documents: Sequence[Document]) -> Draft:
    return draft_reading(
        read_documents(tuple(documents)), name=None, calibration=load_calibration(), created_at=READ_AT
    )


@cache
def plain(slug: str) -> Draft:
    return drafted(documents_of(load_case(data_folder("corpus") / "cases" / slug)))


def extended(documents: Sequence[Document], lines: Sequence[str]) -> tuple[Document, ...]:
    """Return the documents with lines at the end of the listing, each as a paragraph."""
    first = documents[0]
    text = first.text.rstrip("\n")
    blocks = [*first.blocks]
    for line in filter(str.strip, lines):
        text += f"\n\n{line}"
        blocks.append(DocumentBlock(start=len(text) - len(line), end=len(text), kind="paragraph"))
    last = first.sections[-1].model_copy(update={"end": len(text)})
    update = {"text": text, "sections": (*first.sections[:-1], last), "blocks": tuple(blocks)}
    return (Document.model_validate({**first.model_dump(), **update}), *documents[1:])


def page(text: str, kind: str = "docs") -> Document:
    return Document.model_validate({
        "id": "D90", "sha256": "0" * 64, "url": "approvals.md", "title": "Approvals", "kind": kind,
        "media_type": "text/markdown", "fetched_at": READ_AT, "text": text,
        "sections": (Section(start=0, end=len(text), path=("Approvals",), about="product"),),
    })  # fmt: skip


def lowered(before: Draft, after: Draft) -> list[str]:
    return [key for key in FACTORS if after.factors[key].value < before.factors[key].value]


def taken(draft: Draft) -> list[tuple[str, float]]:
    """Return what controls subtract from factors; the values that they lower may have been raised by further text."""
    return [(low.target, round(low.before - low.after, 2)) for low in draft.lowerings if low.target in FACTORS]


def total(draft: Draft) -> float:
    return float(sum(draft.factors[key].value for key in TEN))


def test_a_line_that_is_added_is_read() -> None:
    for case in sample():
        read = {statement.text for statement in read_documents(extended(documents_of(case), [APPROVAL])).statements}
        assert APPROVAL in read


def test_there_are_two_hundred_sentences() -> None:
    said = [line for line in SENTENCES if line.strip()]
    assert len(said) >= 200
    assert len(set(said)) == len(said)


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("turn", range(3))
def test_a_neutral_sentence_lowers_no_factor(slug: str, turn: int) -> None:
    at = (SLUGS.index(slug) * 3 + turn) * 17 % 200
    documents = documents_of(load_case(data_folder("corpus") / "cases" / slug))
    assert lowered(plain(slug), drafted(extended(documents, [SENTENCES[at]]))) == [], SENTENCES[at]


@pytest.mark.parametrize("slug", SLUGS)
def test_all_of_them_together_lower_no_factor_and_no_number(slug: str) -> None:
    documents = documents_of(load_case(data_folder("corpus") / "cases" / slug))
    after = drafted(extended(documents, SENTENCES))
    assert lowered(plain(slug), after) == []
    assert taken(after) == taken(plain(slug))


@pytest.mark.parametrize("slug", SLUGS)
def test_an_approval_that_the_documentation_pins_down_lowers_autonomy(slug: str) -> None:
    _approval_counts(documents_of(load_case(data_folder("corpus") / "cases" / slug)), plain(slug))


def _approval_counts(documents: Sequence[Document], before: Draft) -> None:
    after = drafted((*documents, page(APPROVAL)))
    old, new = before.factors["autonomy_of_action"], after.factors["autonomy_of_action"]
    if old.value < 0.2:
        return
    if new.state == "contradicted" and old.state != "contradicted":
        assert new.value == old.value, "the riskier of two statements that contradict each other counts"
        return
    assert new.value < old.value
    mark = next(item.id for item in after.evidence if item.document == "D90" and item.quote in APPROVAL)
    part = next(part for part in new.parts if part.evidence == mark)
    # It subtracts a tenth, or whatever is left above the minimum.
    assert part.effect <= -0.1 or new.value == Decimal("0.1")
    rows = [row for row in after.lowerings if row.evidence == mark and row.target == "autonomy_of_action"]
    assert len(rows) == 1
    assert rows[0].rank == 3
    assert rows[0].after < rows[0].before
    assert mark in new.evidence
    assert "a documented control" in new.rationale


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("listing", APPROVAL),
        ("vendor-answer", APPROVAL),
        ("docs", "Every action requires approval by a person."),
        ("docs", APPROVAL.replace("on by default", "off by default")),
        ("docs", "Our agent is secure, sandboxed, SOC 2 certified and always asks before it acts."),
    ],
)
def test_the_same_claim_of_a_lower_rank_lowers_nothing(kind: str, text: str) -> None:
    for case in sample():
        documents = documents_of(case)
        more = extended(documents, [text]) if kind == "listing" else (*documents, page(text, kind))
        after = drafted(more)
        assert lowered(plain(case.slug), after) == []
        assert taken(after) == taken(plain(case.slug))


@pytest.mark.slow
def test_openings_are_not_milder_on_average() -> None:
    shifts = [total(drafted(documents_of(card(case)))) - total(plain(case.slug)) for case in cases()[::12]]
    assert sum(shifts) / len(shifts) >= -TENTH, "the slow test asks it of every case"


@pytest.mark.slow
def test_hardly_a_sentence_lowers_a_factor_of_every_other_case() -> None:
    """One sentence in a hundred is misread as a statement, and lowers one factor by a tenth at most."""
    moved: list[tuple[str, str]] = []
    every_other = cases()[1::2]
    for n, case in enumerate(every_other):
        documents = documents_of(case)
        line = SENTENCES[(n * 37 + 11) % 200]
        before, after = plain(case.slug), drafted(extended(documents, [line]))
        lower = lowered(before, after)
        assert len(lower) <= 1, (case.slug, line)
        for key in lower:
            moved.append((case.slug, line))
            assert before.factors[key].value - after.factors[key].value <= TENTH, (case.slug, line)
        assert taken(after) == taken(before)
    assert len(moved) <= len(every_other) // 100, moved


@pytest.mark.slow
def test_openings_of_all_cases_are_not_milder_on_average() -> None:
    """The bundled reader has learned from these cases and finds more in them than in new products, so a little is
    allowed; the gate compares `card_sum_shift`, which is measured with the case left out.
    """
    shifts = [total(drafted(documents_of(card(case)))) - total(plain(case.slug)) for case in cases()]
    assert sum(shifts) / len(shifts) >= -2 * TENTH


@pytest.mark.slow
def test_the_approval_counts_in_every_other_case() -> None:
    for case in cases()[::2]:
        _approval_counts(documents_of(case), plain(case.slug))
