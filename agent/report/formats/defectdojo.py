"""DefectDojo's generic findings: one finding for each threat.

Source: DefectDojo, Generic Findings Import, JSON: the attributes that its page lists; its importer refuses a file with
any other. Severities keep Critical, and None is Info. Text is shown as Markdown there. Data without an attribute
(state, basis, layer, facts, the product's score with its range) is in the description and among the tags; struck
threats no longer have a severity and are left out.
"""

import re
from typing import Final

from agent.report.formats.issue_text import as_markdown
from agent.report.formats.threat_rows import (
    ACCEPTED,
    OUT_OF_SCOPE,
    ThreatRow,
    product_words,
    stable_id,
    threat_rows,
    url_of,
)
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line, plain, shorten
from agent.report.view import View
from agent.taxonomy.kinds import Band

_SEVERITIES: Final[dict[Band, str]] = {
    "Critical": "Critical",
    "High": "High",
    "Medium": "Medium",
    "Low": "Low",
    "None": "Info",
}
_TITLE: Final = 500
"""DefectDojo cuts titles at 511 characters."""
_TEXT: Final = 60_000
_DAY: Final = 10
_TAG: Final = re.compile(r"[^\w.:-]+")


def write(view: View) -> bytes:
    """Write the draft as a file for the import "Generic Findings Import"."""
    draft = view.draft
    summary = f"{draft.product.name}. {product_words(draft)}. {draft.id}, {view.standing}"
    return dumps({"description": one_line(summary), "findings": [_finding(row) for row in threat_rows(view)]}).encode()


def _finding(row: ThreatRow) -> dict[str, object]:
    draft, threat = row.view.draft, row.threat
    found: dict[str, object] = {
        "title": shorten(one_line(threat.title), _TITLE),
        "severity": _SEVERITIES[row.severity],
        "description": as_markdown(row, _TEXT),
        "date": draft.created_at[:_DAY],
        "cvssv4": threat.score.cvss_vector,
        "cvssv4_score": float(threat.score.cvss_base),
        "mitigation": "\n".join(f"- {words}" for words in _remedies(row)),
        "impact": plain(row.lost),
        "severity_justification": "\n".join(f"- {metric}: {plain(why)}" for metric, why in row.reasons),
        "references": "\n".join(f"- {plain(words)}" for words in _references(row)),
        "active": not row.settled,
        "verified": threat.state == "confirmed",
        "under_review": bool(row.waived) and not row.settled,
        "risk_accepted": row.settled == ACCEPTED,
        "out_of_scope": row.settled == OUT_OF_SCOPE,
        "static_finding": False,
        "dynamic_finding": False,
        "component_name": one_line(draft.product.name),
        "unique_id_from_tool": stable_id(draft, threat),
        "vuln_id_from_tool": threat.id,
        "tags": _tags(row),
    }
    weaknesses = [ref.id.rpartition("-")[2] for ref in row.refs("cwe")]
    if weaknesses and weaknesses[0].isdecimal():
        found["cwe"] = int(weaknesses[0])
    return found


def _remedies(row: ThreatRow) -> list[str]:
    heads = (("you", "You"), ("vendor", "Vendor"))
    return [f"{head}: {plain(row.remedy(each))}" for who, head in heads for each in row.mitigations(who)]


def _references(row: ThreatRow) -> list[str]:
    pages = dict.fromkeys(url_of(row.view, quote.document) for quote in row.quotes)
    return [*(f"{ref.id} {ref.title}" for ref in row.threat.taxonomy), *pages]


def _tags(row: ThreatRow) -> list[str]:
    basis = row.threat.basis or "not recorded"
    tags = ["septet", row.code, f"state:{row.threat.state}", f"basis:{basis}"]
    tags.append("layer:certain" if row.certain else "layer:not-certain")
    tags += [ref.id for ref in row.threat.taxonomy]
    return [_TAG.sub("-", tag) for tag in dict.fromkeys(tags)]
