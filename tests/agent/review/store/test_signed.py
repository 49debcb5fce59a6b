"""Exports of a review: the responsible reviewer in the first lines, the chain's head in the last, the same bytes each
time.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.report.draft_json import parse, verify_evidence
from agent.report.markdown import render
from agent.review.domain.records import Reviewer, Stamp
from agent.review.domain.rescore import headline_of
from agent.review.store.chain import Head, find_head, head_line
from agent.review.store.signed import ExportFormat
from agent.review.store.store import Store
from tests.fakes.command import Outcome, Septet
from tests.fakes.review.reviewing import case_documents, case_draft
from tests.fakes.review.served_reviews import ADA, CASE, FACTOR, GRACE, Reviews

FORMATS: tuple[ExportFormat, ...] = ("md", "html", "json")
READABLE = FORMATS[:2]


def text_of(reviews: Reviews, format_: ExportFormat) -> str:
    return reviews.service.export("r1", format_).data.decode()


def sign(reviews: Reviews, by: Reviewer = GRACE) -> None:
    """Sign a review with a correction and a waiver."""
    reviews.bring()
    reviews.act("r1", "correct", FACTOR, value=0.3)
    reviews.act("r1", "waive", "posture", note="wording is for later")
    reviews.close_all("r1")
    reviews.act("r1", "sign", by=by)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store with a signed review."""
    made = Reviews(tmp_path_factory.mktemp("signed"))
    with made.store as store:
        sign(made)
        store.back_up(made.place / "copy.sqlite")
    return (made.place / "copy.sqlite").read_bytes()


@pytest.fixture
def signed(file: bytes, tmp_path: Path) -> Iterator[Reviews]:
    (tmp_path / "review.sqlite").write_bytes(file)
    made = Reviews(tmp_path)
    with made.store:
        yield made


def stamp_of(reviews: Reviews) -> Stamp:
    stamp = reviews.service.review("r1").stamp
    assert stamp is not None
    return stamp


def head_of(reviews: Reviews) -> Head:
    stamp = stamp_of(reviews)
    return Head(stamp.review, stamp.number, stamp.head)


def verified(septet: Septet, reviews: Reviews, export: bytes | str, format_: ExportFormat) -> Outcome:
    """Return what the audit log says of an export."""
    file = reviews.place / f"export.{format_}"
    file.write_bytes(export if isinstance(export, bytes) else export.encode())
    return septet("audit-log", "verify", "--store", reviews.store.path, "--against", file)


def test_an_open_review_says_how_far_it_has_come(reviews: Reviews) -> None:
    reviews.bring()
    items = len(reviews.service.review("r1").own)
    for done in (0, 1):
        for format_ in READABLE:
            text = text_of(reviews, format_)
            assert f"IN REVIEW, {done} of {items} items decided" in text
            assert "not reviewed" not in text
            assert find_head(text) is None
        reviews.act("r1", "confirm", "posture")
    assert "review" not in json.loads(text_of(reviews, "json"))


def test_a_signed_review_says_who_signed_and_where_the_chain_stood(signed: Reviews) -> None:
    lines, stamp = text_of(signed, "md").splitlines(), stamp_of(signed)
    assert lines[2].startswith("**REVIEWED and signed by Grace (approver), 2026-11-26; one item waived; ")
    assert f"confirmed in bulk ({stamp.bulk})" in lines[2]
    assert len(stamp.unanswered) == len(signed.service.review("r1").reviewed.questions)
    assert "questions unanswered" in lines[2]
    assert "- Waived: Posture, not supported by its evidence: wording is for later" in lines
    assert lines[-1] == head_line(head_of(signed))
    for format_ in FORMATS:
        text = text_of(signed, format_)
        assert find_head(text) == head_of(signed)
        assert "not reviewed" not in text
        assert "wording is for later" in text
    assert "REVIEWED and signed by Grace" in text_of(signed, "html")


