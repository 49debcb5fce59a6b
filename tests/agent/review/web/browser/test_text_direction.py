"""In a browser: characters that reverse text have no effect, and a selection over them gives the same words of the
source.
"""

from typing import TYPE_CHECKING

import pytest

from tests.fakes.review.browser import at_review
from tests.fakes.review.hostile_review import Attacked, sentence
from tests.fakes.review.served_reviews import Reviews

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

TURNED = "Acme \u202egnp.exe \u2066agent\u200f"
PLACES = """
(element) => {
  const found = [];
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const box = document.createRange();
    for (let at = 0; at < node.length; at += 1) {
      box.setStart(node, at);
      box.setEnd(node, at + 1);
      const { left, top, width } = box.getBoundingClientRect();
      if (width) found.push([Math.round(top / 8), left]);
    }
  }
  return found;
}
"""


@pytest.fixture
def attacked(reviews: Reviews) -> Attacked:
    return Attacked(reviews.service, TURNED)


def test_words_stand_in_their_order_with_the_code_before_them(
    browser: "Browser", reviews: Reviews, attacked: Attacked
) -> None:
    with at_review(browser, reviews.service, f"/r/{attacked.key}") as ada:
        for selector in (f"#cite-{attacked.mark}", ".bar-title", "article q >> visible=true"):
            places = ada.page.locator(selector).first.evaluate(PLACES)
            lines = [
                [left for line, left in places if line == top] for top in dict.fromkeys(line for line, _ in places)
            ]
            assert all(line == sorted(line) for line in lines), selector
        shown = "node => getComputedStyle(node.querySelector('.turn'), '::before').content"
        assert "U+202E" in ada.page.locator(f"#cite-{attacked.mark}").evaluate(shown)


def test_a_selection_over_them_attaches_the_words_of_the_source(
    browser: "Browser", reviews: Reviews, attacked: Attacked
) -> None:
    with at_review(browser, reviews.service, f"/r/{attacked.key}?cite={attacked.mark}") as ada:
        ada.page.locator('article[data-item="factor/non_determinism"]').focus()
        ada.page.evaluate(f"getSelection().selectAllChildren(document.querySelector('#cite-{attacked.mark}'))")
        span = ada.page.evaluate("septetSelection.selected()")
        (document,) = [each for each in reviews.service.documents(attacked.key) if each.id == span["document"]]
        assert document.text[span["start"] : span["end"]] == sentence(TURNED)
        ada.press("a")
        event = reviews.service.history(attacked.key)[-1]
        assert (event.verb, event.item) == ("attach", "factor/non_determinism")
