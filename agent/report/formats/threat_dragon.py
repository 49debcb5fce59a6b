"""OWASP Threat Dragon 2: one diagram of the system picture, with every threat attached to the product.

Source: OWASP Threat Dragon, threat-dragon-v2.schema.json, and the cells, types and statuses of its own diagrams. A
threat with a STRIDE id has its STRIDE type; any other threat is generic and has its MAESTRO layer as its type.
Everything else is in descriptions, for people to read, and under the key `septet`. A threat is open, whatever controls
the sources claim, unless a reviewer accepted it or marked it as out of scope. Struck threats are left out of the cells.
"""

from collections.abc import Sequence
from typing import Final

from agent.records import Boundary, Flow, SystemItem
from agent.report.formats.parts import Parts, drawn_words, modelled_properties, origin
from agent.report.formats.threat_rows import (
    ACCEPTED,
    OUT_OF_SCOPE,
    TEXT,
    ThreatRow,
    drafted_id,
    issue,
    product_words,
    threat_rows,
)
from agent.report.picture import Drawn
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line
from agent.report.sentences import tenth
from agent.report.view import View
from agent.taxonomy.layers import LAYER_TITLES

VERSION: Final = "2.3.0"
TYPES: Final = {
    "STRIDE-S": "Spoofing",
    "STRIDE-T": "Tampering",
    "STRIDE-R": "Repudiation",
    "STRIDE-I": "Information disclosure",
    "STRIDE-D": "Denial of service",
    "STRIDE-E": "Elevation of privilege",
}
"""The types as spelled by Threat Dragon's importer."""
_STATUSES: Final = {ACCEPTED: "Accepted", OUT_OF_SCOPE: "NA"}
_SHAPES: Final = {
    "actor": ("actor", "tm.Actor"),
    "component": ("process", "tm.Process"),
    "store": ("store", "tm.Store"),
    "service": ("actor", "tm.Actor"),
}
"""The shapes by group of item; third-party services are drawn as external entities."""
_TEXT: Final = 20_000
_WIDTH: Final = 160
_HEIGHT: Final = 80
_GAP: Final = 60
_COLUMN: Final = 420
_PAD: Final = 40
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as a threat model for Threat Dragon."""
    draft, parts, rows = view.draft, Parts(view), threat_rows(view)
    boxes, items = _laid_out(parts, rows)
    flows = [_flow(view, identifier, flow) for identifier, flow in parts.flows]
    made = {
        "version": VERSION,
        "summary": {
            "id": drafted_id(draft, "model"),
            "title": one_line(draft.product.name),
            "owner": one_line(draft.product.vendor or ""),
            "description": one_line(f"{product_words(draft)}. {view.standing}. {draft.product.summary}"),
        },
        "detail": {
            "contributors": [{"name": "Septet"}],
            "reviewer": one_line(draft.review.reviewer) if draft.review else "",
            "diagramTop": 1,
            "threatTop": len(rows),
            "diagrams": [
                {
                    "id": 0,
                    "title": "System picture",
                    "description": "Parts, flows and trust boundaries; dashed parts are assumed",
                    "placeholder": "",
                    "diagramType": "STRIDE",
                    "thumbnail": "./public/content/images/thumbnail.stride.jpg",
                    "version": VERSION,
                    "cells": [*boxes, *items, *flows],
                }
            ],
        },
        "septet": modelled_properties(view),
    }
    return dumps(made, sort_keys=True).encode()


def _laid_out(parts: Parts, rows: Sequence[ThreatRow]) -> tuple[list[_Object], list[_Object]]:
    """Place each item in the column of its first boundary; items in no boundary share another column."""
    at: dict[str, tuple[int, int]] = {}
    boxes: list[_Object] = []
    x = _PAD
    for boundary in (None, *parts.boundaries):
        inside = [each.item for each in parts.items if next(iter(parts.inside(each.item.id)), None) is boundary]
        at |= {item.id: (x + _PAD, 2 * _PAD + n * (_HEIGHT + _GAP)) for n, item in enumerate(inside)}
        if boundary is not None:
            boxes.append(_boundary(parts.view, boundary, x, max(len(inside), 1)))
        if boundary is not None or inside:
            x += _COLUMN
    return boxes, [_item(parts, each, n, at[each.item.id], rows) for n, each in enumerate(parts.items, 1)]


def _cell(view: View, name: str, x: int, y: int, width: int, height: int) -> _Object:
    return {
        "id": drafted_id(view.draft, f"cell/{name}"),
        "position": {"x": x, "y": y},
        "size": {"width": width, "height": height},
        "visible": True,
    }


def _boundary(view: View, each: Boundary, x: int, rows: int) -> _Object:
    height = rows * (_HEIGHT + _GAP) - _GAP + 2 * _PAD
    name = one_line(each.name)
    return {
        **_cell(view, f"boundary/{each.id}", x, _PAD, _WIDTH + 2 * _PAD, height),
        "shape": "trust-boundary-box",
        "zIndex": -1,
        "attrs": {"label": {"text": name}},
        "data": {
            "type": "tm.BoundaryBox",
            "name": name,
            "description": origin(each),
            "isTrustBoundary": True,
            "hasOpenThreats": False,
            "septet": each.model_dump(mode="json"),
        },
    }


def _item(parts: Parts, each: Drawn, index: int, at: tuple[int, int], rows: Sequence[ThreatRow]) -> _Object:
    item, (shape, kind) = each.item, _SHAPES[each.group]
    own = rows if each == parts.product else ()
    is_open = any(not row.settled for row in own)
    # An outline is red if threats are open, dashed if the item has no quote.
    stroke = {"stroke": "red" if is_open else "#333333", "strokeWidth": 1.5, "strokeDasharray": _dashes(item)}
    lines = ("topLine", "bottomLine") if shape == "store" else ("body",)
    return {
        **_cell(parts.view, f"item/{item.id}", *at, _WIDTH, _HEIGHT),
        "shape": shape,
        "zIndex": index,
        "attrs": {"text": {"text": one_line(item.name)}, **dict.fromkeys(lines, stroke)},
        "data": {
            **_data(kind, item.name, drawn_words(each), is_open=is_open),
            "threats": [_threat(row, n) for n, row in enumerate(own, 1)],
            "septet": parts.whole(each),
        },
    }


def _data(kind: str, name: str, description: str, *, is_open: bool) -> _Object:
    return {
        "type": kind,
        "name": one_line(name),
        "description": description,
        "isTrustBoundary": False,
        "outOfScope": False,
        "reasonOutOfScope": "",
        "hasOpenThreats": is_open,
    }


def _dashes(part: SystemItem | Flow) -> str:
    """Return the dash pattern: "0" for a solid line, since the schema does not allow null."""
    return "0" if part.evidence else "5 5"


def _flow(view: View, identifier: str, flow: Flow) -> _Object:
    data = _data("tm.Flow", flow.what, origin(flow), is_open=False)
    label = {
        # Drawn as in Threat Dragon's own diagrams.
        "markup": [{"tagName": "ellipse", "selector": "labelBody"}, {"tagName": "text", "selector": "labelText"}],
        "attrs": {
            "labelText": {"text": data["name"], "textAnchor": "middle", "textVerticalAnchor": "middle"},
            "labelBody": {"ref": "labelText", "refRx": "50%", "refRy": "60%", "fill": "#fff", "strokeWidth": 0},
        },
        "position": 0.5,
    }
    return {
        "id": drafted_id(view.draft, f"cell/{identifier}"),
        "shape": "flow",
        "zIndex": 0,
        "connector": "smooth",
        "source": {"cell": drafted_id(view.draft, f"cell/item/{flow.source}")},
        "target": {"cell": drafted_id(view.draft, f"cell/item/{flow.target}")},
        "vertices": [],
        "labels": [label],
        "attrs": {
            "line": {
                "stroke": "#333333",
                "targetMarker": {"name": "block"},
                "sourceMarker": {"name": ""},
                "strokeDasharray": _dashes(flow),
            }
        },
        "data": {**data, "isBidirectional": False, "threats": [], "septet": flow.model_dump(mode="json")},
    }


def _threat(row: ThreatRow, number: int) -> _Object:
    threat, stride = row.threat, [TYPES[ref.id] for ref in row.refs("stride") if ref.id in TYPES]
    identifier = drafted_id(row.view.draft, threat.id)
    return {
        "id": identifier,
        "threatId": identifier,
        "number": number,
        "title": row.title,
        "status": _STATUSES.get(row.settled, "Open"),
        "severity": "Low" if row.severity == "None" else row.severity,
        "score": tenth(threat.score.cvss_base),
        "modelType": "STRIDE" if stride else "Generic",
        "type": stride[0] if stride else f"MAESTRO {row.code} {LAYER_TITLES[row.layer]}",
        "description": issue(row, TEXT, _TEXT),
        "mitigation": "\n".join(f"{who}: {words}" for who, words in row.owned_remedies()),
        "new": False,
        "septet": {"id": threat.id, "stableId": row.stable_id, **row.properties()},
    }
