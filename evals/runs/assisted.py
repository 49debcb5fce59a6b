"""Drafts labelled cases with an LLM, live or from recorded answers, and also with the embedded drafter alone.

As everywhere in the evals, the constants of a case are fitted without its vendor family. The LLM sees the passages and
the facts of the case, never its labels, vendor or category.

    FOLDER/<case>/                the answers of an LLM on one case (`agent.llm.cassette`)
    FOLDER/repeat-2/<case>/ …     the answers when it was asked again
"""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from agent.assist.run import Assistant
from agent.cli.llm_session import Choice, open_assistant
from agent.cli.source_options import stamp
from agent.errors import DriftError
from agent.facts.reading import Reading
from agent.llm.cassette import MANIFEST
from agent.pipeline import draft_reading, read_documents
from agent.records import Draft
from agent.settings import Settings
from evals.cases.case import Case
from evals.cases.documents import READ_AT, documents_of
from evals.metrics.measure import measure
from evals.metrics.results import CaseResult, Evaluation
from evals.metrics.summary import summarise
from evals.runs.holdout import Constants, FitCase, HoldoutConstants, Progress, who
from evals.runs.runner import Done, Drafted, drafted, pattern_ids, with_texts
from evals.runs.spread import WORKERS, spread
from evals.runs.usage import usage_of

AT_ONCE: Final = 24
"""Maximum number of cases asked about concurrently; the actual speed depends on the LLM's endpoint."""
RECORD_HINT: Final = "septet eval --drafter llm --live --against baseline --llm PROFILE/NAME"
_NAMED: Final = 6


class Held(NamedTuple):
    """A case with constants fitted without its vendor family."""

    case: Case
    family: str
    constants: Constants


class Pair(NamedTuple):
    """The two drafts of one case, measured."""

    case: Case
    embedded: Drafted
    assisted: Drafted
    draft: Draft


class _Replay(NamedTuple):
    held: Held
    folder: Path
    settings: Settings


def recorded_slugs(folder: Path) -> tuple[str, ...]:
    """Return the slugs of the cases with answers in `folder`, sorted."""
    return tuple(sorted(path.parent.name for path in folder.glob(f"*/{MANIFEST}")))


def held(cases: Sequence[Case], labels: Sequence[str], fit_cases: Sequence[FitCase]) -> tuple[Held, ...]:
    """Return each case with constants fitted without its vendor family; `labels` are the names of the families."""
    holdout = HoldoutConstants(tuple(fit_cases))
    return tuple(
        Held(case, label, holdout.without_family_of(who(case))) for case, label in zip(cases, labels, strict=True)
    )


def pair(one: Held, assistant: Assistant, settings: Settings, answers: Path | None = None) -> Pair:
    """Draft a case both ways; `answers` is the folder of the recording. Raises LlmError when the LLM is unavailable."""
    reading = read_documents(documents_of(one.case), one.constants.heads)
    plain, helped = _draft(one, reading, None), _draft(one, reading, assistant)
    assisted = _with_usage(_measured(one, helped, reading), helped, answers)
    return Pair(one.case, _measured(one, plain, reading), assisted, helped)


def replayed(
    cases: Sequence[Held],
    folder: Path,
    settings: Settings,
    *,
    workers: int = WORKERS,
    progress: Progress | None = None,
) -> list[Pair]:
    """Draft every case both ways, from the answers in `folder`. Raises DriftError naming cases that do not fit."""
    tasks = [_Replay(one, folder, settings) for one in cases]
    made: list[Pair] = []
    odd: list[tuple[str, DriftError]] = []
    for one, found in zip(cases, spread(_replay, tasks, None, workers), strict=True):
        if isinstance(found, Pair):
            made.append(found)
        else:
            odd.append((one.case.slug, DriftError(found[0], where=found[1], hint=found[2])))
        if progress is not None:
            progress(f"replayed {len(made)} of {len(cases)}")
    if odd:
        raise _drift(odd, len(cases))
    return made


def asked(
    cases: Sequence[Held],
    folder: Path,
    llm: str,
    settings: Settings,
    *,
    environ: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> list[Pair]:
    """Draft every case both ways; asks the LLM `llm` about many cases at once and records its answers in `folder`.

    Raises LlmError when the LLM is unavailable; the answers received before that are recorded.
    """
    now = stamp(datetime.now(UTC))

    def one(case: Held) -> Pair:
        place = folder / case.case.slug
        # The code that opens the LLM looks up its API key in the environment.
        known = os.environ if environ is None else environ  # noqa: TID251
        with open_assistant(Choice(llm=llm, record=place), settings, known, now=now) as opened:
            assert opened.assistant is not None
            made = pair(case, opened.assistant, settings)
        # Add the usage now, because the recording with its token counts and times is complete only now.
        made = made._replace(assisted=_with_usage(made.assisted, made.draft, place))
        if progress is not None:
            progress(f"{case.case.slug}: drafted")
        return made

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, cases))


def done(pairs: Sequence[Pair]) -> Done:
    """Return the evaluation of the drafts with an LLM, with the metrics of the embedded drafts of the same cases."""
    plain = _evaluation(pairs, lambda one: one.embedded, "embedded")
    helped = _evaluation(pairs, lambda one: one.assisted, "llm")
    views = tuple(one.assisted.view for one in pairs if one.assisted.view is not None)
    categories = {one.case.slug: one.case.category for one in pairs}
    return Done(helped.model_copy(update={"beside": plain.metrics}), views, categories)


# ---------------------------------------------------------------- one case


def _replay(task: _Replay, _: None) -> "Pair | tuple[str, str, str]":
    """Return the pair, or an unfitting recording's error in parts, since not every error can be pickled."""
    place = task.folder / task.held.case.slug
    try:
        with open_assistant(Choice(replay=place), task.settings, {}, now=READ_AT) as opened:
            assert opened.assistant is not None
            return pair(task.held, opened.assistant, task.settings, place)
    except DriftError as error:
        return error.what, error.where, error.hint


def _draft(one: Held, reading: Reading, assistant: Assistant | None) -> Draft:
    return draft_reading(
        reading,
        name=None,
        calibration=one.constants.calibration,
        created_at=READ_AT,
        draft_id=one.case.slug,
        assistant=assistant,
    )


def _measured(one: Held, draft: Draft, reading: Reading) -> Drafted:
    result = measure(one.case, draft, reading.documents, family=one.family, patterns=pattern_ids())
    return drafted(result, one.case, draft, reading)


def _with_usage(made: Drafted, draft: Draft, answers: Path | None) -> Drafted:
    cell = usage_of(draft, answers)
    return made._replace(result=made.result.model_copy(update={"usage": cell}))


def _evaluation(pairs: Sequence[Pair], which: Callable[[Pair], Drafted], name: str) -> Evaluation:
    results: list[CaseResult] = with_texts([one.case for one in pairs], [which(one) for one in pairs])
    return summarise(results, drafter=name, patterns=pattern_ids())


def _drift(odd: Sequence[tuple[str, DriftError]], total: int) -> DriftError:
    first = odd[0][1]
    names = ", ".join(slug for slug, _ in odd[:_NAMED]) + (" …" if len(odd) > _NAMED else "")
    return DriftError(
        f"the recordings of {len(odd)} of {total} cases do not fit what would be asked",
        where=names,
        hint=f"`{RECORD_HINT}` records anew and says better, worse or cannot tell\n"
        f"{first.what}, {first.where}\n{first.hint}",
    )
