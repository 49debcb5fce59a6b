"""The appearance of pages where it matters: forms with their own width, nothing cut off, a way back on a tablet."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.fakes.review.browser import ADA, Hands, Served
from tests.fakes.review.served_reviews import Reviews

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

TABLET = 820
NARROW = 1024


@pytest.fixture
def served(reviews: Reviews) -> Iterator[Served]:
    reviews.bring("abridge")
    with Served(reviews.service) as made:
        yield made


def at(browser: "Browser", served: Served, width: int = 1280) -> Hands:
    hands = Hands(browser, served.door(ADA), width=width)
    hands.page.goto(f"{served.address}/r/r1")
    return hands


def test_every_text_of_a_correction_is_as_wide_as_its_form(browser: "Browser", served: Served) -> None:
    ada = at(browser, served)
    for kind in ("posture", "layer", "threat", "fact", "question"):
        article = ada.page.locator(f'article[data-kind="{kind}"]').first
        article.focus()
        ada.press("e")
        form = article.locator('form[data-verb="correct"]')
        share = form.evaluate(
            "form => Math.min(1, ...[...form.querySelectorAll('.fields > .kind-area')]"
            ".filter((each) => each.checkVisibility()).map((each) => each.clientWidth / form.clientWidth))"
        )
        assert share > 0.9, kind
        ada.press("Escape")
    ada.close()


@pytest.mark.parametrize("width", [1280, NARROW, TABLET])
def test_the_ways_to_the_sections_are_not_cut_off(browser: "Browser", served: Served, width: int) -> None:
    ada = at(browser, served, width)
    for bar in ada.page.locator("nav.jump").all():
        assert bar.evaluate("bar => bar.scrollWidth <= bar.clientWidth")
    ada.page.get_by_role("link", name="Questions").last.click()
    nav, head = (ada.page.locator(each).bounding_box() for each in (".outline", "#heading-questions"))
    assert nav is not None
    assert head is not None
    assert head["y"] >= nav["y"] + nav["height"]
    ada.close()


def test_what_a_correction_moved_is_whole_in_the_bar(browser: "Browser", served: Served) -> None:
    ada = at(browser, served)
    ada.page.locator('article[data-item="factor/multi_agent_interactions"]').focus()
    ada.press("e")
    ada.type("0.9")
    ada.press("Control+Enter")
    ada.type("t")
    ada.press("Control+Enter")
    moved = ada.page.locator("#bar-moved")
    assert "points)" in moved.inner_text()
    assert moved.evaluate("each => each.scrollHeight <= each.clientHeight + 1")
    ada.close()


def test_a_tablet_is_told_what_was_done_and_leads_back_from_the_sources(browser: "Browser", served: Served) -> None:
    ada = at(browser, served, TABLET)
    held = ada.page.locator('article[data-kind="fact"]').first
    held.focus()
    ada.press("c")
    assert ada.text("#announce").startswith("Confirmed “")
    assert ada.page.locator("#announce").get_attribute("class") == "toast"
    mark = held.locator("a.mark").first
    mark.click()
    ada.page.get_by_role("link", name="Back to the draft").click()
    box = held.bounding_box()
    assert box is not None
    assert 0 < box["y"] < ada.page.evaluate("innerHeight")
    ada.close()
