"""The HTML report: a whole page without script or outside resources, in which sources are only ever text."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from agent.report.html import STYLE, page

REPORT = """# Acme: agentic threat model

**Why**: it writes (E1, E9).

| mark | quote | rank |
|---|---|--:|
| E1 | “It writes.” | 2 |

```mermaid
flowchart LR
```

## Layers
## Layers
"""
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "![beacon](http://evil.example/x.png)",
    "[click](javascript:alert(1))",
    "<http://evil.example/>",
    "[a]: http://evil.example/\n\n[a]",
    "<svg/onload=alert(1)>",
    "&lt;script&gt;",
]


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags(text: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(text)
    return parser.found


def test_the_page_names_its_style_by_hash_and_allows_nothing_else() -> None:
    text = page(REPORT, "Acme")
    digest = base64.b64encode(hashlib.sha256(STYLE.read_bytes()).digest()).decode()
    policy = next(a["content"] for tag, a in tags(text) if a.get("http-equiv") == "Content-Security-Policy")
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f"<style>{STYLE.read_text('utf-8')}</style>" in text
    assert not any("style" in attributes for _, attributes in tags(text))


def test_marks_that_the_page_lists_lead_to_their_quote_and_others_stay_text() -> None:
    found = tags(page(REPORT, "Acme"))
    assert [a["href"] for tag, a in found if tag == "a"] == ["#E1"]
    assert [a["id"] for tag, a in found if tag == "td" and "id" in a] == ["E1"]


def test_headings_have_addresses_of_their_own() -> None:
    found = tags(page(REPORT, "Acme"))
    assert [a["id"] for tag, a in found if tag == "h2"] == ["layers", "layers-2"]


def test_numbers_stand_to_the_right_by_a_class() -> None:
    assert ("td", {"class": "number"}) in tags(page(REPORT, "Acme"))


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_a_source_says_is_text(attack: str) -> None:
    text = page(f"# Acme\n\n{attack}\n\n| quote |\n|---|\n| {attack.splitlines()[0]} |\n", attack)
    allowed = {"html", "head", "meta", "title", "style", "body", "main", "h1", "p", "div", "table", "thead", "tbody"}
    allowed |= {"tr", "th", "td"}
    assert {tag for tag, _ in tags(text)} <= allowed
    assert not re.search(r'(?:href|src)="', text)


def test_the_same_report_gives_the_same_page() -> None:
    assert page(REPORT, "Acme") == page(REPORT, "Acme")
