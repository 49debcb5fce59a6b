"""The steps of `septet eval`: choose the cases, run the drafter, compare with the baseline, accept a run."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from agent.errors import DriftError, InputError, RegressionError, UsageError
from agent.settings import Settings
from evals.cases.case import Case
from evals.cases.corpus import bundled_cases, load_cases
from evals.cases.families import families
from evals.cases.variants import NONE, bundled_variants
from evals.gate import baseline as baselines
from evals.gate.baseline import COMPARED, Baseline
from evals.gate.replayed import judge
from evals.gate.verdict import Verdict
from evals.metrics.results import Evaluation
from evals.report.saying import accept_command
from evals.runs.ablations import Without, ablation
from evals.runs.assisted import Held, Pair, done, recorded_slugs, replayed
from evals.runs.fingerprints import folder_fingerprint, run_fingerprints
from evals.runs.holdout import HoldoutConstants, Progress
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

    @property
    def earlier(self) -> str | None:
        """The path of the file or earlier run to compare with instead of the baseline; None for the baseline."""
        return None if self.against == "baseline" else self.against

    def chosen(self) -> tuple[tuple[Case, ...], bool]:
        """Return the cases that count, and whether they are the bundled ones, judged by content, not by path."""
        bundled = bundled_cases()
        if self.cases is None:
            return bundled, True
        cases = tuple(case for case in load_cases(self.cases) if not case.example)
        return cases, cases == bundled

    def left_out(self, cases: Sequence[Case], bundled: bool, *, variants: bool = True) -> tuple[str, ...]:
        """Return the options that make the call measure less than everything, or that remove a part of the drafter.

        If `variants` is false, the call has no variants that could be left out.
        """
        said = [
            "" if bundled else "--cases",
            f"--limit {self.limit}" if self.limit and self.limit < len(cases) else "",
            "--no-variants" if variants and not self.variants else "",
            *(f"--without {part}" for part in self.without),
        ]
        return tuple(option for option in said if option)


class Outcome(NamedTuple):
    """A run with the gate's verdict, if it was compared with anything."""

    done: Done
    verdict: Verdict | None
    gated: bool
    """Whether a verdict of "fail" ends the run with exit code 5."""


# ---------------------------------------------------------------- runs


def embedded(wanted: Wanted, against: Baseline | None) -> Outcome:
    """Run the embedded drafter; `against` is None if nothing is to be compared."""
    cases, bundled = wanted.chosen()
    fingerprints = run_fingerprints(cases)
    if against is not None:
        # Check first, since drafting takes minutes.
        baselines.check_same(against, fingerprints, wanted.earlier)
    limited = cases[: wanted.limit]
    variants = bundled_variants(limited) if bundled and wanted.variants else NONE
    if wanted.limit:
        variants = variants._replace(special=())
    run = evaluate(
        limited,
        progress=wanted.progress,
        cards=wanted.variants,
        variants=variants,
        workers=wanted.jobs,
        change=ablation(wanted.without),
    )
    known = {"fingerprints": fingerprints, "left_out": wanted.left_out(cases, bundled)}
    run = run._replace(evaluation=run.evaluation.model_copy(update=known))
    if against is None:
        return Outcome(run, None, False)
    verdict = judge(run.evaluation, against, variants.special, listings_only=not wanted.variants)
    return Outcome(run, verdict, bundled and not wanted.without)


def llm_replay(wanted: Wanted, folder: Path, against: Baseline | None) -> Outcome:
    """Draft again from the recorded answers in `folder`. Raises DriftError if they do not fit the current prompts."""
    every, bundled = recorded_cases(wanted._replace(limit=None), folder), wanted.chosen()[1]
    if against is not None:
        baselines.check_same(against, run_fingerprints(every), wanted.earlier)
    cases = held_cases(every[: wanted.limit], wanted)
    pairs = replayed(cases, folder, wanted.settings, workers=wanted.jobs, progress=wanted.progress)
    # Variants have no recorded answers, so a drafter with an LLM is measured on full listings only.
    less = wanted.left_out(every, bundled, variants=False)
    run = llm_done(pairs, every, folder, (*less, *(["--recorded"] if folder != RECORDED else [])))
    if against is None:
        return Outcome(run, None, False)
    return Outcome(run, judge(run.evaluation, against), bundled)


def recorded_cases(wanted: Wanted, folder: Path) -> tuple[Case, ...]:
    """Return the cases with answers in `folder`. Raises DriftError if there are none, or one is not in the corpus."""
    slugs = recorded_slugs(folder)
    if not slugs:
        hint = "`septet eval record` makes recordings, in a checkout; `--recorded DIR` uses others"
        raise DriftError("no recorded answers", where=str(folder), hint=hint)
    by_slug = {case.slug: case for case in wanted.chosen()[0]}
    unknown = [slug for slug in slugs if slug not in by_slug]
    if unknown:
        raise DriftError(
            f"no such case: {unknown[0]}", where=str(folder), hint="specify the cases it was recorded with"
        )
    return tuple(by_slug[slug] for slug in slugs[: wanted.limit])


