"""The fitted constants of drafting: four JSON files that `python -m evals.training.derive` writes.

factor_estimates.json   agent.drafting.factors
layer_certainty.json    agent.drafting.layers.certainty
score_range.json        agent.drafting.score_range
usual_base.json         agent.drafting.threats.usual_severity
"""

import hashlib
import json
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError

from agent.errors import SchemaError
from agent.records import Record
from agent.resources import data_folder
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LayerKey

FACTORS_FILE: Final = "factor_estimates.json"
LAYERS_FILE: Final = "layer_certainty.json"
RANGE_FILE: Final = "score_range.json"
BASE_FILE: Final = "usual_base.json"
_DIGITS: Final = 16
RecordT = TypeVar("RecordT", bound=Record)


class Spread(Record):
    """The deviation of labels from an estimate: 80 % lie between estimate + below and estimate + above."""

    below: float
    above: float


class JudgedFactorConstants(Record):
    """Correction of an LLM's value for a factor."""

    bias: float = 0.0
    """Added to the LLM's value."""
    wider: float = 0.1
    """Amount by which the LLM's range is widened at each end."""


class FactorConstants(Record):
    """Constants of one factor."""

    typical: dict[ProductKind, float]
    """Typical value by product kind, before any source is read."""
    trust: float
    """Share of the distance from the typical value to the outlook's value that the estimate moves, 0 to 1."""
    chances: dict[str, float]
    """Weight by key for the difference between a probability and its mean; never negative."""
    effects: dict[str, float]
    """Effect of an asserted or configurable fact, by key; never negative."""
    lowering: dict[str, float]
    """Effect of an asserted limit or a denied ability, by key; negative."""
    thin: float = 0.0
    """Added if the sources are too thin for silence to mean absence; never negative."""
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
    """Minimum certainty of a certain layer."""
    layers: dict[LayerKey, LayerConstants]


class RangeCalibration(Record):
    """Sorted residuals of labelled scores: ln of the ratio of the gaps to 10, label over draft."""

    name: str
    residuals: tuple[float, ...]
    judged: tuple[float, ...] = ()
    """The residuals of drafts with an LLM against a reader; empty if there are none."""
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
        """Compute a hash of the constants."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:_DIGITS]


def load_calibration() -> Calibration:
    """Load the bundled constants. Raises SchemaError if a file is missing or malformed."""
    return Calibration(factors=load_factors(), certainty=load_certainty(), range=load_range(), base=load_base())


def load_factors(path: Path | None = None) -> FactorCalibration:
    """Load the constants of the factors. Raises SchemaError if the file is missing or malformed."""
    return _bundled_factors() if path is None else _read(path, FactorCalibration)


def load_certainty(path: Path | None = None) -> CertaintyCalibration:
    """Load the constants of the layers. Raises SchemaError if the file is missing or malformed."""
    return _bundled_certainty() if path is None else _read(path, CertaintyCalibration)


def load_range(path: Path | None = None) -> RangeCalibration:
    """Load the residuals of the scores. Raises SchemaError if the file is missing or malformed."""
    return _bundled_range() if path is None else _read(path, RangeCalibration)


def load_base(path: Path | None = None) -> BaseCalibration:
    """Load the constants of the usual base. Raises SchemaError if the file is missing or malformed."""
    return _bundled_base() if path is None else _read(path, BaseCalibration)


@lru_cache(maxsize=1)
def _bundled_factors() -> FactorCalibration:
    return _read(_folder() / FACTORS_FILE, FactorCalibration)


@lru_cache(maxsize=1)
def _bundled_certainty() -> CertaintyCalibration:
    return _read(_folder() / LAYERS_FILE, CertaintyCalibration)


@lru_cache(maxsize=1)
def _bundled_range() -> RangeCalibration:
    return _read(_folder() / RANGE_FILE, RangeCalibration)


@lru_cache(maxsize=1)
def _bundled_base() -> BaseCalibration:
    return _read(_folder() / BASE_FILE, BaseCalibration)


def _folder() -> Path:
    return data_folder("corpus") / "knowledge" / "calibration"


def _read(path: Path, kind: type[RecordT]) -> RecordT:
    try:
        return kind.model_validate(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise SchemaError(
            "constants of drafting cannot be read",
            where=f"{path.name}: {error}",
            hint="run `python -m evals.training.derive`",
        ) from None
