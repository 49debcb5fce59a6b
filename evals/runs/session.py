"""The steps of `septet eval`: choose the cases, run the drafter, compare with the baseline, accept a run."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import DriftError, InputError, RegressionError, UsageError
from agent.settings import Settings
from evals.cases.case import Case
from evals.cases.corpus import load_cases
from evals.cases.families import families
from evals.cases.variants import NONE, bundled_variants
from evals.gate import baseline as baselines
from evals.gate.baseline import COMPARED, Baseline
from evals.gate.replayed import judge
from evals.gate.verdict import Verdict
from evals.metrics.results import Evaluation
from evals.report.saying import accept_command
from evals.runs.ablations import Without, ablation
from evals.runs.assisted import Held, Pair, done, held, recorded_slugs, replayed
from evals.runs.fingerprints import folder_fingerprint, run_fingerprints, variants_fingerprint
from evals.runs.holdout import FitCase, Progress, bundled_cases, bundled_fit_cases, who
from evals.runs.outputs import RUN, load
from evals.runs.runner import Done, evaluate
from evals.runs.spread import WORKERS

ANSWERS: Final = "answers"
"""Name of the subfolder for the LLM's answers in a live run's folder."""
RECORDED: Final = Path(__file__).parents[1] / "recorded"
MADE_OF: Final = ("prompts", "knowledge", "draft_schema", "scoring_revision", "retrieval")
"""Fingerprints that identify the drafter; if any differs, another drafter made the run."""


class Wanted(NamedTuple):
    """The options of one `septet eval` call."""

    cases: Path | None = None
    limit: int | None = None
    variants: bool = True
    without: tuple[Without, ...] = ()
    jobs: int = WORKERS
    settings: Settings = Settings()
    progress: Progress | None = None
    against: str = "baseline"
    """`baseline`, or the path of a file or earlier run to compare with instead."""


class Outcome(NamedTuple):
    """A run with the gate's verdict, if it was compared with anything."""

    done: Done
    verdict: Verdict | None
    gated: bool
    """Whether a verdict of "fail" ends the run with exit code 5."""


# ---------------------------------------------------------------- embedded drafter


def embedded(wanted: Wanted, against: Baseline | None) -> Outcome:
    """Run the embedded drafter; `against` is None if nothing is to be compared."""
    cases, bundled = chosen(wanted)
    fingerprints = prints(cases)
    if against is not None:
        # Check first, since drafting takes minutes.
        baselines.check_same(against, fingerprints, _earlier(wanted))
    limited = cases[: wanted.limit] if wanted.limit else cases
    variants = bundled_variants(limited) if bundled and wanted.variants else NONE
    if wanted.limit:
        variants = variants._replace(special=())
    run = evaluate(
        limited,
        settings=wanted.settings,
        progress=wanted.progress,
        cards=wanted.variants,
        variants=variants,
        workers=wanted.jobs,
        change=ablation(wanted.without),
    )
    known = {"fingerprints": fingerprints, "left_out": left_out(wanted, cases, bundled)}
    run = run._replace(evaluation=run.evaluation.model_copy(update=known))
    if against is None:
        return Outcome(run, None, False)
    verdict = judge(run.evaluation, against, variants.special, listings_only=not wanted.variants)
    return Outcome(run, verdict, bundled and not wanted.without)


def left_out(wanted: Wanted, cases: Sequence[Case], bundled: bool) -> tuple[str, ...]:
    """Return the options that make a call measure less than everything, or remove a part of the drafter."""
    said = [
        "" if bundled else "--cases",
        f"--limit {wanted.limit}" if wanted.limit and wanted.limit < len(cases) else "",
        "" if wanted.variants else "--no-variants",
        *(f"--without {part}" for part in wanted.without),
    ]
    return tuple(option for option in said if option)


def _earlier(wanted: Wanted) -> str | None:
    return None if wanted.against == "baseline" else wanted.against


