"""TM-BOM 1.0 of the OWASP Threat Model Library: scope, zones, parts, flows, threats and controls.

Source: OWASP www-project-threat-model-library, threat-model.schema.json, v1.0.2. The format requires judgements that no
draft has, such as how critical the product is or whether a flow is encrypted. They get a cautious value (sensitive, not
encrypted, reachable from outside, the middle of a scale), and the extension `not-told` lists each such value by its
JSON pointer, because it has no source. Risks are left out, since no likelihood is estimated; scores are in the
extension `threats`. A claimed control is "assumed"; one that is only proposed is "suggested". Symbolic names are lower
case; the draft's own ids are in the extensions. Struck threats are left out of the threats.
"""

import re
from typing import Final

from agent.records import Flow
from agent.report.formats.parts import NOWHERE, Parts, drawn_words, modelled_properties, origin
from agent.report.formats.threat_rows import TEXT, ThreatRow, issue, product_words, threat_rows
from agent.report.picture import Drawn, mermaid
from agent.report.safe_json import dumps
from agent.report.safe_markdown import one_line
from agent.report.view import View

SCHEMA: Final = "https://github.com/OWASP/www-project-threat-model-library/blob/v1.0.2/threat-model.schema.json"
EXTENSION: Final = "septet.local/v1"
_TEXT: Final = 20_000
_OUTSIDE: Final = "none"
_STATUSES: Final = {"proposed": "suggested", "claimed": "assumed", "confirmed": "active"}
_ENDS: Final = {"actor": "actor", "store": "data-store"}
_UNSAFE: Final = re.compile(r"[^0-9a-z]+")
_Object = dict[str, object]


def write(view: View) -> bytes:
    """Write the draft as a TM-BOM."""
    return dumps(_Model(view).whole(), sort_keys=True).encode()


class _Names(dict[str, str]):
    """The symbolic name of each id, created on first use; a number is appended to a name that is already taken."""

    def __missing__(self, identifier: str) -> str:
        plain = _UNSAFE.sub("-", identifier.lower()).strip("-") or "x"
        taken, name, number = set(self.values()), plain, 2
        while name in taken:
            name, number = f"{plain}-{number}", number + 1
        self[identifier] = name
        return name


