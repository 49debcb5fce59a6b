"""Published examples, directory pages and whole grids against exact arithmetic implemented here independently."""

import json
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import product

import pytest

from agent.records import Range, ScoreInputs
from agent.scoring import parse_request, score, severity, verify
from agent.scoring.aivss import UNIT, Point, capped, exact, tenths
from agent.scoring.cvss import BASE_METRICS, REACHABLE_TENTHS, is_reachable, read_vector
from agent.scoring.interval import typical
from agent.scoring.result import CURRENT, REVISIONS
from tests.places import VECTORS

EXAMPLES = json.loads((VECTORS / "aivss.json").read_text())["vectors"]
PAGES = json.loads((VECTORS / "directory_pages.json").read_text())["pages"]
WITNESSES = json.loads((VECTORS / "cvss_base_witnesses.json").read_text())["witnesses"]

ROUNDED_DOWN = {"minimax-mcp", "websparks"}
"""Pages whose exact result is half-way between two tenths and that print the lower one, as binary floats do."""

BASES = [Decimal(n) / 10 for n in range(101)]
SUMS = [Decimal(n) / 2 for n in range(21)]
METRIC_VALUES = ("NALP", "LH", "NP", "NLH", "NPA", "HLN", "HLN", "HLN", "HLN", "HLN", "HLN")


def raw(formula: str, point: Point) -> int:
    return REVISIONS[CURRENT][formula].sum.equation(point)


def half_up(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


def by_hand(formula: str, base: Decimal, total: Decimal, threat: Decimal, mitigation: Decimal) -> Decimal:
    """The published equations as printed, in decimals that never round (at most 10 digits in, 28 kept)."""
    if formula == "aivss-0.5":
        return (base + total) / 2 * threat
    uplift = (10 - base) * (total / 10) * threat
    return (base + uplift) * mitigation if formula == "aivss-0.8" else base + uplift * mitigation


def at(base: Decimal, total: Decimal, threat: Decimal, mitigation: Decimal) -> Point:
    return Point(int(base * 10), int(total * UNIT), int(threat * UNIT), int(mitigation * UNIT))


@pytest.mark.parametrize("vector", EXAMPLES, ids=lambda vector: vector["id"])
def test_published_examples(vector):
    scored = score(parse_request(vector["input"]))
    expect = vector["expect"]
    assert scored.aivss == Decimal(expect["aivss"])
    assert scored.severity == expect.get("severity", severity(Decimal(expect["aivss"])))
    for field in ("cvss_base", "factor_sum"):
        if field in expect:
            assert getattr(scored, field) == Decimal(expect[field])
    for name, value in expect.get("alternatives", {}).items():
        assert scored.alternatives[name] == Decimal(value)
    if "raw" in expect:
        assert scored.inputs is not None
        point = typical(scored.inputs)
        assert point is not None
        assert exact(raw(scored.formula, point)) == Decimal(expect["raw"])
        assert f"{exact(raw(scored.formula, point))}, rounded half up {scored.aivss}" in scored.arithmetic
    verify(scored)


def test_every_kind_of_example_is_there():
    assert len(EXAMPLES) == 78
    assert {vector["input"]["formula"] for vector in EXAMPLES} == {
        "aivss-0.5",
        "aivss-0.8",
        "aivss-1-amended",
        "cvss-bte",
    }
    assert sum("errat" in vector["status"] for vector in EXAMPLES) == 12


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page["id"])
def test_directory_pages(page):
    scored = score(parse_request(page["input"]))
    shown = {key: Decimal(value) for key, value in page["shown"].items()}
    given = {key: Decimal(page["input"][key]) for key in ("cvss_base", "threat_multiplier", "mitigation_factor")}
    total = sum(Decimal(value) for value in page["input"]["factors"].values())
    unrounded = by_hand("aivss-0.8", given["cvss_base"], total, given["threat_multiplier"], given["mitigation_factor"])
    assert scored.factor_sum == shown["factor_sum"] == total
    assert scored.aivss == half_up(min(unrounded, Decimal(10)))
    if page["id"] in ROUNDED_DOWN:
        assert unrounded * 100 % 10 == 5
        assert scored.aivss == shown["aivss"] + Decimal("0.1")
    else:
        assert scored.aivss == shown["aivss"]
    assert scored.aars is not None
    assert abs(scored.aars - shown["aars"]) <= Decimal("0.01")


def test_directory_pages_are_all_there():
    assert len(PAGES) == 66
    assert {page["id"] for page in PAGES} >= ROUNDED_DOWN


GRIDS = [
    ("aivss-0.8", ("0.50", "0.97", "1.00"), ("0.67", "0.83", "1.00"), 19_089),
    ("aivss-1-amended", ("0.50", "0.97", "1.00"), ("0.67", "0.83", "1.00"), 19_089),
    ("aivss-0.5", ("0.91", "0.97", "1.00"), ("1.00",), 6_363),
]


@pytest.mark.parametrize(("formula", "threats", "mitigations", "size"), GRIDS, ids=[row[0] for row in GRIDS])
def test_whole_grid(formula, threats, mitigations, size):
    count = 0
    for base, total, threat, mitigation in product(BASES, SUMS, map(Decimal, threats), map(Decimal, mitigations)):
        unrounded = by_hand(formula, base, total, threat, mitigation)
        got = raw(formula, at(base, total, threat, mitigation))
        assert exact(got) == unrounded
        assert Decimal(tenths(got)) / 10 == half_up(unrounded), (base, total, threat, mitigation)
        assert capped(got) == got
        count += 1
    assert count == size


