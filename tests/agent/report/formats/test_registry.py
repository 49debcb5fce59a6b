"""Every format for every sort of draft: complete, identical each time, and no more certain than the draft."""

import csv
import io
import re
from typing import Final

import pytest

from agent.errors import InputError
from agent.report.draft_json import dump, parse
from agent.report.formats.registry import FORMATS, Format, is_text, named, write
from agent.report.view import View
from tests.fakes.report.exported import EVIL, VIEWS, threats

MODELS: Final = ("otm", "threat-dragon", "threat-composer", "tm-bom", "cyclonedx")
LISTS: Final = [name for name in FORMATS if name in ("sarif", "defectdojo", *MODELS) or name.startswith("csv")]


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_draft_gives_the_same_bytes(name: str, view: View) -> None:
    made = write(name, view)
    assert made == write(name, View(view.draft, view.documents))
    if is_text(FORMATS[name]):
        text = made.decode("utf-8-sig")
        assert text.endswith("\n")
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text), name


@pytest.mark.parametrize("sort", [sort for sort in VIEWS if sort not in ("hostile", "critical")])
def test_a_stored_draft_gives_what_it_gave_before_it_was_stored(sort: str) -> None:
    view = VIEWS[sort]()
    stored = View(parse(dump(view.draft), where=sort), view.documents)
    assert [name for name in FORMATS if write(name, view) != write(name, stored)] == []


@pytest.mark.parametrize("name", LISTS)
def test_every_threat_is_in_every_list_and_none_is_surer(name: str, view: View) -> None:
    text = write(name, view).decode()
    for threat in threats(view):
        assert threat.score.cvss_vector in text
        assert threat.state in text
    if view.draft.score.aivss is None and threats(view):
        assert "withheld" in text.lower()
        assert not re.search(r"AIVSS \d", text)


def test_an_unknown_format_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="--format") as caught:
        write("xml", VIEWS["certain"]())
    assert all(name in caught.value.hint for name in FORMATS)


def test_only_text_goes_to_a_terminal() -> None:
    assert not is_text(named("questionnaire-docx"))
    assert not is_text(Format("pdf", "", ".pdf", "application/pdf", lambda _: b""))
    assert all(is_text(named(name)) for name in ("json", "markdown", "html", "sarif", "csv"))


def test_names_and_endings_are_those_of_files() -> None:
    for name, each in FORMATS.items():
        assert each.name == name
        assert re.fullmatch(r"[a-z][a-z0-9-]+", name)
        assert re.fullmatch(r"\.[a-z0-9.]+", each.suffix)
        assert each.title


@pytest.mark.parametrize("name", ["csv", "csv-jira", "csv-github", "questionnaire-csv"])
def test_no_cell_of_a_table_is_a_formula(name: str) -> None:
    text = write(name, VIEWS["hostile"]()).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len({len(row) for row in rows}) == 1
    cells = [cell for row in rows for cell in row]
    assert not [cell for cell in cells if re.match(r"\s*[=+\-@\t\r]", cell)]
    assert not name.startswith("csv") or any(cell.startswith("'=HYPERLINK") for cell in cells)
    assert EVIL.startswith("=HYPERLINK")
