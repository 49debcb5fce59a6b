"""How an LLM's proposal and the embedded estimate become one value, and what an LLM cannot do with it."""

import itertools
import math
from decimal import Decimal
from pathlib import Path

import pytest

from agent.drafting_old.combine import (
    LABELLED,
    Combination,
    FactorMix,
    MixRow,
    Proposal,
    combine,
    fit,
    load_combination,
    unrounded,
)
from agent.errors import InputError, SchemaError
from agent.records import FactorEstimate, Part
from agent.settings import Settings
from agent.taxonomy.keys import FACTORS, FactorKey
from evals.fit_combine import HELD, fitted, held_out, measured
from evals.lessons import bundled_lessons

KEY: FactorKey = "autonomy_of_action"
EVEN_MIX = FactorMix(intercept=0.0, llm=0.5, embedded=0.5, below=-0.2, above=0.2)
TENTHS = [n / 10 for n in range(11)]


def estimate(value: float, low: float, high: float) -> FactorEstimate:
    return FactorEstimate(
        value=Decimal(str(value)),
        low=Decimal(str(low)),
        high=Decimal(str(high)),
        state="inferred",
        parts=(Part(kind="typical", label="a kind", effect=value),),
        rationale="",
        evidence=(),
    )


def constants(mix: FactorMix = EVEN_MIX) -> Combination:
    return Combination(rows=0, factors=dict.fromkeys(LABELLED, mix))


@pytest.mark.parametrize(
    ("proposed", "rank", "value", "low", "high", "held"),
    [
        (0.5, None, "0.5", "0.4", "0.7", None),
        (0.7, 1, "0.6", "0.4", "0.8", None),
        (0.0, None, "0.4", "0.4", "0.6", "below"),  # 0.25 would lie below the range: no quote, no lowering
        (0.0, 2, "0.4", "0.4", "0.6", "below"),  # vendor's prose is not enough
        (0.0, 3, "0.3", "0.1", "0.5", None),  # documentation that names its setting is
        (1.0, 1, "0.7", "0.5", "0.9", "above"),
        (1.0, 4, "0.8", "0.6", "1.0", None),
    ],
)
def test_the_value_leaves_the_embedded_range_only_on_a_pinned_quote(
    proposed: float, rank: int | None, value: str, low: str, high: str, held: str | None
) -> None:
    made = combine(KEY, estimate(0.5, 0.4, 0.7), Proposal(proposed, rank), constants())
    assert made == (Decimal(value), Decimal(low), Decimal(high), held)


def test_the_range_reaches_up_to_what_was_held() -> None:
    made = combine(
        KEY, estimate(0.2, 0.1, 0.3), Proposal(1.0, 1), constants(EVEN_MIX.model_copy(update={"above": 0.1}))
    )
    assert (made.value, made.high, made.held) == (Decimal("0.3"), Decimal("0.6"), "above")


def test_what_the_estimate_was_before_rounding_lies_in_its_range() -> None:
    """An estimate of 0.44 whose range ends at 0.4 is not lowered by a proposal of 1."""
    before = estimate(0.4, 0.2, 0.4).model_copy(update={"parts": (Part(kind="typical", label="a kind", effect=0.44),)})
    assert unrounded(KEY, before, Proposal(1.0, None), constants()) == 0.44
    assert unrounded(KEY, before, Proposal(0.0, None), constants()) == 0.22
    assert combine(KEY, before, Proposal(1.0, None), constants()).value == Decimal("0.4")


def test_a_proposal_that_is_not_below_the_estimate_lowers_nothing() -> None:
    low = EVEN_MIX.model_copy(update={"intercept": -0.1})
    assert combine(KEY, estimate(0.5, 0.2, 0.8), Proposal(0.5, None), constants(low)).value == Decimal("0.5")
    assert combine(KEY, estimate(0.5, 0.2, 0.8), Proposal(0.4, None), constants(low)).value == Decimal("0.4")


def test_a_proposal_that_is_clearly_below_the_estimate_raises_nothing() -> None:
    high = EVEN_MIX.model_copy(update={"intercept": 0.2})
    assert combine(KEY, estimate(0.3, 0.1, 0.9), Proposal(0.2, None), constants(high)).value == Decimal("0.3")
    assert combine(KEY, estimate(0.3, 0.1, 0.9), Proposal(0.3, None), constants(high)).value == Decimal("0.5")
    bundled = load_combination()
    for key, value, below in itertools.product(FACTORS, TENTHS, TENTHS):
        if below < value:
            made = combine(key, estimate(value, 0.0, 1.0), Proposal(below, None), bundled)
            assert (float(made.value) <= value, made.held) == (True, None)


@pytest.mark.parametrize(("most", "value", "low"), [(0.0, "0.5", "0.4"), (0.1, "0.4", "0.4"), (0.2, "0.3", "0.3")])
def test_a_proposal_lowers_by_no_more_than_its_quotes_allow(most: float, value: str, low: str) -> None:
    made = combine(KEY, estimate(0.5, 0.4, 0.7), Proposal(0.0, 3, most), constants())
    assert (made.value, made.held, made.low) == (Decimal(value), "most", min(Decimal(low), Decimal("0.4")))


