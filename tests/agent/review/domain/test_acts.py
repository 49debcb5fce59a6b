"""Actions are checked: quotes, grids, lists and vectors, reasons, versions; what goes through is an event-to-be."""

import pytest

from agent.errors import ConflictError, InputError
from agent.review.domain.items import threats_of
from tests.fakes.drafts import thin, thin_documents
from tests.fakes.review.reviewing import ADA, GRACE, Desk

FACTOR = "factor/autonomy_of_action"
QUOTE = "Create, update and delete records in batches"
BARE = "factor/persistent_memory"
"""An item that does not cite it."""
STATEMENT = {
    "source": "a page that Airtable MCP Server reads",
    "prerequisite": "a token with write scopes",
    "action": "have it empty a table",
    "impact": "loss",
    "asset": "records",
}
VECTOR = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:P/VC:H/VI:H/VA:N/SC:N/SI:N/SA:N"


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk.of_case()


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
    ],
)
def test_a_quote_in_the_marks_of_any_keyboard_is_looked_for(desk: Desk, text: str) -> None:
    with pytest.raises(InputError, match=r"in none of the sources|not closed"):
        desk.planned("correct", "posture", reason="wording", text=text)


@pytest.mark.parametrize(
    "text",
    [
        f"„{QUOTE}“ and «{QUOTE}» and '{QUOTE}', it says",
        f"“{QUOTE}” and then „{QUOTE}“ and “{QUOTE}”",
        "The vendor's word on the users' data isn't the analyst's",
        "The vendor’s word on the users’ data isn’t the analyst’s",
        "It is no „safe“ tool, nor a 'very safe' one",
    ],
)
def test_apostrophes_and_words_in_a_special_sense_are_no_quotes(desk: Desk, text: str) -> None:
    assert desk.planned("correct", "posture", reason="wording", text=text)


def test_a_mark_behind_a_quote_has_its_words(desk: Desk) -> None:
    has = next(item for item in desk.draft.evidence if len(item.quote.split()) > 3)
    other = next(item for item in desk.draft.evidence if item.document == has.document and item.quote not in has.quote)
    some = " ".join(has.quote.split()[:3])
    assert desk.planned("correct", "posture", reason="wording", text=f"“{some}” ({has.id}, {other.id}) is said")
    with pytest.raises(InputError, match=f"{other.id} has other words than “{some}”"):
        desk.planned("correct", "posture", reason="wording", text=f"“{some}” ({other.id}) is said")


def first_threat(desk: Desk) -> str:
    return f"threat/{next(iter(threats_of(desk.draft)))}"


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
        ("posture", {"text": "It “formats every disk” (E1)"}, "text"),
        ("posture", {"text": 'It "formats every disk on the network"'}, "text"),
        ("posture", {"text": "It deletes records (E99)"}, "text"),
        ("posture", {"text": "x" * 4_001}, "text"),
        ("layer/foundation_models", {"certain": True}, "paragraph"),
        ("layer/foundation_models", {"certain": True, "paragraph": "It loops."}, "paragraph"),
        ("layer/agent_frameworks", {"certain": "yes"}, "certain"),
        ("layer/agent_frameworks", {"applies": "perhaps"}, "applies"),
        ("score", {"headline": "no-such-threat"}, "headline"),
        ("score", {"mitigation_factor": 0.8}, "evidence"),
        ("score", {"mitigation_factor": 0.4, "evidence": ["E1"]}, "mitigation_factor"),
        ("question/Q1", {"text": ""}, "text"),
    ],
)
def test_a_correction_that_does_not_hold_names_its_field(
    desk: Desk, item: str, fields: dict[str, object], where: str
) -> None:
    with pytest.raises(InputError) as refused:
        desk.planned("correct", item, reason="wording", **fields)
    assert refused.value.where == where
    assert refused.value.hint


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"cvss_vector": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}, "cvss_vector"),
        ({"cvss_vector": VECTOR + "/E:P"}, "cvss_vector"),
        ({"taxonomy": [{"scheme": "owasp-agentic", "id": "T99"}]}, "owasp-agentic T99"),
        ({"taxonomy": [{"scheme": "none", "id": "T1"}]}, "scheme"),
        ({"statement": {"action": ""}}, "statement.action"),
        ({"statement": {"motive": "money"}}, "statement"),
        ({"mitigations": [{"text": "Ask first", "who": "nobody"}]}, "mitigations"),
        ({"mitigations": "ask"}, "mitigations"),
        ({"title": "It says “nothing of the sort at all”"}, "title"),
    ],
)
def test_a_threat_has_its_grammar(desk: Desk, fields: dict[str, object], where: str) -> None:
    with pytest.raises(InputError) as refused:
        desk.planned("correct", first_threat(desk), reason="wording", **fields)
    assert refused.value.where == where


