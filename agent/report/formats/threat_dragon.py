"""OWASP Threat Dragon 2: one diagram of the system picture, with every threat at the product.

Source: OWASP Threat Dragon, threat-dragon-v2.schema.json, and the cells, types and statuses of its own diagrams.
A threat with a STRIDE id has its STRIDE type, any other is generic and has its MAESTRO layer as the type. Everything
else is in descriptions, for people to read, and under the key `septet`. A threat is open, whatever controls the sources
claim, unless a reviewer accepted it or put it out of scope. Struck threats are left out of the cells.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from agent.records import Boundary, Flow, SystemItem
from agent.report.formats.issue_text import as_text
from agent.report.formats.parts import Parts, origin
from agent.report.formats.properties import modelled_properties, threat_properties
from agent.report.formats.threat_rows import (
    ACCEPTED,
    OUT_OF_SCOPE,
    ThreatRow,
    drafted_id,
    product_words,
    stable_id,
    threat_rows,
)
from agent.report.picture import Drawn
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line
from agent.report.sentences import tenth
from agent.report.view import View
from agent.taxonomy.kinds import Band
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
_SEVERITIES: Final[dict[Band, str]] = {
    "Critical": "Critical",
    "High": "High",
    "Medium": "Medium",
    "Low": "Low",
    "None": "Low",
}
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
_ASSUMED: Final = "5 5"
_QUOTED: Final = "0"
"""A dash ratio for a solid line; the schema does not allow null."""
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as a Threat Dragon model."""
    return dumps(_Model(view).whole(), sort_keys=True).encode()


class _Place(NamedTuple):
    x: int
    y: int


