"""Two recordings of the same cases: better, worse or cannot tell, by vendor family, with the number of cases to add."""

import pytest

from agent.errors import DriftError
from evals.gate.rerecorded import alarms, judge
from evals.metrics.results import CaseResult
from tests.fakes.evals.evaluation import case

SLUGS = [f"case-{n:02}" for n in range(24)]


def runs(*values: float, noise: float = 0.0) -> list[CaseResult]:
    """Return 24 cases whose factor values cycle through `values`, half of them moved up and half down by `noise`."""
    return [
        case(slug, value=values[n % len(values)] + (noise if n % 2 else -noise), reader=0.4)
        for n, slug in enumerate(SLUGS)
    ]


def test_the_same_answers_pass() -> None:
    verdict = judge([runs(0.5)], [runs(0.5)])
    assert verdict.outcome == "pass"
    assert {test.verdict for test in verdict.tests} == {"not worse"}
    assert [test.metric for test in verdict.tests] == ["factor_error", "score_error", "flag_loss"]


def test_a_worsening_of_every_case_fails_and_names_them() -> None:
    verdict = judge([runs(0.5)], [runs(0.53, 0.55)])
    assert verdict.outcome == "fail"
    (finding,) = verdict.findings
    assert finding.metric == "factor_error"
    assert finding.cases[0] == "case-01"
    assert "over 24 cases" in finding.text
    test = verdict.tests[0]
    assert (test.verdict, test.cases) == ("worse", 24)
    assert test.low <= test.mean_difference <= test.high


def test_a_citation_that_does_not_hold_fails_in_any_repeat() -> None:
    good = runs(0.5)
    bad = [good[0].model_copy(update={"valid_citations": good[0].citations - 1}), *good[1:]]
    verdict = judge([good], [good, bad])
    assert verdict.outcome == "fail"
    assert [(one.rule, one.metric, one.cases) for one in verdict.findings] == [
        ("invariant", "citation_validity", ("case-00",))
    ]


def test_an_improvement_is_better() -> None:
    verdict = judge([runs(0.6, 0.65)], [runs(0.5)])
    assert verdict.outcome == "pass"
    assert verdict.tests[0].verdict == "better"


def test_noise_cannot_be_told_and_says_how_many_cases_would_tell() -> None:
    old, new = runs(0.7), runs(0.71, noise=0.1)
    verdict = judge([old], [new])
    assert verdict.outcome == "inconclusive"
    test = verdict.tests[0]
    assert test.verdict == "cannot tell"
    assert test.further_cases is not None
    assert test.further_cases > 0
    assert f"about {test.further_cases} further cases" in verdict.notes[0]


def test_repeats_are_averaged_inside_a_case_first() -> None:
    spread = [runs(0.5, noise=0.05), runs(0.5, noise=-0.05)]
    assert judge([runs(0.5)], spread).tests[0].mean_difference == pytest.approx(0.0, abs=1e-9)


STILL = ((0.0,), ("v0",))


def test_a_vendor_family_is_one_observation_and_the_backstop_fails_what_too_few_cannot_show() -> None:
    worse = (0.03, 0.02) * 6
    for moved, families, alarm in (
        (worse, tuple(f"v{n}" for n in range(12)), True),
        (worse, ("one vendor",) * 12, False),
        ((0.05, 0.05), ("a", "b"), True),
    ):
        found = alarms({"factor_error": (moved, families), "score_error": STILL, "flag_loss": STILL})
        assert found == {"factor_error": alarm, "score_error": False, "flag_loss": False}


def test_other_cases_are_refused() -> None:
    with pytest.raises(DriftError, match="different cases"):
        judge([runs(0.5)], [runs(0.5)[:-1]])
