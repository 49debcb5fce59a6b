"""The overview at the top of a review, the Sign page's document, and forms for facts, comments and mitigations."""

import itertools
import re
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given, strategies as st
from lxml.html import HtmlElement

from agent.records import Draft, Threat
from agent.report.picture import drawn
from agent.review.domain.items import threats_of
from agent.review.domain.records import Action
from agent.review.domain.rescore import headline_of
from agent.review.web.views.differences import differences, runs
from agent.review.web.views.document import doubts_of
from agent.taxonomy.factors import FACTOR_SETS, FACTOR_TITLES
from agent.taxonomy.layers import LAYER_TITLES
from tests.fakes.review.reviewing import case_with
from tests.fakes.review.served_reviews import CaseReviews
from tests.fakes.review.web import HEADLINE, Browser, article, filled, tree, words


def test_the_overview_says_why_the_score_is_what_it_is_and_adds_up(ada: Browser) -> None:
    over = ada.page("/r/r1").xpath('//*[@id="section-overview"]')[0]
    told = words(over)
    assert "the most severe supported threat in default use" in told
    score = ada.state.reviewed.score
    rows = over.xpath('.//table[contains(@class, "waterfall")]/tbody/tr')
    *points, total = (Decimal(row.xpath(".//b")[0].text_content()) for row in rows)
    assert score.aivss == total == sum(points).quantize(Decimal("0.1"), ROUND_HALF_UP)
    assert f"{sum(points):f}" in told
    titles = [words(row.xpath("./th")[0]) for row in rows[1:-1]]
    assert titles == [FACTOR_TITLES[key] for key in FACTOR_SETS[score.factor_set or "0.5"]]
    drawn_bars = over.xpath('.//rect[starts-with(@class, "step-")]')
    bars = [(float(bar.get("x")), float(bar.get("width"))) for bar in drawn_bars]
    assert bars[0][0] == bars[-1][0] == 0
    ends = [begin + width for begin, width in bars]
    assert all(abs(begin - end) < 0.5 for (begin, _), end in zip(bars[1:-1], ends, strict=False))


def graver_than_the_first(draft: Draft) -> list[Threat]:
    first = headline_of(draft)
    return [one for one in threats_of(draft).values() if first and one.score.cvss_base > first.score.cvss_base]


def test_the_first_lines_name_the_threat_that_counts_and_each_graver_one_with_its_aivss() -> None:
    slug = case_with(lambda draft: any(one.setting for one in graver_than_the_first(draft)), "dbhub", "codegen")
    ada = Browser(CaseReviews(slug))
    now = ada.state.reviewed
    first, graver = headline_of(now), graver_than_the_first(now)
    assert first is not None
    lines = ada.page("/r/r1").xpath('//p[@class="rule-line" or @class="graver"]')
    told = {str(line.xpath("./a/@href")[0]).removeprefix("#item-threat-"): words(line) for line in lines}
    assert next(iter(told)) == first.id
    assert set(told) == {first.id, *(one.id for one in graver)}
    for one in (first, *graver):
        assert f"AIVSS {one.score.aivss} {one.score.severity}" in told[one.id]
        assert f"CVSS base {one.score.cvss_base}" in told[one.id]
    assert all(one.setting.partition(" [")[0] in told[one.id] for one in graver)


def test_the_table_of_threats_begins_with_the_gravest_and_keeps_what_was_struck(ada: Browser) -> None:
    def rows() -> list[HtmlElement]:
        return list(ada.page("/r/r1").xpath('//table[@id="over-threats"]/tbody/tr'))

    bases = [float(row.xpath("./td[4]/@data-value")[0]) for row in rows()]
    assert bases == sorted(bases, reverse=True)
    assert all(row.xpath('./td[5]/span[contains(@class, "band-")]') for row in rows())
    ada.act("strike", HEADLINE, reason="not-applicable")
    after = rows()
    link = f"#item-{HEADLINE.replace('/', '-')}"
    assert [link in row.xpath("./td/a/@href") for row in after] == [*[False] * (len(after) - 1), True]
    assert "Struck" in words(after[-1])
    assert not after[-1].xpath('.//span[contains(@class, "band-")]')
    ada.act("undo")
    assert [float(row.xpath("./td[4]/@data-value")[0]) for row in rows()] == bases


