"""The recorded answers of a capable LLM: they match the current requests, and their drafts keep the measured values."""

from pathlib import Path

import pytest

from evals.cases.corpus import bundled_cases
from evals.cases.families import families
from evals.gate.baseline import load, path_of
from evals.runs.assisted import recorded_slugs
from evals.runs.session import RECORDED, Wanted, llm_replay
from evals.runs.usage import complaints

SLUGS = recorded_slugs(RECORDED)
CASES = 24
VENDORS = 20


def test_recordings_hold_no_key_stay_small_and_are_of_many_vendors() -> None:
    by_slug = {case.slug: case for case in bundled_cases()}
    assert set(SLUGS) <= set(by_slug)
    assert len(SLUGS) >= CASES
    assert len(set(families([by_slug[slug].identity for slug in SLUGS]))) >= VENDORS
    assert [said for slug in SLUGS for said in complaints(RECORDED / slug)] == []
    assert sum(path.stat().st_size for path in Path(RECORDED).rglob("*.json")) < 6_000_000


def test_the_baseline_is_of_the_recorded_cases() -> None:
    assert set(load(path_of("llm")).cases) == set(SLUGS)


@pytest.mark.slow
def test_the_recorded_answers_fit_and_make_drafts_that_are_not_worse_than_words_alone() -> None:
    outcome = llm_replay(Wanted(), RECORDED, load(path_of("llm")))
    assert outcome.verdict is not None
    assert outcome.verdict.outcome == "pass", outcome.verdict.findings
    found = outcome.done.evaluation
    for name, sign in (("factor_mae_published", 1), ("factor_mae_reader", 1), ("flag_f1_reader", -1)):
        with_llm, plain = found.metrics[name], found.beside[name]
        assert with_llm is not None
        assert plain is not None
        assert sign * with_llm <= sign * plain, name
    assert found.metrics["citation_validity"] == 1.0
