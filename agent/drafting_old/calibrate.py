"""All fitted constants of the embedded drafter, and how they are fitted from labelled cases.

Four fits that build on one another: factors, certainty of layers, expected base, likely range. The last two use
estimates of each case made without its vendor family (in folds), so that they see the errors that a new product will
have. The same rows give the same constants.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from agent.drafting_old import calibrate_certainty, calibrate_factors, headline, system
from agent.drafting_old.calibrate_certainty import CertaintyRow
from agent.drafting_old.calibrate_factors import FactorCalibration, FactorRow
from agent.drafting_old.catalogue import match
from agent.drafting_old.factor_features import FactorFeatures, features
from agent.drafting_old.factor_values import values_of
from agent.drafting_old.headline import BaseRow, BaseTable, HeadlineCalibration, Scenario
from agent.drafting_old.ledger import Ledger
from agent.drafting_old.likely import LikelyCalibration, residual
from agent.drafting_old.ranking import scenario_of
from agent.drafting_old.typicality import Code
from agent.errors import SchemaError
from agent.evidence import certainty
from agent.evidence.certainty import CertaintyCalibration
from agent.evidence.reading import Reading
from agent.records import Record
from agent.resources import data_folder
from agent.taxonomy.keys import FACTOR_SETS, LAYERS, FactorKey, LayerKey

FOLDS: Final = calibrate_certainty.FOLDS
THIN_FACTOR: Final = 1.35
"""How much wider the likely range is when the sources hardly describe the product (measured on card variants)."""
FINGERPRINT_CHARS: Final = 16


@dataclass(frozen=True)
class CaseLabels:
    """Labels of one case; None or an absent key where no label exists."""

    published: Mapping[FactorKey, float] | None = None
    reader: Mapping[FactorKey, float] | None = None
    layers: Mapping[LayerKey, bool] | None = None
    """The reader's verdicts: certain or not."""
    card_layers: Mapping[LayerKey, bool] | None = None
    """Whether the card alone pins a layer."""
    reader_base: float | None = None
    published_base: float | None = None
    published_threat_multiplier: float | None = None
    headline: Code | None = None
    """The threat that the reader would put first, in closed words."""


@dataclass(frozen=True)
class Row:
    """One labelled case as the fits see it: numbers only, no text."""

    family: str
    labels: CaseLabels
    factors: FactorFeatures
    layers: Mapping[LayerKey, Mapping[str, float]]
    scenarios: tuple[Scenario, ...]
    card: Mapping[LayerKey, Mapping[str, float]] | None = None
    """The same as `layers`, of its card alone."""

    @cached_property
    def factor_row(self) -> FactorRow:
        """What the fit of the factors sees of it."""
        return FactorRow(self.factors, self.labels.published, self.labels.reader, self.family)

    @cached_property
    def certainty_row(self) -> CertaintyRow:
        """What the fit of the certainty sees of it."""
        labels = self.labels
        return CertaintyRow(self.family, self.layers, labels.layers or {}, self.card, labels.card_layers or {})


class Calibration(Record):
    """All fitted constants."""

    factors: FactorCalibration
    certainty: CertaintyCalibration
    headline: HeadlineCalibration
    likely: LikelyCalibration

    @property
    def fingerprint(self) -> str:
        """Hash of the constants."""
        return hashlib.sha256(dump_calibration(self).encode()).hexdigest()[:FINGERPRINT_CHARS]


def row(reading: Reading, labels: CaseLabels, *, family: str, card: Reading | None = None) -> Row:
    """The numbers of one labelled case; `card` is what was read of its card alone."""
    ledger = Ledger(reading.documents, reading.statements)
    name = system.product_name(reading.documents)
    picture = system.extract(reading, ledger, name)
    found = match(reading, picture, ledger, name=name)
    return Row(
        family=family,
        labels=labels,
        factors=features(reading),
        layers=_layers(reading),
        card=None if card is None else _layers(card),
        scenarios=tuple(scenario_of(candidate) for candidate in found.candidates if candidate.evidence),
    )


def _layers(reading: Reading) -> dict[LayerKey, dict[str, float]]:
    return {layer: certainty.features(reading, layer)[0] for layer in LAYERS}


