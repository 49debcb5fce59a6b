"""The questionnaire says the same in every format, and a spreadsheet executes none of it."""

import csv
import io

import docx
import pytest

from agent.records import Draft, Question
from agent.report.formats.questionnaire import Format, questionnaire, rows
from tests.fakes.drafts import workos

FORMATS: tuple[Format, ...] = ("md", "csv", "docx")


def asking(*texts: str) -> Draft:
    asked = tuple(
        Question(id=f"Q{n}", text=text, proposed="Yes.", settles=("autonomy_of_action",), effect=0.4)
        for n, text in enumerate(texts, 1)
    )
    return workos().model_copy(update={"questions": asked})


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


def test_questions_that_are_closed_can_be_left_out() -> None:
    assert [row.id for row in rows(asking("A thing?", "Another?"), leave_out=["Q1"])] == ["Q2"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "\t=", " ="])
def test_a_cell_is_never_a_formula(start: str) -> None:
    raw = questionnaire(asking(f'{start}HYPERLINK("http://evil.example")'), "csv").decode("utf-8-sig")
    cell = list(csv.reader(io.StringIO(raw)))[1][1]
    assert cell[0] == "'" or cell[0].isalpha()


def test_markdown_of_a_question_is_text_and_names_the_draft() -> None:
    draft = asking("<img src=x> ![a](http://b.example) # c")
    text = as_text(questionnaire(draft, "md"), "md")
    assert "<img" not in text
    assert "![a](" not in text
    assert draft.id in text
