"""Every act of a review through its form, without a script: what is kept, refused, in conflict, or shown again."""

import pytest

from agent.review.domain.items import threats_of
from agent.review.store.audit import audit
from tests.fakes.review.web import HEADLINE, Browser, article, filled, tree, words

SCORE_MOVES = "factor/autonomy_of_action"


def test_a_correction_moves_the_score_and_the_bar_says_by_what(ada: Browser) -> None:
    version, drafted = ada.state.version, ada.state.drafted
    to = ada.act("correct", SCORE_MOVES, value="0", reason="wrong-value", note="Only on request")
    assert to == f"/r/r1?since={version}#item-factor-autonomy_of_action"
    page = ada.get(to.partition("#")[0])
    bar = words(tree(page).xpath('//*[@id="bar-moved"]')[0])
    was, now = drafted.score, ada.state.reviewed.score
    assert f"{was.aivss} {was.severity} → {now.aivss} {now.severity}: " in bar
    assert f"Autonomy of Action {drafted.factors['autonomy_of_action'].value} → 0" in bar
    element = article(page, SCORE_MOVES)
    assert "Corrected" in words(element)
    assert "The value is wrong" in words(element)
    assert "Only on request" in words(element)
    ada.act("strike", HEADLINE, reason="not-supported")
    now = ada.state.reviewed.score
    assert was.aivss != now.aivss
    told = f"drafted {was.aivss} {was.severity} → now {now.aivss} {now.severity}"
    assert told in words(ada.page("/r/r1").xpath('//*[@id="bar"]')[0])


def test_a_form_sent_as_it_stands_is_read_back_as_the_item_stands(ada: Browser) -> None:
    """Every correction form, if submitted unchanged, is refused only because nothing has changed."""
    page = ada.page("/r/r1")
    forms = page.xpath('//form[@data-verb="correct"]')
    assert len(forms) == len(ada.state.own)
    for form in forms:
        sent = filled(form)
        sent["reason"] = "wording"
        if sent["item"].startswith("factor/"):
            continue  # A factor with only a value is settled: its range becomes the value.
        answer = ada.post("/r/r1/act", 422, **sent)
        assert "Nothing was changed" in words(tree(answer)), sent["item"]


def test_a_threat_is_corrected_in_every_field(ada: Browser) -> None:
    sent = ada.form(HEADLINE, "correct") | {
        "title": "Planted text runs commands",
        "reason": "wrong-severity",
        "cvss.AT": "P",
        "statement.asset": "the files of its user",
        "mitigations.0.status": "confirmed",
        "taxonomy.0": "owasp-asi ASI05",
        "mitigations.9.text": "Run it as a user without rights",
        "mitigations.9.who": "you",
        "mitigations.9.status": "proposed",
    }
    ada.post("/r/r1/act", **sent)
    threat = threats_of(ada.state.reviewed)[HEADLINE.removeprefix("threat/")]
    assert threat.title == "Planted text runs commands"
    assert "/AT:P/" in threat.score.cvss_vector
    assert threat.statement.asset == "the files of its user"
    assert threat.taxonomy[0].id == "ASI05"
    assert threat.mitigations[0].status == "confirmed"
    assert threat.mitigations[-1].text == "Run it as a user without rights"


def test_one_button_confirms_a_section_and_undo_takes_it_back(ada: Browser) -> None:
    every = " ".join(one.item.id for one in ada.state.items)
    to = ada.act("bulk", section="factors", seen=every)
    assert to.endswith("#section-factors")
    factors = [one for one in ada.state.items if one.item.section == "factors"]
    assert any(one.item.supported for one in factors)
    assert all((one.verdict == "confirmed") is one.item.supported for one in factors)
    assert "Undo" in words(ada.page("/r/r1").xpath('//header[@id="bar"]')[0])
    ada.act("undo")
    assert all(one.verdict == "open" for one in ada.state.items)


def test_a_struck_threat_stays_on_the_page_and_the_next_one_leads(ada: Browser) -> None:
    ada.act("strike", HEADLINE, reason="not-supported")
    page = ada.get("/r/r1")
    element = article(page, HEADLINE)
    assert "is-struck" in element.get("class")
    threat = threats_of(ada.state.drafted)[HEADLINE.removeprefix("threat/")]
    assert threat.place == 1
    assert threat.title in words(element)
    assert threat.how in words(element)
    assert f"At stake: {threat.lost}" in words(element)
    assert str(threat.basis) in words(element)
    assert not element.xpath('.//form[@data-verb="strike"]')
    assert "The score rests on this threat" in words(tree(page).xpath('//*[@class="draft"]')[0])


def test_words_of_a_source_become_evidence(ada: Browser) -> None:
    item = "capability/C1"
    text = ada.reviews.documents("r1")[0].text
    words_ = "Visual workflow and chatflow builder"
    ada.act("attach", item, document="D1", quote=words_)
    assert f"“{words_}”" not in ada.get("/help")
    assert words_ in ada.told(item)
    start = text.index("Prompt IDE")
    ada.act("attach", item, document="D1", start=start, end=start + 10)
    assert "Prompt IDE" in ada.told(item)
    answer = ada.act("attach", item, 422, document="D1", quote="It never sends anything anywhere")
    assert "is not in D1" in words(tree(answer))
    assert "It never sends anything anywhere" in answer


