"""The page that adds a threat, without a script: preview as a step, nothing lost, and the JSON twin."""

from itertools import pairwise

import pytest

from agent.review.domain.items import threats_of
from tests.fakes.review.web import ORIGIN, Browser, filled, tree, words

VECTOR = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"
WORDS = "every app has an API"
PARTS = {f"statement.{part}": f"some {part}" for part in ("source", "prerequisite", "action", "impact", "asset")}


def form(page: str) -> dict[str, str]:
    return filled(tree(page).xpath('//form[@data-verb="add"]')[0])


def checked(page: str, name: str) -> list[str]:
    return [str(value) for value in tree(page).xpath(f'//input[@name="{name}" and @checked]/@value')]


def preview(page: str) -> str:
    return words(tree(page).xpath('//*[@id="weighed"]')[0])


def step(ada: Browser, sent: dict[str, object]) -> str:
    return ada.post("/r/r1/add", 200, **sent)


def test_a_threat_is_written_in_steps_and_each_shows_what_it_comes_to(ada: Browser) -> None:
    assert "Add a threat" in words(ada.page("/r/r1/add").xpath("//main")[0])
    sent: dict[str, object] = {**form(ada.get("/r/r1/add")), "title": "A flow leaks", "layer": "agent_ecosystem"}
    page = step(ada, sent)
    assert "A flow leaks" in preview(page)
    assert "Still missing" in preview(page)
    page = step(ada, {**form(page), **PARTS, "cvss_vector": VECTOR})
    assert "Some source" in preview(page)
    assert "10.0" in preview(page)
    assert "Without a quote, it cannot be the headline" in preview(page)
    assert checked(page, "cvss.SA") == ["H"]
    page = step(ada, {**form(page), "document": "D1", "quote": WORDS, "taxonomy": "stride STRIDE-T"})
    assert [words(each) for each in tree(page).xpath('//*[@id="chosen"]//q')] == [WORDS]
    assert "rest on this threat" in preview(page)
    assert "Ready" in preview(page)
    to = ada.post("/r/r1/act", **form(page))
    assert to.endswith("#item-threat-H1-a-flow-leaks")
    made = threats_of(ada.state.reviewed)["H1-a-flow-leaks"]
    quotes = {item.id: item.quote for item in ada.state.reviewed.evidence}
    assert [quotes[mark] for mark in made.evidence] == [WORDS]
    assert [ref.id for ref in made.taxonomy] == ["STRIDE-T"]
    assert form(ada.get("/r/r1/add"))["title"] == ""


def test_a_chosen_quote_and_a_fact_are_let_go_by_their_ticks(ada: Browser) -> None:
    facts = ada.state.reviewed.facts
    assert facts is not None
    fact = facts.facts[0].id
    page = ada.get(f"/r/r1/add?span=D1:0:4&fact={fact}&layer=agent_ecosystem")
    assert checked(page, "span") == ["D1:0:4"]
    assert checked(page, "fact") == [fact]
    assert tree(page).xpath('//select[@name="layer"]/option[@selected]/@value') == ["agent_ecosystem"]
    sent = {name: value for name, value in form(page).items() if name not in ("span", "fact")}
    page = step(ada, {**sent, "title": "T"})
    assert checked(page, "span") == checked(page, "fact") == []


def test_what_was_chosen_counts_until_the_text_is_changed(ada: Browser) -> None:
    page = step(ada, {**form(ada.get("/r/r1/add")), "cvss_vector": VECTOR})
    page = step(ada, {**form(page), "cvss.SA": "N"})
    assert form(page)["cvss_vector"] == VECTOR.replace("SA:H", "SA:N")
    page = step(ada, {**form(page), "cvss_vector": VECTOR.replace("AV:N", "AV:L")})
    assert checked(page, "cvss.AV") == ["L"]
    page = step(ada, {**form(page), "cvss_vector": VECTOR.replace("AV:N", "AV:X")})
    assert form(page)["cvss_vector"] == VECTOR.replace("AV:N", "AV:X")
    assert "AV (attack vector) has no value 'X'" in words(tree(page).xpath('//*[@id="vector-wrong"]')[0])


