"""Hostile text as name, heading, quote and note stays text in the report, on the terminal and in file names."""

import html
import json
import re
from pathlib import Path
from typing import Final

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from agent.report.safe_json import dumps
from tests.fakes.command import Septet, refused
from tests.fakes.site import page
from tests.places import VECTORS

CASES: Final[list[dict[str, str]]] = json.loads((VECTORS / "injection.json").read_text())["cases"]
ATTACKS: Final = {case["id"]: case["payload"] for case in CASES if case["class"] == "output-attack"} | {
    "c1": "\x9b2J\x9d8;;http://evil.example\x9c\x85# forged",
    "hyperlink": "\x1b]8;;http://evil.example\x07here\x1b]8;;\x07",
    "reference": "[x]: https://evil.example/a\n[x][x]",
    "autolink": "<https://evil.example/a> www.evil.example a@evil.example",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt; &#60;b&#62;",
    "blocks": "a\u2028# forged\u0085# forged\x0b# forged\n===\n- [ ] task\n1. one\n> said",
    "fence": "```\n~~~\n```mermaid\nclick A href",
    "row": "| a | b |\n|---|---|\n| c | d |",
    "ticks": "`` ` ``<b>x</b> \\` <i>y</i>",
    "backslashes": "\\<script>\\\\<b> click\\]\\(javascript:1) \\| a",
    "tags": "\U000e0041\U000e0042 \u202etxt\u2066 \ufeff\u200b",
}
# Other ways of writing that others do something by default.
SLOW: Final = frozenset(
    ("I113", "I114", "I116", "I120", "I123", "I124", "I132", "I134", "I137", "hyperlink", "autolink", "entities")
)
NAMES: Final = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in ATTACKS]
TEXT: Final = (
    "<p>Acme Mail Agent reads a team's shared mailbox, drafts replies and sends them through Gmail with the owner's "
    "account. It runs Python snippets in a container, and remembers earlier conversations for ninety days.</p>"
)
UNSAFE: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
ACTIVE: Final = ("html_block", "html_inline", "link_open", "image")


def tokens(report: str) -> list[Token]:
    """Return all tokens of the report, including inline ones, as a renderer that allows HTML would see them."""
    found: list[Token] = []
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(report):
        found += [token, *(token.children or [])]
    return found


def assert_plain(text: str) -> None:
    """Check that there are no terminal control characters and no forged lines."""
    assert UNSAFE.search(text) is None
    assert [line for line in text.split("\n") if re.match(r"(?:#+ )?(?:Reviewer decision|forged)", line)] == []


def assert_inert(report: str, payload: str) -> None:
    assert_plain(report)
    read = tokens(report)
    assert [token.content or token.attrs for token in read if token.type in ACTIVE] == []
    assert [token.tag for token in read if token.type == "heading_open"].count("h1") == 2
    widths: list[int] = []
    for line in [*report.split("\n"), ""]:
        if line.startswith("|"):
            widths.append(line.count("|"))
        else:
            assert len(set(widths)) <= 1, (payload, line)
            widths = []
    assert not re.search(r"^\| *(?:Approved by|c|ok) *\|", report, re.MULTILINE)


def listing(folder: Path, title: str, *, heading: str = "", body: str = "") -> Path:
    file = folder / "listing.html"
    inner = f"<h1>{html.escape(heading or title)}</h1>{TEXT}{body}"
    file.write_text(page(html.escape(title), inner), "utf-8", "surrogatepass")
    return file


@pytest.mark.parametrize("name", NAMES)
def test_as_heading_quote_and_note(name: str, septet: Septet, tmp_path: Path) -> None:
    payload = ATTACKS[name]
    words = html.escape(payload)
    body = f"<h2>{words}</h2><p>It deletes files {words} in Google Drive without asking anyone.</p>"
    file = listing(tmp_path, "Acme Mail Agent", body=body)
    said = septet("draft", file, "--note", f"It deletes mail {payload} as root.", "--out", tmp_path / "out")
    assert said.code == 0, said.err
    assert said.out.startswith("Acme Mail Agent: agentic threat model\n")
    assert_plain(said.out)
    report = (tmp_path / "out" / "draft.md").read_text("utf-8")
    assert report.startswith("# Acme Mail Agent: agentic threat model\n")
    assert_inert(report, payload)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["listing.html", "out"]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"draft.json", "draft.md", "index", "snapshots"}
    stored = (tmp_path / "out" / "draft.json").read_text("utf-8")
    assert UNSAFE.search(stored) is None
    assert json.loads(stored)["product"]["name"] == "Acme Mail Agent"


@pytest.mark.parametrize("name", NAMES)
def test_as_the_name_of_the_product(name: str, septet: Septet, tmp_path: Path) -> None:
    payload = ATTACKS[name]
    named = septet("draft", listing(tmp_path, "Acme Mail Agent"), "--product", payload)
    assert named.code == 0, named.err
    assert_inert(named.out, payload)
    titled = septet("draft", listing(tmp_path, payload), "--out", tmp_path / "out")
    assert titled.code == 0, titled.err
    assert_plain(titled.out)
    assert_inert((tmp_path / "out" / "draft.md").read_text("utf-8"), payload)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["listing.html", "out"]


@pytest.mark.parametrize("name", NAMES)
def test_in_what_intake_prints(name: str, septet: Septet, tmp_path: Path) -> None:
    payload = ATTACKS[name]
    body = f"<h2>{html.escape(payload)}</h2><p>It reads mail.</p><p style='display:none'>{html.escape(payload)}</p>"
    file = listing(tmp_path, payload, body=body)
    for form in ([], ["--json"]):
        said = septet("intake", file, "--product", payload, *form)
        assert said.code == 0, said.err
        assert UNSAFE.search(said.out) is None
    assert json.loads(said.out)["product"] == payload


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("http://acme.example/\x1b[2J\x1b[1;1Herror: none", 3),
        ("http://acme.example/\x9b2J\u202e", 3),
        ("listing\x1b[2J\nhint: all is well.md", 3),
        ("http://\x1b]8;;x\x07/", 3),
        ("a\x1b[2J\nhint: fine.md", 1),
    ],
)
@pytest.mark.parametrize("verb", ["draft", "intake"])
def test_in_errors(verb: str, source: str, code: int, septet: Septet, tmp_path: Path) -> None:
    if code == 1:
        source = str(tmp_path / source)
        Path(source).write_text("# Acme")
    said = septet(verb, source)
    refused(said, code)
    assert UNSAFE.search(said.err) is None


def test_json_escapes_what_a_terminal_obeys_and_keeps_the_letters_of_all_scripts() -> None:
    value = {"é\x9b": "日本\u202e \ud800 \U000e0041 \U0001f600 \\u0041 \x1b"}
    text = dumps(value)
    assert text.isprintable() or set(filter(lambda char: not char.isprintable(), text)) == {"\n"}
    assert "日本" in text
    assert json.loads(text) == value
