"""Septet's own forms: the draft itself, the report, and the questions to the vendor."""

from agent.report import draft_json, html, markdown
from agent.report.formats.questionnaire import questionnaire
from agent.report.view import View


def as_json(view: View) -> bytes:
    """`draft.json`: the one format that loses nothing."""
    return draft_json.dump(view.draft).encode()


def as_markdown(view: View) -> bytes:
    """The report, as `septet draft` prints it."""
    return markdown.render(view.draft, view.documents, view.progress).encode()


def as_html(view: View) -> bytes:
    """The report as a page that loads nothing from elsewhere."""
    return html.render(view.draft, view.documents, view.progress).encode()


def questions_markdown(view: View) -> bytes:
    """The questions, to be filled in and taken back by `septet answer`."""
    return questionnaire(view.draft, "md")


def questions_csv(view: View) -> bytes:
    """The questions as CSV."""
    return questionnaire(view.draft, "csv")


def questions_docx(view: View) -> bytes:
    """The questions as DOCX."""
    return questionnaire(view.draft, "docx")
