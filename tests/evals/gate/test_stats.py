"""The statistics of the gate: known values, laws, and error rates of the whole rule."""

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given, settings, strategies as st

from evals.bench.gate_rates import rates
from evals.gate.rerecorded import MARGINS
from evals.gate.stats import bootstrap, cases_needed, detectable, detectable_at, holm, sign_flip, spread

DIFFERENCES = st.lists(st.integers(-20, 20).map(lambda n: n / 100), min_size=1, max_size=10)


def by_hand(differences: Sequence[float]) -> float:
    kept = [value for value in differences if value]
    signs = list(itertools.product((1, -1), repeat=len(kept)))
    return sum(sum(s * abs(v) for s, v in zip(row, kept, strict=True)) >= sum(kept) - 1e-9 for row in signs) / len(
        signs
    )


@given(DIFFERENCES)
def test_few_differences_are_enumerated_and_worse_and_better_cannot_both_be_unlikely(differences: list[float]) -> None:
    assert sign_flip(differences) == pytest.approx(by_hand(differences) if any(differences) else 1.0)
    assert sign_flip(differences) + sign_flip([-value for value in differences]) >= 1.0 - 1e-9


@given(st.lists(st.floats(-1, 1), min_size=20, max_size=40), st.floats(0, 0.5))
@settings(max_examples=25, deadline=None)
def test_a_further_worsening_is_never_less_significant(differences: list[float], more: float) -> None:
    spread_out = [value or 0.001 for value in differences]
    assert sign_flip([value + more for value in spread_out]) <= sign_flip(spread_out) + 0.05


def test_a_family_flips_together_and_nothing_changed_is_no_alarm() -> None:
    assert sign_flip([0.1] * 8) == pytest.approx(1 / 256)
    assert sign_flip([0.1] * 8, ["a"] * 4 + ["b"] * 4) == pytest.approx(1 / 4)
    assert sign_flip([0.1] * 8, ["a"] * 8) == pytest.approx(1 / 2)
    assert sign_flip([0.0] * 30) == sign_flip([]) == 1.0
    assert bootstrap([]) == (0.0, 0.0)
    assert bootstrap([0.2] * 9) == pytest.approx((0.2, 0.2))


def test_holm_steps_down_and_weighs() -> None:
    assert holm({"a": 0.01, "b": 0.02, "c": 0.2}, 0.05) == {"a": True, "b": True, "c": False}
    assert holm({"a": 0.02, "b": 0.021, "c": 0.022}, 0.05) == dict.fromkeys("abc", False)
    weights = {"a": 0.5, "b": 0.25, "c": 0.25}
    assert holm({"a": 0.02, "b": 0.5, "c": 0.5}, 0.05, weights)["a"]
    assert not holm({"a": 0.5, "b": 0.02, "c": 0.5}, 0.05, weights)["b"]


@given(st.floats(0.01, 0.2), st.floats(0.01, 0.2))
def test_as_many_cases_as_needed_and_one_fewer(sd: float, effect: float) -> None:
    needed = cases_needed(sd, effect)
    assert detectable_at(sd, needed) <= effect
    assert needed == 2 or detectable_at(sd, needed - 1) > effect


def test_the_detectable_effect_is_that_of_the_t_distribution_over_families() -> None:
    for sd, count, effect in ((0.03, 12, 0.023), (0.05, 24, 0.026), (0.05, 40, 0.020), (0.08, 100, 0.020)):
        assert detectable_at(sd, count) == pytest.approx(effect, abs=0.0006)
    assert spread([0.1, 0.3], ["a", "a"]) == 0.0
    assert spread([0.1, 0.3, 0.0, 0.0], ["a", "a", "b", "b"]) == pytest.approx(math.sqrt(0.02))
    assert detectable([0.1], ["a"]) == math.inf


def test_margins_are_those_that_are_published() -> None:
    assert MARGINS == {"factor_error": 0.02, "score_error": 0.3, "flag_loss": 0.03}


@pytest.mark.slow
def test_false_alarms_and_power_keep_their_bars() -> None:
    found = list(rates())
    assert len(found) == 19
    assert [rate for rate in found if not rate.kept] == []
