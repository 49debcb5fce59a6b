"""What a review says beside a draft's parts: numbers of threats that never change, work, answers, decided contests."""

from agent.records import Draft
from agent.report.draft_json import dump, parse
from agent.report.markdown import render
from agent.report.view import View
from agent.review.domain.items import threats_of
from tests.fakes.review.reviewing import Desk
from tests.fakes.review.strategies import VECTORS

DESK = Desk.of_case("firecrawl-mcp")
READS = DESK.one("capability/C1").via[0]
NEW = {
    "layer": "agent_frameworks", "title": "Prices change", "cvss_vector": VECTORS[1], "evidence": ["E3"],
    "statement": dict.fromkeys(("source", "prerequisite", "action", "impact", "asset"), "a thing"),
}  # fmt: skip


def numbers(draft: Draft) -> dict[str, int]:
    return {placed.threat.id: placed.number for placed in View(draft).threats}


def old(desk: Desk) -> Desk:
    """The same review as an earlier release stored it: its events name no numbers and no titles."""
    events = []
    for event in desk.events:
        after = {name: value for name, value in (event.after or {}).items() if name not in ("called", "number")}
        if isinstance(sheet := after.get("sheet"), dict):
            after["sheet"] = {name: value for name, value in sheet.items() if name != "numbers"}
        events.append(event.model_copy(update={"after": after or None}))
    return Desk(desk.draft, desk.documents, tuple(events), desk.revisions)


def test_a_number_is_what_a_threat_had_whatever_is_struck_added_or_comes() -> None:
    first = numbers(DESK.draft)
    struck = DESK.act("strike", READS)
    assert {name: n for name, n in numbers(struck.state.reviewed).items() if name in first}.items() <= first.items()
    (came,) = numbers(struck.state.reviewed).keys() - first.keys()
    added = struck.act("add", **NEW)
    given = numbers(added.state.reviewed)
    assert (given[came], given["H1-prices-change"]) == (len(first) + 1, len(first) + 2)
    back = added.act("confirm", READS)
    assert numbers(back.state.reviewed) == {**first, "H1-prices-change": len(first) + 2}
    assert numbers(back.act("strike", READS).state.reviewed)[came] == len(first) + 1


def test_a_number_is_never_used_twice_not_even_after_an_undo() -> None:
    undone = DESK.act("add", **NEW).act("undo")
    assert dump(undone.state.reviewed) == dump(DESK.draft)
    after = undone.act("add", **NEW)
    assert numbers(after.state.reviewed)["H2-prices-change"] == len(numbers(DESK.draft)) + 2


def test_texts_and_the_document_use_the_numbers_of_the_review() -> None:
    gone = View(DESK.draft).threats[1]
    after = DESK.act("strike", f"threat/{gone.threat.id}").state.reviewed
    text = render(after, DESK.documents)
    first = numbers(DESK.draft)
    for placed in View(after).threats:
        assert f"T{first[placed.threat.id]} · {placed.threat.title}" in text.replace("`", "")
    assert f"{gone.name} ·" not in text
    assert parse(dump(after), where="it") == after


def test_events_of_before_have_numbers_all_the_same() -> None:
    new = DESK.act("strike", READS).act("add", **NEW)
    held = old(new).state
    assert len(set(held.numbers.values())) == len(held.numbers)
    assert numbers(held.reviewed).keys() == numbers(new.state.reviewed).keys()
    later = old(new).act("strike", "threat/H1-prices-change").state
    assert held.numbers.items() <= later.numbers.items()


def test_work_an_answer_and_a_refused_contest_are_in_the_document() -> None:
    threat = next(t for t in threats_of(DESK.draft).values() if any(m.who == "you" for m in t.mitigations))
    todo = next(m.text for m in threat.mitigations if m.who == "you")
    item = f"threat/{threat.id}"
    desk = DESK.act("manage", item, mitigation=todo, owner="R. Ortiz", due="2027-01-31", status="doing")
    desk = desk.act("contest", item, kind="wrong", text="Switched off by default.", sender="The vendor")
    desk = desk.act("decide", item, decision="refused", rule="No page says so.")
    asked = desk.state.reviewed.questions[0]
    desk = desk.act("answer", f"question/{asked.id}", text="We cannot say.", note="by mail")
    assert asked.id not in {one.id for one in desk.state.reviewed.questions}
    text = render(desk.state.reviewed, desk.documents)
    for told in ("R. Ortiz, due 2027-01-31, in work", "refused: No page says so", "We cannot say.", asked.text):
        assert told in text
    part = text.partition("## Ask the vendor")[2].partition("\n## ")[0]
    assert asked.text not in part


def test_what_is_noted_behind_a_signature_is_not_in_what_was_signed() -> None:
    signed = DESK.closed().act("sign")
    threat = next(iter(threats_of(DESK.draft).values()))
    later = signed.act("manage", f"threat/{threat.id}", mitigation=threat.mitigations[0].text, owner="Ops")
    assert later.state.managed
    assert dump(later.state.reviewed) == dump(signed.state.reviewed)


def test_the_decision_of_the_signer_and_waivers_by_title_are_in_the_document() -> None:
    threat = View(DESK.draft).threats[2]
    desk = DESK.act("waive", f"threat/{threat.threat.id}", reason="out-of-scope").closed()
    signed = desk.act("sign", decision="wait for answers")
    text = render(signed.state.reviewed, desk.documents)
    assert "Decided by Ada: **Do not use it before the vendor has answered.**" in text
    assert "Proposed:" not in text
    waived = text.partition("Waived: ")[2].partition("out of scope")[0].replace("`", "")
    assert f"{threat.name} {threat.threat.title}" in waived
