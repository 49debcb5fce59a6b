"""The baseline: the results of each case in the run that a person last accepted, and the floors.

It is a JSON file in the repository with readable diffs: sorted keys, six decimals, one line for each factor and layer
of a case, and no times among the compared values. `septet eval accept --reason` is the only way to change it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import ConfigDict, Field, ValidationError

from agent.errors import DriftError, InputError, RegressionError, SourceError
from agent.records import Record
from evals.cases.case import Case
from evals.gate.directions import METRICS
from evals.metrics.arithmetic import DECIMALS
from evals.metrics.results import CaseResult, Evaluation
from evals.metrics.summary import over, summarise

SCHEMA: Final = "septet/baseline/1"
FOLDER: Final = Path(__file__).parent
COMPARED: Final = ("corpus", "labels", "variants", "suite")
"""Fingerprints that must be equal before two runs may be compared."""
_DEEP: Final = 4
"""Objects nested this deeply or deeper are written on one line."""


class Accepted(Record):
    """Why and when the baseline changed."""

    on: str
    """Date, as in 2026-11-26."""
    reason: str
    moved: dict[str, str]
    """Metric → "before → after", floors included."""


class Baseline(Record):
    """The accepted results that runs are compared with."""

    schema_: Literal["septet/baseline/1"] = Field(default=SCHEMA, alias="schema")
    drafter: str
    fingerprints: dict[str, str]
    floors: dict[str, float]
    """Metric → the worst value that can be accepted: a minimum or, for an error, a maximum."""
    history: tuple[Accepted, ...]
    cases: dict[str, CaseResult]
    special: dict[str, CaseResult] = Field(default_factory=dict)

    model_config = ConfigDict(populate_by_name=True)

    def evaluation(self, slugs: Iterable[str], special: Sequence[Case] = ()) -> Evaluation:
        """Rebuild the evaluation for those `slugs` that the baseline contains, and recompute its metrics.

        `special` are the cases written for a purpose, whose labels the baseline does not store.
        """
        kept = [self.cases[slug] for slug in slugs if slug in self.cases]
        apart = [(case, self.special[case.slug]) for case in special if case.slug in self.special]
        found = summarise(kept, drafter=self.drafter, patterns=(), special=apart)
        return found if len(kept) == len(self.cases) else over(found, slugs)


def path_of(drafter: str) -> Path:
    """Return the path of a drafter's baseline."""
    return FOLDER / f"{drafter}.json"


def load(path: Path) -> Baseline:
    """Load the baseline from `path`. Raises DriftError when there is none, InputError when it is malformed."""
    try:
        return Baseline.model_validate_json(path.read_text("utf-8"))
    except FileNotFoundError:
        hint = "`septet eval accept --reason TEXT` creates one"
        raise DriftError("there is no baseline", where=path.name, hint=hint) from None
    except OSError as error:
        raise SourceError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"not a baseline: {place}: {first['msg']}", where=str(path), hint="restore it from git"
        ) from None


def check_same(baseline: Baseline, fingerprints: Mapping[str, str], run: str | None = None) -> None:
    """Raise DriftError if the baseline, or the earlier run named `run`, was made with different cases, labels or
    metrics.
    """
    differ = [name for name in COMPARED if baseline.fingerprints.get(name) != fingerprints.get(name)]
    if differ and run is not None:
        raise DriftError(
            f"that run was made with different {' and '.join(differ)}",
            where=run,
            hint="run both on the same cases; `septet eval compare` compares any two runs",
        )
    if differ:
        raise DriftError(
            f"the baseline was made with different {' and '.join(differ)}",
            where=f"evals/gate/{baseline.drafter}.json",
            hint="after an intended change of the corpus, `septet eval accept --reason TEXT` makes a new one",
        )


def accept(
    before: Baseline | None,
    run: Evaluation,
    *,
    on: str,
    reason: str,
    floors: Mapping[str, float] | None = None,
) -> Baseline:
    """Return the baseline that results when a person accepts `run`; `floors` are the floors to change.

    Other floors stay as they are, and the history records every change. Raises RegressionError when the run is beyond
    a floor, InputError for a floor on an unknown metric.
    """
    old = before.evaluation([case.case for case in run.per_case]).metrics if before else {}
    moved = {
        name: f"{figure(old.get(name))} → {figure(value)}"
        for name, value in run.metrics.items()
        if name in METRICS and old.get(name) != value
    }
    held = dict(before.floors) if before else {}
    for name, floor in (floors or {}).items():
        if name not in METRICS:
            raise InputError(f"{name!r} is not a metric with a floor", where="--floor", hint=", ".join(sorted(METRICS)))
        if held.get(name) != floor:
            moved[f"floor of {name}"] = f"{figure(held.get(name))} → {figure(floor)}"
        held[name] = floor
    below = [
        name for name, floor in held.items() if METRICS[name].loss(run.metrics.get(name)) > METRICS[name].loss(floor)
    ]
    if below:
        name = below[0]
        raise RegressionError(
            f"{name} is {figure(run.metrics.get(name))}, beyond its floor of {figure(held[name])}",
            where=f"{len(below)} floors",
            hint=f"fix the draft, or change the floor explicitly with `--floor {name}=VALUE`",
        )
    return Baseline(
        drafter=run.drafter,
        fingerprints=run.fingerprints,
        floors=held,
        history=(*(before.history if before else ()), Accepted(on=on, reason=reason, moved=moved)),
        # Drop the matched patterns, because no verdict compares them.
        cases={case.case: case.model_copy(update={"fired": ()}) for case in run.per_case},
        special={case.case: case.model_copy(update={"fired": ()}) for case in run.special_cases},
    )


def dump(baseline: Baseline) -> str:
    """Return the file's text: the same baseline gives the same bytes."""
    return _text(_rounded(baseline.model_dump(mode="json", by_alias=True)), 0) + "\n"


def _rounded(value: object) -> object:
    if isinstance(value, float):
        return round(value, DECIMALS)
    if isinstance(value, dict):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return value


def _text(value: object, depth: int) -> str:
    def block(ends: str, rows: Iterable[str]) -> str:
        inner = ",\n".join(" " * (depth + 1) + row for row in rows)
        return f"{ends[0]}\n{inner}\n{' ' * depth}{ends[1]}"

    if isinstance(value, dict) and value and depth < _DEEP:
        return block("{}", (f"{json.dumps(key)}: {_text(value[key], depth + 1)}" for key in sorted(value)))
    if isinstance(value, list) and any(isinstance(item, dict) for item in value) and depth < _DEEP:
        return block("[]", (_text(item, depth + 1) for item in value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def figure(value: float | None) -> str:
    """Format a metric with four decimals, or as a dash if it is missing."""
    return "–" if value is None else f"{value:.4f}"
