"""What a request may contain: grids by mode, names, missing factors, types. Each refusal names its field."""

from decimal import Decimal

import pytest

from agent.errors import InputError
from agent.records import Range
from agent.scoring import parse_request, score
from agent.scoring.request import number
from agent.taxonomy.factors import FACTOR_SETS

STRICT_05 = dict.fromkeys(FACTOR_SETS["0.5"], "0.5")
STRICT_08 = dict.fromkeys(FACTOR_SETS["0.8"], "0.5")
NAMES_08 = (
    "autonomy",
    "tools",
    "language",
    "context",
    "non_determinism",
    "opacity",
    "persistence",
    "identity",
    "multi_agent",
    "self_mod",
)
NAMES_05 = (
    "autonomyOfAction",
    "toolUse",
    "memoryUse",
    "dynamicIdentity",
    "multiAgentInteractions",
    "nonDeterminism",
    "selfModification",
    "goalDrivenPlanning",
    "contextualAwareness",
    "opacityAndReflexivity",
)
VECTOR = "CVSS:4.0/AV:N/AC:L/AT:N/PR:L/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"


def scored(**raw):
    return score(parse_request({"cvss_base": "8.5", "factors": STRICT_05, **raw}))


REFUSED = [
    ({"factors": {**STRICT_05, "autonomy_of_action": "0.3"}}, "factors.autonomy_of_action"),
    ({"factors": {**STRICT_05, "dynamic_identity": "0.55"}, "mode": "directory"}, "factors.dynamic_identity"),
    ({"factors": {**STRICT_05, "dynamic_identity": "1.1"}, "mode": "directory"}, "factors.dynamic_identity"),
    ({"factors": {**STRICT_05, "dynamic_identity": "-0.5"}}, "factors.dynamic_identity"),
    ({"factors": {**STRICT_05, "dynamic_identity": None}}, "factors.dynamic_identity"),
    ({"factors": {**STRICT_05, "dynamic_identity": True}}, "factors.dynamic_identity"),
    ({"factors": {**STRICT_05, "dynamic_identity": "high"}}, "factors.dynamic_identity"),
    ({"factors": {**STRICT_05, "dynamic_identity": [0.5]}}, "factors.dynamic_identity"),
    ({"factors": {**STRICT_05, "dynamic_identity": {"low": 0, "high": 1}}}, "factors.dynamic_identity.value"),
    ({"factors": {**STRICT_05, "dynamic_identity": {"value": 1, "top": 1}}}, "factors.dynamic_identity"),
    ({"factors": {**STRICT_05, "dynamic_identity": {"value": 0.5, "low": 1, "high": 1}}}, "factors.dynamic_identity"),
    ({"factors": {**STRICT_05, "dynamic_identity": {"value": 0.5, "low": 0.4}}}, "factors.dynamic_identity.low"),
    ({"factors": {**STRICT_05, "identity": 1}}, "factors.identity"),
    ({"factors": {**STRICT_05, "charm": 1}}, "factors.charm"),
    ({"factors": [1, 2]}, "factors"),
    ({"factors": None}, "factors"),
    ({"factors": {**STRICT_05, "natural_language_interface": 1}}, "factor_set"),
    ({"factor_set": "0.8"}, "factors.natural_language_interface"),
    ({"factor_set": "1.0"}, "factor_set"),
    ({"factor_sum": "5.5"}, "factor_sum"),
    ({"factors": None, "factor_sum": "5.3"}, "factor_sum"),
    ({"factors": None, "factor_sum": "10.5"}, "factor_sum"),
    ({"factors": None, "factor_sum": "5.35", "mode": "directory"}, "factor_sum"),
    ({"threat_multiplier": "0.9"}, "threat_multiplier"),
    ({"threat_multiplier": "0.91"}, "threat_multiplier"),
    ({"threat_multiplier": "0.50", "formula": "aivss-0.5"}, "threat_multiplier"),
    ({"threat_multiplier": "1.11", "mode": "directory"}, "threat_multiplier"),
    ({"threat_multiplier": "0.49", "mode": "directory"}, "threat_multiplier"),
    ({"threat_multiplier": "0.9500001", "mode": "directory"}, "threat_multiplier"),
    ({"mitigation_factor": "0.9"}, "mitigation_factor"),
    ({"mitigation_factor": "0.83", "formula": "aivss-0.5"}, "mitigation_factor"),
    ({"mitigation_factor": "0.49", "mode": "directory"}, "mitigation_factor"),
    ({"mitigation_factor": {"value": "1", "low": "0.4"}, "mode": "directory"}, "mitigation_factor.low"),
    ({"cvss_base": "8.55"}, "cvss_base"),
    ({"cvss_base": "10.1"}, "cvss_base"),
    ({"cvss_base": "-0.1"}, "cvss_base"),
    ({"cvss_base": None}, "cvss_base"),
    ({"cvss_vector": VECTOR}, "cvss_base"),
    ({"cvss_vector": 8.5}, "cvss_vector"),
    ({"formula": "cvss-bte"}, "cvss_vector"),
    ({"formula": "aivss-0.9"}, "formula"),
    ({"mode": "loose"}, "mode"),
    ({"colour": "red"}, "input"),
]


