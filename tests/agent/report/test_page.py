"""The report's HTML page: marks have targets, a picture is drawn, and everything from a source stays text."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from agent.records import Draft
from agent.report import html, markdown
from agent.report.report import build, first_screen
from agent.report.view import View
from tests.agent.report.test_attacks import ATTACKS, assert_inert
from tests.fakes.drafts import thin, workos
from tests.fakes.report.fact_drafts import harbour
from tests.fakes.report.spoiled import spoiled

TAGS = {
    "html", "head", "meta", "title", "style", "body", "main", "section", "div", "h1", "h2", "h3", "p", "ul", "ol", "li",
    "table", "thead", "tbody", "tr", "th", "td", "strong", "em", "code", "span", "a", "pre", "hr", "details",
    "summary", "nav", "svg", "defs", "marker", "path", "rect", "circle", "text", "tspan",
}  # fmt: skip


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(page)
    return parser.found


def test_the_page_names_its_style_by_hash_and_allows_nothing_else() -> None:
    text = html.render(harbour())
    digest = base64.b64encode(hashlib.sha256(html.STYLE.read_bytes()).digest()).decode()
    policy = next(a["content"] for tag, a in tags(text) if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f"<style>{html.STYLE.read_text('utf-8')}</style>" in text


@pytest.mark.parametrize("draft", [harbour(), workos(), thin()], ids=["facts", "rich", "thin"])
def test_every_link_leads_to_a_place_on_the_page_and_places_are_single(draft: Draft) -> None:
    found = tags(html.render(draft))
    places = [attributes["id"] for _, attributes in found if "id" in attributes]
    assert len(set(places)) == len(places)
    targets = {attributes["href"] for tag, attributes in found if tag == "a"}
    assert targets <= {f"#{place}" for place in places}
    assert "#E1" in targets or draft == thin()
    assert {tag for tag, _ in found} <= TAGS


def test_the_contents_lead_to_each_part_in_their_order() -> None:
    found = tags(html.render(harbour()))
    report = build(harbour())
    titled = [f"#{part.key}" for part in (*report.front, *report.reference) if part.title]
    links = [attrs["href"] for tag, attrs in found if tag == "a"]
    assert links[: len(titled)] == titled
    assert [attrs["class"] for tag, attrs in found if tag == "nav"] == ["contents", "contents", "contents printed"]


def test_the_page_has_chips_a_meter_bars_and_the_picture() -> None:
    page = html.render(harbour())
    assert '<span class="chip medium">Medium 5.9</span>' in page
    assert page.count('class="meter"') == 1
    assert page.count('class="bar"') == 10
    assert page.count('class="picture"') == 1
    assert " style=" not in page


@pytest.mark.parametrize("name", ATTACKS)
def test_what_a_source_says_is_text(name: str) -> None:
    page = html.render(spoiled(harbour(), ATTACKS[name]))
    found = tags(page)
    assert {tag for tag, _ in found} <= TAGS
    assert not any(name_.startswith("on") or name_ in ("style", "src") for _, attrs in found for name_ in attrs)
    assert all((attrs["href"] or "").startswith("#") for tag, attrs in found if tag == "a")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]", page)


@pytest.mark.parametrize("name", ATTACKS)
def test_what_a_source_says_is_text_in_markdown_and_on_the_terminal_too(name: str) -> None:
    draft = spoiled(harbour(), ATTACKS[name])
    assert_inert(markdown.render(draft), name)
    shown = "\n".join(first_screen(View(draft)))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", shown)


def test_the_same_draft_gives_the_same_page() -> None:
    assert html.render(harbour()) == html.render(harbour())