def test_what_is_uncertain_says_why_and_which_question_would_settle_it() -> None:
    ada = Browser(CaseReviews("brave-search-mcp"))
    now = ada.state
    unsure = [key for key, layer in now.reviewed.layers.items() if not layer.certain and layer.applies != "no"]
    assert unsure
    page = ada.get("/r/r1")
    ids, short = set(tree(page).xpath("//@id")), words(tree(page).xpath('//ul[contains(@class, "unsure")]')[0])
    for key in unsure:
        told = article(page, f"layer/{key}").xpath('.//p[@class="settling"]')[0]
        missing = now.reviewed.layers[key].missing
        assert missing is not None
        assert missing.detail in words(told)
        assert LAYER_TITLES[key] in short
        asked = {f"/r/r1#item-question-{one.id}" for one in now.reviewed.questions if key in one.settles}
        links = set(told.xpath(".//a/@href"))
        assert links == asked or not asked
        assert links, "what would settle it, a question or a fact to be asked for"
        row = tree(page).xpath(f'//ul[contains(@class, "unsure")]/li[a/@href="#section-{key}"]')[0]
        assert set(row.xpath("./a/@href")) - {f"#section-{key}"} == links, "the overview and the card say the same"
        assert {link.partition("#")[2] for link in links} <= ids
    assert not article(page, f"layer/{next(key for key in now.reviewed.layers if key not in unsure)}").xpath(
        './/p[@class="settling"]'
    )


def test_what_it_can_do_is_all_that_facts_say_each_with_a_mark_and_its_row(ada: Browser) -> None:
    def links() -> list[str]:
        over = ada.page("/r/r1").xpath('//*[@id="section-overview"]')[0]
        return [str(one) for one in over.xpath('.//*[@class="ability"]/a[not(@data-cite)]/@href')]

    facts = ada.state.reviewed.facts
    assert facts is not None
    before = links()
    assert set(before) == {f"#row-item-fact-{fact.id}" for fact in facts.facts if fact.polarity != "denied"}
    assert len(ada.page("/r/r1").xpath('//*[@class="ability"]//a[@data-cite]')) == len(before)
    first = before[0].removeprefix("#row-item-fact-")
    ada.act("strike", f"fact/{first}", reason="wrong-quote")
    assert before[0] not in links()


def test_what_would_lower_the_score_stands_beside_it_with_each_result(ada: Browser) -> None:
    over = ada.page("/r/r1").xpath('//*[@id="section-overview"]')[0]
    rows = over.xpath('.//ul[contains(@class, "lowers")]/li')
    now = ada.state.reviewed.score.aivss
    assert now is not None
    results = [Decimal(row.xpath(".//b")[0].text) for row in rows]
    assert results == sorted(results)
    assert all(result < now for result in results)
    assert all(row.xpath(".//a/@href") for row in rows)


def test_a_bracket_stays_beside_its_mark(ada: Browser) -> None:
    posture = ada.page("/r/r1").xpath('//p[@class="posture"]')[0]
    marks = posture.xpath(".//a[@data-cite]")
    assert marks
    assert all(mark.getparent().text_content().strip("[](),.;") == mark.text for mark in marks)
    assert not re.search(r"[\[(]\s*$", "".join(posture.xpath("./text()")))


def test_the_card_of_what_was_struck_says_what_moved(ada: Browser) -> None:
    to = ada.act("strike", HEADLINE, reason="not-applicable")
    assert "headline now" in words(ada.card(HEADLINE, to).xpath('.//dl[contains(@class, "moved-list")]')[0])
    assert not ada.page("/r/r1").xpath('//dl[contains(@class, "moved-list")]')


def test_each_part_and_flow_of_the_picture_leads_to_its_facts_and_threats(ada: Browser) -> None:
    over = ada.page("/r/r1").xpath('//*[@id="section-overview"]')[0]
    draft = ada.state.reviewed
    drawing = over.xpath('.//*[local-name()="svg" and contains(@class, "picture")]')[0]
    leads = {link.get("href") for link in drawing.xpath('.//*[local-name()="a"]')}
    rows = {f"#{row.get('id')}": row for row in over.xpath('.//table[contains(@class, "parts-table")]/tbody/tr')}
    assert leads == set(rows)
    assert len(rows) == len(drawn(draft.system)) + len(draft.system.flows)
    assert draft.facts is not None
    quoted = next(fact for fact in draft.facts.facts if fact.evidence and any(
        set(fact.evidence) & set(flow.evidence) for flow in draft.system.flows))  # fmt: skip
    to_it = f"#item-fact-{quoted.id}"
    assert any(to_it in row.xpath(".//a/@href") for row in rows.values())
    ada.act("strike", f"fact/{quoted.id}", reason="wrong-quote")
    after = ada.page("/r/r1").xpath('//table[contains(@class, "parts-table")]//a/@href')
    assert to_it not in after


