"""DefectDojo's generic findings: attributes that its importer takes, severities as they are, everything else told."""

import json
import re
from typing import Any, Final, cast

import pytest

from agent.report.formats.defectdojo import write
from agent.report.view import View
from agent.scoring import severity
from agent.taxonomy.layers import LAYER_CODES
from tests.fakes.report.exported import STRUCK, VIEWS, WAIVED, threats
from tests.fakes.report.schemas import DEFECTDOJO, page

TAKEN: Final = frozenset(
    (
        "title", "severity", "description", "date", "cwe", "cvssv4", "cvssv4_score", "mitigation", "impact",
        "severity_justification", "references", "active", "verified", "out_of_scope", "risk_accepted", "under_review",
        "component_name", "static_finding", "dynamic_finding", "unique_id_from_tool", "vuln_id_from_tool", "tags",
    )
)  # fmt: skip
"""Attributes of a finding that the importer takes; it refuses a file with any other."""


def findings(view: View) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", json.loads(write(view))["findings"])


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


def test_a_finding_for_each_threat(view: View) -> None:
    by_id = {threat.id: threat for threat in threats(view)}
    made = findings(view)
    assert {each["vuln_id_from_tool"] for each in made} == set(by_id)
    assert len({each["unique_id_from_tool"] for each in made}) == len(made) == len(by_id)
    for each in made:
        threat = by_id[each["vuln_id_from_tool"]]
        assert set(each) <= TAKEN
        assert {"title", "severity", "description"} <= set(each)
        band = severity(threat.score.cvss_base)
        assert each["severity"] == ("Info" if band == "None" else band)
        assert (each["cvssv4"], each["cvssv4_score"]) == (threat.score.cvss_vector, float(threat.score.cvss_base))
        assert each["date"] == view.draft.created_at[:10]
        weaknesses = [int(ref.id.removeprefix("CWE-")) for ref in threat.taxonomy if ref.scheme == "cwe"]
        assert each.get("cwe") == (weaknesses[0] if weaknesses else None)


def test_state_basis_and_layer_are_kept(view: View) -> None:
    layer_of = {threat.id: key for key, layer in view.draft.layers.items() for threat in layer.threats}
    by_id = {threat.id: threat for threat in threats(view)}
    for each in findings(view):
        threat = by_id[each["vuln_id_from_tool"]]
        key = layer_of[threat.id]
        certain = "layer:certain" if view.draft.layers[key].certain else "layer:not-certain"
        assert {f"state:{threat.state}", LAYER_CODES[key], certain} <= set(each["tags"])
        assert all(re.fullmatch(r"[\w.:-]+", tag) for tag in each["tags"])
        assert each["verified"] == (threat.state == "confirmed")
        assert threat.state in each["description"]
        for mark in threat.evidence:
            assert f"- {mark} “" in each["description"]
        if view.draft.score.aivss is None:
            assert "AIVSS withheld" in each["description"]
            assert "Not scored" in each["description"]


def test_critical_stays_critical() -> None:
    assert "Critical" in {each["severity"] for each in findings(VIEWS["critical"]())}


def test_what_a_reviewer_settled() -> None:
    made = {each["vuln_id_from_tool"]: each for each in findings(VIEWS["signed"]())}
    assert STRUCK not in made
    assert (made[WAIVED]["risk_accepted"], made[WAIVED]["active"]) == (True, False)
    assert made["L3-lookup-parameters"]["verified"]


def test_words_of_sources_stay_words() -> None:
    for each in findings(VIEWS["hostile"]()):
        for part in ("description", "mitigation", "references", "impact"):
            assert "<script" not in each[part]
            assert not re.search(r"(?<!\\)!?\[[^\]\\]*\]\(", each[part])


@pytest.mark.slow
def test_the_attributes_are_those_of_the_importers_page() -> None:
    text = page(DEFECTDOJO)
    listed = set(re.findall(r"^- (\w+): ", text.partition("Supported Attributes (JSON)")[2], re.MULTILINE))
    assert listed >= TAKEN