def test_quotes_that_are_in_a_source_are_accepted_however_they_are_typed(desk: Desk) -> None:
    desk = desk.act("attach", BARE, document="D1", quote=QUOTE)
    mark = desk.one(BARE).item.evidence[-1]
    for text in (
        f"It says “{QUOTE}” ({mark}).",
        f'It says "{QUOTE.upper()}".',
        'A so-called “HTTP mode” and a "sandbox".',
    ):
        assert desk.planned("correct", "posture", reason="wording", text=text)


def test_what_is_kept_of_a_citation_finds_it_again(desk: Desk) -> None:
    (planned,) = desk.planned("attach", BARE, document="D1", quote=QUOTE)
    assert planned.after is not None
    (mark,) = planned.after["evidence"]  # type: ignore[misc]
    kept = planned.after["marks"][mark]  # type: ignore[index]
    assert desk.documents[0].text[kept["start"] : kept["end"]] == QUOTE
    assert mark == next(
        (one.id for one in desk.draft.evidence if one.quote == QUOTE), f"E{len(desk.draft.evidence) + 1}"
    )
    held = desk.draft.evidence[2]
    (again,) = desk.planned("attach", BARE, document=held.document, quote=held.quote)
    assert again.after is not None
    assert again.after["evidence"] == [held.id]  # the draft cites it already


@pytest.mark.parametrize(
    "span",
    [
        {"document": "D9", "start": 0, "end": 5},
        {"document": "D1", "start": 5, "end": 5},
        {"document": "D1", "start": 0, "end": 10**7},
        {"document": "D1", "start": 0, "end": 401},
        {"document": "D1", "quote": "nobody wrote this anywhere"},
        {"document": "D1", "start": 0, "end": 20, "quote": "nobody wrote this"},
        {"document": "D1", "start": True, "end": 9},
    ],
)
def test_only_text_of_a_source_is_attached(desk: Desk, span: dict[str, object]) -> None:
    with pytest.raises(InputError):
        desk.planned("attach", "factor/self_modification", **span)


def test_some_verbs_need_a_reason_and_some_items_stay(desk: Desk) -> None:
    for verb in ("correct", "strike", "waive"):
        with pytest.raises(InputError, match="needs a reason"):
            desk.planned(verb, FACTOR, value=0.1)  # type: ignore[arg-type]
    for item in ("posture", "score"):
        with pytest.raises(InputError, match="cannot be struck"):
            desk.planned("strike", item, reason="wording")
    with pytest.raises(InputError, match="nothing is changed"):
        desk.planned("correct", "posture", reason="wording", text=desk.draft.product.posture)
    with pytest.raises(InputError, match="no item"):
        desk.planned("confirm", "threat/none")
    with pytest.raises(InputError, match="only an open item"):
        desk.act("confirm", FACTOR).planned("waive", FACTOR, reason="out-of-scope")


def test_one_key_confirms_what_is_supported_of_a_section_and_nothing_else(desk: Desk) -> None:
    after = desk.bulk("factors")
    for one in after.state.items:
        expected = "confirmed" if one.item.section == "factors" and one.item.supported else "open"
        assert one.verdict == expected
    seen = [one.item.id for one in after.state.items]
    assert after.planned("bulk", section="factors", seen=seen) == ()
    with pytest.raises(InputError, match="no section"):
        desk.planned("bulk", section="cellar", seen=seen)


def test_a_section_leaves_out_what_the_reviewer_has_not_seen(desk: Desk) -> None:
    after = desk.act("attach", FACTOR, document="D1", quote="Adam Jones")
    seen = [one.item.id for one in after.state.items]
    (planned,) = after.planned("bulk", section="factors", version=0, seen=seen)
    items = (planned.after or {})["items"]
    assert isinstance(items, list)
    assert FACTOR not in items
    assert items


