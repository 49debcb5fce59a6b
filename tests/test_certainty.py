"""Certainty of layers: nothing is certain without a statement, and finding more never makes a layer less certain."""

import dataclasses
import time
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.drafting_old import factor_features
from agent.drafting_old.calibrate import load_calibration
from agent.drafting_old.calibrate_certainty import FOLDS, THRESHOLDS, CertaintyRow, fit, fold_of
from agent.evidence.certainty import (
    FEATURES,
    CertaintyCalibration,
    amount,
    assess,
    counts,
    features,
    guides,
    logistic,
    tells,
)
from agent.evidence.reading import Reading
from agent.evidence.signals import detect, load_signals, settles_layers_alone
from agent.evidence.statements import statements
from agent.evidence.telling import telling
from agent.pipeline import read_documents
from agent.records import Section
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
    for change in ({"flagged": True}, {"about": "platform"}, {"about": "other"}, {"sort": "boilerplate"}):
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


def test_the_certainty_recomputes_from_its_features() -> None:
    reading = read("Quill runs on Claude Sonnet by Anthropic. Models are reached through Amazon Bedrock.")
    for layer in LAYERS:
        constants = BUNDLED.layers[layer]
        found = assess(reading, layer, BUNDLED)
        total = constants.bias + sum(constants.weights[name] * amount(name, found.features[name]) for name in FEATURES)
        assert found.certainty == pytest.approx(logistic(total), abs=2e-3)


@pytest.mark.parametrize("feature", FEATURES)
@given(st.floats(0, 9), st.floats(0, 9))
def test_more_of_a_feature_never_weighs_less(feature: str, less: float, more: float) -> None:
    less, more = sorted((less, more))
    assert amount(feature, less) <= amount(feature, more)
    assert amount(feature, 0.0) == 0.0


def test_what_the_sources_leave_unsaid_is_no_evidence() -> None:
    text = "The page does not say which language model answers, or whether conversations are stored in a database."
    said = "A language model from OpenAI answers, and conversations are stored in a database."
    asked: tuple[LayerKey, ...] = ("foundation_models", "data_operations")
    for layer in asked:
        assert features(read(text), layer)[1] == ()
        assert features(read(said), layer)[1] == (0,)


def test_a_bare_name_among_integrations_counts_for_the_ecosystem_alone() -> None:
    text = "Quill\n\nIntegrations\n\nOpenAI\n\nClaude Desktop\n"
    start = text.index("Integrations")
    page = document("D1", "listing.md", "Quill", text)
    parts = (
        Section(start=0, end=start, path=("Quill",), about="product"),
        Section(start=start, end=len(text), path=("Quill", "Integrations"), about="product"),
    )
    page = page.model_copy(update={"sections": parts})
    told = statements((page,))
    reading = Reading((page,), told, np.zeros((len(told), 256), np.float32), detect(told), {})
    names = [n for n, s in enumerate(told) if s.text in ("OpenAI", "Claude Desktop")]
    assert len(names) == 2
    for layer in LAYERS:
        assert all(tells(reading, layer, n) == (layer == "agent_ecosystem") for n in names)
    assert features(reading, "foundation_models")[1] == ()
    assert features(reading, "agent_ecosystem")[1] != ()


def test_a_denial_answers_how_a_thing_is_done_and_shows_nothing_else() -> None:
    layer: LayerKey = "data_operations"
    assert features(read("Conversations are not kept on the server."), layer)[0]["pins"] > 0
    assert features(read("It has no vector database."), layer)[0]["pins"] == 0


def test_an_optional_control_is_none() -> None:
    planned = read("Read-only mode is planned for a later release.")
    assert features(planned, "security_compliance")[0]["pins"] == 0
    assert features(read("Read-only mode is on for every caller."), "security_compliance")[0]["pins"] > 0


@pytest.mark.parametrize(
    "text",
    [
        "Quill is secure by design, with enterprise-grade protection you can trust.",
        "Quill integrates with your stack and is fast and scalable.",
        "An AI-powered, intelligent assistant that works with your data.",
    ],
)
def test_general_promises_pin_nothing(text: str) -> None:
    for layer in LAYERS:
        assert features(read(text), layer)[0]["pins"] == 0


def test_signals_of_layers_move_nothing_else() -> None:
    """Neither the factors, nor what is searched."""
    alone = {s for s in load_signals().by_id if settles_layers_alone(s)}
    assert alone
    reading = case("vapi")
    assert alone & set(reading.signals)
    bare = dataclasses.replace(reading, signals={s: m for s, m in reading.signals.items() if s not in alone})
    assert factor_features.features(reading) == factor_features.features(bare)
    assert telling(reading.statements, reading.signals) == telling(bare.statements, bare.signals)


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


def test_cards_count_in_the_fit_but_for_contradictions() -> None:
    rows = made_up()
    absent = fit([dataclasses.replace(row, card=row.features) for row in rows])
    assert absent == fit(rows)
    low = {layer: dict.fromkeys(FEATURES, 0.0) for layer in LAYERS}
    unsure = [dataclasses.replace(row, card=low, card_certain=dict.fromkeys(LAYERS, False)) for row in rows]
    assert all(fit(unsure).layers[key].bias < fit(rows).layers[key].bias for key in LAYERS)
    against = [
        dataclasses.replace(row, card=low, card_certain={key: True for key in LAYERS if not row.certain[key]})
        for row in rows
    ]
    assert fit(against) == absent


def test_a_fit_takes_no_longer_than_a_glance() -> None:
    """A hundred and ninety families are left out in turn in each evaluation."""
    rows = [
        dataclasses.replace(row, card=row.features, card_certain=row.certain)
        for n in range(4)
        for row in (dataclasses.replace(r, family=f"{r.family}-{n}") for r in made_up())
    ]
    fit(rows)
    spent = []
    for _ in range(5):
        start = time.process_time()
        fit(rows)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.25


def test_a_layer_that_nobody_read_is_left_out() -> None:
    rows = made_up()
    half = [dataclasses.replace(row, certain={LAYERS[0]: row.certain[LAYERS[0]]}) for row in rows]
    fitted = fit(half)
    assert fitted.layers[LAYERS[0]] == fit(rows).layers[LAYERS[0]]
    assert max(fitted.layers[LAYERS[1]].weights.values()) == 0


def test_a_family_is_never_split() -> None:
    families = [f"vendor-{n % 17}" for n in range(80)]
    folds = fold_of(families)
    assert set(folds) == set(range(FOLDS))
    assert len({(family, fold) for family, fold in zip(families, folds, strict=True)}) == 17
    assert fold_of(families[::-1]) == folds[::-1]
