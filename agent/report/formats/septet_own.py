"""Septet's own forms: the draft itself, the report, and the questions to the vendor."""

from agent.report import draft_json, html, markdown
from agent.report.formats.questionnaire import questionnaire
from agent.report.view import View


def as_json(view: View) -> bytes:
    """Write `draft.json`, the only lossless format."""
    return draft_json.dump(view.draft).encode()


def as_markdown(view: View) -> bytes:
    """Write the report in Markdown, as `septet draft` prints it."""
    return markdown.render(view.draft, view.documents, view.progress).encode()


def as_html(view: View) -> bytes:
    """Write the report as a self-contained HTML page."""
    return html.render(view.draft, view.documents, view.progress).encode()


def questions_markdown(view: View) -> bytes:
    """Write the questions as Markdown, to be filled in and read by `septet answer`."""
    return questionnaire(view.draft, "md")


def questions_csv(view: View) -> bytes:
    """Write the questions as CSV."""
    return questionnaire(view.draft, "csv")


def questions_docx(view: View) -> bytes:
    """Write the questions as DOCX."""
    return questionnaire(view.draft, "docx")
