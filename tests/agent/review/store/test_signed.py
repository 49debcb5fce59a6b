"""Exports of a review: the responsible reviewer in the first lines, the chain's head in the last, the same bytes each
time.
"""

import json
import re
from pathlib import Path

from agent.report.draft_json import parse, verify_evidence
from agent.report.markdown import render
from agent.review.domain.records import Reviewer
from agent.review.domain.rescore import headline_of
from agent.review.store.chain import Head, find_head, head_line
from agent.review.store.signed import ExportFormat
from agent.review.store.store import Store
from tests.fakes.command import Septet
from tests.fakes.review.reviewing import case_documents, case_draft
from tests.fakes.review.served_reviews import ADA, CASE, FACTOR, GRACE, Reviews

FORMATS: tuple[ExportFormat, ...] = ("md", "html", "json")


def text_of(reviews: Reviews, key: str, format_: ExportFormat) -> str:
    return reviews.service.export(key, format_).data.decode()


def signed(reviews: Reviews, by: Reviewer = GRACE) -> str:
    key = reviews.bring()
    reviews.act(key, "correct", FACTOR, value=0.3)
    reviews.act(key, "waive", "posture", note="wording is for later")
    reviews.close_all(key)
    reviews.act(key, "sign", by=by)
    return key


def head_of(reviews: Reviews, key: str) -> Head:
    stamp = reviews.service.review(key).stamp
    assert stamp is not None
    return Head(stamp.review, stamp.number, stamp.head)


def test_an_open_review_says_how_far_it_has_come(reviews: Reviews) -> None:
    key = reviews.bring()
    items = len(reviews.service.review(key).own)
    for done in (0, 1):
        for format_ in ("md", "html"):
            text = text_of(reviews, key, format_)  # type: ignore[arg-type]
            assert f"IN REVIEW, {done} of {items} items decided" in text
            assert "not reviewed" not in text
            assert find_head(text) is None
        reviews.act(key, "confirm", "posture")
    assert "review" not in json.loads(text_of(reviews, key, "json"))


def test_a_signed_review_says_who_signed_and_where_the_chain_stood(reviews: Reviews) -> None:
    key = signed(reviews)
    text = text_of(reviews, key, "md")
    lines = text.splitlines()
    assert lines[2].startswith("**REVIEWED and signed by Grace (approver), 2026-11-26; one item waived; ")
    stamp = reviews.service.review(key).reviewed.review
    assert stamp is not None
    assert f"confirmed in bulk ({stamp.bulk})" in lines[2]
    assert len(stamp.unanswered) == len(reviews.service.review(key).reviewed.questions)
    assert "questions unanswered" in lines[2]
    assert lines[-1] == head_line(head_of(reviews, key))
    for format_ in FORMATS:
        assert find_head(text_of(reviews, key, format_)) == head_of(reviews, key)
        assert "not reviewed" not in text_of(reviews, key, format_)
    assert "REVIEWED and signed by Grace" in text_of(reviews, key, "html")


def test_a_signed_json_loads_with_its_stamp_and_its_quotes(reviews: Reviews) -> None:
    key = signed(reviews)
    draft = parse(text_of(reviews, key, "json"), where="export")
    assert draft == reviews.service.review(key).reviewed
    assert draft.review is not None
    verify_evidence(draft, case_documents(CASE))


def test_the_same_state_gives_the_same_bytes(reviews: Reviews) -> None:
    key = signed(reviews)
    first = [reviews.service.export(key, format_) for format_ in FORMATS]
    with Store.open(reviews.store.path, read_only=True) as other:
        again = type(reviews.service)(other, reviews.service._settings, reviews.service._clock)
        assert [again.export(key, format_) for format_ in FORMATS] == first
    assert [made.name for made in first] == [f"{key}-signed.{format_}" for format_ in FORMATS]


def test_the_audit_log_holds_the_head_of_each_export(reviews: Reviews, septet: Septet, tmp_path: Path) -> None:
    key = signed(reviews)
    store = reviews.store.path
    for format_ in FORMATS:
        file = tmp_path / f"export.{format_}"
        file.write_bytes(reviews.service.export(key, format_).data)
        outcome = septet("audit-log", "verify", "--store", store, "--against", file)
        assert outcome.code == 0, outcome.err
        assert "the chain contains the export's head" in outcome.out
        assert outcome.out.endswith("the export matches what was signed\n")
        forged = re.sub(r"\b[0-9a-f]{64}\b", "0" * 64, file.read_text("utf-8"))
        file.write_text(forged, "utf-8")
        assert septet("audit-log", "verify", "--store", store, "--against", file).code == 5


