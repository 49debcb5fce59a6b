"""How an LLM's factor values are corrected."""

from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from agent.drafting.calibration import load_factors
from agent.errors import UsageError
from evals.training.judged_factors import KEYS, PULL, Said, bias, corpus_rows, corrected, left_out_errors, main

TENTHS = st.integers(0, 10).map(lambda value: value / 10)


@given(st.lists(TENTHS, min_size=3, max_size=9), st.sampled_from((-0.2, 0.1, 0.3)))
def test_what_readers_say_throughout_is_taken_over_and_the_corpus_holds_it_back(llm: list[float], gap: float) -> None:
    rows = [Said(str(n), value, value + gap) for n, value in enumerate(llm)]
    assert bias(rows, ()) == pytest.approx(gap * len(rows) / (len(rows) + PULL))
    assert bias(rows, rows) == pytest.approx(gap)


def test_the_owner_of_the_measured_product_has_no_say() -> None:
    rows = [Said("one", 0.2, 0.9), Said("one", 0.2, 0.9), Said("two", 0.4, 0.4)]
    errors = left_out_errors(rows, ())
    assert errors[0] == pytest.approx(0.7), "the other owner's reader agrees with the LLM"
    assert errors[2] > 0


def test_corrections_change_nothing_else() -> None:
    before = load_factors()
    after = corrected(before, dict.fromkeys(KEYS, 0.05))
    assert {row.judged.bias for key, row in after.factors.items() if key in KEYS} == {0.05}
    again = corrected(after, {key: before.factors[key].judged.bias for key in before.factors})
    assert again == before


def test_recorded_answers_are_read_and_too_few_readings_are_refused(tmp_path: Path) -> None:
    rows = corpus_rows()
    assert set(rows) >= set(KEYS)
    (tmp_path / "readings").mkdir()
    (tmp_path / "sources.tsv").write_text("slug\trepository\n", "utf-8")
    with pytest.raises(UsageError):
        main([str(tmp_path), str(tmp_path), "--dry"])
