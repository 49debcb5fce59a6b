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


@pytest.fixture
def browser() -> Browser:
    return Browser()


def file_of(browser: Browser, text: str = "It runs in a sandbox.") -> bytes:
    made = browser.client.get(f"/r/r1/contest/{HEADLINE}").text
    return made.replace("text: ''", f"text: {text}").replace("sender: ''", "sender: Acme").encode()


def sent(
    browser: Browser, raw: bytes, *, text: str = "", name: str = "answer.yaml", version: str = "", **headers: str
) -> tuple[int, str]:
    """Return the status and the body, or the redirect target, of a form sent as a browser sends it."""
    answer = browser.client.post(
        "/r/r1/response",
        data={"version": version or str(browser.reviews.review("r1").version), "file": text},
        files={"upload": (name, raw, "application/yaml")},
        headers={"origin": ORIGIN, **headers},
    )
    return answer.status_code, answer.headers.get("location", answer.text)


def again(page: str) -> "HtmlElement":
    """Return the form of a refused response."""
    (form,) = tree(page).xpath(FORM)
    return form


def test_the_form_takes_a_file_without_a_script(browser: Browser) -> None:
    form = again(browser.get("/r/r1/contests"))
    assert form.get("enctype") == "multipart/form-data"
    assert [field.get("type") for field in form.xpath('.//input[@name="upload"]')] == ["file"]
    status, to = sent(browser, file_of(browser))
    assert (status, to) == (303, "/r/r1/contests?since=1#last")
    (contest,) = browser.reviews.review("r1").contests
    assert (contest.item, contest.text, contest.sender) == (HEADLINE, "It runs in a sandbox.", "Acme")


def test_text_alone_still_comes_in_and_so_does_a_byte_order_mark(browser: Browser) -> None:
    assert sent(browser, b"", text=file_of(browser).decode(), name="")[0] == 303
    assert sent(browser, b"\xef\xbb\xbf" + file_of(browser, "Since May it asks first."))[0] == 303
    assert len(browser.reviews.review("r1").contests) == 2


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
def test_what_is_no_response_is_shown_again_to_be_mended(browser: Browser, raw: bytes, said: str, kept: str) -> None:
    status, page = sent(browser, raw)
    assert status == 422
    assert said in words(tree(page).xpath('//*[@role="alert"]')[0])
    form = again(page)
    assert form.get("enctype") == "multipart/form-data"
    assert filled(form)["file"] == kept
    assert filled(form)["version"] == "1"
    assert form.xpath('.//input[@type="file"]')
    assert browser.events() == ()


def test_a_file_and_a_text_are_refused_with_the_text_kept(browser: Browser) -> None:
    status, page = sent(browser, file_of(browser), text="draft: pasted")
    assert status == 422
    assert "a file and a text were given" in words(tree(page).xpath('//*[@role="alert"]')[0]).lower()
    assert filled(again(page))["file"] == "draft: pasted"
    assert browser.events() == ()


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


def test_a_full_disk_keeps_the_file_on_the_page(browser: Browser) -> None:
    browser.reviews.full = True
    status, page = sent(browser, file_of(browser))
    assert status == 507
    assert filled(again(page))["file"] == file_of(browser).decode()
    browser.reviews.full = False
    assert browser.post("/r/r1/response", **filled(again(page))).startswith("/r/r1/contests")


def test_the_guard_stands_before_an_upload(browser: Browser) -> None:
    raw = file_of(browser)
    assert sent(browser, raw, origin="http://evil.example")[0] == 403
    assert sent(browser, raw, **{"sec-fetch-site": "cross-site"})[0] == 403
    assert sent(browser, raw, host="evil.example")[0] == 421
    assert sent(browser, b"x" * MAX_BODY)[0] == 413
    assert sent(Browser(browser.reviews, role="viewer"), raw)[0] == 403
    browser.client.cookies.clear()
    assert sent(browser, raw)[0] == 401
    assert browser.events() == ()


def test_a_body_that_goes_on_is_cut(browser: Browser) -> None:
    head = b'--b\r\ncontent-disposition: form-data; name="upload"; filename="a"\r\n\r\n'
    headers = {"origin": ORIGIN, "content-type": "multipart/form-data; boundary=b"}
    answer = browser.client.post(
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
def test_a_form_that_no_browser_sends_is_refused_as_one(browser: Browser, kind: str, body: bytes) -> None:
    headers = {"origin": ORIGIN, "content-type": kind}
    answer = browser.client.post("/r/r1/response", content=body, headers=headers)
    assert answer.status_code == 422
    assert tree(answer.text).xpath("//h1")


def test_other_forms_take_no_file(browser: Browser) -> None:
    answer = browser.client.post(
        "/r/r1/act", data={"verb": "confirm"}, files={"upload": ("a", b"x")}, headers={"origin": ORIGIN}
    )
    assert answer.status_code == 422
    assert "wrong content type" in answer.text
