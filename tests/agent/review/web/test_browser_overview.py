"""The overview in a browser: the threat table sorts and shows what is asked for, and a fact says what falls with it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes.review.browser import Hands, at_review
from tests.fakes.review.served_reviews import Reviews

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.fixture
def reviews(tmp_path: Path) -> Reviews:
    found = Reviews(tmp_path)
    found.bring()
    return found


@pytest.fixture
def ada(browser: "Browser", reviews: Reviews) -> Iterator[Hands]:
    with at_review(browser, reviews.service) as found:
        yield found


def column(ada: Hands, at: int) -> list[str]:
    return ada.page.locator(f"#over-threats tbody tr:not([hidden]) td:nth-child({at})").all_inner_texts()


def test_the_threat_table_sorts_by_a_column_and_shows_what_is_asked_for(ada: Hands) -> None:
    every = column(ada, 1)
    assert len(every) > 3
    base = ada.page.locator("#over-threats thead button", has_text="Base")
    base.focus()
    ada.press("Enter")
    rising = [float(text.split()[0]) for text in column(ada, 4)]
    assert rising == sorted(rising)
    ada.press("Enter")
    assert [float(text.split()[0]) for text in column(ada, 4)] == rising[::-1]
    assert ada.page.locator("#over-threats th[aria-sort]").get_attribute("aria-sort") == "descending"
    ada.page.locator(".table-filter").focus()
    ada.type("l6")
    assert set(column(ada, 3)) == {"L6"}


def test_before_a_fact_is_struck_its_form_says_what_falls_and_an_undo_brings_it_back(
    ada: Hands, reviews: Reviews
) -> None:
    state = reviews.service.review("r1")
    fact = max((one.item for one in state.items if one.item.kind == "fact"), key=lambda item: item.weight)
    ada.page.locator(f'article[data-item="{fact.id}"]').focus()
    ada.press("x")
    output = ada.page.locator(f'article[data-item="{fact.id}"] output.preview').last
    output.get_by_text("takes with it").wait_for()
    ada.type("t")
    ada.press("Control+Enter")
    assert ada.verdict(fact.id) == "struck"
    fell = reviews.service.review("r1").fell
    assert fell
    for item in fell:
        assert "rested on a fact" in str(ada.page.locator(f'article[data-item="{item}"]').text_content())
    ada.press("u")
    assert reviews.service.review("r1").fell == ()
    ada.press("U")
    assert reviews.service.review("r1").fell == fell


def test_the_sign_page_shows_the_document_within_the_policy(ada: Hands) -> None:
    ada.leave("g", "s")
    assert ada.page.locator(".document h2").count() > 5
    assert "⚑" in str(ada.page.locator(".document").text_content())
