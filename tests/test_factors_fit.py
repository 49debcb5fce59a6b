"""The fit of the factors: rules behind made-up labels are found, files load or are refused."""

import dataclasses
import functools
import pickle
from pathlib import Path

import numpy as np
import pytest

from agent.drafting_old.bounded import minimise, sweep
from agent.drafting_old.calibrate_factors import (
    COVERAGE,
    MARGIN,
    FactorRow,
    _spread,
    columns,
    dump_factor_calibration,
    fit,
    load_factor_calibration,
    strengths,
    without_kinds,
)
from agent.drafting_old.factor_features import FactorFeatures, features, rules
from agent.drafting_old.factors import values
from agent.drafting_old.kind import load_kinds
from agent.errors import DriftError, InputError, SchemaError
from agent.evidence.signals import load_signals
from agent.pipeline import read_documents
from agent.resources import data_folder
from agent.settings import Settings
from agent.taxonomy.keys import FACTORS
from evals.corpus import card, load_cases
from evals.documents import documents_of
from evals.families import Identity, families


def test_declared_evidence_names_known_signals_and_factors() -> None:
    known = set(load_signals().by_id)
    table = rules()
    assert set(table.reasons) == set(FACTORS) - {"natural_language_interface"}
    for reasons in table.reasons.values():
        names = [r.signal for r in reasons]
        assert set(names) <= known
        assert len(names) == len(set(names))
        assert {r.sort for r in reasons} <= {"says", "suggests", "against"}
    assert set(table.opposes) <= table.limits
    assert {s for signals in table.opposes.values() for s in signals} <= known
    assert {c.signal for c in table.controls} <= known


def test_fitted_effects_stay_on_their_side() -> None:
    calibration = load_factor_calibration()
    for key, constants in calibration.factors.items():
        sides = {c.name: c for c in columns(key)}
        assert set(constants.effects) <= set(sides)
        assert all(sides[n].low <= e <= sides[n].high for n, e in constants.effects.items())
        assert all(-1e-4 <= v <= 1 + 1e-4 for v in (*constants.silent.values(), *constants.typical.values()))
        assert constants.unknown.below <= constants.known.below <= 0 <= constants.known.above <= constants.unknown.above


def made_up_rows(count: int = 40) -> list[FactorRow]:
    """Labels that follow a rule: a base of 0.2, and 0.4 more for whoever plans."""
    kinds = len(load_kinds())
    rows = []
    for n in range(count):
        plans = n // 4 % 2 == 0
        found = FactorFeatures(
            kinds=tuple(1.0 if k == n % 4 else 0.0 for k in range(kinds)),
            likeness=(0.1,) * kinds,
            evidence=(("plans_tasks", 1.0),) if plans else (),
            thin=False,
        )
        label = dict.fromkeys(rules().reasons, 0.6 if plans else 0.2)
        rows.append(FactorRow(found, label, label if n % 3 else None, family=f"v{n // 2}"))
    return rows


def test_a_fit_finds_the_rule_behind_made_up_labels() -> None:
    calibration = fit(made_up_rows())
    constants = calibration.factors["goal_driven_planning"]
    assert 0.2 < constants.effects["plans_tasks"] <= 0.4
    assert constants.known.above < 0.2
    assert fit(made_up_rows()) == calibration
    assert fit(made_up_rows()[::-1]) == calibration
    assert "plans_tasks" not in calibration.factors["dynamic_identity"].effects


def test_a_fit_cannot_turn_evidence_round() -> None:
    rows = [
        dataclasses.replace(r, published={k: 0.8 - v for k, v in r.published.items()}, reader=None)
        for r in made_up_rows()
        if r.published is not None
    ]
    effects = fit(rows).factors["goal_driven_planning"].effects
    assert effects.get("plans_tasks", 0.0) >= 0.0


def test_rows_pickle_and_files_load(tmp_path: Path) -> None:
    rows = made_up_rows()
    assert pickle.loads(pickle.dumps(rows)) == rows
    calibration = fit(rows)
    file = tmp_path / "factors.json"
    file.write_text(dump_factor_calibration(calibration), "utf-8")
    assert load_factor_calibration(file) == calibration


def test_bad_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "factors.json"
    with pytest.raises(SchemaError):
        load_factor_calibration(file)
    file.write_text("{}", "utf-8")
    with pytest.raises(SchemaError):
        load_factor_calibration(file)
    other = load_factor_calibration().model_copy(update={"likeness": {"another": 0.1}})
    file.write_text(dump_factor_calibration(other), "utf-8")
    with pytest.raises(DriftError):
        load_factor_calibration(file)


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(InputError):
        fit(made_up_rows(5))


