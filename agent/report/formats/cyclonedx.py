"""CycloneDX 1.7: the product with its parts and services, and a vulnerability entry for each threat.

Source: CycloneDX, bom-1.7.schema.json. Version 1.7 has no threats; its vulnerabilities have ratings, weaknesses and an
analysis, so a threat is a vulnerability in triage, never "exploitable", and a struck threat is a false positive without
a rating. There are no fields for actors, trust boundaries and flows between components: they are properties, as JSON.
What the parts are made of was not read, so the composition is unknown. Properties begin with `septet:`.
Details and recommendations are Markdown, since viewers show them as such.
"""

import json
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote as percent

from agent.records import STRUCK, Flow
from agent.report.formats.issue_text import as_markdown
from agent.report.formats.parts import Parts, origin
from agent.report.formats.properties import modelled_properties, threat_properties
from agent.report.formats.threat_rows import (
    ACCEPTED,
    Struck,
    ThreatRow,
    drafted_id,
    product_words,
    stable_id,
    struck,
    threat_rows,
)
from agent.report.picture import Drawn
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line, plain
from agent.report.view import View

SCHEMA: Final = "http://cyclonedx.org/schema/bom-1.7.schema.json"
UNKNOWN: Final = "unknown"
_LLM: Final = "llm"
_TEXT: Final = 20_000
_WHOLE: Final = ("facts", "evidence", "sources")
"""Parts of the draft whose entries each become a separate property; any other part is a single property."""
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as a bill of materials."""
    return dumps(_Bom(view).whole(), sort_keys=True).encode()


class _Bom:
    """Builds one bill of materials and the references between its parts."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._parts = Parts(view)
        self._uuid = drafted_id(view.draft, "bom")

    def whole(self) -> _Object:
        """Build the whole bill of materials."""
        draft, product = self._view.draft, self._parts.product.id
        components = [
            self._component(each)
            for each in self._parts.items
            if each.group in ("component", "store") and each.item.id != product
        ]
        services = [self._service(each) for each in self._parts.items if each.group == "service"]
        refs = [_ref(each.item.id) for each in self._parts.items if each.group != "actor"]
        return {
            "$schema": SCHEMA,
            "bomFormat": "CycloneDX",
            "specVersion": "1.7",
            "serialNumber": f"urn:uuid:{self._uuid}",
            "version": 1,
            "metadata": {
                "timestamp": draft.created_at,
                "tools": {"components": [self._septet()]},
                "component": self._product(),
            },
            "components": components,
            "services": services,
            "compositions": [{"aggregate": UNKNOWN, "assemblies": refs}],
            "vulnerabilities": [
                *(self._threat(row) for row in threat_rows(self._view)),
                *(self._gone(each) for each in struck(draft)),
            ],
            "properties": self._picture(),
        }

    def _septet(self) -> _Object:
        made: _Object = {"type": "application", "name": "Septet"}
        if version := self._view.draft.manifest.get("septet"):
            made["version"] = version
        return made

    # -------------------------------------------------------- parts

    def _product(self) -> _Object:
        view, product = self._view, self._view.draft.product
        whole = modelled_properties(view)
        properties = [("standing", view.standing), ("score-words", product_words(view.draft))]
        properties += [(key, _text(value)) for key, value in whole.items() if key not in (*_WHOLE, "standing")]
        properties += [("fact", _text(fact.model_dump(mode="json"))) for fact in view.facts]
        properties += [("evidence", _text(quote.model_dump(mode="json"))) for quote in view.draft.evidence]
        item = next(each for each in self._parts.items if each.item.id == self._parts.product.id)
        made: _Object = {
            "type": "application",
            "bom-ref": _ref(item.item.id),
            "name": one_line(product.name),
            "description": one_line(product.summary),
            "externalReferences": [
                {
                    "type": "documentation",
                    "url": percent(source.url, safe="/:?#@!$&'()*+,;=%~"),
                    "comment": f"{source.document}, {source.kind}, sha256 {source.sha256}",
                }
                for source in view.draft.sources
            ],
            "properties": [*_properties(properties), *self._item(item)],
        }
        if product.vendor is not None:
            made["supplier"] = {"name": one_line(product.vendor)}
        return made

    def _item(self, each: Drawn) -> list[_Object]:
        boundaries = [boundary.id for boundary in self._parts.inside(each.item)]
        fields = {**each.item.model_dump(mode="json"), "group": each.group, "boundaries": boundaries}
        return _properties([("item", _text(fields)), ("state", each.item.state)])

    def _component(self, each: Drawn) -> _Object:
        kind = "application"
        if each.item.kind == _LLM:
            kind = "machine-learning-model"
        elif each.group == "store":
            kind = "data"
        return {"type": kind, **self._named(each)}

    def _named(self, each: Drawn) -> _Object:
        return {
            "bom-ref": _ref(each.item.id),
            "name": one_line(each.item.name),
            "description": f"{each.group}, {each.item.kind}: {origin(each.item)}",
            "properties": self._item(each),
        }

    def _service(self, each: Drawn) -> _Object:
        """Build a service with the flows from and to it, leaving open whether it authenticates callers."""
        made = self._named(each)
        if inside := self._parts.inside(each.item):
            made["trustZone"] = one_line(inside[0].name)
        own = each.item.id
        data = [self._data(flow, own) for _, flow in self._parts.flows if own in (flow.source, flow.target)]
        return made | ({"data": data} if data else {})

    def _data(self, flow: Flow, service: str) -> _Object:
        inbound, outbound = flow.target == service, flow.source == service
        return {
            "flow": "bi-directional" if inbound and outbound else "inbound" if inbound else "outbound",
            "classification": UNKNOWN,
            "name": one_line(flow.what),
            "description": origin(flow),
            "source": [self._link(flow.source)],
            "destination": [self._link(flow.target)],
        }

    def _link(self, item_id: str) -> str:
        return f"urn:cdx:{self._uuid}/1#{percent(_ref(item_id), safe='')}"

    def _picture(self) -> list[_Object]:
        """Return the parts of the system picture without a CycloneDX field: actors, boundaries, flows."""
        actors = [each.item for each in self._parts.items if each.group == "actor"]
        fields = [("actor", _text(each.model_dump(mode="json"))) for each in actors]
        fields += [("boundary", _text(each.model_dump(mode="json"))) for each in self._parts.boundaries]
        fields += [("flow", _text(flow.model_dump(mode="json"))) for _, flow in self._parts.flows]
        return _properties(fields)

    # -------------------------------------------------------- threats

    def _entry(self, each: ThreatRow | Struck) -> _Object:
        threat = each.threat if isinstance(each, ThreatRow) else each
        return {
            "bom-ref": f"threat/{threat.id}",
            "id": threat.id,
            "source": {"name": "Septet"},
            "description": one_line(threat.title),
            "created": self._view.draft.created_at,
            "affects": [{"ref": _ref(self._parts.product.id)}],
        }

    def _threat(self, row: ThreatRow) -> _Object:
        threat = row.threat
        detail = one_line(f"{threat.state}; {row.waived or row.basis_words}")
        analysis: _Object = {"state": "in_triage", "detail": detail}
        if row.settled == ACCEPTED:
            analysis["response"] = ["will_not_fix"]
        fields: dict[str, object] = {"stableId": stable_id(self._view.draft, threat), "layerCode": row.code}
        fields |= {"waived": row.waived or "no", **threat_properties(row)}
        taxonomy = [(f"taxonomy:{ref.scheme}", f"{ref.id} {ref.title}") for ref in row.refs()]
        weaknesses = [ref.id.rpartition("-")[2] for ref in row.refs("cwe")]
        return self._entry(row) | {
            "detail": as_markdown(row, _TEXT),
            "recommendation": "\n".join(
                f"- {'You' if each.who == 'you' else 'Vendor'}: {plain(row.remedy(each))}"
                for each in threat.mitigations
            ),
            "ratings": _ratings(row),
            "cwes": [int(number) for number in weaknesses if number.isdecimal()],
            "analysis": analysis,
            "properties": _properties([*((key, _text(value)) for key, value in fields.items()), *taxonomy]),
        }

    def _gone(self, gone: Struck) -> _Object:
        return self._entry(gone) | {
            "analysis": {"state": "false_positive", "detail": one_line(gone.why)},
            "properties": _properties([("state", STRUCK), ("stableId", stable_id(self._view.draft, gone))]),
        }


def _ratings(row: ThreatRow) -> list[_Object]:
    """Build the CVSS rating, and the AIVSS rating unless the draft withholds its score."""
    score = row.threat.score
    made: list[_Object] = [
        {
            "source": {"name": "Septet"},
            "method": "CVSSv4",
            "score": float(score.cvss_base),
            "severity": row.severity.lower(),
            "vector": score.cvss_vector,
            "justification": "\n".join(f"{metric}: {why}" for metric, why in row.reasons),
        }
    ]
    if row.aivss is not None:
        made.append(
            {
                "source": {"name": f"AIVSS, {row.view.draft.score.formula}"},
                "method": "other",
                "score": float(row.aivss),
                "severity": score.severity.lower(),
            }
        )
    return made


def _ref(item_id: str) -> str:
    return f"item/{item_id}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _properties(pairs: Iterable[tuple[str, str]]) -> list[_Object]:
    return [{"name": f"septet:{name}", "value": value} for name, value in pairs]
