"""CSV for Jira's importer: one issue for each threat.

Source: Atlassian, "Create issues using the CSV importer" and "Importing data from CSV": a head row with a Summary
column and without punctuation, no row shorter than it, several values of a field in columns of the same name, labels
without blanks. Priorities are Jira's own five; Critical is Highest, and the severity is among the labels too.
Jira reads a description in its text formatting notation.
"""

import re
from typing import Final

from agent.report.formats.issue_text import as_wiki
from agent.report.formats.threat_rows import ThreatRow, stable_id, threat_rows
from agent.report.safe_csv import written
from agent.report.safe_markdown import one_line, shorten
from agent.report.view import View
from agent.taxonomy.kinds import Band

_PRIORITIES: Final[dict[Band, str]] = {
    "Critical": "Highest",
    "High": "High",
    "Medium": "Medium",
    "Low": "Low",
    "None": "Lowest",
}
_SUMMARY: Final = 250
"""Jira allows 255 characters."""
_DESCRIPTION: Final = 32_000
"""Jira allows 32,767 characters."""
_LABEL: Final = re.compile(r"[^\w.:-]+")


def write(view: View) -> bytes:
    """Write the draft's threats as issues; the columns are mapped by name."""
    rows = threat_rows(view)
    labels = [_labels(row) for row in rows]
    columns = max((len(each) for each in labels), default=1)
    heads = ["Summary", "Issue Type", "Priority", *["Labels"] * columns, "Description"]
    cells = [_cells(row, [*own, *[""] * (columns - len(own))]) for row, own in zip(rows, labels, strict=True)]
    return written(heads, cells, mark=False)


def _cells(row: ThreatRow, labels: list[str]) -> list[str]:
    summary = shorten(one_line(f"{row.threat.title} ({row.view.draft.product.name})"), _SUMMARY)
    description = f"{as_wiki(row, _DESCRIPTION)}\n\nSeptet {stable_id(row.view.draft, row.threat)}"
    return [summary, "Task", _PRIORITIES[row.severity], *labels, description]


def _labels(row: ThreatRow) -> list[str]:
    names = ["septet", row.code, f"severity-{row.severity}", f"state-{row.threat.state}"]
    names += [ref.id for ref in row.threat.taxonomy]
    return [_LABEL.sub("-", name) for name in dict.fromkeys(names)]