def test_a_range_keeps_its_end_where_a_value_is_held_above_it() -> None:
    wide = EVEN_MIX.model_copy(update={"below": -0.5})
    made = combine(KEY, estimate(0.5, 0.2, 0.7), Proposal(0.0, 1, 0.05), constants(wide))
    assert (made.value, made.low) == (Decimal("0.5"), Decimal("0.2"))


@pytest.mark.parametrize("most", [-0.1, math.nan])
def test_nothing_lowers_by_less_than_nothing(most: float) -> None:
    with pytest.raises(InputError):
        combine(KEY, estimate(0.5, 0.4, 0.6), Proposal(0.2, None, most), constants())


def test_without_a_pinned_quote_no_proposal_leaves_the_embedded_range() -> None:
    bundled = load_combination()
    for key, value, spread, rank in itertools.product(FACTORS, TENTHS, (0.1, 0.3), (None, 1, 2)):
        low, high = max(round(value - spread, 1), 0.0), min(round(value + spread, 1), 1.0)
        for proposed in TENTHS:
            made = combine(key, estimate(value, low, high), Proposal(proposed, rank), bundled)
            assert low <= float(made.value) <= high
            assert float(made.low) >= low
            assert made.low <= made.value <= made.high


def test_a_higher_proposal_never_gives_a_lower_value() -> None:
    bundled = load_combination()
    for key, value, rank in itertools.product(FACTORS, TENTHS, (None, 3)):
        embedded = estimate(value, max(value - 0.2, 0.0), min(value + 0.2, 1.0))
        made = [combine(key, embedded, Proposal(p, rank), bundled) for p in TENTHS]
        assert [m.value for m in made] == sorted(m.value for m in made)
        assert [m.high for m in made] == sorted(m.high for m in made)


def test_values_are_on_the_grid_and_agreement_changes_little() -> None:
    bundled = load_combination()
    for key, value in itertools.product(FACTORS, TENTHS):
        made = combine(key, estimate(value, max(value - 0.3, 0), min(value + 0.3, 1)), Proposal(value, None), bundled)
        assert all(number * 10 == int(number * 10) for number in (made.value, made.low, made.high))
        assert abs(float(made.value) - value) <= 0.3


@pytest.mark.parametrize("wrong", [-0.1, 1.1, math.nan, math.inf])
def test_a_proposal_outside_the_scale_is_refused(wrong: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        combine(KEY, estimate(0.5, 0.4, 0.6), Proposal(wrong, None), constants())


def rows(llm_is_right: bool) -> list[MixRow]:
    """Made-up products: one of the two sources is right, the other says something that has no bearing on it."""
    made = []
    for n in range(60):
        truth, noise = (n * 7 % 11) / 10, (n * 3 % 10) / 10
        good, bad = dict.fromkeys(LABELLED, truth), dict.fromkeys(LABELLED, noise)
        llm, embedded = (good, bad) if llm_is_right else (bad, good)
        made.append(MixRow(family=f"family {n // 2}", embedded=embedded, llm=llm, published=good))
    return made


def test_the_source_that_is_right_gets_the_weight() -> None:
    trusting, wary = fit(rows(True)), fit(rows(False))
    assert trusting.factors[KEY].llm > trusting.factors[KEY].embedded
    assert wary.factors[KEY].embedded > wary.factors[KEY].llm
    assert min(m.llm for m in (*trusting.factors.values(), *wary.factors.values())) >= 0


def test_a_fit_does_not_depend_on_the_order_of_its_rows() -> None:
    given = rows(True)
    assert fit(given) == fit(given[::-1])


def test_a_weight_is_never_negative() -> None:
    upside_down = [
        MixRow(r.family, r.embedded, {k: 1 - v for k, v in r.published.items()}, r.published) for r in rows(True) * 4
    ]
    assert fit(upside_down, ranges=False).factors[KEY].llm == 0.0


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError, match="too few"):
        fit(rows(True)[:5])


def test_the_bundled_constants_are_of_all_labelled_factors() -> None:
    bundled = load_combination()
    assert set(bundled.factors) == set(LABELLED)
    assert bundled.rows > 200
    for mix in bundled.factors.values():
        assert mix.below < 0 < mix.above
        assert 0.2 < mix.llm < 0.8
        assert 0.2 < mix.embedded < 0.8


def test_a_damaged_file_is_a_schema_error(tmp_path: Path) -> None:
    path = tmp_path / "combination.json"
    path.write_text('{"rows": 3, "factors": {}}', "utf-8")
    with pytest.raises(SchemaError, match="other factors"):
        load_combination(path)
    with pytest.raises(SchemaError, match="cannot be read"):
        load_combination(tmp_path / "missing.json")


@pytest.mark.slow
def test_the_combination_is_better_than_either_source_on_families_that_it_has_not_seen() -> None:
    lessons = bundled_lessons(Settings())
    assert fitted(lessons) == load_combination(), "`python -m evals.fit_combine` was forgotten"
    found = measured(held_out(lessons))
    held = found[HELD]
    assert held.factor <= 0.125
    assert held.total <= 0.90
    for alone in ("llm alone", "embedded alone"):
        assert held.factor < found[alone].factor
        assert held.total < found[alone].total
