"""CycloneDX 1.7: the product with its parts and services, and a vulnerability entry for each threat.

Source: CycloneDX, bom-1.7.schema.json. Version 1.7 has no type for threats. Its vulnerabilities have ratings,
weaknesses and an analysis, so a threat is written as a vulnerability in triage, never as "exploitable", and a struck
threat as a false positive without a rating. There are no fields for actors, trust boundaries and flows between
components, so these are written as properties, in JSON. The composition is "unknown", because a draft does not say what
the parts are made of. Property names begin with `septet:`. Details and recommendations are in Markdown, which viewers
render.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import quote as percent

from agent.records import STRUCK, Flow
from agent.report.formats.parts import Parts, as_text, drawn_words, modelled_properties, origin
from agent.report.formats.threat_rows import (
    ACCEPTED,
    MARKDOWN,
    Struck,
    ThreatRow,
    drafted_id,
    issue,
    listed,
    product_words,
    stable_id,
    struck,
    threat_rows,
)
from agent.report.picture import Drawn
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line, plain
from agent.report.view import View

_TEXT: Final = 20_000
_WHOLE: Final = ("facts", "evidence", "sources", "standing")
"""Properties of the draft that are written one entry at a time or in another form."""
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as a bill of materials."""
    draft, parts = view.draft, Parts(view)
    septet = {"type": "application", "name": "Septet"}
    if version := draft.manifest.get("septet"):
        septet["version"] = version
    inner = [each for each in parts.of("component", "store") if each != parts.product]
    refs = [_ref(each) for each in parts.of("component", "store", "service")]
    picture: list[tuple[str, object]] = [("actor", each.item.model_dump(mode="json")) for each in parts.of("actor")]
    picture += [("boundary", each.model_dump(mode="json")) for each in parts.boundaries]
    picture += [("flow", flow.model_dump(mode="json")) for _, flow in parts.flows]
    threats = [_threat(parts, row) for row in threat_rows(view)]
    made = {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": f"urn:uuid:{drafted_id(draft, 'bom')}",
        "version": 1,
        "metadata": {"timestamp": draft.created_at, "tools": {"components": [septet]}, "component": _product(parts)},
        "components": [{"type": _kind(each), **_named(parts, each)} for each in inner],
        "services": [_service(parts, each) for each in parts.of("service")],
        "compositions": [{"aggregate": "unknown", "assemblies": refs}],
        "vulnerabilities": [*threats, *(_gone(parts, each) for each in struck(draft))],
        "properties": _properties(picture),
    }
    return dumps(made, sort_keys=True).encode()


# ------------------------------------------------------------ parts


def _product(parts: Parts) -> _Object:
    view, product = parts.view, parts.view.draft.product
    properties: list[tuple[str, object]] = [("standing", view.standing), ("score-words", product_words(view.draft))]
    properties += [(key, value) for key, value in modelled_properties(view).items() if key not in _WHOLE]
    properties += [("fact", fact.model_dump(mode="json")) for fact in view.facts]
    properties += [("evidence", quote.model_dump(mode="json")) for quote in view.draft.evidence]
    made: _Object = {
        "type": "application",
        "bom-ref": _ref(parts.product),
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
        "properties": _properties([*properties, *_item(parts, parts.product)]),
    }
    return made if product.vendor is None else made | {"supplier": {"name": one_line(product.vendor)}}


def _kind(each: Drawn) -> str:
    if each.item.kind == "llm":
        return "machine-learning-model"
    return "data" if each.group == "store" else "application"


def _named(parts: Parts, each: Drawn) -> _Object:
    properties = _properties(_item(parts, each))
    name = one_line(each.item.name)
    return {"bom-ref": _ref(each), "name": name, "description": drawn_words(each), "properties": properties}


def _item(parts: Parts, each: Drawn) -> list[tuple[str, object]]:
    return [("item", parts.whole(each)), ("state", each.item.state)]


def _service(parts: Parts, each: Drawn) -> _Object:
    """Build a service with the flows from and to it, leaving open whether it authenticates callers."""
    made = _named(parts, each)
    if inside := parts.inside(each.item.id):
        made["trustZone"] = one_line(inside[0].name)
    data = [
        {
            "flow": _direction(flow, each.item.id),
            "classification": "unknown",
            "name": one_line(flow.what),
            "description": origin(flow),
            "source": [_link(parts.view, flow.source)],
            "destination": [_link(parts.view, flow.target)],
        }
        for _, flow in parts.flows
        if each.item.id in (flow.source, flow.target)
    ]
    return made | ({"data": data} if data else {})


def _direction(flow: Flow, service: str) -> str:
    if flow.source == flow.target:
        return "bi-directional"
    return "inbound" if flow.target == service else "outbound"


def _ref(each: Drawn) -> str:
    return f"item/{each.item.id}"


def _link(view: View, item_id: str) -> str:
    return f"urn:cdx:{drafted_id(view.draft, 'bom')}/1#{percent(f'item/{item_id}', safe='')}"


# ------------------------------------------------------------ threats


def _entry(parts: Parts, each: ThreatRow | Struck) -> _Object:
    threat = each.threat if isinstance(each, ThreatRow) else each
    return {
        "bom-ref": f"threat/{threat.id}",
        "id": threat.id,
        "source": {"name": "Septet"},
        "description": one_line(threat.title),
        "created": parts.view.draft.created_at,
        "affects": [{"ref": _ref(parts.product)}],
    }


def _threat(parts: Parts, row: ThreatRow) -> _Object:
    threat = row.threat
    detail = one_line(f"{threat.state}; {row.waived or row.basis_words}")
    fields = {"stableId": row.stable_id, "layerCode": row.code, "waived": row.waived or "no", **row.properties()}
    taxonomy = [(f"taxonomy:{ref.scheme}", f"{ref.id} {ref.title}") for ref in threat.taxonomy]
    settled = {"response": ["will_not_fix"]} if row.settled == ACCEPTED else {}
    return _entry(parts, row) | {
        "detail": issue(row, MARKDOWN, _TEXT),
        "recommendation": listed(f"{who}: {plain(words)}" for who, words in row.owned_remedies()),
        "ratings": _ratings(row),
        "cwes": [number for number, _ in row.weaknesses],
        "analysis": {"state": "in_triage", "detail": detail, **settled},
        "properties": _properties([*fields.items(), *taxonomy]),
    }


def _gone(parts: Parts, gone: Struck) -> _Object:
    kept = {"state": STRUCK, "stableId": stable_id(parts.view.draft, gone)}
    analysis = {"state": "false_positive", "detail": one_line(gone.why)}
    return _entry(parts, gone) | {"analysis": analysis, "properties": _properties(kept.items())}


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
        source, graded = {"name": f"AIVSS, {row.view.draft.score.formula}"}, score.severity.lower()
        made.append({"source": source, "method": "other", "score": float(row.aivss), "severity": graded})
    return made


def _properties(pairs: Iterable[tuple[str, object]]) -> list[_Object]:
    return [{"name": f"septet:{name}", "value": as_text(value)} for name, value in pairs]
