"""TM-BOM: the picture in zones, threats and controls by name, and a list of what the format makes it say."""

import json
import re
from typing import Any, cast

import pytest

from agent.report.formats.tm_bom import EXTENSION, write
from agent.report.view import View
from agent.scoring import severity
from agent.taxonomy.layers import LAYERS
from tests.fakes.report.exported import STRUCK, VIEWS, WAIVED, items, threats
from tests.fakes.report.schemas import TM_BOM, faults

Object = dict[str, Any]


def model(view: View) -> Object:
    return cast("Object", json.loads(write(view)))


def extension(made: Object, name: str) -> Any:
    return made["extensions"][f"{EXTENSION}/{name}"]


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_it_is_what_the_published_schema_says(name: str) -> None:
    assert faults(TM_BOM, model(VIEWS[name]())) == []


def test_items_flows_and_boundaries_are_those_of_the_picture(view: View) -> None:
    made, system = model(view), view.draft.system
    kept = extension(made, "parts")
    parts = [*made["actors"], *made["components"], *made["data_stores"]]
    names = {part["symbolic_name"]: kept["items"][part["symbolic_name"]] for part in parts}
    assert len(names) == len(parts) == len(items(view)) + (not system.components)
    assert {told["id"]: told["state"] for told in names.values()}.items() >= {
        key: item.state for key, item in items(view).items()
    }.items()
    assert len(made["actors"]) == len(system.actors)
    assert len(made["data_stores"]) == len(system.stores)
    assert len(made["components"]) == max(len(system.components), 1) + len(system.services)
    zones = {zone["symbolic_name"] for zone in made["trust_zones"]}
    assert {told["id"] for told in kept["boundaries"].values()} == {each.id for each in system.boundaries}
    assert set(kept["boundaries"]) <= zones
    for part in parts:
        inside = kept["items"][part["symbolic_name"]]["boundaries"]
        zone = part["trust_zone"]
        assert (kept["boundaries"][zone]["id"] == inside[0]) if inside else zone == "none"
        assert zone in zones
    ends = [(flow["source"]["object"], flow["destination"]["object"]) for flow in made["data_flows"]]
    assert [(names[a]["id"], names[b]["id"]) for a, b in ends] == [(f.source, f.target) for f in system.flows]
    assert [kept["flows"][f["symbolic_name"]]["state"] for f in made["data_flows"]] == [f.state for f in system.flows]
    assert all({each["trust_zone_a"], each["trust_zone_b"]} <= zones for each in made["trust_boundaries"])


def test_every_threat_stands_once_with_its_state(view: View) -> None:
    made = model(view)
    told = extension(made, "threats")
    by_id = {threat.id: threat for threat in threats(view)}
    assert len(made["threats"]) == len(by_id)
    assert {told[each["symbolic_name"]]["id"] for each in made["threats"]} == set(by_id)
    personas = {each["symbolic_name"] for each in made["threat_personas"]}
    components = {each["symbolic_name"] for each in made["components"]}
    for each in made["threats"]:
        kept = told[each["symbolic_name"]]
        threat = by_id[kept["id"]]
        assert kept["title"] == threat.title
        assert (kept["state"], kept["severity"]) == (threat.state, severity(threat.score.cvss_base))
        assert kept["cvssVector"] == threat.score.cvss_vector
        assert kept["layer"] in LAYERS
        assert [(ref["scheme"], ref["id"]) for ref in kept["taxonomy"]] == [(r.scheme, r.id) for r in threat.taxonomy]
        assert f"State: {threat.state}" in each["description"]
        assert each["threat_persona"] in personas
        assert set(each["components_affected"]) <= components
        weak = [int(ref.id.removeprefix("CWE-")) for ref in threat.taxonomy if ref.scheme == "cwe"]
        assert [one["cwe_id"] for one in each["weaknesses"]] == weak


def test_controls_are_no_firmer_than_the_draft(view: View) -> None:
    made = model(view)
    wanted = [each.status for threat in threats(view) for each in threat.mitigations]
    assert len(made["controls"]) == len(wanted) + len(view.draft.controls)
    found = [each["status"] for each in made["controls"]]
    assert found.count("active") == wanted.count("confirmed")
    assert found.count("assumed") == wanted.count("claimed") + len(view.draft.controls)
    names = {each["symbolic_name"] for each in made["threats"]}
    assert all(set(each["threats"]) <= names for each in made["controls"])


def test_what_the_format_makes_it_say_is_listed(view: View) -> None:
    made = model(view)
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


def test_nothing_unknown_becomes_known(view: View) -> None:
    made, score = model(view), view.draft.score
    told = extension(made, "draft")["score"]
    assert told["withheld"] == score.withheld
    assert told["aivss"] == (None if score.aivss is None else float(score.aivss))
    assert {each["validity"] for each in made["assumptions"]} <= {"unconfirmed"}
    if score.aivss is None:
        assert "Not scored" in made["description"]
        assert all(each["aivss"] is None for each in extension(made, "threats").values())


def test_what_a_reviewer_settled() -> None:
    made = model(VIEWS["signed"]())
    told = {each["id"]: each for each in extension(made, "threats").values()}
    assert STRUCK not in told
    assert told[WAIVED]["waived"].startswith("accepted risk")
    assert made["reviewed_at"] == extension(made, "draft")["review"]["at"]


def test_names_are_symbols_of_their_own(view: View) -> None:
    made = model(view)
    names = [each["symbolic_name"] for group in ("threats", "controls", "data_flows") for each in made[group]]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[0-9a-z-]+", name) for name in names)
