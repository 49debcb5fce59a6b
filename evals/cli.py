"""The command `septet eval`, which the CLI finds through an entry point."""

import math
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from agent.errors import InputError, UsageError
from agent.settings import Settings, load_settings
from evals.runs.spread import WORKERS

if TYPE_CHECKING:
    from evals.runs.holdout import Progress

_FOLDER: Final = click.Path(path_type=Path, file_okay=False)
_WITHOUT: Final = ("outlook", "manifests", "facts")
_DRAFTER = click.option(
    "--drafter",
    default="embedded",
    show_default=True,
    type=click.Choice(["embedded", "llm"]),
    help="Which drafter to measure.",
)


@click.group("eval", invoke_without_command=True)
@click.option("--cases", "folder", type=_FOLDER, help="Folder of labelled cases; the bundled corpus by default.")
@_DRAFTER
@click.option("--replay/--live", "replay", default=True, help="Replay an LLM's recorded answers (default), or call it.")
@click.option("--llm", metavar="PROFILE/NAME", default="", help="The LLM of a live run; SEPTET_LLM by default.")
@click.option("--recorded", type=_FOLDER, help="Folder of recorded answers; those of the checkout by default.")
@click.option(
    "--against",
    metavar="PLACE",
    default="baseline",
    show_default=True,
    help="`baseline`, or the --out folder of an earlier run.",
)
@click.option("--sample", type=click.IntRange(min=2), metavar="N", help="Live run: only N cases, spread over vendors.")
@click.option("--repeats", type=click.IntRange(1, 9), default=1, show_default=True, help="Live run: ask N times.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Only the first N cases, for a quick look.")
@click.option("--no-variants", is_flag=True, help="Full listings only: no cards, twins, planted text or special cases.")
@click.option(
    "--without", multiple=True, type=click.Choice(_WITHOUT), help="Ablation: draft without this part. Never gated."
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=WORKERS, show_default=True, help="Number of parallel processes."
)
@click.option("--out", type=_FOLDER, help="Write run.json, drafts.json, report.html, report.md and junit.xml there.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON and nothing else.")
@click.pass_context
def eval_command(
    context: click.Context,
    folder: Path | None,
    drafter: str,
    replay: bool,
    llm: str,
    recorded: Path | None,
    against: str,
    sample: int | None,
    repeats: int,
    limit: int | None,
    no_variants: bool,
    without: tuple[str, ...],
    jobs: int,
    out: Path | None,
    as_json: bool,
) -> None:
    """Measure the drafter on labelled cases, and catch regressions.

    Each case is drafted with constants fitted without its vendor family, then compared with its published
    labels and those of an independent reader. A failed case counts as the worst value and is listed. Runs over the
    bundled corpus are compared with the baseline: exit code 5 when drafts became worse, 6 when recorded answers do not
    match the prompts that would now be sent.
    """
    if context.invoked_subcommand is not None:
        return
    from evals.report import terminal
    from evals.runs import live, outputs, session

    wanted = session.Wanted(
        cases=folder,
        limit=limit,
        variants=not no_variants,
        without=without,  # type: ignore[arg-type]
        jobs=jobs,
        settings=load_settings(os.environ) if drafter == "llm" else Settings(),  # noqa: TID251
        progress=_shown(),
        against=against,
    )
    if drafter == "embedded" and (not replay or llm or recorded or sample or repeats > 1):
        raise UsageError("the embedded drafter does not use an LLM", hint="add --drafter llm")
    if replay and (llm or sample or repeats > 1):
        raise UsageError("--llm, --sample and --repeats need a live run", hint="add --live")
    if not replay and (limit or recorded):
        raise UsageError("--limit and --recorded cannot be used in a live run", hint="use --sample N and --out DIR")
    if not replay:
        outcome = live.live(wanted, llm, count=sample, repeats=repeats, out=(out := out or live.OUT), say=_say)
    else:
        baseline = session.gate_of(drafter, wanted)
        if out is not None:
            # Try the folder before the run, which takes minutes.
            outputs.prepare(out)
        answers = recorded or session.RECORDED
        by_llm = drafter == "llm"
        outcome = session.llm_replay(wanted, answers, baseline) if by_llm else session.embedded(wanted, baseline)
    run = outcome.done
    if out is not None:
        outputs.write(out, run, outcome.verdict)
    click.echo(outputs.run_text(run.evaluation) if as_json else terminal.text(run.evaluation, outcome.verdict))
    session.fail_if(outcome)