def chosen(wanted: Wanted) -> tuple[tuple[Case, ...], bool]:
    """Return the cases that count, and whether they are the bundled ones, judged by content, not by path."""
    bundled = bundled_cases()
    if wanted.cases is None:
        return bundled, True
    cases = tuple(case for case in load_cases(wanted.cases) if not case.example)
    return cases, cases == bundled


def prints(cases: Sequence[Case]) -> dict[str, str]:
    """Return the fingerprints of a run over `cases`."""
    return {**run_fingerprints(cases), "variants": variants_fingerprint()}


# ---------------------------------------------------------------- LLM


def llm_replay(wanted: Wanted, folder: Path, against: Baseline | None) -> Outcome:
    """Draft again from the recorded answers in `folder`. Raises DriftError if they do not fit the current prompts."""
    every, bundled = recorded_cases(wanted._replace(limit=None), folder), chosen(wanted)[1]
    cases = every[: wanted.limit] if wanted.limit else every
    if against is not None:
        baselines.check_same(against, prints(every), _earlier(wanted))
    pairs = replayed(
        held_cases(cases, wanted),
        folder,
        wanted.settings,
        workers=wanted.jobs,
        progress=wanted.progress,
    )
    # Variants have no recorded answers, so a drafter with an LLM is measured on full listings only.
    less = left_out(wanted._replace(variants=True), every, bundled)
    run = llm_done(pairs, every, wanted, folder, (*less, *(["--recorded"] if folder != RECORDED else [])))
    if against is None:
        return Outcome(run, None, False)
    return Outcome(run, judge(run.evaluation, against), bundled)


def recorded_cases(wanted: Wanted, folder: Path) -> tuple[Case, ...]:
    """Return the cases with answers in `folder`. Raises DriftError if there are none, or one is not in the corpus."""
    slugs = recorded_slugs(folder)
    if not slugs:
        hint = "`septet eval record` makes recordings, in a checkout; `--recorded DIR` names others"
        raise DriftError("no recorded answers", where=str(folder), hint=hint)
    by_slug = {case.slug: case for case in chosen(wanted)[0]}
    unknown = [slug for slug in slugs if slug not in by_slug]
    if unknown:
        raise DriftError(f"no such case: {unknown[0]}", where=str(folder), hint="take the cases it was recorded with")
    cases = tuple(by_slug[slug] for slug in slugs)
    return cases[: wanted.limit] if wanted.limit else cases


def held_cases(cases: Sequence[Case], wanted: Wanted) -> tuple[Held, ...]:
    """Return each case with constants fitted without its vendor family."""
    fit_cases: tuple[FitCase, ...] = bundled_fit_cases(progress=wanted.progress, workers=wanted.jobs)
    labels = families([who(case) for case in cases])
    return held(cases, labels, fit_cases)


def llm_done(
    pairs: Sequence[Pair], cases: Sequence[Case], wanted: Wanted, folder: Path, less: tuple[str, ...] = ()
) -> Done:
    """Return the evaluation of drafts with an LLM whose answers are in `folder`."""
    run = done(pairs)
    fingerprints = {**prints(cases), "answers": folder_fingerprint(folder, "*.json")}
    known = {"fingerprints": fingerprints, "left_out": less}
    return run._replace(evaluation=run.evaluation.model_copy(update=known))


# ---------------------------------------------------------------- baseline


def baseline_from(place: str, drafter: str) -> Baseline:
    """Load the drafter's baseline, or one from a file or an earlier run's folder. Raises as either `load` does."""
    if place == "baseline":
        return baselines.load(baselines.path_of(drafter))
    path = Path(place)
    if (path / RUN).is_file():
        earlier = load(path).evaluation
        if earlier.drafter != drafter:
            raise UsageError(f"that run is of the {earlier.drafter} drafter", hint="compare two runs of one drafter")
        return baselines.accept(None, earlier, on="", reason="an earlier run")
    return baselines.load(path)


