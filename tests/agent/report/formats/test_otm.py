"""Open Threat Model: the whole picture, threats at the product, and no number that the draft does not have."""

import json
import re
from typing import Any, cast

import pytest

from agent.report.formats.otm import UNRATED, write
from agent.report.view import View
from agent.scoring import severity
from agent.taxonomy.layers import LAYER_CODES
from tests.fakes.report.exported import STRUCK, VIEWS, WAIVED, items, threats
from tests.fakes.report.schemas import OTM, faults

Object = dict[str, Any]


def model(view: View) -> Object:
    return cast("Object", json.loads(write(view)))


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_it_is_what_the_published_schema_says(name: str) -> None:
    assert faults(OTM, model(VIEWS[name]())) == []


def test_items_flows_and_boundaries_are_those_of_the_picture(view: View) -> None:
    made, known, system = model(view), items(view), view.draft.system
    parts = {each["id"]: each for each in made["components"]}
    assert set(known) <= set(parts)
    assert len(parts) == len(made["components"]) == len(known) + (not system.components)
    zones = {each["id"]: each for each in made["trustZones"]}
    assert set(zones) >= {f"zone-{each.id}" for each in system.boundaries}
    for identifier, item in known.items():
        part = parts[identifier]
        assert (part["attributes"]["state"], part["attributes"]["kind"]) == (item.state, item.kind)
        assert part["attributes"]["evidence"] == list(item.evidence)
        inside = [each.id for each in system.boundaries if identifier in each.members]
        assert part["attributes"]["boundaries"] == inside
        assert part["parent"]["trustZone"] == (f"zone-{inside[0]}" if inside else "zone-none")
        assert part["parent"]["trustZone"] in zones
    assert [(each["source"], each["destination"], each["attributes"]["state"]) for each in made["dataflows"]] == [
        (flow.source, flow.target, flow.state) for flow in system.flows
    ]


def test_every_threat_stands_once_and_at_the_product(view: View) -> None:
    made = model(view)
    by_id = {threat.id: (LAYER_CODES[key], threat) for key, la in view.draft.layers.items() for threat in la.threats}
    assert {each["id"] for each in made["threats"]} == set(by_id)
    assert len(made["threats"]) == len(by_id)
    at = [each for each in made["components"] if each.get("threats")]
    assert [one["threat"] for each in at for one in each["threats"]] == [each["id"] for each in made["threats"]]
    remedies = {each["id"] for each in made["mitigations"]}
    assert {one["mitigation"] for each in at for t in each["threats"] for one in t["mitigations"]} == remedies
    assert len(remedies) == sum(len(threat.mitigations) for threat in threats(view))
    for each in made["threats"]:
        code, threat = by_id[each["id"]]
        told = each["attributes"]
        assert told["title"] == threat.title
        assert (told["state"], told["basis"]) == (threat.state, threat.basis)
        assert told["severity"] == severity(threat.score.cvss_base)
        assert each["risk"]["impact"] == float(threat.score.cvss_base * 10)
        assert each["risk"]["likelihood"] is None
        assert any(category.startswith(f"MAESTRO {code}") for category in each["categories"])
        assert all(f"{ref.scheme}:{ref.id}" in each["tags"] for ref in threat.taxonomy)
        assert each["cwes"] == [ref.id for ref in threat.taxonomy if ref.scheme == "cwe"]
        assert [quote["id"] for quote in told["evidence"]][: len(threat.evidence)] == list(threat.evidence)


def test_nothing_is_rated_mitigated_or_scored_that_the_draft_does_not_say(view: View) -> None:
    made, score = model(view), view.draft.score
    assert {each["risk"]["trustRating"] for each in made["trustZones"]} <= {UNRATED}
    assert {each["attributes"]["trustRating"] for each in made["trustZones"]} <= {None}
    assert {each["attributes"]["riskReduction"] for each in made["mitigations"]} <= {None}
    states = {one["state"] for each in made["components"] for one in each.get("threats", ())}
    assert states <= {"exposed", "accepted risk", "out of scope"}
    told = made["project"]["attributes"]["score"]
    assert told["withheld"] == score.withheld
    assert told["aivss"] == (None if score.aivss is None else float(score.aivss))
    assert told["likely_low"] == (None if score.likely_low is None else float(score.likely_low))
    if score.aivss is None:
        assert all(each["attributes"]["aivss"] is None for each in made["threats"])


def test_facts_and_quotes_are_kept_whole(view: View) -> None:
    told = model(view)["project"]["attributes"]
    assert [each["id"] for each in told["facts"]] == [fact.id for fact in view.facts]
    texts = {document.id: document.text for document in view.documents}
    for quote in told["evidence"]:
        if quote["document"] in texts:
            assert texts[quote["document"]][quote["start"] : quote["end"]] == quote["quote"]


def test_what_a_reviewer_settled() -> None:
    made = model(VIEWS["signed"]())
    assert STRUCK not in {each["id"] for each in made["threats"]}
    assert any(STRUCK in each["what"] for each in made["project"]["attributes"]["dropped"])
    (at,) = [each for each in made["components"] if each.get("threats")]
    assert {one["threat"]: one["state"] for one in at["threats"]}[WAIVED] == "accepted risk"


def test_words_of_sources_stay_words() -> None:
    for each in model(VIEWS["hostile"]())["threats"]:
        words = each["description"]
        assert "<script" not in words
        assert not re.search(r"(?<!\\)!?\[[^\]\\]*\]\(", words)
