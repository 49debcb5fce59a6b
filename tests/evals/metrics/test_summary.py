import pytest
from hypothesis import given, strategies as st

from evals.metrics.results import CaseResult, Evaluation, FactorCell
from evals.metrics.summary import summarise
from tests.fakes.evals.measured import broken, case

PATTERNS = ("L1-a", "L3-b")


def run(*results: CaseResult) -> Evaluation:
    return summarise(results, drafter="embedded", patterns=PATTERNS)


def test_one_case_by_hand() -> None:
    done = run(case("a"))
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
    "factor_mae_published",
    "factor_mae_reader",
    "factor_sum_mae_published",
    "interval_width",
    "score_mae_published",
    "withheld_share",
    "cvss_base_mae_reader",
    "generic_sentence_share",
)
WORSE_LOW = (
    "flag_precision_reader",
    "flag_recall_reader",
    "flag_f1_reader",
    "interval_coverage_published",
    "citation_validity",
    "evidence_recall_reader",
    "band_agreement_published",
    "likely_coverage_published",
    "own_listing_found_share",
    "threats_shown",
    "factors_with_evidence_share",
)


@given(st.integers(0, 10), st.integers(0, 10), st.integers(0, 10))
def test_a_failed_case_is_never_better_than_a_drafted_one(value: int, published: int, reader: int) -> None:
    whole = case("b", value=value / 10, published=published / 10, reader=reader / 10)
    good, bad = run(case("a"), whole), run(case("a"), broken("b").model_copy(update={"factors": lost(whole)}))
    for name in WORSE_HIGH:
        assert (bad.metrics[name] or 0.0) >= (good.metrics[name] or 0.0) - 1e-6, name
    for name in WORSE_LOW:
        assert (bad.metrics[name] or 0.0) <= (good.metrics[name] or 0.0) + 1e-6, name
    assert bad.errors == {"b": "SourceError: unreadable"}
    assert bad.cases == 2


def lost(whole: CaseResult) -> dict[str, FactorCell]:
    update = {"value": None, "low": None, "high": None, "state": None, "cited": False}
    return {key: cell.model_copy(update=update) for key, cell in whole.factors.items()}


def test_without_labels_a_metric_is_null_not_zero() -> None:
    whole = case("a", published=None, reader=None)
    bare = whole.model_copy(
        update={
            "layers": {key: cell.model_copy(update={"reader": None}) for key, cell in whole.layers.items()},
            "score": whole.score.model_copy(
                update={"published": None, "published_severity": None, "reader_cvss_base": None}
            ),
            "gold_spans": 0,
            "gold_found": 0,
            "card": None,
        }
    )
    metrics = run(bare).metrics
    for name in metrics:
        if name.endswith(("_published", "_reader")) or name in ("withheld_share_cards", "card_sum_shift"):
            assert metrics[name] is None, name
    assert metrics["citation_validity"] == 1.0


def test_a_case_with_published_labels_only_counts_towards_those() -> None:
    both = run(case("a"), case("b", published=0.2, reader=None)).metrics
    assert both["factor_mae_published"] == pytest.approx(0.2)
    assert both["factor_mae_reader"] == pytest.approx(0.2)
    assert both["factor_mae_reader"] == run(case("a")).metrics["factor_mae_reader"]


def test_the_validity_of_citations_is_that_of_drafts_which_cite() -> None:
    silent = case("a").model_copy(update={"citations": 0, "valid_citations": 0})
    broken = case("b").model_copy(update={"citations": 2, "valid_citations": 1})
    assert run(silent).metrics["citation_validity"] is None
    assert run(silent, broken).metrics["citation_validity"] == 0.5


def test_no_case_gives_nulls() -> None:
    metrics = run().metrics
    assert all(value is None for value in metrics.values())


def test_the_json_reads_back() -> None:
    done = run(case("a"), broken("b"))
    text = done.model_dump_json(by_alias=True)
    assert text.startswith('{"schema":"septet/eval/1","drafter":"embedded","cases":2,')
    assert Evaluation.model_validate_json(text) == done
