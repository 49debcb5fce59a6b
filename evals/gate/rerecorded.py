"""The gate for two recordings of the same cases, which differ by chance and perhaps by a real effect.

For each primary loss, the paired differences of the cases go through a one-sided sign-flip test that flips whole vendor
families. Holm's correction keeps the probability of a false alarm over the three losses together at `FAMILY_LEVEL`.

    fail           a test rejects; or, as a backstop, the mean difference exceeds twice the margin; or a draft cites
                   text that is not in its source, which chance cannot explain
    pass           the tests show that every loss worsened by less than its margin
    inconclusive   neither of the above; the report says how many further cases would settle it
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from agent.errors import DriftError
from evals.gate.stats import FAMILY_LEVEL, LEVEL, bootstrap, cases_needed, detectable, holm, sign_flip, spread
from evals.gate.verdict import Better, Finding, PairedTest, Verdict
from evals.metrics.arithmetic import DECIMALS, mean
from evals.metrics.results import LOSSES, CaseLoss, CaseResult, LossName

MARGINS: Final[Mapping[LossName, float]] = {"factor_error": 0.02, "score_error": 0.3, "flag_loss": 0.03}
"""Primary loss → the mean worsening that is still acceptable."""
WEIGHTS: Final[Mapping[LossName, float]] = {"factor_error": 0.5, "score_error": 0.25, "flag_loss": 0.25}
"""Shares of the family level: half goes to the factor error, which is the most precise loss, with twenty values per
case."""
USUAL_SPREAD: Final[Mapping[LossName, float]] = {"factor_error": 0.05, "score_error": 0.6, "flag_loss": 0.08}
"""Typical standard deviation of the paired differences, for planning a run before there are any data."""
BACKSTOP: Final = 2.0
_NAMED: Final = 8
Runs = Sequence[Sequence[CaseResult]]
"""One run, or several repeats of it."""


class Paired(NamedTuple):
    """The differences of one loss, new minus old, for the cases that have this loss in both runs."""

    cases: tuple[str, ...]
    families: tuple[str, ...]
    differences: tuple[float, ...]


def judge(old: Runs, new: Runs) -> Verdict:
    """Judge `new` against `old`. Each is one run or several repeats, which are averaged within a case first.

    Raises DriftError unless both have the same cases.
    """
    pairs = {name: paired(old, new, loss) for name, loss in LOSSES.items()}
    raised = alarms({name: (pair.differences, pair.families) for name, pair in pairs.items()})
    tests = {name: _test(name, pair, raised[name]) for name, pair in pairs.items()}
    findings = [_finding(test, pairs[name]) for name, test in tests.items() if raised[name]]
    invalid = tuple(sorted({case.case for run in new for case in run if case.valid_citations < case.citations}))
    if invalid:
        text = f"citation_validity: citations that are not in their source; {', '.join(invalid[:_NAMED])}"
        findings.insert(0, Finding(rule="invariant", metric="citation_validity", text=text, cases=invalid))
    open_tests = [test for test in tests.values() if test.verdict == "cannot tell"]
    return Verdict(
        regime="re-recorded",
        outcome="fail" if findings else "inconclusive" if open_tests else "pass",
        findings=tuple(findings),
        moved=(),
        cases=(),
        tests=tuple(tests.values()),
        notes=tuple(_note(test) for test in open_tests),
    )


def alarms(losses: Mapping[LossName, tuple[Sequence[float], Sequence[str]]]) -> dict[LossName, bool]:
    """Return whether each primary loss got worse, given its paired differences and families. This function is the
    entire statistical rule."""
    rejected = holm({name: sign_flip(*loss) for name, loss in losses.items()}, FAMILY_LEVEL, WEIGHTS)
    return {name: rejected[name] or _beyond(name, differences) for name, (differences, _) in losses.items()}


def _beyond(name: LossName, differences: Sequence[float]) -> bool:
    """Return whether the backstop applies: the mean worsened by more than twice the margin, regardless of the test."""
    return (mean(differences) or 0.0) > BACKSTOP * MARGINS[name]


def paired(old: Runs, new: Runs, loss: CaseLoss) -> Paired:
    """Return the differences of one loss, case by case. Raises DriftError when the runs have different cases."""

    def averaged(runs: Runs) -> dict[str, float | None]:
        values: dict[str, list[float | None]] = defaultdict(list)
        for run in runs:
            for case in run:
                values[case.case].append(loss(case))
        return {slug: mean(found) for slug, found in values.items()}

    before, after = averaged(old), averaged(new)
    if before.keys() != after.keys():
        odd = sorted(before.keys() ^ after.keys())
        raise DriftError(
            f"the two runs have different cases: {odd[0]}", where=f"{len(odd)} cases", hint="run both on the same cases"
        )
    families = {case.case: case.family for run in new for case in run}
    rows = [
        (slug, families[slug], round(now - then, DECIMALS))
        for slug, then in sorted(before.items())
        if then is not None and (now := after[slug]) is not None
    ]
    return Paired(tuple(row[0] for row in rows), tuple(row[1] for row in rows), tuple(row[2] for row in rows))


def _test(name: LossName, pair: Paired, alarm: bool) -> PairedTest:
    differences, families, margin = pair.differences, pair.families, MARGINS[name]
    middle = mean(differences) or 0.0
    low, high = bootstrap(differences, families)
    p_margin = sign_flip([margin - value for value in differences], families)
    verdict: Better = "cannot tell"
    if alarm:
        verdict = "worse"
    elif p_margin <= LEVEL or not any(differences):
        verdict = "better" if sign_flip([-value for value in differences], families) <= LEVEL else "not worse"
    further = None
    gap, clusters = max(margin - middle, middle), len(set(families))
    if verdict == "cannot tell" and gap > 0 and clusters:
        # The number of further cases that would settle the verdict if the mean difference stays the same.
        needed = cases_needed(spread(differences, families), gap)
        further = max(1, round((needed - clusters) * len(differences) / clusters))
    return PairedTest(
        metric=name,
        cases=len(differences),
        mean_difference=middle,
        low=round(low, DECIMALS),
        high=round(high, DECIMALS),
        p_worse=round(sign_flip(differences, families), DECIMALS),
        p_not_inferior=round(p_margin, DECIMALS),
        margin=margin,
        detectable=round(min(detectable(differences, families), 1e9), DECIMALS),
        verdict=verdict,
        further_cases=further,
    )


def _finding(test: PairedTest, pair: Paired) -> Finding:
    order = sorted(zip(pair.differences, pair.cases, strict=True), key=lambda row: (-row[0], row[1]))
    cases = tuple(slug for difference, slug in order if difference > 0)
    beyond = test.mean_difference > BACKSTOP * test.margin
    reason = f"one-sided p = {test.p_worse:.4f}" + (f", more than twice the margin of {test.margin}" if beyond else "")
    text = (
        f"{test.metric}: worse by {test.mean_difference:.4f} over {test.cases} cases ({reason}); "
        f"{', '.join(cases[:_NAMED])}"
    )
    return Finding(rule="margin" if beyond else "test", metric=test.metric, text=text, cases=cases)


def _note(test: PairedTest) -> str:
    more = "" if test.further_cases is None else f"; about {test.further_cases} further cases would settle it"
    return (
        f"{test.metric}: cannot tell, {test.mean_difference:+.4f} over {test.cases} cases, where "
        f"{test.detectable:.4f} would be detected in four of five runs{more}"
    )
