"""Stored scores: published revisions always load, a changed one is refused, withheld ones keep their value."""

import json
from decimal import Decimal

import pytest

from agent.errors import InputError, IntegrityError, SchemaError
from agent.records import LikelyConstants, Score
from agent.scoring import parse_request, score, verify, with_controls, withhold
from agent.scoring.result import CURRENT, REVISIONS
from tests.places import VECTORS

STORED = json.loads((VECTORS / "stored_scores.json").read_text())["scores"]
BY_NAME = {row["name"]: row["score"] for row in STORED}
DRAFT = BY_NAME["a draft before controls"]
VECTOR = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


def loaded(raw):
    return Score.model_validate_json(json.dumps(raw))


@pytest.mark.parametrize("row", STORED, ids=lambda row: row["name"])
def test_published_revisions_load(row):
    stored = loaded(row["score"])
    verify(stored)
    assert json.loads(stored.model_dump_json(exclude={"without_vendor_claims"})) == row["score"]
    assert stored.without_vendor_claims is None


def test_every_published_revision_has_stored_scores_of_every_formula():
    for number, release in REVISIONS.items():
        assert {row["score"]["formula"] for row in STORED if row["score"]["revision"] == number} == set(release)


CHANGES = [
    ("aivss", 9.2),
    ("aivss", None),
    ("severity", "High"),
    ("low", 8.0),
    ("high", 9.7),
    ("likely_low", 8.4),
    ("likely_high", 9.7),
    ("cvss_base", 8.8),
    ("factor_sum", 4.6),
    ("aars", 0.6),
    ("threat_multiplier", 1.0),
    ("mitigation_factor", 0.9),
    ("formula", "aivss-0.5"),
    ("formula", "aivss-1-amended"),
    ("mode", "strict"),
    ("factor_set", "0.8"),
    ("factor_set", None),
    ("cvss_vector", VECTOR),
    ("cvss_vector", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"),
    ("cvss_vector", None),
    ("provisional", 9.3),
    ("withheld", "no reason"),
    ("arithmetic", DRAFT["arithmetic"].replace("0.59267", "0.49267")),
    ("alternatives", {**DRAFT["alternatives"], "aivss-0.5": 6.4}),
    ("alternatives", {}),
    ("with_controls", {"mitigation_factor": 0.85, "aivss": 7.8, "severity": "High", "evidence": []}),
    ("with_controls", {"mitigation_factor": 0.4, "aivss": 3.7, "severity": "Low", "evidence": []}),
    ("likely", None),
    ("likely", {"below": 0.1, "above": 0.1, "calibration": "2026-11"}),
    ("likely", {"below": -0.1, "above": 0.1, "calibration": "2026-11"}),
    ("inputs", {**DRAFT["inputs"], "cvss_base": {"value": 8.7, "low": 7.2, "high": 9.3}}),
    ("inputs", {**DRAFT["inputs"], "factor_sum": None, "factors": None}),
    (
        "inputs",
        {
            **DRAFT["inputs"],
            "factors": {
                **DRAFT["inputs"]["factors"],
                "self_modification": {"value": 0.2, "low": 0.0, "high": 0.3},
            },
        },
    ),
]


@pytest.mark.parametrize(("field", "value"), CHANGES, ids=[f"{n}-{row[0]}" for n, row in enumerate(CHANGES)])
def test_a_changed_score_is_refused(field, value):
    verify(loaded(DRAFT))
    with pytest.raises(IntegrityError) as refusal:
        verify(loaded({**DRAFT, field: value}))
    assert refusal.value.where.startswith("score.")


def test_a_warning_cannot_be_taken_away():
    stored = BY_NAME["held at 10, base that no vector has"]
    assert stored["warnings"]
    with pytest.raises(IntegrityError, match="warning"):
        verify(loaded({**stored, "warnings": []}))
    verify(loaded({**stored, "warnings": [*stored["warnings"], "snapped for the strict value"]}))


def test_a_score_without_inputs_is_checked_by_its_visible_numbers():
    bare = {**DRAFT, "inputs": None, "likely": None}
    verify(loaded(bare))
    for field, value in (("aivss", 9.4), ("severity", "High"), ("factor_sum", 6.7), ("aars", 0.7), ("low", 9.5)):
        with pytest.raises(IntegrityError):
            verify(loaded({**bare, field: value}))


def test_an_unknown_revision_says_so():
    with pytest.raises(SchemaError, match="revision") as refusal:
        verify(loaded({**DRAFT, "revision": CURRENT + 1}))
    assert refusal.value.hint


def test_withheld_keeps_value_corners_and_likely_range():
    stored = loaded(DRAFT)
    held = withhold(stored, "the headline threat has no quote")
    assert (held.aivss, held.severity, held.with_controls) == (None, None, None)
    assert held.provisional == stored.aivss
    assert (held.low, held.high) == (stored.low, stored.high)
    assert (held.likely_low, held.likely_high) == (stored.likely_low, stored.likely_high)
    verify(held)
    assert withhold(held, "another reason").provisional == stored.aivss
    for change in ({"provisional": Decimal("9.4")}, {"aivss": Decimal("9.3")}, {"provisional": None}):
        with pytest.raises(IntegrityError):
            verify(held.model_copy(update=change))


def test_withholding_needs_a_reason():
    with pytest.raises(InputError):
        withhold(loaded(DRAFT), " ")


def test_controls_are_a_second_number():
    stored = loaded(DRAFT)
    shown = with_controls(stored, Decimal("0.85"), ("E4",))
    assert shown.aivss == stored.aivss
    assert shown.with_controls is not None
    assert shown.with_controls.aivss == Decimal("7.9")
    assert shown.with_controls.severity == "High"
    verify(shown)


def test_controls_are_refused_where_they_mean_nothing():
    with pytest.raises(InputError, match="takes no mitigation"):
        with_controls(loaded(BY_NAME["strict, AIVSS 0.5"]), Decimal("0.83"), ())
    with pytest.raises(InputError, match="withheld"):
        with_controls(loaded(BY_NAME["a withheld draft"]), Decimal("0.83"), ())
    with pytest.raises(InputError) as refusal:
        with_controls(loaded(BY_NAME["strict, AIVSS 0.8"]), Decimal("0.85"), ())
    assert refusal.value.where == "mitigation_factor"


def test_likely_range_is_rounded_outward_and_kept_in_scale():
    request = parse_request({"cvss_base": "5.0", "factor_sum": "4.0"})
    found = score(request, constants=LikelyConstants(below=Decimal("0.9401"), above=Decimal("0.0601"), calibration="t"))
    assert "= 6.94, " in found.arithmetic
    assert (found.likely_low, found.likely_high) == (Decimal("5.9"), Decimal("7.1"))
    wide = score(request, constants=LikelyConstants(below=Decimal(9), above=Decimal(9), calibration="t"))
    assert (wide.likely_low, wide.likely_high) == (Decimal("0.0"), Decimal("10.0"))
    exact = score(request, constants=LikelyConstants(below=Decimal("0.04"), above=Decimal("0.06"), calibration="t"))
    assert (exact.likely_low, exact.likely_high) == (Decimal("6.9"), Decimal("7.0"))


def test_arithmetic_can_be_followed():
    text = loaded(BY_NAME["strict, the amendment"]).arithmetic
    assert "AARS = (10 - 9.3) × (6.5 / 10) × 0.97 = 0.44135" in text
    assert "AIVSS = 9.3 + 0.44135 × 0.67 = 9.5957045, rounded half up 9.6" in text
    held = loaded(BY_NAME["held at 10, base that no vector has"]).arithmetic
    assert "= 10.2, held at 10, rounded half up 10.0" in held
