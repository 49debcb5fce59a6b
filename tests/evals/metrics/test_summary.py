import pytest
from hypothesis import given, strategies as st

from evals.metrics.results import CardCell, CaseResult, Evaluation, FactorCell
from evals.metrics.summary import summarise
from tests.fakes.evals.evaluation import broken, case

PATTERNS = ("L1-a", "L3-b")


def run(*results: CaseResult) -> Evaluation:
    return summarise(results, drafter="embedded", patterns=PATTERNS)


def test_one_case_by_hand() -> None:
    done = run(case("a", card=CardCell(withheld=True, factor_sum=5.5)))
    expected = {
        "factor_mae_published": 0.1,
        "factor_mae_reader": 0.2,
        "factor_sum_mae_published": 1.0,
        "interval_coverage_published": 1.0,
        "interval_width": 0.4,
        "flag_precision_reader": 1.0,
        "flag_recall_reader": 0.666667,
        "flag_f1_reader": 0.8,
        "citation_validity": 1.0,
        "evidence_recall_reader": 0.4,
        "threats_with_evidence_share": 1.0,
        "factors_with_evidence_share": 1.0,
        "score_mae_published": 0.4,
        "band_agreement_published": 1.0,
        "likely_coverage_published": 1.0,
        "withheld_share": 0.0,
        "cvss_base_mae_reader": 0.5,
        "generic_sentence_share": 0.25,
        "own_listing_found_share": 1.0,
        "threats_shown": 1.0,
        "withheld_share_cards": 1.0,
        "card_sum_shift": 0.5,
    }
    assert {name: done.metrics[name] for name in expected} == pytest.approx(expected)
    assert done.patterns == {"L1-a": 0.0, "L3-b": 1.0}
    assert done.factors["persistent_memory"].bias_reader == pytest.approx(-0.2)
    assert done.layers["foundation_models"].f1_reader == 1.0
    assert done.layers["agent_frameworks"].f1_reader == 0.0


WORSE_HIGH = (
    "factor_mae_published", "factor_mae_reader", "factor_sum_mae_published", "interval_width",
    "score_mae_published", "withheld_share", "cvss_base_mae_reader", "generic_sentence_share",
)  # fmt: skip
WORSE_LOW = (
    "flag_precision_reader", "flag_recall_reader", "flag_f1_reader", "interval_coverage_published",
    "citation_validity", "evidence_recall_reader", "band_agreement_published", "likely_coverage_published",
    "own_listing_found_share", "threats_shown", "factors_with_evidence_share",
)  # fmt: skip


@given(st.integers(0, 10), st.integers(0, 10), st.integers(0, 10))
def test_a_failed_case_is_never_better_than_a_drafted_one(value: int, published: int, reader: int) -> None:
    whole = case("b", value=value / 10, published=published / 10, reader=reader / 10)
    factors = {key: FactorCell(published=cell.published, reader=cell.reader) for key, cell in whole.factors.items()}
    good, bad = run(case("a"), whole), run(case("a"), broken("b").model_copy(update={"factors": factors}))
    for names, sign in ((WORSE_HIGH, 1), (WORSE_LOW, -1)):
        for name in names:
            assert sign * ((bad.metrics[name] or 0.0) - (good.metrics[name] or 0.0)) >= -1e-6, name
    assert bad.errors == {"b": "SourceError: unreadable"}
    assert bad.cases == 2


def test_without_labels_a_metric_is_null_not_zero() -> None:
    metrics = run(case("a", published=None, reader=None, gold_spans=0, gold_found=0)).metrics
    for name in metrics:
        if name.endswith(("_published", "_reader")) or name in ("withheld_share_cards", "card_sum_shift"):
            assert metrics[name] is None, name
    assert metrics["citation_validity"] == 1.0
    assert all(value is None for value in run().metrics.values())


def test_a_case_with_published_labels_only_counts_towards_those() -> None:
    both = run(case("a"), case("b", published=0.2, reader=None)).metrics
    assert both["factor_mae_published"] == pytest.approx(0.2)
    assert both["factor_mae_reader"] == pytest.approx(0.2)
    assert both["factor_mae_reader"] == run(case("a")).metrics["factor_mae_reader"]


def test_the_validity_of_citations_is_that_of_drafts_which_cite() -> None:
    silent, half = case("a", citations=0, valid_citations=0), case("b", citations=2, valid_citations=1)
    assert run(silent).metrics["citation_validity"] is None
    assert run(silent, half).metrics["citation_validity"] == 0.5


def test_the_json_reads_back() -> None:
    done = run(case("a"), broken("b"))
    text = done.model_dump_json(by_alias=True)
    assert text.startswith('{"schema":"septet/eval/1","drafter":"embedded","cases":2,')
    assert Evaluation.model_validate_json(text) == done