def held_cases(cases: Sequence[Case], wanted: Wanted) -> tuple[Held, ...]:
    """Return each case with constants fitted without its vendor family."""
    holdout = HoldoutConstants.bundled(wanted.progress, wanted.jobs)
    labels = families([case.identity for case in cases])
    return tuple(
        Held(case, label, holdout.without_family_of(case.identity)) for case, label in zip(cases, labels, strict=True)
    )


def llm_done(pairs: Sequence[Pair], cases: Sequence[Case], folder: Path, less: tuple[str, ...]) -> Done:
    """Return the evaluation of drafts made with an LLM whose answers are in `folder`; `less` says what was left out."""
    run = done(pairs)
    fingerprints = {**run_fingerprints(cases), "answers": folder_fingerprint(folder, "*.json")}
    known = {"fingerprints": fingerprints, "left_out": less}
    return run._replace(evaluation=run.evaluation.model_copy(update=known))


def fail_if(outcome: Outcome) -> None:
    """Raise RegressionError if the run is gated and its verdict is "fail"."""
    verdict = outcome.verdict
    if verdict is None or not outcome.gated or verdict.outcome != "fail":
        return
    more = len(verdict.findings) - 1
    raise RegressionError(
        verdict.findings[0].text + (f"; and {more} more finding{'s' * (more > 1)}" if more else ""),
        where="the gate",
        hint=f"fix it, or accept an intended change with `{accept_command(outcome.done.evaluation.drafter, verdict)}`",
    )


# ---------------------------------------------------------------- baseline


def gate_of(drafter: str, wanted: Wanted) -> Baseline | None:
    """Return the baseline to compare a run with: the drafter's own, or one from a file or an earlier run's folder.

    Returns None if the shipped baseline would be compared with other cases. Raises the errors of both `load` functions
    and, for an earlier run of another drafter, UsageError.
    """
    if wanted.earlier is None:
        return baselines.load(baselines.path_of(drafter)) if wanted.chosen()[1] else None
    path = Path(wanted.earlier)
    if not (path / RUN).is_file():
        return baselines.load(path)
    earlier = load(path).evaluation
    if earlier.drafter != drafter:
        raise UsageError(f"that run used the {earlier.drafter} drafter", hint="compare two runs of the same drafter")
    return baselines.accept(None, earlier, on="", reason="an earlier run")


def to_accept(drafter: str, folder: Path | None, progress: Progress | None) -> tuple[Done, Path | None]:
    """Return the run to accept, loaded from `folder` or made now, and for a live run the folder of its answers."""
    if folder is not None:
        run = load(folder)
        if run.evaluation.drafter != drafter:
            raise UsageError(f"that run used the {run.evaluation.drafter} drafter", hint="specify it with --drafter")
        answers = folder / ANSWERS
        return run, answers if answers.is_dir() else None
    wanted = Wanted(progress=progress)
    return (embedded(wanted, None) if drafter == "embedded" else llm_replay(wanted, RECORDED, None)).done, None


def accept(
    run: Evaluation,
    answers: Path | None,
    *,
    on: str,
    reason: str,
    floors: Mapping[str, float],
    path: Path | None = None,
    recorded: Path = RECORDED,
) -> Baseline:
    """Make `run` the drafter's baseline, or the one in `path`; `answers` of a live run replace the recorded ones.

    Raises UsageError for a run that left something out, DriftError for a run with other cases, prompts or answers than
    the current ones, RegressionError for a run beyond a floor that `floors` does not move. On error nothing is changed.
    """
    _check_acceptable(run, answers, recorded)
    path = path or baselines.path_of(run.drafter)
    before = baselines.load(path) if path.is_file() else None
    moved = baselines.accept(before, run, on=on, reason=reason, floors=floors)
    if run.drafter == "llm" and answers is not None:
        if not recorded.is_dir():
            raise InputError("recordings are part of a checkout", where=str(recorded), hint="run this in a checkout")
        lost = [case.case for case in run.per_case if not (answers / case.case).is_dir()]
        if lost:
            said = f"there are no answers for {lost[0]}"
            raise InputError(said, where=str(answers), hint="use the complete folder of the run")
        for case in run.per_case:
            shutil.rmtree(recorded / case.case, ignore_errors=True)
            shutil.copytree(answers / case.case, recorded / case.case)
    path.write_text(baselines.dump(moved), "utf-8")
    return moved


def _check_acceptable(run: Evaluation, answers: Path | None, recorded: Path) -> None:
    """Raise UsageError or DriftError for a run that the next `septet eval` could not repeat."""
    if run.left_out:
        raise UsageError(
            f"that run is incomplete: {', '.join(run.left_out)}", hint="accept a run without these options"
        )
    llm, measured = run.drafter == "llm", {case.case for case in run.per_case}
    now = run_fingerprints(tuple(case for case in bundled_cases() if not llm or case.slug in measured))
    if llm and answers is None:
        now["answers"] = folder_fingerprint(recorded, "*.json")
    compared = [name for name in (*COMPARED, *MADE_OF, "answers") if name in now]
    differ = [name for name in compared if run.fingerprints.get(name) != now[name]]
    if differ:
        raise DriftError(
            f"that run was made with different {' and '.join(differ)}",
            where="accept",
            hint="run `septet eval --out` again and accept that, or accept without --run",
        )
