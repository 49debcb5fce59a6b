"""The questions to the vendor, as a document that is filled in and comes back by `septet answer`."""

from agent.report.questionnaire import Format, questionnaire
from agent.report.view import View


def markdown(view: View) -> bytes:
    """As Markdown."""
    return _written(view, "md")


def table(view: View) -> bytes:
    """As CSV."""
    return _written(view, "csv")


def docx(view: View) -> bytes:
    """As DOCX."""
    return _written(view, "docx")


def _written(view: View, format_: Format) -> bytes:
    return questionnaire(view.draft, format_)
