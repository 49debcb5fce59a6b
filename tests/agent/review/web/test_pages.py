"""The pages of the review app: what they show of a real draft, and every act through its form, without a script."""

import itertools
import json
import re
from pathlib import Path

import pytest
from lxml import html

from agent.review.domain.records import Action, Reviewer
from agent.review.web.templating import TEMPLATES
from tests.fakes.review.served_reviews import CaseReviews
from tests.fakes.review.web import HEADLINE, ORIGIN, Browser, tree, words

SCORE_MOVES = "factor/autonomy_of_action"


# ---------------------------------------------------------------- contents of the review page


def test_every_item_has_its_place_its_verdict_and_its_forms(ada: Browser) -> None:
    page = ada.page("/r/r1")
    state = ada.state
    shown = [element.get("data-item") for element in page.xpath("//article[@data-item]")]
    # The text of an ability is shown on the card of its fact.
    assert sorted(shown) == sorted(one.item.id for one in state.own)
    for one in state.own:
        element = page.xpath(f'//article[@data-item="{one.item.id}"]')[0]
        assert element.get("id") == "item-" + one.item.id.replace("/", "-")
        verbs = {form.get("data-verb") for form in element.xpath(".//form")}
        assert {"confirm", "correct", "waive"} <= verbs, one.item.id
        assert ("strike" in verbs) == (one.item.kind not in ("posture", "score")), one.item.id
        assert one.item.kind == "posture" or one.item.title in words(element) or one.item.kind == "layer"


def test_sources_are_shown_whole_and_each_citation_has_its_place(ada: Browser) -> None:
    page = ada.page("/r/r1")
    for document in ada.reviews.documents("r1"):
        column = page.xpath(f'//*[@data-document="{document.id}"]')[0]
        runs = column.xpath("./*[@data-start]")
        # The parser drops no initial line feed here: pieces are spans, not pre elements.
        assert "".join(run.text_content() for run in runs) == document.text
        for run in runs:
            start = int(run.get("data-start"))
            assert document.text[start : start + len(run.text_content())] == run.text_content()
    for link in page.xpath("//a[@data-cite]"):
        target = page.xpath(f'//*[@id="{link.get("href")[1:]}"]')
        assert len(target) == 1, link.get("href")
    assert page.xpath("//q")


def test_addresses_within_the_page_lead_somewhere_and_ids_stand_once(ada: Browser) -> None:
    for path in ("/r/r1", "/r/r1/add", "/r/r1/mitigations", "/r/r1/sign", "/r/r1/questions", "/r/r1/contests", "/"):
        page = ada.page(path)
        ids = page.xpath("//@id")
        assert len(ids) == len(set(ids)), path
        assert [href for href in page.xpath('//a[starts-with(@href, "#")]/@href') if href[1:] not in ids] == []


def test_every_input_has_a_label_and_headings_go_down_by_one(ada: Browser) -> None:
    own = ("", "/add", "/mitigations", "/sign", "/questions", "/contests")
    for path in ("/", *(f"/r/r1{each}" for each in own), "/people", "/compare"):
        page = ada.page(path)
        labelled = set(page.xpath("//label/@for"))
        for field in page.xpath('//input[not(@type="hidden")] | //select | //textarea'):
            named = field.get("id") in labelled or field.get("aria-label") or field.xpath("ancestor::label")
            assert named, html.tostring(field)
        levels = [int(heading.tag[1]) for heading in page.xpath("//h1 | //h2 | //h3 | //h4")]
        assert levels[0] == 1
        assert all(two - one <= 1 for one, two in itertools.pairwise(levels)), (path, levels)
        assert len(page.xpath("//main")) == 1


def test_no_page_has_an_inline_script_or_style_and_no_template_trusts_a_text(ada: Browser) -> None:
    for path in ("/", "/r/r1", "/r/r1/add", "/r/r1/history", "/compare?keys=r1", "/help", "/people", "/nothing"):
        page = tree(ada.client.get(path).text)
        assert page.xpath("//@style | //style | //script[not(@src)] | //@*[starts-with(name(), 'on')]") == []
        outside = [
            address for address in page.xpath("//@src | //link/@href | //form/@action") if not address.startswith("/")
        ]
        assert outside == []
    for template in sorted(Path(TEMPLATES).glob("*.html")):
        assert not re.search(r"\|\s*safe|autoescape|Markup", template.read_text("utf-8")), template.name


def test_first_decisions_lead_to_their_items_and_the_bar_says_how_much_is_left(ada: Browser) -> None:
    page = ada.page("/r/r1")
    first = page.xpath('//*[@id="section-first"]//ol')[0].xpath(".//a/@href")
    assert 0 < len(first) <= 15
    assert first[0] == "#item-" + HEADLINE.replace("/", "-")
    bar = words(page.xpath('//header[@id="bar"]')[0])
    score = ada.state.reviewed.score
    assert f"{score.aivss} {score.severity}" in bar
    assert re.search(r"likely \d\.\d–10\.0", bar)
    assert f"{len(ada.reviews.review('r1').open)} open" in bar


