"""What would lower a score, with each result as the review would then show it, and how much an answer can narrow the
range at most.
"""

from decimal import Decimal

import pytest

from agent.drafting.threats.headline import is_supported
from agent.review.domain.effects.what_if import Lowering, lowered, narrowing, promised
from agent.review.domain.items import part_of, with_basis
from agent.review.domain.rescore import headline_of
from agent.taxonomy.factors import FACTOR_SETS
from agent.taxonomy.layers import LAYERS
from tests.fakes.review.reviewing import SLUGS, Desk

CRAWL = Desk.of_case("firecrawl-mcp")
PROMISED = {slug: Desk.of_case(slug) for slug in (*SLUGS, "firecrawl-mcp")}
CASES = {**PROMISED, "crewai": Desk.of_case("crewai")}


def of_kind(desk: Desk, kind: str) -> list[Lowering]:
    return [way for way in lowered(desk.state).ways if way.kind == kind]


@pytest.mark.parametrize("slug", CASES)
def test_each_result_is_lower_and_what_the_review_then_has(slug: str) -> None:
    desk = CASES[slug]
    ways, score = lowered(desk.state).ways, desk.reviewed.score
    assert ways
    assert all(way.score < score.aivss for way in ways)
    assert [way.exact for way in ways] == sorted(way.exact for way in ways)
    known = {one.item.id for one in desk.state.items}
    assert {item for way in ways for item in way.items} <= known
    for way in of_kind(desk, "factor"):
        low = float(part_of(desk.reviewed, way.items[0]).low)
        assert desk.act("correct", way.items[0], value=low, low=low).reviewed.score.aivss == way.score
    for way in of_kind(desk, "metric"):
        metric, value = way.what.split(" ")[0].split(":")
        milder = desk
        for item in way.items:
            vector = part_of(desk.reviewed, item).score.cvss_vector
            own = next(part for part in vector.split("/") if part.startswith(f"{metric}:"))
            milder = milder.act("correct", item, cvss_vector=vector.replace(f"/{own}", f"/{metric}:{value}"))
        # The review may withhold the computed score if the new range spans too many bands.
        made = milder.reviewed.score
        assert (made.aivss if made.withheld is None else made.provisional) == way.score


def test_a_threat_that_stands_right_behind_is_named_and_leads_once_the_headline_is_struck() -> None:
    behind, first = lowered(CRAWL.state).behind, headline_of(CRAWL.reviewed)
    others = [with_basis(one) for one in CRAWL.threats.values() if one.id != first.id]
    score = Decimal(str(CRAWL.reviewed.score.aivss))
    assert (behind is None) is not any(is_supported(one) and one.score.aivss >= score for one in others)
    if behind is not None:
        struck = CRAWL.act("strike", f"threat/{first.id}").reviewed
        after = headline_of(struck)
        assert (after.id, struck.score.aivss) == behind


def test_a_score_that_is_withheld_is_lowered_by_nothing() -> None:
    desk = CRAWL
    for name in CRAWL.threats:
        desk = desk.act("strike", f"threat/{name}")
    assert lowered(desk.state).ways == ()


def width(desk: Desk) -> float:
    likely = desk.reviewed.score.likely
    return float(likely.below + likely.above)


@pytest.mark.parametrize("slug", PROMISED)
def test_a_factor_that_is_settled_narrows_the_range_by_what_was_promised_and_no_promise_grows(slug: str) -> None:
    start = PROMISED[slug]
    settled = [*((key,) for key in FACTOR_SETS["0.5"]), *(one.settles for one in start.reviewed.questions)]
    before, decided = [promised(start.state)(each) for each in settled], []
    for key in (
        key for key in FACTOR_SETS["0.5"] if start.reviewed.factors[key].low != start.reviewed.factors[key].high
    ):
        value = float(start.reviewed.factors[key].value)
        desk = start.act("correct", f"factor/{key}", low=value, high=value)
        promise = promised(start.state)((key,))
        assert promise >= 0
        assert width(start) - width(desk) == pytest.approx(promise, abs=1e-5)
        decided += [desk] if narrowing(start.draft)((key,)) > 0 else []
    after = [promised(decided[0].state)(each) for each in settled]
    assert all(now <= was + 1e-9 for now, was in zip(after, before, strict=True))


def test_a_layer_that_becomes_certain_is_promised_nothing_by_itself() -> None:
    assert [promised(CRAWL.state)((key,)) for key in LAYERS] == [0.0] * len(LAYERS)
