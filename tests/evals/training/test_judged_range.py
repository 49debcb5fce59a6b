"""The ranges of drafts with an LLM: fitted on the baseline's results, measured with the case left out."""

import pytest

from agent.drafting.calibration import load_range
from evals.training.judged_range import fitted, held_out, scores

PAIRS = tuple((5.0 + n / 4, 5.5 + n / 4 + (n % 3 - 1) / 2) for n in range(16))


def test_the_measured_case_is_left_out() -> None:
    covered, width = held_out(PAIRS)
    assert 0.5 <= covered <= 1
    assert 0 < width < 10
    far = held_out((*PAIRS, (9.0, 1.0)))
    assert far[0] == pytest.approx(covered * 16 / 17, abs=0.12), "an outlier does not cover itself"


def test_the_bundled_residuals_are_of_as_many_drafts_as_the_baseline_has_scores() -> None:
    assert len(load_range().judged) == len(scores())
    assert fitted(scores()) == load_range()
