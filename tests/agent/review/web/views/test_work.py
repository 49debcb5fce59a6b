"""Mitigations of all threats in one table: sorted, filtered, edited in place, overdue ones, and as CSV."""

import csv
import io

import pytest

from agent.review.domain.items import threats_of
from tests.fakes.review.web import HEADLINE, ORIGIN, Browser, article, filled, tree, words

MILD = "CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"
PAGE = "/r/r1/mitigations"


def manage(browser: Browser, item: str, **fields: str) -> None:
    sent = {"verb": "manage", "item": item, "version": str(browser.reviews.review("r1").version), **fields}
    answer = browser.client.post("/r/r1/act", data=sent, headers={"origin": ORIGIN})
    assert answer.status_code == 303, answer.text[:500]


@pytest.fixture
def browser() -> Browser:
    """A review with three mitigations that have owners; the day is 2026-11-26."""
    made = Browser()
    work = [
        (name, each.text)
        for name, threat in threats_of(made.reviews.review("r1").reviewed).items()
        for each in threat.mitigations
    ]
    for (name, text), owner, due, status in zip(
        work, ("Ops", "Dev", "Ops"), ("2027-03-01", "2026-11-01", "2026-12-24"), ("open", "doing", "done"), strict=False
    ):
        manage(made, f"threat/{name}", mitigation=text, owner=owner, due=due, status=status)
    return made


def days(page: str) -> list[str]:
    cells = (words(each) for each in tree(page).xpath("//tbody/tr/td[1]"))
    return [cell for cell in cells if cell != "–"]


def test_what_is_due_first_stands_first_and_what_is_past_is_said(browser: Browser) -> None:
    assert days(browser.get(PAGE)) == ["1 Nov 2026 past due", "24 Dec 2026", "1 Mar 2027"]
    assert days(browser.get(f"{PAGE}?owner=Ops")) == ["24 Dec 2026", "1 Mar 2027"]
    assert days(browser.get(f"{PAGE}?status=done")) == ["24 Dec 2026"]
    assert days(browser.get(f"{PAGE}?late=yes")) == ["1 Nov 2026 past due"]
    assert days(browser.get(f"{PAGE}?sort=owner")) == ["1 Nov 2026 past due", "1 Mar 2027", "24 Dec 2026"]
    every = len(tree(browser.get(PAGE)).xpath("//tbody/tr"))
    assert every == len(list(csv.reader(io.StringIO(browser.get(f"{PAGE}/csv"))))) - 1
    browser.get(f"{PAGE}?status=maybe", 422)
    browser.get(f"{PAGE}?sort=up", 422)


def test_a_row_is_edited_in_the_table_and_leads_back_to_it(browser: Browser) -> None:
    row = tree(browser.get(PAGE)).xpath('//tbody/tr[.//form[@data-verb="manage"]]')[0]
    sent = filled(row.xpath(".//form")[0]) | {"owner": "Grace", "residual": MILD, "note": "by the gateway"}
    to = browser.client.post("/r/r1/act", data=sent, headers={"origin": ORIGIN}).headers["location"]
    assert to.startswith(f"{PAGE}?since=")
    told = words(tree(browser.get(PAGE)).xpath("//tbody/tr")[0])
    assert "Grace" in told
    assert "by the gateway" in told
    assert "product" in told
    assert "past due" in told
    answer = browser.client.post("/r/r1/act", data=sent | {"due": "soon"}, headers={"origin": ORIGIN})
    assert answer.status_code == 422
    assert "by the gateway" in answer.text


def test_an_item_says_what_is_left_of_threat_and_product(browser: Browser) -> None:
    threat = threats_of(browser.reviews.review("r1").reviewed)[HEADLINE.removeprefix("threat/")]
    text = threat.mitigations[0].text
    manage(browser, HEADLINE, mitigation=text, residual=MILD, due="2026-01-31", status="planned")
    told = words(article(browser.get("/r/r1"), HEADLINE))
    assert f"base {threat.score.cvss_base} → " in told
    assert "the product" in told
    assert "past due" in told
    page = words(tree(browser.get(PAGE)).xpath("//main")[0])
    assert "With all mitigations except those that will not be done" in page
    assert "With all finished mitigations" not in page


def test_work_of_a_struck_threat_is_still_listed(browser: Browser) -> None:
    threat = threats_of(browser.reviews.review("r1").reviewed)[HEADLINE.removeprefix("threat/")]
    manage(browser, HEADLINE, mitigation=threat.mitigations[0].text, owner="Zoe")
    browser.act("strike", HEADLINE, reason="not-supported")
    row = next(each for each in tree(browser.get(PAGE)).xpath("//tbody/tr") if "Zoe" in words(each))
    assert "its threat was struck" in words(row)
    assert not row.xpath(".//form")


def test_a_signed_review_is_still_worked_on_and_its_export_stays(browser: Browser) -> None:
    every = " ".join(one.item.id for one in browser.reviews.review("r1").items)
    for section in {one.item.section for one in browser.reviews.review("r1").items}:
        browser.act("bulk", section=section, seen=every)
    for one in browser.reviews.review("r1").open:
        browser.act("confirm", one.item.id)
    browser.act("sign")
    before = browser.get("/r/r1/export/md")
    row = tree(browser.get(PAGE)).xpath('//tbody/tr[.//form[@data-verb="manage"]]')[0]
    sent = filled(row.xpath(".//form")[0]) | {"status": "done", "owner": "Ada"}
    manage(browser, sent.pop("item"), **sent)
    browser.act("comment", "posture", text="read it twice")
    assert "read it twice" in words(article(browser.get("/r/r1"), "posture"))
    assert browser.get("/r/r1/export/md") == before


def test_a_viewer_sees_the_table_and_no_form(browser: Browser) -> None:
    viewer = Browser(browser.reviews, name="Vic", role="viewer")
    assert days(viewer.get(PAGE))
    assert not tree(viewer.get(PAGE)).xpath('//form[@method="post"]')