def test_a_half_filled_form_outlives_a_refusal_and_a_reload(ada: Browser) -> None:
    sent: dict[str, object] = {
        **PARTS, "statement.asset": "", "layer": "agent_ecosystem", "title": "A flow leaks", "cvss_vector": VECTOR,
        "span": "D1:0:4", "taxonomy": "owasp-asi ASI02", "mitigations.0.text": "Ask first", "note": "from the pilot",
        "mitigations.0.who": "vendor", "mitigations.0.status": "claimed", "how": "Anyone does it (E4).",
    }  # fmt: skip
    answer = ada.act("add", "", 422, **sent)
    for page in (answer, ada.get("/r/r1/add")):
        kept = form(page)
        assert {name: kept[name] for name in ("title", "note", "cvss_vector", "layer", "statement.source")} == {
            name: sent[name] for name in ("title", "note", "cvss_vector", "layer", "statement.source")
        }
        assert (checked(page, "span"), checked(page, "taxonomy")) == (["D1:0:4"], ["owasp-asi ASI02"])
        assert [kept[f"mitigations.0.{part}"] for part in ("text", "who", "status")] == [
            "Ask first",
            "vendor",
            "claimed",
        ]
        assert kept["how"] == "Anyone does it (E4)."
    # For one reviewer only, and until it is started again.
    ada.enter("Grace")
    assert form(ada.get("/r/r1/add"))["title"] == ""
    ada.enter("Ada")
    assert form(ada.get("/r/r1/add"))["title"] == "A flow leaks"
    assert ada.post("/r/r1/add", anew="yes") == "/r/r1/add"
    assert form(ada.get("/r/r1/add"))["title"] == ""


def test_a_preview_stores_nothing_and_a_viewer_makes_none(ada: Browser) -> None:
    part = ada.post("/r/r1/add?part=preview", 200, title="A flow leaks", cvss_vector=VECTOR)
    assert "A flow leaks" in part
    assert "<form" not in part
    assert ada.events() == ()
    viewer = Browser(ada.reviews, name="Vic", role="viewer")
    viewer.post("/r/r1/add", 403, title="T")


@pytest.mark.parametrize(
    "fields",
    [
        {"span": "D9:1:2"}, {"span": "nonsense"}, {"span": "D1:999999:9999999"}, {"fact": "F0"}, {"evidence": "E999"},
        {"taxonomy": "stride STRIDE-X"}, {"taxonomy": "none"}, {"layer": "cellar"}, {"cvss_vector": "garbage/:/::"},
        {"title": "x" * 5000}, {"title": "a\0b"}, {"cvss.AV": "Q"}, {"quote": "nobody says so", "document": "D1"},
    ],
)  # fmt: skip
def test_whatever_is_sent_is_shown_again_with_what_is_wrong(ada: Browser, fields: dict[str, str]) -> None:
    page = step(ada, {"title": "T", "layer": "agent_ecosystem", **fields})
    name, value = next(iter(fields.items()))
    shown = tree(page)
    assert shown.xpath('//*[contains(@class, "weak")][normalize-space()]|//*[@role="alert"]')
    if name in ("title", "quote", "evidence"):
        assert value in page or "\0" in value
    ada.act("add", "", 422, **fields)


def test_lists_are_chosen_by_title_and_the_first_are_stride_and_agentic_ones(ada: Browser) -> None:
    lists = ada.page("/r/r1/add").xpath('//*[@id="lists"]//summary')
    heads = [words(each) for each in lists]
    assert [head.partition(",")[0] for head in heads[:3]] == [
        "STRIDE", "OWASP Top 10 for Agentic Applications", "OWASP Agentic AI Threats and Mitigations",
    ]  # fmt: skip
    assert all(one != two for one, two in pairwise(heads))


def test_the_twin_weighs_a_threat_and_lists_work(ada: Browser) -> None:
    asked = {"fields": {"title": "A flow leaks", "cvss_vector": VECTOR, "evidence": ["E4"]}}
    told = ada.client.post("/api/r/r1/weigh", json=asked, headers={"origin": ORIGIN}).json()
    assert (told["base"], told["leads"], told["title"]) == (10.0, True, "A flow leaks")
    rows = ada.client.get("/api/r/r1/mitigations").json()["rows"]
    assert {row["work"]["status"] for row in rows} == {"open"}
