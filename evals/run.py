"""Runs the drafter over labelled cases, each with all calibration data of its vendor family left out.

The one place where evals meets the drafting rooms: how a case becomes documents, how a bundled case becomes a row of
the calibration, how a calibration is fitted, and how a draft is made. Decided by content, not by path: a case from any
folder is drafted without the rows of its own family, itself included.
"""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from typing import Final, NamedTuple, TypeVar

from agent.drafting.calibrate import Calibration, CaseLabels, Row, fit, row
from agent.drafting.patterns import load_patterns
from agent.errors import SeptetError
from agent.export.markdown import render
from agent.export.safe_markdown import prose_words
from agent.pipeline import draft_documents, read_documents
from agent.records import Document
from agent.resources import data_folder
from agent.settings import Settings
from evals.cases import Case
from evals.corpus import card, load_cases
from evals.documents import READ_AT, documents_of
from evals.families import Identity, families, same_family
from evals.measure import factor_sum, failed, measure
from evals.results import CardCell, CaseResult, Evaluation, TextCell
from evals.summary import summarise
from evals.wording import below_first_screen, generic_counts, main_part, mask, own_ranks, sentences, words

DRAFTERS: Final = ("embedded",)
WORKERS: Final = 2
_THREAD_COUNTS: Final = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
_ERROR_CHARS: Final = 200
_FEW: Final = 4
"""Up to so many cases are drafted in this process: starting two others takes longer."""

_FAULTS: Final = (SeptetError, ArithmeticError, AssertionError, LookupError, TypeError, ValueError)
"""What one case may fail with and not end the run: our own errors, and a fault of the drafter on this text."""

TaskT = TypeVar("TaskT")
ResultT = TypeVar("ResultT")
Progress = Callable[[str], None]


class Lesson(NamedTuple):
    """A bundled case as the calibration sees it."""

    who: Identity
    row: Row


class _Drafted(NamedTuple):
    """A measured case with the texts for the metrics that compare all reports."""

    result: CaseResult
    main: str | None
    """Main part of the report with names masked; None when the case failed."""
    words: int


def evaluate(
    cases: Sequence[Case],
    *,
    settings: Settings,
    progress: Progress | None = None,
    cards: bool = True,
    lessons: Sequence[Lesson] | None = None,
    workers: int = WORKERS,
) -> Evaluation:
    """Draft every case that counts and measure the drafts. The same cases give the same result.

    `lessons` default to the bundled corpus (`bundled_lessons`). A case that cannot be drafted counts as the worst
    value and is named in `errors`. With `cards`, each case is drafted a second time from its card.
    """
    say = progress or (lambda _: None)
    counted = [case for case in cases if not case.example]
    if lessons is None:
        lessons = bundled_lessons(settings, progress=progress, workers=workers)
    drafted: dict[str, _Drafted] = {}
    groups = _by_lesson(_tasks(counted, settings, cards=cards), lessons)
    for outcomes in _spread(_draft_group, groups, tuple(lessons), workers):
        drafted |= {outcome.result.case: outcome for outcome in outcomes}
        say(f"drafted {len(drafted)} of {len(counted)}")
    ordered = [drafted[case.slug] for case in counted]
    return summarise(_with_texts(counted, ordered), drafter=DRAFTERS[0], patterns=pattern_ids())


@lru_cache(maxsize=1)
def _bundled() -> tuple[Case, ...]:
    return tuple(case for case in load_cases(data_folder("corpus") / "cases") if not case.example)


def bundled_lessons(
    settings: Settings, *, progress: Progress | None = None, workers: int = WORKERS
) -> tuple[Lesson, ...]:
    """Every bundled case that counts as a row of the calibration, by slug."""
    return learn(_bundled(), settings, progress=progress, workers=workers)


def learn(
    cases: Sequence[Case], settings: Settings, *, progress: Progress | None = None, workers: int = WORKERS
) -> tuple[Lesson, ...]:
    """Each case as a row of the calibration, in the order given."""
    say = progress or (lambda _: None)
    lessons: list[Lesson] = []
    for lesson in _spread(_learn, _tasks(cases, settings, cards=False), (), workers):
        lessons.append(lesson)
        say(f"read {len(lessons)} of {len(cases)}")
    return tuple(lessons)


def lessons_without(who: Identity, lessons: Sequence[Lesson]) -> tuple[Lesson, ...]:
    """The lessons of other families than `who`'s."""
    return tuple(lesson for lesson in lessons if not same_family(lesson.who, who))


def fit_all(settings: Settings, *, progress: Progress | None = None, workers: int = WORKERS) -> Calibration:
    """The calibration of the whole bundled corpus, for drafting products that are not in it."""
    return fit([lesson.row for lesson in bundled_lessons(settings, progress=progress, workers=workers)])


def pattern_ids() -> tuple[str, ...]:
    """Ids of all patterns of the threat catalogue, sorted."""
    return tuple(sorted(pattern.id for pattern in load_patterns()))


# ---------------------------------------------------------------- work of one case


class _Task(NamedTuple):
    case: Case
    family: str
    cards: bool
    settings: Settings


def _tasks(cases: Sequence[Case], settings: Settings, *, cards: bool) -> tuple[_Task, ...]:
    labels = families([Identity(case.name, case.vendor) for case in cases])
    return tuple(_Task(case, label, cards, settings) for case, label in zip(cases, labels, strict=True))


def _by_lesson(tasks: Sequence[_Task], lessons: Sequence[Lesson]) -> tuple[tuple[_Task, ...], ...]:
    """Tasks that leave out the same lessons, together: one fit serves them."""
    groups: dict[frozenset[Identity], list[_Task]] = {}
    for task in tasks:
        who = Identity(task.case.name, task.case.vendor)
        groups.setdefault(frozenset(lesson.who for lesson in lessons_without(who, lessons)), []).append(task)
    return tuple(tuple(group) for group in groups.values())


