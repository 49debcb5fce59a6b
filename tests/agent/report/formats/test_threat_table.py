"""CSV for spreadsheets: one row a threat, and words for what is unknown, withheld or not recorded."""

import csv
import io
from typing import Final

import pytest

from agent.report.formats.threat_table import HEADS, write
from agent.report.view import View
from agent.scoring import severity
from agent.taxonomy.layers import LAYER_CODES
from tests.fakes.report.exported import VIEWS, WAIVED, threats

MARK: Final = b"\xef\xbb\xbf"


def rows(view: View) -> list[dict[str, str]]:
    text = write(view).removeprefix(MARK).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


def test_one_row_a_threat_and_no_empty_cell(view: View) -> None:
    made = rows(view)
    assert write(view).startswith(MARK + b'"place"')
    assert {each["id"] for each in made} == {threat.id for threat in threats(view)}
    assert len(made) == len(threats(view))
    for each in made:
        assert tuple(each) == HEADS
        assert [head for head, cell in each.items() if not cell.strip()] == []


def test_cells_say_what_the_draft_says(view: View) -> None:
    layer_of = {threat.id: key for key, layer in view.draft.layers.items() for threat in layer.threats}
    by_id = {threat.id: threat for threat in threats(view)}
    score = view.draft.score
    for each in rows(view):
        threat = by_id[each["id"]]
        key = layer_of[threat.id]
        assert each["severity"] == severity(threat.score.cvss_base)
        assert each["cvss base"] == f"{threat.score.cvss_base:.1f}"
        assert (each["state"], each["basis"]) == (threat.state, threat.basis or "not recorded")
        assert each["layer"] == LAYER_CODES[key]
        assert (each["layer certain"] == "yes") == view.draft.layers[key].certain
        assert each["default use"] == ("yes" if threat.default_use else "no")
        assert [mark for mark in threat.evidence if f"{mark} “" not in each["quotes"]] == []
        for scheme, head in (("owasp-asi", "owasp asi"), ("cwe", "cwe"), ("stride", "stride")):
            ids = [ref.id for ref in threat.taxonomy if ref.scheme == scheme]
            assert each[head] == ("; ".join(ids) or "none")
        assert (each["aivss"] == "withheld") == (score.aivss is None)
        if score.aivss is None:
            assert each["product score"] == f"withheld: {score.withheld}"
            assert each["likely range"].endswith("usual for the kind") or each["likely range"] == "unknown"
        else:
            assert each["product score"] == f"{score.severity} {score.aivss:.1f}"
            assert each["likely range"] == f"{score.likely_low:.1f}–{score.likely_high:.1f}"


def test_confidence_is_that_of_the_weakest_fact() -> None:
    assert {each["confidence"] for each in rows(VIEWS["with-facts"]())} == {"0.90"}
    assert {each["confidence"] for each in rows(VIEWS["certain"]())} == {"unknown"}


def test_a_signed_draft_says_so() -> None:
    made = {each["id"]: each for each in rows(VIEWS["signed"]())}
    assert all(each["review"].startswith("REVIEWED and signed by Ada") for each in made.values())
    assert made[WAIVED]["waived"] == "accepted risk: read by its authors alone"
    assert {each["review"] for each in rows(VIEWS["certain"]())} == {"DRAFT, not reviewed"}
