"""Actions are checked: quotes, grids, lists and vectors, reasons, versions; accepted ones become planned events."""

import pytest

from agent.errors import ConflictError, InputError
from agent.records import Draft
from agent.report.view import View
from agent.review.domain.acts import unanswered
from agent.review.domain.fields import checked_vector
from agent.review.store.signed import progress
from agent.scoring.cvss import BASE_METRICS
from tests.fakes.drafts import thin, thin_documents
from tests.fakes.review.reviewing import ADA, GRACE, GRAVE, MILDEST, Desk, case_with, new_threat

DESK = Desk.of_case()
FACTOR = "factor/autonomy_of_action"
QUOTE = "Create, update and delete records in batches"
_QUOTED = {one.id for one in DESK.draft.evidence if one.quote == QUOTE}
BARE = next(f"factor/{key}" for key, one in DESK.draft.factors.items() if not _QUOTED & set(one.evidence))
"""An item that does not cite the quote."""
URL = "https://example.com/a"
THREAT = DESK.first("threat")
HEADLINE = f"threat/{View(DESK.draft).threats[0].threat.id}"
CERTAIN = next(f"layer/{key}" for key, layer in DESK.draft.layers.items() if layer.certain)
OPEN = "layer/foundation_models"


def known_factors(draft: Draft) -> list[str]:
    """Return the factors that cite quotes."""
    return [f"factor/{key}" for key, factor in draft.factors.items() if factor.evidence]


CITING = Desk.of_case(case_with(lambda draft: len(known_factors(draft)) > 1))
KNOWN = known_factors(CITING.draft)


@pytest.mark.parametrize(
    "text",
    [
        "„It formats every disk“, it says",
        "„It formats every disk”, it says",
        "«It formats every disk», it says",
        "»It formats every disk«, it says",
        "‘It formats every disk’, it says",
        "‚It formats every disk‘, it says",
        "It says 'formats every disk' (E1)",
        'It "formats\nevery disk" (E1)',
        "It “formats every disk (E1)",
        "It ”formats every disk“ (E1)",
        'It "formats every disk on the network"',
    ],
)
def test_a_quote_in_the_marks_of_any_keyboard_is_looked_for(text: str) -> None:
    told = str(DESK.refused("correct", "posture", text=text))
    assert "not in any of the sources" in told or "not closed" in told


@pytest.mark.parametrize(
    "text",
    [
        f"„{QUOTE}“ and «{QUOTE}» and '{QUOTE}', it says",
        f"“{QUOTE}” and then „{QUOTE}“ and “{QUOTE}”",
        f'It says "{QUOTE.upper()}".',
        "The vendor's word on the users' data isn't the analyst's",
        "The vendor’s word on the users’ data isn’t the analyst’s",
        "It is no „safe“ tool, nor a 'very safe' one",
        'A so-called “HTTP mode” and a "sandbox".',
    ],
)
def test_apostrophes_and_words_in_a_special_sense_are_no_quotes_and_sources_are_quoted_in_any_marks(text: str) -> None:
    assert DESK.planned("correct", "posture", reason="wording", text=text)


def test_a_mark_behind_a_quote_has_its_words() -> None:
    has = next(item for item in DESK.draft.evidence if len(item.quote.split()) > 3)
    other = next(item for item in DESK.draft.evidence if item.document == has.document and item.quote not in has.quote)
    some = " ".join(has.quote.split()[:3])
    assert DESK.planned("correct", "posture", reason="wording", text=f"“{some}” ({has.id}, {other.id}) is said")
    told = DESK.refused("correct", "posture", text=f"“{some}” ({other.id}) is said")
    assert f"{other.id} does not contain “{some}”" in str(told)