def _learn(task: _Task, _: "_Teacher") -> Lesson:
    case = task.case
    reading = read_documents(documents_of(case), task.settings)
    return Lesson(Identity(case.name, case.vendor), row(reading, _labels(case), family=task.family))


def _labels(case: Case) -> CaseLabels:
    published, reader = case.published, case.reader
    return CaseLabels(
        published=published.factors if published else None,
        reader={key: cell.value for key, cell in reader.factors.items()} if reader else None,
        layers={key: cell.certain for key, cell in reader.layers.items()} if reader else None,
        reader_base=reader.cvss_base if reader else None,
        published_base=published.cvss_base if published else None,
        published_threat_multiplier=published.threat_multiplier if published else None,
        headline=reader.headline if reader else None,
    )


def _draft_group(group: tuple[_Task, ...], teacher: "_Teacher") -> tuple[_Drafted, ...]:
    return tuple(_draft_case(task, teacher) for task in group)


def _draft_case(task: _Task, teacher: "_Teacher") -> _Drafted:
    case, settings = task.case, task.settings
    who = Identity(case.name, case.vendor)
    try:
        calibration = teacher.without_family_of(who)
        documents = documents_of(case)
        draft = draft_documents(
            documents, name=None, calibration=calibration, settings=settings, created_at=READ_AT, draft_id=case.slug
        )
        result = measure(case, draft, documents, family=task.family, patterns=pattern_ids())
        main = main_part(render(draft, documents))
    except _FAULTS as error:
        worst = failed(case, _named(error), family=task.family)
        lost = CardCell(error=worst.error, withheld=False, factor_sum=None) if task.cards else None
        return _Drafted(worst.model_copy(update={"card": lost}), None, 0)
    if task.cards:
        result = result.model_copy(update={"card": _draft_card(card(case), calibration, settings)})
    return _Drafted(result, mask(main, who), prose_words(below_first_screen(main).split("\n")))


def _draft_card(case: Case, calibration: Calibration, settings: Settings) -> CardCell:
    try:
        documents: tuple[Document, ...] = documents_of(case)
        draft = draft_documents(
            documents, name=None, calibration=calibration, settings=settings, created_at=READ_AT, draft_id=case.slug
        )
    except _FAULTS as error:
        return CardCell(error=_named(error), withheld=False, factor_sum=None)
    return CardCell(error=None, withheld=draft.score.withheld is not None, factor_sum=factor_sum(draft))


def _named(error: Exception) -> str:
    """An error on one line of at most 200 characters."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:_ERROR_CHARS]


class _Teacher:
    """Calibrations without one family, each fitted once."""

    def __init__(self, lessons: Sequence[Lesson]) -> None:
        self._lessons = lessons
        self._fitted: dict[frozenset[Identity], Calibration] = {}

    def without_family_of(self, who: Identity) -> Calibration:
        kept = lessons_without(who, self._lessons)
        key = frozenset(lesson.who for lesson in kept)
        if key not in self._fitted:
            self._fitted[key] = fit([lesson.row for lesson in kept])
        return self._fitted[key]


# ---------------------------------------------------------------- spreading over processes

_teacher = _Teacher(())


def _start(lessons: Sequence[Lesson]) -> None:
    global _teacher
    _teacher = _Teacher(lessons)


def _call(work: "Callable[[TaskT, _Teacher], ResultT]", task: TaskT) -> ResultT:
    return work(task, _teacher)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started meanwhile do linear algebra in one thread: the matrices are small, and threads that
    wait for one another cost three times the work."""
    before = {name: os.environ.get(name) for name in _THREAD_COUNTS}  # noqa: TID251 - read by numpy alone
    os.environ.update(dict.fromkeys(_THREAD_COUNTS, "1"))  # noqa: TID251
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]  # noqa: TID251
            else:
                os.environ[name] = value  # noqa: TID251


def _spread(
    work: "Callable[[TaskT, _Teacher], ResultT]", tasks: Sequence[TaskT], lessons: Sequence[Lesson], workers: int
) -> Iterator[ResultT]:
    """The results of `work` over `tasks`, in order; in `workers` processes when that pays."""
    if workers <= 1 or len(tasks) <= _FEW:
        teacher = _Teacher(lessons)
        for task in tasks:
            yield work(task, teacher)
        return
    context = multiprocessing.get_context("spawn")
    with (
        _one_thread_each(),
        ProcessPoolExecutor(workers, mp_context=context, initializer=_start, initargs=(tuple(lessons),)) as pool,
    ):
        yield from pool.map(_call, [work] * len(tasks), tasks)


# ---------------------------------------------------------------- metrics that compare all reports


def _with_texts(cases: Sequence[Case], drafted: Sequence[_Drafted]) -> list[CaseResult]:
    made = [(at, outcome.main) for at, outcome in enumerate(drafted) if outcome.main is not None]
    prose = [sentences(main) for _, main in made]
    generic = generic_counts(prose)
    listings = [
        words(mask("\n".join(page.markdown for page in case.pages), Identity(case.name, case.vendor))) for case in cases
    ]
    ranks = own_ranks([words(main) for _, main in made], listings, owners=[at for at, _ in made])
    results = [outcome.result for outcome in drafted]
    for (at, _), said, repeated, rank in zip(made, prose, generic, ranks, strict=True):
        cell = TextCell(words=drafted[at].words, sentences=len(said), generic_sentences=repeated, own_listing_rank=rank)
        results[at] = results[at].model_copy(update={"text": cell})
    return results
