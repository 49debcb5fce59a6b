"""Issues for GitHub: the columns that github-csv-tools reads, and bodies in which nothing of a source acts."""

import csv
import io
import re

import pytest
from markdown_it import MarkdownIt

from agent.report.formats.github_issues import write
from agent.report.formats.threat_rows import stable_id
from agent.report.view import View
from agent.scoring import severity
from tests.fakes.report.exported import VIEWS, threats


def rows(view: View) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(write(view).decode(), newline="")))


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


def test_an_issue_for_each_threat(view: View) -> None:
    assert write(view).startswith(b'"title","body","labels","state"\r\n')
    made = rows(view)
    assert len(made) == len(threats(view))
    for threat in threats(view):
        (issue,) = [each for each in made if stable_id(view.draft, threat) in each["body"]]
        assert 0 < len(issue["title"]) <= 256
        assert len(issue["body"]) <= 65_536
        assert issue["state"] == "open"
        labels = issue["labels"].split(",")
        assert {f"severity: {severity(threat.score.cvss_base)}", f"state: {threat.state}"} <= set(labels)
        assert all(0 < len(label) <= 50 for label in labels)
        assert f"**State:** {threat.state}, confidence" in issue["body"]
        assert all(f"- {mark} “" in issue["body"] for mark in threat.evidence)


def test_words_of_sources_are_neither_links_nor_mentions() -> None:
    for issue in rows(VIEWS["hostile"]()):
        tokens = MarkdownIt("commonmark", {"html": True}).parse(issue["body"])
        inner = [child for token in tokens for child in token.children or ()]
        assert not [token for token in inner if token.type in ("link_open", "image", "html_inline")]
        blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
        assert len(blocks) == 1
        assert blocks[0].startswith("<!-- septet ")
        words = [child.content for child in inner if child.type == "text"]
        assert not [text for text in words if re.search(r"@admin|://|#1\b", text)]
