"""Lists for trackers and spreadsheets: one complete row or finding per threat, in the form that importers accept."""

import csv
import io
import json
import re
from typing import Any, Final, cast

import pytest
from markdown_it import MarkdownIt

from agent.report.formats.registry import write
from agent.report.formats.tables import HEADS
from agent.report.formats.threat_rows import MARKDOWN, TEXT, WIKI, issue, stable_id, threat_rows, wiki
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
"""Attributes of a finding that DefectDojo's importer accepts; it refuses a file with any other."""
PRIORITIES: Final = {"Critical": "Highest", "High": "High", "Medium": "Medium", "Low": "Low", "None": "Lowest"}


def rows(form: str, view: View) -> list[list[str]]:
    return list(csv.reader(io.StringIO(write(form, view).decode("utf-8-sig"), newline="")))


def records(form: str, view: View) -> list[dict[str, str]]:
    heads, *found = rows(form, view)
    return [dict(zip(heads, each, strict=True)) for each in found]


def findings(view: View) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", json.loads(write("defectdojo", view))["findings"])


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


# ---------------------------------------------------------------- the text of an issue


def test_quotes_that_do_not_fit_are_counted() -> None:
    row = threat_rows(VIEWS["with-facts"]())[0]
    assert len(row.quotes) == 3
    for markup in (MARKDOWN, TEXT, WIKI):
        whole = issue(row, markup, 60_000)
        short = issue(row, markup, len(whole) - 10)
        assert len(short) <= len(whole) - 10
        assert "more in the draft" in short
        assert "more in the draft" not in whole
        assert len(issue(row, markup, 500)) <= 500


@pytest.mark.parametrize("sort", ["with-facts", "with-an-llm", "signed"])
def test_nothing_the_draft_says_is_left_out(sort: str) -> None:
    for row in threat_rows(VIEWS[sort]()):
        text = issue(row, TEXT, 60_000)
        for label in ("Severity", "Layer", "Basis", "State", "At risk", "Product", "Draft"):
            assert f"- {label}: " in text
        assert all(fact.id in text for fact in row.facts)
        assert all(f"{ref.id} {ref.title}" in text for ref in row.threat.taxonomy)
        assert (row.waived in text) if row.waived else ("Waived" not in text)


# ---------------------------------------------------------------- DefectDojo


def test_a_finding_for_each_threat_with_its_state_basis_and_layer(view: View) -> None:
    by_id = {threat.id: (key, threat) for key, layer in view.draft.layers.items() for threat in layer.threats}
    made = findings(view)
    assert {each["vuln_id_from_tool"] for each in made} == set(by_id)
    assert len({each["unique_id_from_tool"] for each in made}) == len(made) == len(by_id)
    for each in made:
        key, threat = by_id[each["vuln_id_from_tool"]]
        assert {"title", "severity", "description"} <= set(each) <= TAKEN
        band = severity(threat.score.cvss_base)
        assert each["severity"] == ("Info" if band == "None" else band)
        assert (each["cvssv4"], each["cvssv4_score"]) == (threat.score.cvss_vector, float(threat.score.cvss_base))
        assert each["date"] == view.draft.created_at[:10]
        weaknesses = [int(ref.id.removeprefix("CWE-")) for ref in threat.taxonomy if ref.scheme == "cwe"]
        assert each.get("cwe") == (weaknesses[0] if weaknesses else None)
        certain = "layer:certain" if view.draft.layers[key].certain else "layer:not-certain"
        assert {f"state:{threat.state}", LAYER_CODES[key], certain} <= set(each["tags"])
        assert all(re.fullmatch(r"[\w.:-]+", tag) for tag in each["tags"])
        assert each["verified"] == (threat.state == "confirmed")
        assert threat.state in each["description"]
        assert all(f"- {mark} “" in each["description"] for mark in threat.evidence)
        if view.draft.score.aivss is None:
            assert "AIVSS withheld" in each["description"]
            assert "Not scored" in each["description"]


def test_what_a_reviewer_settled_and_how_grave_it_is() -> None:
    assert "Critical" in {each["severity"] for each in findings(VIEWS["critical"]())}
    made = {each["vuln_id_from_tool"]: each for each in findings(VIEWS["signed"]())}
    assert STRUCK not in made
    assert (made[WAIVED]["risk_accepted"], made[WAIVED]["active"]) == (True, False)
    assert made["L3-lookup-parameters"]["verified"]


def test_words_of_sources_stay_words_in_a_finding() -> None:
    for each in findings(VIEWS["hostile"]()):
        for part in ("description", "mitigation", "references", "impact"):
            assert "<script" not in each[part]
            assert not re.search(r"(?<!\\)!?\[[^\]\\]*\]\(", each[part])


@pytest.mark.slow
def test_the_attributes_are_those_of_the_importers_page() -> None:
    text = page(DEFECTDOJO)
    listed = set(re.findall(r"^- (\w+): ", text.partition("Supported Attributes (JSON)")[2], re.MULTILINE))
    assert listed >= TAKEN


