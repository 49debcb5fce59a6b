"""Is a layer pinned by the sources? Features of the evidence, a certainty from 0 to 1, and the flag.

The flag is decided here and nowhere else. The features are counts of distinct verified statements and of what they
show, and how near the passages found for the layer come to what it asks, so a reader can follow them; their weights
and the threshold are fitted on the labelled corpus, on whole listings and on their cards
alike, so that the threshold is one of evidence and not of length. For nothing count: statements with a finding,
statements about another product or about the vendor's platform, sentences that say what the sources leave unsaid, and
for all layers but the ecosystem the bare names in a list of integrations.

    certainty = logistic(bias[layer] + Σ weight[feature] · amount[feature])       certain when certainty ≥ threshold

The amount of a count n is ln(1 + n): the first statement tells most. No weight is below 0.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final, NamedTuple

import yaml

from agent.evidence.reading import Reading
from agent.evidence.signals import Match, names_another, settles_layers_alone
from agent.evidence.telling import promised
from agent.records import Record
from agent.resources import data_folder
from agent.taxonomy.keys import LAYERS, LayerKey

COUNT_CAP: Final = 9
"""More of a kind than this tells nothing more."""
BREADTH_HITS: Final = 12
BEST_HITS: Final = 2
"""The margin is their mean: a single passage moves too much with its wording."""
FEATURES: Final = ("pins", "helps", "quotes", "margin", "breadth")
"""pins, helps: distinct signals of each sort found · quotes: distinct statements that show a pinning one · margin:
mean cosine of the two best hits above the layer's noise floor · breadth: the same of the twelve best, without the
floor; a missing hit counts as 0."""
COUNTS: Final = frozenset({"pins", "helps", "quotes"})
ECOSYSTEM: Final = "agent_ecosystem"
SECURITY: Final = "security_compliance"

_UNSAID = re.compile(
    r"\b(?:(?:do|does|did) not (?:say|state|describe|name|disclose|specify|mention|document|tell|explain)"
    r"|(?:is|are|was|were) not (?:stated|described|named|disclosed|specified|documented|published|known|said)"
    r"|(?:no|neither) [^.;]{0,60}(?:is|are) (?:described|named|stated|documented)"
    r"|without naming|remains? open|unstated)\b",
    re.IGNORECASE,
)
"""What a sentence says of the sources and not of the product."""


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
    """Median of the mean cosine of the best hits over the calibration cases whose reader calls it not certain."""


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
    return statement.about == "product" and not statement.flagged and statement.sort != "boilerplate"


def tells(reading: Reading, layer: LayerKey, index: int) -> bool:
    """Whether a statement may count as evidence for `layer`."""
    statement = reading.statements[index]
    if not counts(reading, index) or _UNSAID.search(statement.text):
        return False
    return layer == ECOSYSTEM or not names_another(statement)


def shows(reading: Reading, layer: LayerKey, signal: str, match: Match) -> bool:
    """Whether a place where `signal` shows is evidence for `layer`.

    What is denied shows nothing, but a signal that says how something is done is answered by a denial too. A control
    that is off by default, optional or planned is none.
    """
    if match.denied and not settles_layers_alone(signal):
        return False
    if match.hedged and (promised(signal) or layer == SECURITY):
        return False
    return tells(reading, layer, match.statement)


def features(reading: Reading, layer: LayerKey, noise_floor: float = 0.0) -> tuple[dict[str, float], tuple[int, ...]]:
    """The features of one layer and the statements behind them."""
    guide = guides()[layer]
    pinned, pin_statements = _shown(reading, layer, guide.pins)
    helped, help_statements = _shown(reading, layer, guide.helps)
    cosines = _cosines(reading, layer)
    values = {
        "pins": float(min(len(pinned), COUNT_CAP)),
        "helps": float(min(len(helped), COUNT_CAP)),
        "quotes": float(min(len(pin_statements), COUNT_CAP)),
        "margin": sum(cosines[:BEST_HITS]) / BEST_HITS - noise_floor,
        "breadth": sum(cosines[:BREADTH_HITS]) / BREADTH_HITS,
    }
    return values, tuple(dict.fromkeys((*pin_statements, *help_statements)))


def amount(feature: str, value: float) -> float:
    """What a feature weighs with."""
    return math.log1p(value) if feature in COUNTS else value


def assess(reading: Reading, layer: LayerKey, calibration: CertaintyCalibration) -> Assessment:
    """Decide one layer. A layer without a single counting statement is never certain, whatever the constants say."""
    constants = calibration.layers[layer]
    values, statements = features(reading, layer, constants.noise_floor)
    certainty = logistic(
        constants.bias + sum(constants.weights[name] * amount(name, values[name]) for name in FEATURES)
    )
    certain = bool(statements) and certainty >= calibration.threshold
    return Assessment(certain, round(certainty, 3), {k: round(v, 3) for k, v in values.items()}, statements)


def logistic(x: float) -> float:
    """1 / (1 + e^-x) without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _shown(reading: Reading, layer: LayerKey, signals: Sequence[str]) -> tuple[set[str], list[int]]:
    found: set[str] = set()
    statements: list[int] = []
    for signal in signals:
        matches = reading.signals.get(signal, ())
        indexes = [m.statement for m in matches if shows(reading, layer, signal, m)]
        if indexes:
            found.add(signal)
            statements.extend(index for index in indexes if index not in statements)
    return found, statements


def _cosines(reading: Reading, layer: LayerKey) -> list[float]:
    """Cosines of the layer's hits, best first."""
    places = {(s.document, s.start): n for n, s in enumerate(reading.statements)}
    cosines = [hit.dense for hit in reading.hits.get(layer, ()) if counts(reading, places[hit.document, hit.start])]
    return sorted(cosines, reverse=True)