@eval_command.command("accept")
@_DRAFTER
@click.option("--reason", required=True, metavar="TEXT", help="Why the change is intended; recorded in the history.")
@click.option("--run", "run", type=_FOLDER, help="A folder that --out wrote; without it the evaluation is run now.")
@click.option(
    "--floor", "floors", multiple=True, metavar="METRIC=VALUE", help="Change a floor; the history records it."
)
def accept_command(drafter: str, reason: str, run: Path | None, floors: tuple[str, ...]) -> None:
    """Make a run the new baseline.

    This is refused if a metric is beyond its floor. A floor changes only with --floor, and the history records the
    change. The LLM's answers in a live run become the recorded answers.
    """
    from evals.runs import session

    if not reason.strip():
        raise UsageError("the reason is empty", hint="explain why the change is intended")
    done, answers = session.to_accept(drafter, run, _shown())
    on = datetime.now(UTC).date().isoformat()
    moved = session.accept(done.evaluation, answers, on=on, reason=reason.strip(), floors=_floors(floors))
    for name, change in moved.history[-1].moved.items():
        click.echo(f"{name}: {change}")
    click.echo(f"accepted: {len(moved.cases)} cases, {len(moved.history[-1].moved)} metrics moved")


@eval_command.command("record")
@click.option("--llm", metavar="PROFILE/NAME", default="", help="The LLM to ask; SEPTET_LLM by default.")
@click.option("--case", "slugs", multiple=True, metavar="SLUG", help="A case to record; repeatable.")
@click.option("--missing", is_flag=True, help="Every recorded case whose answers no longer fit.")
@click.option("--all", "every", is_flag=True, help="Every recorded case.")
def record_command(llm: str, slugs: tuple[str, ...], missing: bool, every: bool) -> None:
    """Record an LLM's answers in the checkout, replacing the existing ones, without judging the drafts."""
    from evals.runs import live
    from evals.runs.session import Wanted

    if (bool(slugs) + missing + every) != 1:
        raise UsageError("no case was specified", hint="use one of --case SLUG, --missing or --all")
    settings = load_settings(os.environ)  # noqa: TID251
    for slug in live.record(Wanted(settings=settings, progress=_shown()), llm, slugs, missing=missing, say=_say):
        click.echo(f"recorded: {slug}")


@eval_command.command("compare")
@click.argument("a", metavar="A")
@click.argument("b", metavar="B")
@click.option(
    "--cases", "most", type=click.IntRange(min=1), default=40, show_default=True, help="Maximum number of cases shown."
)
def compare_command(a: str, b: str, most: int) -> None:
    """Compare two runs, A being the older: folders that --out wrote, with any drafters, prompts, LLMs or dates.

    Prints every metric, paired intervals of the primary losses, each factor's error and the flags that flipped; then,
    worst case first, the cases whose measurements differ and the sentences that differ between their drafts.
    """
    from evals.runs.outputs import load
    from evals.runs.side_by_side import lines

    for line in lines(load(Path(a)), load(Path(b)), names=(Path(a).name, Path(b).name), most=most):
        click.echo(line)


def _floors(given: Sequence[str]) -> dict[str, float]:
    found = {}
    for item in given:
        name, _, value = item.partition("=")
        try:
            found[name] = float(value)
        except ValueError:
            found[name] = math.nan
        if not math.isfinite(found[name]):
            hint = "write METRIC=VALUE with a finite number"
            raise InputError(f"{item!r} is not a floor", where="--floor", hint=hint)
    return found


def _say(text: str) -> None:
    click.echo(text, err=True)


def _shown() -> "Progress | None":
    """Return the callback that prints progress; None unless stderr is a terminal."""
    if not sys.stderr.isatty():
        return None
    return lambda text: click.echo(f"\r\033[K{text}", nl=False, err=True)