def test_a_question_that_is_sent_takes_along_the_unknowns_that_it_settles(desk: Desk) -> None:
    after = desk.act("send", section="questions")
    sent = {one.item.id for one in after.state.items if one.verdict == "sent"}
    assert {f"question/{question.id}" for question in desk.draft.questions} <= sent
    settled = {key for question in desk.draft.questions for key in question.settles}
    unsure = {key for key, layer in desk.draft.layers.items() if not layer.certain}
    assert {f"layer/{key}" for key in unsure & settled} <= sent
    assert "layer/foundation_models" in sent
    assert "factor/non_determinism" in sent  # typical of its kind: nothing in the sources says it
    sure = {key for key, layer in desk.draft.layers.items() if layer.certain} & settled
    assert not {f"layer/{key}" for key in sure} & sent  # settled too, but certain
    assert {"foundation_models", "non_determinism"} <= settled
    asked = [f"question/{one.id}" for one in desk.draft.questions if "foundation_models" in one.settles]
    alone = {one.item.id for one in desk.act("send", "layer/foundation_models").state.items if one.verdict == "sent"}
    assert alone == {"layer/foundation_models", *asked}
    with pytest.raises(InputError, match="is sent"):
        desk.planned("send", FACTOR)


def test_two_reviewers_on_one_item_conflict_with_three_versions_and_on_two_items_do_not(desk: Desk) -> None:
    ada = desk.act("correct", FACTOR, by=ADA, value=0.4)
    assert ada.planned("correct", "factor/dynamic_tool_use", reason="wrong-value", version=0, value=0.5)
    with pytest.raises(ConflictError) as found:
        ada.planned("correct", FACTOR, reason="wrong-value", version=0, value=0.3)
    assert found.value.mine["value"] == 0.3
    assert found.value.theirs["value"] == 0.4
    assert found.value.theirs["by"] == ADA
    assert found.value.base["value"] == float(desk.draft.factors["autonomy_of_action"].value)
    assert found.value.exit_code == 1
    # The merged text at the newest version goes through: nothing is lost.
    assert ada.act("correct", FACTOR, by=GRACE, value=0.3).one(FACTOR).after == {"value": 0.3, "low": 0.3, "high": 0.3}


def test_saying_the_same_twice_is_no_conflict(desk: Desk) -> None:
    for verb, item in (("confirm", FACTOR), ("send", "question/Q1")):
        assert desk.act(verb, item).planned(verb, item, version=0) == ()  # type: ignore[arg-type]
    struck = desk.act("strike", first_threat(desk), reason="duplicate")
    assert struck.planned("strike", first_threat(desk), reason="duplicate", version=0) == ()
    with pytest.raises(ConflictError):
        struck.planned("confirm", first_threat(desk), version=0)


def test_an_undone_act_still_counts_against_who_did_not_see_it(desk: Desk) -> None:
    after = desk.act("correct", FACTOR, value=0.4).act("undo")
    with pytest.raises(ConflictError):
        after.planned("confirm", FACTOR, version=0)
    with pytest.raises(ConflictError):
        desk.act("confirm", FACTOR).planned("undo", version=0)
    with pytest.raises(InputError, match="nothing to undo"):
        after.planned("undo")


def test_a_version_of_the_future_is_refused(desk: Desk) -> None:
    with pytest.raises(InputError, match="no such version"):
        desk.planned("confirm", FACTOR, version=7)


def test_a_threat_by_hand_has_a_permanent_id_and_is_an_assumption_without_a_quote(desk: Desk) -> None:
    given = {"layer": "data_operations", "title": "Tables are emptied", "statement": STATEMENT, "cvss_vector": VECTOR}
    bare = desk.act("add", **given)
    assert threats_of(bare.state.reviewed)["H1-tables-are-emptied"].state == "inferred"
    quoted = bare.act("add", **given | {"evidence": [{"document": "D1", "quote": QUOTE}], "taxonomy": [
        {"scheme": "owasp-agentic", "id": "T2"}]})  # fmt: skip
    made = threats_of(quoted.state.reviewed)["H2-tables-are-emptied"]
    assert made.state == "confirmed"
    assert made.taxonomy[0].title
    assert made.score.cvss_base > 0
    with pytest.raises(InputError, match="no such layer"):
        desk.planned("add", **given | {"layer": "cellar"})
    with pytest.raises(InputError, match="empty"):
        desk.planned("add", **given | {"statement": {**STATEMENT, "asset": " "}})


