"""What the tests of the review app share."""

import pytest

from tests.fakes.review.web import Browser


@pytest.fixture
def ada() -> Browser:
    """Ada's browser, at a store with one review."""
    return Browser()
