"""How colleagues communicate about items: comments, requests to look, contests that were rejected."""

import pytest

from agent.review.domain.items import threats_of
from tests.fakes.review.web import HEADLINE, Browser, article, tree, words


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_a_comment_is_counted_and_reaches_whom_it_names(browser: Browser) -> None:
    grace = browser.second("Grace")
    told = words(tree(browser.act("comment", HEADLINE, 422, text="Is this default?", to="Grace")))
    assert "there is nobody here called 'Grace'" in told.casefold().replace("'grace'", "'Grace'")
    assert "Ada" in told
    grace.act("confirm", "posture")
    browser.act("comment", HEADLINE, text="Is this default?", to="Grace")
    assert "1 comment" in words(article(browser.get("/r/r1"), HEADLINE))
    assert "Grace has been asked to look" in words(article(browser.get("/r/r1"), HEADLINE))
    assert "Grace has not looked yet" in words(tree(browser.get("/r/r1/sign")))
    assert "a comment asking you to look" in words(tree(grace.get("/")))
    assert tree(grace.get("/?asked=me")).xpath('//tr[@data-item="r1"]')
    assert "asking you to look" not in words(tree(browser.get("/")))
    grace.act("confirm", HEADLINE)
    assert "asking you to look" not in words(tree(grace.get("/")))
    assert not tree(grace.get("/?asked=me")).xpath('//tr[@data-item="r1"]')


def test_a_refused_contest_stands_on_the_card(browser: Browser) -> None:
    browser.act("contest", HEADLINE, kind="wrong", text="Off by default.", sender="Acme")
    number = browser.reviews.review("r1").contests[0].number
    browser.act("decide", HEADLINE, number=number, decision="refused", rule="No page says so.")
    card = words(article(browser.get("/r/r1"), HEADLINE))
    assert "Off by default." in card
    assert "Refused : No page says so." in card.replace("Refused:", "Refused :")


def test_what_is_contested_stands_beside_the_decision_over_it(browser: Browser) -> None:
    browser.act("contest", HEADLINE, kind="wrong", text="Off by default.", sender="Acme")
    card = words(article(browser.get("/r/r1/contests"), HEADLINE))
    state = browser.reviews.review("r1")
    threat = threats_of(state.reviewed)[HEADLINE.partition("/")[2]]
    quote = next(one.quote for one in state.reviewed.evidence if one.id == threat.evidence[0])
    assert threat.how[:60] in card
    assert " ".join(quote.split()) in card


def test_a_refused_answer_keeps_its_labels_choices_and_what_was_written(browser: Browser) -> None:
    asked = browser.reviews.review("r1").reviewed.questions[0]
    item = f"question/{asked.id}"
    form = article(browser.get("/r/r1/questions"), item).xpath('.//form[@data-verb="answer"]')[0]
    given = {**dict(form.form_values()), "text": "Only admins.", "states.0.polarity": "asserted", "note": ""}
    fields = {
        name.replace(".", "__"): value for name, value in given.items() if name not in ("verb", "item", "version")
    }
    refused = tree(browser.act("answer", item, 422, **fields))
    again = refused.xpath('//form[@data-verb="answer"]')[0]
    assert dict(again.form_values())["states.0.polarity"] == "asserted"
    assert "Public page that says so" in words(again)
    assert again.xpath('.//select[@name="states.0.polarity"]')
    browser.act("answer", item, **{**fields, "note": "By mail, Ann."})
    shown = article(browser.get("/r/r1/questions"), item).xpath('.//form[@data-verb="answer"]//input[@name="note"]')
    assert shown[0].get("value") == "By mail, Ann."


def test_waived_is_not_ticked_as_decided(browser: Browser) -> None:
    state = browser.reviews.review("r1")
    for one in state.own:
        if one.item.section == "factors":
            browser.act("waive", one.item.id, reason="out-of-scope")
    page = tree(browser.get("/r/r1"))
    link = page.xpath('//nav[contains(@class, "outline")]//a[@href="#section-factors"]')[0]
    assert "waived" in words(link)
    assert not link.xpath('.//*[@class="tick"]')
    sign = words(tree(browser.get("/r/r1/sign")))
    assert f"Decided 0 of {len(state.own)}" in sign


# ---------------------------------------------------------------- undo


def undo_button(browser: Browser) -> str:
    found = tree(browser.get("/r/r1")).xpath('//*[@id="bar"]//form[@data-verb="undo"]')
    return words(found[0]) if found else ""


def test_undo_takes_back_ones_own_last_act_and_says_which(browser: Browser) -> None:
    browser.act("confirm", "posture")
    grace = browser.second("Grace")
    assert undo_button(grace) == "", "Grace did nothing"
    assert "undo" in grace.act("undo", "", 422)
    grace.act("confirm", "factor/autonomy_of_action")
    assert undo_button(browser) == "Undo: you confirmed “Posture”"
    browser.act("undo")
    verdicts = {one.item.id: one.verdict for one in browser.reviews.review("r1").items}
    assert (verdicts["posture"], verdicts["factor/autonomy_of_action"]) == ("open", "confirmed")


def test_anothers_act_is_taken_back_from_the_history_by_a_button_that_names_it(browser: Browser) -> None:
    browser.act("confirm", "posture")
    number = browser.reviews.review("r1").version
    grace = browser.second("Grace")
    button = tree(grace.get("/r/r1/history")).xpath(f'//*[@id="event-{number}"]//form')[0]
    assert words(button) == "Undo: Ada confirmed “Posture”"
    to = grace.act("undo", "", batch=number, back="history")
    assert to.startswith("/r/r1/history?")
    page = tree(grace.get(to.partition("#")[0]))
    assert "Grace undid: Ada confirmed “Posture”" in words(page)
    assert not page.xpath(f'//*[@id="event-{number}"]//form'), "it is taken back"