@pytest.mark.parametrize(("change", "where"), REFUSED, ids=[f"{n}-{row[1]}" for n, row in enumerate(REFUSED)])
def test_refused_with_the_name_of_the_field(change, where):
    with pytest.raises(InputError) as refusal:
        scored(**change)
    assert refusal.value.where == where
    assert refusal.value.hint


@pytest.mark.parametrize("factor_set", ["0.5", "0.8"])
def test_each_missing_factor_is_named(factor_set):
    whole = {"0.5": STRICT_05, "0.8": STRICT_08}[factor_set]
    for key in whole:
        for named in ({"factor_set": factor_set}, {}):
            with pytest.raises(InputError, match="missing") as refusal:
                scored(factors={name: value for name, value in whole.items() if name != key}, **named)
            assert f"factors.{key}" in refusal.value.where


def test_a_missing_factor_is_not_a_zero():
    assert scored(factors={**STRICT_05, "self_modification": 0}).factor_sum == Decimal("4.5")
    with pytest.raises(InputError):
        scored(factors={key: value for key, value in STRICT_05.items() if key != "self_modification"})


def test_the_set_is_the_one_that_the_keys_match():
    assert scored().factor_set == "0.5"
    assert scored(factors=STRICT_08).factor_set == "0.8"
    assert scored(factors=None, factor_sum=5).factor_set is None
    assert scored(factors=None, factor_sum=5, factor_set="0.8").factor_set == "0.8"


def test_published_factor_names_are_accepted():
    assert scored(factors=dict.fromkeys(NAMES_08, 1)).factor_set == "0.8"
    assert scored(factors=dict.fromkeys(NAMES_05, 1)).factor_set == "0.5"
    page = {**STRICT_05, "opacity_and_reflexivity": "1"}
    del page["opacity_reflexivity"]
    assert scored(factors=page).factor_sum == Decimal("5.5")


def test_eleven_factors_need_a_set_and_count_ten():
    eleven = {**STRICT_05, "natural_language_interface": 1}
    found = scored(factors=eleven, factor_set="0.5")
    assert found.factor_sum == Decimal("5.0")
    assert any("natural_language_interface" in text for text in found.warnings)
    assert scored(factors=eleven, factor_set="0.8").factor_sum == Decimal("5.5")


def test_defaults():
    found = scored()
    assert (found.formula, found.mode) == ("aivss-0.8", "strict")
    assert (found.threat_multiplier, found.mitigation_factor) == (Decimal("0.97"), Decimal("1.00"))


def test_null_counts_as_not_given():
    assert scored(threat_multiplier=None, mitigation_factor=None, cvss_vector=None, formula=None) == scored()


def test_the_candidate_has_two_names():
    raw = {"cvss_vector": VECTOR}
    assert score(parse_request({**raw, "formula": "aivss-1.0-cvss-bte"})) == score(
        parse_request({**raw, "formula": "cvss-bte"})
    )