def test_threats_stand_beside_a_grid_of_layers_and_bands(ada: Browser) -> None:
    over = ada.page("/r/r1").xpath('//*[@id="section-overview"]')[0]
    rows = over.xpath('.//table[@id="over-threats"]/tbody/tr')
    cells = over.xpath('.//table[contains(@class, "grid")]/tbody/tr')
    assert len(cells) == 7
    inside = [threat for layer in ada.state.reviewed.layers.values() for threat in layer.threats]
    counts = [link for row in cells for link in row.xpath("./td[position() < 5]/a")]
    assert sum(int(link.text) for link in counts) == len(inside) >= len(rows) > 0
    assert all(f"{link.get('data-filter')}".startswith("L") for link in counts)


def test_a_fact_shows_its_quote_and_what_hangs_on_it_and_is_struck_by_its_form(ada: Browser) -> None:
    facts = [one for one in ada.state.items if one.item.kind == "fact"]
    first = max(facts, key=lambda one: one.item.weight).item.id
    page = ada.get("/r/r1")
    element = article(page, first)
    assert element.xpath(".//blockquote")
    assert re.search("rests? on it", words(element).lower())
    assert element.xpath('.//*[contains(@class, "hangs")]//a')
    order = [each.get("data-item") for each in tree(page).xpath('//section[@id="section-facts"]//article')]
    weights = {one.item.id: one.item.weight for one in facts}
    assert [weights[item] for item in order] == sorted(weights.values(), reverse=True)
    ada.act("strike", first, reason="wrong-quote")
    after = ada.get("/r/r1")
    assert "Restore" in words(article(after, first))
    own = {one.item.id for one in ada.state.own}
    for fell in own.intersection(ada.state.fell):
        assert "rested on" in words(article(after, fell))
    ada.act("confirm", first)
    assert ada.state.fell == ()


def test_a_fact_is_corrected_by_its_form(ada: Browser) -> None:
    facts = ada.state.drafted.facts
    assert facts is not None
    stated = {f"fact/{fact.id}" for fact in facts.facts if fact.polarity == "asserted"}
    fact = next(one for one in ada.state.items if one.item.id in stated)
    sent = ada.form(fact.item.id, "correct") | {"polarity": "configurable", "reason": "wrong-quote"}
    ada.post("/r/r1/act", **sent)
    after = next(one for one in ada.state.items if one.item.id == fact.item.id)
    assert after.after == {"polarity": "configurable"}
    assert "if configured" in ada.told(fact.item.id)


def test_a_lapsed_decision_says_why(ada: Browser) -> None:
    ada.act("confirm", "score")
    first = headline_of(ada.state.reviewed)
    assert first is not None
    ada.act("strike", f"threat/{first.id}", reason="not-supported")
    element = ada.card("score")
    assert "Decided earlier and now reopened" in words(element)
    assert element.get("data-verdict") == "open"


def test_comments_and_mitigations_have_forms(ada: Browser) -> None:
    forms = ada.page("/r/r1").xpath('//form[@data-verb="manage"]/ancestor::article')
    threat = str(forms[0].get("data-item"))
    ada.act("comment", threat, text="<b>look</b> at it")
    sent = ada.form(threat, "manage") | {"owner": "Ops", "due": "2027-01-31", "status": "doing"}
    ada.post("/r/r1/act", **sent)
    page = ada.get("/r/r1")
    told = words(article(page, threat))
    assert "<b>look</b> at it" in told
    assert "in progress · Ops · due 31 Jan 2027" in told
    table = words(tree(page).xpath('//table[@id="over-threats"]')[0])
    assert "Ops" in table


# ---------------------------------------------------------------- the Sign page


