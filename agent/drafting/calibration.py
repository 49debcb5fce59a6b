"""The fitted constants of drafting: four JSON files that `python -m evals.training.derive` writes.

factor_estimates.json   agent.drafting.factors
layer_certainty.json    agent.drafting.layers.certainty
score_range.json        agent.drafting.score_range
usual_base.json         agent.drafting.threats.candidates
"""

import hashlib
from functools import cache, cached_property
from typing import Final

from agent.facts.knowledge import knowledge, loader
from agent.records import Record
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LayerKey

FACTORS_FILE: Final = "factor_estimates.json"
LAYERS_FILE: Final = "layer_certainty.json"
RANGE_FILE: Final = "score_range.json"
BASE_FILE: Final = "usual_base.json"
_DIGITS: Final = 16


class Spread(Record):
    """How far labels deviate from an estimate: 80 % lie between estimate + below and estimate + above."""

    below: float
    above: float


class JudgedFactorConstants(Record):
    """Constants for correcting an LLM's value for a factor."""

    bias: float = 0.0
    """Added to the LLM's value."""
    wider: float = 0.1
    """Amount by which the LLM's range is widened at each end."""


class FactorConstants(Record):
    """Constants of one factor."""

    typical: dict[ProductKind, float]
    """Typical value by product kind, before any source is read."""
    trust: float
    """How far the estimate moves from the typical value towards the outlook's value, as a share of the distance, 0 to
    1."""
    chances: dict[str, float]
    """Weight, by key, of the difference between the key's probability and its mean; never negative."""
    effects: dict[str, float]
    """Effect of an asserted or configurable fact, by key; never negative."""
    lowering: dict[str, float]
    """Effect of an asserted limit or a denied ability, by key; negative."""
    thin: float = 0.0
    """Amount added if the sources are too thin for silence to mean absence; never negative."""
    spread: Spread
    judged: JudgedFactorConstants = JudgedFactorConstants()


class FactorCalibration(Record):
    """Constants of all factors."""

    rows: int
    means: dict[str, float]
    """Mean probability of each key in the training rows."""
    factors: dict[FactorKey, FactorConstants]


class LayerConstants(Record):
    """Constants of one layer's logistic function; only the bias may be negative."""

    bias: float
    weights: dict[str, float]
    """Weights by feature of `agent.drafting.layers.certainty`."""


class CertaintyCalibration(Record):
    """Constants of all layers."""

    rows: int
    threshold: float
    """The certainty at or above which a layer is certain."""
    layers: dict[LayerKey, LayerConstants]


class RangeCalibration(Record):
    """Sorted residuals of labelled scores, each ln((10 − labelled) / (10 − drafted))."""

    name: str
    residuals: tuple[float, ...]
    judged: tuple[float, ...] = ()
    """The residuals of drafts made with an LLM, against a reader's scores; empty if there are none."""
    thin_factor: float
    """Factor that scales the residuals if the sources hardly describe the product; 1 or more."""


class BaseCalibration(Record):
    """Constants for predicting the CVSS base that readers give a product's first threat, 0 to 10."""

    rows: int
    bias: float
    kinds: dict[ProductKind, float]
    """Amount added for each kind."""
    chances: dict[str, float]
    """Amount added for a probability of 1, by key; never negative."""


class Calibration(Record):
    """All constants of drafting."""

    factors: FactorCalibration
    certainty: CertaintyCalibration
    range: RangeCalibration
    base: BaseCalibration

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of the constants."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:_DIGITS]


@cache
def load_calibration() -> Calibration:
    """Load the bundled constants. Raises SchemaError if a file is missing or malformed."""
    return Calibration(
        factors=load_factors(),
        certainty=knowledge(f"calibration/{LAYERS_FILE}", CertaintyCalibration),
        range=load_range(),
        base=knowledge(f"calibration/{BASE_FILE}", BaseCalibration),
    )


load_factors: Final = loader(f"calibration/{FACTORS_FILE}", FactorCalibration)
"""Loads the constants of the factors. Raises SchemaError if the file is missing or malformed."""


load_range: Final = loader(f"calibration/{RANGE_FILE}", RangeCalibration)
"""Loads the residuals of the scores. Raises SchemaError if the file is missing or malformed."""
