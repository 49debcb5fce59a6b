"""SARIF: results at the character positions of their quotes, stable ids, suppressions for what a reviewer settled."""

import json
import re
from typing import Any, Final, cast

import pytest

from agent.report.formats.sarif import FINGERPRINT, GITHUB_FINGERPRINT, message, relative, write
from agent.report.formats.threat_rows import struck
from agent.report.view import View
from agent.scoring import severity
from agent.taxonomy.layers import LAYER_CODES, LAYERS
from agent.taxonomy.lists import lookup
from tests.fakes.report.exported import EVIL, STRUCK, VIEWS, WAIVED, threats
from tests.fakes.report.schemas import SARIF, faults

LEVELS: Final = {"Critical": "error", "High": "error", "Medium": "warning", "Low": "note", "None": "note"}
Object = dict[str, Any]


def log(view: View) -> Object:
    return cast("Object", json.loads(write(view)))


def run(view: View) -> Object:
    (only,) = log(view)["runs"]
    return cast("Object", only)


@pytest.fixture(scope="module", params=VIEWS)
def view(request: pytest.FixtureRequest) -> View:
    return VIEWS[request.param]()


@pytest.mark.slow
@pytest.mark.parametrize("name", VIEWS)
def test_it_is_what_the_published_schema_says(name: str) -> None:
    assert faults(SARIF, log(VIEWS[name]())) == []


