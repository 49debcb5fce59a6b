"""The report as Markdown: text from sources always stays text; also, the words that code chooses."""

import re
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st
from markdown_it import MarkdownIt

from agent.records import Draft, ThreatStatement
from agent.report.document import Span
from agent.report.markdown import inline, render
from agent.report.safe_markdown import Column, code, excerpt, fence, plain, shorten, table
from agent.report.sentences import threat_sentence, verdict
from agent.report.view import View
from agent.review.domain.items import with_threats
from tests.fakes.drafts import thin, workos
from tests.fakes.report.spoiled import spoiled

HOSTILE = (
    "| cell | <img src=x onerror=alert(1)> `code` ``` \n# heading\n- item\n[here](https://evil.example) "
    "![i](https://evil.example/i.png) www.evil.example a@evil.example <https://evil.example> &lt;b&gt; "
    "\\| **bold** _x_ "
    "\u202eabc\u202c \u2028# line\r\n---\n| - | - |\n</details><!-- c --> ~~no~~ &#124; javascript:alert(1)"
)


def test_a_scored_draft_names_severity_and_range_from_the_numbers() -> None:
    score = workos().score
    assert verdict(score) == "High, 7.9 before controls; likely 7.0–8.8, all High"
    wider = score.model_copy(update={"likely_low": Decimal("6.2")})
    assert verdict(wider).endswith("likely 6.2–8.8, Medium to High")


def test_a_quote_is_cut_to_what_it_proves() -> None:
    text = "It signs people in, keeps their settings, sends mail on a schedule and deletes old drafts every night."
    assert excerpt(text, 50, "deletes drafts") == "… mail on a schedule and deletes old drafts …"
    assert excerpt(text, 200, "deletes drafts") == text


def test_hostile_words_stay_words() -> None:
    report = render(spoiled(workos(), HOSTILE))
    outside = _outside_code(report)
    assert not re.search(r"<[a-zA-Z/!]", outside)
    assert not re.search(r"(?<!\\)\]\(", outside)
    assert "https://evil" not in outside
    assert "a@evil" not in outside
    assert "\u202e" not in report
    assert not [line for line in report.split("\n") if line.startswith(("# heading", "# line", "- item"))]
    assert _headings(report) == _headings(render(spoiled(workos(), "word")))
    _assert_tables_are_whole(report)


@given(st.text(max_size=200))
def test_plain_text_is_one_line_without_markup(text: str) -> None:
    shown = plain(text)
    assert "\n" not in shown
    assert "\r" not in shown
    outside = re.sub(r"(?<!\\)`[^`]*`", "", shown)
    assert not re.search(r"[<>|]", outside)
    assert not re.search(r"(?<!\\)(?:\\\\)*[*\[\]~]", outside)
    assert "://" not in outside
    assert not shown.startswith(("# ", "- ", "+ ", "> ", "=", "---"))


@given(st.lists(st.text(max_size=60), min_size=2, max_size=2))
def test_a_row_always_has_the_columns_of_its_table(cells: list[str]) -> None:
    rows = [[plain(cells[0]), code(cells[1])]]
    for line in table([Column("a"), Column("b")], rows):
        assert len(line.split("|")) == 4


@given(st.lists(st.text(alphabet="`ab\n", max_size=20), max_size=4))
def test_a_fence_ends_only_where_it_is_closed(lines: list[str]) -> None:
    made = fence(lines, "text")
    mark = made[-1]
    assert all(mark not in line for line in made[1:-1])


@given(st.text(max_size=300), st.integers(min_value=8, max_value=80))
def test_a_shortened_quote_begins_as_the_quote_and_keeps_its_limit(text: str, limit: int) -> None:
    flat = " ".join(text.split())
    short = shorten(text, limit)
    assert len(short) <= limit
    assert flat.startswith(short.removesuffix(" …")) or short == flat


