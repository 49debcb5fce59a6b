"""The likely range: it contains the score, and drafts judged by an LLM have their own residuals."""

from decimal import Decimal

from hypothesis import given, strategies as st

from agent.drafting.calibration import load_range
from agent.drafting.score_range import likely, residual

WIDE = load_range().model_copy(update={"residuals": (-2.0, -1.0, 0.0, 0.5, 1.0), "judged": (-0.2, 0.0, 0.2)})
raw_scores = st.decimals("0", "10", places=2)


@given(raw_scores, st.booleans(), st.booleans())
def test_the_range_holds_the_score_inside_the_scale(raw: Decimal, thin: bool, judged: bool) -> None:
    found = likely(raw, WIDE, thin=thin, judged=judged)
    assert found.below >= 0
    assert found.above >= 0
    assert 0 <= raw - found.below <= raw + found.above <= 10


def test_a_judged_draft_has_its_own_residuals_if_there_are_any() -> None:
    raw = Decimal("6.0")
    plain, judged = likely(raw, WIDE), likely(raw, WIDE, judged=True)
    assert judged.below + judged.above < plain.below + plain.above
    assert judged.calibration != plain.calibration
    none = WIDE.model_copy(update={"judged": ()})
    assert likely(raw, none, judged=True) == likely(raw, none)


def test_a_residual_is_zero_where_label_and_draft_agree() -> None:
    assert residual(7.0, 7.0) == 0
    assert residual(9.0, 7.0) < 0 < residual(5.0, 7.0)
