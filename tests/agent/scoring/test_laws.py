"""Laws that hold for every input: monotone, bounded, independent of order, exact corners, stored scores recompute."""

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import assume, given, settings, strategies as st

from agent.errors import InputError
from agent.records import LikelyConstants, Score
from agent.scoring import bands, parse_request, score, severity, verify
from agent.scoring.aivss import EQUATIONS, TENTHS, UNIT, Point, capped, exact, tenths
from agent.scoring.cvss import BASE_METRICS, is_reachable, read_vector
from agent.scoring.interval import score_at, typical
from agent.scoring.result import CURRENT, REVISIONS
from agent.taxonomy.factors import FACTOR_SETS

FORMULAS = ("aivss-0.5", "aivss-0.8", "aivss-1-amended")
LAW = settings(deadline=None, derandomize=True)
ORDER = ("None", "Low", "Medium", "High", "Critical")
METRIC_VALUES = ("NALP", "LH", "NP", "NLH", "NPA", "HLN", "HLN", "HLN", "HLN", "HLN", "HLN")

bases = st.integers(0, 100).map(lambda n: Decimal(n) / 10)
grid = st.integers(0, 10).map(lambda n: Decimal(n) / 10)
threats = st.integers(500_000, 1_100_000).map(lambda n: Decimal(n) / UNIT)
mitigations = st.integers(500_000, 1_000_000).map(lambda n: Decimal(n) / UNIT)
vectors = st.tuples(*(st.sampled_from(values) for values in METRIC_VALUES)).map(
    lambda values: "CVSS:4.0/" + "/".join(f"{name}:{value}" for name, value in zip(BASE_METRICS, values, strict=True))
)


def raw(formula, point):
    return REVISIONS[CURRENT][formula].sum.equation(point)


def ranges(values):
    def ordered(three):
        low, value, high = sorted(three)
        return {"value": value, "low": low, "high": high}

    return st.tuples(values, values, values).map(ordered)


points = st.builds(
    Point, st.integers(0, 100), st.integers(0, 10 * UNIT), st.integers(500_000, 1_100_000), st.integers(500_000, UNIT)
)
requests = st.fixed_dictionaries(
    {
        "cvss_base": ranges(bases),
        "factors": st.fixed_dictionaries({key: ranges(grid) for key in FACTOR_SETS["0.5"]}),
        "threat_multiplier": ranges(threats),
        "mitigation_factor": ranges(mitigations),
        "formula": st.sampled_from(FORMULAS),
        "mode": st.just("directory"),
    }
)
constants = st.builds(
    LikelyConstants,
    below=st.integers(0, 3000).map(lambda n: Decimal(n) / 1000),
    above=st.integers(0, 3000).map(lambda n: Decimal(n) / 1000),
    calibration=st.just("law"),
)


@LAW
@given(points, points, st.sampled_from(FORMULAS))
def test_more_of_anything_never_lowers_a_score(first, second, formula):
    low = Point(*map(min, first, second))
    high = Point(first.base, *map(max, first[1:], second[1:]))
    assert raw(formula, low._replace(base=first.base)) <= raw(formula, high)


@LAW
@given(points, points, st.sampled_from(FORMULAS))
def test_a_higher_base_never_lowers_a_score_while_the_uplift_fits_its_gap(first, second, formula):
    """If sum/10 × ThM exceeds 1, which directory inputs allow, the uplift shrinks faster than the base grows."""
    assume(first.factor_sum * first.threat <= TENTHS * UNIT * UNIT)
    low, high = sorted((first.base, second.base))
    assert raw(formula, first._replace(base=low)) <= raw(formula, first._replace(base=high))


@LAW
@given(points, st.sampled_from(FORMULAS))
def test_scores_stay_between_0_and_10(point, formula):
    assert 0 <= tenths(capped(raw(formula, point))) <= 100
    assert REVISIONS[CURRENT][formula].sum.aars(point) >= 0


@LAW
@given(points)
def test_amended_is_never_below_its_base_nor_below_0_8(point):
    amended = tenths(capped(raw("aivss-1-amended", point)))
    assert amended >= point.base
    assert amended >= tenths(capped(raw("aivss-0.8", point)))


@LAW
@given(points)
def test_without_mitigation_0_8_and_the_amendment_are_the_same(point):
    at = point._replace(mitigation=UNIT)
    assert raw("aivss-0.8", at) == raw("aivss-1-amended", at)


@pytest.mark.slow
@LAW
@given(requests, st.randoms(use_true_random=False))
def test_the_order_of_factors_does_not_matter(request, random):
    keys = list(request["factors"])
    random.shuffle(keys)
    shuffled = {**request, "factors": {key: request["factors"][key] for key in keys}}
    assert score(parse_request(shuffled)).model_dump_json() == score(parse_request(request)).model_dump_json()


