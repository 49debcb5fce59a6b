"""Drafts labelled cases with an LLM and sets them beside the embedded drafts of the same cases.

    python -m evals.assisted --out RUN --llm generic/NAME dbhub cline     asks the LLM; RUN/<case>/ keeps its answers
    python -m evals.assisted --replay RUN                                 the same drafts from the answers, offline

As everywhere in the evals, all calibration data of a case's vendor family is left out: of the embedded estimates, of
the constants by which the LLM's proposals count, and of the examples that it is shown. The LLM sees the passages of the
case, never its labels, vendor or category.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import click

from agent.drafting.assisted.run import Assistant
from agent.drafting.calibrate import Calibration, fit
from agent.drafting.combine import Combination
from agent.drafting.families import Identity
from agent.errors import InputError, UsageError
from agent.export.draft_json import dump
from agent.export.markdown import render
from agent.llm.cassette import MANIFEST
from agent.pipeline import draft_documents
from agent.records import Document, Draft
from agent.resources import data_folder
from agent.settings import Settings, load_settings
from agent.verbs.drafter import Choice
from agent.verbs.opening import open_assistant
from agent.verbs.reading import stamp
from evals.cases import Case
from evals.corpus import load_cases
from evals.documents import READ_AT, documents_of
from evals.fit_combine import fitted
from evals.lessons import Lesson, bundled_lessons, lessons_without
from evals.measure import measure
from evals.metrics import mean
from evals.results import CaseResult
from evals.run import pattern_ids
from evals.script import run_script
from evals.summary import summarise

AT_ONCE: Final = 16
"""Cases that are drafted side by side; whoever answers decides how fast that is."""
DRAFTS: Final = "drafts"
"""Folder of a run in which the drafts are laid down for reading."""
_DRAFTERS: Final = ("embedded", "assisted")
SHOWN: Final = (
    "factor_mae_published",
    "factor_mae_reader",
    "factor_sum_mae_published",
    "interval_coverage_published",
    "interval_width",
    "flag_precision_reader",
    "flag_recall_reader",
    "flag_f1_reader",
    "evidence_recall_reader",
    "citation_validity",
    "score_mae_published",
    "likely_coverage_published",
    "threats_shown",
)
"""Metrics that are printed side by side."""


class Held(NamedTuple):
    """A case with constants that know nothing of its family."""

    case: Case
    calibration: Calibration
    combination: Combination


class Pair(NamedTuple):
    """The two drafts of one case, measured."""

    case: Case
    embedded: CaseResult
    assisted: CaseResult
    draft: Draft
    documents: tuple[Document, ...]


def held(cases: Sequence[Case], lessons: Sequence[Lesson]) -> tuple[Held, ...]:
    """The constants of each case, fitted without its vendor family."""
    made: dict[frozenset[Identity], tuple[Calibration, Combination]] = {}
    found = []
    for case in cases:
        kept = lessons_without(Identity(case.name, case.vendor), lessons)
        key = frozenset(lesson.who for lesson in kept)
        if key not in made:
            made[key] = (fit([lesson.row for lesson in kept]), fitted(kept))
        found.append(Held(case, *made[key]))
    return tuple(found)


def pair(one: Held, assistant: Assistant, settings: Settings) -> Pair:
    """Both drafts of a case. Raises LlmError when the LLM cannot be had."""
    case, documents = one.case, documents_of(one.case)

    def drafted(helper: Assistant | None) -> Draft:
        return draft_documents(
            documents,
            name=None,
            calibration=one.calibration,
            settings=settings,
            created_at=READ_AT,
            draft_id=case.slug,
            assistant=helper,
            combination=one.combination,
        )

    def measured(draft: Draft) -> CaseResult:
        return measure(case, draft, documents, family=case.slug, patterns=pattern_ids())

    draft = drafted(assistant)
    return Pair(case, measured(drafted(None)), measured(draft), draft, documents)


def table(pairs: Sequence[Pair]) -> Iterator[str]:
    """The metrics of both drafters over the same cases, then a row for each case."""
    both = [
        summarise([getattr(one, name) for one in pairs], drafter=name, patterns=pattern_ids()) for name in _DRAFTERS
    ]
    head = f"{len(pairs)} case" if len(pairs) == 1 else f"{len(pairs)} cases"
    yield f"{head:42}{'embedded':>10}{'with LLM':>10}"
    for name in SHOWN:
        yield f"{name:42}" + "".join(f"{_figure(found.metrics.get(name)):>10}" for found in both)
    yield ""
    yield f"{'case':34}{'factor error':>16}{'sum of factors':>22}{'flags':>8}{'threats':>9}{'claims':>12}"
    for one in pairs:
        yield _row(one)


def _row(one: Pair) -> str:
    errors = [mean(_errors(found)) for found in (one.embedded, one.assisted)]
    sums = [sum(cell.value or 0.0 for cell in found.factors.values()) for found in (one.embedded, one.assisted)]
    label = sum(cell.published or 0.0 for cell in one.assisted.factors.values())
    flags = sum(cell.certain is False for cell in one.assisted.layers.values())
    threats = [len(found.threats) for found in (one.embedded, one.assisted)]
    usage = one.draft.usage
    claims = f"{usage.get('claims_dropped', 0):.0f}/{usage.get('claims_proposed', 0):.0f} lost"
    return (
        f"{one.case.slug[:33]:34}{_figure(errors[0]):>8}{_figure(errors[1]):>8}"
        f"{sums[0]:>8.1f}{sums[1]:>7.1f} ({label:.1f}){flags:>8}{threats[0]:>5} →{threats[1]:>2}{claims:>14}"
    )


def _errors(result: CaseResult) -> Iterator[float]:
    for cell in result.factors.values():
        if cell.value is not None and cell.published is not None:
            yield abs(cell.value - cell.published)


def _figure(number: float | None) -> str:
    return "–" if number is None else f"{number:.3f}"


def run(cases: Sequence[Held], folder: Path, llm: str, settings: Settings) -> list[Pair]:
    """Both drafts of every case, the answers of an LLM recorded in `folder`, or replayed from there without a name.

    Cases are drafted side by side. Raises LlmError when the LLM cannot be had, DriftError when a recording does not
    match.
    """
    now = stamp(datetime.now(UTC))

    def drafted(one: Held) -> Pair:
        place = folder / one.case.slug
        choice = Choice(llm=llm, record=place) if llm else Choice(replay=place)
        # The key of the LLM is looked up in the environment by the verb's own code.
        with open_assistant(choice, settings, os.environ, now=now) as opened:  # noqa: TID251
            assert opened.assistant is not None
            made = pair(one, opened.assistant, settings)
        click.echo(f"{one.case.slug}: drafted", err=True)
        return made

    with ThreadPoolExecutor(AT_ONCE if llm else 1) as pool:
        pairs = list(pool.map(drafted, cases))
    (folder / DRAFTS).mkdir(exist_ok=True)
    for one in pairs:
        (folder / DRAFTS / f"{one.case.slug}.md").write_text(render(one.draft, one.documents), "utf-8")
        (folder / DRAFTS / f"{one.case.slug}.json").write_text(dump(one.draft), "utf-8")
    return pairs


@click.command()
@click.argument("slugs", nargs=-1, metavar="CASE...")
@click.option("--out", type=click.Path(path_type=Path), help="New folder for the answers and the drafts.")
@click.option("--llm", metavar="PROFILE/NAME", default="", help="The LLM to ask.")
@click.option("--replay", type=click.Path(path_type=Path, exists=True), help="Folder of an earlier run.")
def command(slugs: tuple[str, ...], out: Path | None, llm: str, replay: Path | None) -> None:
    """Draft CASEs with an LLM and compare them with the embedded drafts and with the labels."""
    if (replay is None) == (out is None) or bool(llm) != (out is not None):
        raise UsageError("give --out and --llm, or --replay", hint="see the head of evals/assisted.py")
    folder = replay or out
    assert folder is not None
    wanted = slugs or tuple(sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}")))
    by_slug = {case.slug: case for case in load_cases(data_folder("corpus") / "cases")}
    if unknown := [slug for slug in wanted if slug not in by_slug]:
        raise InputError(f"no such case: {unknown[0]}", where="corpus/cases", hint="give names of its folders")
    if not wanted:
        raise UsageError("no case is named", hint="give names of folders in corpus/cases")
    lessons = bundled_lessons(Settings())
    settings = load_settings(os.environ)  # noqa: TID251
    pairs = run(held([by_slug[slug] for slug in wanted], lessons), folder, llm, settings)
    for line in table(pairs):
        click.echo(line)


if __name__ == "__main__":
    run_script(lambda arguments: command.main(list(arguments), standalone_mode=False))
