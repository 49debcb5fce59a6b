"""Mitigations of all threats in one table: sorted, filtered, edited in place, overdue ones, and as CSV."""

import csv
import io

import pytest

from agent.review.domain.items import threats_of
from tests.fakes.review.web import HEADLINE, Browser, filled, tree, words

MILD = "CVSS:4.0/AV:P/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"
PAGE = "/r/r1/mitigations"


@pytest.fixture
def ada() -> Browser:
    """A review with three mitigations that have owners; the day is 2026-11-26."""
    made = Browser()
    work = [
        (name, each.text) for name, threat in threats_of(made.state.reviewed).items() for each in threat.mitigations
    ]
    for (name, text), owner, due, status in zip(
        work, ("Ops", "Dev", "Ops"), ("2027-03-01", "2026-11-01", "2026-12-24"), ("open", "doing", "done"), strict=False
    ):
        made.act("manage", f"threat/{name}", mitigation=text, owner=owner, due=due, status=status)
    return made


def days(page: str) -> list[str]:
    cells = (words(each) for each in tree(page).xpath("//tbody/tr/td[1]"))
    return [cell for cell in cells if cell != "–"]


def test_what_is_due_first_stands_first_and_what_is_past_is_said(ada: Browser) -> None:
    assert days(ada.get(PAGE)) == ["1 Nov 2026 past due", "24 Dec 2026", "1 Mar 2027"]
    assert days(ada.get(f"{PAGE}?owner=Ops")) == ["24 Dec 2026", "1 Mar 2027"]
    assert days(ada.get(f"{PAGE}?status=done")) == ["24 Dec 2026"]
    assert days(ada.get(f"{PAGE}?late=yes")) == ["1 Nov 2026 past due"]
    assert days(ada.get(f"{PAGE}?sort=owner")) == ["1 Nov 2026 past due", "1 Mar 2027", "24 Dec 2026"]
    every = len(ada.page(PAGE).xpath("//tbody/tr"))
    assert every == len(list(csv.reader(io.StringIO(ada.get(f"{PAGE}/csv"))))) - 1
    ada.get(f"{PAGE}?status=maybe", 422)
    ada.get(f"{PAGE}?sort=up", 422)


def test_a_row_is_edited_in_the_table_and_leads_back_to_it(ada: Browser) -> None:
    row = ada.page(PAGE).xpath('//tbody/tr[.//form[@data-verb="manage"]]')[0]
    sent = filled(row.xpath(".//form")[0]) | {"owner": "Grace", "residual": MILD, "note": "by the gateway"}
    assert ada.post("/r/r1/act", **sent).startswith(f"{PAGE}?since=")
    told = words(ada.page(PAGE).xpath("//tbody/tr")[0])
    assert "Grace" in told
    assert "by the gateway" in told
    assert "product" in told
    assert "past due" in told
    assert "by the gateway" in ada.post("/r/r1/act", 422, **sent | {"due": "soon"})


def test_an_item_says_what_is_left_of_threat_and_product(ada: Browser) -> None:
    threat = threats_of(ada.state.reviewed)[HEADLINE.removeprefix("threat/")]
    text = threat.mitigations[0].text
    ada.act("manage", HEADLINE, mitigation=text, residual=MILD, due="2026-01-31", status="planned")
    told = ada.told(HEADLINE)
    assert f"base {threat.score.cvss_base} → " in told
    assert "the product" in told
    assert "past due" in told
    page = words(ada.page(PAGE).xpath("//main")[0])
    assert "With all mitigations except those that will not be done" in page
    assert "With all finished mitigations" not in page


def test_work_of_a_struck_threat_is_still_listed(ada: Browser) -> None:
    threat = threats_of(ada.state.reviewed)[HEADLINE.removeprefix("threat/")]
    ada.act("manage", HEADLINE, mitigation=threat.mitigations[0].text, owner="Zoe")
    ada.act("strike", HEADLINE, reason="not-supported")
    row = next(each for each in ada.page(PAGE).xpath("//tbody/tr") if "Zoe" in words(each))
    assert "its threat was struck" in words(row)
    assert not row.xpath(".//form")


def test_a_signed_review_is_still_worked_on_and_its_export_stays(ada: Browser) -> None:
    ada.bulk_all()
    for one in ada.state.open:
        ada.act("confirm", one.item.id)
    ada.act("sign")
    before = ada.get("/r/r1/export/md")
    row = ada.page(PAGE).xpath('//tbody/tr[.//form[@data-verb="manage"]]')[0]
    sent = filled(row.xpath(".//form")[0]) | {"status": "done", "owner": "Ada"}
    ada.post("/r/r1/act", **sent)
    ada.act("comment", "posture", text="read it twice")
    assert "read it twice" in ada.told("posture")
    assert ada.get("/r/r1/export/md") == before


def test_a_viewer_sees_the_table_and_no_form(ada: Browser) -> None:
    viewer = Browser(ada.reviews, name="Vic", role="viewer")
    assert days(viewer.get(PAGE))
    assert not viewer.page(PAGE).xpath('//form[@method="post"]')
