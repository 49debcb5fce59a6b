"""Threat Composer: identified threats with linked mitigations, within its limits, and the rest as custom metadata."""

import json
import re
from typing import Any, cast

import pytest

from agent.report.formats.threat_composer import write
from agent.report.view import View
from agent.scoring import severity
from agent.taxonomy.layers import LAYER_CODES
from tests.fakes.report.exported import STRUCK, VIEWS, WAIVED, items, threats
from tests.fakes.report.schemas import THREAT_COMPOSER, faults

Object = dict[str, Any]


def model(view: View) -> Object:
    return cast("Object", json.loads(write(view)))


def custom(part: Object) -> dict[str, str]:
    return {each["key"].removeprefix("custom:"): each["value"] for each in part["metadata"]}


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_it_is_what_the_published_schema_says(name: str) -> None:
    assert faults(THREAT_COMPOSER, model(VIEWS[name]())) == []


def test_every_threat_stands_once_with_its_state(view: View) -> None:
    made = model(view)
    by_id = {threat.id: (LAYER_CODES[key], threat) for key, la in view.draft.layers.items() for threat in la.threats}
    assert {custom(each)["id"] for each in made["threats"]} == set(by_id)
    assert len({each["id"] for each in made["threats"]}) == len(made["threats"]) == len(by_id)
    assert [each["numericId"] for each in made["threats"]] == list(range(1, len(by_id) + 1))
    for each in made["threats"]:
        told = custom(each)
        code, threat = by_id[told["id"]]
        band = severity(threat.score.cvss_base)
        assert told["title"] == threat.title
        assert (told["state"], told["severity"], told["layerCode"]) == (threat.state, band, code)
        assert told["basis"] == (threat.basis or "null")
        assert told["Priority"] == {"Critical": "High", "None": "Low"}.get(band, band)
        assert float(told["cvssBase"]) == float(threat.score.cvss_base)
        stride = [ref.id[-1] for ref in threat.taxonomy if ref.scheme == "stride"]
        assert told.get("STRIDE", []) == stride
        assert all(f"{ref.scheme} {ref.id}" in told["ids"] for ref in threat.taxonomy)
        assert {one["id"] for one in json.loads(told["evidence"])} >= set(threat.evidence)
        assert {one["id"] for one in json.loads(told["facts"])} == set(threat.facts)
        assert each["status"] == "threatIdentified"


def test_mitigations_are_linked_and_none_is_resolved_by_a_claim(view: View) -> None:
    made = model(view)
    wanted = [(threat.id, each.status) for threat in threats(view) for each in threat.mitigations]
    names = {each["id"]: custom(each)["id"] for each in made["threats"]}
    remedies = {each["id"]: each for each in made["mitigations"]}
    assert len(remedies) == len(made["mitigations"]) == len(made["mitigationLinks"]) == len(wanted)
    linked = [(names[e["linkedId"]], custom(remedies[e["mitigationId"]])["status"]) for e in made["mitigationLinks"]]
    assert sorted(linked) == sorted(wanted)
    for each in made["mitigations"]:
        assert (each["status"] == "mitigationResolved") == (custom(each)["status"] == "confirmed")


def test_pages_tell_of_the_picture(view: View) -> None:
    made, system = model(view), view.draft.system
    architecture, flows = made["architecture"]["description"], made["dataflow"]["description"]
    rows = [line for line in architecture.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(items(view)) + (not system.components)
    for identifier, item in items(view).items():
        (row,) = [line for line in rows if re.search(rf"\W{re.escape(identifier)}\W", line.split(" | ")[0])]
        assert f"{item.state}, " in row
    listed = architecture.partition("### Trust boundaries")[2]
    assert listed.count("\n- ") == len(system.boundaries)
    assert len([line for line in flows.splitlines() if line.startswith("| ")]) == 1 + len(system.flows)
    assert [each["content"] for each in made["assumptions"]] == [" ".join(a.split()) for a in view.draft.assumptions]


def test_nothing_unknown_becomes_known(view: View) -> None:
    made, score = model(view), view.draft.score
    text = made["applicationInfo"]["description"]
    told = json.loads(text.partition("```json\n")[2].removesuffix("\n```"))
    assert told["score"]["withheld"] == score.withheld
    assert told["score"]["aivss"] == (None if score.aivss is None else float(score.aivss))
    assert told["score"]["likely_low"] == (None if score.likely_low is None else float(score.likely_low))
    if score.aivss is None:
        assert "Not scored" in text
        assert all(custom(each)["aivss"] == "null" for each in made["threats"])


def test_what_a_reviewer_settled() -> None:
    found = {custom(each)["id"]: custom(each) for each in model(VIEWS["signed"]())["threats"]}
    assert STRUCK not in found
    assert found[WAIVED]["waived"].startswith("accepted risk")
    assert found["L3-lookup-parameters"]["state"] == "confirmed"


def test_words_of_sources_stay_words() -> None:
    made = model(VIEWS["hostile"]())
    pages = [page["description"] for page in (made["applicationInfo"], made["architecture"], made["dataflow"])]
    for page in (*pages, *(custom(each)["Comments"] for each in made["threats"])):
        words = page.partition("```json")[0]
        assert "<script" not in words
        assert not re.search(r"(?<!\\)!?\[[^\]\\]*\]\(", words)