def test_the_sign_page_shows_the_very_document_with_what_is_open_marked(ada: Browser) -> None:
    page = ada.page("/r/r1/sign")
    shown = page.xpath('//*[@class="document"]')[0]
    exported = ada.page("/r/r1/export/html")
    own = [words(each) for each in exported.xpath("//main//p | //main//td")]
    told = [words(each).partition(" ⚑")[0] for each in shown.xpath(".//p | .//td")]
    lost = [text for text in own if text not in told and not text.startswith(("DRAFT", "T"))]
    assert lost == []
    assert words(shown).count("⚑") > 10
    assert len(set(page.xpath("//@id"))) == len(page.xpath("//@id"))


def test_what_is_marked_and_why(ada: Browser) -> None:
    one = next(each for each in ada.state.items if each.item.id == "posture")
    assert doubts_of(one, {}) == ("not decided", "never opened")
    decided = one.model_copy(update={"verdict": "confirmed"})
    assert doubts_of(decided, {"posture": 2.0}) == ()
    assert doubts_of(decided.model_copy(update={"bulk": True}), {"posture": 2.0}) == ("confirmed in bulk",)
    assert doubts_of(one.model_copy(update={"verdict": "waived"}), {"posture": 2.0}) == ("waived",)


# ---------------------------------------------------------------- differences in place


@pytest.mark.parametrize(
    ("before", "after", "gone", "new"),
    [
        ("It can delete all records of the base.", "It can delete no records of the base.", "all", "no"),
        ("One thing", "Something quite different is said here", "One thing", "Something quite different is said here"),
        (
            "Guests can delete all records",
            "Guests may drop some records",
            "can delete all",
            "may drop some",
        ),
        ("CVSS:4.0/AV:N/AC:L/UI:N", "CVSS:4.0/AV:N/AC:L/UI:A", "UI:N", "UI:A"),
    ],
)
def test_differences_stand_in_place(before: str, after: str, gone: str, new: str) -> None:
    assert [run for run in runs(before, after) if run.op != "same"] == [("gone", gone), ("new", new)]


@given(
    st.lists(st.sampled_from(["can", "may", "read", "write", "all", "no", "files", "keys", "/", ""])),
    st.lists(st.sampled_from(["can", "drop", "no", "files"])),
)
def test_both_texts_can_be_read_out_of_a_difference(one: list[str], two: list[str]) -> None:
    before, after = " ".join(one), " ".join(two)
    made = runs(before, after)
    assert "".join(run.text for run in made if run.op != "new") == before
    assert "".join(run.text for run in made if run.op != "gone") == after
    assert all(first.op != second.op for first, second in itertools.pairwise(made))


def test_versions_show_what_reads_otherwise_in_words_and_are_chosen_by_what_made_them(ada: Browser) -> None:
    threat = next(one for one in ada.state.items if one.item.kind == "threat")
    title = threat.item.title
    ada.act("correct", threat.item.id, title=f"{title} twice", reason="wording")
    ada.act("confirm", "posture")
    page = ada.page("/r/r1/compare")
    said = page.xpath('//*[contains(@class, "told-change")]')
    assert len(said) == 1
    assert [words(each) for each in said[0].xpath(".//ins")] == ["twice"]
    assert said[0].xpath(".//del") == []
    assert "Posture" in words(page.xpath('//*[contains(@class, "decided-list")]')[0])
    choices = [words(each) for each in page.xpath('//select[@id="a"]/option')]
    assert len(choices) == ada.state.version + 1
    assert any(title[:40] in choice for choice in choices)
    assert page.xpath('//select[@id="a"]/option[@selected]/@value') == ["0"]


def test_reviews_are_put_side_by_side_by_their_products_names() -> None:
    ada = Browser(CaseReviews("dify", "abridge"))
    page = ada.page("/compare")
    offered = page.xpath('//*[contains(@class, "offered")]//a')
    assert {words(each) for each in offered} == {"Dify", "Abridge"}
    first = ada.page(offered[0].get("href"))
    second = ada.page(first.xpath('//*[contains(@class, "offered")]//a/@href')[0])
    heads = [words(each) for each in second.xpath("//thead/tr/th/a[1]")]
    assert set(heads) == {"Dify", "Abridge"}
    assert second.xpath('//*[contains(@class, "offered")]') == []
    every, differing = second.xpath("//tbody/tr[th[@scope='row']]"), second.xpath("//tbody/tr[@class='differs']")
    assert 0 < len(differing) < len(every)
    keys = second.xpath('//form[contains(@class, "line")]//input[@name="keys"]/@value')[0]
    only = ada.page(f"/compare?keys={keys}&only=differing").xpath("//tbody/tr[th[@scope='row']]")
    assert len(only) == len(differing) + 2, "the score and what is not certain stay"
    for row in second.xpath("//tbody/tr[th[@scope='row']]")[2:13]:
        assert len(row.xpath(".//*[local-name()='svg']")) == 2
    assert "No match" in ada.text("/compare?find=nothing+like+it")