def test_a_threat_by_hand_is_added_with_its_quote_and_a_refused_one_is_shown_as_sent(ada: Browser) -> None:
    metrics = {f"cvss__{name}": value for name, value in zip(
        ("AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"), "NLNNNHHHNNN", strict=True)}  # fmt: skip
    parts = {f"statement__{part}": f"some {part}" for part in ("source", "prerequisite", "action", "impact", "asset")}
    fields: dict[str, object] = {
        "layer": "agent_ecosystem", "title": "A neighbour reads it", **parts, **metrics,
        "taxonomy.0": "ASI01", "mitigations.0.text": "Ask first", "mitigations.0.who": "vendor",
        "mitigations.0.status": "proposed", "evidence": "E1", "document": "D1", "quote": "every app has an API",
    }  # fmt: skip
    to = ada.act("add", **fields)
    assert to.endswith("#item-threat-H1-a-neighbour-reads-it")
    element = ada.card("threat/H1-a-neighbour-reads-it")
    assert "every app has an API" in words(element)
    answer = ada.act("add", "", 422, **{**fields, "statement__asset": "", "mitigations.3.text": "And then"})
    page = tree(answer)
    assert "The field is empty" in words(page)
    assert page.xpath('//input[@name="title"]/@value') == ["A neighbour reads it"]
    written = page.xpath('//textarea[starts-with(@name, "mitigations.") and contains(@name, ".text")]')
    assert [words(each).strip() for each in written] == ["Ask first", "And then", ""]
    assert page.xpath('//input[@name="cvss.VC" and @checked]/@value') == ["H"]
    assert page.xpath('//input[@name="taxonomy" and @checked]/@value') == ["owasp-asi ASI01"]
    assert [words(each) for each in page.xpath('//*[@id="chosen"]//q')] == ["every app has an API"]


@pytest.mark.parametrize(
    ("verb", "item", "fields", "told"),
    [
        ("correct", SCORE_MOVES, {"value": "0.65", "reason": "wrong-value"}, "0.65 is not a factor value"),
        ("correct", SCORE_MOVES, {"value": "much", "reason": "wrong-value"}, "value"),
        ("correct", SCORE_MOVES, {"value": "0.3"}, "needs a reason"),
        ("correct", "posture", {"text": "“It asks nobody” says it.", "reason": "wording"}, "not in any of the sources"),
        ("correct", "layer/agent_frameworks", {"paragraph": "See (E999).", "reason": "wording"}, "E999"),
        ("strike", "posture", {"reason": "outdated"}, "cannot be struck"),
        ("answer", "question/Q1", {"text": "None.", "kind": "vendor-answer", "note": ""}, "has no source"),
        ("nonsense", "posture", {}, "not valid"),
        ("confirm", "threat/none", {}, "there is no item"),
        ("confirm", "../../etc", {}, "item"),
        ("sign", "", {}, "items are open"),
        ("reopen", "", {"note": "why"}, "not signed"),
    ],
)
def test_what_is_refused_says_why_and_keeps_what_was_written(
    ada: Browser, verb: str, item: str, fields: dict[str, object], told: str
) -> None:
    answer = ada.act(verb, item, 422, **{"note": "my own words", **fields})
    page = tree(answer)
    assert told.lower() in words(page).lower()
    assert "my own words" in words(page) or "note" in fields
    written = str(fields.get("text") or fields.get("paragraph") or fields.get("value") or "")
    kept = [element.get("value") or element.text_content() for element in page.xpath("//textarea | //input")]
    assert not written or any(written == one.strip() for one in kept)
    assert ada.events() == ()


def test_a_full_disk_loses_no_word(ada: Browser) -> None:
    ada.reviews.full = True
    answer = ada.act("correct", "posture", 507, text="Dify runs commands (E1).", reason="wording", note="shorter")
    page = tree(answer)
    assert "no space left" in words(page)
    assert words(page.xpath('//textarea[@name="text"]')[0]).strip() == "Dify runs commands (E1)."
    assert page.xpath('//option[@selected and @value="wording"]')
    ada.reviews.full = False
    again = page.xpath('//form[@data-verb="correct"]')[0]
    ada.post("/r/r1/act", **filled(again))
    assert ada.state.reviewed.product.posture == "Dify runs commands (E1)."


def test_two_reviewers_at_one_item_see_both_versions_and_either_can_be_saved(ada: Browser) -> None:
    other = ada.second("Grace")
    seen = ada.state.version
    other.act("correct", SCORE_MOVES, value="0.9", reason="wrong-value")
    answer = ada.act("correct", SCORE_MOVES, 409, version=seen, value="0.1", reason="wrong-value", note="mine")
    page = tree(answer)
    assert "Grace has changed it since you loaded it" in words(page)
    drafted = ada.state.drafted.factors["autonomy_of_action"].value
    row = next(words(each) for each in page.xpath("//tbody/tr") if each.xpath("./th")[0].text_content() == "value")
    assert row.split() == ["value", f"{drafted:g}", "0.1", "0.9"]
    form = page.xpath('//form[@data-verb="correct"]')[0]
    sent = filled(form)
    assert (sent["value"], sent["note"], sent["reason"]) == ("0.1", "mine", "wrong-value")
    ada.post("/r/r1/act", **sent)
    assert float(ada.state.reviewed.factors["autonomy_of_action"].value) == 0.1


def test_two_reviewers_at_different_items_both_go_through(ada: Browser) -> None:
    seen = ada.state.version
    ada.second("Grace").act("confirm", "posture")
    ada.act("confirm", SCORE_MOVES, version=seen)
    assert [event.reviewer for event in ada.events()] == ["Grace", "Ada"]
    assert audit(ada.reviews.store).sound
