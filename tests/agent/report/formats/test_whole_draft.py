"""JSON, Markdown and HTML are what the draft's own writers make, and the JSON reads back."""

import pytest

from agent.report import html, markdown
from agent.report.draft_json import dump, parse
from agent.report.formats.registry import write
from tests.fakes.report.exported import VIEWS


@pytest.mark.parametrize("name", [name for name in VIEWS if name not in ("hostile", "critical")])
def test_json_reads_back_as_the_draft(name: str) -> None:
    draft = VIEWS[name]().draft
    text = write("json", VIEWS[name]()).decode()
    assert parse(text, where=name) == parse(dump(draft), where=name)
    assert dump(parse(text, where=name)) == text


@pytest.mark.parametrize("name", VIEWS)
def test_reports_are_those_of_their_writers(name: str) -> None:
    view = VIEWS[name]()
    assert write("markdown", view).decode() == markdown.render(view.draft, view.documents)
    assert write("html", view).decode() == html.render(view.draft, view.documents)
