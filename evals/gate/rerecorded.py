"""The gate for two recordings of the same cases, which differ by chance and perhaps by a real effect.

For each primary loss, the paired differences of the cases go through a one-sided sign-flip test that flips whole vendor
families. Holm's correction keeps the probability of a false alarm over the three losses together at `FAMILY_LEVEL`.

    fail           a test rejects; or, as a backstop, the mean difference exceeds twice the margin; or a draft cites
                   text that is not in its source, which chance cannot explain
    pass           the tests show that every loss worsened by less than its margin
    inconclusive   neither; the report says how many further cases would settle it
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from agent.errors import DriftError
from evals.gate.stats import (
    FAMILY_LEVEL,
    LEVEL,
    bootstrap,
    cases_needed,
    detectable,
    holm,
    sign_flip,
    spread,
)
from evals.gate.verdict import Better, Finding, Outcome, PairedTest, Verdict
from evals.metrics.arithmetic import DECIMALS, mean
from evals.metrics.results import CaseResult
from evals.metrics.summary import factor_loss, layer_loss, score_loss

MARGINS: Final = {"factor_error": 0.02, "score_error": 0.3, "flag_loss": 0.03}
"""Primary loss → the mean worsening that is still acceptable."""
WEIGHTS: Final = {"factor_error": 0.5, "score_error": 0.25, "flag_loss": 0.25}
"""Shares of the family level: half for the factor error, the most precise loss with twenty values per case."""
USUAL_SPREAD: Final = {"factor_error": 0.05, "score_error": 0.6, "flag_loss": 0.08}
"""Typical standard deviation of the paired differences, for planning a run that has no data yet."""
BACKSTOP: Final = 2.0
PRIMARY: Final[Mapping[str, Callable[[CaseResult], float | None]]] = {
    "factor_error": factor_loss,
    "score_error": score_loss,
    "flag_loss": layer_loss,
}
_NAMED: Final = 8


class Paired(NamedTuple):
    """The differences of one loss, new minus old, for the cases that have this loss in both runs."""

    cases: tuple[str, ...]
    families: tuple[str, ...]
    differences: tuple[float, ...]


def judge(old: Sequence[Sequence[CaseResult]], new: Sequence[Sequence[CaseResult]]) -> Verdict:
    """Judge `new` against `old`. Each is one run or several repeats, which are averaged within a case first.

    Raises DriftError unless both have the same cases.
    """
    pairs = {name: paired(old, new, loss) for name, loss in PRIMARY.items()}
    raised = alarms({name: (pair.differences, pair.families) for name, pair in pairs.items()})
    tests = tuple(_test(name, pairs[name], raised[name]) for name in PRIMARY)
    findings = [*_invalid(new), *(found for test in tests for found in _findings(test, pairs[test.metric]))]
    return Verdict(
        regime="re-recorded",
        outcome=_outcome(tests, findings),
        findings=tuple(findings),
        moved=(),
        cases=(),
        tests=tests,
        notes=tuple(_note(test) for test in tests if test.verdict == "cannot tell"),
    )


def alarms(losses: Mapping[str, tuple[Sequence[float], Sequence[str]]]) -> dict[str, bool]:
    """Return which primary losses are worse, given paired differences and families; the whole statistical rule."""
    rejected = holm({name: sign_flip(*loss) for name, loss in losses.items()}, FAMILY_LEVEL, WEIGHTS)
    return {name: rejected[name] or _beyond(name, differences) for name, (differences, _) in losses.items()}


def _beyond(name: str, differences: Sequence[float]) -> bool:
    """Return whether the backstop applies: the mean worsened by more than twice the margin, regardless of the test."""
    return (mean(differences) or 0.0) > BACKSTOP * MARGINS[name]


def paired(
    old: Sequence[Sequence[CaseResult]],
    new: Sequence[Sequence[CaseResult]],
    loss: Callable[[CaseResult], float | None],
) -> Paired:
    """Return the differences of one loss, case by case. Raises DriftError when the runs have different cases."""
    before, after = _averaged(old, loss), _averaged(new, loss)
    if before.keys() != after.keys():
        odd = sorted(before.keys() ^ after.keys())
        raise DriftError(
            f"the two runs have different cases: {odd[0]}", where=f"{len(odd)} cases", hint="run both on the same ones"
        )
    families = {case.case: case.family for run in new for case in run}
    kept = [slug for slug in sorted(before) if before[slug] is not None and after[slug] is not None]
    return Paired(
        tuple(kept),
        tuple(families[slug] for slug in kept),
        tuple(round((after[slug] or 0.0) - (before[slug] or 0.0), DECIMALS) for slug in kept),
    )


def _averaged(
    runs: Sequence[Sequence[CaseResult]], loss: Callable[[CaseResult], float | None]
) -> dict[str, float | None]:
    values: dict[str, list[float | None]] = {}
    for run in runs:
        for case in run:
            values.setdefault(case.case, []).append(loss(case))
    return {slug: mean(value for value in found if value is not None) for slug, found in values.items()}


def _test(name: str, pair: Paired, alarm: bool) -> PairedTest:
    differences, families, margin = pair.differences, pair.families, MARGINS[name]
    middle = mean(differences) or 0.0
    low, high = bootstrap(differences, families)
    p_worse = sign_flip(differences, families)
    p_margin = sign_flip([margin - value for value in differences], families)
    p_better = sign_flip([-value for value in differences], families)
    verdict: Better = "cannot tell"
    if alarm:
        verdict = "worse"
    elif p_margin <= LEVEL or not any(differences):
        verdict = "better" if p_better <= LEVEL else "not worse"
    return PairedTest(
        metric=name,
        cases=len(differences),
        mean_difference=middle,
        low=round(low, DECIMALS),
        high=round(high, DECIMALS),
        p_worse=round(p_worse, DECIMALS),
        p_not_inferior=round(p_margin, DECIMALS),
        margin=margin,
        detectable=round(min(detectable(differences, families), 1e9), DECIMALS),
        verdict=verdict,
        further_cases=_further(pair, middle, margin) if verdict == "cannot tell" else None,
    )


def _further(pair: Paired, middle: float, margin: float) -> int | None:
    """Estimate how many further cases would settle the verdict if the mean difference stays as it is."""
    gap = max(margin - middle, middle)
    clusters = len(set(pair.families))
    if gap <= 0 or not clusters:
        return None
    needed = cases_needed(spread(pair.differences, pair.families), gap)
    return max(1, round((needed - clusters) * len(pair.differences) / clusters))


def _invalid(runs: Sequence[Sequence[CaseResult]]) -> list[Finding]:
    """Return a finding if the citation invariant (metric C1) is broken in any repeat."""
    cases = tuple(sorted({case.case for run in runs for case in run if case.valid_citations < case.citations}))
    if not cases:
        return []
    text = f"citation_validity: citations that are not in their source; {', '.join(cases[:_NAMED])}"
    return [Finding(rule="invariant", metric="citation_validity", text=text, cases=cases)]


def _findings(test: PairedTest, pair: Paired) -> list[Finding]:
    if test.verdict != "worse":
        return []
    order = sorted(zip(pair.differences, pair.cases, strict=True), key=lambda row: (-row[0], row[1]))
    cases = tuple(slug for difference, slug in order if difference > 0)
    beyond = _beyond(test.metric, pair.differences)
    reason = f"one-sided p = {test.p_worse:.4f}" + (f", more than twice the margin of {test.margin}" if beyond else "")
    text = (
        f"{test.metric}: worse by {test.mean_difference:.4f} over {test.cases} cases ({reason}); "
        f"{', '.join(cases[:_NAMED])}"
    )
    return [Finding(rule="margin" if beyond else "test", metric=test.metric, text=text, cases=cases)]


def _outcome(tests: Sequence[PairedTest], findings: Sequence[Finding]) -> Outcome:
    if findings:
        return "fail"
    return "inconclusive" if any(test.verdict == "cannot tell" for test in tests) else "pass"


def _note(test: PairedTest) -> str:
    more = "" if test.further_cases is None else f"; about {test.further_cases} further cases would settle it"
    return (
        f"{test.metric}: cannot tell, {test.mean_difference:+.4f} over {test.cases} cases, "
        f"where {test.detectable:.4f} would be found in four of five runs{more}"
    )