def test_without_kinds_every_kind_starts_from_one_value() -> None:
    calibration = fit(made_up_rows())
    levelled = without_kinds(calibration)
    rows = made_up_rows()
    for key, constants in levelled.factors.items():
        assert len(set(constants.silent.values())) == len(set(constants.typical.values())) == 1
        mean = sum(row.published[key] for row in rows if row.published) / len(rows)
        assert abs(next(iter(constants.typical.values())) - mean) < 0.02
        assert constants.effects == calibration.factors[key].effects
    assert without_kinds(levelled) == levelled


def test_a_bounded_fit_is_at_its_optimum() -> None:
    seeded = np.random.default_rng(3)
    for _ in range(40):
        x = seeded.normal(size=(60, 12)) * (seeded.random(12) < 0.8)
        gram, goal = x.T @ x + np.eye(12), x.T @ seeded.normal(size=60) * 9
        low, high = -seeded.random(12), seeded.random(12)
        found = minimise(gram, goal, low, high)
        slope = gram @ found - goal
        assert ((low <= found) & (found <= high)).all()
        assert np.abs(slope[(found > low) & (found < high)]).max(initial=0.0) < 1e-6
        assert (slope[found == low] > -1e-6).all()
        assert (slope[found == high] < 1e-6).all()
        assert np.allclose(minimise(gram, goal, low, high, np.clip(goal, low, high)), found, atol=1e-6)
        assert np.allclose(sweep(gram, goal, low, high, np.zeros(12)), found, atol=1e-5)


def test_ranges_hold_four_of_five_labels_on_the_grid() -> None:
    seeded = np.random.default_rng(5)
    predictions = seeded.random(200)
    labels = np.round(np.clip(predictions + seeded.normal(0, 0.15, 200), 0, 1), 1)
    spread = _spread(predictions, labels - predictions)
    low, high = (np.floor(np.clip(predictions + end, 0, 1) * 10 + 0.5) / 10 for end in (spread.below, spread.above))
    covered = np.mean((low - 1e-9 <= labels) & (labels <= high + 1e-9))
    assert COVERAGE + MARGIN <= covered <= COVERAGE + MARGIN + 0.04
    assert _spread(predictions[:0], predictions[:0]).below < 0


def test_a_denied_statement_of_the_subject_counts_as_denied() -> None:
    found = FactorFeatures(kinds=(1.0,), likeness=(0.0,), evidence=(("not:plans_tasks", 1.0),), thin=False)
    assert strengths("goal_driven_planning", found) == {"denied": 1.0}
    assert strengths("dynamic_identity", found) == {}


# ---------------------------------------------------------------- the whole corpus


@functools.cache
def corpus_rows() -> tuple[tuple[FactorRow, FactorFeatures], ...]:
    cases = [c for c in load_cases(data_folder("corpus") / "cases") if not c.example]
    names = families([Identity(c.name, c.vendor) for c in cases])
    rows = []
    for case, family in zip(cases, names, strict=True):
        published, reader = case.labels.published, case.labels.reader
        rows.append(
            (
                FactorRow(
                    features(read_documents(documents_of(case), Settings())),
                    published.factors if published else None,
                    {k: v.value for k, v in reader.factors.items()} if reader else None,
                    family,
                ),
                features(read_documents(documents_of(card(case)), Settings())),
            )
        )
    return tuple(rows)


@pytest.mark.slow
def test_the_bundled_calibration_is_what_the_corpus_gives() -> None:
    assert dump_factor_calibration(fit([row for row, _ in corpus_rows()])) == dump_factor_calibration(
        load_factor_calibration()
    )


@pytest.mark.slow
def test_left_out_errors_stay_within_their_bars() -> None:
    rows = corpus_rows()
    gaps: dict[str, list[float]] = {"published": [], "reader": [], "sum": [], "card": []}
    for family in sorted({row.family for row, _ in rows}):
        calibration = fit([row for row, _ in rows if row.family != family])
        for row, short in rows:
            if row.family != family or row.published is None or row.reader is None:
                continue
            made = {k: np.floor(v * 10 + 0.5 + 1e-6) / 10 for k, v in values(row.features, calibration).items()}
            less = {k: np.floor(v * 10 + 0.5 + 1e-6) / 10 for k, v in values(short, calibration).items()}
            gaps["published"] += [abs(v - row.published[k]) for k, v in made.items()]
            gaps["reader"] += [abs(v - row.reader[k]) for k, v in made.items()]
            gaps["sum"].append(abs(sum(made.values()) - sum(row.published.values())))
            gaps["card"].append(sum(less.values()) - sum(made.values()))
    means = {name: sum(v) / len(v) for name, v in gaps.items()}
    assert means["published"] <= 0.132
    assert means["reader"] <= 0.112
    assert means["sum"] <= 1.0
    assert means["card"] >= 0