def test_a_vector_and_its_own_base_agree():
    assert scored(cvss_vector=VECTOR, cvss_base={"value": "8.7", "low": "7.1", "high": "9.3"}).cvss_base == Decimal(
        "8.7"
    )


def test_a_sum_that_agrees_with_the_factors_is_accepted():
    assert scored(factor_sum=5) == scored()


@pytest.mark.parametrize(
    ("vector", "says"),
    [
        ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "v3.1"),
        ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", "v3.0"),
        ("AV:N/AC:L/Au:N/C:N/I:N/A:C", "v2"),
        ("AIVSS:1.0/LC:D/CP:C", "is not a CVSS v4.0 vector"),
        ("", "is not a CVSS v4.0 vector"),
        ("CVSS:4.0/", "Malformed|Empty"),
        ("CVSS:4.0/AV:N/AC:L", "mandatory"),
        (VECTOR + "/AV:N", "Duplicate"),
        (VECTOR.replace("AV:N", "AV:Z"), "Invalid"),
        (VECTOR.replace("UI:N", "UI:R"), "Invalid"),
        (VECTOR + "/", "trailing"),
        (VECTOR + "/E:P" * 200, "too long"),
        (VECTOR.lower(), "is not a CVSS v4.0 vector"),
    ],
)
def test_other_vectors_are_refused_with_a_hint(vector, says):
    with pytest.raises(InputError, match=says) as refusal:
        scored(cvss_base=None, cvss_vector=vector)
    assert refusal.value.where == "cvss_vector"
    assert "CVSS:4.0/" in refusal.value.hint


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        "",
        "half",
        "1e1",
        "NaN",
        "inf",
        float("nan"),
        float("inf"),
        "0,5",
        "١",
        "1_0",
        "0x1",
        [],
        {},
        11,
        "1e9",
    ],
)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(InputError) as refusal:
        number(value, "field")
    assert refusal.value.where == "field"


def test_absurd_decimals_are_refused_in_a_short_message():
    for value in (Decimal("1E-999999"), Decimal("1E+999999"), "0." + "1" * 40, Decimal("0." + "1" * 500)):
        with pytest.raises(InputError) as refusal:
            scored(threat_multiplier=value, mode="directory")
        assert len(str(refusal.value)) < 200


def test_numbers_are_exact_whatever_form_they_have():
    for value in ("0.1", 0.1, Decimal("0.1"), " 0.1 ", "+0.1"):
        assert number(value, "field") == Decimal("0.1")
    assert str(number("-0.0", "field")) == "0"
    assert number(1, "field") == 1


def test_directory_mode_takes_what_published_pages_use():
    found = scored(
        mode="directory",
        factors=dict.fromkeys(FACTOR_SETS["0.5"], "0.3"),
        threat_multiplier="1.05",
        mitigation_factor="0.95",
    )
    assert found.aivss == Decimal("8.5")
    assert (
        scored(mode="directory", cvss_base="9.3", factors=dict.fromkeys(STRICT_05, 1), threat_multiplier="1.1").aivss
        == 10
    )


def test_ends_of_a_range_may_be_finer_in_directory_mode():
    factors = {**STRICT_05, "self_modification": {"value": "0.5", "low": "0.25", "high": "0.75"}}
    found = scored(mode="directory", factors=factors)
    assert found.inputs is not None
    assert found.inputs.factor_sum == Range(value=Decimal(5), low=Decimal("4.75"), high=Decimal("5.25"))


def test_warnings_say_what_was_not_counted():
    assert any("factor set 0.8" in text for text in scored().warnings)
    assert not scored(factors=STRICT_08).warnings
    unmitigated = scored(mode="directory", formula="aivss-0.5", mitigation_factor="0.9")
    assert any("no mitigation" in text for text in unmitigated.warnings)
    assert unmitigated.aivss == scored(mode="directory", formula="aivss-0.5").aivss
    assert any("below the CVSS base" in text for text in scored(mitigation_factor="0.67").warnings)
