"""The report as Markdown."""

from agent.report.markdown import render
from agent.report.view import View


def write(view: View) -> bytes:
    """The report of the draft, as `septet draft` prints it."""
    return render(view.draft, view.documents, view.progress).encode()