def test_a_result_and_a_rule_for_each_threat(view: View) -> None:
    made = run(view)
    rules = made["tool"]["driver"]["rules"]
    ids = {threat.id: threat for threat in threats(view)}
    gone = {each.id for each in struck(view.draft)}
    assert {result["ruleId"] for result in made["results"]} == {*ids, *gone}
    assert len(made["results"]) == len(rules) == len(ids) + len(gone)
    for result in made["results"]:
        rule = rules[result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert rule["help"]["text"]
        if (threat := ids.get(result["ruleId"])) is None:
            continue
        band = severity(threat.score.cvss_base)
        told = result["properties"]
        assert result["level"] == LEVELS[band] == rule["defaultConfiguration"]["level"]
        assert (told["state"], told["basis"], told["severity"]) == (threat.state, threat.basis, band)
        assert (told["cvssBase"], told["cvssVector"]) == (float(threat.score.cvss_base), threat.score.cvss_vector)
        assert told["title"] == threat.title
        assert rule["properties"]["security-severity"] == f"{threat.score.cvss_base:.1f}"


def test_places_are_the_characters_of_the_quotes(view: View) -> None:
    made = run(view)
    texts = {document.id: document.text for document in view.documents}
    quotes = {item.id: item for item in view.draft.evidence}
    found = 0
    for result in made["results"]:
        cited = []
        for place in [*result["locations"], *result.get("relatedLocations", ())]:
            if place["message"]["text"].startswith("No quote"):
                assert "region" not in place.get("physicalLocation", {})
                continue
            artifact = made["artifacts"][place["physicalLocation"]["artifactLocation"]["index"]]
            assert artifact["location"]["uri"] == place["physicalLocation"]["artifactLocation"]["uri"]
            quote = quotes[place["message"]["text"]]
            cited.append(quote.id)
            region = place["physicalLocation"]["region"]
            assert region["snippet"]["text"] == quote.quote
            document = artifact["properties"]["document"]
            assert document == quote.document
            if document in texts:
                found += 1
                end = region["charOffset"] + region["charLength"]
                assert texts[document][region["charOffset"] : end] == quote.quote
                lines = texts[document].split("\n")
                before = sum(len(line) + 1 for line in lines[: region["startLine"] - 1])
                assert before + region["startColumn"] - 1 == region["charOffset"]
                assert sum(len(line) + 1 for line in lines[: region["endLine"] - 1]) + region["endColumn"] - 1 == end
        threat = next((each for each in threats(view) if each.id == result["ruleId"]), None)
        assert set(threat.evidence if threat else ()) <= set(cited)
    assert found or not view.documents or not threats(view)


def test_every_reference_leads_to_a_taxon_of_a_published_list(view: View) -> None:
    made = run(view)
    lists = made["taxonomies"]
    assert [each["name"] for each in made["tool"]["driver"]["supportedTaxonomies"]] == [each["name"] for each in lists]
    for result in made["results"]:
        for ref in result.get("taxa", ()):
            component = lists[ref["toolComponent"]["index"]]
            taxon = component["taxa"][ref["index"]]
            assert taxon["id"] == ref["id"]
            assert lookup(component["properties"]["scheme"], ref["id"]).id == ref["id"]
    for key, layer in view.draft.layers.items():
        for threat in layer.threats:
            result = next(each for each in made["results"] if each["ruleId"] == threat.id)
            wanted = {LAYER_CODES[key], *(ref.id for ref in threat.taxonomy)}
            assert {ref["id"] for ref in result["taxa"]} == wanted


def test_nothing_unknown_becomes_known(view: View) -> None:
    told = run(view)["properties"]
    score = view.draft.score
    assert told["score"]["aivss"] == (None if score.aivss is None else float(score.aivss))
    assert told["score"]["withheld"] == score.withheld
    assert told["score"]["likely_low"] == (None if score.likely_low is None else float(score.likely_low))
    for key, factor in view.draft.factors.items():
        kept = told["factors"][key]
        assert (kept["low"], kept["value"], kept["high"]) == (
            float(factor.low), float(factor.value), float(factor.high)
        )  # fmt: skip
        assert kept["state"] == factor.state
    assert [key for key in LAYERS if told["layers"][key]["certain"]] == [
        key for key in LAYERS if view.draft.layers[key].certain
    ]
    if score.aivss is None:
        assert all(result["properties"]["aivss"] is None for result in run(view)["results"])
        assert not [result for result in run(view)["results"] if "productScore" in result["properties"]]


def test_what_could_not_be_told_is_a_note_and_no_result(view: View) -> None:
    (invocation,) = run(view)["invocations"]
    notes = invocation.get("toolExecutionNotifications", [])
    told = [each["message"]["text"].split()[0] for each in notes if each["descriptor"]["id"] == "septet/layer"]
    assert told == [LAYER_CODES[key] for key in LAYERS if not view.draft.layers[key].certain]
    scores = [each for each in notes if each["descriptor"]["id"] == "septet/score"]
    assert len(scores) == (view.draft.score.aivss is None)
    assert all(each["message"]["text"].startswith(f"Not scored: {view.draft.score.withheld}") for each in scores)


def test_what_a_reviewer_settled_is_suppressed() -> None:
    results = {result["ruleId"]: result for result in run(VIEWS["signed"]())["results"]}
    (gone,) = results[STRUCK]["suppressions"]
    assert (gone["kind"], gone["status"]) == ("external", "accepted")
    assert "no code leaves it" in gone["justification"]
    assert results[STRUCK]["level"] == "none"
    (accepted,) = results[WAIVED]["suppressions"]
    assert accepted["status"] == "accepted"
    assert results[WAIVED]["level"] != "none"
    assert results[WAIVED]["properties"]["state"] == "inferred"
    assert [id_ for id_, result in results.items() if "suppressions" not in result] == ["L3-lookup-parameters"]


def test_a_waiver_without_an_answer_is_under_review() -> None:
    view = VIEWS["signed"]()
    assert view.draft.review is not None
    (waiver,) = view.draft.review.waivers
    stamp = view.draft.review.model_copy(update={"waivers": (waiver.model_copy(update={"why": "wording"}),)})
    results = run(View(view.draft.model_copy(update={"review": stamp}), view.documents))["results"]
    assert [each["suppressions"][0]["status"] for each in results if each["ruleId"] == WAIVED] == ["underReview"]


def test_fingerprints_outlive_a_draft_and_a_review() -> None:
    before, after = run(VIEWS["certain"]()), run(VIEWS["signed"]())
    prints = [
        {each["ruleId"]: each["partialFingerprints"] for each in made["results"]} for made in (before, after)
    ]  # fmt: skip
    assert prints[0] == prints[1]
    assert len({each[FINGERPRINT] for each in prints[0].values()}) == len(prints[0])
    assert len({each[GITHUB_FINGERPRINT] for each in prints[0].values()}) == len(prints[0])
    moved = VIEWS["with-facts"]()
    other = moved.draft.model_copy(update={"id": "draft-fedcba9876543210", "created_at": "2027-01-01T00:00:00Z"})
    again = [run(view)["results"] for view in (moved, View(other, moved.documents))]
    assert [each["correlationGuid"] for each in again[0]] == [each["correlationGuid"] for each in again[1]]
    assert {each["guid"] for each in again[0]}.isdisjoint(each["guid"] for each in again[1])


def test_words_of_sources_are_neither_links_nor_placeholders() -> None:
    made = run(VIEWS["hostile"]())
    texts = [result["message"]["text"] for result in made["results"]]
    for rule in made["tool"]["driver"]["rules"]:
        texts += [rule[part]["text"] for part in ("shortDescription", "fullDescription", "help")]
        assert not re.search(r"(?<!\\)!?\[[^\]\\]*\]\(", rule["help"]["markdown"])
        assert "<script" not in rule["help"]["markdown"]
    for text in texts:
        assert not re.search(r"[^\\]\]\(", text), text
        assert not re.search(r"(?<!\{)(?:\{\{)*\{(?!\{)", text.replace("{{", "")), text
        assert "\x1b" not in text
    assert message("{0} [a](b)") == {"text": "{{0}} [a\\](b)"}
    assert any(result["properties"]["title"] == EVIL for result in made["results"])


@pytest.mark.parametrize(
    ("url", "reference"),
    [
        ("https://acme.example/docs/a.html", "acme.example/docs/a.html"),
        ("https://user:secret@acme.example:8443/a b?q=1&x=ü", "acme.example_8443/a%20b?q=1&x=%C3%BC"),
        ("listing.md", "listing.md"),
        ("/etc/notes [1].md", "etc/notes%20%5B1%5D.md"),
        ("C:\\a:b.md", "C%3A%5Ca%3Ab.md"),
        ("http://[broken", "http%3A//%5Bbroken"),
    ],
)
def test_an_address_has_no_scheme(url: str, reference: str) -> None:
    assert relative(url) == reference
