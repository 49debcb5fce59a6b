"""CSV with one row for each threat, for spreadsheets: no cell is a formula, and values that are unknown, withheld or
not recorded are written in words, never as an empty cell or a zero."""

from typing import Final

from agent.report.formats.threat_rows import (
    NOT_RECORDED,
    ThreatRow,
    fact_words,
    quote_words,
    range_words,
    stable_id,
    threat_rows,
)
from agent.report.safe_csv import written
from agent.report.sentences import tenth
from agent.report.view import View
from agent.taxonomy.layers import LAYER_TITLES

HEADS: Final = (
    "place", "id", "title", "severity", "cvss base", "cvss vector", "aivss", "layer", "layer name", "layer certain",
    "state", "confidence", "basis", "default use", "setting", "stride", "owasp asi", "cwe", "other ids", "how", "lost",
    "you", "vendor", "quotes", "facts", "origin", "waived", "product", "product score", "likely range", "review",
    "draft", "stable id",
)  # fmt: skip
_NONE: Final = "none"
_OWN: Final = ("stride", "owasp-asi", "cwe")
"""Taxonomies with a column of their own."""


def write(view: View) -> bytes:
    """Write the draft's threats as a table."""
    return written(HEADS, (_cells(row) for row in threat_rows(view)))


def _cells(row: ThreatRow) -> list[str]:
    threat, draft = row.threat, row.view.draft
    score = draft.score
    others = [ref for ref in threat.taxonomy if ref.scheme not in _OWN]
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
        "; ".join(f"{ref.scheme} {ref.id}" for ref in others) or _NONE,
        row.how,
        row.lost or NOT_RECORDED,
        *("\n".join(row.remedy(each) for each in row.mitigations(who)) or _NONE for who in ("you", "vendor")),
        "\n".join(quote_words(row.view, quote).replace("\n", " ") for quote in row.quotes) or _NONE,
        fact_words(row.facts) or _NONE,
        row.view.origin(threat, brief=True) or "catalogue",
        row.waived or "no",
        draft.product.name,
        f"withheld: {score.withheld or 'no score'}"
        if score.aivss is None
        else f"{score.severity} {tenth(score.aivss)}",
        range_words(draft),
        row.view.standing,
        draft.id,
        stable_id(draft, threat),
    ]