class _Model:
    """Builds one Threat Dragon file and the ids of its cells."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._parts = Parts(view)
        self._rows = threat_rows(view)
        self._frames: dict[str, tuple[_Place, _Place]] = {}
        self._places = self._laid_out()

    def whole(self) -> _Object:
        """Build the whole file."""
        draft, stamp = self._view.draft, self._view.draft.review
        description = f"{product_words(draft)}. {self._view.standing}. {draft.product.summary}"
        return {
            "version": VERSION,
            "summary": {
                "id": drafted_id(draft, "model"),
                "title": one_line(draft.product.name),
                "owner": one_line(draft.product.vendor or ""),
                "description": one_line(description),
            },
            "detail": {
                "contributors": [{"name": "Septet"}],
                "reviewer": one_line(stamp.reviewer) if stamp else "",
                "diagramTop": 1,
                "threatTop": len(self._rows),
                "diagrams": [self._diagram()],
            },
            "septet": modelled_properties(self._view),
        }

    def _diagram(self) -> _Object:
        boundaries = [self._boundary(each) for each in self._parts.boundaries if each.id in self._frames]
        items = [self._item(each, n) for n, each in enumerate(self._parts.items, 1)]
        flows = [self._flow(identifier, flow) for identifier, flow in self._parts.flows]
        return {
            "id": 0,
            "title": "System picture",
            "description": "What acts, on what, across which boundaries; dashed is assumed",
            "placeholder": "",
            "diagramType": "STRIDE",
            "thumbnail": "./public/content/images/thumbnail.stride.jpg",
            "version": VERSION,
            "cells": [*boundaries, *items, *flows],
        }

    # -------------------------------------------------------- where it stands

    def _laid_out(self) -> Mapping[str, _Place]:
        """Place the items in one column for each boundary, by their first boundary, and one for items in none."""
        columns: dict[str, list[SystemItem]] = {key: [] for key in ("", *(each.id for each in self._parts.boundaries))}
        for each in self._parts.items:
            inside = self._parts.inside(each.item)
            columns[inside[0].id if inside else ""].append(each.item)
        places: dict[str, _Place] = {}
        x = _PAD
        for boundary, items in columns.items():
            if not items and not boundary:
                continue
            for number, item in enumerate(items):
                places[item.id] = _Place(x + _PAD, 2 * _PAD + number * (_HEIGHT + _GAP))
            if boundary:
                rows = max(len(items), 1)
                size = _Place(_WIDTH + 2 * _PAD, rows * (_HEIGHT + _GAP) - _GAP + 2 * _PAD)
                self._frames[boundary] = (_Place(x, _PAD), size)
            x += _COLUMN
        return places

    # -------------------------------------------------------- cells

    def _id(self, item: str) -> str:
        return drafted_id(self._view.draft, f"cell/{item}")

    def _boundary(self, each: Boundary) -> _Object:
        at, size = self._frames[each.id]
        return {
            "id": self._id(f"boundary/{each.id}"),
            "shape": "trust-boundary-box",
            "zIndex": -1,
            "position": {"x": at.x, "y": at.y},
            "size": {"width": size.x, "height": size.y},
            "visible": True,
            "attrs": {"label": {"text": one_line(each.name)}},
            "data": {
                "type": "tm.BoundaryBox",
                "name": one_line(each.name),
                "description": origin(each),
                "isTrustBoundary": True,
                "hasOpenThreats": False,
                "septet": each.model_dump(mode="json"),
            },
        }

    def _item(self, each: Drawn, index: int) -> _Object:
        item, (shape, kind) = each.item, _SHAPES[each.group]
        rows = self._rows if item.id == self._parts.product.id else ()
        threats = [self._threat(row, n) for n, row in enumerate(rows, 1)]
        at, stroke = self._places[item.id], self._stroke(item, rows)
        lines = {"topLine": stroke, "bottomLine": stroke} if shape == "store" else {"body": stroke}
        return {
            "id": self._id(f"item/{item.id}"),
            "shape": shape,
            "zIndex": index,
            "position": {"x": at.x, "y": at.y},
            "size": {"width": _WIDTH, "height": _HEIGHT},
            "visible": True,
            "attrs": {"text": {"text": one_line(item.name)}, **lines},
            "data": {
                "type": kind,
                "name": one_line(item.name),
                "description": f"{each.group}, {item.kind}: {origin(item)}",
                "isTrustBoundary": False,
                "outOfScope": False,
                "reasonOutOfScope": "",
                "hasOpenThreats": any(threat["status"] == "Open" for threat in threats),
                "threats": threats,
                "septet": {
                    "group": each.group, **item.model_dump(mode="json"),
                    "boundaries": [boundary.id for boundary in self._parts.inside(item)],
                },
            },
        }  # fmt: skip

    def _stroke(self, item: SystemItem, rows: tuple[ThreatRow, ...]) -> _Object:
        """Return the outline of an item: red if threats are open, dashed if the item has no quote."""
        color = "red" if any(not row.settled for row in rows) else "#333333"
        return {"stroke": color, "strokeWidth": 1.5, "strokeDasharray": _QUOTED if item.evidence else _ASSUMED}

    def _flow(self, identifier: str, flow: Flow) -> _Object:
        name = one_line(flow.what)
        return {
            "id": self._id(identifier),
            "shape": "flow",
            "zIndex": 0,
            "connector": "smooth",
            "source": {"cell": self._id(f"item/{flow.source}")},
            "target": {"cell": self._id(f"item/{flow.target}")},
            "vertices": [],
            "labels": [_label(name)],
            "attrs": {
                "line": {
                    "stroke": "#333333",
                    "targetMarker": {"name": "block"},
                    "sourceMarker": {"name": ""},
                    "strokeDasharray": _QUOTED if flow.evidence else _ASSUMED,
                }
            },
            "data": {
                "type": "tm.Flow",
                "name": name,
                "description": origin(flow),
                "isTrustBoundary": False,
                "outOfScope": False,
                "reasonOutOfScope": "",
                "isBidirectional": False,
                "hasOpenThreats": False,
                "threats": [],
                "septet": flow.model_dump(mode="json"),
            },
        }

    def _threat(self, row: ThreatRow, number: int) -> _Object:
        threat, stride = row.threat, [ref.id for ref in row.refs("stride") if ref.id in TYPES]
        identifier = drafted_id(self._view.draft, threat.id)
        return {
            "id": identifier,
            "threatId": identifier,
            "number": number,
            "title": one_line(threat.title),
            "status": _STATUSES.get(row.settled, "Open"),
            "severity": _SEVERITIES[row.severity],
            "score": tenth(threat.score.cvss_base),
            "modelType": "STRIDE" if stride else "Generic",
            "type": TYPES[stride[0]] if stride else f"MAESTRO {row.code} {LAYER_TITLES[row.layer]}",
            "description": as_text(row, _TEXT),
            "mitigation": "\n".join(
                f"{'You' if each.who == 'you' else 'Vendor'}: {row.remedy(each)}" for each in threat.mitigations
            ),
            "new": False,
            "septet": {"id": threat.id, "stableId": stable_id(self._view.draft, threat), **threat_properties(row)},
        }


def _label(name: str) -> _Object:
    """Build the label of a flow, drawn as in Threat Dragon's own diagrams."""
    return {
        "markup": [{"tagName": "ellipse", "selector": "labelBody"}, {"tagName": "text", "selector": "labelText"}],
        "attrs": {
            "labelText": {"text": name, "textAnchor": "middle", "textVerticalAnchor": "middle"},
            "labelBody": {"ref": "labelText", "refRx": "50%", "refRy": "60%", "fill": "#fff", "strokeWidth": 0},
        },
        "position": 0.5,
    }
