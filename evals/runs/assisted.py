"""Draft labelled cases with an LLM, live or from recorded answers, and also with the embedded drafter alone.

As everywhere in the evals, the constants of a case are fitted without its vendor family. The LLM sees the passages and
the facts of the case, never its labels, vendor or category.

    FOLDER/<case>/                the answers of an LLM on one case (`agent.llm.cassette`)
    FOLDER/repeat-2/<case>/ …     its answers when asked again
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
from agent.llm.cassette import MANIFEST
from agent.records import Draft
from agent.settings import Settings
from evals.cases.case import Case
from evals.cases.documents import READ_AT
from evals.metrics.results import Evaluation
from evals.metrics.summary import summarise
from evals.runs.holdout import Constants, Progress
from evals.runs.runner import Done, Drafted, drafted, pattern_ids, with_texts
from evals.runs.spread import WORKERS, Crew
from evals.runs.usage import usage_of

AT_ONCE: Final = 24
"""Maximum number of cases drafted concurrently; the actual speed depends on the LLM's endpoint."""
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


def replayed(
    cases: Sequence[Held],
    folder: Path,
    settings: Settings,
    *,
    workers: int = WORKERS,
    progress: Progress | None = None,
) -> list[Pair]:
    """Draft every case with the LLM's answers in `folder` and without them. Raises DriftError naming the cases whose
    recordings do not match."""
    tasks = [_Replay(one, folder, settings) for one in cases]
    made: list[Pair] = []
    odd: list[tuple[str, tuple[str, str, str]]] = []
    with Crew(workers) as crew:
        for one, found in zip(cases, crew.spread(_replay, tasks), strict=True):
            if isinstance(found, Pair):
                made.append(found)
            else:
                odd.append((one.case.slug, found))
            if progress is not None:
                progress(f"replayed {len(made)} of {len(cases)}")
    if odd:
        what, where, hint = odd[0][1]
        raise DriftError(
            f"the recordings of {len(odd)} of {len(cases)} cases do not match the current requests",
            where=", ".join(slug for slug, _ in odd[:_NAMED]) + (" …" if len(odd) > _NAMED else ""),
            hint=f"`{RECORD_HINT}` records again and reports better, worse or cannot tell\n{what}, {where}\n{hint}",
        )
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
    """Draft every case with and without `llm`, calling it for many cases concurrently and recording its answers in
    `folder`.

    Raises LlmError when the LLM is unavailable; the answers received before that are recorded.
    """
    now = stamp(datetime.now(UTC))

    def one(case: Held) -> Pair:
        place = folder / case.case.slug
        # The code that opens the LLM looks up its API key in the environment.
        known = os.environ if environ is None else environ  # noqa: TID251
        with open_assistant(Choice(llm=llm, record=place), settings, known, now=now) as opened:
            assert opened.assistant is not None
            made = _pair(case, opened.assistant)
        if progress is not None:
            progress(f"{case.case.slug}: drafted")
        # Add the usage only now: the recording, with its token counts and times, is complete once the LLM is closed.
        return _with_usage(made, place)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, cases))


def done(pairs: Sequence[Pair]) -> Done:
    """Return the evaluation of the drafts with an LLM, with the metrics of the embedded drafts of the same cases."""

    def evaluation(which: Callable[[Pair], Drafted], name: str) -> Evaluation:
        results = with_texts([one.case for one in pairs], [which(one) for one in pairs])
        return summarise(results, drafter=name, patterns=pattern_ids())

    plain = evaluation(lambda one: one.embedded, "embedded")
    helped = evaluation(lambda one: one.assisted, "llm").model_copy(update={"beside": plain.metrics})
    views = tuple(one.assisted.view for one in pairs if one.assisted.view is not None)
    return Done(helped, views, {one.case.slug: one.case.category for one in pairs})


# ---------------------------------------------------------------- one case


def _replay(task: _Replay) -> "Pair | tuple[str, str, str]":
    """Return the pair or, for a recording that does not match, the parts of the error, since not every error can be
    pickled."""
    place = task.folder / task.held.case.slug
    try:
        with open_assistant(Choice(replay=place), task.settings, {}, now=READ_AT) as opened:
            assert opened.assistant is not None
            return _with_usage(_pair(task.held, opened.assistant), place)
    except DriftError as error:
        return error.what, error.where, error.hint


def _pair(one: Held, assistant: Assistant) -> Pair:
    """Draft a case with the LLM and without it. Raises LlmError when the LLM is unavailable."""
    reading = one.constants.read(one.case)
    plain, helped = (one.constants.draft(one.case, reading, helper) for helper in (None, assistant))
    embedded, assisted = (drafted(one.case, draft, reading, one.family) for draft in (plain, helped))
    return Pair(one.case, embedded, assisted, helped)


def _with_usage(made: Pair, answers: Path) -> Pair:
    result = made.assisted.result.model_copy(update={"usage": usage_of(made.draft, answers)})
    return made._replace(assisted=made.assisted._replace(result=result))
