"""What an answer is promised to narrow: what the review then has at most, and never more than at first."""

import pytest

from agent.review.promise import narrowing, promised
from agent.taxonomy.keys import FACTOR_SETS, LAYERS
from tests.fakes.review.reviewing import SLUGS, Desk

CASES = (*SLUGS, "firecrawl-mcp")


def width(desk: Desk) -> float:
    score = desk.state.reviewed.score
    assert score.likely is not None
    return float(score.likely.below + score.likely.above)


@pytest.mark.parametrize("slug", CASES)
def test_a_factor_that_is_settled_narrows_the_range_by_what_was_promised(slug: str) -> None:
    fresh = Desk.of_case(slug)
    for key in FACTOR_SETS["0.5"]:
        one = fresh.state.reviewed.factors[key]
        if one.low == one.high:
            continue
        value = float(one.value)
        desk = fresh.act("correct", f"factor/{key}", reason="wrong-value", low=value, high=value)
        promise = promised(fresh.state)((key,))
        assert promise >= 0
        assert width(fresh) - width(desk) == pytest.approx(promise, abs=1e-5)


@pytest.mark.parametrize("slug", CASES)
def test_no_promise_grows_with_what_is_decided(slug: str) -> None:
    desk = Desk.of_case(slug)
    settled = [*((key,) for key in FACTOR_SETS["0.5"]), *(one.settles for one in desk.state.reviewed.questions)]
    before = [promised(desk.state)(each) for each in settled]
    first = next(one for one in FACTOR_SETS["0.5"] if narrowing(desk.draft)((one,)) > 0)
    value = float(desk.draft.factors[first].value)
    desk = desk.act("correct", f"factor/{first}", reason="wrong-value", low=value, high=value)
    after = [promised(desk.state)(each) for each in settled]
    assert all(now <= was + 1e-9 for now, was in zip(after, before, strict=True))


def test_a_layer_that_becomes_certain_is_promised_nothing_by_itself() -> None:
    state = Desk.of_case("firecrawl-mcp").state
    assert [promised(state)((key,)) for key in LAYERS] == [0.0] * len(LAYERS)
