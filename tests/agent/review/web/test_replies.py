"""Responses to acts, and the text of history and error pages: words, never the stored representation."""

import re

import pytest

from agent.review.domain.items import is_unstated
from agent.taxonomy.factors import FACTOR_TITLES, FactorKey
from tests.fakes.review.served_reviews import CaseReviews
from tests.fakes.review.web import HEADLINE, Browser, article, tree, words

SCORE_MOVES = "factor/autonomy_of_action"


def answer(ada: Browser, to: str) -> str:
    return words(ada.page(to).xpath('//*[@id="bar-moved"]')[0])


def test_the_bar_says_what_was_done_and_that_the_score_stays(ada: Browser) -> None:
    score = ada.state.drafted.score
    stays = f"score stays {score.aivss} {score.severity}"
    assert answer(ada, ada.act("confirm", "posture")) == f"Confirmed “Posture”; {stays}"
    every = " ".join(one.item.id for one in ada.state.items)
    told = answer(ada, ada.act("bulk", section="factors", seen=every))
    assert re.fullmatch(rf"Confirmed \d+ items in bulk; {re.escape(stays)}", told)
    undone = answer(ada, ada.act("undo"))
    assert undone == f"Undone: c{told[1:]}"
    assert answer(ada, ada.act("redo")) == undone.replace("Undone", "Redone")
    ada.act("undo")
    history = ada.text("/r/r1/history")
    assert f"undid: confirmed {told.split()[1]} items in bulk" in history
    assert answer(ada, ada.act("send", "question/Q1")).startswith("Asked the vendor: “")


def test_an_act_that_changes_nothing_says_so(ada: Browser) -> None:
    ada.act("confirm", "posture")
    to = ada.act("confirm", "posture")
    assert "Nothing changed" in answer(ada, to)


def test_a_score_that_stays_is_not_shown_as_an_arrow(ada: Browser) -> None:
    state = ada.state
    low = min(float(one.low) for one in state.drafted.factors.values())
    key, one = next((key, each) for key, each in state.drafted.factors.items() if float(each.low) > low)
    told = answer(ada, ada.act("correct", f"factor/{key}", low="0", reason="wrong-value"))
    assert "→" not in told.partition(":")[0]
    assert one.value == ada.state.reviewed.factors[key].value
    shown = ada.page("/r/r1").xpath('//*[@id="bar-moved"]')[0]
    assert "now" not in words(shown)


def test_a_reason_is_offered_only_where_it_makes_sense(ada: Browser) -> None:
    page = ada.get("/r/r1")

    def offered(item: str, verb: str = "correct") -> set[str]:
        return set(article(page, item).xpath(f'.//form[@data-verb="{verb}"]//select[@name="reason"]/option/@value'))

    assert "wrong-severity" not in offered("posture")
    assert "wrong-value" not in offered("posture")
    assert "wrong-severity" in offered(HEADLINE)
    assert "wrong-layer" in offered(HEADLINE, "strike")
    assert "wrong-layer" not in offered(SCORE_MOVES, "strike")
    assert {"wrong-value", "not-supported"} <= offered(SCORE_MOVES)


def test_what_moved_the_score_is_said_once(ada: Browser) -> None:
    drafted = ada.state.drafted
    told = answer(ada, ada.act("correct", SCORE_MOVES, value="0", reason="wrong-value"))
    was, now, value = drafted.score, ada.state.reviewed.score, drafted.factors["autonomy_of_action"].value
    scores = f"{was.aivss} {was.severity} → {now.aivss} {now.severity}"
    assert told.startswith(f"{scores}: Autonomy of Action {value} → 0.0 (")
    told = answer(ada, ada.act("strike", HEADLINE, reason="not-applicable"))
    assert told.startswith("Struck “")
    assert "headline" in told


def test_the_history_has_no_object_of_the_store_in_it() -> None:
    ada = Browser(CaseReviews(older=True))
    held = next(one.item.id for one in ada.state.items if one.item.kind == "capability")
    quote = ada.reviews.documents("r1")[0].text.splitlines()[0]
    ada.act("attach", held, document="D1", quote=quote)
    ada.act("correct", SCORE_MOVES, value="0", reason="wrong-value")
    ada.act("strike", HEADLINE, reason="not-applicable")
    ada.act("undo")
    ada.act("answer", "question/Q1", text="No.", url="https://docs.example/limits", kind="vendor-answer")
    ada.post("/r/r1/redraft", version=ada.state.version)
    page = words(ada.page("/r/r1/history").xpath("//main")[0])
    assert not re.search(r"[\[\]{}]|None|withheld|documents:|batch", page)
    assert "with the answers to Q1" in page
    assert re.search(r"evidence added E\d+", page)
    value = ada.state.drafted.factors["autonomy_of_action"].value
    assert re.search(rf"value {re.escape(f'{value:g}')} 0 low end 0\.\d 0 high end 0\.\d 0", page)


