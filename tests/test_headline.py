"""The headline: near the expected base, typical before rare, and its range around the chosen one."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drafting.calibrate import load_calibration
from agent.drafting.headline import (
    FACTORS,
    HIGHEST_BASE,
    LOWEST_BASE,
    RANGE_WIDTH,
    BaseRow,
    HeadlineCalibration,
    Scenario,
    base_range,
    choose,
    expected_base,
    fit,
    typical,
)

BUNDLED = load_calibration().headline
SCENARIOS = st.lists(
    st.builds(
        Scenario,
        st.sampled_from(["L1-a", "L2-b", "L3-c", "L4-d"]),
        st.integers(0, 100).map(lambda n: n / 10),
        st.floats(0, 1),
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda scenario: (scenario.pattern, scenario.base),
)


@given(SCENARIOS, st.floats(0, 10), st.randoms(use_true_random=False))
def test_the_choice_does_not_depend_on_the_order(found: list[Scenario], expected: float, chance: random.Random) -> None:
    at = choose(found, expected, BUNDLED)
    assert at is not None
    shuffled = chance.sample(found, len(found))
    again = choose(shuffled, expected, BUNDLED)
    assert again is not None
    assert shuffled[again][:2] == found[at][:2]


@given(SCENARIOS)
def test_the_range_holds_the_chosen_base_and_is_narrow(found: list[Scenario]) -> None:
    for at, scenario in enumerate(found):
        low, high = base_range(found, at)
        assert low <= scenario.base <= high
        assert high - low <= 2 * RANGE_WIDTH + 1e-9
        assert {low, high} <= {other.base for other in found}


def test_nothing_is_chosen_from_nothing() -> None:
    assert choose([], 7.0, BUNDLED) is None


def test_among_equally_typical_ones_the_nearest_base_wins() -> None:
    found = [Scenario("none-a", 5.0, 0.5), Scenario("none-b", 7.0, 0.5), Scenario("none-c", 9.3, 0.5)]
    assert choose(found, 7.4, BUNDLED) == 1
    assert choose(found, 8.15, BUNDLED) == 2, "a tie goes to the higher base"


def test_the_worst_conceivable_does_not_win_when_it_is_rare() -> None:
    typical_of = {"usual": 0.9, "rare": 0.05}
    constants = BUNDLED.model_copy(update={"typical": typical_of, "pull": 2.0})
    assert choose([Scenario("rare", 8.0, 1.0), Scenario("usual", 7.0, 0.1)], 7.6, constants) == 1


@given(st.lists(st.floats(0, 1), min_size=10, max_size=10), st.sets(st.sampled_from([*BUNDLED.signal_weights])))
def test_the_expected_base_is_on_its_scale(values: list[float], signals: set[str]) -> None:
    base = expected_base(dict(zip(FACTORS, values, strict=True)), frozenset(signals), BUNDLED)
    assert LOWEST_BASE <= base <= HIGHEST_BASE


def test_typicality_lies_between_nought_and_one() -> None:
    assert all(0 < value < 1 for value in BUNDLED.typical.values())
    assert typical(Scenario("never-fired", 7.0, 0.6), BUNDLED) == 0.3


def made_up(count: int) -> list[BaseRow]:
    """Cases whose base hangs on one signal, and whose reader always puts the same pattern first."""
    chance = random.Random(3)
    rows = []
    for n in range(count):
        signals = frozenset({"executes_code"} if n % 2 else {"asks_approval"})
        factors = {key: chance.random() for key in FACTORS}
        found = (Scenario("first", 8.0 if n % 2 else 5.0, 0.5), Scenario("other", 9.4, 0.5))
        rows.append(BaseRow(factors, signals, found, 8.0 if n % 2 else 5.0, "first"))
    return rows


def test_a_fit_finds_the_rule_and_is_the_same_again() -> None:
    rows = made_up(60)
    fitted = fit(rows)
    assert isinstance(fitted, HeadlineCalibration)
    assert fitted == fit(rows)
    calm = dict.fromkeys(FACTORS, 0.5)
    strong = expected_base(calm, frozenset({"executes_code"}), fitted)
    weak = expected_base(calm, frozenset({"asks_approval"}), fitted)
    assert strong - weak > 1.5
    assert fitted.typical["first"] > fitted.typical["other"]
    assert choose(rows[0].scenarios, weak, fitted) == 0


def test_rare_signals_get_no_weight() -> None:
    rows = made_up(40)
    rows[0] = rows[0]._replace(signals=rows[0].signals | {"deletes_data"})
    assert "deletes_data" not in fit(rows).signal_weights


@pytest.mark.parametrize("name", ["factor_weights", "signal_weights"])
def test_bundled_weights_are_finite_and_small(name: str) -> None:
    assert all(abs(weight) < 5 for weight in getattr(BUNDLED, name).values())
