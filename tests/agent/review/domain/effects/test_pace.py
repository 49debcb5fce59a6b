"""How long what is open will take: fixed seconds, measured ones, and what the pages say of it."""

import json
from pathlib import Path

import pytest

from agent.review.domain.effects.decisions import (
    DECIDING,
    PRIOR_ITEMS,
    SECONDS,
    SUPPORTED_SHARE,
    UNMEASURED,
    Measured,
    first_decisions,
    minutes_left,
    pace_of,
    pace_words,
)
from tests.fakes.review.reviewing import Desk
from tests.fakes.review.served_reviews import ADA, GRACE, Reviews
from tests.fakes.review.service import MemoryReviews
from tests.fakes.review.stored_reviews import ANNA, AT, Plan, columns, filled
from tests.fakes.review.web import Browser, tree

CASE = Desk.of_case("abridge")
FACTORS = tuple(one.item.id for one in CASE.state.items if one.item.kind == "factor")


def fixed(desk: Desk) -> float:
    each = (SECONDS[one.item.kind] * (SUPPORTED_SHARE if one.item.supported else 1) for one in desk.state.open)
    return sum(each) / 60


def test_without_a_measure_the_minutes_are_the_fixed_seconds_and_go_down_to_nothing() -> None:
    before = minutes_left(CASE.state)
    assert before == round(fixed(CASE), 1) == minutes_left(CASE.state, UNMEASURED)
    assert before > minutes_left(CASE.bulk("factors").state) > 0
    assert minutes_left(CASE.closed().state) == 0


def test_the_pace_is_the_median_by_kind() -> None:
    pace = pace_of([("factor/a", 4.0), ("posture", 30.0), ("factor/b", 90.0), ("factor/c", 6.0)])
    assert pace == {"factor": Measured(6.0, 3), "posture": Measured(30.0, 1)}
    assert pace_of([]) == {}


def test_measured_seconds_move_the_minutes_by_as_many_items_as_were_timed() -> None:
    def with_factors(seconds: float, items: int) -> float:
        return minutes_left(CASE.state, {"factor": Measured(seconds, items)})

    before = minutes_left(CASE.state)
    slow = [with_factors(240.0, items) for items in (0, 1, 5, 50, 5000)]
    assert slow == sorted(slow)
    assert slow[0] == before < slow[1]
    half = (fixed(CASE) * 60 + sum(240.0 for _ in FACTORS) / 2 - sum(_fixed_of(name) for name in FACTORS) / 2) / 60
    assert with_factors(240.0, PRIOR_ITEMS) == round(half, 1)
    assert with_factors(0.5, 5000) < before


def _fixed_of(name: str) -> float:
    return SECONDS["factor"] * (SUPPORTED_SHARE if CASE.one(name).item.supported else 1.0)


def test_the_words_name_how_many_items_were_timed() -> None:
    assert pace_words(UNMEASURED) == "from fixed seconds for each kind of item; none was timed yet"
    assert pace_words({"factor": Measured(4, 1)}) == "from 1 item timed, and fixed seconds where few were"
    assert pace_words({"factor": Measured(4, 2), "layer": Measured(9, 3)}).startswith("from 5 items timed")


def test_only_decided_items_count_with_the_time_of_who_decided_them(tmp_path: Path) -> None:
    reviews = Reviews(tmp_path)
    one, two = reviews.bring(), reviews.bring("abridge")
    for key, item, seconds, who in (
        (one, "posture", 12.0, ADA), (one, "posture", 99.0, GRACE), (two, "posture", 20.0, GRACE),
        (one, "factor/autonomy_of_action", 7.0, ADA), (one, "", 50.0, ADA),
    ):  # fmt: skip
        reviews.service.focus(key, item, seconds, who)
    assert reviews.service.pace() == {}
    reviews.act(one, "confirm", "posture")
    assert reviews.service.pace() == {"posture": Measured(12.0, 1)}
    reviews.act(two, "confirm", "posture", by=GRACE)
    reviews.act(one, "undo")
    reviews.act(one, "confirm", "posture")
    assert reviews.service.pace() == {"posture": Measured(16.0, 2)}
    reviews.store.close()


def test_the_store_looks_at_the_last_decisions_alone(tmp_path: Path) -> None:
    with filled(tmp_path / "review.sqlite", 2, 3) as store:
        for key, item, seconds in (("r1", "threat/T0", 5.0), ("r2", "threat/T1", 6.0), ("r2", "threat/T2", 7.0)):
            store.add_focus(key, item, "Anna", seconds)
        assert sorted(store.timed(DECIDING, 100)) == [("threat/T0", 5.0), ("threat/T1", 6.0), ("threat/T2", 7.0)]
        assert store.timed(DECIDING, 1) == (("threat/T2", 7.0),)
        assert store.timed(("strike",), 100) == ()
        store.append("r1", [Plan("threat/T0", "strike")], ANNA, AT, 4, columns)
        assert store.timed(("strike",), 1) == (("threat/T0", 5.0),)
        for number in range(5, 15):
            store.append("r1", [Plan(f"factor/F{number}")], ANNA, AT, number, columns)
        assert store.timed(("strike",), 1) == ()
        assert store.timed(("strike",), 2) == (("threat/T0", 5.0),)


@pytest.fixture(scope="module")
def browser() -> Browser:
    return Browser(MemoryReviews("dify"))


def test_the_page_says_what_its_minutes_rest_on(browser: Browser) -> None:
    def shown() -> tuple[str, str, str]:
        page = tree(browser.get("/r/r1"))
        (left,) = page.xpath('//*[@id="bar-open"]/span')
        (first,) = page.xpath('//*[@id="section-first"]//span[@class="hint"]')
        return str(left.get("title")), left.text_content(), str(first.get("title"))

    title, before, first = shown()
    assert title == pace_words(UNMEASURED)
    assert before.strip().endswith("left")
    assert first == title
    decided = [one.state.item.id for one in first_decisions(browser.reviews.review("r1"))]
    browser.reviews.focus("r1", decided[0], 3_000.0, ADA)
    browser.act("confirm", decided[0])
    title, after, first = shown()
    assert title == "from 1 item timed, and fixed seconds where few were"
    assert after != before
    assert first == title
    assert "from 1 item timed" in json.loads(browser.get("/api/r/r1"))["minutes_from"]
