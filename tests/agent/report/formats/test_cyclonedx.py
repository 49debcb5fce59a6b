"""CycloneDX: parts and services, threats in triage, struck ones as false positives, and the rest as properties."""

import json
import re
from typing import Any, cast

import pytest

from agent.report.formats.cyclonedx import write
from agent.report.formats.threat_rows import struck
from agent.report.view import View
from agent.scoring import severity
from agent.taxonomy.layers import LAYER_CODES
from tests.fakes.report.exported import STRUCK, VIEWS, WAIVED, items, threats
from tests.fakes.report.schemas import BESIDE_CYCLONEDX, CYCLONEDX, faults

Object = dict[str, Any]


def bom(view: View) -> Object:
    return cast("Object", json.loads(write(view)))


def told(part: Object, name: str) -> list[str]:
    return [each["value"] for each in part["properties"] if each["name"] == f"septet:{name}"]


def read(part: Object, name: str) -> list[Any]:
    return [json.loads(value) for value in told(part, name)]


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_it_is_what_the_published_schema_says(name: str) -> None:
    assert faults(CYCLONEDX, bom(VIEWS[name]()), BESIDE_CYCLONEDX) == []


@pytest.mark.slow
def test_the_schema_is_one_that_refuses() -> None:
    made = bom(VIEWS["certain"]())
    made["vulnerabilities"][0]["analysis"]["state"] = "sure"
    made["components"][0]["signature"] = {"algorithm": 1}
    assert len(faults(CYCLONEDX, made, BESIDE_CYCLONEDX)) > 1


def test_items_flows_and_boundaries_are_those_of_the_picture(view: View) -> None:
    made, system = bom(view), view.draft.system
    parts = [made["metadata"]["component"], *made["components"], *made["services"]]
    kept = {item["id"]: item for part in parts for item in read(part, "item")}
    kept |= {item["id"]: item for item in read(made, "actor")}
    assert len({part["bom-ref"] for part in parts}) == len(parts)
    assert len(kept) == len(parts) + len(system.actors) == len(items(view)) + (not system.components)
    for identifier, item in items(view).items():
        assert kept[identifier]["state"] == item.state
        assert kept[identifier]["evidence"] == list(item.evidence)
    assert len(made["services"]) == len(system.services)
    assert len([part for part in made["components"] if part["type"] == "data"]) == len(system.stores)
    assert [(f["source"], f["target"], f["state"]) for f in read(made, "flow")] == [
        (f.source, f.target, f.state) for f in system.flows
    ]
    assert [each["id"] for each in read(made, "boundary")] == [each.id for each in system.boundaries]
    for service, item in zip(made["services"], system.services, strict=True):
        assert len(service.get("data", ())) == sum(item.id in (f.source, f.target) for f in system.flows)
        zones = [each.name for each in system.boundaries if item.id in each.members]
        assert service.get("trustZone") == (zones[0] if zones else None)
        assert "authenticated" not in service
    assert {each["aggregate"] for each in made["compositions"]} == {"unknown"}


def test_every_threat_stands_once_and_in_triage(view: View) -> None:
    made, gone = bom(view), {each.id for each in struck(view.draft)}
    by_id = {threat.id: (LAYER_CODES[key], threat) for key, la in view.draft.layers.items() for threat in la.threats}
    entries = {each["id"]: each for each in made["vulnerabilities"]}
    assert set(entries) == {*by_id, *gone}
    assert len(entries) == len(made["vulnerabilities"])
    for identifier, (code, threat) in by_id.items():
        each = entries[identifier]
        assert each["analysis"]["state"] == "in_triage"
        assert each["affects"] == [{"ref": made["metadata"]["component"]["bom-ref"]}]
        assert told(each, "title") == [threat.title]
        assert (told(each, "state"), told(each, "layerCode")) == ([threat.state], [code])
        rating = each["ratings"][0]
        band = severity(threat.score.cvss_base)
        assert (rating["method"], rating["severity"]) == ("CVSSv4", band.lower())
        assert (rating["score"], rating["vector"]) == (float(threat.score.cvss_base), threat.score.cvss_vector)
        assert each["cwes"] == [int(ref.id.removeprefix("CWE-")) for ref in threat.taxonomy if ref.scheme == "cwe"]
        for ref in threat.taxonomy:
            assert f"{ref.id} {ref.title}" in told(each, f"taxonomy:{ref.scheme}")
        assert len(each["recommendation"].splitlines()) == len(threat.mitigations)
        (quotes,) = read(each, "evidence")
        assert {quote["id"] for quote in quotes} >= set(threat.evidence)


def test_nothing_unknown_becomes_known(view: View) -> None:
    made, score = bom(view), view.draft.score
    product = made["metadata"]["component"]
    (kept,) = read(product, "score")
    assert kept["withheld"] == score.withheld
    assert kept["aivss"] == (None if score.aivss is None else float(score.aivss))
    assert [fact["id"] for fact in read(product, "fact")] == [fact.id for fact in view.facts]
    assert [quote["quote"] for quote in read(product, "evidence")] == [quote.quote for quote in view.draft.evidence]
    ratings = [rating for each in made["vulnerabilities"] for rating in each.get("ratings", ())]
    scored = [rating for rating in ratings if rating["method"] == "other"]
    assert len(scored) == (0 if score.aivss is None else len(threats(view)))
    if score.aivss is None:
        assert "Not scored" in told(product, "score-words")[0]
    assert {data["classification"] for each in made["services"] for data in each.get("data", ())} <= {"unknown"}


def test_what_a_reviewer_settled() -> None:
    entries = {each["id"]: each for each in bom(VIEWS["signed"]())["vulnerabilities"]}
    assert entries[STRUCK]["analysis"]["state"] == "false_positive"
    assert "ratings" not in entries[STRUCK]
    assert entries[WAIVED]["analysis"]["response"] == ["will_not_fix"]
    assert [id_ for id_, each in entries.items() if "response" in each["analysis"]] == [WAIVED]


def test_an_llm_is_a_machine_learning_model() -> None:
    made = bom(VIEWS["with-an-llm"]())
    assert [each["name"] for each in made["components"] if each["type"] == "machine-learning-model"] == [
        item.name for item in VIEWS["with-an-llm"]().draft.system.components if item.kind == "llm"
    ]


def test_words_of_sources_stay_words() -> None:
    for each in bom(VIEWS["hostile"]())["vulnerabilities"]:
        words = each["detail"] + each["recommendation"]
        assert "<script" not in words
        assert not re.search(r"(?<!\\)!?\[[^\]\\]*\]\(", words)
