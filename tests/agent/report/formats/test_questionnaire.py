"""The questionnaire says the same in every format, and a spreadsheet executes none of it."""

import csv
import io
import json

import docx
import pytest

from agent.records import Draft, Question
from agent.report.draft_json import parse
from agent.report.formats.questionnaire import Format, questionnaire, rows
from tests.places import GOLDEN

DRAFTS = GOLDEN / "drafts"
FORMATS: tuple[Format, ...] = ("md", "csv", "docx")


def a_draft() -> Draft:
    file = sorted(DRAFTS.glob("*.json"))[0] if DRAFTS.is_dir() else None
    assert file is not None
    return parse(file.read_text("utf-8"), where=file.name)


def asking(*texts: str) -> Draft:
    asked = tuple(
        Question(id=f"Q{n}", text=text, proposed="Yes.", settles=("autonomy_of_action",), effect=0.4)
        for n, text in enumerate(texts, 1)
    )
    return a_draft().model_copy(update={"questions": asked})


def as_text(raw: bytes, format_: Format) -> str:
    if format_ != "docx":
        return raw.decode("utf-8-sig")
    made = docx.Document(io.BytesIO(raw))
    return "\n".join(part.text for part in made.paragraphs)


@pytest.mark.parametrize("format_", FORMATS)
def test_each_format_holds_every_question_in_the_order_of_the_report(format_: Format) -> None:
    draft = asking("Does it ask?", "Does it keep?")
    text = as_text(questionnaire(draft, format_), format_)
    places = [text.index(row.text) for row in rows(draft)]
    assert places == sorted(places)
    assert len(places) == 2


@pytest.mark.parametrize("format_", FORMATS)
def test_the_same_draft_gives_the_same_bytes(format_: Format) -> None:
    draft = asking("Does it ask?")
    assert questionnaire(draft, format_) == questionnaire(draft, format_)


def test_questions_that_are_closed_can_be_left_out() -> None:
    assert [row.id for row in rows(asking("A thing?", "Another?"), leave_out=["Q1"])] == ["Q2"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "\t=", " ="])
def test_a_cell_is_never_a_formula(start: str) -> None:
    raw = questionnaire(asking(f'{start}HYPERLINK("http://evil.example")'), "csv").decode("utf-8-sig")
    cell = list(csv.reader(io.StringIO(raw)))[1][1]
    assert cell[0] == "'" or cell[0].isalpha()


def test_markdown_of_a_question_is_text() -> None:
    text = as_text(questionnaire(asking("<img src=x> ![a](http://b.example) # c"), "md"), "md")
    assert "<img" not in text
    assert "![a](" not in text


def test_the_markdown_names_the_draft() -> None:
    draft = asking("Does it ask?")
    assert json.dumps(draft.id).strip('"') in as_text(questionnaire(draft, "md"), "md")
