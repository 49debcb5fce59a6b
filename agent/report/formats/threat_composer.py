"""AWS Threat Composer 1: statements, mitigations and assumptions, linked.

Source: awslabs, threat-composer, threat-composer-v1.schema.json. Its objects allow no further fields and have length
limits; everything without a field goes into metadata, under keys that begin with `custom:`. The highest priority is
High, so a critical threat gets that, and `custom:severity` says Critical. Every threat has the status "identified",
since a draft resolves nothing; a mitigation is "resolved" if it is confirmed in the draft. Struck threats are left out.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from agent.report.formats.parts import Parts, as_text, draft_properties, modelled_properties, origin
from agent.report.formats.threat_rows import (
    MARKDOWN,
    ThreatRow,
    drafted_id,
    fact_words,
    issue,
    listed,
    product_words,
    threat_rows,
)
from agent.report.safe_json import dumps
from agent.report.safe_markdown import Column, one_line, plain, shorten, table
from agent.report.view import View
from agent.taxonomy.layers import LAYER_TITLES

_PART: Final = 200
_STATEMENT: Final = 1400
_TAG: Final = 30
_CONTENT: Final = 1000
_PAGE: Final = 100_000
_TOO_LONG: Final = "The draft is too long for this field; use `septet export --format json` to get it as JSON."
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as a Threat Composer workspace."""
    draft, parts, rows = view.draft, Parts(view), threat_rows(view)
    remedies = [(row, f"{row.threat.id}/mitigation/{n}", each) for row in rows
                for n, each in enumerate(row.threat.mitigations, 1)]  # fmt: skip
    made: _Object = {
        "schema": 1,
        "applicationInfo": {"name": shorten(one_line(draft.product.name), _PART), "description": _application(view)},
        "architecture": {"description": _architecture(parts)[:_PAGE]},
        "dataflow": {"description": _flows(parts)[:_PAGE]},
        "assumptions": [
            {**_numbered(view, f"assumption/{n}", n), "content": shorten(one_line(text), _CONTENT)}
            for n, text in enumerate(draft.assumptions, 1)
        ],
        "mitigations": [
            {
                **_numbered(view, name, n),
                "content": shorten(one_line(row.words(each.text)), _CONTENT),
                "status": "mitigationResolved" if each.status == "confirmed" else "mitigationIdentified",
                "tags": [each.who, each.status],
                "metadata": _custom({"status": each.status, "who": each.who, "evidence": each.evidence}),
            }
            for n, (row, name, each) in enumerate(remedies, 1)
        ],
        "mitigationLinks": [
            {"mitigationId": drafted_id(draft, name), "linkedId": drafted_id(draft, row.threat.id)}
            for row, name, _ in remedies
        ],
        "assumptionLinks": [],
        "threats": [_threat(row, number) for number, row in enumerate(rows, 1)],
    }
    return dumps(made, sort_keys=True).encode()


# ------------------------------------------------------------ pages


def _application(view: View) -> str:
    """Describe the product as a whole: first in words, then as JSON."""
    draft = view.draft
    layers = [
        f"MAESTRO {plain(LAYER_TITLES[key])}: {'certain' if layer.certain else 'not certain from the listing'}"
        for key, layer in view.layers
    ]
    blocks = [
        plain(draft.product.summary),
        f"**{plain(product_words(draft))}**",
        plain(f"{view.standing}. Draft {draft.id} of {draft.created_at}."),
        "### Layers",
        listed(layers),
        "### Facts",
        listed(plain(words) for words in fact_words(view.facts)),
        "### Questions for the vendor",
        listed(plain(each.text) for each in view.questions),
        "### Controls that the sources claim",
        listed(plain(f"{each.text} (rank {each.rank}, {each.why})") for each in draft.controls),
        "### Septet",
    ]
    words = "\n\n".join(block for block in blocks if block)
    left = _PAGE - len(words) - 2
    whole, without_quotes = (_fenced(fields) for fields in (modelled_properties(view), draft_properties(view)))
    fields = next((text for text in (whole, without_quotes, _TOO_LONG) if len(text) <= left), "")
    return f"{words}\n\n{fields}"[:_PAGE]


def _fenced(fields: Mapping[str, object]) -> str:
    """Format JSON as a code block that its content cannot close, since backticks are written as JSON escapes."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":")).replace("`", "\\u0060")
    return f"```json\n{text}\n```"


def _architecture(parts: Parts) -> str:
    rows = []
    for group, item in parts.items:
        inside = ", ".join(boundary.name for boundary in parts.inside(item.id)) or "none"
        rows.append((f"{item.name} ({item.id})", f"{group}, {item.kind}", origin(item), inside))
    shown = _table(("item", "type", "state and quotes", "trust boundaries"), rows)
    boundaries = [plain(f"{each.name} ({each.id}): {origin(each)}") for each in parts.boundaries]
    return f"{shown}\n\n### Trust boundaries\n\n{listed(boundaries) or 'None.'}"


def _flows(parts: Parts) -> str:
    names = {each.item.id: each.item.name for each in parts.items}
    rows = [(names[flow.source], names[flow.target], flow.what, origin(flow)) for _, flow in parts.flows]
    return _table(("from", "to", "what", "state and quotes"), rows)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(table([Column(head) for head in heads], [[plain(cell) for cell in row] for row in rows]))


# ------------------------------------------------------------ parts


def _numbered(view: View, name: str, number: int) -> _Object:
    return {"id": drafted_id(view.draft, name), "numericId": number, "displayOrder": number}


def _custom(fields: Mapping[str, object]) -> list[_Object]:
    return [{"key": f"custom:{key}", "value": as_text(value)} for key, value in fields.items()]


def _threat(row: ThreatRow, number: int) -> _Object:
    threat, statement = row.threat, row.threat.statement
    stride = [ref.id.rpartition("-")[2] for ref in row.refs("stride")]
    priority = {"Critical": "High", "None": "Low"}.get(row.severity, row.severity)
    tags = [f"MAESTRO {row.code}", f"state: {threat.state}", f"severity: {row.severity}"]
    tags += [ref.id for ref in threat.taxonomy]
    ids = ", ".join(f"{ref.scheme} {ref.id}" for ref in threat.taxonomy)
    fields = {"id": threat.id, "stableId": row.stable_id, "layerCode": row.code, "waived": row.waived or "no"}
    told = {
        "threatSource": statement.source,
        "prerequisites": statement.prerequisite,
        "threatAction": statement.action,
        "threatImpact": statement.impact or row.lost,
    }
    return {
        **_numbered(row.view, threat.id, number),
        "statement": shorten(one_line(f"{threat.title}. {row.how}"), _STATEMENT),
        "status": "threatIdentified",
        "tags": [shorten(tag, _TAG) for tag in dict.fromkeys(tags)],
        "metadata": [
            {"key": "Comments", "value": issue(row, MARKDOWN, _CONTENT)},
            {"key": "Priority", "value": priority},
            *([{"key": "STRIDE", "value": stride}] if stride else []),
            *_custom({**fields, "ids": ids, **row.properties()}),
        ],
        **{key: shorten(one_line(words), _PART) for key, words in told.items() if words},
        **({"impactedAssets": [shorten(one_line(statement.asset), _PART)]} if statement.asset else {}),
    }
