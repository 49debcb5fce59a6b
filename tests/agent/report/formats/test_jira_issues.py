"""Jira's importer: its columns, values that it takes, and descriptions in which nothing of a source acts."""

import csv
import io
import re
from typing import Final

import pytest

from agent.report.formats.issue_text import wiki
from agent.report.formats.jira_issues import write
from agent.report.formats.threat_rows import stable_id
from agent.report.view import View
from agent.scoring import severity
from tests.fakes.report.exported import VIEWS, threats

PRIORITIES: Final = {"Critical": "Highest", "High": "High", "Medium": "Medium", "Low": "Low", "None": "Lowest"}


def rows(view: View) -> list[list[str]]:
    return list(csv.reader(io.StringIO(write(view).decode(), newline="")))


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


def test_columns_are_those_of_the_importer(view: View) -> None:
    heads, *issues = rows(view)
    assert heads[:3] == ["Summary", "Issue Type", "Priority"]
    assert heads[-1] == "Description"
    assert set(heads[3:-1]) == {"Labels"}
    assert not any(re.search(r"[^\w ]", head) for head in heads)
    assert len(issues) == len(threats(view))
    for issue in issues:
        assert len(issue) == len(heads)
        assert 0 < len(issue[0]) <= 255
        assert "\n" not in issue[0]
        assert len(issue[-1]) <= 32_767
        assert all(re.fullmatch(r"[\w.:-]*", label) for label in issue[3:-1])


def test_an_issue_says_what_the_threat_says(view: View) -> None:
    _, *issues = rows(view)
    for threat in threats(view):
        (issue,) = [each for each in issues if stable_id(view.draft, threat) in each[-1]]
        band = severity(threat.score.cvss_base)
        assert issue[2] == PRIORITIES[band]
        assert {f"severity-{band}", f"state-{threat.state}"} <= set(issue[3:-1])
        assert f"*State:* {threat.state}, confidence" in issue[-1]
        assert all(f"* {mark} “" in issue[-1] for mark in threat.evidence)


def test_words_of_sources_are_neither_links_nor_macros() -> None:
    _, *issues = rows(VIEWS["hostile"]())
    for issue in issues:
        assert not re.search(r"(?<!\\)[{}\[\]!|]", issue[-1])
        assert "://" not in issue[-1]
    assert wiki("{code} [~admin] !http://evil.example/i.png! a\\b |x|") == (
        "\\{code\\} \\[\\~admin\\] \\!http:\\/\\/evil.example/i.png\\! a/b \\|x\\|"
    )
