"""What would lower a score, each result as the review then has it, and what an answer is promised to narrow at most."""

from decimal import Decimal

import pytest

from agent.drafting.threats.headline import is_supported
from agent.review.domain.effects.what_if import Lowering, lowered, narrowing, promised
from agent.review.domain.items import threats_of, with_basis
from agent.review.domain.rescore import headline_of
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from tests.fakes.review.reviewing import SLUGS, Desk

CASES = (*SLUGS, "firecrawl-mcp", "crewai")
PROMISED = (*SLUGS, "firecrawl-mcp")


def of_kind(desk: Desk, kind: str) -> list[Lowering]:
    return [way for way in lowered(desk.state).ways if way.kind == kind]


@pytest.mark.parametrize("slug", CASES)
def test_each_result_is_lower_and_the_lowest_comes_first(slug: str) -> None:
    desk = Desk.of_case(slug)
    ways, score = lowered(desk.state).ways, desk.state.reviewed.score
    assert ways
    assert score.aivss is not None
    assert all(way.score < score.aivss for way in ways)
    assert [way.exact for way in ways] == sorted(way.exact for way in ways)
    known = {one.item.id for one in desk.state.items}
    assert {item for way in ways for item in way.items} <= known


@pytest.mark.parametrize("slug", CASES)
def test_a_factor_corrected_to_its_low_end_gives_the_result_that_was_named(slug: str) -> None:
    for way in of_kind(Desk.of_case(slug), "factor"):
        desk = Desk.of_case(slug)
        key = way.items[0].partition("/")[2]
        low = float(next(one.low for name, one in desk.state.reviewed.factors.items() if name == key))
        desk = desk.act("correct", way.items[0], reason="wrong-value", value=low, low=low)
        assert desk.state.reviewed.score.aivss == way.score


@pytest.mark.parametrize("slug", CASES)
def test_a_milder_metric_in_the_threats_that_are_named_gives_the_result(slug: str) -> None:
    for way in of_kind(Desk.of_case(slug), "metric"):
        desk = Desk.of_case(slug)
        metric, value = way.what.split(" ")[0].split(":")
        for item in way.items:
            vector = threats_of(desk.state.reviewed)[item.partition("/")[2]].score.cvss_vector
            own = next(part for part in vector.split("/") if part.startswith(f"{metric}:"))
            milder = vector.replace(f"/{own}", f"/{metric}:{value}")
            desk = desk.act("correct", item, reason="wrong-severity", cvss_vector=milder)
        assert desk.state.reviewed.score.aivss == way.score


def test_a_threat_that_stands_right_behind_is_named_and_leads_once_the_headline_is_struck() -> None:
    desk = Desk.of_case("firecrawl-mcp")
    behind, first = lowered(desk.state).behind, headline_of(desk.state.reviewed)
    assert first is not None
    others = [with_basis(one) for one in threats_of(desk.state.reviewed).values() if one.id != first.id]
    near = [
        one for one in others if is_supported(one) and one.score.aivss >= Decimal(str(desk.state.reviewed.score.aivss))
    ]
    assert (behind is None) is (not near)
    if behind is not None:
        desk = desk.act("strike", f"threat/{first.id}", reason="not-applicable")
        after = headline_of(desk.state.reviewed)
        assert after is not None
        assert (after.id, desk.state.reviewed.score.aivss) == behind


def test_a_score_that_is_withheld_is_lowered_by_nothing() -> None:
    desk = Desk.of_case("firecrawl-mcp")
    for item in [one.item.id for one in desk.state.items if one.item.kind == "threat"]:
        desk = desk.act("strike", item, reason="not-applicable")
    assert lowered(desk.state).ways == ()


def width(desk: Desk) -> float:
    score = desk.state.reviewed.score
    assert score.likely is not None
    return float(score.likely.below + score.likely.above)


@pytest.mark.parametrize("slug", PROMISED)
def test_a_factor_that_is_settled_narrows_the_range_by_what_was_promised(slug: str) -> None:
    start = Desk.of_case(slug)
    for key in FACTOR_SETS["0.5"]:
        one = start.state.reviewed.factors[key]
        if one.low == one.high:
            continue
        value = float(one.value)
        desk = start.act("correct", f"factor/{key}", reason="wrong-value", low=value, high=value)
        promise = promised(start.state)((key,))
        assert promise >= 0
        assert width(start) - width(desk) == pytest.approx(promise, abs=1e-5)


@pytest.mark.parametrize("slug", PROMISED)
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