def test_a_statement_is_compared_part_by_part() -> None:
    before = {"statement": {"source": "a", "action": "read files", "impact": "x"}}
    after = {"statement": {"source": "a", "action": "write files", "impact": "y"}}
    assert len(differences(before, after, {})) == 2


# ---------------------------------------------------------------- the fact sheet


def rows_of(page: str) -> list[HtmlElement]:
    return list(tree(page).xpath('//table[contains(@class, "facts-table")]/tbody/tr'))


def test_the_fact_sheet_has_what_is_stated_and_what_is_not_and_forty_rows_at_once(ada: Browser) -> None:
    page = ada.get("/r/r1")
    facts = ada.state.drafted.facts
    assert facts is not None
    assert len(rows_of(page)) == len(facts.facts) + len(facts.absent)
    *stated, unstated = tree(page).xpath('//table[contains(@class, "facts-table")]')
    assert len(stated[0].xpath("./tbody/tr")) == min(len(facts.facts), 40)
    assert all(table.xpath("./ancestor::details") for table in (*stated[1:], unstated))
    assert all(row.xpath("./th/a") for table in stated for row in table.xpath("./tbody/tr"))
    for table in (stated[0], unstated):
        bands = [bool(row.xpath('.//*[text()="may change the band"]')) for row in table.xpath("./tbody/tr")]
        assert bands == sorted(bands, reverse=True)


def test_a_key_that_nobody_states_is_asked_from_its_row(ada: Browser) -> None:
    drafted = ada.state.drafted
    assert drafted.facts is not None
    about = {key for one in drafted.questions for key in one.about}
    key = next(one.key for one in drafted.facts.absent if one.key not in about)
    row = next(row for row in rows_of(ada.get("/r/r1")) if row.get("data-fact") == key)
    (form,) = row.xpath("./ancestor::form")
    assert row.xpath(".//button[@name='key']/@value") == [key]
    to = ada.post("/r/r1/act", **filled(form), key=key)
    assert to.endswith(f"#row-key-{key}")
    page = ada.get(to.partition("#")[0])
    row = next(row for row in rows_of(page) if row.get("data-fact") == key)
    assert "Asked the vendor" in words(row)
    (link,) = row.xpath(".//td/a/@href")
    assert link.removeprefix("#") in tree(page).xpath("//@id")
    asked = link.removeprefix("#item-question-")
    question = next(one for one in ada.state.reviewed.questions if one.id == asked)
    assert question.text in ada.client.get("/r/r1/questionnaire/md").text.replace("\\", "")
    assert question.text in ada.text("/r/r1/sign")
    ada.act("undo")
    assert all(one.id != asked for one in ada.state.reviewed.questions)


def test_who_may_not_act_is_offered_no_question(ada: Browser) -> None:
    viewer = Browser(ada.reviews, role="viewer")
    assert not viewer.get("/r/r1").count('name="key"')
    assert ada.get("/r/r1").count('name="key"')


# ---------------------------------------------------------------- answers

LISTED = {
    "text": "Only listed tools run.", "url": "https://docs.example/limits", "kind": "vendor-answer",
    "states.0.key": "allow_list", "states.0.polarity": "asserted",
}  # fmt: skip


