"""Vendor questions: what they settle, how much of the range they take away, and their order."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drafting_old.candidates import FilledQuestion
from agent.drafting_old.questions import MAX_QUESTIONS, Spread, ask, effect, spread, templates
from agent.records import FactorEstimate
from agent.taxonomy.keys import FACTOR_SETS, FACTORS, LAYERS, FactorKey

TEN = FACTOR_SETS["0.5"]
WORDS = {"name": "Quill", "capability": "sending e-mail", "object": "e-mail"}
TENTHS = st.integers(0, 10).map(lambda n: Decimal(n) / 10)


def factors(state: str = "unknown", width: str = "0.4") -> dict[FactorKey, FactorEstimate]:
    half = Decimal(width) / 2
    return {
        key: FactorEstimate.model_validate({
            "value": Decimal("0.5"), "low": Decimal("0.5") - half, "high": Decimal("0.5") + half, "state": state,
            "parts": (), "rationale": "", "evidence": (),
        })
        for key in FACTORS
    }  # fmt: skip


def causes(width: float = 3.0, base: tuple[float, float, float] = (7.0, 6.0, 8.0)) -> Spread:
    return spread(factors(), base, width, LAYERS)


@given(st.sets(st.sampled_from([*TEN, *LAYERS])), st.floats(0, 10), st.floats(0, 10))
def test_an_effect_lies_between_nought_and_the_width(settles: set[str], width: float, base: float) -> None:
    found = causes(width, (base, max(base - 1, 0), min(base + 1, 10)))
    assert 0 <= effect(sorted(settles), found) <= round(width, 2) + 0.005


@given(st.sets(st.sampled_from([*TEN, *LAYERS])), st.sampled_from([*TEN, *LAYERS]))
def test_settling_more_shrinks_no_less(settles: set[str], more: str) -> None:
    assert effect([*settles, more], causes()) >= effect(sorted(settles), causes())


def test_settling_everything_takes_the_whole_width_and_nothing_takes_nothing() -> None:
    assert effect([*TEN, *LAYERS], causes(3.0)) == 3.0
    assert effect([], causes()) == 0
    assert effect(["natural_language_interface"], causes()) == 0, "it is not in the scored set"
    assert effect([TEN[0]], Spread(3.0, {})) == 0


def test_causes_follow_the_slopes_of_the_score() -> None:
    found = causes(base=(10.0, 10.0, 10.0)).causes
    assert all(found[key] == 0 for key in TEN), "at base 10 no factor moves the score"
    wide = spread(factors(), (5.0, 4.0, 6.0), 3.0, LAYERS[:2]).causes
    assert set(wide) == {*TEN, *LAYERS[:2]}
    assert wide[TEN[0]] == pytest.approx((0.5 * 0.97 * 0.4) ** 2)


def test_every_open_layer_and_factor_is_settled_by_a_question() -> None:
    asked = ask(factors(), LAYERS[:3], [], WORDS, causes())
    settled = {key for question in asked for key in question.settles}
    assert set(LAYERS[:3]) | set(TEN) >= settled
    assert len(asked) == min(MAX_QUESTIONS, 13)
    assert [question.id for question in asked] == [f"Q{n}" for n in range(1, len(asked) + 1)]
    assert [question.effect for question in asked] == sorted((q.effect for q in asked), reverse=True)


def test_a_question_of_the_catalogue_comes_in_place_of_a_general_one() -> None:
    own = FilledQuestion("Who may change the recipient?", "Only the owner.", ("autonomy_of_action", LAYERS[2]))
    asked = ask(factors(), [LAYERS[2]], [own, own], WORDS, causes())
    texts = [question.text for question in asked]
    assert texts.count(own.text) == 1
    assert sum(LAYERS[2] in question.settles for question in asked) == 1


def test_a_question_that_settles_nothing_open_is_not_asked() -> None:
    own = FilledQuestion("Which colour is it?", "Blue.", (LAYERS[0],))
    known = factors("claimed", "0.0")
    asked = ask(known, LAYERS[1:6], [own], WORDS, spread(known, (7, 6, 8), 2, LAYERS))
    assert own.text not in [question.text for question in asked]
    assert len(asked) == 5


def test_templates_are_filled_and_end_as_questions() -> None:
    assert set(templates()) == {*FACTORS, *LAYERS}
    for question in ask(factors(), LAYERS, [], WORDS, causes()):
        assert "{" not in question.text + question.proposed
        assert question.text[0].isupper()
        assert question.text.endswith("?")
        assert question.proposed
