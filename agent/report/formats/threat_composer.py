"""AWS Threat Composer 1: statements, mitigations and assumptions, linked.

Source: awslabs, threat-composer, threat-composer-v1.schema.json: closed objects with limits of length, and metadata
under keys that begin with `custom:`, which hold everything without a field. It has no critical severity: the priority
is High, and `custom:severity` says Critical. Every threat has the status identified and none resolved, since a draft
resolves nothing; a mitigation is resolved when the draft says confirmed. Struck threats are left out of the threats.
"""

import json
from collections.abc import Mapping
from typing import Final

from agent.records import Mitigation
from agent.report.formats.issue_text import as_markdown
from agent.report.formats.parts import Parts, origin
from agent.report.formats.properties import draft_properties, modelled_properties, threat_properties
from agent.report.formats.threat_rows import ThreatRow, drafted_id, product_words, stable_id, threat_rows
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line, plain, shorten
from agent.report.view import View
from agent.taxonomy.kinds import Band
from agent.taxonomy.layers import LAYER_TITLES

PART: Final = 200
STATEMENT: Final = 1400
TAG: Final = 30
CONTENT: Final = 1000
COMMENT: Final = 1000
PAGE: Final = 100_000
_PRIORITIES: Final[dict[Band, str]] = {
    "Critical": "High",
    "High": "High",
    "Medium": "Medium",
    "Low": "Low",
    "None": "Low",
}
_TOO_LONG: Final = "The draft as JSON is longer than this field may be: `septet export --format json` writes it."
_CONFIRMED: Final = "confirmed"
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as a Threat Composer workspace."""
    draft, parts, rows = view.draft, Parts(view), threat_rows(view)
    remedies = [(row, n, each) for row in rows for n, each in enumerate(row.threat.mitigations, 1)]
    made: _Object = {
        "schema": 1,
        "applicationInfo": {
            "name": shorten(one_line(draft.product.name), PART),
            "description": _application(view),
        },
        "architecture": {"description": _architecture(parts)[:PAGE]},
        "dataflow": {"description": _flows(parts)[:PAGE]},
        "assumptions": [_assumption(view, n, text) for n, text in enumerate(draft.assumptions, 1)],
        "mitigations": [_mitigation(row, n, each, place) for place, (row, n, each) in enumerate(remedies, 1)],
        "mitigationLinks": [
            {"mitigationId": _mitigation_id(row, n), "linkedId": _threat_id(row)} for row, n, _ in remedies
        ],
        "assumptionLinks": [],
        "threats": [_threat(row, number) for number, row in enumerate(rows, 1)],
    }
    return dumps(made, sort_keys=True).encode()


# ------------------------------------------------------------ pages


def _application(view: View) -> str:
    """Describe the product as a whole: first in words, then as JSON."""
    draft = view.draft
    blocks = [
        plain(draft.product.summary),
        f"**{plain(product_words(draft))}**",
        plain(f"{view.standing}. Draft {draft.id} of {draft.created_at}."),
        "### Layers",
        "\n".join(
            f"- MAESTRO {plain(view_layer)}: {'certain' if certain else 'not certain from the listing'}"
            for view_layer, certain in ((LAYER_TITLES[key], layer.certain) for key, layer in view.layers)
        ),
        "### Facts",
        "\n".join(
            f"- {plain(f'{f.id} {f.key} {f.polarity}, {f.state}, confidence {f.confidence:.2f}, rank {f.rank}')}"
            for f in view.facts
        ),
        "### Questions to the vendor",
        "\n".join(f"- {plain(each.text)}" for each in view.questions),
        "### Controls that the sources claim",
        "\n".join(f"- {plain(f'{c.text} (rank {c.rank}, {c.why})')}" for c in draft.controls),
        "### Septet",
    ]
    words = "\n\n".join(block for block in blocks if block)
    whole, without_quotes = (_fenced(fields) for fields in (modelled_properties(view), draft_properties(view)))
    left = PAGE - len(words) - 2
    fields = next((text for text in (whole, without_quotes, _TOO_LONG) if len(text) <= left), "")
    return f"{words}\n\n{fields}"[:PAGE]


def _fenced(fields: Mapping[str, object]) -> str:
    """Format JSON as a code block that its content cannot close, since backticks are written as JSON escapes."""
    text = json.dumps(fields, sort_keys=True, separators=(",", ":")).replace("`", "\\u0060")
    return f"```json\n{text}\n```"


def _architecture(parts: Parts) -> str:
    lines = ["| item | sort | state and quotes | trust boundaries |", "|---|---|---|---|"]
    for group, item in parts.items:
        inside = ", ".join(boundary.name for boundary in parts.inside(item)) or "none"
        cells = (f"{item.name} ({item.id})", f"{group}, {item.kind}", origin(item), inside)
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    boundaries = [f"- {plain(f'{each.name} ({each.id}): {origin(each)}')}" for each in parts.boundaries]
    return "\n".join([*lines, "", "### Trust boundaries", "", *(boundaries or ["None."])])


def _flows(parts: Parts) -> str:
    names = {each.item.id: each.item.name for each in parts.items}
    lines = ["| from | to | what | state and quotes |", "|---|---|---|---|"]
    for _, flow in parts.flows:
        cells = (names[flow.source], names[flow.target], flow.what, origin(flow))
        lines.append(f"| {' | '.join(_cell(cell) for cell in cells)} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return plain(text).replace("|", "&#124;")


# ------------------------------------------------------------ parts


def _threat_id(row: ThreatRow) -> str:
    return drafted_id(row.view.draft, row.threat.id)


def _mitigation_id(row: ThreatRow, number: int) -> str:
    return drafted_id(row.view.draft, f"{row.threat.id}/mitigation/{number}")


def _custom(fields: Mapping[str, object]) -> list[_Object]:
    """Build metadata entries with their values as text: strings unchanged, all else as JSON."""
    return [
        {"key": f"custom:{key}", "value": value if isinstance(value, str) else json.dumps(value, sort_keys=True)}
        for key, value in fields.items()
    ]


def _assumption(view: View, number: int, text: str) -> _Object:
    return {
        "id": drafted_id(view.draft, f"assumption/{number}"),
        "numericId": number,
        "displayOrder": number,
        "content": shorten(one_line(text), CONTENT),
    }


def _mitigation(row: ThreatRow, number: int, each: Mitigation, place: int) -> _Object:
    fields: _Object = {"status": each.status, "who": each.who, "evidence": list(each.evidence)}
    return {
        "id": _mitigation_id(row, number),
        "numericId": place,
        "displayOrder": place,
        "content": shorten(one_line(row.words(each.text)), CONTENT),
        "status": "mitigationResolved" if each.status == _CONFIRMED else "mitigationIdentified",
        "tags": [each.who, each.status],
        "metadata": _custom(fields),
    }


def _threat(row: ThreatRow, number: int) -> _Object:
    threat, statement = row.threat, row.threat.statement
    stride = [ref.id.rpartition("-")[2] for ref in row.refs("stride")]
    metadata: list[_Object] = [
        {"key": "Comments", "value": as_markdown(row, COMMENT)},
        {"key": "Priority", "value": _PRIORITIES[row.severity]},
    ]
    if stride:
        metadata.append({"key": "STRIDE", "value": stride})
    fields = {"id": threat.id, "stableId": stable_id(row.view.draft, threat), "layerCode": row.code}
    fields |= {"waived": row.waived or "no", "ids": ", ".join(f"{ref.scheme} {ref.id}" for ref in row.refs())}
    made: _Object = {
        "id": _threat_id(row),
        "numericId": number,
        "displayOrder": number,
        "statement": shorten(one_line(f"{threat.title}. {row.how}"), STATEMENT),
        "status": "threatIdentified",
        "tags": _tags(row),
        "metadata": [*metadata, *_custom({**fields, **threat_properties(row)})],
    }
    fields = {
        "threatSource": statement.source,
        "prerequisites": statement.prerequisite,
        "threatAction": statement.action,
        "threatImpact": statement.impact or row.lost,
    }
    made |= {key: shorten(one_line(words), PART) for key, words in fields.items() if words}
    if statement.asset:
        made["impactedAssets"] = [shorten(one_line(statement.asset), PART)]
    return made


def _tags(row: ThreatRow) -> list[str]:
    tags = [f"MAESTRO {row.code}", f"state: {row.threat.state}", f"severity: {row.severity}"]
    tags += [ref.id for ref in row.refs()]
    return [shorten(tag, TAG) for tag in dict.fromkeys(tags)]