def test_an_uncertain_layer_says_so_and_can_be_sent() -> None:
    ada = Browser(CaseReviews("abridge"))
    element = ada.card("layer/foundation_models")
    assert "not certain" in words(element)
    assert element.xpath('.//form[@data-verb="send"]')
    ada.act("send", "layer/foundation_models")
    assert "Asked the vendor" in ada.told("layer/foundation_models")


# ---------------------------------------------------------------- questions, contests, signing, other pages


def test_an_answer_is_recorded_and_an_older_draft_made_again_with_it() -> None:
    ada = Browser(CaseReviews("dify", older=True))
    assert "Draft again" not in ada.get("/r/r1/questions")
    to = ada.act(
        "answer", "question/Q1", text="Only read-only commands from a fixed list run unasked.",
        url="https://docs.example/limits", kind="vendor-answer", back="questions",
    )  # fmt: skip
    assert to.startswith("/r/r1/questions?since=")
    assert "Draft again with 1 answer" in ada.text(to)
    again = ada.post("/r/r1/redraft", version=ada.state.version)
    assert "Drafted again with Q1: " in words(ada.page(again).xpath('//*[@id="last"]')[0])
    assert "answer-Q1" in ada.get("/r/r1/history") + ada.get("/r/r1")


def test_a_contest_is_brought_in_decided_and_replied_to(ada: Browser) -> None:
    file = ada.client.get(f"/r/r1/contest/{HEADLINE}")
    assert file.headers["content-disposition"] == f'attachment; filename="r1-contest-{HEADLINE.replace("/", "-")}.yaml"'
    filled = file.text.replace("text: ''", "text: It runs in a sandbox.").replace("sender: ''", "sender: Acme")
    version = ada.state.version
    to = ada.post("/r/r1/response", file=filled, version=version)
    page = ada.page(to)
    assert "It runs in a sandbox." in words(page)
    assert "Contested" in ada.told(HEADLINE)
    number = ada.state.contests[0].number
    ada.act(
        "decide", HEADLINE, number=number, decision="refused", rule="The sandbox is off by default", back="contests"
    )
    assert "The sandbox is off by default" in ada.text("/r/r1/contests")
    assert "The sandbox is off by default" in ada.get("/r/r1/reply")


def test_a_response_file_that_is_none_is_shown_again(ada: Browser) -> None:
    version = ada.state.version
    answer = ada.post("/r/r1/response", 422, file="answers: [", version=version)
    assert "answers: [" in words(tree(answer))


def test_signing_needs_every_decision_and_reopening_a_note(ada: Browser) -> None:
    assert 'data-verb="sign"' not in ada.get("/r/r1/sign")
    ada.bulk_all()
    for one in ada.state.open:
        ada.act("waive", one.item.id, reason="accepted-risk", note="for now", back="sign")
    ada.act("send", section="questions")
    page = ada.get("/r/r1/sign")
    assert 'data-verb="sign"' in page
    assert "confirmed in bulk" in page
    assert ada.act("sign", back="sign").startswith("/r/r1/sign")
    signed = ada.text("/r/r1/sign")
    stamp = ada.state.stamp
    assert stamp is not None
    assert stamp.head in signed
    assert stamp.bulk > 5
    assert f"{stamp.bulk} confirmed in bulk" in signed
    assert "What was signed" in signed
    assert 'data-verb="confirm"' not in ada.get("/r/r1")
    ada.act("confirm", "posture", 422)
    ada.act("reopen", "", 422)
    ada.act("reopen", note="a new release")
    assert ada.state.stage == "open"


def test_a_version_of_the_past_is_shown_without_forms(ada: Browser) -> None:
    ada.act("confirm", "posture")
    past = ada.page("/r/r1?as_of=1")
    assert past.xpath("//article//form") == []
    assert past.xpath('//article[@data-item="posture"]/@data-verdict') == ["open"]
    assert past.xpath("//main/@data-frozen") == ["yes"]
    ada.get("/r/r1?as_of=99", 404)
    compared = ada.page("/r/r1/compare?a=1&b=2")
    (row,) = compared.xpath('//*[contains(@class, "decided-list")]/li')
    assert words(row).split() == ["Posture", "Open", "became", "→", "Confirmed", "by", "Ada"]
    assert "No event matches" in ada.get("/r/r1/history?by=Grace")
    assert "confirmed" in ada.text("/r/r1/history?item=posture")


