"""Characters that reverse text direction: they are visible on every page and do not affect the text around them."""

from collections.abc import Iterator

import pytest
from lxml.html import HtmlElement

from agent.review.service import Service
from agent.review.store.store import Store
from agent.review.web.templating import TURNING, visible
from agent.settings import Settings
from tests.fakes.review.hostile_review import Attacked, sentence
from tests.fakes.review.web import Browser, tree

TURNED = "Acme \u202egnp.exe\u2066 \u200bagent\u200f"
MARKED = '<span class="turn" data-code="U+202E">\u202e</span>'
PAGES = (
    "", "/history", "/compare", "/questions", "/contests", "/sign", "/add", "/mitigations", "/source/D1", "?as_of=1",
    "?since=1", "/questions?since=1",
)  # fmt: skip


class Turned:
    """A review with such characters in all its texts, and a browser showing it."""

    def __init__(self, store: Store) -> None:
        self.service = Service(store, Settings(), lambda: "2026-11-26T10:00:00Z")
        self.attacked = Attacked(self.service, TURNED)
        self.browser = Browser(self.service, name=TURNED)

    def pages(self) -> Iterator[tuple[str, str]]:
        key = self.attacked.key
        for path in ("/", "/people", f"/compare?keys={key}", *(f"/r/{key}{page}" for page in PAGES)):
            yield path, self.browser.get(path)
        act = {"verb": "correct", "item": "posture", "text": TURNED, "reason": "wording", "note": TURNED}
        yield "conflict", self.browser.post(f"/r/{key}/act", 409, version=1, **act)
        act["text"] = f"“{TURNED} that no source says”"
        yield "refused", self.browser.post(f"/r/{key}/act", 422, version=self.attacked.version, **act)


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turned]:
    with Store.open(tmp_path_factory.mktemp("turned") / "review.sqlite") as store:
        yield Turned(store)


def unmarked(page: HtmlElement) -> list[str]:
    """Return texts and announced attributes with such a character unprotected, except what a form sends back."""
    bare = [
        f"{node.getparent().tag}: {node}"
        for node in page.xpath("//text()")
        if TURNING.search(node) and not (node.is_text and node.getparent().get("class") == "turn")
        and not (node.is_text and node.getparent().tag == "textarea")
    ]  # fmt: skip
    return bare + [
        str(value) for value in page.xpath("//@title | //@aria-label | //@placeholder") if TURNING.search(value)
    ]


def test_on_every_page_they_are_seen_and_isolated(turned: Turned) -> None:
    for path, text in turned.pages():
        page = tree(text)
        assert unmarked(page) == [], path
        shown = page.xpath('//*[@class="turn"]')
        assert shown or path == "/people", path
        assert all(each.get("data-code") == f"U+{ord(each.text):04X}" for each in shown), path


def test_words_stay_the_same_for_selections_and_forms(turned: Turned) -> None:
    attacked = turned.attacked
    page = tree(turned.browser.get(f"/r/{attacked.key}"))
    assert page.get_element_by_id(f"cite-{attacked.mark}").text_content() == sentence(TURNED)
    texts = {document.id: document.text for document in turned.service.documents(attacked.key)}
    for source in page.xpath("//*[@data-document]"):
        for run in source.xpath(".//*[@data-start]"):
            start, text = int(run.get("data-start")), run.text_content()
            assert texts[source.get("data-document")][start : start + len(text)] == text
    fields = tree(turned.browser.get(f"/r/{attacked.key}")).xpath("//textarea[@name='text']")
    assert any(TURNED in field.text_content() for field in fields)


def test_exports_hold_no_such_character(turned: Turned) -> None:
    for form in ("html", "md"):
        found = turned.service.export(turned.attacked.key, form).data.decode()  # type: ignore[arg-type]
        assert TURNING.search(found) is None
        assert "⟨U+202E⟩" in found


def test_a_page_without_one_is_left_as_it_is() -> None:
    plain = '<p title="a">می‌خواهم 👩‍💻 soft\u00adhyphen</p>'
    assert visible(plain) is plain


@pytest.mark.parametrize(
    ("page", "made"),
    [
        ("<title>a\u202eb</title>", "<title>a⟨U+202E⟩b</title>"),
        ('<option value="a\u202e">a\u202e</option>', '<option value="a\u202e">a⟨U+202E⟩</option>'),
        ("<textarea>\u202e</textarea>\u202e", f"<textarea>\u202e</textarea>{MARKED}"),
        ('<p title="\u200e" data-x="\u200e">', '<p title="⟨U+200E⟩" data-x="\u200e">'),
        ('<input value="\u2067" aria-label="Choose \u2067">', '<input value="\u2067" aria-label="Choose ⟨U+2067⟩">'),
        ("a\U000e0041", 'a<span class="turn" data-code="U+E0041">\U000e0041</span>'),
    ],
)  # fmt: skip
def test_where_no_element_can_stand_the_code_is_text(page: str, made: str) -> None:
    assert visible(page) == made
