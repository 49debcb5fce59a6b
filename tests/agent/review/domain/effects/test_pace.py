"""How long the open items will take: based on fixed and on measured seconds, and what the pages say about it."""

import json
from pathlib import Path

from agent.review.domain.effects.decisions import (
    DECIDING,
    PRIOR_ITEMS,
    SECONDS,
    SUPPORTED_SHARE,
    Measured,
    first_decisions,
    minutes_left,
    pace_of,
    pace_words,
)
from agent.review.domain.records import ItemState
from tests.fakes.review.reviewing import Desk
from tests.fakes.review.served_reviews import ADA, GRACE, CaseReviews, Reviews
from tests.fakes.review.stored_reviews import ANNA, AT, Plan, columns, filled
from tests.fakes.review.web import Browser, tree

CASE = Desk.of_case("abridge")


def fixed(one: ItemState) -> float:
    return SECONDS[one.item.kind] * (SUPPORTED_SHARE if one.item.supported else 1)


WHOLE = sum(map(fixed, CASE.state.open))


def test_without_a_measure_the_minutes_are_the_fixed_seconds_and_go_down_to_nothing() -> None:
    before = minutes_left(CASE.state, {})
    assert before == round(WHOLE / 60, 1)
    assert before > minutes_left(CASE.bulk("factors").state, {}) > 0
    assert minutes_left(CASE.closed().state, {}) == 0


def test_the_pace_is_the_median_by_kind_and_its_words_count_items() -> None:
    pace = pace_of([("factor/a", 4.0), ("posture", 30.0), ("factor/b", 90.0), ("factor/c", 6.0)])
    assert pace == {"factor": Measured(6.0, 3), "posture": Measured(30.0, 1)}
    assert pace_of([]) == {}
    assert pace_words({}) == "based on a fixed time for each kind of item; none has been timed yet"
    assert (
        pace_words({"factor": Measured(4, 1)}) == "based on 1 timed item, and on fixed times for kinds with few of them"
    )
    assert pace_words(pace).startswith("based on 4 timed items")


def test_measured_seconds_move_the_minutes_by_as_many_items_as_were_timed() -> None:
    factors = [one for one in CASE.state.open if one.item.kind == "factor"]
    slow = [minutes_left(CASE.state, {"factor": Measured(240.0, items)}) for items in (0, 1, PRIOR_ITEMS, 50, 5000)]
    assert slow == sorted(slow)
    assert slow[0] == minutes_left(CASE.state, {}) < slow[1]
    half = (WHOLE + sum(240.0 - fixed(one) for one in factors) / 2) / 60
    assert slow[2] == round(half, 1)
    assert minutes_left(CASE.state, {"factor": Measured(0.5, 5000)}) < slow[0]


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


def test_the_page_says_what_its_minutes_rest_on() -> None:
    browser = Browser(CaseReviews())

    def shown() -> tuple[str, str, str]:
        page = tree(browser.get("/r/r1"))
        (left,) = page.xpath('//*[@id="bar-open"]/span')
        (first,) = page.xpath('//*[@id="section-first"]//span[@class="hint"]')
        return str(left.get("title")), left.text_content(), str(first.get("title"))

    title, before, first = shown()
    assert title == first == pace_words({})
    assert before.strip().endswith("left")
    decided = first_decisions(browser.reviews.review("r1"))[0].state.item.id
    browser.reviews.focus("r1", decided, 3_000.0, ADA)
    browser.act("confirm", decided)
    title, after, first = shown()
    assert title == first == pace_words({"layer": Measured(1.0, 1)})
    assert after != before
    assert "based on 1 timed item" in json.loads(browser.get("/api/r/r1"))["minutes_from"]
