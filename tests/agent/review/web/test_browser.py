"""A whole review of a real draft in a browser by keyboard alone, and how many keys it takes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from agent.records import Fact
from agent.report.draft_json import dump, parse
from agent.review.answered import keys_asked
from tests.fakes.review.browser import Hands, Served
from tests.fakes.review.served_reviews import FACTOR, Reviews

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.browser

TITLE = "autonomy of a"


@pytest.fixture
def reviews(reviews: Reviews) -> Reviews:
    """With one draft brought in."""
    reviews.bring()
    return reviews


@pytest.fixture
def served(reviews: Reviews) -> Iterator[Served]:
    with Served(reviews.service) as made:
        yield made


def test_a_review_from_the_queue_to_the_export(browser: "Browser", served: Served, reviews: Reviews) -> None:
    ada = Hands(browser, served.door())
    ada.press("j")
    ada.leave("Enter")
    confirm_correct_and_strike(ada, reviews)
    attach_and_answer(ada, reviews)
    ask(ada, reviews)
    grace = invited(ada, browser)
    resolve(ada, grace, reviews)
    ada.decide_all()
    ada.sign()
    assert "Signed by Ada (analyst)" in ada.text(".notice.good")
    exported(ada, reviews)
    ada.close()
    grace.close()


def confirm_correct_and_strike(ada: Hands, reviews: Reviews) -> None:
    ada.press("n", "c")
    assert ada.verdict("score") == "confirmed"
    assert ada.item() == "posture"
    ada.search(TITLE)
    ada.press("e")
    ada.type("0.9")
    ada.page.get_by_text("→ 0.9 (").wait_for()
    ada.press("Control+Enter")
    ada.type("t")
    ada.press("Control+Enter")
    assert ada.verdict(FACTOR) == "corrected"
    assert "Autonomy of Action" in ada.text("#bar-moved")
    threat = next(one.item for one in reviews.service.review("r1").items if one.item.kind == "threat")
    ada.search(threat.title.lower()[:30])
    assert ada.item() == threat.id
    ada.press("x")
    ada.type("t")
    ada.press("Control+Enter")
    assert ada.verdict(threat.id) == "struck"


def attach_and_answer(ada: Hands, reviews: Reviews) -> None:
    held = next(one for one in reviews.service.review("r1").items if one.item.kind == "capability").item
    ada.search(held.title.lower())
    assert ada.item() == held.id
    ada.press(".", ".", ">")
    chosen = str(ada.page.evaluate("getSelection().toString()"))
    ada.press("a")
    event = reviews.service.history("r1")[-1]
    assert (event.verb, event.item) == ("attach", held.id)
    mark = (event.after or {})["evidence"][0]  # type: ignore[index]
    new = next(one for one in reviews.service.review("r1").reviewed.evidence if one.id == mark)
    assert new.quote == chosen
    assert ada.item() == held.id
    asked = next(one for one in reviews.service.review("r1").items if one.item.kind == "question").item
    ada.search(asked.title.lower()[:30])
    ada.press("r")
    ada.type("every action is confirmed by a person")
    ada.press("Tab")
    ada.type("https://docs.example/a")
    (question,) = (one for one in reviews.service.review("r1").drafted.questions if f"question/{one.id}" == asked.id)
    ada.tab_to(f"It {keys_asked(question)[0].title}")
    ada.type("it is so")
    ada.press("Control+Enter")
    assert ada.verdict(asked.id) == "answered"
    (fact,) = (f"fact/{name}" for name in reviews.service.review("r1").answered)
    before = dump(reviews.service.review("r1").reviewed)
    ada.press("u")
    assert reviews.service.review("r1").answered == {}
    ada.press("U")
    assert dump(reviews.service.review("r1").reviewed) == before
    ada.search(next(one.item.title for one in reviews.service.review("r1").items if one.item.id == fact))
    assert ada.item() == fact
    ada.press("c")
    assert ada.verdict(fact) == "confirmed"
    facts = reviews.service.review("r1").reviewed.facts
    assert facts is not None
    assert {one.rank for one in facts.facts if "analyst" in readers(one)} == {5}


def readers(fact: Fact) -> list[str]:
    return [source.reader for source in fact.sources]


def ask(ada: Hands, reviews: Reviews) -> None:
    """What nobody states is asked in its row of the fact sheet; the answer's offer to draft again is not there."""
    ada.leave("g", "v")
    assert ada.page.get_by_role("button", name="Draft again").count() == 0
    ada.leave("g", "q")
    ada.press("j")
    ada.leave("Enter")
    folded = ada.page.locator("#heading-unstated").inner_text()
    ada.tab_to(folded)
    ada.press("Enter")
    ada.tab_to("Ask")
    ada.press("Enter")
    event = reviews.service.history("r1")[-1]
    assert event.verb == "ask"
    assert ada.focus() == event.item.partition("/")[2]


