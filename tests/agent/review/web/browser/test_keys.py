"""Every key on the help page does what it says, in a browser; text stays in the form when it is refused."""

import re
from typing import TYPE_CHECKING

import pytest

from agent.review.domain.records import Action, ItemState
from agent.review.web.views.wording import KEYS
from tests.fakes.review.browser import Hands, Served
from tests.fakes.review.served_reviews import ADA, FACTOR, CaseReviews, Reviews
from tests.places import ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

TRIED = {
    "j", "k", "n", "c", "e", "x", "s", "r", "w", "b", "A", "Q", ".", ",", ">", "a", "u", "U", "/", "?", "Ctrl Enter",
    "Esc", "t", "m", "d", "g q", "g s", "g h", "g v", "Enter",
}  # fmt: skip
"""`t` is tested in `test_new_threat.py`, `m` and `d` in `test_whole_review.py`."""
PREVIEW = f'article[data-item="{FACTOR}"] .preview'


def first_of(reviews: Reviews, kind: str) -> str:
    return next(one.item.id for one in reviews.service.review("r1").items if one.item.kind == kind)


def focus_on(hands: Hands, item: str) -> None:
    hands.page.locator(f'article[data-item="{item}"]').focus()


def place_of(hands: Hands, item: str) -> float:
    box = hands.page.locator(f'article[data-item="{item}"]').bounding_box()
    assert box is not None
    return box["y"]


def test_the_help_lists_the_keys_that_are_tried_here_and_the_script_knows_no_other(ada: Hands) -> None:
    assert {key for keys, _ in KEYS for key in keys} == TRIED
    ada.press("?")
    listed = ada.page.locator("dialog#keys tr").count()
    assert listed == len(KEYS)
    ada.press("Escape")
    assert ada.page.locator("dialog[open]").count() == 0
    script = (ROOT / "agent/review/web/static/app.js").read_text("utf-8")
    table = re.search(r"const commands = \{(.*?)\n  \};", script, re.DOTALL)
    places = re.search(r"const places = \{(.*?)\};", script)
    assert table is not None
    assert places is not None
    single = {quoted or bare for quoted, bare in re.findall(r'(?:"(.)"|\b(\w+)): (?:\(|\w+,)', table[1])}
    chords = {f"g {key}" for key in re.findall(r"(\w): \(\)", places[1])}
    assert single | chords | {"Ctrl Enter", "Esc"} == TRIED


def test_j_k_and_n_walk_and_the_source_follows(ada: Hands) -> None:
    ada.press("j")
    first = ada.item()
    ada.press("j")
    assert ada.item() != first
    ada.press("k")
    assert ada.item() == first
    ada.press("k")
    assert ada.text("#announce") == "This is the first one"
    ada.press("c", "k", "n")
    assert ada.verdict(ada.item()) == "open"
    cited = ada.page.locator(f'article[data-item="{ada.item()}"] a.mark').first.get_attribute("data-cite")
    shown = ada.page.locator("mark.cited").first
    assert cited in (shown.get_attribute("data-marks") or "").split()
    box, pane = shown.bounding_box(), ada.page.locator("#sources").bounding_box()
    assert box is not None
    assert pane is not None
    assert pane["y"] <= box["y"] <= pane["y"] + pane["height"]


def test_c_confirms_in_place_and_goes_on_and_u_takes_back_step_by_step(ada: Hands, reviews: Reviews) -> None:
    focus_on(ada, FACTOR)
    ada.press("c")
    assert ada.verdict(FACTOR) == "confirmed"
    second = ada.item()
    assert ada.verdict(second) == "open"
    assert second != FACTOR
    ada.press("c", "u", "u")
    assert [ada.verdict(FACTOR), ada.verdict(second)] == ["open", "open"]
    ada.press("u")
    assert ada.text("#announce") == "Nothing to undo"
    assert [event.verb for event in reviews.service.history("r1")][-4:] == ["confirm", "confirm", "undo", "undo"]
    assert ada.page.url.endswith("/r/r1")


