"""`draft.json` as it is: the one format that loses nothing."""

from agent.export.draft_json import dump
from agent.export.view import View


def write(view: View) -> bytes:
    """The draft as sorted, stable JSON."""
    return dump(view.draft).encode()
