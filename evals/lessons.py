"""The bundled cases as rows of the calibration, and calibrations that know nothing of one vendor family.

Decided by content, not by path: a case from any folder is drafted without the rows of its own family, itself included.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from agent.drafting.calibration import Calibration

from agent.facts.reading import Reading
from agent.pipeline import read_documents
from agent.resources import data_folder
from agent.settings import Settings
from agent.taxonomy.keys import LAYERS, LayerKey
from evals.cases import Case
from evals.corpus import card, load_cases
from evals.documents import documents_of
from evals.families import Identity, families, same_family
from evals.spread import WORKERS, Crew

Progress = Callable[[str], None]
_KEY_CHARS: Final = 32


class Lesson(NamedTuple):
    """A bundled case as the calibration sees it."""

    who: Identity
    row: Row


class Learnt(NamedTuple):
    """Lessons, and what was read for them, which a draft of the same text need not read again."""

    lessons: tuple[Lesson, ...]
    readings: Mapping[str, Reading]
    """By `text_key` of the case, its card among them."""


class _Task(NamedTuple):
    case: Case
    family: str
    settings: Settings
    change: Callable[[Reading], Reading] | None


def who(case: Case) -> Identity:
    """Whom a case is about, for telling families apart."""
    return Identity(case.name, case.vendor)


def text_key(case: Case) -> str:
    """Content address of what a drafter sees of a case."""
    digest = hashlib.sha256()
    for page in case.pages:
        digest.update(page.markdown.encode() + b"\0")
    return digest.hexdigest()[:_KEY_CHARS]


@lru_cache(maxsize=1)
def bundled_cases() -> tuple[Case, ...]:
    """The bundled cases that count, by slug."""
    return tuple(case for case in load_cases(data_folder("corpus") / "cases") if not case.example)


def learn(
    cases: Sequence[Case],
    settings: Settings,
    *,
    progress: Progress | None = None,
    workers: int = WORKERS,
    change: Callable[[Reading], Reading] | None = None,
    crew: Crew | None = None,
) -> Learnt:
    """Each case as a row of the calibration, in the order given; `change` is applied to each reading before.

    A `crew` that is there already does the work in place of `workers` processes of its own.
    """
    say = progress or (lambda _: None)
    labels = families([who(case) for case in cases])
    tasks = [_Task(case, label, settings, change) for case, label in zip(cases, labels, strict=True)]
    lessons: list[Lesson] = []
    readings: dict[str, Reading] = {}
    for case, (lesson, reading, short) in zip(cases, (crew or Crew(workers)).spread(_learn, tasks, None), strict=True):
        lessons.append(lesson)
        readings[text_key(case)] = reading
        if short is not None:
            readings[text_key(card(case))] = short
        say(f"read {len(lessons)} of {len(cases)}")
    return Learnt(tuple(lessons), readings)


def bundled_lessons(
    settings: Settings, *, progress: Progress | None = None, workers: int = WORKERS
) -> tuple[Lesson, ...]:
    """Every bundled case that counts as a row of the calibration, by slug."""
    return learn(bundled_cases(), settings, progress=progress, workers=workers).lessons


def lessons_without(whom: Identity, lessons: Sequence[Lesson]) -> tuple[Lesson, ...]:
    """The lessons of other families than `whom`'s."""
    return tuple(lesson for lesson in lessons if not same_family(lesson.who, whom))


def fit_all(settings: Settings, *, progress: Progress | None = None, workers: int = WORKERS) -> Calibration:
    """The calibration of the whole bundled corpus, for drafting products that are not in it."""
    return fit([lesson.row for lesson in bundled_lessons(settings, progress=progress, workers=workers)])


class Teacher:
    """Calibrations without one family, each fitted once."""

    def __init__(self, lessons: Sequence[Lesson]) -> None:
        self._lessons = lessons
        self._fitted: dict[frozenset[Identity], Calibration] = {}

    def without_family_of(self, whom: Identity) -> Calibration:
        """The calibration of all other families. Raises InputError when they are too few."""
        kept = lessons_without(whom, self._lessons)
        key = frozenset(lesson.who for lesson in kept)
        if key not in self._fitted:
            self._fitted[key] = fit([lesson.row for lesson in kept])
        return self._fitted[key]


def _learn(task: _Task, _: None) -> tuple[Lesson, Reading, Reading | None]:
    case = task.case
    reading = _read(case, task)
    short = _read(card(case), task) if case.readings and case.readings.card else None
    return Lesson(who(case), row(reading, _labels(case), family=task.family, card=short)), reading, short


def _read(case: Case, task: _Task) -> Reading:
    reading = read_documents(documents_of(case))
    return reading if task.change is None else task.change(reading)


def _labels(case: Case) -> CaseLabels:
    published, reader = case.published, case.reader
    coded = case.readings.headline_code if case.readings else None
    return CaseLabels(
        published=published.factors if published else None,
        reader={key: cell.value for key, cell in reader.factors.items()} if reader else None,
        layers={key: cell.certain for key, cell in reader.layers.items()} if reader else None,
        card_layers=_card_layers(case),
        reader_base=reader.cvss_base if reader else None,
        published_base=published.cvss_base if published else None,
        published_threat_multiplier=published.threat_multiplier if published else None,
        headline=Code(coded.asi, coded.layer, coded.asset) if coded else None,
    )


def _card_layers(case: Case) -> dict[LayerKey, bool] | None:
    if case.readings is None:
        return None
    said = {key: case.readings.card_certain(key) for key in LAYERS}
    return {key: certain for key, certain in said.items() if certain is not None}
