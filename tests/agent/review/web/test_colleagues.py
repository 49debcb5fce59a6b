"""How colleagues communicate about items: comments, requests to look, contests that were rejected."""

from agent.review.domain.items import threats_of
from tests.fakes.review.web import HEADLINE, Browser, tree, words


def test_a_comment_is_counted_and_reaches_whom_it_names(ada: Browser) -> None:
    grace = ada.second("Grace")
    told = words(tree(ada.act("comment", HEADLINE, 422, text="Is this default?", to="Grace")))
    assert "there is no reviewer called 'Grace'" in told.casefold().replace("'grace'", "'Grace'")
    assert "Ada" in told
    grace.act("confirm", "posture")
    ada.act("comment", HEADLINE, text="Is this default?", to="Grace")
    assert "1 comment" in ada.told(HEADLINE)
    assert "Grace has been asked to look" in ada.told(HEADLINE)
    assert "Grace has not looked yet" in ada.text("/r/r1/sign")
    assert "a comment asking you to look" in grace.text("/")
    assert grace.page("/?asked=me").xpath('//tr[@data-item="r1"]')
    assert "asking you to look" not in ada.text("/")
    grace.act("confirm", HEADLINE)
    assert "asking you to look" not in grace.text("/")
    assert not grace.page("/?asked=me").xpath('//tr[@data-item="r1"]')


def test_a_contest_stands_beside_the_decision_over_it_and_then_on_the_card(ada: Browser) -> None:
    ada.act("contest", HEADLINE, kind="wrong", text="Off by default.", sender="Acme")
    threat = threats_of(ada.state.reviewed)[HEADLINE.partition("/")[2]]
    quote = next(one.quote for one in ada.state.reviewed.evidence if one.id == threat.evidence[0])
    contested = ada.told(HEADLINE, "/r/r1/contests")
    assert threat.how[:60] in contested
    assert " ".join(quote.split()) in contested
    number = ada.state.contests[0].number
    ada.act("decide", HEADLINE, number=number, decision="refused", rule="No page says so.")
    card = ada.told(HEADLINE)
    assert "Off by default." in card
    assert "Refused : No page says so." in card.replace("Refused:", "Refused :")


def test_a_refused_answer_keeps_its_labels_choices_and_what_was_written(ada: Browser) -> None:
    asked = ada.state.reviewed.questions[0]
    item = f"question/{asked.id}"
    given = ada.form(item, "answer", "/r/r1/questions")
    given |= {"text": "Only admins.", "states.0.polarity": "asserted", "note": ""}
    refused = tree(ada.post("/r/r1/act", 422, **given))
    again = refused.xpath('//form[@data-verb="answer"]')[0]
    assert dict(again.form_values())["states.0.polarity"] == "asserted"
    assert "Public page that states this" in words(again)
    assert again.xpath('.//select[@name="states.0.polarity"]')
    ada.post("/r/r1/act", **given | {"note": "By mail, Ann."})
    assert ada.form(item, "answer", "/r/r1/questions")["note"] == "By mail, Ann."


def test_waived_is_not_ticked_as_decided(ada: Browser) -> None:
    state = ada.state
    for one in state.own:
        if one.item.section == "factors":
            ada.act("waive", one.item.id, reason="out-of-scope")
    page = ada.page("/r/r1")
    link = page.xpath('//nav[contains(@class, "outline")]//a[@href="#section-factors"]')[0]
    assert "waived" in words(link)
    assert not link.xpath('.//*[@class="tick"]')
    sign = ada.text("/r/r1/sign")
    assert f"Decided 0 of {len(state.own)}" in sign


# ---------------------------------------------------------------- undo


def undo_button(ada: Browser) -> str:
    found = ada.page("/r/r1").xpath('//*[@id="bar"]//form[@data-verb="undo"]')
    return words(found[0]) if found else ""


def test_undo_takes_back_ones_own_last_act_and_says_which(ada: Browser) -> None:
    ada.act("confirm", "posture")
    grace = ada.second("Grace")
    assert undo_button(grace) == "", "Grace did nothing"
    assert "undo" in grace.act("undo", "", 422)
    grace.act("confirm", "factor/autonomy_of_action")
    assert undo_button(ada) == "Undo: you confirmed “Posture”"
    ada.act("undo")
    verdicts = {one.item.id: one.verdict for one in ada.state.items}
    assert (verdicts["posture"], verdicts["factor/autonomy_of_action"]) == ("open", "confirmed")


def test_anothers_act_is_taken_back_from_the_history_by_a_button_that_names_it(ada: Browser) -> None:
    ada.act("confirm", "posture")
    number = ada.state.version
    grace = ada.second("Grace")
    button = grace.page("/r/r1/history").xpath(f'//*[@id="event-{number}"]//form')[0]
    assert words(button) == "Undo: Ada confirmed “Posture”"
    to = grace.act("undo", "", batch=number, back="history")
    assert to.startswith("/r/r1/history?")
    page = grace.page(to)
    assert "Grace undid: Ada confirmed “Posture”" in words(page)
    assert not page.xpath(f'//*[@id="event-{number}"]//form'), "it is taken back"