def invited(ada: Hands, browser: "Browser") -> Hands:
    """A second reviewer in a browser of her own."""
    ada.leave("g", "q")
    ada.tab_to("People")
    ada.leave("Enter")
    ada.tab_to("Name")
    ada.type("Grace")
    ada.leave("Enter")
    return Hands(browser, ada.text(".token code"))


def resolve(ada: Hands, grace: Hands, reviews: Reviews) -> None:
    """Both change the same factor; what the second one wrote is there beside the first one's, and is saved over it."""
    ada.leave("g", "q")
    for hands in (ada, grace):
        hands.press("j")
        hands.leave("Enter")
    grace.correct_factor(TITLE, "0.2")
    assert grace.verdict(FACTOR) == "corrected"
    ada.correct_factor(TITLE, "0.7")
    box = ada.page.locator("dialog#conflict")
    box.wait_for()
    assert box.locator("tr", has_text="value").first.locator("td").all_inner_texts() == ["0.9", "0.7", "0.2"]
    assert "Grace" in box.locator("[role=alert]").inner_text()
    # Of the preview and of the save: a browser says so of every answer that is no success.
    assert set(ada.said) == {"Failed to load resource: the server responded with a status of 409 (Conflict)"}
    ada.said.clear()
    ada.press("Control+Enter")
    assert box.count() == 0
    assert str(reviews.service.review("r1").reviewed.factors["autonomy_of_action"].value) == "0.7"
    assert [one.reviewer for one in reviews.service.history("r1")[-2:]] == ["Grace", "Ada"]


def exported(ada: Hands, reviews: Reviews) -> None:
    ada.tab_to("JSON")
    with ada.page.expect_download() as waited:
        ada.press("Enter")
    text = Path(waited.value.path()).read_text("utf-8")
    signed = parse(text, where="export")
    stamp = signed.review
    assert stamp is not None
    assert stamp.head == reviews.service.history("r1")[stamp.number - 1].hash
    assert str(signed.factors["autonomy_of_action"].value) == "0.7"


def test_a_draft_is_signed_as_it_is_in_forty_keys(browser: "Browser", served: Served) -> None:
    ada = Hands(browser, served.door())
    ada.press("j")
    ada.leave("Enter")
    ada.decide_all()
    ada.sign()
    assert "Signed by Ada" in ada.text(".notice.good")
    assert ada.presses <= 40
    ada.close()


def test_a_draft_is_signed_with_three_corrections_in_ninety_keys(
    browser: "Browser", served: Served, reviews: Reviews
) -> None:
    ada = Hands(browser, served.door())
    ada.press("j")
    ada.leave("Enter")
    for words, value in (("auton", "0.9"), ("memo", "0.1"), ("tool u", "0.7")):
        ada.correct_factor(words, value)
    ada.decide_all()
    ada.sign()
    assert "Signed by Ada" in ada.text(".notice.good")
    assert sum(one.verdict == "corrected" for one in reviews.service.review("r1").items) == 3
    assert ada.presses <= 90
    ada.close()