def test_the_queue_filters_sorts_assigns_and_compares() -> None:
    ada = Browser(CaseReviews("dify", "abridge"))
    rows = [element.get("data-item") for element in ada.page("/").xpath("//tbody/tr")]
    assert rows == ["r1", "r2"]
    assert [e.get("data-item") for e in ada.page("/?sort=uncertain").xpath("//tbody/tr")] == ["r2", "r1"]
    assert [e.get("data-item") for e in ada.page("/?text=abri").xpath("//tbody/tr")] == ["r2"]
    assert "No review matches" in ada.get("/?severity=Low")
    assert ada.post("/bulk", verb="assign", key=["r1", "r2"], to="Grace") == "/?did=assign&n=2&left=0"
    assert [e.get("data-item") for e in ada.page("/?assigned=Grace").xpath("//tbody/tr")] == ["r1", "r2"]
    ada.post("/bulk", 422, verb="confirm", key=["r2"])
    assert all(one.verdict == "open" for one in ada.reviews.review("r2").items)
    assert ada.post("/bulk", verb="compare", key=["r1", "r2"]) == "/compare?keys=r1%2Cr2"
    sides = ada.page("/compare?keys=r1%2Cr2")
    assert "not stated" in words(sides)
    assert len(sides.xpath("//thead/tr/th")) == 3
    ada.get("/?sort=nonsense", 422)
    ada.get("/compare?keys=r1,r7", 404)


def test_a_second_reviewer_is_invited_on_this_machine(ada: Browser) -> None:
    page = tree(ada.post("/people", 200, name="Grace", role="approver"))
    address = page.xpath('//*[@class="token"]')[0].text_content()
    assert address.startswith(f"{ORIGIN}/enter?token=")
    ada.client.cookies.clear()
    assert ada.client.get(address.removeprefix(ORIGIN)).status_code == 303
    assert "Grace, approver" in ada.page("/people").text_content()
    ada.post("/people", 422, name="", role="analyst")
    ada.post("/people", 422, name="Eve", role="owner")


def test_time_is_kept_where_no_script_measures_it(ada: Browser) -> None:
    seen = ada.page("/r/r1").xpath("//noscript/input/@value")[0]
    ada.act("confirm", "posture", seen=int(seen) - 45)
    ada.act("confirm", SCORE_MOVES, seen=0)
    kept = ada.reviews.focus_by_item("r1")
    assert 45 <= kept["posture"] < 60
    assert kept[SCORE_MOVES] == 120


def test_exports_and_questionnaires_are_files_named_by_ids(ada: Browser) -> None:
    for path in (
        "export/md",
        "export/html",
        "export/json",
        "questionnaire/md",
        "questionnaire/csv",
        "questionnaire/docx",
    ):
        answer = ada.client.get(f"/r/r1/{path}")
        assert answer.status_code == 200
        assert re.fullmatch(
            r'attachment; filename="r1-[a-z0-9-]+\.(md|html|json|csv|docx)"', answer.headers["content-disposition"]
        )
    assert json.loads(ada.get("/r/r1/export/json"))["product"]["name"] == "Dify"
    ada.get("/r/r1/export/exe", 404)


@pytest.mark.parametrize(
    "path",
    [
        "/r/r9", "/r/x", "/r/r1/nothing", "/nothing", "/r/r1/source/D99", "/static/none.css", "/static/..%2fapp.py",
        "/r/r9/export/md", "/r/r1/contest/threat/none", "/r/r9/history",
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_plainly(ada: Browser, path: str) -> None:
    page = ada.get(path, 404)
    assert "Traceback" not in page


@pytest.mark.parametrize(
    "body", [b"\xff\xfe", b"a=%ff", b"&".join(b"a=1" for _ in range(600)), b"verb=confirm&version=x"]
)
def test_a_form_that_cannot_be_read_is_refused(ada: Browser, body: bytes) -> None:
    kind = {"origin": ORIGIN, "content-type": "application/x-www-form-urlencoded"}
    assert ada.client.post("/r/r1/act", content=body, headers=kind).status_code == 422
    assert ada.client.post("/r/r1/act", files={"verb": b"confirm"}, headers={"origin": ORIGIN}).status_code == 422


def test_hostile_words_are_shown_as_words(ada: Browser) -> None:
    attack = "</textarea><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7*7 }}"
    ada.act("correct", "posture", text=attack, reason="wording", note=attack)
    ada.act(
        "contest",
        "posture",
        kind="wrong",
        text=attack,
        url="https://x.example/'onmouseover='alert(1)",
        sender=attack[:70],
    )
    action = Action(verb="assign", version=ada.state.version, fields={"to": attack[:70]})
    ada.reviews.act("r1", action, Reviewer(name=attack[:70]))
    for path in ("/", "/r/r1", "/r/r1/history", "/r/r1/contests", "/r/r1/compare", "/r/r1/sign", "/?text=" + attack):
        page = ada.page(path)
        assert page.xpath("//script[not(@src)] | //img | //@onerror") == []
        assert page.xpath('//*[starts-with(@href, "javascript:")]') == []
        assert "49" not in words(page.xpath("//h1")[0])
