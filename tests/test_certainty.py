"""Certainty of layers: nothing is certain without a statement, and finding more never makes a layer less certain."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drafting.calibrate import load_calibration
from agent.drafting.calibrate_certainty import FOLDS, THRESHOLDS, CertaintyRow, fit, fold_of
from agent.evidence.certainty import (
    FEATURES,
    CertaintyCalibration,
    assess,
    counts,
    features,
    guides,
    logistic,
)
from agent.evidence.reading import Reading
from agent.evidence.signals import detect, load_signals
from agent.evidence.statements import statements
from agent.pipeline import read_documents
from agent.resources import data_folder
from agent.settings import Settings
from agent.taxonomy.keys import LAYERS, LayerKey
from evals.corpus import load_case
from evals.documents import documents_of
from tests.fakes.draft_parts import document

BUNDLED = load_calibration().certainty
EAGER = CertaintyCalibration(
    layers={key: found.model_copy(update={"bias": 50.0}) for key, found in BUNDLED.layers.items()}, threshold=0.5
)
"""Constants that call everything certain."""


def read(text: str) -> Reading:
    page = document("D1", "listing.md", "Quill", text)
    told = statements((page,))
    return Reading((page,), told, np.zeros((len(told), 256), np.float32), detect(told), {})


@cache
def case(slug: str) -> Reading:
    return read_documents(documents_of(load_case(data_folder("corpus") / "cases" / slug)), Settings())


@pytest.mark.parametrize("layer", LAYERS)
def test_nothing_is_certain_without_a_statement(layer: LayerKey) -> None:
    found = assess(read("Hello there. This is a page about gardens and tea."), layer, EAGER)
    assert found.statements == ()
    assert found.certainty > 0.99
    assert not found.certain


@pytest.mark.parametrize("slug", ["firecrawl-mcp", "abridge", "vapi"])
def test_the_flag_follows_from_features_and_threshold(slug: str) -> None:
    for layer in LAYERS:
        found = assess(case(slug), layer, BUNDLED)
        assert set(found.features) == set(FEATURES)
        assert found.certain == (bool(found.statements) and found.certainty >= BUNDLED.threshold)
        assert all(counts(case(slug), index) for index in found.statements)
        assert len(set(found.statements)) == len(found.statements)


def test_statements_about_others_and_with_a_finding_do_not_count() -> None:
    reading = read("Quill runs on Claude Sonnet by Anthropic. It writes every action to an audit log.")
    for change in ({"flagged": True}, {"about": "platform"}, {"about": "other"}, {"role": "boilerplate"}):
        told = tuple(s.model_copy(update=change) for s in reading.statements)
        silent = Reading(reading.documents, told, reading.vectors, reading.signals, {})
        for layer in LAYERS:
            assert features(silent, layer)[1] == ()
    assert any(features(reading, layer)[1] for layer in LAYERS)


def test_weights_of_the_bundled_fit_never_punish_more_evidence() -> None:
    assert set(BUNDLED.layers) == set(LAYERS)
    for constants in BUNDLED.layers.values():
        assert set(constants.weights) == set(FEATURES)
        assert min(constants.weights.values()) >= 0
    assert BUNDLED.threshold in THRESHOLDS


def test_more_sentences_never_make_a_layer_less_certain() -> None:
    some = "Quill runs on Claude Sonnet by Anthropic. It stores conversations in a Postgres database."
    more = some + " Every action is written to an audit log. Access is controlled by roles."
    for layer in LAYERS:
        assert assess(read(more), layer, BUNDLED).certainty >= assess(read(some), layer, BUNDLED).certainty


def test_guides_name_known_signals_and_say_what_is_sought() -> None:
    known = set(load_signals().by_id)
    for guide in guides().values():
        assert set(guide.pins) | set(guide.helps) <= known
        assert not set(guide.pins) & set(guide.helps)
        assert guide.sought
        assert not guide.sought.endswith(".")


@given(st.floats(-800, 800))
def test_the_logistic_is_a_chance(x: float) -> None:
    assert 0 <= logistic(x) <= 1
    assert logistic(x) + logistic(-x) == pytest.approx(1)


# ---------------------------------------------------------------- the fit


def made_up(count: int = 60) -> list[CertaintyRow]:
    """Layers are certain exactly when a pinning signal was found; one case in ten is labelled otherwise."""
    rows = []
    for n in range(count):
        pins = float(n % 2)
        values = {**dict.fromkeys(FEATURES, 0.0), "pins": pins, "margin": 0.1 * (n % 3)}
        verdict = (pins > 0) != (n % 10 == 7)
        rows.append(CertaintyRow(f"vendor-{n // 2}", dict.fromkeys(LAYERS, values), dict.fromkeys(LAYERS, verdict)))
    return rows


def test_a_fit_finds_what_pins_and_is_the_same_again() -> None:
    fitted = fit(made_up())
    assert fitted == fit(made_up())
    for constants in fitted.layers.values():
        assert constants.weights["pins"] == max(constants.weights.values()) > 0
        low, high = logistic(constants.bias), logistic(constants.bias + constants.weights["pins"])
        assert low < fitted.threshold <= high


def test_a_family_is_never_split() -> None:
    families = [f"vendor-{n % 17}" for n in range(80)]
    folds = fold_of(families)
    assert set(folds) == set(range(FOLDS))
    assert len({(family, fold) for family, fold in zip(families, folds, strict=True)}) == 17
    assert fold_of(families[::-1]) == folds[::-1]
