"""A threat is added by keyboard beside the sources, undone and redone."""

from typing import TYPE_CHECKING

import pytest

from agent.review.domain.items import threats_of
from tests.fakes.review.browser import Hands, Served
from tests.fakes.review.served_reviews import Reviews

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

VECTOR = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"
PARTS = {
    "source": "a guest", "prerequisite": "a link", "action": "write records", "impact": "loss of integrity",
    "asset": "the base",
}  # fmt: skip


def told(ada: Hands) -> str:
    return ada.text("#weighed")


def test_a_threat_is_added_by_keyboard_undone_and_done_again(ada: Hands, reviews: Reviews) -> None:
    before = {threat: place for place, threat in enumerate(threats_of(reviews.service.review("r1").drafted))}
    ada.leave("t")
    ada.press(".", ".", ">")
    words = str(ada.page.evaluate("getSelection().toString()"))
    ada.press("a")
    assert ada.text("#chosen q").strip("“”") == " ".join(words.split())
    ada.tab_to("MAESTRO layer")
    ada.type("L1")
    ada.tab_to("Title")
    ada.type("Guests write")
    for name, part in PARTS.items():
        ada.tab_to(f"statement.{name}")
        ada.type(part)
    ada.settle()
    assert "Guests write" in told(ada)
    assert "can write records" in told(ada)
    ada.tab_to("Vector: paste one, or choose the metrics below")
    ada.paste(VECTOR.replace("/SA:H", "/SA:Q"))
    assert "SA (availability, other systems) has no value" in ada.text("#vector-wrong")
    assert "No score until" in told(ada)
    ada.paste(VECTOR)
    assert "CVSS base 10.0 Critical" in told(ada)
    assert "rest on this threat" in told(ada)
    assert ada.page.locator('input[name="cvss.SA"]:checked').get_attribute("value") == "H"
    ada.press("Tab", "ArrowUp")
    assert ada.page.locator("#add-vector").input_value() == VECTOR.replace("/AV:N", "/AV:P")
    paste_again(ada)
    choose_lists(ada)
    ada.page.reload()
    assert ada.page.locator("#add-title").input_value() == "Guests write"
    assert ada.text("#chosen q").strip("“”") == " ".join(words.split())
    ada.press("t")
    ada.leave("Control+Enter")
    made = threats_of(reviews.service.review("r1").reviewed)["H1-guests-write"]
    quotes = {item.id: item.quote for item in reviews.service.review("r1").reviewed.evidence}
    assert [" ".join(quotes[mark].split()) for mark in made.evidence] == [" ".join(words.split())]
    assert [ref.id for ref in made.taxonomy] == ["ASI02"]
    assert "10.0" in ada.text("#bar-score")
    assert ada.item() == "threat/H1-guests-write"
    ada.press("u")
    assert ada.page.locator('article[data-item="threat/H1-guests-write"]').count() == 0
    ada.press("U")
    assert ada.verdict("threat/H1-guests-write") == "confirmed"
    assert [event.verb for event in reviews.service.history("r1")][-3:] == ["add", "undo", "redo"]
    after = [threat for threat in threats_of(reviews.service.review("r1").reviewed) if threat in before]
    assert after == list(before)


def paste_again(ada: Hands) -> None:
    ada.press("Shift+Tab")
    ada.paste(VECTOR)


def choose_lists(ada: Hands) -> None:
    ada.tab_to("Find by title or id")
    ada.type("tool misuse expl")
    assert ada.text("#lists-none") == "1 entry found"
    ada.press("Enter")
    ada.tab_to("taxonomy")
    ada.press("Space")
    ada.settle()


def test_a_quote_is_removed_and_words_come_along_from_the_review(ada: Hands) -> None:
    ada.press(".", ".")
    words = str(ada.page.evaluate("getSelection().toString()"))
    ada.leave("t")
    assert ada.text("#chosen q").strip("“”") == " ".join(words.split())
    ada.tab_to("Remove")
    ada.press("Enter")
    assert ada.page.locator("#chosen li").count() == 0
    ada.page.reload()
    assert ada.page.locator("#adding").count() == 1


def test_a_threat_is_added_without_a_script(browser: "Browser", reviews: Reviews) -> None:
    reviews.bring()
    with Served(reviews.service) as served:
        hands = Hands(browser, served.door(), script=False)
        page = hands.page
        page.goto(f"{served.address}/r/r1/add")
        page.select_option("#add-layer", "foundation_models")
        page.fill("#add-title", "Guests write")
        page.fill("#add-vector", VECTOR)
        page.click("text=Preview")
        assert "10.0" in page.locator("#weighed").inner_text()
        for part, text in PARTS.items():
            page.fill(f"#add-statement-{part}", text)
        page.click("text=Add the threat")
        assert "H1-guests-write" in threats_of(reviews.service.review("r1").reviewed)
        hands.context.close()