def test_a_slider_shows_what_it_would_move_before_anything_is_saved(ada: Hands, reviews: Reviews) -> None:
    focus_on(ada, FACTOR)
    ada.press("e", "Tab")
    version = reviews.service.review("r1").version
    for _ in range(3):
        ada.press("ArrowRight")
    ada.page.locator(PREVIEW).first.get_by_text("Autonomy of Action").wait_for()
    assert re.search(
        r"\d\.\d \w+.* → \d\.\d \w+.* Cause Autonomy of Action 0\.\d → [01]\.\d", ada.text(f"{PREVIEW} >> nth=0")
    )
    assert reviews.service.review("r1").version == version
    ada.press("Escape")
    assert ada.item() == FACTOR
    assert ada.page.locator(f'article[data-item="{FACTOR}"] details.act[open]').count() == 0


def causes_of_strike(reviews: Reviews, item: str) -> tuple[str, ...]:
    """Return which factors would have another value without an item."""
    action = Action(verb="strike", item=item, version=reviews.service.review("r1").version, reason="not-supported")
    return reviews.service.preview("r1", action, ADA).causes


def test_x_wants_a_reason_and_tells_what_falls(ada: Hands, reviews: Reviews) -> None:
    factors = [one.item.id for one in reviews.service.review("r1").items if one.item.kind == "factor"]
    factor, cause = next((item, told[0]) for item in factors if (told := causes_of_strike(reviews, item)))
    assert "→" in cause
    focus_on(ada, factor)
    ada.press("x")
    output = ada.page.locator(f'article[data-item="{factor}"] .preview >> nth=1')
    output.get_by_text(cause).wait_for()
    ada.press("Control+Enter")
    assert ada.verdict(factor) == "open"
    ada.type("t")
    ada.press("Control+Enter")
    assert ada.verdict(factor) == "struck"


def test_s_r_w_close_what_cannot_be_told(ada: Hands, reviews: Reviews) -> None:
    asked = first_of(reviews, "question")
    focus_on(ada, asked)
    ada.press("r")
    ada.type("yes")
    ada.press("Control+Enter")
    assert "no source" in ada.text(f'article[data-item="{asked}"] .problem')
    assert ada.said.pop() == "Failed to load resource: the server responded with a status of 422 (Unprocessable Entity)"
    assert ada.page.locator(f'article[data-item="{asked}"] textarea').first.input_value() == "yes"
    ada.page.locator(f'article[data-item="{asked}"] input[name="note"]').first.focus()
    ada.type("by mail")
    ada.press("Control+Enter")
    assert ada.verdict(asked) == "answered"
    ada.press("s")
    assert "sent" in {one.verdict for one in reviews.service.review("r1").items}
    focus_on(ada, FACTOR)
    ada.press("s")
    assert ada.text("#announce") == "Not available for this item"
    ada.press("w")
    ada.type("r")
    ada.press("Control+Enter")
    assert ada.verdict(FACTOR) == "waived"


def test_a_section_is_confirmed_as_far_as_it_was_on_screen(ada: Hands, reviews: Reviews) -> None:
    ada.page.set_viewport_size({"width": 1280, "height": 500})
    focus_on(ada, FACTOR)
    ada.press("A")

    def inside() -> list[ItemState]:
        return [one for one in reviews.service.review("r1").items if one.item.section == "factors"]

    first = {one.item.id for one in inside() if one.verdict == "confirmed"}
    supported = {one.item.id for one in inside() if one.item.supported}
    assert first < supported
    for one in inside():
        focus_on(ada, one.item.id)
        ada.page.wait_for_timeout(60)
    if first != supported:
        ada.press("b")
    assert {one.item.id for one in inside() if one.verdict == "confirmed" and one.bulk} == supported
    assert {event.verb for event in reviews.service.history("r1")[1:]} == {"bulk"}
    ada.press("u")
    assert {one.item.id for one in inside() if one.verdict == "confirmed"} == first
    ada.press("U")
    assert {one.item.id for one in inside() if one.verdict == "confirmed"} == supported
    ada.press("Q")
    assert all(one.verdict == "sent" for one in reviews.service.review("r1").items if one.item.kind == "question")