def test_grid_agrees_with_the_published_integer_forms():
    """Tenths in one floor division, as the formulas are published in integers (c10, s2, t100, m100)."""
    forms = {
        "aivss-0.8": lambda c, s, t, m: ((2000 * c + (100 - c) * s * t) * m + 100_000) // 200_000,
        "aivss-1-amended": lambda c, s, t, m: (200_000 * c + (100 - c) * s * t * m + 100_000) // 200_000,
        "aivss-0.5": lambda c, s, t, _: ((c + 5 * s) * t + 100) // 200,
    }
    for formula, threats, mitigations, _ in GRIDS:
        for c, s, t, m in product(range(101), range(21), threats, mitigations):
            t100, m100 = int(Decimal(t) * 100), int(Decimal(m) * 100)
            point = Point(c, s * UNIT // 2, t100 * UNIT // 100, m100 * UNIT // 100)
            assert tenths(raw(formula, point)) == forms[formula](c, s, t100, m100)


def test_directory_grid_agrees_with_fractions():
    threats = ("0.5", "0.9", "0.95", "1", "1.05", "1.1")
    mitigations = ("0.5", "0.6", "0.65", "0.85", "0.95", "1")
    for c, s, t, m in product(range(0, 101, 5), range(0, 101, 4), threats, mitigations):
        base, total, threat, mitigation = Fraction(c, 10), Fraction(s, 10), Fraction(t), Fraction(m)
        value = min((base + (10 - base) * total / 10 * threat) * mitigation, Fraction(10))
        point = Point(c, s * UNIT // 10, int(threat * UNIT), int(mitigation * UNIT))
        assert tenths(capped(raw("aivss-0.8", point))) == int(value * 10 + Fraction(1, 2))


def test_half_way_values_go_up():
    """The rounding pair of AIVSS 0.8, section 3.5.1, through the whole calculation."""
    for text, expected in (("8.64", "8.6"), ("8.65", "8.7")):
        assert Decimal(tenths(int(Decimal(text) * 10**20))) / 10 == Decimal(expected)


def test_amended_never_falls_below_its_base():
    for base, total, t, m in product(BASES, SUMS, ("0.50", "0.97", "1.00"), ("0.67", "0.83", "1.00")):
        point = at(base, total, Decimal(t), Decimal(m))
        assert tenths(raw("aivss-1-amended", point)) >= point.base


def test_version_0_8_falls_below_its_base_on_half_of_the_mitigated_grid():
    """The known anomaly of 0.8: 6,382 of the 12,726 inputs with MF below 1 round to less than their own base."""
    below = sum(
        tenths(raw("aivss-0.8", point)) < point.base
        for base, total, t, m in product(BASES, SUMS, ("0.50", "0.97", "1.00"), ("0.67", "0.83"))
        for point in [at(base, total, Decimal(t), Decimal(m))]
    )
    assert below == 6_382


# ---------------------------------------------------------------- CVSS v4.0


@pytest.mark.parametrize("witness", WITNESSES, ids=lambda witness: witness["base"])
def test_each_reachable_base_has_a_vector(witness):
    scores = read_vector(witness["vector"])
    assert scores.base == Decimal(witness["base"])
    assert is_reachable(scores.base)


def test_reachable_set_is_exactly_what_has_a_witness():
    assert {int(Decimal(witness["base"]) * 10) for witness in WITNESSES} == REACHABLE_TENTHS
    assert len(REACHABLE_TENTHS) == 63


def _base_vectors(step):
    for n, values in enumerate(product(*METRIC_VALUES)):
        if n % step == 0:
            yield "CVSS:4.0/" + "/".join(f"{name}:{value}" for name, value in zip(BASE_METRICS, values, strict=True))


def test_sampled_vectors_stay_in_the_reachable_set():
    assert all(is_reachable(read_vector(vector).base) for vector in _base_vectors(97))


@pytest.mark.slow
def test_all_base_vectors_give_the_reachable_set():
    found = {int(read_vector(vector).base * 10) for vector in _base_vectors(1)}
    assert found == REACHABLE_TENTHS


def test_base_ignores_threat_and_environment():
    base = "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:H/VI:H/VA:H/SC:H/SI:H/SA:H"
    plain = read_vector(base)
    changed = read_vector(base + "/E:U/CR:L/IR:L/AR:L/MAV:P/MVC:N")
    assert changed.base == plain.base == plain.bte == Decimal("9.4")
    assert changed.bte < changed.base


def test_bare_base_that_no_vector_has_is_scored_with_a_warning():
    for base in BASES:
        scored = score(parse_request({"cvss_base": str(base), "factor_sum": "5"}))
        assert bool(scored.warnings) == (not is_reachable(base))
        assert scored.aivss is not None


def test_inputs_of_a_score_hold_what_was_given():
    scored = score(parse_request({"cvss_base": "7.5", "factor_sum": "5"}))
    same = {key: Range(value=Decimal(key), low=Decimal(key), high=Decimal(key)) for key in ("7.5", "5", "0.97", "1.00")}
    assert scored.inputs == ScoreInputs(
        cvss_base=same["7.5"], factor_sum=same["5"], threat_multiplier=same["0.97"], mitigation_factor=same["1.00"]
    )
