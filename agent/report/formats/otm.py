"""Open Threat Model 0.2.0: trust zones, components, flows, and the threats at the product with their mitigations.

Source: IriusRisk, Open Threat Model, schema 0.2.0. A likelihood is null, as none is estimated; the impact is the CVSS
base as a percentage. Trust ratings and risk reductions are numbers that the format demands and the draft does not have:
they are set to the middle of their scale, and the attributes beside them say that nobody rated them. Struck threats are
left out of the threats and listed among the project's attributes. A threat's description is Markdown in which words of
sources have no markup, so it is also safe to show as HTML.
"""

from typing import Final

from agent.records import Boundary, Flow
from agent.report.formats.issue_text import as_markdown
from agent.report.formats.parts import NOWHERE, Parts, origin
from agent.report.formats.properties import modelled_properties, threat_properties
from agent.report.formats.threat_rows import ThreatRow, product_words, stable_id, threat_rows
from agent.report.picture import Drawn
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line
from agent.report.view import View
from agent.taxonomy.layers import LAYER_TITLES

VERSION: Final = "0.2.0"
UNRATED: Final = 50
"""The middle of a scale from 0 to 100, for numbers that the draft does not have."""
_TEXT: Final = 20_000
_NOBODY: Final = "nobody rated it: 50 stands where the format asks for a number"
_OUTSIDE: Final = "zone-none"
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as an Open Threat Model."""
    parts, rows, draft = Parts(view), threat_rows(view), view.draft
    project: _Object = {
        "name": one_line(draft.product.name),
        "id": draft.id,
        "description": one_line(f"{product_words(draft)}. {view.standing}. {draft.product.summary}"),
        "owner": None if draft.product.vendor is None else one_line(draft.product.vendor),
        "tags": ["septet"],
        "attributes": {"createdAt": draft.created_at, **modelled_properties(view)},
    }
    return dumps(
        {
            "otmVersion": VERSION,
            "project": project,
            "trustZones": _zones(parts),
            "components": [_component(parts, each, rows) for each in parts.items],
            "dataflows": [_flow(identifier, flow) for identifier, flow in parts.flows],
            "threats": [_threat(row) for row in rows],
            "mitigations": [each for row in rows for each in _mitigations(row)],
        },
        sort_keys=True,
    ).encode()


def _zones(parts: Parts) -> list[_Object]:
    made = [
        _zone(_zone_id(each), each.name, origin(each), {"state": each.state, "evidence": list(each.evidence)})
        for each in parts.boundaries
    ]
    if parts.outside:
        made.append(_zone(_OUTSIDE, NOWHERE, "for items that the draft puts in no boundary", {"state": "unknown"}))
    return made


def _zone(identifier: str, name: str, description: str, attributes: _Object) -> _Object:
    return {
        "id": identifier,
        "name": one_line(name),
        "description": one_line(f"{description}; trust rating: {_NOBODY}"),
        "risk": {"trustRating": UNRATED},
        "attributes": {**attributes, "trustRating": None},
    }


def _zone_id(boundary: Boundary) -> str:
    return f"zone-{boundary.id}"


def _component(parts: Parts, each: Drawn, rows: tuple[ThreatRow, ...]) -> _Object:
    item, zones = each.item, parts.inside(each.item)
    made: _Object = {
        "id": item.id,
        "name": one_line(item.name),
        "type": f"{each.group}/{item.kind}",
        "description": origin(item),
        "parent": {"trustZone": _zone_id(zones[0]) if zones else _OUTSIDE},
        "tags": [f"state:{item.state}"],
        "attributes": {
            "group": each.group, "kind": item.kind, "state": item.state, "evidence": list(item.evidence),
            "boundaries": [zone.id for zone in zones],
        },
    }  # fmt: skip
    if item.id == parts.product.id:
        made["threats"] = [_instance(row) for row in rows]
    return made


def _flow(identifier: str, flow: Flow) -> _Object:
    return {
        "id": identifier,
        "name": one_line(flow.what) or identifier,
        "description": origin(flow),
        "bidirectional": False,
        "source": flow.source,
        "destination": flow.target,
        "tags": [f"state:{flow.state}"],
        "attributes": {"state": flow.state, "evidence": list(flow.evidence)},
    }


def _instance(row: ThreatRow) -> _Object:
    """Build a threat as listed at its component; no threat counts as mitigated, regardless of the sources' claims."""
    remedies = [
        {"mitigation": _mitigation_id(row, n), "state": each.status} for n, each in enumerate(row.threat.mitigations, 1)
    ]
    return {"threat": row.threat.id, "state": row.settled or "exposed", "mitigations": remedies}


def _threat(row: ThreatRow) -> _Object:
    threat = row.threat
    tags = ["septet", f"MAESTRO {row.code}", f"state:{threat.state}", *(f"{r.scheme}:{r.id}" for r in row.refs())]
    return {
        "id": threat.id,
        "name": one_line(threat.title),
        "description": as_markdown(row, _TEXT),
        "categories": [
            f"MAESTRO {row.code} {LAYER_TITLES[row.layer]}",
            *(f"STRIDE {ref.title}" for ref in row.refs("stride")),
            *(f"{ref.id} {ref.title}" for ref in row.refs("owasp-asi")),
        ],
        "cwes": [ref.id for ref in row.refs("cwe")],
        "risk": {
            "likelihood": None,
            "likelihoodComment": f"not estimated; confidence that the facts behind it hold: {row.confidence_words}",
            "impact": float(threat.score.cvss_base * 10),
            "impactComment": f"{row.score_words} {threat.score.cvss_vector}",
        },
        "tags": list(dict.fromkeys(tags)),
        "attributes": {"stableId": stable_id(row.view.draft, threat), **threat_properties(row)},
    }


def _mitigations(row: ThreatRow) -> list[_Object]:
    return [
        {
            "id": _mitigation_id(row, number),
            "name": row.words(each.text),
            "description": f"{each.who}, {each.status}; risk reduction: {_NOBODY}",
            "riskReduction": UNRATED,
            "attributes": {
                "who": each.who, "status": each.status, "evidence": list(each.evidence), "riskReduction": None,
            },
        }
        for number, each in enumerate(row.threat.mitigations, 1)
    ]  # fmt: skip


def _mitigation_id(row: ThreatRow, number: int) -> str:
    return f"{row.threat.id}-mitigation-{number}"
