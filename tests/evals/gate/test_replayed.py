"""The gate for deterministic runs, and its baseline: what fails, what is reported, and what acceptance may change."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.errors import DriftError, InputError, RegressionError
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.layers import LAYERS
from evals.gate.baseline import Baseline, accept, check_same, dump, load
from evals.gate.directions import METRICS, Direction
from evals.gate.replayed import judge
from evals.gate.verdict import Verdict
from evals.metrics.results import CardCell, CaseResult, Evaluation, FlagCell, PoisonCell, TwinCell
from evals.metrics.summary import summarise
from tests.fakes.evals.evaluation import FACTORS, broken, case

SLUGS = ("alder", "birch", "cedar", "dogwood")
PRINTS = {"corpus": "c", "labels": "l", "variants": "v", "suite": "1", "prompts": "p"}


def run(results: Sequence[CaseResult]) -> Evaluation:
    return summarise(results, drafter="embedded", patterns=()).model_copy(update={"fingerprints": PRINTS})


GOOD = run([case(slug) for slug in SLUGS])


def baseline(evaluation: Evaluation = GOOD, **floors: float) -> Baseline:
    return accept(None, evaluation, on="2026-11-26", reason="the first", floors=floors)


def with_case(slug: str, **update: object) -> Evaluation:
    return run([one.model_copy(update=update) if one.case == slug else one for one in GOOD.per_case])


def shifted(key: FactorKey, by: float) -> dict[str, object]:
    factors = case("any").factors
    moved = factors[key].model_copy(update={"value": round((factors[key].value or 0) + by, 6)})
    return {"factors": {**factors, key: moved}}


def found(verdict: Verdict, metric: str) -> tuple[str, ...]:
    (finding,) = [one for one in verdict.findings if one.metric == metric]
    assert metric in finding.text
    return finding.cases


def test_the_same_run_passes_and_says_nothing() -> None:
    verdict = judge(GOOD, baseline())
    assert (verdict.outcome, verdict.findings, verdict.moved, verdict.cases, verdict.notes) == ("pass", (), (), (), ())


@pytest.mark.parametrize("key", FACTORS)
@pytest.mark.parametrize("by", [0.1, -0.1])
def test_one_factor_of_one_case_moved_either_way_is_named(key: FactorKey, by: float) -> None:
    # The value lies between its two labels, so that a change in either direction is worse for one of them.
    verdict = judge(with_case("birch", **shifted(key, by)), baseline())
    assert verdict.outcome == "fail"
    assert found(verdict, f"factors/{key}/mae_{'published' if by > 0 else 'reader'}") == ("birch",)
    assert [move.case for move in verdict.cases] == ["birch"]
    assert [move.metric for move in verdict.cases[0].moved if move.metric.startswith("factors/")] == [f"factors/{key}"]


def test_a_flag_that_goes_wrong_is_named_with_its_layer() -> None:
    key, layers = LAYERS[0], GOOD.per_case[0].layers
    certain = {**layers, key: layers[key].model_copy(update={"certain": True})}
    verdict = judge(with_case("cedar", layers=certain), baseline())
    assert found(verdict, f"layers/{key}/loss_reader") == ("cedar",)
    assert "flag_loss" in {finding.metric for finding in verdict.findings}


def test_an_improvement_passes_and_is_listed() -> None:
    better = run([case(slug, value=0.4, reader=0.4) for slug in SLUGS])
    verdict = judge(better, baseline(run([case(slug, value=0.5, reader=0.4) for slug in SLUGS])))
    assert verdict.outcome == "pass"
    assert {move.metric for move in verdict.moved} >= {"factor_error", "factor_mae_published"}
    assert not any(move.worse for move in verdict.moved)


def test_invariants_do_not_need_a_baseline_that_is_better() -> None:
    worse = with_case("dogwood", valid_citations=3)
    assert found(judge(worse, baseline(worse)), "citation_validity") == ("dogwood",)
    planted = (PoisonCell(attack="order-score", broken=("the score moved from 7.0 to 0.0",)),)
    poisoned = with_case("alder", poisoned=planted)
    verdict = judge(poisoned, baseline(poisoned))
    assert found(verdict, "injection_resistance") == ("alder",)
    assert "the score moved from 7.0 to 0.0" in verdict.findings[0].text


def test_a_case_that_fails_is_named_and_is_the_worst() -> None:
    verdict = judge(run([*GOOD.per_case[:-1], broken("dogwood")]), baseline())
    assert found(verdict, "errors") == ("dogwood",)
    assert {"metric", "case"} <= {finding.rule for finding in verdict.findings if finding.metric == "factor_error"}
    assert all(finding.cases[0] == "dogwood" for finding in verdict.findings if finding.metric == "factor_error")


def test_one_case_may_not_become_much_worse_whatever_the_mean_does() -> None:
    many = [f"case-{n}" for n in range(100)]
    before = run([case(slug) for slug in many])
    # The mean changes by less than its tolerance.
    after = run([case(slug, value=0.8 if slug == "case-7" else 0.5) for slug in many])
    verdict = judge(after, baseline(before))
    assert ("case", ("case-7",)) in {(finding.rule, finding.cases) for finding in verdict.findings}


def test_a_floor_holds_even_when_the_baseline_is_there_already() -> None:
    made = baseline().model_copy(update={"floors": {"flag_precision_reader": 0.99, "flag_recall_reader": 0.7}})
    verdict = judge(GOOD, made)
    assert [finding.metric for finding in verdict.findings] == ["flag_recall_reader"]
    assert verdict.findings[0].rule == "floor"


def test_a_part_of_the_cases_is_compared_with_the_same_part() -> None:
    verdict = judge(run(GOOD.per_case[:2]), baseline())
    assert verdict.outcome == "pass"
    assert verdict.notes == ("compared over 2 of 4 cases; floors apply to all of them",)
    part = with_case("alder", **shifted("opacity_reflexivity", 0.1)).per_case[:2]
    assert judge(run(part), baseline()).outcome == "fail"


def test_full_listings_alone_are_no_loss_of_what_was_not_asked_for() -> None:
    # --no-variants, the quick check that the help suggests, once failed because of the metrics that it leaves out.
    card = CardCell(withheld=True, factor_sum=5.5, layers={LAYERS[0]: FlagCell(certain=True, gold=True)})
    twin, poisoned = TwinCell(factor_sum=5.0, shift=0.1, flips=0), (PoisonCell(attack="a", broken=()),)
    whole = run([case(slug, card=card, twin=twin, poisoned=poisoned) for slug in SLUGS])
    made = baseline(whole, twin_sum_shift=0.2, injection_resistance=1.0, factor_error=0.5)
    verdict = judge(GOOD, made, listings_only=True)
    assert (verdict.outcome, verdict.findings, verdict.moved) == ("pass", (), ())
    assert "full listings only" in verdict.notes[0]
    assert judge(GOOD, made).outcome == "fail", "nobody said so: what is gone is the worst"
    worse = with_case("alder", **shifted("opacity_reflexivity", 0.1))
    assert judge(worse, made, listings_only=True).outcome == "fail"
    tight = made.model_copy(update={"floors": {"factor_error": 0.01}})
    assert [one.rule for one in judge(GOOD, tight, listings_only=True).findings] == ["floor"]


def test_cases_that_the_baseline_lacks_do_not_move_its_means() -> None:
    # As when an earlier run with --limit serves as the baseline.
    few = baseline(run(GOOD.per_case[:2]))
    more = run([*GOOD.per_case[:2], case("elm", value=0.9)])
    assert judge(more, few).findings == ()
    with pytest.raises(DriftError, match="no case in common"):
        judge(run([case("elm")]), few)


def test_other_prompts_are_told_and_other_cases_refused() -> None:
    other = GOOD.model_copy(update={"fingerprints": {**PRINTS, "prompts": "q"}})
    assert judge(other, baseline()).notes == ("prompts differs from the baseline's",)
    check_same(baseline(), other.fingerprints)
    with pytest.raises(DriftError, match="made with different corpus"):
        check_same(baseline(), {**PRINTS, "corpus": "d"})
    with pytest.raises(DriftError, match="that run was made with different labels") as caught:
        check_same(baseline(), {**PRINTS, "labels": "m"}, "before")
    assert caught.value.where == "before"


def test_a_baseline_is_the_same_bytes_and_comes_back(tmp_path: Path) -> None:
    made = baseline(flag_precision_reader=0.9)
    text = dump(made)
    (tmp_path / "b.json").write_text(text, "utf-8")
    assert load(tmp_path / "b.json") == made
    assert dump(load(tmp_path / "b.json")) == text
    assert max(len(line) for line in text.splitlines()) < 400
    assert sum('"autonomy_of_action": {' in line for line in text.splitlines()) == len(SLUGS)
    with pytest.raises(DriftError, match="no baseline"):
        load(tmp_path / "none.json")
    (tmp_path / "b.json").write_text("{}", "utf-8")
    with pytest.raises(InputError, match="not a baseline"):
        load(tmp_path / "b.json")


def test_acceptance_keeps_a_reason_and_never_lowers_a_floor_silently() -> None:
    before = baseline(flag_precision_reader=1.0, factor_mae_published=0.12)
    worse = run([case(slug, value=0.6) for slug in SLUGS])
    with pytest.raises(RegressionError, match=r"factor_mae_published is 0\.2000, beyond its floor of 0\.1200"):
        accept(before, worse, on="2026-11-27", reason="why not")
    moved = accept(before, worse, on="2026-11-27", reason="labels changed", floors={"factor_mae_published": 0.25})
    assert moved.floors == {"flag_precision_reader": 1.0, "factor_mae_published": 0.25}
    last = moved.history[-1]
    assert (len(moved.history), last.reason, last.on) == (2, "labels changed", "2026-11-27")
    assert last.moved["floor of factor_mae_published"] == "0.1200 → 0.2500"
    assert last.moved["factor_mae_published"] == "0.1000 → 0.2000"
    with pytest.raises(InputError, match="not a metric with a floor"):
        accept(before, worse, on="", reason="x", floors={"threats_shown": 1.0})


def test_a_metric_that_is_gone_is_worse_than_any_value() -> None:
    for direction in METRICS.values():
        assert direction.worse(0.5, None)
        assert not direction.worse(None, 0.5)
    near = Direction("near", 0.01, 0.8)
    assert near.worse(0.8, 0.7)
    assert near.worse(0.8, 0.9)
    assert not near.worse(0.7, 0.79)
