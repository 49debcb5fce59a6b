"""A response file uploaded in a browser, with and without JavaScript."""

from typing import TYPE_CHECKING

import pytest

from agent.review.domain.response import MAX_BYTES
from tests.fakes.review.browser import Hands, Served
from tests.fakes.review.served_reviews import Reviews

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("script", [True, False])
def test_a_file_is_brought_in_and_one_that_is_none_comes_back(
    browser: "Browser", reviews: Reviews, script: bool
) -> None:
    reviews.bring()
    raw = reviews.service.contest_form("r1", "posture").replace("text: ''", "text: It asks first.")
    with Served(reviews.service) as served:
        ada = Hands(browser, served.door(), script=script)
        ada.page.goto(f"{served.address}/r/r1/contests")
        field, button = ada.page.locator("input[type=file]"), ada.page.locator('form[data-verb="respond"] button')
        if script:
            field.set_input_files({"name": "big.yaml", "mimeType": "text/plain", "buffer": b"x" * (MAX_BYTES + 1)})
            assert field.evaluate("field => field.validationMessage") == f"The file must not exceed {MAX_BYTES} bytes"
        for text in ("draft: [", raw):
            field.set_input_files({"name": "a.yaml", "mimeType": "text/plain", "buffer": text.encode()})
            with ada.page.expect_navigation():
                button.click()
            if text != raw:
                assert ada.page.locator("textarea").input_value() == text
                ada.page.go_back()
        assert "It asks first." in ada.text("main")
        assert [one.item for one in reviews.service.review("r1").contests] == ["posture"]
        ada.context.close()