def test_what_an_answer_states_is_picked_in_its_form_and_shown_as_a_fact(ada: Browser) -> None:
    sent = ada.form("question/Q1", "answer", "/r/r1/questions")
    key = sent["states.0.key"]
    assert key in ada.state.reviewed.questions[0].about
    sent |= {
        "text": "Yes. Flows are a fixed list.", "url": "https://docs.example/limits",
        "states.0.polarity": "asserted", "states.0.value": "a fixed list", "quote": "Flows are a fixed list.",
    }  # fmt: skip
    to = ada.post("/r/r1/act", **sent)
    page = ada.get(to.partition("#")[0])
    shown = article(page, "question/Q1")
    assert "It states:" in words(shown)
    again = filled(shown.xpath('.//form[@data-verb="answer"]')[0])
    assert (again["states.0.polarity"], again["states.0.value"]) == ("asserted", "a fixed list")
    assert again["quote"] == "Flows are a fixed list."
    fact = ada.card(f"fact/Q1-{key}")
    assert "answer to Q1" in words(fact)
    assert "Flows are a fixed list." in words(fact)
    ada.act("confirm", f"fact/Q1-{key}")
    assert "Draft again" not in ada.text("/r/r1/questions")


def test_an_answer_that_states_nothing_asks_what_it_states(ada: Browser) -> None:
    ada.act("answer", "question/Q1", text="Yes.", url="https://docs.example/limits", kind="vendor-answer")
    assert "The answer states no fact yet" in ada.told("question/Q1")
    assert ada.state.answered == {}


def test_a_vendors_word_that_comforts_is_shown_as_noted(ada: Browser) -> None:
    ada.act("answer", "question/Q1", **LISTED)
    assert "only the vendor says so" in ada.told("fact/Q1-allow_list")
    ada.act("confirm", "fact/Q1-allow_list")
    assert "only the vendor says so" not in ada.told("fact/Q1-allow_list")


def test_a_refused_detail_can_be_mended_where_no_script_runs(ada: Browser) -> None:
    page = ada.act("answer", "question/Q1", 422, **LISTED, **{"states.0.value": "for ever"})
    form = filled(tree(page).xpath('//form[@data-verb="answer"]')[0])
    assert form["states.0.value"] == "for ever"
    assert "the value is not in the answer" in words(tree(page)).lower()
    ada.post("/r/r1/act", **{**form, "states.0.value": "listed tools"})
    (fact, _) = ada.state.answered["Q1-allow_list"]
    assert [slot.value for slot in fact.slots] == ["listed tools"]


def threats_on(fact: str, ada: Browser) -> list[str]:
    """Return the threats that fall if a fact is struck."""
    action = Action(verb="strike", item=fact, version=ada.state.version, reason="wrong-quote")
    return [name for name in ada.reviews.try_out("r1", action).state.fell if name.startswith("threat/")]


def test_a_struck_fact_says_what_fell_with_it_apart_from_what_stays() -> None:
    ada = Browser(CaseReviews("firecrawl-mcp"))
    facts = sorted((one.item for one in ada.state.items if one.item.kind == "fact"), key=lambda item: -item.weight)
    first = next(item.id for item in facts if threats_on(item.id, ada))
    ada.act("strike", first, reason="wrong-quote")
    fell = {f"#item-{name.replace('/', '-')}" for name in ada.state.fell}
    card = ada.card(first)
    lines = {
        words(each.xpath("./span")[0]): set(each.xpath("./a/@href")) for each in card.xpath('.//p[@class="hangs"]')
    }
    gone, kept = lines["Removed with it:"], lines["Changed with it:"]
    assert gone
    assert gone <= fell
    assert kept.isdisjoint(fell)


def test_the_outline_gives_no_tick_to_a_layer_that_is_not_certain() -> None:
    ada = Browser(CaseReviews("firecrawl-mcp"))
    layers = ada.state.reviewed.layers
    for key in layers:
        ada.act("confirm", f"layer/{key}")
        for threat in layers[key].threats:
            ada.act("confirm", f"threat/{threat.id}")
    nav = ada.page("/r/r1").xpath('//nav[contains(@class, "outline")]')[0]
    for key, layer in ada.state.reviewed.layers.items():
        link = nav.xpath(f'./a[@href="#section-{key}"]')[0]
        assert bool(link.xpath('.//*[@class="tick"]')) is layer.certain
        assert ("not certain" in words(link)) is (not layer.certain)
        assert LAYER_TITLES[key] in words(link)


def test_threats_are_left_out_by_the_number_that_the_review_gives_them() -> None:
    ada = Browser(CaseReviews("firecrawl-mcp"))
    told = ada.page("/r/r1").xpath('//section[@aria-labelledby="heading-dropped"]')[0]
    assert ada.state.reviewed.dropped
    every = ada.state.numbers
    assert not any(name in words(each) for each in told.xpath(".//li/span") for name in every)
