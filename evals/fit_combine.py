"""Fits how an LLM's proposal and the embedded estimate are combined: `python -m evals.fit_combine`.

The independent reader's labels stand in for the LLM, the published labels are the target. Every figure is measured
with the whole vendor family of a case left out of everything: of the constants of the combination, of those of the
embedded estimate of the case, and of the estimates that the constants of the combination were fitted on. `--check`
compares the stored file with what the corpus gives (half a minute); without it the file is written and the figures
are printed (two minutes).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import click

from agent.drafting_old import calibrate_certainty, calibrate_factors, combine, factors
from agent.drafting_old.calibrate import Row
from agent.drafting_old.calibrate_factors import FactorCalibration, FactorRow
from agent.drafting_old.combine import LABELLED, Combination, MixRow, Proposal, mixed
from agent.drafting_old.factor_features import FactorFeatures
from agent.drafting_old.factor_values import values_of
from agent.errors import DriftError
from agent.records import FactorEstimate, Part
from agent.resources import data_folder
from agent.settings import Settings
from agent.taxonomy.keys import FactorKey
from evals.lessons import Lesson, bundled_lessons, lessons_without
from evals.metrics import HALF, error, mean
from evals.script import run_script

FILE: Final = "combination.json"
_SUM_TOP: Final = 10.0
_GRID: Final = 10
_HAIR: Final = 1e-9

Values = Mapping[FactorKey, float]


class Held(NamedTuple):
    """One case with what was estimated without its family."""

    row: MixRow
    estimates: Mapping[FactorKey, FactorEstimate]
    constants: Combination


class Errors(NamedTuple):
    """Mean absolute errors against the published labels."""

    factor: float
    total: float
    """Of the sum of the ten factors."""


def fitted(lessons: Sequence[Lesson]) -> Combination:
    """The constants for products that are not in the corpus."""
    return combine.fit(_rows([lesson.row for lesson in lessons]))


def held_out(lessons: Sequence[Lesson]) -> tuple[Held, ...]:
    """Every case with both label sets, estimated by constants that know nothing of its family."""
    made: dict[frozenset[str], tuple[FactorCalibration, Combination]] = {}
    found: list[Held] = []
    for lesson in lessons:
        if not _complete(lesson.row):
            continue
        kept = [other.row for other in lessons_without(lesson.who, lessons)]
        key = frozenset(row.family for row in kept)
        if key not in made:
            made[key] = (calibrate_factors.fit([_factor_row(row) for row in kept]), combine.fit(_rows(kept)))
        calibration, constants = made[key]
        features = lesson.row.factors
        embedded = factors.values(features, calibration)
        estimates = {name: _estimate(name, value, features, calibration) for name, value in embedded.items()}
        found.append(Held(_mix_row(lesson.row, embedded), estimates, constants))
    return tuple(found)


HELD: Final = "stacked, held in the embedded range"


def measured(cases: Sequence[Held]) -> dict[str, Errors]:
    """How far each way of making a value is from the published labels, values rounded to tenths."""
    ways: tuple[tuple[str, Callable[[Held, FactorKey], float]], ...] = (
        ("llm alone", lambda case, key: case.row.llm[key]),
        ("embedded alone", lambda case, key: case.row.embedded[key]),
        ("mean of the two", lambda case, key: (case.row.llm[key] + case.row.embedded[key]) / 2),
        ("stacked, free", lambda case, key: _stacked(case, key)),
        (HELD, lambda case, key: float(_combined(case, key).value)),
    )
    return {name: _errors(cases, way) for name, way in ways}


def figures(cases: Sequence[Held]) -> tuple[str, ...]:
    """What is printed: a row for each way of making a value, then what the ranges cover."""
    rows = [
        f"{name:38} factor MAE {found.factor:.4f}   sum {found.total:.3f}   ({len(cases)} cases)"
        for name, found in measured(cases).items()
    ]
    ranges = [(_combined(case, key), case.row.published[key]) for case in cases for key in LABELLED]
    covered = mean(float(made.low) - _HAIR <= label <= float(made.high) + _HAIR for made, label in ranges)
    width = mean(float(made.high - made.low) for made, _ in ranges)
    stopped = sum(made.held is not None for made, _ in ranges)
    rows.append(f"range covers {covered:.3f} of the published labels, mean width {width:.3f}")
    rows.append(f"held at an end of the embedded range: {stopped} of {len(ranges)} values")
    return tuple(rows)


def main(arguments: Sequence[str]) -> None:
    """Fit and write, or with `--check` fit and compare. Raises DriftError when the stored constants differ."""
    path = data_folder("corpus") / "knowledge" / "calibration" / FILE
    lessons = bundled_lessons(Settings())
    text = fitted(lessons).model_dump_json(indent=1) + "\n"
    if "--check" in arguments:
        if not path.exists() or path.read_text("utf-8") != text:
            raise DriftError(
                "the combination is not what the corpus gives",
                where=path.name,
                hint="run `python -m evals.fit_combine` and commit the result",
            )
        return
    path.write_text(text, "utf-8")
    for line in figures(held_out(lessons)):
        click.echo(line)


def _rows(rows: Sequence[Row]) -> list[MixRow]:
    """Rows of the combination's fit; the embedded estimates are made in folds, each without its fold's families."""
    folds = calibrate_certainty.fold_of([row.family for row in rows])
    made: dict[int, MixRow] = {}
    for fold in range(calibrate_certainty.FOLDS):
        held = [at for at, n in enumerate(folds) if n == fold and _complete(rows[at])]
        if not held:
            continue
        train = [_factor_row(row) for row, n in zip(rows, folds, strict=True) if n != fold]
        constants = calibrate_factors.fit(train, ranges=False)
        found = values_of([rows[at].factors for at in held], constants)
        made |= {at: _mix_row(rows[at], values) for at, values in zip(held, found, strict=True)}
    return [made[at] for at in sorted(made)]


def _complete(row: Row) -> bool:
    sets = (row.labels.published, row.labels.reader)
    return all(found is not None and all(key in found for key in LABELLED) for found in sets)


def _factor_row(row: Row) -> FactorRow:
    return FactorRow(row.factors, row.labels.published, row.labels.reader, row.family)


def _mix_row(row: Row, embedded: Values) -> MixRow:
    return MixRow(
        family=row.family, embedded=embedded, llm=row.labels.reader or {}, published=row.labels.published or {}
    )


def _estimate(key: FactorKey, value: float, features: FactorFeatures, calibration: FactorCalibration) -> FactorEstimate:
    """The estimate as far as the combination reads it: value and range, before controls."""
    silent = features.thin or not calibrate_factors.strengths(key, features)
    spread = calibration.factors[key].unknown if silent else calibration.factors[key].known
    return FactorEstimate.model_validate(
        {
            "value": _tenth(value),
            "low": min(_tenth(value), _tenth(value + spread.below)),
            "high": max(_tenth(value), _tenth(value + spread.above)),
            "state": "unknown" if silent else "inferred",
            "parts": (Part(kind="typical", label="all parts together", effect=value),),
            "rationale": "",
            "evidence": (),
        }
    )


def _stacked(case: Held, key: FactorKey) -> float:
    return mixed(case.constants.factors[key], case.row.llm[key], case.row.embedded[key])


def _combined(case: Held, key: FactorKey) -> combine.Combined:
    return combine.combine(key, case.estimates[key], Proposal(case.row.llm[key], None), case.constants)


def _errors(cases: Sequence[Held], way: Callable[[Held, FactorKey], float]) -> Errors:
    made = [{key: _tenth(way(case, key)) for key in LABELLED} for case in cases]
    labels = [case.row.published for case in cases]
    single = [error(values[key], label[key]) for values, label in zip(made, labels, strict=True) for key in LABELLED]
    totals = [
        error(sum(values.values()), sum(label[key] for key in LABELLED), _SUM_TOP)
        for values, label in zip(made, labels, strict=True)
    ]
    return Errors(mean(single) or 0.0, mean(totals) or 0.0)


def _tenth(value: float) -> float:
    return int(min(max(value, 0.0), 1.0) * _GRID + HALF + _HAIR) / _GRID


if __name__ == "__main__":
    run_script(main)
