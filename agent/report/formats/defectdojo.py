"""DefectDojo's generic findings: one finding for each threat.

Source: the page on Generic Findings Import (JSON) in DefectDojo's documentation. Only the attributes that it lists are
used, since the importer rejects files with any others. Critical stays Critical, and None becomes Info. DefectDojo
renders text as Markdown. Data without an attribute (state, basis, layer, facts, the product's score with its range) is
in the description and among the tags; struck threats no longer have a severity and are left out.
"""

import re
from typing import Final

from agent.report.formats.threat_rows import (
    ACCEPTED,
    MARKDOWN,
    OUT_OF_SCOPE,
    ThreatRow,
    issue,
    listed,
    product_words,
    threat_rows,
    url_of,
)
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line, plain, shorten
from agent.report.view import View

_TITLE: Final = 500
"""Maximum number of characters of a title; DefectDojo cuts titles at 511."""
_TEXT: Final = 60_000
_TAG: Final = re.compile(r"[^\w.:-]+")


def write(view: View) -> bytes:
    """Write the draft as a file for DefectDojo's "Generic Findings Import"."""
    draft = view.draft
    summary = f"{draft.product.name}. {product_words(draft)}. {draft.id}, {view.standing}"
    return dumps({"description": one_line(summary), "findings": [_finding(row) for row in threat_rows(view)]}).encode()


def _finding(row: ThreatRow) -> dict[str, object]:
    draft, threat = row.view.draft, row.threat
    ids = [f"{ref.id} {ref.title}" for ref in threat.taxonomy]
    pages = dict.fromkeys(url_of(row.view, quote.document) for quote in row.quotes)
    remedies = sorted(row.owned_remedies(), key=lambda owned: owned[0] == "Vendor")
    tags = ["septet", row.code, f"state:{threat.state}", f"basis:{threat.basis or 'not recorded'}"]
    tags += ["layer:certain" if row.certain else "layer:not-certain", *(ref.id for ref in threat.taxonomy)]
    found: dict[str, object] = {
        "title": shorten(row.title, _TITLE),
        "severity": "Info" if row.severity == "None" else row.severity,
        "description": issue(row, MARKDOWN, _TEXT),
        "date": draft.created_at[: len("2026-11-24")],
        "cvssv4": threat.score.cvss_vector,
        "cvssv4_score": float(threat.score.cvss_base),
        "mitigation": listed(f"{who}: {plain(words)}" for who, words in remedies),
        "impact": plain(row.lost),
        "severity_justification": listed(f"{metric}: {plain(why)}" for metric, why in row.reasons),
        "references": listed(plain(words) for words in (*ids, *pages)),
        "active": not row.settled,
        "verified": threat.state == "confirmed",
        "under_review": bool(row.waived) and not row.settled,
        "risk_accepted": row.settled == ACCEPTED,
        "out_of_scope": row.settled == OUT_OF_SCOPE,
        "static_finding": False,
        "dynamic_finding": False,
        "component_name": one_line(draft.product.name),
        "unique_id_from_tool": row.stable_id,
        "vuln_id_from_tool": threat.id,
        "tags": [_TAG.sub("-", tag) for tag in dict.fromkeys(tags)],
    }
    return found | ({"cwe": row.weaknesses[0][0]} if row.weaknesses else {})