@pytest.mark.parametrize(
    ("item", "fields", "where"),
    [
        (FACTOR, {"value": 0.25}, "value"),
        (FACTOR, {"value": 1.1}, "value"),
        (FACTOR, {"value": "lots"}, "value"),
        (FACTOR, {"value": 0.5, "low": 0.6, "high": 0.7}, "low, high"),
        (FACTOR, {"worth": 0.5}, "worth"),
        (FACTOR, {"value": 0.5, "evidence": ["E99"]}, "evidence"),
        ("posture", {"text": "  "}, "text"),
        ("posture", {"text": "It deletes records (E99)"}, "text"),
        ("posture", {"text": "x" * 4_001}, "text"),
        ("posture", {"text": DESK.draft.product.posture}, "posture"),
        (OPEN, {"certain": True}, "paragraph"),
        (OPEN, {"certain": True, "paragraph": "It loops."}, "paragraph"),
        (CERTAIN, {"paragraph": "It reads the web."}, "paragraph"),
        (CERTAIN, {"certain": "yes"}, "certain"),
        (CERTAIN, {"applies": "perhaps"}, "applies"),
        ("score", {"headline": "no-such-threat"}, "headline"),
        ("score", {"mitigation_factor": 0.8}, "evidence"),
        ("score", {"mitigation_factor": 0.4, "evidence": ["E1"]}, "mitigation_factor"),
        ("question/Q1", {"text": ""}, "text"),
        (THREAT, {"cvss_vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}, "cvss_vector"),
        (THREAT, {"cvss_vector": f"{GRAVE}/E:P"}, "cvss_vector"),
        (THREAT, {"taxonomy": [{"scheme": "owasp-agentic", "id": "T99"}]}, "owasp-agentic T99"),
        (THREAT, {"taxonomy": [{"scheme": "none", "id": "T1"}]}, "scheme"),
        (THREAT, {"statement": {"action": ""}}, "statement.action"),
        (THREAT, {"statement": {"motive": "money"}}, "statement"),
        (THREAT, {"mitigations": [{"text": "Ask first", "who": "nobody"}]}, "mitigations"),
        (THREAT, {"mitigations": [{"text": "Ask first", "owner": "you"}]}, "mitigations"),
        (THREAT, {"mitigations": "ask"}, "mitigations"),
        (THREAT, {"title": "It says “nothing of the sort at all”"}, "title"),
        (THREAT, {"how": "It does (E99)."}, "how"),
        (THREAT, {"lost": "It does (E99)."}, "lost"),
        (DESK.first("fact"), {"polarity": "loud"}, "polarity"),
        (DESK.first("fact"), {"about": "nobody"}, "about"),
        (DESK.first("fact"), {"slots": {"colour": "red"}}, "slots"),
        (DESK.first("fact"), {"evidence": []}, "evidence"),
        (DESK.first("fact"), {"key": "runs_commands"}, "key"),
    ],
)
def test_a_correction_that_does_not_hold_names_its_field(item: str, fields: dict[str, object], where: str) -> None:
    assert DESK.refused("correct", item, **fields).where == where


@pytest.mark.parametrize("metric", BASE_METRICS)
def test_a_vector_is_refused_by_the_metric_that_is_wrong(metric: str) -> None:
    value = dict(part.split(":") for part in MILDEST.split("/")[1:])[metric]
    for wrong, told in (("/{0}:Z", rf"\b{metric} \(.*has no value 'Z'"), ("", rf"lacks {metric}\b")):
        with pytest.raises(InputError, match=told):
            checked_vector(MILDEST.replace(f"/{metric}:{value}", wrong.format(metric)))
    assert checked_vector(f" {MILDEST} ") == MILDEST


def test_what_is_kept_of_a_citation_finds_it_again() -> None:
    (planned,) = DESK.planned("attach", BARE, document="D1", quote=QUOTE)
    (mark,) = planned.said["evidence"]
    kept = planned.said["marks"][mark]
    assert DESK.documents[0].text[kept["start"] : kept["end"]] == QUOTE
    assert mark == next(
        (one.id for one in DESK.draft.evidence if one.quote == QUOTE), f"E{len(DESK.draft.evidence) + 1}"
    )
    cited = DESK.draft.factors[BARE.partition("/")[2]].evidence
    held = next(item for item in DESK.draft.evidence if item.id not in cited)
    (again,) = DESK.planned("attach", BARE, document=held.document, quote=held.quote)
    assert again.said["evidence"] == [held.id]  # the draft cites it already


SEEN = [one.item.id for one in DESK.state.items]


@pytest.mark.parametrize(
    ("verb", "item", "fields", "told"),
    [
        ("attach", BARE, {"document": "D9", "start": 0, "end": 5}, "no source 'D9'"),
        ("attach", BARE, {"document": "D1", "start": 5, "end": 5}, "no text at this position"),
        ("attach", BARE, {"document": "D1", "start": 0, "end": 10**7}, "no text at this position"),
        ("attach", BARE, {"document": "D1", "start": True, "end": 9}, "no text at this position"),
        ("attach", BARE, {"document": "D1", "start": 0, "end": 401}, "has 401 characters"),
        ("attach", BARE, {"document": "D1", "quote": "nobody wrote this anywhere"}, "is not in D1"),
        ("attach", BARE, {"document": "D1", "start": 0, "end": 20, "quote": "nobody wrote this"}, "different text"),
        ("strike", "posture", {}, "cannot be struck"),
        ("strike", "score", {}, "cannot be struck"),
        ("confirm", "threat/none", {}, "no item"),
        ("confirm", FACTOR, {"value": 0.1}, "confirm has no field 'value'"),
        ("confirm", FACTOR, {"version": 7}, "no such version"),
        ("add", "", new_threat(mitigation=["Ask."]), "add has no field 'mitigation'"),
        ("add", "", new_threat(layer="cellar"), "no such layer"),
        ("add", "", new_threat(statement={"asset": " "}), "empty"),
        ("bulk", "", {"section": "cellar", "seen": SEEN}, "no section"),
        ("bulk", "", {"section": "factors"}, "none of its items has been viewed"),
        ("send", CERTAIN, {}, "can be sent"),
        ("send", THREAT, {}, "can be sent"),
        ("undo", "", {}, "nothing to undo"),
        ("answer", "question/Q1", {"text": "Yes."}, "no source"),
        ("answer", FACTOR, {"text": "Yes.", "url": URL}, "only a question"),
        ("contest", FACTOR, {"kind": "rude", "text": "No."}, "unknown kind of contest"),
        ("comment", "posture", {"text": " "}, "empty"),
        ("sign", "", {}, "items are open, the first is posture"),
        ("waive", HEADLINE, {"reason": "accepted-risk"}, "note"),
        *(
            (verb, item, {"kind": kind, "text": "We ask first.", "url": url}, "not an address")
            for verb, item, kind in (("answer", "question/Q1", "vendor-answer"), ("contest", FACTOR, "wrong"))
            for url in ("javascript:alert(1)", "docs.example/limits", "https://docs.example/a b")
        ),
    ],
)
def test_an_act_that_cannot_be_is_refused(verb: str, item: str, fields: dict[str, object], told: str) -> None:
    assert told in str(DESK.refused(verb, item, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("factor", KNOWN)
def test_a_factor_that_is_known_cannot_be_sent(factor: str) -> None:
    assert "can be sent" in str(CITING.refused("send", factor))


def test_some_verbs_need_a_reason() -> None:
    for verb in ("correct", "strike", "waive"):
        with pytest.raises(InputError, match="needs a reason"):
            DESK.planned(verb, FACTOR)


def test_one_key_confirms_what_is_supported_of_a_section_and_was_seen_and_nothing_else() -> None:
    seen = [one.item.id for one in CITING.state.items]
    after = CITING.bulk("factors")
    for one in after.state.items:
        expected = "confirmed" if one.item.section == "factors" and one.item.supported else "open"
        assert one.verdict == expected
    assert after.planned("bulk", section="factors", seen=seen) == ()
    bulk = next(one.item.id for one in after.state.items if one.bulk)
    assert not after.act("confirm", bulk).one(bulk).bulk
    changed = CITING.act("attach", KNOWN[0], document="D1", start=0, end=20)
    (planned,) = changed.planned("bulk", section="factors", version=0, seen=seen)
    assert planned.said["items"]
    assert KNOWN[0] not in planned.said["items"]


def test_a_question_that_is_sent_takes_along_the_unknowns_that_it_settles() -> None:
    sent = {one.item.id for one in DESK.act("send", section="questions").state.items if one.verdict == "sent"}
    assert {f"question/{question.id}" for question in DESK.draft.questions} <= sent
    settled = {key for question in DESK.draft.questions for key in question.settles}
    sure = {key for key, layer in DESK.draft.layers.items() if layer.certain}
    assert {f"layer/{key}" for key in DESK.draft.layers.keys() - sure if key in settled} <= sent
    assert {OPEN, "factor/non_determinism"} <= sent  # typical of its kind: nothing in the sources says so
    assert not {f"layer/{key}" for key in sure & settled} & sent  # settled too, but certain
    asked = [f"question/{one.id}" for one in DESK.draft.questions if "foundation_models" in one.settles]
    alone = {one.item.id for one in DESK.act("send", OPEN).state.items if one.verdict == "sent"}
    assert alone == {OPEN, *asked}


def test_two_reviewers_on_one_item_conflict_with_three_versions_and_on_two_items_do_not() -> None:
    ada = DESK.act("correct", FACTOR, by=ADA, value=0.4)
    assert ada.planned("correct", "factor/dynamic_tool_use", reason="wrong-value", version=0, value=0.5)
    found = ada.refused("correct", FACTOR, version=0, value=0.3)
    assert isinstance(found, ConflictError)
    assert found.mine["value"] == 0.3
    assert (found.theirs["value"], found.theirs["by"]) == (0.4, ADA)
    assert found.base["value"] == float(DESK.draft.factors["autonomy_of_action"].value)
    assert found.exit_code == 1
    # The merged text at the newest version is accepted: nothing is lost.
    assert ada.act("correct", FACTOR, by=GRACE, value=0.3).one(FACTOR).after == {"value": 0.3, "low": 0.3, "high": 0.3}


def test_saying_the_same_twice_is_no_conflict_and_an_undone_act_still_counts_against_who_did_not_see_it() -> None:
    for verb, item, reason in (("confirm", FACTOR, ""), ("send", "question/Q1", ""), ("strike", THREAT, "duplicate")):
        done = DESK.act(verb, item, reason=reason)
        assert done.planned(verb, item, version=0, reason=reason) == ()
    assert isinstance(done.refused("confirm", THREAT, version=0), ConflictError)
    undone = DESK.act("correct", FACTOR, value=0.4).act("undo")
    assert isinstance(undone.refused("confirm", FACTOR, version=0), ConflictError)
    assert isinstance(DESK.act("confirm", FACTOR).refused("undo", version=0), ConflictError)
    assert "nothing to undo" in str(undone.refused("undo"))


def test_a_certain_layer_keeps_a_quote_and_is_made_uncertain_by_its_mark() -> None:
    """An edited paragraph without a mark would leave the layer certain without any source."""
    assert DESK.planned("correct", CERTAIN, reason="wording", paragraph="It reads the web (E1).")
    assert DESK.planned("correct", CERTAIN, reason="wording", applies="no", paragraph="It has no such layer.")
    said = "Paperhawk calls itself “a friendly assistant for everything around documents” (E1)."
    after = Desk(thin(), thin_documents()).act("correct", "layer/agent_frameworks", certain=True, paragraph=said)
    layer = after.reviewed.layers["agent_frameworks"]
    assert (layer.certain, layer.missing) == (True, None)
    layer = after.act("correct", "layer/agent_frameworks", certain=False).reviewed.layers["agent_frameworks"]
    assert layer.paragraph.startswith("Not certain from the listing — paperhawk")


def test_signing_needs_everything_decided_and_reopening_a_note() -> None:
    done = DESK.closed()
    contested = done.act("contest", FACTOR, kind="wrong", text="We ask first.", sender="Vendor")
    assert "1 item is open" in str(contested.refused("sign"))
    assert isinstance(done.refused("sign", version=1), ConflictError)
    signed = done.act("sign")
    assert "signed" in str(signed.refused("confirm", FACTOR))
    assert signed.planned("contest", FACTOR, kind="outdated", text="Since May.")
    assert "note" in str(signed.refused("reopen"))
    assert signed.act("reopen", note="new evidence").state.stage == "open"


def test_a_contest_is_decided_once() -> None:
    asked = DESK.act("contest", FACTOR, kind="wrong", text="We ask first.")
    assert "empty" in str(asked.refused("decide", FACTOR, decision="refused", rule=" "))
    decided = asked.act("decide", FACTOR, decision="refused", rule="The quote stands.")
    again = decided.refused("decide", FACTOR, number=1, decision="accepted", rule="Right.")
    assert isinstance(again, ConflictError)
    assert "no such contest" in str(decided.refused("decide", FACTOR, decision="accepted", rule="Right."))


# ---------------------------------------------------------------- waivers


def waiving(desk: Desk, *items: str) -> Desk:
    for item in items:
        desk = desk.act("waive", item, reason="out-of-scope")
    return desk


def test_what_is_waived_is_neither_open_nor_decided() -> None:
    after = waiving(DESK, FACTOR, "posture").act("confirm", "layer/data_operations").state
    assert (after.decided, len(after.waived), len(after.open)) == (1, 2, len(DESK.state.open) - 3)
    told = progress(after)
    assert (told.decided, told.waived, told.items) == (1, 2, len(after.own))
    assert "1 of" in View(after.reviewed, (), told).standing
    assert "2 waived" in View(after.reviewed, (), told).standing
    assert "only an open item" in str(DESK.act("confirm", FACTOR).refused("waive", FACTOR))
    # The risk of the headline is accepted with a note alone.
    noted = DESK.act("waive", HEADLINE, reason="accepted-risk", note="Accepted by the owner of the base until May.")
    assert noted.one(HEADLINE).verdict == "waived"
    assert DESK.act("waive", FACTOR, reason="accepted-risk").one(FACTOR).verdict == "waived"


def test_a_waived_question_is_still_unanswered_and_the_signature_says_so() -> None:
    asked = [f"question/{one.id}" for one in DESK.draft.questions]
    desk = waiving(DESK, *asked)
    assert len(unanswered(desk.state)) == len(asked)
    stamp = desk.closed().act("sign").state.stamp
    assert stamp.unanswered == tuple(one.text for one in DESK.draft.questions)
    assert [one.title for one in stamp.waivers] == [one.text for one in DESK.draft.questions]


def test_after_a_reopening_the_signer_says_that_waivers_still_hold() -> None:
    again = waiving(DESK, FACTOR).closed().act("sign").act("reopen", note="A page changed.")
    assert (again.one(FACTOR).verdict, again.one(FACTOR).earlier, again.state.open) == ("waived", True, ())
    assert again.refused("sign").where == "waivers"
    assert again.act("sign", waivers="hold").state.stage == "signed"
    assert again.act("confirm", FACTOR).act("sign").state.stage == "signed"


def test_a_signature_counts_what_was_confirmed_in_bulk_and_lists_open_questions() -> None:
    desk = DESK.closed()
    stamp = desk.act("sign").state.stamp
    assert stamp.bulk == sum(one.bulk for one in desk.state.items) > 0
    assert stamp.unanswered == tuple(asked.text for asked in desk.reviewed.questions)
    first = f"question/{desk.reviewed.questions[0].id}"
    answered = desk.act("answer", first, text="It asks nobody.", url=URL).act("sign").state
    assert answered.stamp.unanswered == stamp.unanswered[1:]
