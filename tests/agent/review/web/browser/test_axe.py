"""Each page of the review app under axe-core, in light and dark: no serious or critical violation of WCAG 2.2 AA.

`SEPTET_AXE` is the path of `axe.min.js`; .ci/run takes it from npm.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.review.demo import add_demo
from tests.fakes.review.browser import Hands, Served
from tests.fakes.review.served_reviews import FACTOR, GRACE, Reviews

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ColorScheme

AXE = os.environ.get("SEPTET_AXE")  # noqa: TID251  (before the fixture that clears the environment)
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not AXE, reason="SEPTET_AXE names no axe.min.js; .ci/run fetches one"),
]

PAGES = (
    "/", "/r/r1", "/r/r1?as_of=5", "/r/r1/questions", "/r/r1/contests", "/r/r1/history", "/r/r1/compare", "/r/r1/add",
    "/r/r1/mitigations", "/r/r1/sign", "/r/r1/source/D1", "/r/r2", "/r/r2/sign", "/compare?keys=r1,r2", "/people",
    "/help", "/nothing",
)  # fmt: skip
WIDTHS = (1280, 820)
RUN = """
async () => {
  const found = await axe.run(document, { runOnly: [
    "wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice",
  ] });
  if (found.passes.length < 20) throw new Error("axe looked at nothing");
  return found.violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => [id, nodes.length, ...nodes.slice(0, 3).map((node) => node.html.slice(0, 180))].join("|"));
}
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The half-reviewed demo, and a review that is signed."""
    reviews = Reviews(tmp_path_factory.mktemp("axe"))
    add_demo(reviews.service)
    reviews.signed(reviews.bring())
    with Served(reviews.service) as made:
        yield made


def violations(hands: Hands) -> list[str]:
    assert AXE is not None
    hands.page.evaluate(f"() => {{ {Path(AXE).read_text('utf-8')} }}")
    found: list[str] = hands.page.evaluate(RUN)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_has_a_serious_violation(browser: "Browser", served: Served, scheme: "ColorScheme", width: int) -> None:
    hands = Hands(browser, served.door(), scheme=scheme, width=width, policy=False)
    found = {}
    for path in PAGES:
        hands.page.goto(f"{served.address}{path}")
        found[path] = violations(hands)
    assert {path: each for path, each in found.items() if each} == {}
    hands.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_unfolded_forms_boxes_and_conflicts_have_none(
    browser: "Browser", served: Served, scheme: "ColorScheme", tmp_path: Path
) -> None:
    hands = Hands(browser, served.door(), scheme=scheme, policy=False)
    hands.page.goto(f"{served.address}/r/r1")
    hands.page.evaluate("() => document.querySelectorAll('.draft details').forEach((each) => { each.open = true; })")
    assert violations(hands) == []
    hands.press("?")
    assert violations(hands) == []
    reviews = Reviews(tmp_path)
    reviews.bring()
    with Served(reviews.service) as other:
        hands.page.goto(other.door())
        hands.page.goto(f"{other.address}/r/r1")
        reviews.act("r1", "correct", FACTOR, by=GRACE, value=0.1)
        hands.correct_factor("auton", "0.9")
        hands.page.locator("dialog#conflict").wait_for()
        assert violations(hands) == []
    hands.context.close()