def test_an_answer_needs_a_source(desk: Desk) -> None:
    with pytest.raises(InputError, match="no source"):
        desk.planned("answer", "question/Q1", text="Yes.")
    with pytest.raises(InputError, match="only a question"):
        desk.planned("answer", FACTOR, text="Yes.", url="https://example.com")
    after = desk.act("answer", "question/Q1", text="Yes, “always”.", url="https://example.com/a")
    assert after.one("question/Q1").verdict == "answered"


@pytest.mark.parametrize("url", ["javascript:alert(1)", "docs.example/limits", "https://docs.example/a b"])
def test_what_is_no_address_is_no_source(desk: Desk, url: str) -> None:
    """It ends up in exports, beside the answer."""
    with pytest.raises(InputError, match="no address"):
        desk.planned("answer", "question/Q1", text="Yes.", url=url)
    with pytest.raises(InputError, match="no address"):
        desk.planned("contest", FACTOR, kind="wrong", text="We ask first.", url=url)


def test_a_field_that_would_be_left_out_is_refused(desk: Desk) -> None:
    with pytest.raises(InputError, match="confirm has no field 'value'"):
        desk.planned("confirm", FACTOR, value=0.1)
    with pytest.raises(InputError, match="add has no field 'mitigation'"):
        desk.planned(
            "add", layer="agent_ecosystem", title="T", statement=STATEMENT, cvss_vector=VECTOR, mitigation=["Ask."]
        )
    with pytest.raises(InputError, match="a mitigation has no field 'owner'"):
        desk.planned("correct", first_threat(desk), reason="wording", mitigations=[{"text": "Ask.", "owner": "you"}])


def test_a_certain_layer_keeps_a_quote(desk: Desk) -> None:
    """An edited paragraph without a mark would leave it certain on nobody's word."""
    key = next(name for name, layer in desk.draft.layers.items() if layer.certain)
    with pytest.raises(InputError, match="cites a quote"):
        desk.planned("correct", f"layer/{key}", reason="wording", paragraph="It reads the web.")
    assert desk.planned("correct", f"layer/{key}", reason="wording", paragraph="It reads the web (E1).")
    assert desk.planned("correct", f"layer/{key}", reason="wording", applies="no", paragraph="It has no such layer.")


def test_signing_needs_everything_decided_and_reopening_a_note(desk: Desk) -> None:
    with pytest.raises(InputError, match="items are open, first posture"):
        desk.planned("sign")
    done = desk.closed()
    contested = done.act("contest", FACTOR, kind="wrong", text="We ask first.", sender="Vendor")
    with pytest.raises(InputError, match="1 item is open"):
        contested.planned("sign")
    with pytest.raises(ConflictError):
        done.planned("sign", version=1)
    signed = done.act("sign")
    with pytest.raises(InputError, match="signed"):
        signed.planned("confirm", FACTOR)
    assert signed.planned("contest", FACTOR, kind="outdated", text="Since May.")
    with pytest.raises(InputError, match="note"):
        signed.planned("reopen")
    assert signed.act("reopen", note="new evidence").state.stage == "open"


def test_a_contest_is_decided_once(desk: Desk) -> None:
    with pytest.raises(InputError, match="no known kind"):
        desk.planned("contest", FACTOR, kind="rude", text="No.")
    asked = desk.act("contest", FACTOR, kind="wrong", text="We ask first.")
    with pytest.raises(InputError, match="empty"):
        asked.planned("decide", FACTOR, decision="refused", rule=" ")
    decided = asked.act("decide", FACTOR, decision="refused", rule="The quote stands.")
    with pytest.raises(ConflictError):
        decided.planned("decide", FACTOR, number=1, decision="accepted", rule="Right.")
    with pytest.raises(InputError, match="no such contest"):
        decided.planned("decide", FACTOR, decision="accepted", rule="Right.")


def test_a_layer_is_made_certain_by_a_quote_and_uncertain_by_its_mark() -> None:
    desk = Desk(thin(), thin_documents())
    said = "Paperhawk calls itself “a friendly assistant for everything around documents” (E1)."
    after = desk.act("correct", "layer/agent_frameworks", certain=True, paragraph=said)
    assert after.state.reviewed.layers["agent_frameworks"].certain
    assert after.state.reviewed.layers["agent_frameworks"].missing is None
    back = after.act("correct", "layer/agent_frameworks", certain=False)
    layer = back.state.reviewed.layers["agent_frameworks"]
    assert layer.paragraph.startswith("Not certain from the listing — paperhawk")