def test_a_signed_json_loads_with_its_stamp_its_waivers_and_its_quotes(signed: Reviews) -> None:
    draft = parse(text_of(signed, "json"), where="export")
    assert draft == signed.service.review("r1").reviewed
    assert draft.review is not None
    assert json.loads(text_of(signed, "json"))["review"]["waivers"] == [
        {"item": "posture", "why": "not supported by its evidence: wording is for later", "title": "Posture"}
    ]
    verify_evidence(draft, case_documents(CASE))


def test_the_same_state_gives_the_same_bytes(signed: Reviews) -> None:
    first = [signed.service.export("r1", format_) for format_ in FORMATS]
    with Store.open(signed.store.path, read_only=True) as other:
        again = type(signed.service)(other, signed.service._settings, signed.service._clock)
        assert [again.export("r1", format_) for format_ in FORMATS] == first
    assert [made.name for made in first] == [f"r1-signed.{format_}" for format_ in FORMATS]


def test_the_audit_log_holds_the_head_of_each_export(signed: Reviews, septet: Septet) -> None:
    for format_ in FORMATS:
        text = text_of(signed, format_)
        outcome = verified(septet, signed, text, format_)
        assert outcome.code == 0, outcome.err
        assert "the chain contains the export's head" in outcome.out
        assert outcome.out.endswith("the export matches what was signed\n")
        forged = re.sub(r"\b[0-9a-f]{64}\b", "0" * 64, text)
        assert verified(septet, signed, forged, format_).code == 5


def test_an_export_that_was_changed_is_found(signed: Reviews, septet: Septet) -> None:
    """The head alone proves only that something was signed: someone who changes the score leaves the head unchanged."""
    shown = signed.service.review("r1").reviewed.score
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
        whole = text_of(signed, format_)
        assert before in whole
        outcome = verified(septet, signed, whole.replace(before, after, 1), format_)
        assert outcome.code == 5, (format_, before)
        assert "error: the export was changed: " in outcome.err


def test_after_a_review_was_reopened_its_exports_still_say_what_was_signed(signed: Reviews, septet: Septet) -> None:
    exports = {format_: signed.service.export("r1", format_).data for format_ in FORMATS}
    signed.act("r1", "reopen", note="a new release")
    assert "IN REVIEW" in text_of(signed, "md")
    assert find_head(text_of(signed, "md")) is None
    signed.act("r1", "correct", FACTOR, value=0.9)
    exports["md"] = exports["md"].replace(b"\n", b"\r\n")
    for format_, export in exports.items():
        outcome = verified(septet, signed, export, format_)
        assert outcome.code == 0, outcome.err


def test_names_cannot_break_the_first_lines(reviews: Reviews) -> None:
    sign(reviews, by=Reviewer(name="**Eve** <b>`x`|\n# head r1#9 sha256:" + "f" * 20))
    text = text_of(reviews, "md")
    assert "<b>" not in text
    assert "\n# head" not in text
    assert find_head(text) == head_of(reviews)
    assert "<b>" not in text_of(reviews, "html")


def test_an_unreviewed_draft_is_rendered_as_before() -> None:
    text = render(case_draft(CASE), case_documents(CASE))
    assert re.match(r"\*\*DRAFT, not reviewed\*\* · \w+ sources? read on ", text.splitlines()[2])
    assert "Signature" not in text
    assert ADA.name not in text.splitlines()[2]


def test_an_export_says_what_is_contested_and_not_decided(reviews: Reviews) -> None:
    reviews.bring()
    first = headline_of(reviews.service.review("r1").reviewed)
    assert first is not None
    item = f"threat/{first.id}"
    assert all("contested, not" not in text_of(reviews, format_) for format_ in READABLE)
    reviews.act("r1", "contest", item, kind="wrong", text="It is off by default.")
    assert all(text_of(reviews, format_).count("contested, not yet decided") >= 2 for format_ in READABLE)
    number = reviews.service.review("r1").contests[0].number
    reviews.act("r1", "decide", item, number=number, decision="refused", rule="No page says so.")
    assert "not yet decided" not in text_of(reviews, "md")
