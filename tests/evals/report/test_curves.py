"""Statistics of the curves: reliability, risk and coverage, recall, range coverage; and the primary losses."""

import pytest
from hypothesis import given, strategies as st

from agent.taxonomy.layers import LAYERS
from evals.metrics.results import LOSSES, CaseResult, LayerCell
from evals.metrics.summary import factor_error
from evals.report.curves import (
    quote_ranks,
    range_coverage,
    recall_at,
    reliability,
    risk_coverage,
    shown_shares,
    wilson,
)
from evals.report.saying import worst
from tests.fakes.evals.evaluation import broken, case, everything


def layers(*cells: tuple[float | None, bool | None]) -> CaseResult:
    """Return a case whose first layers have these certainties and labels; the others have no label."""
    padded = [*cells, *[(0.5, None)] * (len(LAYERS) - len(cells))]
    cells_of = {
        key: LayerCell(certain=None if certainty is None else certainty >= 0.5, certainty=certainty, reader=label)
        for key, (certainty, label) in zip(LAYERS, padded, strict=True)
    }
    return case("a", layers=cells_of)


def test_reliability_counts_layers_by_tenths() -> None:
    found = reliability([layers((0.7, True), (0.72, False), (0.05, False), (1.0, True), (None, True))], "reader")
    assert [(item.low, item.layers, item.share) for item in found] == [(0.0, 1, 0.0), (0.7, 2, 0.5), (0.9, 1, 1.0)]
    assert found[1].certainty == pytest.approx(0.71)
    assert all(item.share_low <= item.share <= item.share_high for item in found)


def test_wilson_by_its_published_example() -> None:
    # Newcombe 1998, table I: 81 of 263.
    assert [round(end, 4) for end in wilson(81, 263)] == [0.2553, 0.3662]


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


def test_a_failed_layer_is_accepted_first_and_wrong_and_without_labels_there_is_no_curve() -> None:
    for second, area in ((0.1, 0.0), (None, 0.5)):
        curve = risk_coverage([layers((0.9, True), (second, True))])
        assert curve is not None
        assert curve.augrc == area
    assert risk_coverage([layers((0.9, None))]) is risk_coverage([]) is None
    assert reliability([layers((0.5, None))], "published") == reliability([], "reader") == ()


CELLS = st.lists(st.tuples(st.sampled_from([0.1, 0.5, 0.9]), st.booleans()), min_size=1, max_size=7)


@given(CELLS)
def test_the_area_lies_between_perfect_and_worst_and_knows_no_order(cells: list[tuple[float, bool]]) -> None:
    curve, turned = risk_coverage([layers(*cells)]), risk_coverage([layers(*reversed(cells))])
    assert curve is not None
    assert curve == turned
    assert curve.perfect - 1e-9 <= curve.augrc <= 2 * curve.shuffled - curve.perfect + 1e-9
    assert curve.points[-1].coverage == 1.0
    assert curve.points[-1].risk == pytest.approx(sum(not label for _, label in cells) / len(cells))


def test_recall_grows_with_k_and_counts_what_is_never_found() -> None:
    results = [everything("a"), everything("b"), case("c")]
    assert recall_at(quote_ranks(results, "fused"), 5) == (0.25, 0.5, 0.5, 0.5, 0.75)
    assert shown_shares(results) == {1: pytest.approx(0.05), 5: pytest.approx(0.2)}
    assert recall_at(quote_ranks([case("c")], "fused"), 5) == ()
    assert shown_shares([case("c")]) == {}


def test_ranges_hold_labels() -> None:
    found = range_coverage([case("a", value=0.5, published=0.7, reader=0.8), case("b", reader=None)])
    item = found["persistent_memory"]
    assert (item.published, item.published_count, item.reader, item.reader_count) == (1.0, 2, 0.0, 1)
    assert item.width == pytest.approx(0.4)
    assert range_coverage([broken("c")])["persistent_memory"].width == 1.0


def test_losses_of_a_case_and_a_case_that_failed_is_the_worst() -> None:
    one = case("a", reader=0.8)
    assert (factor_error(one, "reader"), factor_error(one, "published")) == pytest.approx((0.3, 0.1))
    assert (one.factor_error, one.score_error, one.flag_loss) == pytest.approx((0.2, 0.6, 2 / 7))
    assert case("b", reader=None).factor_error == pytest.approx(0.1)
    bare = case("b", published=None, reader=None)
    results = [one, broken("b"), case("c")]
    for name, loss in LOSSES.items():
        assert loss(bare) is None
        assert worst(results, name, 2)[0] == (results[1], loss(results[1]))
