"""A vendor's response file through the form: uploaded or pasted, refused without losing anything, guarded like every
form.
"""

from typing import TYPE_CHECKING

import pytest

from agent.review.domain.response import MAX_BYTES
from agent.review.web.access import MAX_BODY
from tests.fakes.review.served_reviews import Reviews
from tests.fakes.review.web import HEADLINE, ORIGIN, Browser, filled, tree, words

if TYPE_CHECKING:
    from lxml.html import HtmlElement

FORM = '//form[@data-verb="respond" or @action="/r/r1/response"]'


def file_of(ada: Browser, text: str = "It runs in a sandbox.") -> bytes:
    made = ada.client.get(f"/r/r1/contest/{HEADLINE}").text
    return made.replace("text: ''", f"text: {text}").replace("sender: ''", "sender: Acme").encode()


def sent(
    ada: Browser, raw: bytes, *, text: str = "", name: str = "answer.yaml", version: str = "", **headers: str
) -> tuple[int, str]:
    """Return the status and the body, or the redirect target, of a form sent as a ada sends it."""
    answer = ada.client.post(
        "/r/r1/response",
        data={"version": version or str(ada.state.version), "file": text},
        files={"upload": (name, raw, "application/yaml")},
        headers={"origin": ORIGIN, **headers},
    )
    return answer.status_code, answer.headers.get("location", answer.text)


def again(page: str) -> "HtmlElement":
    """Return the form of a refused response."""
    (form,) = tree(page).xpath(FORM)
    return form


def test_the_form_takes_a_file_without_a_script(ada: Browser) -> None:
    form = again(ada.get("/r/r1/contests"))
    assert form.get("enctype") == "multipart/form-data"
    assert [field.get("type") for field in form.xpath('.//input[@name="upload"]')] == ["file"]
    status, to = sent(ada, file_of(ada))
    assert (status, to) == (303, "/r/r1/contests?since=1#last")
    (contest,) = ada.state.contests
    assert (contest.item, contest.text, contest.sender) == (HEADLINE, "It runs in a sandbox.", "Acme")


def test_text_alone_still_comes_in_and_so_does_a_byte_order_mark(ada: Browser) -> None:
    assert sent(ada, b"", text=file_of(ada).decode(), name="")[0] == 303
    assert sent(ada, b"\xef\xbb\xbf" + file_of(ada, "Since May it asks first."))[0] == 303
    assert len(ada.state.contests) == 2


@pytest.mark.parametrize(
    ("raw", "said", "kept"),
    [
        (b"answers: [", "not YAML", "answers: ["),
        (b"draft: d\nsender: M\xc3\xbcller\nby: us", "not valid", "draft: d\nsender: Müller\nby: us"),
        (b"PK\x03\x04\xff\xfe", "not UTF-8 text", ""),
        (b"a" * (MAX_BYTES + 1), "too large", ""),
        (b"", "contains no answers", ""),
    ],
)
def test_what_is_no_response_is_shown_again_to_be_mended(ada: Browser, raw: bytes, said: str, kept: str) -> None:
    status, page = sent(ada, raw)
    assert status == 422
    assert said in words(tree(page).xpath('//*[@role="alert"]')[0])
    form = again(page)
    assert form.get("enctype") == "multipart/form-data"
    assert filled(form)["file"] == kept
    assert filled(form)["version"] == "1"
    assert form.xpath('.//input[@type="file"]')
    assert ada.events() == ()


def test_a_file_and_a_text_are_refused_with_the_text_kept(ada: Browser) -> None:
    status, page = sent(ada, file_of(ada), text="draft: pasted")
    assert status == 422
    assert "a file and text were given" in words(tree(page).xpath('//*[@role="alert"]')[0]).lower()
    assert filled(again(page))["file"] == "draft: pasted"
    assert ada.events() == ()


def answered(reviews: Reviews) -> bytes:
    return f'draft: {reviews.service.review("r1").drafted.id}\nanswers: {{Q1: "Only reading."}}\n'.encode()


def test_a_question_that_was_touched_since_shows_both_versions_and_keeps_the_file(reviews: Reviews) -> None:
    reviews.bring()
    ada = Browser(reviews.service)
    fields = {"text": "Everything.", "url": "https://docs.example/a", "kind": "vendor-answer"}
    ada.second("Grace").act("answer", "question/Q1", version=1, **fields)
    status, page = sent(ada, answered(reviews), version="1")
    assert status == 409
    assert "Everything." in page
    form = again(page)
    assert filled(form)["file"] == answered(reviews).decode()
    assert filled(form)["version"] == "2"
    assert ada.post("/r/r1/response", **filled(form)).startswith("/r/r1/contests")
    answers = [(event.reviewer, (event.after or {})["text"]) for event in reviews.store.events("r1")[1:]]
    assert answers == [("Grace", "Everything."), ("Ada", "Only reading.")]


def test_a_full_disk_keeps_the_file_on_the_page(ada: Browser) -> None:
    ada.reviews.full = True
    status, page = sent(ada, file_of(ada))
    assert status == 507
    assert filled(again(page))["file"] == file_of(ada).decode()
    ada.reviews.full = False
    assert ada.post("/r/r1/response", **filled(again(page))).startswith("/r/r1/contests")


def test_the_guard_stands_before_an_upload(ada: Browser) -> None:
    raw = file_of(ada)
    assert sent(ada, raw, origin="http://evil.example")[0] == 403
    assert sent(ada, raw, **{"sec-fetch-site": "cross-site"})[0] == 403
    assert sent(ada, raw, host="evil.example")[0] == 421
    assert sent(ada, b"x" * MAX_BODY)[0] == 413
    assert sent(Browser(ada.reviews, role="viewer"), raw)[0] == 403
    ada.client.cookies.clear()
    assert sent(ada, raw)[0] == 401
    assert ada.events() == ()


def test_a_body_that_goes_on_is_cut(ada: Browser) -> None:
    head = b'--b\r\ncontent-disposition: form-data; name="upload"; filename="a"\r\n\r\n'
    headers = {"origin": ORIGIN, "content-type": "multipart/form-data; boundary=b"}
    answer = ada.client.post(
        "/r/r1/response", content=iter([head, *[b"x" * 100_000] * 11, b"\r\n--b--\r\n"]), headers=headers
    )
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b""),
        ("multipart/form-data; boundary=b", b"--c\r\n"),
        ("multipart/form-data; boundary=b", b"--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\ncontent-disposition: form-data; name="upload"; filename="a"\r\n\r\nx\r\n' * 2 + b"--b--\r\n",
        ),
        ("multipart/form-data; boundary=b", b'--b\r\ncontent-disposition: form-data; name="f"\r\n\r\n\r\n' * 30),
        (
            "multipart/form-data; boundary=b; charset=unicode_escape",
            b'--b\r\ncontent-disposition: form-data; name="file"\r\n\r\n\\ud800\r\n--b--\r\n',
        ),
        ("text/plain", b"file=a"),
    ],
)
def test_a_form_that_no_browser_sends_is_refused_as_one(ada: Browser, kind: str, body: bytes) -> None:
    headers = {"origin": ORIGIN, "content-type": kind}
    answer = ada.client.post("/r/r1/response", content=body, headers=headers)
    assert answer.status_code == 422
    assert tree(answer.text).xpath("//h1")


def test_other_forms_take_no_file(ada: Browser) -> None:
    answer = ada.client.post(
        "/r/r1/act", data={"verb": "confirm"}, files={"upload": ("a", b"x")}, headers={"origin": ORIGIN}
    )
    assert answer.status_code == 422
    assert "wrong content type" in answer.text