def fit(rows: Sequence[Row]) -> Calibration:
    """Fit everything. Raises InputError when too few rows are labelled."""
    factor_rows = [r.factor_row for r in rows]
    estimates = _left_out(rows, factor_rows)
    based = [(case, found) for case, estimated in zip(rows, estimates, strict=True)
             if (found := _base_row(case, estimated)) is not None]  # fmt: skip
    table = headline.tabulate([found for _, found in based])
    return Calibration(
        factors=calibrate_factors.fit(factor_rows),
        certainty=calibrate_certainty.fit([r.certainty_row for r in rows if r.labels.layers]),
        headline=headline.fit(table),
        likely=_likely(based, table),
    )


def _left_out(rows: Sequence[Row], factor_rows: Sequence[FactorRow]) -> list[dict[FactorKey, float]]:
    """Factor values of each row by constants that were fitted without its fold's families."""
    folds = calibrate_certainty.fold_of([r.family for r in rows])
    estimates: list[dict[FactorKey, float]] = [{} for _ in rows]
    for fold in range(FOLDS):
        train = [r for r, n in zip(factor_rows, folds, strict=True) if n != fold]
        held = [at for at, n in enumerate(folds) if n == fold]
        if held:
            constants = calibrate_factors.fit(train, ranges=False)
            for at, found in zip(held, values_of([rows[at].factors for at in held], constants), strict=True):
                estimates[at] = found
    return estimates


def _base_row(case: Row, estimated: Mapping[FactorKey, float]) -> BaseRow | None:
    labels = case.labels
    if labels.reader_base is None and labels.published_base is None:
        return None
    return BaseRow(
        estimated, case.factors.kinds, case.scenarios, labels.reader_base, labels.published_base, labels.headline
    )


def _likely(based: Sequence[tuple[Row, BaseRow]], table: BaseTable) -> LikelyCalibration:
    """Residuals of the published scores at MF 1, each case drafted by constants fitted without its fold."""
    folds = calibrate_certainty.fold_of([case.family for case, _ in based])
    published = [_published_score(case.labels) for case, _ in based]
    residuals: list[float] = []
    for fold in range(FOLDS):
        held = [n for n, score in enumerate(published) if folds[n] == fold and score is not None]
        if held:
            constants = headline.fit(table.take([n for n in range(len(based)) if folds[n] != fold]))
            drafted = [_drafted_score(based[n][1], constants) for n in held]
            residuals += [residual(published[n] or 0.0, score) for n, score in zip(held, drafted, strict=True)]
    ordered = tuple(round(value, 3) for value in sorted(residuals))
    return LikelyCalibration(
        name=f"published scores at MF 1, n={len(ordered)}", residuals=ordered, thin_factor=THIN_FACTOR
    )


def _published_score(labels: CaseLabels) -> float | None:
    """The published score recomputed without mitigation, 0 to 10."""
    if labels.published is None or labels.published_base is None or labels.published_threat_multiplier is None:
        return None
    total = sum(labels.published[key] for key in FACTOR_SETS["0.5"])
    base = labels.published_base
    return min(base + (10 - base) * total / 10 * labels.published_threat_multiplier, 10.0)


def _drafted_score(row: BaseRow, constants: HeadlineCalibration) -> float:
    product = headline.outlook(row.factors, row.kinds, {s.pattern for s in row.scenarios}, constants)
    at = headline.choose(row.scenarios, product, constants)
    base = product.base if at is None else row.scenarios[at].base
    total = sum(round(row.factors[key], 1) for key in FACTOR_SETS["0.5"])
    return base + (10 - base) * total / 10 * float(Decimal("0.97"))


# ---------------------------------------------------------------- files

FILES: Final = ("factors", "certainty", "headline", "likely")


def dump_calibration(calibration: Calibration) -> str:
    """One JSON text with all constants."""
    return json.dumps(calibration.model_dump(mode="json"), sort_keys=True)


def write_calibration(calibration: Calibration, folder: Path) -> None:
    """One readable file for each fit."""
    folder.mkdir(parents=True, exist_ok=True)
    dumped = calibration.model_dump(mode="json")
    for name in FILES:
        (folder / f"{name}.json").write_text(json.dumps(dumped[name], indent=1) + "\n", "utf-8")


@lru_cache(maxsize=4)
def load_calibration(folder: Path | None = None) -> Calibration:
    """The constants of `folder`, or the bundled ones. Raises SchemaError when a file is missing or not of this form."""
    place = folder or data_folder("corpus") / "knowledge" / "calibration"
    try:
        return Calibration.model_validate(
            {name: json.loads((place / f"{name}.json").read_text("utf-8")) for name in FILES}
        )
    except (OSError, ValueError, ValidationError) as error:
        raise SchemaError("the calibration cannot be read", where=f"{place.name}: {error}", hint="refit it") from None