class _Model:
    """Builds one TM-BOM document; records the names of its parts and the values that the draft does not have."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._parts = Parts(view)
        self._rows = threat_rows(view)
        self._items, self._zones, self._others = _Names(), _Names(), _Names()
        self._not_told: list[str] = []

    def whole(self) -> _Object:
        view, draft, parts = self._view, self._view.draft, self._parts
        scope = self._guarded(
            "/scope", business_criticality="moderate", data_sensitivity=[], exposure="external", tier="important"
        )
        made: _Object = {
            "$schema": SCHEMA,
            "version": "1.0",
            "scope": {"title": one_line(draft.product.name), "description": one_line(draft.product.summary), **scope},
            "description": one_line(f"{product_words(draft)}. {view.standing}. Draft {draft.id}"),
            "frozen": False,
            "diagrams": [{"title": "System picture", "type": "mermaid", "source": mermaid(draft.system)}],
            "trust_zones": self._trust_zones(),
            "trust_boundaries": self._trust_boundaries(),
            "actors": [
                self._part(each) | self._guarded(f"/actors/{n}", type="third_party")
                for n, each in enumerate(parts.of("actor"))
            ],
            "components": [self._part(each) for each in parts.of("component", "service")],
            "data_stores": [
                self._part(each) | self._guarded(f"/data_stores/{n}", type="object")
                for n, each in enumerate(parts.of("store"))
            ],
            "data_sets": [],
            "data_flows": [self._flow(key, flow, n) for n, (key, flow) in enumerate(parts.flows)],
            "assumptions": [{"description": one_line(text), "validity": "unconfirmed"} for text in draft.assumptions],
            "threat_personas": self._personas(),
            "threats": [self._threat(row) for row in self._rows],
            "controls": self._controls(),
            **({"reviewed_at": draft.review.at} if draft.review else {}),
        }
        # What this format cannot express about the parts, by symbolic name: the draft's ids, states, quotes and all
        # boundaries.
        kept = {
            "items": {self._items[each.item.id]: parts.whole(each) for each in parts.items},
            "flows": {self._others[key]: flow.model_dump(mode="json") for key, flow in parts.flows},
            "boundaries": {self._zones[f"zone-{b.id}"]: b.model_dump(mode="json") for b in parts.boundaries},
        }
        made["extensions"] = {
            f"{EXTENSION}/draft": {"createdAt": draft.created_at, **modelled_properties(view)},
            f"{EXTENSION}/parts": kept,
            f"{EXTENSION}/threats": {self._others[row.threat.id]: _properties(row) for row in self._rows},
            f"{EXTENSION}/not-told": self._not_told,
        }
        return made

    def _guarded(self, pointer: str, **values: object) -> _Object:
        """Return required values that the draft does not have, and record them for the extension `not-told`."""
        self._not_told.extend(f"{pointer}/{name}" for name in values)
        return values

    # -------------------------------------------------------- zones and parts

    def _zone(self, item_id: str) -> str:
        inside = self._parts.inside(item_id)
        return self._zones[f"zone-{inside[0].id}"] if inside else _OUTSIDE

    def _trust_zones(self) -> list[_Object]:
        made: list[_Object] = [
            {"symbolic_name": self._zones[f"zone-{each.id}"], "title": one_line(each.name), "description": origin(each)}
            for each in self._parts.boundaries
        ]
        if not all(self._parts.inside(each.item.id) for each in self._parts.items):
            description = "For items outside all trust boundaries; their level of trust is unknown"
            made.append({"symbolic_name": _OUTSIDE, "title": NOWHERE, "description": description})
        return made

    def _trust_boundaries(self) -> list[_Object]:
        """Build one trust boundary for each pair of zones connected by a flow."""
        pairs = [tuple(sorted((self._zone(f.source), self._zone(f.target)))) for _, f in self._parts.flows]
        return [{"trust_zone_a": a, "trust_zone_b": b} for a, b in dict.fromkeys(pairs) if a != b]

    def _part(self, each: Drawn) -> _Object:
        return {
            "symbolic_name": self._items[each.item.id],
            "title": one_line(each.item.name),
            "description": drawn_words(each),
            "trust_zone": self._zone(each.item.id),
        }

    def _flow(self, key: str, flow: Flow, number: int) -> _Object:
        groups = {each.item.id: each.group for each in self._parts.items}
        source, target = (
            {"type": _ENDS.get(groups[end], "component"), "object": self._items[end]}
            for end in (flow.source, flow.target)
        )
        return {
            "symbolic_name": self._others[key],
            "title": one_line(flow.what) or key,
            "description": origin(flow),
            "source": source,
            "destination": target,
            **self._guarded(f"/data_flows/{number}", has_sensitive_data=True, encrypted=False),
        }

    # -------------------------------------------------------- threats and controls

    def _personas(self) -> list[_Object]:
        description = "An attacker mentioned in the draft's threats; the skill level is not estimated"
        return [
            {
                "symbolic_name": self._others[f"attacker-{source}"],
                "title": source,
                "description": description,
                **self._guarded(
                    f"/threat_personas/{number}", is_person=True, skill_level="script_kid", access_level="anonymous",
                    malicious_intent=True, applicability_to_org="moderate",
                ),
            }
            for number, source in enumerate(dict.fromkeys(map(_attacker, self._rows)))
        ]  # fmt: skip

    def _threat(self, row: ThreatRow) -> _Object:
        return {
            "symbolic_name": self._others[row.threat.id],
            "title": row.title,
            "description": issue(row, TEXT, _TEXT),
            "components_affected": [self._items[self._parts.product.item.id]],
            "threat_persona": self._others[f"attacker-{_attacker(row)}"],
            "event": row.lost or row.how,
            "sources": ["adversary"],
            "weaknesses": [{"cwe_id": number, "cwe_title": title} for number, title in row.weaknesses],
        }

    def _controls(self) -> list[_Object]:
        """Build the mitigations of each threat, and the controls that the sources claim: "assumed" at any rank."""
        made: list[_Object] = [
            {
                "symbolic_name": self._others[f"{row.threat.id}-mitigation-{number}"],
                "title": row.words(each.text),
                "description": f"{each.who}, {each.status}",
                "threats": [self._others[row.threat.id]],
                "status": _STATUSES[each.status],
                "priority": row.severity.lower(),
            }
            for row in self._rows
            for number, each in enumerate(row.threat.mitigations, 1)
        ]
        for number, each in enumerate(self._view.draft.controls, 1):
            claimed: _Object = {
                "symbolic_name": self._others[f"claimed-control-{number}"],
                "title": one_line(each.text),
                "description": one_line(f"Claimed by the sources, rank {each.rank}. {each.why}"),
                "threats": [],
                "status": "assumed",
            }
            made.append(claimed | self._guarded(f"/controls/{len(made)}", priority="none"))
        return made


def _attacker(row: ThreatRow) -> str:
    return one_line(row.threat.statement.source) or "An attacker"


def _properties(row: ThreatRow) -> _Object:
    taxonomy = [ref.model_dump(mode="json") for ref in row.threat.taxonomy]
    own = {"id": row.threat.id, "stableId": row.stable_id, "waived": row.waived or None, "taxonomy": taxonomy}
    return {**own, **row.properties()}
