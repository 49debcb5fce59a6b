"""Statistics of the curves: reliability, risk and coverage, recall, range coverage; and the primary losses."""

import pytest
from hypothesis import given, strategies as st

from agent.taxonomy.layers import LAYERS
from evals.metrics.results import CaseResult, LayerCell
from evals.report.curves import (
    quotes_sought,
    range_coverage,
    recall_at,
    reliability,
    risk_coverage,
    shown_shares,
    wilson,
)
from evals.report.losses import factor_error, flags, losses, score_error, worst
from tests.fakes.evals.evaluation import everything, lost, measured


def layers(*cells: tuple[float | None, bool | None]) -> CaseResult:
    """A case whose first layers have these certainties and labels, the others no label."""
    padded = [*cells, *[(0.5, None)] * (len(LAYERS) - len(cells))]
    return measured("a").model_copy(
        update={
            "layers": {
                key: LayerCell(
                    certain=None if certainty is None else certainty >= 0.5,
                    certainty=certainty,
                    threats=0,
                    cited_threats=0,
                    published=None,
                    reader=label,
                )
                for key, (certainty, label) in zip(LAYERS, padded, strict=True)
            }
        }
    )


def test_reliability_counts_layers_by_tenths() -> None:
    found = reliability([layers((0.7, True), (0.72, False), (0.05, False), (1.0, True), (None, True))], "reader")
    assert [(item.low, item.layers, item.share) for item in found] == [(0.0, 1, 0.0), (0.7, 2, 0.5), (0.9, 1, 1.0)]
    assert found[1].certainty == pytest.approx(0.71)
    assert all(item.share_low <= item.share <= item.share_high for item in found)


def test_reliability_of_labels_that_nobody_gave_is_empty() -> None:
    assert reliability([layers((0.5, None))], "published") == ()
    assert reliability([], "reader") == ()


def test_wilson_by_its_published_example() -> None:
    # Newcombe 1998, table I: 81 of 263.
    low, high = wilson(81, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)


def test_risk_and_coverage_by_hand() -> None:
    curve = risk_coverage([layers((0.9, True), (0.8, False), (0.6, True), (0.2, False))])
    assert curve is not None
    assert [(point.coverage, point.risk, point.generalised) for point in curve.points] == [
        (0.25, 0.0, 0.0),
        (0.5, 0.5, 0.25),
        (0.75, pytest.approx(1 / 3), 0.25),
        (1.0, 0.5, 0.5),
    ]
    assert curve.augrc == pytest.approx((0 + 0.25 + 0.25 + 0.5) / 4)
    assert curve.perfect == pytest.approx((0 + 0 + 0.25 + 0.5) / 4)
    assert curve.shuffled == pytest.approx((0.125 + 0.25 + 0.375 + 0.5) / 4)
    assert curve.shipped is not None
    assert (curve.shipped.coverage, curve.shipped.risk) == (0.75, pytest.approx(1 / 3))


def test_a_failed_layer_is_accepted_first_and_wrong() -> None:
    drafted, failed = (
        risk_coverage([layers((0.9, True), (0.1, True))]),
        risk_coverage([layers((0.9, True), (None, True))]),
    )
    assert drafted is not None
    assert failed is not None
    assert drafted.augrc == 0.0
    assert failed.augrc == 0.5


def test_without_labels_there_is_no_curve() -> None:
    assert risk_coverage([layers((0.9, None))]) is None
    assert risk_coverage([]) is None


CELLS = st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.booleans()), min_size=1, max_size=7)


@given(CELLS)
def test_the_area_lies_between_perfect_and_worst_and_knows_no_order(cells: list[tuple[float, bool]]) -> None:
    curve, turned = risk_coverage([layers(*cells)]), risk_coverage([layers(*reversed(cells))])
    assert curve is not None
    assert curve == turned
    assert curve.perfect - 1e-9 <= curve.augrc <= 2 * curve.shuffled - curve.perfect + 1e-9
    assert curve.points[-1].coverage == 1.0
    assert curve.points[-1].risk == pytest.approx(sum(not label for _, label in cells) / len(cells))


def test_one_certainty_for_all_says_nothing() -> None:
    curve = risk_coverage([layers((0.5, True), (0.5, False), (0.5, False))])
    assert curve is not None
    assert curve.augrc == pytest.approx(curve.shuffled)


def test_recall_grows_with_k_and_counts_what_is_never_found() -> None:
    results = [everything("a"), everything("b"), measured("c")]
    assert recall_at(results, "fused", 5) == (0.25, 0.5, 0.5, 0.5, 0.75)
    assert quotes_sought(results, "fused") == 8
    assert shown_shares(results) == {1: pytest.approx(0.05), 5: pytest.approx(0.2)}
    assert recall_at([measured("c")], "fused", 5) == ()
    assert shown_shares([measured("c")]) == {}


def test_ranges_hold_labels() -> None:
    found = range_coverage([measured("a", value=0.5, published=0.7, reader=0.8), measured("b", reader=None)])
    item = found["persistent_memory"]
    assert (item.published, item.published_count, item.reader, item.reader_count) == (1.0, 2, 0.0, 1)
    assert item.width == pytest.approx(0.4)
    assert range_coverage([lost("c")])["persistent_memory"].width == 1.0


def test_losses_of_a_case() -> None:
    case = measured("a")
    assert factor_error(case) == pytest.approx(0.3)
    assert factor_error(case, "published") == pytest.approx(0.1)
    assert score_error(case) == pytest.approx(0.4)
    assert flags(case) == (1, 0, 7)
    assert losses(case) == pytest.approx({"factor_error": 0.2, "score_error": 0.6, "flag_loss": 2 / 7})
    assert losses(measured("b", reader=None))["factor_error"] == pytest.approx(0.1)
    assert losses(measured("b", published=None, reader=None)) == {
        "factor_error": None,
        "score_error": None,
        "flag_loss": None,
    }


def test_a_case_that_failed_is_the_worst() -> None:
    results = [measured("a"), lost("b"), measured("c")]
    for name, loss in losses(lost("b")).items():
        assert worst(results, name, 2)[0] == (results[1], loss)
    assert flags(lost("b")).wrong == 7