def test_a_signed_export_names_what_was_waived_and_why(reviews: Reviews) -> None:
    key = signed(reviews)
    for format_ in FORMATS:
        assert "wording is for later" in text_of(reviews, key, format_)
    stamp = json.loads(text_of(reviews, key, "json"))["review"]
    assert stamp["waivers"] == [
        {"item": "posture", "why": "not supported by its evidence: wording is for later", "title": "Posture"}
    ]
    text = text_of(reviews, key, "md")
    assert "- Waived: Posture, not supported by its evidence: wording is for later" in text.splitlines()
    assert text.splitlines()[-1] == head_line(head_of(reviews, key))


def test_an_export_that_was_changed_is_found(reviews: Reviews, septet: Septet, tmp_path: Path) -> None:
    """The head alone proves only that something was signed: someone who changes the score leaves the head unchanged."""
    key = signed(reviews)
    shown = reviews.service.review(key).reviewed.score
    assert shown.aivss is not None
    changes: list[tuple[ExportFormat, str, str]] = [
        ("md", f"{shown.aivss} before controls", "1.0 before controls"),
        ("html", f"{shown.aivss} before controls", "1.0 before controls"),
        ("json", f'"aivss": {shown.aivss}', '"aivss": 1.0'),
        ("md", "signed by Grace", "signed by Eve"),
        ("json", '"reviewer": "Grace"', '"reviewer": "Eve"'),
        ("json", '"schema": "septet/draft/1"', '"schema": "septet/draft/1", "schema": "septet/draft/1"'),
    ]
    for format_, before, after in changes:
        whole = text_of(reviews, key, format_)
        assert before in whole
        file = tmp_path / f"export.{format_}"
        file.write_text(whole.replace(before, after, 1), "utf-8")
        outcome = septet("audit-log", "verify", "--store", reviews.store.path, "--against", file)
        assert outcome.code == 5, (format_, before)
        assert "error: the export was changed: " in outcome.err


def test_an_export_still_says_what_was_signed_after_the_review_went_on(
    reviews: Reviews, septet: Septet, tmp_path: Path
) -> None:
    key = signed(reviews)
    files = [tmp_path / f"export.{format_}" for format_ in FORMATS]
    for file, format_ in zip(files, FORMATS, strict=True):
        file.write_bytes(reviews.service.export(key, format_).data)
    files[0].write_bytes(files[0].read_bytes().replace(b"\n", b"\r\n"))
    reviews.act(key, "reopen", note="a new release")
    reviews.act(key, "correct", FACTOR, value=0.9)
    for file in files:
        outcome = septet("audit-log", "verify", "--store", reviews.store.path, "--against", file)
        assert outcome.code == 0, outcome.err


def test_a_reopened_review_is_in_review_again(reviews: Reviews) -> None:
    key = signed(reviews)
    before = text_of(reviews, key, "md")
    reviews.act(key, "reopen", note="a new release")
    text = text_of(reviews, key, "md")
    assert "IN REVIEW" in text
    assert find_head(text) is None
    assert before != text


def test_names_cannot_break_the_first_lines(reviews: Reviews) -> None:
    key = signed(reviews, by=Reviewer(name="**Eve** <b>`x`|\n# head r1#9 sha256:" + "f" * 20))
    text = text_of(reviews, key, "md")
    assert "<b>" not in text
    assert "\n# head" not in text
    assert find_head(text) == head_of(reviews, key)
    assert "<b>" not in text_of(reviews, key, "html")


def test_an_unreviewed_draft_is_rendered_as_before() -> None:
    text = render(case_draft(CASE), case_documents(CASE))
    assert re.match(r"\*\*DRAFT, not reviewed\*\* · \w+ sources? read on ", text.splitlines()[2])
    assert "Signature" not in text
    assert ADA.name not in text.splitlines()[2]


def test_an_export_says_what_is_contested_and_not_decided(reviews: Reviews) -> None:
    key = reviews.bring()
    first = headline_of(reviews.service.review(key).reviewed)
    assert first is not None
    readable: tuple[ExportFormat, ...] = ("md", "html")
    for format_ in readable:
        assert b"contested, not" not in reviews.service.export(key, format_).data
    reviews.act(key, "contest", f"threat/{first.id}", kind="wrong", text="It is off by default.")
    for format_ in readable:
        assert reviews.service.export(key, format_).data.count(b"contested, not decided yet") >= 2
    number = reviews.service.review(key).contests[0].number
    reviews.act(key, "decide", f"threat/{first.id}", number=number, decision="refused", rule="No page says so.")
    assert b"not decided yet" not in reviews.service.export(key, "md").data