@pytest.mark.parametrize(
    ("slots", "sentence"),
    [
        (
            (
                "an author of a page",
                "hidden wording that the LLM takes in",
                "redirect Acme",
                "wrong results",
                "the answers",
            ),
            "An author of a page, through hidden wording that the LLM takes in, can redirect Acme, which leads to "
            "wrong results; at risk: the answers.",
        ),
        (
            ("whoever holds the token", "write access to the repository", "merge code", "takeover", "the build"),
            "Whoever holds the token, with write access to the repository, can merge code, which leads to takeover "
            "of the build.",
        ),
        (
            ("a stranger", "the agent reads mail unasked", "start a payment", "loss of money", "money"),
            "A stranger, when the agent reads mail unasked, can start a payment, which leads to loss of money.",
        ),
        (
            (
                "anyone who reaches the port, be it from the network",
                "a server without login",
                "call it",
                "misuse",
                "it",
            ),
            "Given a server without login, anyone who reaches the port, be it from the network, can call it, which "
            "leads to misuse of it.",
        ),
        (
            (
                "The author of a web page",
                "a page that the agent was asked to scrape",
                "run a script",
                "code run in the scraping browser",
                "the session",
            ),
            "Given a page that the agent was asked to scrape, the author of a web page can run a script, which leads "
            "to code run in the scraping browser; at risk: the session.",
        ),
        (("a guest", "who is signed in", "can read notes.", "", ""), "A guest who is signed in can read notes."),
        (
            ("a guest", "after the export", "read notes", "disclosure", "the notes"),
            "A guest, after the export, can read notes, which leads to disclosure of the notes.",
        ),
    ],
)
def test_threat_statements_read_as_sentences(slots: tuple[str, ...], sentence: str) -> None:
    source, prerequisite, action, impact, asset = slots
    statement = ThreatStatement(source=source, prerequisite=prerequisite, action=action, impact=impact, asset=asset)
    assert threat_sentence(statement) == sentence


def _outside_code(report: str) -> str:
    """Return the report without fences and code spans."""
    kept, mark = [], ""
    for line in report.split("\n"):
        found = re.match(r"`{3,}", line)
        if found and not mark:
            mark = found[0]
        elif mark and line == mark:
            mark = ""
        elif not mark:
            kept.append(re.sub(r"(?<!\\)`[^`]*`", "", line))
    return "\n".join(kept)


def _headings(report: str) -> int:
    return sum(line.startswith("#") for line in _outside_code(report).split("\n"))


def _assert_tables_are_whole(report: str) -> None:
    columns = 0
    for line in _outside_code(report).split("\n"):
        if line.startswith("|"):
            columns = columns or line.count("|")
            assert line.count("|") == columns
        else:
            columns = 0


@pytest.mark.parametrize("draft", [workos(), thin(), spoiled(workos(), HOSTILE), spoiled(thin(), HOSTILE)])
def test_a_markdown_parser_sees_no_link_image_or_html_and_every_table(draft: Draft) -> None:
    report = render(draft)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(report)
    found = {inner.type for token in tokens for inner in [token, *(token.children or [])]}
    assert not found & {"link_open", "image", "html_inline", "html_block", "s_open", "bullet", "code_block"}
    written = sum(line.startswith("|--") for line in report.split("\n"))
    assert sum(token.type == "table_open" for token in tokens) == written


def test_threats_stand_where_the_drafter_put_them() -> None:
    draft = workos()
    by_score = [item.threat.id for item in View(draft).threats]
    places = {threat: place for place, threat in enumerate(reversed(by_score), 1)}
    turned = View(with_threats(draft, lambda one: one.model_copy(update={"place": places[one.id]})))
    assert [item.threat.id for item in turned.threats] == by_score[::-1]


def test_a_quoted_row_of_a_table_has_no_backtick_without_a_partner() -> None:
    text = (Span("PORT` | the port | `8125", "quote"),)
    assert inline(text, in_table=True) == "“PORT ¦ the port ¦ 8125”"
    assert inline(text) == "“``PORT` | the port | `8125``”", "outside a table it is shown letter by letter"


def test_a_sign_behind_code_in_a_quote_needs_no_backslash() -> None:
    assert inline((Span("Returns a `token` + a preview", "quote"),)) == "“Returns a `token` + a preview”"
    assert inline((Span("+ more", "quote"),)) == "“\\+ more”"
