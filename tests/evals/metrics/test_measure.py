from decimal import Decimal

import pytest

from agent.records import Document, Draft
from evals.cases.case import Case, FactorReading, Labels, LayerReading, Page, Published, Reader
from evals.metrics.measure import FACTORS, before_controls, factor_sum, failed, gold_spans, measure
from evals.metrics.results import CaseResult
from tests.fakes.drafts import workos, workos_documents
from tests.fakes.evals.evaluation import product

DRAFT = workos()
DOCUMENTS = workos_documents()
LISTING = Page(title="WorkOS", markdown=DOCUMENTS[0].text)
PUBLISHED = Published(
    source="https://directory.example/workos", factors=dict.fromkeys(FACTORS, 0.3), cvss_base=7.5,
    threat_multiplier=1.0, mitigation_factor=0.85, aivss=7.0,
)  # fmt: skip


def case(*, example: bool = False, **labels: object) -> Case:
    return product("workos", "WorkOS", listing=LISTING, example=example, labels=Labels.model_validate(labels))


def measured(
    labelled: Case, draft: Draft = DRAFT, documents: tuple[Document, ...] = DOCUMENTS, patterns: tuple[str, ...] = ()
) -> CaseResult:
    return measure(labelled, draft, documents, family="f", patterns=patterns)


def test_every_quote_is_checked_against_the_documents() -> None:
    result = measured(case())
    assert result.citations == result.valid_citations == len(DRAFT.evidence) > 0
    first, *others = DRAFT.evidence
    moved = DRAFT.model_copy(update={"evidence": (first.model_copy(update={"start": 0, "end": 9}), *others)})
    assert measured(case(), moved).valid_citations == len(DRAFT.evidence) - 1
    assert measured(case(), documents=()).valid_citations == 0


def test_gold_quotes_are_found_and_counted_once() -> None:
    cited = DRAFT.evidence[0].quote
    reader = Reader(
        factors={"persistent_memory": FactorReading(value=0.2, quote=cited)},
        layers={
            "data_operations": LayerReading(certain=True, quote=cited),
            "agent_ecosystem": LayerReading(certain=False, quote="words that are nowhere"),
        },
    )
    labelled = case(reader=reader)
    result = measured(labelled)
    assert (result.gold_spans, result.gold_found) == (2, 1)
    assert [span is None for span in gold_spans(labelled, DOCUMENTS).values()] == [False, True]
    assert failed(labelled, "error", family="f").gold_spans == 2
    assert result.layers["agent_ecosystem"].reader is False
    assert result.layers["foundation_models"].reader is None
    assert result.factors["persistent_memory"].reader == 0.2


def test_the_published_score_is_recomputed_before_controls() -> None:
    # 7.5 + (10 - 7.5) x 3.0 / 10 x 1.0 = 8.25, half up 8.3; the page prints it times 0.85.
    assert before_controls(PUBLISHED) == Decimal("8.3")
    assert before_controls(PUBLISHED.model_copy(update={"threat_multiplier": None})) is None
    assert before_controls(PUBLISHED.model_copy(update={"factors": {"persistent_memory": 0.3}})) is None
    cell = measured(case(published=PUBLISHED)).score
    assert (cell.published, cell.published_severity) == (8.3, "High")
    assert cell.value == float(DRAFT.score.aivss or DRAFT.score.provisional or 0)


def test_a_failed_case_keeps_its_labels() -> None:
    labelled = case(published=PUBLISHED)
    lost, drafted = failed(labelled, "why", family="f"), measured(labelled)
    assert lost.error == "why"
    assert lost.score.published == drafted.score.published
    assert all(lost.factors[key].published == drafted.factors[key].published == 0.3 for key in FACTORS)
    assert all(cell.value is None for cell in lost.factors.values())
    assert measured(case(example=True, published=PUBLISHED)).score.published is None, "an example has no labels"


def test_values_are_those_of_the_draft() -> None:
    result = measured(case(), patterns=("L9-none",))
    assert sum(cell.value or 0 for cell in result.factors.values()) == pytest.approx(factor_sum(DRAFT))
    assert all(result.layers[key].certain == DRAFT.layers[key].certain for key in result.layers)
    assert len(result.threats) == sum(len(layer.threats) for layer in DRAFT.layers.values())
    shown = result.threats[0]
    assert measured(case(), patterns=(shown, "L9-none")).fired == (shown,)