def test_words_are_selected_by_key_and_attached(ada: Hands, reviews: Reviews) -> None:
    ada.press("a")
    assert ada.text("#announce") == "Select text in a source first"
    focus_on(ada, FACTOR)
    ada.press(".")
    first = str(ada.page.evaluate("getSelection().toString()"))
    ada.press(".")
    second = str(ada.page.evaluate("getSelection().toString()"))
    ada.press(",")
    assert ada.page.evaluate("getSelection().toString()") == first != second
    ada.press(">")
    both = str(ada.page.evaluate("getSelection().toString()"))
    assert both.startswith(first)
    assert both.endswith(second)
    assert "Autonomy of Action" in ada.text("#attach-selection")
    scrolled = ada.page.evaluate("[scrollY, document.querySelector('#sources').scrollTop]")
    ada.press("a")
    assert reviews.service.review("r1").reviewed.evidence[-1].quote == both
    assert ada.page.evaluate("[scrollY, document.querySelector('#sources').scrollTop]")[1] == scrolled[1]
    assert ada.item() == FACTOR


def test_ways_to_other_pages(ada: Hands) -> None:
    for key, path in (("h", "/r/r1/history"), ("s", "/r/r1/sign"), ("v", "/r/r1/questions"), ("q", "/")):
        ada.leave("g", key)
        assert ada.page.url.endswith(path)
    ada.press("/")
    ada.type("airtable")
    ada.leave("Enter")
    ada.press("j")
    ada.leave("Enter")
    assert ada.page.url.endswith("/r/r1")


def test_single_keys_can_be_turned_off(ada: Hands) -> None:
    ada.page.goto(re.sub("/r/.*", "/help", ada.page.url))
    ada.page.get_by_label("Single-key shortcuts are on").uncheck()
    ada.page.go_back()
    ada.press("j")
    assert ada.item() == ""


def test_nothing_shifts_and_what_is_half_written_elsewhere_stays(ada: Hands, reviews: Reviews) -> None:
    other = "factor/non_determinism"
    focus_on(ada, other)
    ada.press("e")
    ada.type("0.1")
    focus_on(ada, FACTOR)
    ada.page.evaluate("() => document.activeElement.scrollIntoView({ block: 'start' })")
    before = place_of(ada, FACTOR)
    ada.press("c")
    after = ada.item()
    assert after not in (FACTOR, other)
    assert abs(place_of(ada, FACTOR) - before) < 1
    before = place_of(ada, after)
    ada.press("u")
    assert abs(place_of(ada, after) - before) < 1
    assert ada.page.locator(f'article[data-item="{other}"] input[name="value"]').input_value() == "0.1"
    assert ada.page.locator(f'article[data-item="{other}"] details.act[open]').count() == 1
    assert ada.page.evaluate("window.seen.shifts") == []
    ada.page.locator(f'article[data-item="{other}"] input[name="value"]').focus()
    ada.press("Control+Enter")
    ada.type("t")
    ada.press("Control+Enter")
    assert ada.verdict(other) == "corrected"


def test_the_time_at_an_item_is_kept_and_shown(ada: Hands, reviews: Reviews) -> None:
    focus_on(ada, FACTOR)
    ada.page.evaluate("() => { window.at = performance.now(); }")
    ada.page.wait_for_function("() => performance.now() - window.at > 1200")
    ada.press("c")
    spent = reviews.service.focus_by_item("r1")[FACTOR]
    assert 1 <= spent < 30
    shown = ada.text(f'article[data-item="{FACTOR}"] .seconds')
    assert shown == f"{round(spent)} s spent"
    ada.leave("g", "s")
    assert re.search(r"Time spent \d+ s", ada.text(".facts"))


def test_a_full_disk_keeps_the_words_on_the_page(browser: "Browser") -> None:
    reviews = CaseReviews()
    with Served(reviews) as served:
        ada = Hands(browser, served.door())
        ada.page.goto(f"{served.address}/r/r1")
        reviews.full = True
        ada.correct_factor("autonomy of", "0.9")
        assert "no space left" in ada.text(f'article[data-item="{FACTOR}"] .problem')
        assert ada.page.locator(f'article[data-item="{FACTOR}"] input[name="value"]').input_value() == "0.9"
        assert "507" in ada.said.pop()
        reviews.full = False
        ada.press("Control+Enter")
        assert ada.verdict(FACTOR) == "corrected"
        ada.close()
