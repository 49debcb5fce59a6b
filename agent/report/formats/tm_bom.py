"""TM-BOM 1.0 of the OWASP Threat Model Library: scope, zones, parts, flows, threats and controls.

Source: OWASP www-project-threat-model-library, threat-model.schema.json, v1.0.2. The format demands judgements that no
draft has, such as how critical the product is or whether a flow is encrypted. They get a cautious value (sensitive, not
encrypted, reachable from outside, the middle of a scale), and the extension `not-told` lists each such value by its
JSON pointer, since nobody said so. Risks are left out, as no likelihood is estimated; scores are in the extension
`threats`. A claimed control is "assumed", one that is only proposed "suggested". Symbolic names are lower case; the
draft's own ids are in the extensions. Struck threats are left out of the threats.
"""

import re
from typing import Final

from agent.records import Flow
from agent.report.formats.issue_text import as_text
from agent.report.formats.parts import NOWHERE, Parts, origin
from agent.report.formats.properties import modelled_properties, threat_properties
from agent.report.formats.threat_rows import ThreatRow, product_words, stable_id, threat_rows
from agent.report.picture import Drawn, mermaid
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line
from agent.report.view import View

SCHEMA: Final = "https://github.com/OWASP/www-project-threat-model-library/blob/v1.0.2/threat-model.schema.json"
EXTENSION: Final = "septet.local/v1"
_TEXT: Final = 20_000
_OUTSIDE: Final = "none"
_STATUSES: Final = {"proposed": "suggested", "claimed": "assumed", "confirmed": "active"}
_UNSAFE: Final = re.compile(r"[^0-9a-z]+")
_ATTACKER: Final = "attacker"
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as a TM-BOM."""
    return dumps(_Model(view).whole(), sort_keys=True).encode()


class _Names:
    """Assigns each id a unique symbolic name: lower-case letters, digits and hyphens."""

    def __init__(self) -> None:
        self._of: dict[str, str] = {}

    def of(self, identifier: str) -> str:
        """Return the name of an id, with a number if another id has the same name."""
        if identifier not in self._of:
            plain = _UNSAFE.sub("-", identifier.lower()).strip("-") or "x"
            taken, name, number = set(self._of.values()), plain, 2
            while name in taken:
                name, number = f"{plain}-{number}", number + 1
            self._of[identifier] = name
        return self._of[identifier]


class _Model:
    """Builds one TM-BOM document; records the names of its parts and the values that the draft does not have."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._parts = Parts(view)
        self._rows = threat_rows(view)
        self._items, self._zones, self._others = _Names(), _Names(), _Names()
        self._groups = {each.item.id: each.group for each in self._parts.items}
        self._not_told: list[str] = []

    def whole(self) -> _Object:
        """Build the whole document."""
        draft = self._view.draft
        made: _Object = {
            "$schema": SCHEMA,
            "version": "1.0",
            "scope": self._scope(),
            "description": one_line(f"{product_words(draft)}. {self._view.standing}. Draft {draft.id}"),
            "frozen": False,
            "diagrams": [{"title": "System picture", "type": "mermaid", "source": mermaid(draft.system)}],
            "trust_zones": self._trust_zones(),
            "trust_boundaries": self._trust_boundaries(),
            "actors": [self._actor(each, n) for n, each in enumerate(self._acting)],
            "components": [self._component(each) for each in self._of("component", "service")],
            "data_stores": [self._store(each, n) for n, each in enumerate(self._of("store"))],
            "data_sets": [],
            "data_flows": [self._flow(key, flow, n) for n, (key, flow) in enumerate(self._parts.flows)],
            "assumptions": [
                {"description": one_line(text), "validity": "unconfirmed"} for text in draft.assumptions
            ],
            "threat_personas": self._personas(),
            "threats": [self._threat(row) for row in self._rows],
            "controls": [*self._mitigations(), *self._claimed()],
        }  # fmt: skip
        if draft.review is not None:
            made["reviewed_at"] = draft.review.at
        made["extensions"] = {
            f"{EXTENSION}/draft": {"createdAt": draft.created_at, **modelled_properties(self._view)},
            f"{EXTENSION}/parts": self._kept(),
            f"{EXTENSION}/threats": {self._others.of(row.threat.id): self._properties(row) for row in self._rows},
            f"{EXTENSION}/not-told": list(self._not_told),
        }
        return made

    def _guarded(self, pointer: str, **values: object) -> _Object:
        """Return required values that the draft does not have, and record them for the extension `not-told`."""
        self._not_told.extend(f"{pointer}/{name}" for name in values)
        return values

    def _scope(self) -> _Object:
        product = self._view.draft.product
        return {
            "title": one_line(product.name),
            "description": one_line(product.summary),
            **self._guarded(
                "/scope", business_criticality="moderate", data_sensitivity=[], exposure="external", tier="important"
            ),
        }

    # -------------------------------------------------------- zones

    def _zone(self, item_id: str) -> str:
        each = next(one.item for one in self._parts.items if one.item.id == item_id)
        inside = self._parts.inside(each)
        return self._zones.of(f"zone-{inside[0].id}") if inside else _OUTSIDE

    def _trust_zones(self) -> list[_Object]:
        made: list[_Object] = [
            {
                "symbolic_name": self._zones.of(f"zone-{each.id}"),
                "title": one_line(each.name),
                "description": origin(each),
            }
            for each in self._parts.boundaries
        ]
        if self._parts.outside:
            description = "For items that the draft puts in no boundary: how far they are trusted is unknown"
            made.append({"symbolic_name": _OUTSIDE, "title": NOWHERE, "description": description})
        return made

    def _trust_boundaries(self) -> list[_Object]:
        """Build one trust boundary for each pair of zones that a flow joins; how access is controlled is left open."""
        pairs = [tuple(sorted((self._zone(f.source), self._zone(f.target)))) for _, f in self._parts.flows]
        return [{"trust_zone_a": a, "trust_zone_b": b} for a, b in dict.fromkeys(pairs) if a != b]

    # -------------------------------------------------------- parts

    def _of(self, *groups: str) -> list[Drawn]:
        return [each for each in self._parts.items if each.group in groups]

    @property
    def _acting(self) -> list[Drawn]:
        return self._of("actor")

    def _part(self, each: Drawn) -> _Object:
        return {
            "symbolic_name": self._items.of(each.item.id),
            "title": one_line(each.item.name),
            "description": f"{each.group}, {each.item.kind}: {origin(each.item)}",
            "trust_zone": self._zone(each.item.id),
        }

    def _actor(self, each: Drawn, number: int) -> _Object:
        return self._part(each) | self._guarded(f"/actors/{number}", type="third_party")

    def _component(self, each: Drawn) -> _Object:
        return self._part(each)

    def _store(self, each: Drawn, number: int) -> _Object:
        return self._part(each) | self._guarded(f"/data_stores/{number}", type="object")

    def _end(self, item_id: str) -> _Object:
        kind = {"actor": "actor", "store": "data-store"}.get(self._groups[item_id], "component")
        return {"type": kind, "object": self._items.of(item_id)}

    def _flow(self, key: str, flow: Flow, number: int) -> _Object:
        return {
            "symbolic_name": self._others.of(key),
            "title": one_line(flow.what) or key,
            "description": origin(flow),
            "source": self._end(flow.source),
            "destination": self._end(flow.target),
            **self._guarded(f"/data_flows/{number}", has_sensitive_data=True, encrypted=False),
        }

    def _kept(self) -> _Object:
        """Keep what the parts lose in this format, by symbolic name: the draft's ids, states, quotes and all
        boundaries."""
        items = {
            self._items.of(each.item.id): {
                "group": each.group, **each.item.model_dump(mode="json"),
                "boundaries": [boundary.id for boundary in self._parts.inside(each.item)],
            }
            for each in self._parts.items
        }  # fmt: skip
        flows = {self._others.of(key): flow.model_dump(mode="json") for key, flow in self._parts.flows}
        zones = {self._zones.of(f"zone-{each.id}"): each.model_dump(mode="json") for each in self._parts.boundaries}
        return {"items": items, "flows": flows, "boundaries": zones}

    # -------------------------------------------------------- threats and controls

    def _source(self, row: ThreatRow) -> str:
        return one_line(row.threat.statement.source) or "An attacker"

    def _persona_name(self, source: str) -> str:
        return self._others.of(f"{_ATTACKER}-{source}")

    def _personas(self) -> list[_Object]:
        sources = {self._persona_name(source): source for source in map(self._source, self._rows)}
        made: list[_Object] = []
        for number, (name, source) in enumerate(sources.items()):
            guarded = self._guarded(
                f"/threat_personas/{number}", is_person=True, skill_level="script_kid", access_level="anonymous",
                malicious_intent=True, applicability_to_org="moderate",
            )  # fmt: skip
            description = "Whoever the draft's threats name; how skilled they are is not estimated"
            made.append({"symbolic_name": name, "title": source, "description": description, **guarded})
        return made

    def _threat(self, row: ThreatRow) -> _Object:
        threat = row.threat
        weaknesses = [(ref.id.rpartition("-")[2], ref.title) for ref in row.refs("cwe")]
        return {
            "symbolic_name": self._others.of(threat.id),
            "title": one_line(threat.title),
            "description": as_text(row, _TEXT),
            "components_affected": [self._items.of(self._parts.product.id)],
            "threat_persona": self._persona_name(self._source(row)),
            "event": row.lost or row.how,
            "sources": ["adversary"],
            "weaknesses": [
                {"cwe_id": int(number), "cwe_title": title} for number, title in weaknesses if number.isdecimal()
            ],
        }

    def _properties(self, row: ThreatRow) -> _Object:
        return {
            "id": row.threat.id,
            "stableId": stable_id(self._view.draft, row.threat),
            "waived": row.waived or None,
            "taxonomy": [ref.model_dump(mode="json") for ref in row.refs()],
            **threat_properties(row),
        }

    def _mitigations(self) -> list[_Object]:
        """Build the mitigations of each threat, with the threat's severity as the priority."""
        return [
            {
                "symbolic_name": self._others.of(f"{row.threat.id}-mitigation-{number}"),
                "title": row.words(each.text),
                "description": f"{each.who}, {each.status}",
                "threats": [self._others.of(row.threat.id)],
                "status": _STATUSES[each.status],
                "priority": row.severity.lower(),
            }
            for row in self._rows
            for number, each in enumerate(row.threat.mitigations, 1)
        ]

    def _claimed(self) -> list[_Object]:
        """Build the controls that the sources claim: assumed, regardless of their rank."""
        first = sum(len(row.threat.mitigations) for row in self._rows)
        return [
            {
                "symbolic_name": self._others.of(f"claimed-control-{number + 1}"),
                "title": one_line(each.text),
                "description": one_line(f"Claimed by the sources, rank {each.rank}. {each.why}"),
                "threats": [],
                "status": "assumed",
                **self._guarded(f"/controls/{first + number}", priority="none"),
            }
            for number, each in enumerate(self._view.draft.controls)
        ]
