"""The headline: near the expected base, typical before rare; the order of the others; the range of the base."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.headline import (
    FACTORS,
    HIGHEST_BASE,
    LOWEST_BASE,
    PULL,
    RANGE_WIDTH,
    BaseRow,
    HeadlineCalibration,
    Outlook,
    Scenario,
    base_range,
    choose,
    fit,
    order,
    outlook,
    tabulate,
    typical,
)
from agent.drafting_old.kind import load_kinds
from agent.drafting_old.typicality import MOST_LIFT, Code, Lifts, alike

BUNDLED = load_calibration().headline
KINDS = (1 / len(load_kinds()),) * len(load_kinds())
CODES = st.one_of(
    st.none(),
    st.builds(
        Code,
        st.sampled_from(["ASI01", "ASI03"]),
        st.sampled_from(["foundation_models", "agent_frameworks"]),
        st.sampled_from(["host", "code"]),
    ),
)
SCENARIOS = st.lists(
    st.builds(
        Scenario,
        st.sampled_from(["L1-a", "L2-b", "L3-c", "L4-d"]),
        st.integers(0, 100).map(lambda n: n / 10),
        st.floats(0, 1),
        CODES,
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda scenario: (scenario.pattern, scenario.base),
)


def expecting(base: float) -> Outlook:
    return Outlook(base, Lifts({}, {}))


def with_rates(**rates: float) -> HeadlineCalibration:
    typicality = BUNDLED.typicality.model_copy(update={"rates": rates})
    return BUNDLED.model_copy(update={"typicality": typicality})


@given(SCENARIOS, st.floats(0, 10), st.randoms(use_true_random=False))
def test_the_choice_does_not_depend_on_the_order(found: list[Scenario], expected: float, chance: random.Random) -> None:
    at = choose(found, expecting(expected), BUNDLED)
    assert at is not None
    shuffled = chance.sample(found, len(found))
    again = choose(shuffled, expecting(expected), BUNDLED)
    assert again is not None
    assert shuffled[again][:2] == found[at][:2]


@given(SCENARIOS, st.floats(0, 10), st.randoms(use_true_random=False))
def test_the_order_holds_each_once_and_the_headline_first(
    found: list[Scenario], expected: float, chance: random.Random
) -> None:
    product = expecting(expected)
    at = choose(found, product, BUNDLED)
    placed = order(found, at, product, BUNDLED)
    assert placed[0] == at
    assert sorted(placed) == list(range(len(found)))
    shuffled = chance.sample(found, len(found))
    again = order(shuffled, choose(shuffled, product, BUNDLED), product, BUNDLED)
    assert [shuffled[n][:2] for n in again] == [found[n][:2] for n in placed]


def test_one_like_a_threat_above_it_comes_behind_another_that_is_half_as_typical() -> None:
    same, other = Code("ASI01", "data_operations", "code"), Code("ASI03", "data_operations", "code")
    found = [Scenario(name, 7.0, 0.5, code) for name, code in (("a", same), ("b", same), ("c", other))]
    assert alike(same, same._replace(layer="agent_ecosystem"))
    assert not alike(same, other)
    assert order(found, 0, expecting(7.0), with_rates(a=0.8, b=0.6, c=0.3)) == [0, 2, 1]


@given(SCENARIOS)
def test_the_range_holds_the_chosen_base_and_is_narrow(found: list[Scenario]) -> None:
    for at, scenario in enumerate(found):
        low, high = base_range(found, at)
        assert low <= scenario.base <= high
        assert high - low <= 2 * RANGE_WIDTH + 1e-9
        assert {low, high} <= {other.base for other in found}


def test_nothing_is_chosen_from_nothing() -> None:
    assert choose([], expecting(7.0), BUNDLED) is None
    assert order([], None, expecting(7.0), BUNDLED) == []


def test_among_equally_typical_ones_the_nearest_base_wins() -> None:
    found = [Scenario("none-a", 5.0, 0.5), Scenario("none-b", 7.0, 0.5), Scenario("none-c", 9.3, 0.5)]
    assert choose(found, expecting(7.4), BUNDLED) == 1
    assert choose(found, expecting(8.15), BUNDLED) == 2, "a tie goes to the higher base"


def test_the_worst_conceivable_does_not_win_when_it_is_rare() -> None:
    constants = with_rates(usual=0.6, rare=0.05)
    assert choose([Scenario("rare", 8.0, 1.0), Scenario("usual", 7.0, 0.1)], expecting(7.6), constants) == 1


@given(SCENARIOS, st.floats(0, 10))
def test_a_graver_one_is_less_typical_or_further_from_the_usual_base(found: list[Scenario], expected: float) -> None:
    """What the report says of threats that would score higher."""
    product = expecting(expected)
    at = choose(found, product, BUNDLED)
    assert at is not None
    for other in found:
        if other.base > found[at].base:
            rarer = typical(other, product, BUNDLED) <= typical(found[at], product, BUNDLED)
            assert rarer or abs(other.base - expected) >= abs(found[at].base - expected) - 1e-6
    assert PULL > 0


@given(
    st.lists(st.floats(0, 1), min_size=len(FACTORS), max_size=len(FACTORS)),
    st.sets(st.sampled_from([*BUNDLED.threat_weights])),
)
def test_the_expected_base_is_on_its_scale(values: list[float], fired: set[str]) -> None:
    found = outlook(dict(zip(FACTORS, values, strict=True)), KINDS, fired, BUNDLED)
    assert LOWEST_BASE <= found.base <= HIGHEST_BASE


def test_typicality_lies_between_nought_and_one() -> None:
    constants = BUNDLED.typicality
    assert all(0 < value < 1 for value in constants.rates.values())
    assert typical(Scenario("never-fired", 7.0, 0.6), expecting(7.0), BUNDLED) == constants.unseen * 0.6
    assert 0 < constants.unseen < 1
    for table in (constants.roots, constants.assets):
        assert [*table] == [kind.key for kind in load_kinds()]
        assert all(0 < lift <= MOST_LIFT for row in table.values() for lift in row.values())


FIRST = Code("ASI05", "agent_frameworks", "host")
OTHER = Code("ASI03", "data_operations", "code")


def made_up(count: int) -> list[BaseRow]:
    """Cases whose base hangs on one threat, and whose reader always puts the same pattern first."""
    chance = random.Random(3)
    rows = []
    for n in range(count):
        factors = {key: chance.random() for key in FACTORS}
        found = (Scenario("first", 8.0 if n % 2 else 5.0, 0.5, FIRST), Scenario("other", 9.4, 0.5, OTHER))
        found += (Scenario("grave", 8.0, 0.5, OTHER),) if n % 2 else ()
        rows.append(BaseRow(factors, KINDS, found, 8.0 if n % 2 else 5.0, None, FIRST))
    return rows


def test_a_fit_finds_the_rule_and_is_the_same_again() -> None:
    rows = made_up(60)
    fitted = fit(tabulate(rows))
    assert isinstance(fitted, HeadlineCalibration)
    assert fitted == fit(tabulate(rows))
    calm = dict.fromkeys(FACTORS, 0.5)
    strong = outlook(calm, KINDS, {"grave"}, fitted)
    weak = outlook(calm, KINDS, set(), fitted)
    assert strong.base - weak.base > 1.5
    assert fitted.typicality.rates["first"] > fitted.typicality.rates["other"]
    assert choose(rows[0].scenarios, weak, fitted) == 0


def test_some_rows_of_a_table_give_what_a_table_of_them_gives() -> None:
    rows = made_up(40)
    some = [n for n in range(40) if n % 5]
    assert fit(tabulate(rows).take(some)) == fit(tabulate([rows[n] for n in some]))


def test_rare_threats_get_no_weight() -> None:
    rows = made_up(40)
    rows[0] = rows[0]._replace(scenarios=(*rows[0].scenarios, Scenario("rare", 7.0, 0.5, OTHER)))
    assert "rare" not in fit(tabulate(rows)).threat_weights


def test_a_wider_published_scale_widens_what_the_reader_says() -> None:
    rows = made_up(60)
    twice = [row._replace(published=2 * (row.reader or 0.0) - 7.0) if n < 20 else row for n, row in enumerate(rows)]
    calm = dict.fromkeys(FACTORS, 0.5)

    def spread(constants: HeadlineCalibration) -> float:
        return outlook(calm, KINDS, {"grave"}, constants).base - outlook(calm, KINDS, set(), constants).base

    assert spread(fit(tabulate(twice))) > spread(fit(tabulate(rows))) + 1


def test_cases_without_a_first_threat_leave_the_shares_to_the_catalogue() -> None:
    rows = [row._replace(first=None) for row in made_up(20)]
    fitted = fit(tabulate(rows))
    assert fitted.typicality.rates == {}
    assert typical(rows[0].scenarios[0], expecting(5.0), fitted) == rows[0].scenarios[0].typical


@pytest.mark.parametrize("name", ["factor_weights", "kind_weights", "threat_weights"])
def test_bundled_weights_are_finite_and_small(name: str) -> None:
    assert all(abs(weight) < 5 for weight in getattr(BUNDLED, name).values())
