"""The score while a form is filled in: the preview names the same changes as the act then makes, also for controls and
mitigations.
"""

from typing import TYPE_CHECKING

import pytest

from agent.review.domain.effects.decisions import what_moved
from tests.fakes.review.browser import Hands
from tests.fakes.review.served_reviews import Reviews

if TYPE_CHECKING:
    from playwright.sync_api import Locator

pytestmark = pytest.mark.browser


def correction(hands: Hands, item: str) -> "Locator":
    """Open, by its key, the form that corrects an item, and return it."""
    article = hands.page.locator(f'article[data-item="{item}"]')
    article.focus()
    hands.press("e")
    return article.locator('form[data-verb="correct"]')


def told(form: "Locator", words: str) -> str:
    """Return what the preview says once it contains these words."""
    form.locator(".preview", has_text=words).wait_for()
    return form.locator(".preview dd, .preview:not(:has(dl))").last.inner_text()


def saved(hands: Hands, reviews: Reviews, form: "Locator") -> tuple[str, ...]:
    """Return the causes by which the act itself changed the score."""
    before = reviews.service.review("r1")
    form.locator('select[name="reason"]').select_option("known-otherwise")
    form.locator("button.primary").click()
    hands.settle()
    after = reviews.service.review("r1")
    assert after.version == before.version + 1
    return what_moved(before, after).causes


def test_a_factor_for_controls_shows_both_scores_before_it_is_saved(ada: Hands, reviews: Reviews) -> None:
    form = correction(ada, "score")
    form.locator('[name="mitigation_factor"]').fill("0.9")
    assert told(form, "evidence") == "A factor for controls needs evidence"
    form.locator('[name="evidence"]').fill("E7")
    shown = told(form, "with controls")
    (cause,) = saved(ada, reviews, form)
    lower = reviews.service.review("r1").reviewed.score.with_controls
    assert lower is not None
    assert cause == f"with controls none → {lower.aivss}"
    assert shown == cause
    form = correction(ada, "score")
    form.locator('[name="mitigation_factor"]').fill("0.3")
    assert told(form, "steps") == "The factor must be between 0.5 and 1, in steps of 0.01"
    form.locator('[name="mitigation_factor"]').fill("0.8")
    shown = told(form, "with controls")
    (cause,) = saved(ada, reviews, form)
    assert cause.startswith(f"with controls {lower.aivss} → ")
    assert shown == cause


def test_the_status_of_a_mitigation_shows_that_the_score_stays(ada: Hands, reviews: Reviews) -> None:
    threat = next(one.item.id for one in reviews.service.review("r1").items if one.item.kind == "threat")
    form = correction(ada, threat)
    form.locator("summary", has_text="Mitigations").click()
    form.locator('[name="mitigations.0.status"]').select_option("confirmed")
    score = reviews.service.review("r1").reviewed.score
    assert told(form, "stays") == "none removed or changed"
    assert f"stays {score.aivss} {score.severity}" in form.locator(".preview").inner_text()
    assert saved(ada, reviews, form) == ()
    made = next(one.after for one in reviews.service.review("r1").items if one.item.id == threat)
    assert made is not None
    assert made["mitigations"][0]["status"] == "confirmed"  # type: ignore[index]
