"""Live runs: print the expected cost, ask an LLM about labelled cases, and record every answer.

OUT/answers/<case>/…          the LLM's answers (OUT/answers/repeat-2/<case>/ … when asked a second time)
OUT/run.json, report.html …   the files that every run writes
"""

import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from agent.assist.run import MAX_CALLS
from agent.cli.llm_session import named, price_of_llm
from agent.errors import DriftError, InputError, Usage, UsageError
from agent.settings import Settings
from evals.cases.case import Case
from evals.cases.corpus import bundled_cases
from evals.cases.families import families
from evals.gate import rerecorded
from evals.gate.baseline import Baseline, check_same
from evals.gate.stats import detectable_at
from evals.metrics.arithmetic import flip_rate, mean, within_spread
from evals.metrics.results import CaseResult
from evals.runs import session
from evals.runs.assisted import Held, asked, recorded_slugs, replayed
from evals.runs.fingerprints import run_fingerprints
from evals.runs.runner import Done

Say = Callable[[str], None]
OUT: Final = Path("septet-eval-live")
"""The default folder of a live run."""


def live(wanted: session.Wanted, llm: str, *, count: int | None, repeats: int, out: Path, say: Say) -> session.Outcome:
    """Run live over the recorded cases (or `count` of them): print the expected cost, record in `out`, then judge.

    Raises UsageError when no LLM is given or `out` is not empty, DriftError for cases that do not match, and LlmError
    when the LLM is unavailable.
    """
    name = _named(llm, wanted.settings)
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty", hint="specify a new folder with --out")
    baseline = session.gate_of("llm", wanted)
    slugs = recorded_slugs(session.RECORDED) if baseline is None else sorted(baseline.cases)
    known, bundled = wanted.chosen()
    by_slug = {case.slug: case for case in known}
    every = [by_slug[slug] for slug in slugs if slug in by_slug]
    cases = sample(every, count)
    if not cases:
        raise DriftError(
            "none of the baseline's cases is in the corpus", where=wanted.against, hint="record some first"
        )
    if baseline is not None:
        # Check before paying for any answer, since losses under different labels cannot be compared.
        check_same(baseline, run_fingerprints(every), wanted.earlier)
    for line in plan(cases, repeats, name, wanted.settings, baseline):
        say(line)
    constants = session.held_cases(cases, wanted)
    less = wanted._replace(limit=None).left_out(cases, bundled, variants=False)
    if len(cases) < len(slugs):
        less = (*less, f"--sample {len(cases)}")
    runs: list[Done] = []
    for n in range(1, repeats + 1):
        place = out / session.ANSWERS / ("" if n == 1 else f"repeat-{n}")
        pairs = asked(constants, place, name, wanted.settings, progress=wanted.progress)
        runs.append(session.llm_done(pairs, cases, place, less))
    results = [run.evaluation.per_case for run in runs]
    first = runs[0]
    if repeats > 1:
        metrics = {**first.evaluation.metrics, **stability_metrics(results)}
        first = first._replace(evaluation=first.evaluation.model_copy(update={"metrics": metrics}))
    if baseline is None:
        return session.Outcome(first, None, False)
    old = [baseline.cases[case.slug] for case in cases]
    return session.Outcome(first, rerecorded.judge([old], results), True)


def stability_metrics(runs: Sequence[Sequence[CaseResult]]) -> dict[str, float | None]:
    """Compute metric V1: how much the results of the same case vary between repeats."""
    by_case: dict[str, list[CaseResult]] = defaultdict(list)
    for case in (case for run in runs for case in run):
        by_case[case.case].append(case)
    repeats = by_case.values()
    return {
        "stability_factor_sd": mean(
            within_spread([case.factors[key].value for case in found]) for found in repeats for key in found[0].factors
        ),
        "stability_score_sd": mean(within_spread([case.score.value for case in found]) for found in repeats),
        "stability_flag_flips": mean(
            flip_rate([case.layers[key].certain for case in found]) for found in repeats for key in found[0].layers
        ),
    }


def sample(cases: Sequence[Case], count: int | None) -> tuple[Case, ...]:
    """Return a sample of `count` cases, spread over the vendor families; always the same cases."""
    if count is None or count >= len(cases):
        return tuple(cases)
    groups: dict[str, list[Case]] = defaultdict(list)
    for case, label in zip(cases, families([case.identity for case in cases]), strict=True):
        groups[label].append(case)
    rounds = [group[n] for n in range(max(map(len, groups.values()))) for group in groups.values() if n < len(group)]
    step = len(rounds) / count
    return tuple(sorted((rounds[int(n * step)] for n in range(count)), key=lambda case: case.slug))


def plan(cases: Sequence[Case], repeats: int, llm: str, settings: Settings, against: Baseline | None) -> list[str]:
    """Return the lines to print before a live run: its expected calls and cost, and the effects it can detect."""
    asks = len(cases) * repeats
    known = [against.cases[case.slug].usage for case in cases if case.slug in against.cases] if against else []
    cells = [cell for cell in known if cell]
    lines = [f"{len(cases)} cases, {repeats} time{'s' * (repeats > 1)} each: at most {asks * MAX_CALLS} calls of {llm}"]
    if cells:
        tokens_in, tokens_out, calls = (
            sum(getattr(cell, field) for cell in cells) * asks // len(cells)
            for field in ("input_tokens", "output_tokens", "calls")
        )
        price = price_of_llm(llm, settings)
        cost = "at an unknown price"
        if price is not None:
            cost = f"about ${price.cost(Usage(tokens_in, tokens_out)):.2f}"
        lines.append(f"as recorded before: about {calls} calls, {tokens_in} tokens in, {tokens_out} out, {cost}")
    clusters = len(set(families([case.identity for case in cases])))
    if clusters > 1:
        effects = ", ".join(
            f"{name} {detectable_at(spread, clusters):.3f}" for name, spread in rerecorded.USUAL_SPREAD.items()
        )
        lines.append(f"mean differences that would be detected in four of five runs: {effects}")
    return lines


def record(wanted: session.Wanted, llm: str, slugs: Sequence[str], *, missing: bool, say: Say) -> Iterator[str]:
    """Re-record cases of the checkout, and yield the slug of each when its recording is complete and in place.

    Records the cases `slugs` or, if it is empty, every recorded case; with `missing`, only those whose recorded answers
    no longer match.
    """
    name = _named(llm, wanted.settings)
    folder = session.RECORDED
    if not folder.is_dir():
        raise InputError("recordings are part of a checkout", where=str(folder), hint="run this in a checkout")
    known = {case.slug: case for case in bundled_cases()}
    if unknown := [slug for slug in slugs if slug not in known]:
        raise InputError(f"no such case: {unknown[0]}", where="--case", hint="use folder names from corpus/cases")
    constants = session.held_cases([known[slug] for slug in (slugs or recorded_slugs(folder))], wanted)
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
        raise UsageError("a live run needs an LLM", hint="use --llm PROFILE/NAME or set SEPTET_LLM")
    return name