def test_the_history_names_what_was_confirmed_in_bulk_and_what_came_back_and_shows_one_person_alone(
    ada: Browser,
) -> None:
    items = ada.state.items
    seen = [one.item.id for one in items if one.item.section == "facts" and one.item.supported]
    ada.act("bulk", section="facts", seen=" ".join(seen))
    grace = ada.second("Grace")
    grace.act("strike", seen[0], reason="wrong-quote")
    to = grace.act("confirm", seen[0])
    assert answer(grace, to).startswith("Restored “")
    events = ada.page("/r/r1/history").xpath('//li[@class="event"]')
    assert "restored" in words(events[0])
    held = {link.removeprefix("/r/r1#item-fact-") for link in events[-2].xpath(".//details//a/@href")}
    assert held == {item.removeprefix("fact/") for item in seen}
    # Struck, undone and confirmed counts as a confirmation, and nothing was restored.
    grace.act("strike", seen[1], reason="wrong-quote")
    grace.act("undo")
    grace.act("correct", seen[1], polarity="configurable", reason="wrong-quote")
    assert not answer(grace, grace.act("confirm", seen[1])).startswith("Restored")
    alone = ada.page("/r/r1/history?by=Ada").xpath('//li[@class="event"]')
    assert {words(each.xpath(".//b")[0]) for each in alone} == {"Ada"}
    assert len(alone) < len(events)
    of_item = ada.page(f"/r/r1/history?item={seen[0]}").xpath('//li[@class="event"]')
    assert len(of_item) == 3


def test_a_page_that_is_not_there_names_no_pattern_and_leads_on(ada: Browser) -> None:
    for path in ("/r/zz", "/nothing"):
        page = words(ada.page(path, 404).xpath("//main")[0])
        assert "There is no such page" in page
        assert not re.search(r"pattern|path\.|\^r", page)
    page = words(ada.page("/r/r1?as_of=x", 422).xpath("//main")[0])
    assert "The address cannot be read" in page
    assert "as of" in page


def test_a_refused_field_is_called_as_its_form_calls_it(ada: Browser) -> None:
    said = {f"statement.{part}": "x" for part in ("prerequisite", "action", "impact", "asset")}
    page = ada.act("add", "", 422, layer="foundation_models", title="T", **{**said, "statement.source": ""})
    told = words(tree(page).xpath('//*[@role="alert"]')[0])
    assert "Who or what it comes from" in told
    assert "statement." not in told
    form = ada.page("/r/r1/add").xpath('//form[@data-verb="add"]')[0]
    assert len(form.xpath('.//textarea[starts-with(@name, "statement.")][@required]')) == 5


def test_a_hint_begins_as_a_sentence(ada: Browser) -> None:
    page = ada.act("correct", "posture", 422, text="It says “never in any source”.", reason="wording")
    told = words(tree(page).xpath('//*[@role="alert"]')[0])
    assert all(part[0].isupper() for part in re.split(r"(?<=\.) ", told)), told


# ---------------------------------------------------------------- the items


def test_the_score_names_the_threat_it_rests_on_and_what_the_factors_add(ada: Browser) -> None:
    element = ada.card("score")
    assert element.xpath(f'.//a[@href="#item-{HEADLINE.replace("/", "-")}"]')
    score = ada.state.reviewed.score
    assert f"CVSS base {score.cvss_base}, plus {score.aars:.2f} for agentic factors" in words(element)


def test_the_parts_of_a_factor_add_up_as_they_are_shown(ada: Browser) -> None:
    page = ada.page("/r/r1")
    for table in page.xpath('//article[@data-kind="factor"]//table[tfoot]'):
        shown = [float(words(cell).replace("−", "-")) for cell in table.xpath('.//td[@class="figure"]')]
        assert sum(shown[:-1]) == pytest.approx(shown[-1], abs=1e-9)


def test_the_first_decisions_are_few_and_the_rest_is_folded() -> None:
    section = tree(Browser(CaseReviews("abridge")).get("/r/r1")).xpath('//*[@id="section-first"]')[0]
    shown = section.xpath('./ol[@class="decisions"]/li')
    rest = section.xpath('.//details[@class="decisions-more"]//li')
    assert 0 < len(shown) <= 6 < len(shown) + len(rest)
    assert f"{len(rest)} more" in words(section)


def unstated(ada: Browser) -> FactorKey:
    """Return a factor that no source states."""
    return next(key for key, one in ada.state.drafted.factors.items() if is_unstated(one) and one.value < 1)


def test_what_has_no_quote_is_not_said_to_have_lost_one() -> None:
    ada = Browser(CaseReviews("abridge"))
    item = f"factor/{unstated(ada)}"
    element = ada.told(item)
    assert "it has no quote" in element
    assert "not found in the source" not in element
    ada.act("correct", item, value="1", reason="known-otherwise")
    element = ada.told(item)
    assert "no quote" in element
    assert "not stated" not in element


def test_a_contested_item_leads_to_its_contest(ada: Browser) -> None:
    way = '//article[@data-item="posture"]//a[text()="Resolve the contest"]/@href'
    assert not ada.page("/r/r1").xpath(way)
    ada.act("contest", "posture", kind="wrong", text="It is not so.")
    assert ada.page("/r/r1").xpath(way) == ["/r/r1/contests#item-posture"]
    assert "Resolve the contest" in ada.get("/r/r1/sign")


def test_side_by_side_knows_what_a_reviewer_set() -> None:
    ada = Browser(CaseReviews("abridge"))
    key = unstated(ada)
    row = f'//tr[th[text()="{FACTOR_TITLES[key]}"]]/td'
    assert "not stated" in words(ada.page("/compare?keys=r1,r1").xpath(row)[0])
    ada.act("correct", f"factor/{key}", value="1", reason="known-otherwise")
    cell = ada.page("/compare?keys=r1,r1").xpath(row)[0]
    assert "no quote" in words(cell)
    assert cell.get("class") != "unknown"


def test_a_mark_of_alarm_is_kept_for_more_than_claims() -> None:
    claims = tree(Browser(CaseReviews()).get("/r/r1"))
    assert claims.xpath('//*[@class="findings"]')
    assert not claims.xpath('//*[@class="flagged"]')