def accept(
    drafter: str,
    run: Evaluation,
    answers: Path | None,
    *,
    on: str,
    reason: str,
    floors: Mapping[str, float],
    path: Path | None = None,
    recorded: Path = RECORDED,
) -> Baseline:
    """Move the baseline in `path` to `run`; `answers` of a live run replace the recorded ones.

    Raises UsageError for a run that left something out, DriftError for a run with other cases, prompts or answers than
    the current ones, RegressionError for a run beyond a floor that `floors` does not move. On error nothing is changed.
    """
    check_acceptable(run, answers, recorded)
    path = path or baselines.path_of(drafter)
    before = baselines.load(path) if path.is_file() else None
    moved = baselines.accept(before, run, on=on, reason=reason, floors=floors)
    if drafter == "llm" and answers is not None:
        _take(answers, run, recorded)
    path.write_text(baselines.dump(moved), "utf-8")
    return moved


def check_acceptable(run: Evaluation, answers: Path | None, recorded: Path) -> None:
    """Raise UsageError or DriftError for a run that the next `septet eval` could not repeat."""
    if run.left_out:
        raise UsageError(
            f"that run is not of everything: {', '.join(run.left_out)}", hint="accept a run without these options"
        )
    cases = bundled_cases()
    if run.drafter == "llm":
        measured = {case.case for case in run.per_case}
        cases = tuple(case for case in cases if case.slug in measured)
    now = prints(cases)
    differ = [name for name in (*COMPARED, *MADE_OF) if run.fingerprints.get(name) != now[name]]
    if (
        run.drafter == "llm"
        and answers is None
        and run.fingerprints.get("answers") != folder_fingerprint(recorded, "*.json")
    ):
        differ.append("answers")
    if differ:
        raise DriftError(
            f"that run was made with other {' and '.join(differ)} than there are now",
            where="accept",
            hint="run `septet eval --out` again and accept that, or accept without --run",
        )


def _take(answers: Path, run: Evaluation, recorded: Path) -> None:
    """Replace the recorded answers with those of a live run for the same cases."""
    if not recorded.is_dir():
        raise InputError("recordings belong to a checkout", where=str(recorded), hint="accept in a checkout")
    lost = [case.case for case in run.per_case if not (answers / case.case).is_dir()]
    if lost:
        raise InputError(
            f"there are no answers for {lost[0]}", where=str(answers), hint="take the whole folder of the run"
        )
    for case in run.per_case:
        shutil.rmtree(recorded / case.case, ignore_errors=True)
        shutil.copytree(answers / case.case, recorded / case.case)


def fail_if(outcome: Outcome) -> None:
    """Raise RegressionError if the run is gated and its verdict is "fail"."""
    verdict = outcome.verdict
    if verdict is None or not outcome.gated or verdict.outcome != "fail":
        return
    first = verdict.findings[0]
    more = len(verdict.findings) - 1
    raise RegressionError(
        first.text + (f"; and {more} more finding{'s' * (more > 1)}" if more else ""),
        where="the gate",
        hint=f"mend it, or accept an intended change with `{accept_command(outcome.done.evaluation.drafter, verdict)}`",
    )


def gate_of(place: str, drafter: str, wanted: Wanted) -> Baseline | None:
    """Return the baseline to compare a run with; None if the shipped baseline would be compared with other cases."""
    if place == "baseline" and not chosen(wanted)[1]:
        return None
    return baseline_from(place, drafter)


def to_accept(drafter: str, folder: Path | None, progress: Progress | None) -> tuple[Done, Path | None]:
    """Return the run to accept, loaded or made now, and for a live run the folder of its answers."""
    if folder is not None:
        run = load(folder)
        if run.evaluation.drafter != drafter:
            raise UsageError(f"that run is of the {run.evaluation.drafter} drafter", hint="name it with --drafter")
        answers = folder / ANSWERS
        return run, answers if answers.is_dir() else None
    wanted = Wanted(progress=progress)
    return (embedded(wanted, None) if drafter == "embedded" else llm_replay(wanted, RECORDED, None)).done, None