# ---------------------------------------------------------------- GitHub and Jira


def test_an_issue_of_github_for_each_threat(view: View) -> None:
    assert write("csv-github", view).startswith(b'"title","body","labels","state"\r\n')
    made = records("csv-github", view)
    assert len(made) == len(threats(view))
    for threat in threats(view):
        (found,) = [each for each in made if stable_id(view.draft, threat) in each["body"]]
        assert 0 < len(found["title"]) <= 256
        assert len(found["body"]) <= 65_536
        assert found["state"] == "open"
        labels = found["labels"].split(",")
        assert {f"severity: {severity(threat.score.cvss_base)}", f"state: {threat.state}"} <= set(labels)
        assert all(0 < len(label) <= 50 for label in labels)
        assert f"**State:** {threat.state}, confidence" in found["body"]
        assert all(f"- {mark} “" in found["body"] for mark in threat.evidence)


def test_words_of_sources_are_neither_links_nor_mentions() -> None:
    for found in records("csv-github", VIEWS["hostile"]()):
        tokens = MarkdownIt("commonmark", {"html": True}).parse(found["body"])
        inner = [child for token in tokens for child in token.children or ()]
        assert not [token for token in inner if token.type in ("link_open", "image", "html_inline")]
        blocks = [token.content.strip() for token in tokens if token.type == "html_block"]
        assert len(blocks) == 1
        assert blocks[0].startswith("<!-- septet ")
        words = [child.content for child in inner if child.type == "text"]
        assert not [text for text in words if re.search(r"@admin|://|#1\b", text)]


def test_an_issue_of_jira_for_each_threat(view: View) -> None:
    heads, *issues = rows("csv-jira", view)
    assert heads[:3] == ["Summary", "Issue Type", "Priority"]
    assert heads[-1] == "Description"
    assert set(heads[3:-1]) == {"Labels"}
    assert not any(re.search(r"[^\w ]", head) for head in heads)
    assert len(issues) == len(threats(view))
    for threat in threats(view):
        (found,) = [each for each in issues if stable_id(view.draft, threat) in each[-1]]
        assert len(found) == len(heads)
        assert 0 < len(found[0]) <= 255
        assert "\n" not in found[0]
        assert len(found[-1]) <= 32_767
        band = severity(threat.score.cvss_base)
        assert found[2] == PRIORITIES[band]
        assert {f"severity-{band}", f"state-{threat.state}"} <= set(found[3:-1])
        assert all(re.fullmatch(r"[\w.:-]*", label) for label in found[3:-1])
        assert f"*State:* {threat.state}, confidence" in found[-1]
        assert all(f"* {mark} “" in found[-1] for mark in threat.evidence)


def test_words_of_sources_are_neither_links_nor_macros() -> None:
    for found in rows("csv-jira", VIEWS["hostile"]())[1:]:
        assert not re.search(r"(?<!\\)[{}\[\]!|]", found[-1])
        assert "://" not in found[-1]
    assert wiki("{code} [~admin] !http://evil.example/i.png! a\\b |x|") == (
        "\\{code\\} \\[\\~admin\\] \\!http:\\/\\/evil.example/i.png\\! a/b \\|x\\|"
    )


# ---------------------------------------------------------------- spreadsheets


def test_cells_of_a_spreadsheet_say_what_the_draft_says_and_none_is_empty(view: View) -> None:
    by_id = {threat.id: (key, threat) for key, layer in view.draft.layers.items() for threat in layer.threats}
    score, made = view.draft.score, records("csv", view)
    assert write("csv", view).startswith(b'\xef\xbb\xbf"place"')
    assert {each["id"] for each in made} == set(by_id)
    assert len(made) == len(by_id)
    for each in made:
        assert tuple(each) == HEADS
        assert [head for head, cell in each.items() if not cell.strip()] == []
        key, threat = by_id[each["id"]]
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
            assert each["likely range"].endswith("typical of its kind") or each["likely range"] == "unknown"
        else:
            assert each["product score"] == f"{score.severity} {score.aivss:.1f}"
            assert each["likely range"] == f"{score.likely_low:.1f}–{score.likely_high:.1f}"


def test_confidence_is_that_of_the_weakest_fact_and_a_signature_is_told() -> None:
    assert {each["confidence"] for each in records("csv", VIEWS["with-facts"]())} == {"0.90"}
    plain, signed = records("csv", VIEWS["certain"]()), records("csv", VIEWS["signed"]())
    assert {(each["confidence"], each["review"]) for each in plain} == {("unknown", "DRAFT, not reviewed")}
    assert all(each["review"].startswith("REVIEWED and signed by Ada") for each in signed)
    waived = {each["id"]: each["waived"] for each in signed}
    assert waived[WAIVED] == "accepted risk: read by its authors alone"
