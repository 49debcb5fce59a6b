"""`draft.json` as it is: the one format that loses nothing."""

from agent.report.draft_json import dump
from agent.report.view import View


def write(view: View) -> bytes:
    """The draft as sorted, stable JSON."""
    return dump(view.draft).encode()
