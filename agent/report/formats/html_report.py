"""The report as one HTML page."""

from agent.report.html import render
from agent.report.view import View


def write(view: View) -> bytes:
    """The report of the draft as a page that loads nothing from elsewhere."""
    return render(view.draft, view.documents, view.progress).encode()
