"""Threat Dragon: cells of the picture, open threats at the product, types and statuses that its importer knows."""

import json
from typing import Any, Final, cast

import pytest

from agent.report.formats.threat_dragon import TYPES, write
from agent.report.view import View
from agent.scoring import severity
from agent.taxonomy.layers import LAYER_CODES
from tests.fakes.report.exported import STRUCK, VIEWS, WAIVED, items, threats
from tests.fakes.report.schemas import THREAT_DRAGON, faults

Object = dict[str, Any]
SHAPES: Final = {"actors": "actor", "components": "process", "stores": "store", "services": "actor"}
STATUSES: Final = frozenset(("NA", "Open", "Mitigated", "Accepted", "Transferred", "Avoided", "Eliminated"))


def model(view: View) -> Object:
    return cast("Object", json.loads(write(view)))


def cells(made: Object) -> list[Object]:
    (diagram,) = made["detail"]["diagrams"]
    return cast("list[Object]", diagram["cells"])


def told(made: Object) -> list[Object]:
    return [threat for cell in cells(made) for threat in cell["data"].get("threats", ())]


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_it_is_what_the_published_schema_says(name: str) -> None:
    assert faults(THREAT_DRAGON, model(VIEWS[name]())) == []


def test_items_flows_and_boundaries_are_those_of_the_picture(view: View) -> None:
    made, system = cells(model(view)), view.draft.system
    assert len({cell["id"] for cell in made}) == len(made)
    parts = {cell["data"]["septet"]["id"]: cell for cell in made if cell["shape"] in ("actor", "process", "store")}
    assert set(items(view)) <= set(parts)
    assert len(parts) == len(items(view)) + (not system.components)
    for group, shape in SHAPES.items():
        for item in getattr(system, group):
            assert parts[item.id]["shape"] == shape
            assert parts[item.id]["data"]["septet"]["state"] == item.state
            assert item.state in parts[item.id]["data"]["description"]
    flows = [cell for cell in made if cell["shape"] == "flow"]
    ids = {cell["id"]: key for key, cell in parts.items()}
    assert [(ids[f["source"]["cell"]], ids[f["target"]["cell"]], f["data"]["septet"]["state"]) for f in flows] == [
        (flow.source, flow.target, flow.state) for flow in system.flows
    ]
    boxes = {cell["data"]["septet"]["id"]: cell for cell in made if cell["shape"] == "trust-boundary-box"}
    assert set(boxes) == {each.id for each in system.boundaries}


def test_an_item_stands_inside_its_first_boundary_and_no_two_overlap(view: View) -> None:
    made = cells(model(view))
    boxes = {cell["data"]["septet"]["id"]: cell for cell in made if cell["shape"] == "trust-boundary-box"}
    parts = [cell for cell in made if cell["shape"] in ("actor", "process", "store")]
    assert len({(part["position"]["x"], part["position"]["y"]) for part in parts}) == len(parts)
    for part in parts:
        inside = [key for key, box in boxes.items() if _holds(box, part)]
        assert inside == part["data"]["septet"]["boundaries"][:1]


def _holds(box: Object, part: Object) -> bool:
    return all(
        box["position"][axis] <= part["position"][axis]
        and part["position"][axis] + part["size"][size] <= box["position"][axis] + box["size"][size]
        for axis, size in (("x", "width"), ("y", "height"))
    )


def test_every_threat_stands_once_with_its_state(view: View) -> None:
    made = model(view)
    by_id = {threat.id: (LAYER_CODES[key], threat) for key, la in view.draft.layers.items() for threat in la.threats}
    found = told(made)
    assert {each["septet"]["id"] for each in found} == set(by_id)
    assert [each["number"] for each in found] == list(range(1, len(by_id) + 1))
    assert made["detail"]["threatTop"] == len(by_id)
    for each in found:
        code, threat = by_id[each["septet"]["id"]]
        band = severity(threat.score.cvss_base)
        assert each["severity"] == ("Low" if band == "None" else band)
        assert each["septet"]["severity"] == band
        assert each["septet"]["title"] == threat.title
        assert each["score"] == f"{threat.score.cvss_base:.1f}"
        assert (each["septet"]["state"], each["septet"]["basis"]) == (threat.state, threat.basis)
        assert f"State: {threat.state}" in each["description"]
        assert f"Layer: {code}" in each["description"]
        assert all(ref.id in each["description"] for ref in threat.taxonomy)
        stride = [ref.id for ref in threat.taxonomy if ref.scheme == "stride"]
        assert (each["modelType"], each["type"]) == (
            ("STRIDE", TYPES[stride[0]]) if stride else ("Generic", each["type"])
        )
        assert stride or each["type"].startswith(f"MAESTRO {code} ")
        assert len(each["mitigation"].splitlines()) == len(threat.mitigations)


def test_nothing_is_mitigated_or_scored_that_the_draft_does_not_say(view: View) -> None:
    made, score = model(view), view.draft.score
    assert {each["status"] for each in told(made)} <= STATUSES - {"Mitigated", "Eliminated", "Avoided", "Transferred"}
    assert made["septet"]["score"]["withheld"] == score.withheld
    assert made["septet"]["score"]["aivss"] == (None if score.aivss is None else float(score.aivss))
    if score.aivss is None:
        assert "Not scored" in made["summary"]["description"]
        assert all(each["septet"]["aivss"] is None for each in told(made))


def test_what_a_reviewer_settled() -> None:
    made = model(VIEWS["signed"]())
    found = {each["septet"]["id"]: each["status"] for each in told(made)}
    assert (STRUCK in found, found[WAIVED], found["L3-lookup-parameters"]) == (False, "Accepted", "Open")
    assert made["detail"]["reviewer"] == "Ada"


def test_critical_stays_critical() -> None:
    view = VIEWS["critical"]()
    assert threats(view)
    assert "Critical" in {each["severity"] for each in told(model(view))}
