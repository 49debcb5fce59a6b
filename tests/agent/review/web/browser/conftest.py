"""What the tests in a browser share."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.fakes.review.browser import Hands, at_review
from tests.fakes.review.served_reviews import Reviews

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def ada(browser: "Browser", reviews: Reviews) -> Iterator[Hands]:
    """Ada at the review page of a draft."""
    reviews.bring()
    with at_review(browser, reviews.service) as hands:
        yield hands
