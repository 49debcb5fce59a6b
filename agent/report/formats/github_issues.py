"""CSV for github-csv-tools: one issue for each threat.

GitHub itself imports no CSV. Source: gavinr/github-csv-tools (`githubCsvTools FILE`), import.js at commit 0426c001:
columns are matched by name; `title` is required, `body`, comma-separated `labels` and `state` are optional. Other
scripts that create issues from CSV use the same names. A body is Markdown in which source text is escaped.
"""

from typing import Final

from agent.report.formats.issue_text import as_markdown
from agent.report.formats.threat_rows import ThreatRow, stable_id, threat_rows
from agent.report.safe_csv import written
from agent.report.safe_markdown import one_line, shorten
from agent.report.view import View

_HEADS: Final = ("title", "body", "labels", "state")
_TITLE: Final = 250
"""GitHub allows 256 characters."""
_BODY: Final = 60_000
"""GitHub allows 65,536 characters."""
_LABEL: Final = 50
"""GitHub's limit for a label, in characters."""


def write(view: View) -> bytes:
    """Write the draft's threats as issues."""
    return written(_HEADS, (_cells(row) for row in threat_rows(view)), mark=False)


def _cells(row: ThreatRow) -> list[str]:
    title = shorten(one_line(f"{row.threat.title} ({row.view.draft.product.name})"), _TITLE)
    body = f"{as_markdown(row, _BODY)}\n\n<!-- septet {stable_id(row.view.draft, row.threat)} -->"
    names = ["septet", row.code, f"severity: {row.severity}", f"state: {row.threat.state}"]
    names += [ref.id for ref in row.threat.taxonomy]
    return [title, body, ",".join(name.replace(",", " ")[:_LABEL] for name in dict.fromkeys(names)), "open"]
