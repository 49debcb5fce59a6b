"""Open Threat Model 0.2.0: trust zones, components, flows, and threats with mitigations, attached to the product.

Source: IriusRisk, Open Threat Model, schema 0.2.0. Likelihoods are null, since none is estimated; the impact is the
CVSS base as a percentage. The format requires trust ratings and risk reductions, which the draft does not have: they
are set to the middle of their scale, and the attributes next to them state that nobody rated them. Struck threats are
left out of the threats and listed among the project's attributes. A threat's description is Markdown in which text from
sources is escaped, so it is also safe to show as HTML.
"""

from typing import Final

from agent.report.formats.parts import NOWHERE, Parts, modelled_properties, origin
from agent.report.formats.threat_rows import MARKDOWN, ThreatRow, issue, product_words, threat_rows
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line
from agent.report.view import View
from agent.taxonomy.layers import LAYER_TITLES

UNRATED: Final = 50
"""The middle of a scale from 0 to 100, for numbers that the draft does not have."""
_TEXT: Final = 20_000
_NOBODY: Final = "not rated; 50 is a placeholder because the format requires a number"
_OUTSIDE: Final = "zone-none"
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as an Open Threat Model."""
    parts, rows, draft = Parts(view), threat_rows(view), view.draft
    vendor = draft.product.vendor
    zones = [
        _zone(f"zone-{each.id}", each.name, origin(each), {"state": each.state, "evidence": list(each.evidence)})
        for each in parts.boundaries
    ]
    if not all(parts.inside(each.item.id) for each in parts.items):
        zones.append(_zone(_OUTSIDE, NOWHERE, "for items outside all trust boundaries", {"state": "unknown"}))
    made = {
        "otmVersion": "0.2.0",
        "project": {
            "name": one_line(draft.product.name),
            "id": draft.id,
            "description": one_line(f"{product_words(draft)}. {view.standing}. {draft.product.summary}"),
            "owner": None if vendor is None else one_line(vendor),
            "tags": ["septet"],
            "attributes": {"createdAt": draft.created_at, **modelled_properties(view)},
        },
        "trustZones": zones,
        "components": [
            {
                "id": each.item.id,
                "name": one_line(each.item.name),
                "type": f"{each.group}/{each.item.kind}",
                "description": origin(each.item),
                "parent": {"trustZone": next((f"zone-{zone.id}" for zone in parts.inside(each.item.id)), _OUTSIDE)},
                "tags": [f"state:{each.item.state}"],
                "attributes": {key: value for key, value in parts.whole(each).items() if key not in ("id", "name")},
                **({"threats": [_instance(row) for row in rows]} if each == parts.product else {}),
            }
            for each in parts.items
        ],
        "dataflows": [
            {
                "id": identifier,
                "name": one_line(flow.what) or identifier,
                "description": origin(flow),
                "bidirectional": False,
                "source": flow.source,
                "destination": flow.target,
                "tags": [f"state:{flow.state}"],
                "attributes": {"state": flow.state, "evidence": list(flow.evidence)},
            }
            for identifier, flow in parts.flows
        ],
        "threats": [_threat(row) for row in rows],
        "mitigations": [each for row in rows for each in _mitigations(row)],
    }
    return dumps(made, sort_keys=True).encode()


def _zone(identifier: str, name: str, description: str, attributes: _Object) -> _Object:
    return {
        "id": identifier,
        "name": one_line(name),
        "description": one_line(f"{description}; trust rating: {_NOBODY}"),
        "risk": {"trustRating": UNRATED},
        "attributes": {**attributes, "trustRating": None},
    }


def _instance(row: ThreatRow) -> _Object:
    """Build a threat's entry in its component. No threat counts as mitigated, whatever the sources claim."""
    remedies = [
        {"mitigation": f"{row.threat.id}-mitigation-{n}", "state": each.status}
        for n, each in enumerate(row.threat.mitigations, 1)
    ]
    return {"threat": row.threat.id, "state": row.settled or "exposed", "mitigations": remedies}


def _threat(row: ThreatRow) -> _Object:
    threat, layer = row.threat, f"MAESTRO {row.code}"
    tags = ["septet", layer, f"state:{threat.state}", *(f"{ref.scheme}:{ref.id}" for ref in threat.taxonomy)]
    return {
        "id": threat.id,
        "name": row.title,
        "description": issue(row, MARKDOWN, _TEXT),
        "categories": [
            f"{layer} {LAYER_TITLES[row.layer]}",
            *(f"STRIDE {ref.title}" for ref in row.refs("stride")),
            *(f"{ref.id} {ref.title}" for ref in row.refs("owasp-asi")),
        ],
        "cwes": [ref.id for ref in row.refs("cwe")],
        "risk": {
            "likelihood": None,
            "likelihoodComment": f"not estimated; confidence in the underlying facts: {row.confidence_words}",
            "impact": float(threat.score.cvss_base * 10),
            "impactComment": f"{row.score_words} {threat.score.cvss_vector}",
        },
        "tags": list(dict.fromkeys(tags)),
        "attributes": {"stableId": row.stable_id, **row.properties()},
    }


def _mitigations(row: ThreatRow) -> list[_Object]:
    return [
        {
            "id": f"{row.threat.id}-mitigation-{number}",
            "name": row.words(each.text),
            "description": f"{each.who}, {each.status}; risk reduction: {_NOBODY}",
            "riskReduction": UNRATED,
            "attributes": {**each.model_dump(mode="json", exclude={"text"}), "riskReduction": None},
        }
        for number, each in enumerate(row.threat.mitigations, 1)
    ]