@LAW
@given(requests, constants)
def test_ranges_hold_the_value(request, likely):
    found = score(parse_request(request), constants=likely)
    assert found.low <= found.aivss <= found.high
    assert 0 <= found.likely_low <= found.aivss <= found.likely_high <= 10
    assert found.severity in bands(found.low, found.high)


@LAW
@given(requests)
def test_corners_are_the_extremes_over_all_sixteen(request):
    found = score(parse_request(request))
    ends = [(part["low"], part["high"]) for part in (request["cvss_base"],)]
    sums = tuple(sum(part[end] for part in request["factors"].values()) for end in ("low", "high"))
    threat, mitigation = (
        tuple(request[key][end] for end in ("low", "high")) for key in ("threat_multiplier", "mitigation_factor")
    )
    corners = [
        tenths(capped(raw(found.formula, Point(int(b * 10), int(s * UNIT), int(t * UNIT), int(m * UNIT)))))
        for b, s, t, m in product(ends[0], sums, threat, mitigation)
    ]
    assert found.low * 10 == min(corners)
    assert found.high * 10 == max(corners)


@LAW
@given(requests, requests)
def test_any_inputs_inside_the_ranges_score_inside_the_corners(request, other):
    def clamp(outer, inner):
        value = min(max(inner["value"], outer["low"]), outer["high"])
        return {"value": value, "low": value, "high": value}

    inside = {key: clamp(request[key], other[key]) for key in ("cvss_base", "threat_multiplier", "mitigation_factor")}
    inside["factors"] = {key: clamp(request["factors"][key], other["factors"][key]) for key in request["factors"]}
    wide = score(parse_request(request))
    narrow = score(parse_request({**request, **inside}))
    assert wide.low <= narrow.aivss <= wide.high


@LAW
@given(requests, st.none() | constants)
def test_a_stored_score_recomputes_after_json(request, likely):
    found = score(parse_request(request), constants=likely)
    stored = found.model_dump_json()
    again = Score.model_validate_json(stored)
    verify(again)
    assert again == found
    assert again.model_dump_json() == stored


@LAW
@given(requests)
def test_every_formula_stands_beside_the_chosen_one(request):
    found = score(parse_request(request))
    assert found.alternatives[found.formula] == found.aivss
    for name in FORMULAS:
        assert found.alternatives[name] == score(parse_request({**request, "formula": name})).aivss
    assert found.alternatives["cvss-bte"] is None


@LAW
@given(vectors)
def test_a_vector_scores_like_its_base(vector):
    base = read_vector(vector).base
    assert is_reachable(base)
    by_vector = score(parse_request({"cvss_vector": vector, "factor_sum": "6.5"}))
    by_base = score(parse_request({"cvss_base": base, "factor_sum": "6.5"}))
    assert (by_vector.aivss, by_vector.cvss_base) == (by_base.aivss, base)
    assert by_vector.alternatives["cvss-bte"] == base


@LAW
@given(st.integers(0, 10 * 10**20))
def test_rounding_is_half_up_and_printing_is_exact(number):
    value = exact(number)
    assert value * 10**20 == number
    assert Decimal(tenths(number)) / 10 - value <= Decimal("0.05")
    assert value - Decimal(tenths(number)) / 10 < Decimal("0.05")


@LAW
@given(bases, bases)
def test_bands_follow_the_score(first, second):
    low, high = sorted((first, second))
    found = bands(low, high)
    assert found[0] == severity(low)
    assert found[-1] == severity(high)
    assert list(found) == [
        band for band in ORDER if ORDER.index(found[0]) <= ORDER.index(band) <= ORDER.index(found[-1])
    ]


@pytest.mark.parametrize(
    ("value", "band"),
    [
        ("0.0", "None"),
        ("0.1", "Low"),
        ("3.9", "Low"),
        ("4.0", "Medium"),
        ("6.9", "Medium"),
        ("7.0", "High"),
        ("8.9", "High"),
        ("9.0", "Critical"),
        ("10.0", "Critical"),
    ],
)
def test_band_edges(value, band):
    assert severity(Decimal(value)) == band


def test_what_is_no_score_has_no_band():
    for value in ("-0.1", "10.1", "NaN"):
        with pytest.raises(InputError):
            severity(Decimal(value))
    with pytest.raises(InputError):
        bands(Decimal(5), Decimal(4))


@LAW
@given(requests)
def test_questions_by_formula_id_follow_the_current_revision(request):
    found = score(parse_request(request))
    at = typical(found.inputs)
    assert score_at(found.formula, at) == found.aivss
    for formula, equation in EQUATIONS.items():
        assert equation(at) == raw(formula, at)
