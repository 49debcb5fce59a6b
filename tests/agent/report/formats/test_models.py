"""Models for other tools: the whole picture, every threat once and attached to the product, and no more certain than
the draft.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

import pytest

from agent.report.formats.otm import UNRATED
from agent.report.formats.registry import write
from agent.report.formats.threat_dragon import TYPES
from agent.report.formats.threat_rows import struck
from agent.report.formats.tm_bom import EXTENSION
from agent.scoring import severity
from agent.taxonomy.layers import LAYER_CODES
from tests.fakes.report.exported import STRUCK, VIEWS, WAIVED, items, threats
from tests.fakes.report.schemas import (
    BESIDE_CYCLONEDX,
    CYCLONEDX,
    OTM,
    THREAT_COMPOSER,
    THREAT_DRAGON,
    TM_BOM,
    Pinned,
    faults,
)

Object = dict[str, Any]
SCHEMAS: Final[dict[str, Pinned]] = {
    "otm": OTM, "threat-dragon": THREAT_DRAGON, "threat-composer": THREAT_COMPOSER, "tm-bom": TM_BOM,
    "cyclonedx": CYCLONEDX,
}  # fmt: skip
SORTS = pytest.mark.parametrize("sort", VIEWS)


class Told(NamedTuple):
    """The contents of a model, as ids of the draft."""

    draft: Object
    items: dict[str, Object]
    flows: list[tuple[str, str, str]]
    boundaries: list[str]
    threats: dict[str, Object]
    words: list[str]
    """Texts that are displayed as Markdown."""


@cache
def model(form: str, sort: str) -> Object:
    return dict(json.loads(write(form, VIEWS[sort]())))


def values(part: Object, name: str) -> list[Any]:
    """Return the properties with this name of a CycloneDX part."""
    found = [each["value"] for each in part["properties"] if each["name"] == f"septet:{name}"]
    return [
        json.loads(value) if value[:1] in ("{", "[") or value in ("null", "true", "false") else value for value in found
    ]


def custom(part: Object) -> Object:
    """Return the metadata of a Threat Composer part."""
    return {each["key"].removeprefix("custom:"): each["value"] for each in part["metadata"]}


def cells(made: Object, *shapes: str) -> list[Object]:
    (diagram,) = made["detail"]["diagrams"]
    return [cell for cell in diagram["cells"] if cell["shape"] in shapes]


def extension(made: Object, name: str) -> Any:
    return made["extensions"][f"{EXTENSION}/{name}"]


def told_by_otm(made: Object) -> Told:
    return Told(
        made["project"]["attributes"],
        {each["id"]: each["attributes"] for each in made["components"]},
        [(each["source"], each["destination"], each["attributes"]["state"]) for each in made["dataflows"]],
        [each["id"].removeprefix("zone-") for each in made["trustZones"] if each["id"] != "zone-none"],
        {each["id"]: each["attributes"] for each in made["threats"]},
        [each["description"] for each in made["threats"]],
    )


def told_by_dragon(made: Object) -> Told:
    parts = {cell["id"]: cell["data"]["septet"] for cell in cells(made, "actor", "process", "store")}
    shown = [threat["septet"] for cell in cells(made, "process") for threat in cell["data"]["threats"]]
    return Told(
        made["septet"],
        {part["id"]: part for part in parts.values()},
        [
            (parts[f["source"]["cell"]]["id"], parts[f["target"]["cell"]]["id"], f["data"]["septet"]["state"])
            for f in cells(made, "flow")
        ],
        [cell["data"]["septet"]["id"] for cell in cells(made, "trust-boundary-box")],
        {each["id"]: each for each in shown},
        [],
    )


def told_by_composer(made: Object) -> Told:
    def plain(value: Any) -> Any:
        try:
            return json.loads(value)
        except (TypeError, ValueError):
            return value

    text = made["applicationInfo"]["description"]
    pages = [text, made["architecture"]["description"], made["dataflow"]["description"]]
    found = [custom(each) for each in made["threats"]]
    kept = {"id", "title", "severity", "state"}
    return Told(
        json.loads(text.partition("```json\n")[2].removesuffix("\n```")), {}, [], [],
        {each["id"]: {key: v if key in kept else plain(v) for key, v in each.items()} for each in found},
        [page.partition("```json")[0] for page in (*pages, *(each["Comments"] for each in found))],
    )  # fmt: skip


def told_by_bom(made: Object) -> Told:
    parts, kept = extension(made, "parts"), extension(made, "threats")
    names = {name: each["id"] for name, each in parts["items"].items()}
    flows = [(names[each["source"]["object"]], names[each["destination"]["object"]], each["symbolic_name"])
             for each in made["data_flows"]]  # fmt: skip
    return Told(
        extension(made, "draft"),
        {each["id"]: each for each in parts["items"].values()},
        [(source, target, parts["flows"][name]["state"]) for source, target, name in flows],
        [
            parts["boundaries"][each["symbolic_name"]]["id"]
            for each in made["trust_zones"]
            if each["symbolic_name"] != "none"
        ],
        {each["id"]: each for each in (kept[threat["symbolic_name"]] for threat in made["threats"])},
        [],
    )


def told_by_cyclonedx(made: Object) -> Told:
    parts = [made["metadata"]["component"], *made["components"], *made["services"]]
    product = {each["name"].removeprefix("septet:"): each["value"] for each in parts[0]["properties"]}
    found = [item for part in parts for item in values(part, "item")] + [
        {"boundaries": None, **item} for item in values(made, "actor")
    ]
    known = [each for each in made["vulnerabilities"] if each["analysis"]["state"] == "in_triage"]
    return Told(
        {"score": json.loads(product["score"])},
        {item["id"]: item for item in found},
        [(flow["source"], flow["target"], flow["state"]) for flow in values(made, "flow")],
        [each["id"] for each in values(made, "boundary")],
        {
            each["id"]: {p["name"].removeprefix("septet:"): values(each, p["name"].removeprefix("septet:"))[0]
                         for p in each["properties"]}
            for each in known
        },
        [each["detail"] + each["recommendation"] for each in known],
    )  # fmt: skip


READERS: Final[dict[str, Callable[[Object], Told]]] = {
    "otm": told_by_otm, "threat-dragon": told_by_dragon, "threat-composer": told_by_composer, "tm-bom": told_by_bom,
    "cyclonedx": told_by_cyclonedx,
}  # fmt: skip
MODELS = pytest.mark.parametrize("form", READERS)


@pytest.mark.slow
@SORTS
@MODELS
def test_it_is_what_the_published_schema_says(form: str, sort: str) -> None:
    assert faults(SCHEMAS[form], model(form, sort), BESIDE_CYCLONEDX if form == "cyclonedx" else ()) == []


@pytest.mark.slow
def test_the_schema_is_one_that_refuses() -> None:
    made = json.loads(write("cyclonedx", VIEWS["certain"]()))
    made["vulnerabilities"][0]["analysis"]["state"] = "sure"
    made["components"][0]["signature"] = {"algorithm": 1}
    assert len(faults(CYCLONEDX, made, BESIDE_CYCLONEDX)) > 1


@SORTS
@pytest.mark.parametrize("form", [form for form in READERS if form != "threat-composer"])
def test_items_flows_and_boundaries_are_those_of_the_picture(form: str, sort: str) -> None:
    view = VIEWS[sort]()
    told, known, system = READERS[form](model(form, sort)), items(view), view.draft.system
    assert len(told.items) == len(known) + (not system.components)
    for identifier, item in known.items():
        part = told.items[identifier]
        assert (part["state"], part["kind"], part["evidence"]) == (item.state, item.kind, list(item.evidence))
        inside = [each.id for each in system.boundaries if identifier in each.members]
        assert part["boundaries"] in (inside, None)
    assert told.flows == [(flow.source, flow.target, flow.state) for flow in system.flows]
    assert told.boundaries == [each.id for each in system.boundaries]


@SORTS
@MODELS
def test_every_threat_stands_once_with_its_state(form: str, sort: str) -> None:
    view = VIEWS[sort]()
    told = READERS[form](model(form, sort)).threats
    by_id = {threat.id: (key, threat) for key, layer in view.draft.layers.items() for threat in layer.threats}
    assert set(told) == set(by_id)
    for identifier, (key, threat) in by_id.items():
        each = told[identifier]
        assert (each["title"], each["state"], each["basis"]) == (threat.title, threat.state, threat.basis)
        assert (each["layer"], each["severity"]) == (key, severity(threat.score.cvss_base))
        assert (float(each["cvssBase"]), each["cvssVector"]) == (
            float(threat.score.cvss_base),
            threat.score.cvss_vector,
        )
        assert [quote["id"] for quote in each["evidence"]][: len(threat.evidence)] == list(threat.evidence)
        assert {fact["id"] for fact in each["facts"]} == set(threat.facts)


@SORTS
@MODELS
def test_nothing_unknown_becomes_known(form: str, sort: str) -> None:
    score, told = VIEWS[sort]().draft.score, READERS[form](model(form, sort))
    kept = told.draft["score"]
    assert kept["withheld"] == score.withheld
    assert kept["aivss"] == (None if score.aivss is None else float(score.aivss))
    assert kept["likely_low"] == (None if score.likely_low is None else float(score.likely_low))
    if score.aivss is None:
        assert "Not scored" in json.dumps(model(form, sort))
        assert all(each["aivss"] is None for each in told.threats.values())


@SORTS
@pytest.mark.parametrize("form", ["otm", "threat-dragon", "tm-bom", "threat-composer"])
def test_facts_and_quotes_are_kept_whole(form: str, sort: str) -> None:
    view, told = VIEWS[sort](), READERS[form](model(form, sort)).draft
    assert [each["id"] for each in told["facts"]] == [fact.id for fact in view.facts]
    assert [each["quote"] for each in told["evidence"]] == [quote.quote for quote in view.draft.evidence]


@MODELS
def test_a_struck_threat_is_none(form: str) -> None:
    told = READERS[form](model(form, "signed"))
    assert STRUCK not in told.threats
    if form != "cyclonedx":
        assert any(STRUCK in each["what"] for each in told.draft["dropped"])


@pytest.mark.parametrize("form", ["otm", "threat-composer", "cyclonedx"])
def test_words_of_sources_stay_words(form: str) -> None:
    for words in READERS[form](model(form, "hostile")).words:
        assert "<script" not in words
        assert not re.search(r"(?<!\\)!?\[[^\]\\]*\]\(", words)


# ---------------------------------------------------------------- specific to each format


@SORTS
def test_otm_rates_and_mitigates_nothing_that_the_draft_does_not_say(sort: str) -> None:
    view, made = VIEWS[sort](), model("otm", sort)
    zones = {each["id"] for each in made["trustZones"]}
    for each in made["components"]:
        inside = each["attributes"]["boundaries"]
        assert each["parent"]["trustZone"] == (f"zone-{inside[0]}" if inside else "zone-none")
        assert each["parent"]["trustZone"] in zones
    at = [each for each in made["components"] if each.get("threats")]
    assert [one["threat"] for each in at for one in each["threats"]] == [each["id"] for each in made["threats"]]
    remedies = {each["id"] for each in made["mitigations"]}
    assert {one["mitigation"] for each in at for t in each["threats"] for one in t["mitigations"]} == remedies
    assert len(remedies) == sum(len(threat.mitigations) for threat in threats(view))
    assert {each["risk"]["trustRating"] for each in made["trustZones"]} <= {UNRATED}
    assert {each["attributes"]["trustRating"] for each in made["trustZones"]} <= {None}
    assert {each["attributes"]["riskReduction"] for each in made["mitigations"]} <= {None}
    assert {t["state"] for each in at for t in each["threats"]} <= {"exposed", "accepted risk", "out of scope"}
    by_id = {threat.id: threat for threat in threats(view)}
    for each in made["threats"]:
        threat, code = by_id[each["id"]], LAYER_CODES[each["attributes"]["layer"]]
        assert (each["risk"]["impact"], each["risk"]["likelihood"]) == (float(threat.score.cvss_base * 10), None)
        assert any(category.startswith(f"MAESTRO {code}") for category in each["categories"])
        assert all(f"{ref.scheme}:{ref.id}" in each["tags"] for ref in threat.taxonomy)
        assert each["cwes"] == [ref.id for ref in threat.taxonomy if ref.scheme == "cwe"]


@SORTS
def test_dragon_draws_items_apart_and_inside_their_first_boundary(sort: str) -> None:
    view, made = VIEWS[sort](), model("threat-dragon", sort)
    parts = {cell["data"]["septet"]["id"]: cell for cell in cells(made, "actor", "process", "store")}
    boxes = {cell["data"]["septet"]["id"]: cell for cell in cells(made, "trust-boundary-box")}
    (diagram,) = made["detail"]["diagrams"]
    assert len({cell["id"] for cell in diagram["cells"]}) == len(diagram["cells"])
    shapes = {"actors": "actor", "components": "process", "stores": "store", "services": "actor"}
    for group, shape in shapes.items():
        for item in getattr(view.draft.system, group):
            assert parts[item.id]["shape"] == shape
            assert item.state in parts[item.id]["data"]["description"]
    assert len({(part["position"]["x"], part["position"]["y"]) for part in parts.values()}) == len(parts)
    for part in parts.values():
        inside = [key for key, box in boxes.items() if _holds(box, part)]
        assert inside == part["data"]["septet"]["boundaries"][:1]


def _holds(box: Object, part: Object) -> bool:
    return all(
        box["position"][axis] <= part["position"][axis]
        and part["position"][axis] + part["size"][size] <= box["position"][axis] + box["size"][size]
        for axis, size in (("x", "width"), ("y", "height"))
    )


@SORTS
def test_dragon_has_types_and_statuses_that_its_importer_knows(sort: str) -> None:
    view, made = VIEWS[sort](), model("threat-dragon", sort)
    found = [threat for cell in cells(made, "process") for threat in cell["data"]["threats"]]
    assert [each["number"] for each in found] == list(range(1, made["detail"]["threatTop"] + 1))
    by_id = {threat.id: threat for threat in threats(view)}
    for each in found:
        threat, code = by_id[each["septet"]["id"]], LAYER_CODES[each["septet"]["layer"]]
        band = severity(threat.score.cvss_base)
        assert each["severity"] == ("Low" if band == "None" else band)
        assert each["score"] == f"{threat.score.cvss_base:.1f}"
        assert f"State: {threat.state}" in each["description"]
        assert f"Layer: {code}" in each["description"]
        assert all(ref.id in each["description"] for ref in threat.taxonomy)
        stride = [TYPES[ref.id] for ref in threat.taxonomy if ref.scheme == "stride"]
        assert each["modelType"] == ("STRIDE" if stride else "Generic")
        assert each["type"] == stride[0] if stride else each["type"].startswith(f"MAESTRO {code} ")
        assert len(each["mitigation"].splitlines()) == len(threat.mitigations)
        assert each["status"] in ("Open", "Accepted", "NA")


@SORTS
def test_composer_links_mitigations_and_resolves_none_by_a_claim(sort: str) -> None:
    view, made = VIEWS[sort](), model("threat-composer", sort)
    wanted = [(threat.id, each.status) for threat in threats(view) for each in threat.mitigations]
    names = {each["id"]: custom(each)["id"] for each in made["threats"]}
    remedies = {each["id"]: each for each in made["mitigations"]}
    assert len(remedies) == len(made["mitigations"]) == len(made["mitigationLinks"]) == len(wanted)
    linked = [(names[e["linkedId"]], custom(remedies[e["mitigationId"]])["status"]) for e in made["mitigationLinks"]]
    assert sorted(linked) == sorted(wanted)
    for each in made["mitigations"]:
        assert (each["status"] == "mitigationResolved") == (custom(each)["status"] == "confirmed")
    assert [each["numericId"] for each in made["threats"]] == list(range(1, len(names) + 1))
    by_id = {threat.id: threat for threat in threats(view)}
    for each in made["threats"]:
        told = custom(each)
        threat = by_id[told["id"]]
        band = severity(threat.score.cvss_base)
        assert told["Priority"] == {"Critical": "High", "None": "Low"}.get(band, band)
        assert told.get("STRIDE", []) == [ref.id[-1] for ref in threat.taxonomy if ref.scheme == "stride"]
        assert all(f"{ref.scheme} {ref.id}" in told["ids"] for ref in threat.taxonomy)
        assert each["status"] == "threatIdentified"


@SORTS
def test_composer_tells_of_the_picture_in_pages(sort: str) -> None:
    view, made = VIEWS[sort](), model("threat-composer", sort)
    system = view.draft.system
    architecture, flows = made["architecture"]["description"], made["dataflow"]["description"]
    rows = [line for line in architecture.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(items(view)) + (not system.components)
    for identifier, item in items(view).items():
        (row,) = [line for line in rows if re.search(rf"\W{re.escape(identifier)}\W", line.split(" | ")[0])]
        assert f"{item.state}, " in row
    assert architecture.partition("### Trust boundaries")[2].count("\n- ") == len(system.boundaries)
    assert len([line for line in flows.splitlines() if line.startswith("| ")]) == 1 + len(system.flows)
    assert [each["content"] for each in made["assumptions"]] == [" ".join(a.split()) for a in view.draft.assumptions]


@SORTS
def test_tm_bom_joins_its_parts_by_symbolic_names(sort: str) -> None:
    view, made = VIEWS[sort](), model("tm-bom", sort)
    system, kept = view.draft.system, extension(made, "parts")
    zones = {zone["symbolic_name"] for zone in made["trust_zones"]}
    for part in [*made["actors"], *made["components"], *made["data_stores"]]:
        inside, zone = kept["items"][part["symbolic_name"]]["boundaries"], part["trust_zone"]
        assert (kept["boundaries"][zone]["id"] == inside[0]) if inside else zone == "none"
        assert zone in zones
    assert (len(made["actors"]), len(made["data_stores"])) == (len(system.actors), len(system.stores))
    assert len(made["components"]) == max(len(system.components), 1) + len(system.services)
    assert all({each["trust_zone_a"], each["trust_zone_b"]} <= zones for each in made["trust_boundaries"])
    told = extension(made, "threats")
    by_id = {threat.id: threat for threat in threats(view)}
    personas = {each["symbolic_name"] for each in made["threat_personas"]}
    components = {each["symbolic_name"] for each in made["components"]}
    for each in made["threats"]:
        threat = by_id[told[each["symbolic_name"]]["id"]]
        taxonomy = told[each["symbolic_name"]]["taxonomy"]
        assert [(ref["scheme"], ref["id"]) for ref in taxonomy] == [(r.scheme, r.id) for r in threat.taxonomy]
        assert f"State: {threat.state}" in each["description"]
        assert each["threat_persona"] in personas
        assert set(each["components_affected"]) <= components
        weak = [int(ref.id.removeprefix("CWE-")) for ref in threat.taxonomy if ref.scheme == "cwe"]
        assert [one["cwe_id"] for one in each["weaknesses"]] == weak
    names = [each["symbolic_name"] for group in ("threats", "controls", "data_flows") for each in made[group]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[0-9a-z-]+", name) for name in names)


@SORTS
def test_controls_of_tm_bom_are_no_firmer_than_the_draft(sort: str) -> None:
    view, made = VIEWS[sort](), model("tm-bom", sort)
    wanted = [each.status for threat in threats(view) for each in threat.mitigations]
    assert len(made["controls"]) == len(wanted) + len(view.draft.controls)
    found = [each["status"] for each in made["controls"]]
    assert found.count("active") == wanted.count("confirmed")
    assert found.count("assumed") == wanted.count("claimed") + len(view.draft.controls)
    names = {each["symbolic_name"] for each in made["threats"]}
    assert all(set(each["threats"]) <= names for each in made["controls"])


@SORTS
def test_what_tm_bom_makes_the_draft_say_is_listed(sort: str) -> None:
    made = model("tm-bom", sort)
    listed = extension(made, "not-told")
    assert len(set(listed)) == len(listed)
    for pointer in listed:
        at: Any = made
        for step in pointer.split("/")[1:]:
            at = at[int(step)] if isinstance(at, list) else at[step]
    for number in range(len(made["data_flows"])):
        assert {f"/data_flows/{number}/encrypted", f"/data_flows/{number}/has_sensitive_data"} <= set(listed)
    assert {"/scope/exposure", "/scope/tier", "/scope/business_criticality", "/scope/data_sensitivity"} <= set(listed)
    assert "risks" not in made
    assert {each["validity"] for each in made["assumptions"]} <= {"unconfirmed"}


@SORTS
def test_cyclonedx_has_threats_in_triage_beside_parts_and_services(sort: str) -> None:
    view, made = VIEWS[sort](), model("cyclonedx", sort)
    system, product = view.draft.system, made["metadata"]["component"]
    parts = [product, *made["components"], *made["services"]]
    assert len({part["bom-ref"] for part in parts}) == len(parts)
    assert len([part for part in made["components"] if part["type"] == "data"]) == len(system.stores)
    for service, item in zip(made["services"], system.services, strict=True):
        assert len(service.get("data", ())) == sum(item.id in (f.source, f.target) for f in system.flows)
        zones = [each.name for each in system.boundaries if item.id in each.members]
        assert service.get("trustZone") == (zones[0] if zones else None)
        assert "authenticated" not in service
    assert {data["classification"] for each in made["services"] for data in each.get("data", ())} <= {"unknown"}
    assert {each["aggregate"] for each in made["compositions"]} == {"unknown"}
    assert [fact["id"] for fact in values(product, "fact")] == [fact.id for fact in view.facts]
    assert [quote["quote"] for quote in values(product, "evidence")] == [quote.quote for quote in view.draft.evidence]
    entries = {each["id"]: each for each in made["vulnerabilities"]}
    assert len(entries) == len(made["vulnerabilities"]) == len(threats(view)) + len(struck(view.draft))
    for threat in threats(view):
        each = entries[threat.id]
        assert each["affects"] == [{"ref": product["bom-ref"]}]
        rating, *others = each["ratings"]
        assert (rating["method"], rating["severity"]) == ("CVSSv4", severity(threat.score.cvss_base).lower())
        assert (rating["score"], rating["vector"]) == (float(threat.score.cvss_base), threat.score.cvss_vector)
        assert [other["method"] for other in others] == ([] if view.draft.score.aivss is None else ["other"])
        assert each["cwes"] == [int(ref.id.removeprefix("CWE-")) for ref in threat.taxonomy if ref.scheme == "cwe"]
        for ref in threat.taxonomy:
            assert f"{ref.id} {ref.title}" in values(each, f"taxonomy:{ref.scheme}")
        assert len(each["recommendation"].splitlines()) == len(threat.mitigations)


def test_what_a_reviewer_settled() -> None:
    (at,) = [each for each in model("otm", "signed")["components"] if each.get("threats")]
    assert {one["threat"]: one["state"] for one in at["threats"]}[WAIVED] == "accepted risk"
    dragon = model("threat-dragon", "signed")
    found = {
        each["septet"]["id"]: each["status"] for cell in cells(dragon, "process") for each in cell["data"]["threats"]
    }
    assert (found[WAIVED], found["L3-lookup-parameters"], dragon["detail"]["reviewer"]) == ("Accepted", "Open", "Ada")
    composed = READERS["threat-composer"](model("threat-composer", "signed")).threats
    assert composed[WAIVED]["waived"].startswith("accepted risk")
    assert composed["L3-lookup-parameters"]["state"] == "confirmed"
    bom = model("tm-bom", "signed")
    assert READERS["tm-bom"](bom).threats[WAIVED]["waived"].startswith("accepted risk")
    assert bom["reviewed_at"] == extension(bom, "draft")["review"]["at"]
    entries = {each["id"]: each for each in model("cyclonedx", "signed")["vulnerabilities"]}
    assert entries[STRUCK]["analysis"]["state"] == "false_positive"
    assert "ratings" not in entries[STRUCK]
    assert [(id_, each["analysis"]["response"]) for id_, each in entries.items() if "response" in each["analysis"]] == [
        (WAIVED, ["will_not_fix"])
    ]


def test_critical_stays_critical_and_an_llm_is_a_machine_learning_model() -> None:
    graded = [each for cell in cells(model("threat-dragon", "critical"), "process") for each in cell["data"]["threats"]]
    assert "Critical" in {each["severity"] for each in graded}
    made = model("cyclonedx", "with-an-llm")
    assert [each["name"] for each in made["components"] if each["type"] == "machine-learning-model"] == [
        item.name for item in VIEWS["with-an-llm"]().draft.system.components if item.kind == "llm"
    ]
