"""The review app without JavaScript: every act by clicks in a browser, and what a browser sends with a form."""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.fakes.review.browser import ADA, Hands, Served
from tests.fakes.review.served_reviews import FACTOR, Reviews

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

pytestmark = pytest.mark.browser


@pytest.fixture
def reviews(reviews: Reviews) -> Reviews:
    """A store into which one draft was imported."""
    reviews.bring()
    return reviews


@pytest.fixture
def ada(browser: "Browser", reviews: Reviews) -> Iterator[Hands]:
    with Served(reviews.service) as served:
        found = Hands(browser, served.door(ADA), script=False)
        yield found
        found.context.close()


def article(ada: Hands, item: str) -> "Locator":
    return ada.page.locator(f'article[data-item="{item}"]')


def click(ada: Hands, where: "Locator", button: str) -> None:
    """Click a button that leads to another page."""
    with ada.page.expect_navigation():
        where.get_by_role("button", name=button, exact=True).click()


def opened(ada: Hands, item: str, act: str) -> "Locator":
    """Unfold and return the form of an act."""
    article(ada, item).locator(f"summary[data-verb='{act}']").click()
    return article(ada, item).locator("details.act[open]")


def test_a_review_by_clicks(ada: Hands, reviews: Reviews) -> None:
    ada.page.get_by_role("link", name="Airtable MCP Server").click()
    click(ada, article(ada, "score"), "Confirm")
    assert ada.verdict("score") == "confirmed"
    assert ada.page.url.endswith("#item-score")
    form = opened(ada, FACTOR, "correct")
    form.get_by_label("Value", exact=True).fill("0.9")
    form.get_by_label("Reason").select_option("wrong-value")
    click(ada, form, "Save the correction")
    assert ada.verdict(FACTOR) == "corrected"
    threat = next(one.item.id for one in reviews.service.review("r1").items if one.item.kind == "threat")
    form = opened(ada, threat, "strike")
    form.get_by_label("Reason").select_option("not-supported")
    click(ada, form, "Strike it")
    assert ada.verdict(threat) == "struck"
    asked = next(one.item.id for one in reviews.service.review("r1").items if one.item.kind == "question")
    form = opened(ada, asked, "answer")
    form.get_by_label("Answer", exact=True).fill("A person confirms every action.")
    form.get_by_label("Public page").fill("https://docs.example/a")
    form.get_by_label("Another fact").fill("approval_before")
    form.get_by_label("The answer", exact=True).select_option("asserted")
    click(ada, form, "Save the answer")
    assert ada.verdict(asked) == "answered"
    assert [fact.key for fact, _ in reviews.service.review("r1").answered.values()] == ["approval_before"]
    quoted(ada, reviews)
    rest(ada)
    assert "Signed by Ada" in ada.text(".notice.good")
    assert sum(reviews.service.focus_by_item("r1").values()) > 0


def quoted(ada: Hands, reviews: Reviews) -> None:
    """Copy words of a source."""
    held = next(one.item for one in reviews.service.review("r1").items if one.item.kind == "layer")
    words = reviews.service.documents("r1")[0].text.split("\n")[0].strip("# ")
    form = opened(ada, held.id, "more")
    form.get_by_label("Source", exact=True).fill("D1")
    form.get_by_label("Quote, copied from the source").fill(words)
    click(ada, form, "Attach as evidence")
    assert reviews.service.review("r1").reviewed.evidence[-1].quote == words
    with ada.page.expect_navigation():
        ada.page.locator('header.bar button[data-verb="undo"]').click()
    assert reviews.service.history("r1")[-1].verb == "undo"


def rest(ada: Hands) -> None:
    """Confirm everything that is open with the buttons of sections and items, then sign."""
    while (section := ada.page.get_by_role("button", name=re.compile(r"Confirm all|Ask the vendor all"))).count():
        with ada.page.expect_navigation():
            section.first.click()
    while (one := ada.page.locator('[data-verdict="open"]').get_by_role("button", name="Confirm", exact=True)).count():
        for folded in ada.page.locator("details.folded:not([open]) > summary").all():
            folded.click()
        with ada.page.expect_navigation():
            one.first.click()
    ada.page.get_by_role("link", name="Sign", exact=True).click()
    click(ada, ada.page.locator("main"), "Sign as Ada, analyst")
