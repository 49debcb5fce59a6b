"""Is a layer pinned by the sources? Features of the evidence, a certainty from 0 to 1, and the flag.

The flag is decided here and nowhere else. The features are counts of distinct verified statements and a retrieval
margin, so a reader can follow them; their weights and the threshold are fitted on the labelled corpus
(`agent.drafting.calibrate`). Statements with a finding, and statements about another product or about the vendor's
platform, count for nothing.

    certainty = logistic(bias[layer] + Σ weight[feature] · value[feature])        certain when certainty ≥ threshold
"""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

import yaml

from agent.evidence.reading import Reading
from agent.evidence.signals import Match
from agent.evidence.telling import promised
from agent.records import Record
from agent.resources import data_folder
from agent.taxonomy.keys import LAYERS, LayerKey

PIN_CAP: Final = 3
HELP_CAP: Final = 4
QUOTE_CAP: Final = 6
DOCUMENT_CAP: Final = 3
TOP_HITS: Final = 3
FEATURES: Final = ("pins", "helps", "quotes", "documents", "margin", "depth")
"""pins, helps: distinct signals of each sort found · quotes: distinct statements that show one · documents: documents
that hold one · margin: cosine of the best hit above the layer's noise floor · depth: the same for the third best."""


class LayerGuide(NamedTuple):
    """What pins a layer, what helps, and how to say what is missing."""

    sought: str
    hangs: str
    pins: tuple[str, ...]
    helps: tuple[str, ...]


class LayerCertainty(Record):
    """Fitted constants of one layer."""

    bias: float
    weights: dict[str, float]
    noise_floor: float
    """Median cosine of the best hit over the calibration cases whose reader calls the layer not certain."""


class CertaintyCalibration(Record):
    """Fitted constants of all layers and the threshold."""

    layers: dict[LayerKey, LayerCertainty]
    threshold: float


class Assessment(NamedTuple):
    """The verdict on one layer, with what it was computed from."""

    certain: bool
    certainty: float
    features: dict[str, float]
    statements: tuple[int, ...]
    """Indexes of the statements that count as evidence: those with a pinning signal first."""


@cache
def guides() -> Mapping[LayerKey, LayerGuide]:
    """The layer guides of the knowledge folder."""
    raw = yaml.safe_load((data_folder("corpus") / "knowledge" / "layers.yaml").read_text("utf-8"))
    return {
        key: LayerGuide(raw[key]["sought"], raw[key]["hangs"], tuple(raw[key]["pins"]), tuple(raw[key]["helps"]))
        for key in LAYERS
    }


def counts(reading: Reading, index: int) -> bool:
    """Whether a statement may count as evidence: about the product, and without a finding."""
    statement = reading.statements[index]
    return statement.about == "product" and not statement.flagged and statement.role != "boilerplate"


def features(reading: Reading, layer: LayerKey, noise_floor: float = 0.0) -> tuple[dict[str, float], tuple[int, ...]]:
    """The features of one layer and the statements behind them."""
    guide = guides()[layer]
    pinned, pin_statements = _shown(reading, guide.pins)
    helped, help_statements = _shown(reading, guide.helps)
    statements = tuple(dict.fromkeys((*pin_statements, *help_statements)))
    documents = {reading.statements[index].document for index in statements}
    cosines = _cosines(reading, layer)
    values = {
        "pins": float(min(len(pinned), PIN_CAP)),
        "helps": float(min(len(helped), HELP_CAP)),
        "quotes": float(min(len(statements), QUOTE_CAP)),
        "documents": float(min(len(documents), DOCUMENT_CAP)),
        "margin": cosines[0] - noise_floor,
        "depth": cosines[min(TOP_HITS, len(cosines)) - 1] - noise_floor,
    }
    return values, statements


def assess(reading: Reading, layer: LayerKey, calibration: CertaintyCalibration) -> Assessment:
    """Decide one layer. A layer without a single counting statement is never certain, whatever the constants say."""
    constants = calibration.layers[layer]
    values, statements = features(reading, layer, constants.noise_floor)
    certainty = logistic(constants.bias + sum(constants.weights[name] * values[name] for name in FEATURES))
    certain = bool(statements) and certainty >= calibration.threshold
    return Assessment(certain, round(certainty, 3), {k: round(v, 3) for k, v in values.items()}, statements)


def logistic(x: float) -> float:
    """1 / (1 + e^-x) without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _shown(reading: Reading, signals: Sequence[str]) -> tuple[set[str], list[int]]:
    found: set[str] = set()
    statements: list[int] = []
    for signal in signals:
        matches = reading.signals.get(signal, ())
        indexes = [m.statement for m in matches if _shows(m, signal) and counts(reading, m.statement)]
        if indexes:
            found.add(signal)
            statements.extend(index for index in indexes if index not in statements)
    return found, statements


def _shows(match: Match, signal: str) -> bool:
    """Not what is denied, nor a control that is off by default, optional or planned."""
    return not match.denied and not (match.hedged and promised(signal))


def _cosines(reading: Reading, layer: LayerKey) -> list[float]:
    """Cosines of the layer's hits, best first; one 0.0 when there is none."""
    places = {(s.document, s.start): n for n, s in enumerate(reading.statements)}
    cosines = [hit.dense for hit in reading.hits.get(layer, ()) if counts(reading, places[hit.document, hit.start])]
    return sorted(cosines, reverse=True) or [0.0]
