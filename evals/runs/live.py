"""Live runs: asks an LLM about labelled cases, prints the expected cost first and records every answer.

OUT/answers/<case>/…          the LLM's answers (OUT/answers/repeat-2/<case>/ … for a second time)
OUT/run.json, report.html …   the files that every run writes
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from agent.assist.run import MAX_CALLS
from agent.cli.llm_session import named, price_of_llm
from agent.errors import DriftError, InputError, Usage, UsageError
from agent.settings import Settings
from evals.cases.case import Case
from evals.cases.families import families
from evals.gate import rerecorded
from evals.gate.baseline import Baseline, check_same
from evals.gate.stats import detectable_at
from evals.metrics.arithmetic import flip_rate, mean, within_spread
from evals.metrics.results import CaseResult
from evals.runs import session
from evals.runs.assisted import Held, asked, recorded_slugs, replayed
from evals.runs.holdout import bundled_cases, who
from evals.runs.runner import Done

Say = Callable[[str], None]
OUT: Final = Path("septet-eval-live")
"""The default folder of a live run."""


def live(
    wanted: session.Wanted,
    llm: str,
    *,
    against: str,
    count: int | None,
    repeats: int,
    out: Path,
    say: Say,
) -> session.Outcome:
    """Run live over the recorded cases (or `count` of them): print the cost, record in `out`, then judge.

    Raises UsageError when no LLM is named or `out` is not empty, DriftError for unfitting cases, and LlmError.
    """
    name = _named(llm, wanted.settings)
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty", hint="give a new folder with --out")
    baseline = session.gate_of(against, "llm", wanted)
    slugs = recorded_slugs(session.RECORDED) if baseline is None else sorted(baseline.cases)
    known = {case.slug: case for case in session.chosen(wanted)[0]}
    every = [known[slug] for slug in slugs if slug in known]
    cases = sample(every, count)
    if not cases:
        raise DriftError("none of the baseline's cases is in the corpus", where=against, hint="record some first")
    if baseline is not None:
        # Check before paying for any answer, since losses under different labels cannot be compared.
        check_same(baseline, session.prints(every), None if against == "baseline" else against)
    for line in plan(cases, repeats, name, wanted.settings, baseline):
        say(line)
    return llm_live(wanted, cases, out / session.ANSWERS, name, repeats, baseline)


def llm_live(
    wanted: session.Wanted, cases: Sequence[Case], folder: Path, llm: str, repeats: int, against: Baseline | None
) -> session.Outcome:
    """Ask the LLM about `cases`, `repeats` times, record its answers in `folder`, and judge against the baseline."""
    constants = session.held_cases(cases, wanted)
    less = session.left_out(wanted._replace(variants=True, limit=None), cases, session.chosen(wanted)[1])
    if len(cases) < len(recorded_slugs(session.RECORDED) if against is None else against.cases):
        less = (*less, f"--sample {len(cases)}")
    runs: list[Done] = []
    for n in range(1, repeats + 1):
        place = folder if n == 1 else folder / f"repeat-{n}"
        pairs = asked(
            constants,
            place,
            llm,
            wanted.settings,
            progress=wanted.progress,
        )
        runs.append(session.llm_done(pairs, cases, wanted, place, less))
    first = runs[0]
    if repeats > 1:
        evaluation = first.evaluation
        stability = stability_metrics([run.evaluation.per_case for run in runs])
        first = first._replace(
            evaluation=evaluation.model_copy(update={"metrics": {**evaluation.metrics, **stability}})
        )
    if against is None:
        return session.Outcome(first, None, False)
    old = [against.cases[case.slug] for case in cases]
    return session.Outcome(first, rerecorded.judge([old], [run.evaluation.per_case for run in runs]), True)


def stability_metrics(runs: Sequence[Sequence[CaseResult]]) -> dict[str, float | None]:
    """Compute metric V1: how much the results of the same case vary between repeats."""
    by_case: dict[str, list[CaseResult]] = {}
    for run in runs:
        for case in run:
            by_case.setdefault(case.case, []).append(case)
    factors = [
        within_spread([case.factors[key].value for case in found])
        for found in by_case.values()
        for key in found[0].factors
    ]
    return {
        "stability_factor_sd": mean(value for value in factors if value is not None),
        "stability_score_sd": mean(
            value
            for found in by_case.values()
            if (value := within_spread([case.score.value for case in found])) is not None
        ),
        "stability_flag_flips": mean(
            flip_rate([case.layers[key].certain for case in found])
            for found in by_case.values()
            for key in found[0].layers
        ),
    }


def sample(cases: Sequence[Case], count: int | None) -> tuple[Case, ...]:
    """Return a sample of `count` cases, spread over the vendor families; always the same cases."""
    if count is None or count >= len(cases):
        return tuple(cases)
    groups: dict[str, list[Case]] = {}
    for case, label in zip(cases, families([who(case) for case in cases]), strict=True):
        groups.setdefault(label, []).append(case)
    rounds = [group[n] for n in range(max(map(len, groups.values()))) for group in groups.values() if n < len(group)]
    step = len(rounds) / count
    return tuple(sorted((rounds[int(n * step)] for n in range(count)), key=lambda case: case.slug))


def plan(cases: Sequence[Case], repeats: int, llm: str, settings: Settings, against: Baseline | None) -> list[str]:
    """Return the lines to print before a live run: its expected calls and cost, and the effects it can detect."""
    asks = len(cases) * repeats
    cells = [found.usage for case in cases if against and (found := against.cases.get(case.slug)) and found.usage]
    lines = [f"{len(cases)} cases, {repeats} time{'s' * (repeats > 1)} each: at most {asks * MAX_CALLS} calls of {llm}"]
    if cells:
        usage = Usage(
            sum(cell.input_tokens for cell in cells) * asks // len(cells),
            sum(cell.output_tokens for cell in cells) * asks // len(cells),
        )
        calls = sum(cell.calls for cell in cells) * asks // len(cells)
        price = price_of_llm(llm, settings)
        money = "at a price that is not known" if price is None else f"about ${price.cost(usage):.2f}"
        lines.append(
            f"as recorded before: about {calls} calls, {usage.input_tokens} tokens in, "
            f"{usage.output_tokens} out, {money}"
        )
    clusters = len(set(families([who(case) for case in cases])))
    if clusters > 1:
        effects = ", ".join(
            f"{name} {detectable_at(spread, clusters):.3f}" for name, spread in rerecorded.USUAL_SPREAD.items()
        )
        lines.append(f"mean differences that would be found in four of five runs: {effects}")
    return lines


def record(wanted: session.Wanted, llm: str, slugs: Sequence[str], *, missing: bool, say: Say) -> Iterator[str]:
    """Re-record cases of the checkout, and yield the slug of each when its recording is complete and in place.

    Records the cases `slugs`, or if empty every recorded case; with `missing` only cases whose answers no longer fit.
    """
    name = _named(llm, wanted.settings)
    folder = session.RECORDED
    if not folder.is_dir():
        raise InputError("recordings belong to a checkout", where=str(folder), hint="record in a checkout")
    known = {case.slug: case for case in bundled_cases()}
    if unknown := [slug for slug in slugs if slug not in known]:
        raise InputError(f"no such case: {unknown[0]}", where="--case", hint="give names of folders in corpus/cases")
    cases = tuple(known[slug] for slug in (slugs or recorded_slugs(folder)))
    constants = session.held_cases(cases, wanted)
    if missing:
        constants = tuple(one for one in constants if not _fits(one, folder, wanted.settings))
    for line in plan([one.case for one in constants], 1, name, wanted.settings, None):
        say(line)
    staged = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(staged, ignore_errors=True)
    try:
        for pair in asked(constants, staged, name, wanted.settings, progress=wanted.progress):
            slug = pair.case.slug
            shutil.rmtree(folder / slug, ignore_errors=True)
            shutil.move(staged / slug, folder / slug)
            yield slug
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _fits(one: Held, folder: Path, settings: Settings) -> bool:
    try:
        replayed([one], folder, settings, workers=1)
    except DriftError:
        return False
    return True


def _named(llm: str, settings: Settings) -> str:
    name = named(llm) or named(settings.llm)
    if not name:
        raise UsageError("a live run needs an LLM", hint="give --llm PROFILE/NAME or set SEPTET_LLM")
    return name
