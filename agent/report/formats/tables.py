"""CSV with a row for each threat: for spreadsheets, for Jira's importer, and for github-csv-tools.

Jira requires a header row with a Summary column and without punctuation, rows of equal length, multiple values of a
field in columns of the same name, and labels without spaces. Source: Atlassian, "Create issues using the CSV importer"
and "Importing data from CSV". Priorities are Jira's own five; Critical becomes Highest, and the severity is also a
label.

GitHub itself does not import CSV, but gavinr/github-csv-tools (`githubCsvTools FILE`) does. It matches columns by name:
`title` is required; `body`, comma-separated `labels` and `state` are optional. Source: import.js at commit 0426c001.
Other scripts that create issues from CSV use the same names.
"""

import re
from typing import Final

from agent.report.formats.threat_rows import (
    MARKDOWN,
    NOT_RECORDED,
    WIKI,
    ThreatRow,
    fact_words,
    issue,
    quote_words,
    threat_rows,
)
from agent.report.safe_csv import written
from agent.report.safe_markdown import one_line, shorten
from agent.report.sentences import span, tenth
from agent.report.view import View
from agent.taxonomy.kinds import Band
from agent.taxonomy.layers import LAYER_TITLES

HEADS: Final = (
    "place", "id", "title", "severity", "cvss base", "cvss vector", "aivss", "layer", "layer name", "layer certain",
    "state", "confidence", "basis", "default use", "setting", "stride", "owasp asi", "cwe", "other ids", "how", "lost",
    "you", "vendor", "quotes", "facts", "origin", "waived", "product", "product score", "likely range", "review",
    "draft", "stable id",
)  # fmt: skip
_OWN: Final = ("stride", "owasp-asi", "cwe")
"""Taxonomies with their own columns."""
_NONE: Final = "none"
_PRIORITIES: Final[dict[Band, str]] = {
    "Critical": "Highest", "High": "High", "Medium": "Medium", "Low": "Low", "None": "Lowest",
}  # fmt: skip
_TITLE: Final = 250
"""Maximum number of characters of a title; Jira allows 255, GitHub 256."""
_WIKI: Final = 32_000
"""Maximum number of characters of a description in Jira, which allows 32,767."""
_BODY: Final = 60_000
"""Maximum number of characters of an issue's body on GitHub, which allows 65,536."""
_LABEL: Final = 50
"""GitHub's limit for a label, in characters."""
_UNLIKE_LABEL: Final = re.compile(r"[^\w.:-]+")


def spreadsheet(view: View) -> bytes:
    """Write the draft's threats as a table: no cell is a formula, and values that are unknown, withheld or not recorded
    are written in words, never as an empty cell or a zero."""
    return written(HEADS, (_cells(row) for row in threat_rows(view)))


def _cells(row: ThreatRow) -> list[str]:
    threat, draft = row.threat, row.view.draft
    score, likely = draft.score, "unknown"
    others = [f"{ref.scheme} {ref.id}" for ref in threat.taxonomy if ref.scheme not in _OWN]
    if score.likely_low is not None and score.likely_high is not None:
        likely = span(score.likely_low, score.likely_high) + (", typical of its kind" if score.aivss is None else "")
    shown = f"withheld: {score.withheld or 'no score'}"
    return [
        "not shown" if row.place is None else str(row.place),
        threat.id,
        threat.title,
        row.severity,
        tenth(threat.score.cvss_base),
        threat.score.cvss_vector,
        "withheld" if row.aivss is None else tenth(row.aivss),
        row.code,
        LAYER_TITLES[row.layer],
        "yes" if row.certain else "not certain from the listing",
        threat.state,
        row.confidence_words,
        threat.basis or NOT_RECORDED,
        "yes" if threat.default_use else "no",
        threat.setting or _NONE,
        *("; ".join(ref.id for ref in row.refs(name)) or _NONE for name in _OWN),
        "; ".join(others) or _NONE,
        row.how,
        row.lost or NOT_RECORDED,
        "\n".join(row.remedies("you")) or _NONE,
        "\n".join(row.remedies("vendor")) or _NONE,
        "\n".join(quote_words(row.view, quote).replace("\n", " ") for quote in row.quotes) or _NONE,
        "\n".join(fact_words(row.facts)) or _NONE,
        row.view.origin(threat, brief=True) or "catalogue",
        row.waived or "no",
        draft.product.name,
        shown if score.aivss is None else f"{score.severity} {tenth(score.aivss)}",
        likely,
        row.view.standing,
        draft.id,
        row.stable_id,
    ]


def jira(view: View) -> bytes:
    """Write the draft's threats as issues for Jira, with descriptions in its text formatting notation."""
    rows = threat_rows(view)
    labels = [[_UNLIKE_LABEL.sub("-", name) for name in _labels(row, "severity-", "state-")] for row in rows]
    columns = max(map(len, labels), default=1)
    cells = [
        [_headed(row), "Task", _PRIORITIES[row.severity], *own, *[""] * (columns - len(own)),
         f"{issue(row, WIKI, _WIKI)}\n\nSeptet {row.stable_id}"]
        for row, own in zip(rows, labels, strict=True)
    ]  # fmt: skip
    return written(["Summary", "Issue Type", "Priority", *["Labels"] * columns, "Description"], cells, mark=False)


def github(view: View) -> bytes:
    """Write the draft's threats as issues for github-csv-tools, with Markdown in which source text is escaped."""
    cells = []
    for row in threat_rows(view):
        labels = [name.replace(",", " ")[:_LABEL] for name in _labels(row, "severity: ", "state: ")]
        body = f"{issue(row, MARKDOWN, _BODY)}\n\n<!-- septet {row.stable_id} -->"
        cells.append([_headed(row), body, ",".join(labels), "open"])
    return written(("title", "body", "labels", "state"), cells, mark=False)


def _headed(row: ThreatRow) -> str:
    return shorten(one_line(f"{row.threat.title} ({row.view.draft.product.name})"), _TITLE)


def _labels(row: ThreatRow, graded: str, state: str) -> list[str]:
    names = ["septet", row.code, graded + row.severity, state + row.threat.state]
    return list(dict.fromkeys([*names, *(ref.id for ref in row.threat.taxonomy)]))
