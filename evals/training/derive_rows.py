"""Load labelled products for the fits of `evals.training.derive`: sheet, statement features and labels."""

import csv
import hashlib
import json
import pickle
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from cvss import CVSS4
from numpy.typing import NDArray

from agent.facts.readers.outlook import OutlookHeads, pooled, readable_of, statement_features, weighed
from agent.facts.reading import Reading
from agent.intake.extract.statements.roles import carrying
from agent.intake.extract.statements.split import said_once
from agent.pipeline import embedded_reader, read_documents
from agent.records import FactSheet, Statement
from agent.taxonomy.factors import FactorKey
from agent.taxonomy.kinds import ProductKind
from agent.taxonomy.layers import LAYERS, LayerKey
from evals.cases.bundled import bundled_cases, who
from evals.cases.case import Case
from evals.cases.corpus import card
from evals.cases.documents import documents_of
from evals.cases.families import families
from evals.training.labels import read_document

LISTINGS: Final = ("README.md", "SKILL.md", "listing.md")
READ_KINDS: Final[Mapping[str, ProductKind]] = {"assistant/app": "assistant", "voice-agent-platform": "voice-agent"}
"""Names of kinds in readings → the project's names, where they differ."""
_MIN_WORDS: Final = 3
FOLDS: Final = 10
REAL_WEIGHT: Final = 2.0
CARD_WEIGHT: Final = 0.5


@dataclass(frozen=True)
class Row:
    """One product, or the card of one product."""

    slug: str
    family: str
    """A vendor family or the owner of a repository; all rows of a family are held out together."""
    real: bool
    is_card: bool
    sheet: FactSheet
    """The fact sheet; its outlook has the kinds and probabilities."""
    features: NDArray[np.float32]
    """Features of the statements, from `agent.facts.readers.outlook.statement_features`."""
    statements: tuple[Statement, ...]
    """The statements that `features` describe."""
    pooled: NDArray[np.float64]
    quoted: NDArray[np.float32]
    """Shape (statements, 7): 1 if the statement matches the reader's quote, 0 in uncertain layers, else NaN."""
    published: Mapping[FactorKey, float]
    reader: Mapping[FactorKey, float]
    layers: Mapping[LayerKey, bool]
    kind: ProductKind | None = None
    base: float | None = None
    published_base: float | None = None
    published_threat: float | None = None

    @property
    def fold(self) -> int:
        """The fold of the row's family, independent of the other rows."""
        return int(hashlib.sha256(self.family.encode()).hexdigest(), 16) % FOLDS


def weights_of(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Return the weight of each row in a fit."""
    return np.array([CARD_WEIGHT if row.is_card else REAL_WEIGHT if row.real else 1.0 for row in rows])


def rows_of(readings: Path | None, listings: Path | None, cache: Path | None) -> list[Row]:
    """Load all rows, from `cache` if it exists; without both folders of real listings, return only the corpus rows."""
    if cache is not None and cache.exists():
        with cache.open("rb") as file:
            loaded: list[Row] = pickle.load(file)
        return loaded
    rows = [*_cases(), *(_real(readings, listings) if readings and listings else ())]
    if cache is not None:
        with cache.open("wb") as file:
            pickle.dump(rows, file)
    return rows


def _cases() -> Iterator[Row]:
    cases = bundled_cases()
    for case, family in zip(cases, families([who(case) for case in cases]), strict=True):
        short = read_documents(documents_of(card(case))) if case.readings and case.readings.card else None
        yield from case_rows(case, family, read_documents(documents_of(case)), short)


def case_rows(case: Case, family: str, reading: Reading, short: Reading | None) -> tuple[Row, ...]:
    """Return the rows of one bundled case: one from its reading and, if given, one from the reading of its card."""
    published, label = case.published, case.reader
    rows = [
        _row(
            case.slug,
            family,
            reading,
            published=dict(published.factors) if published else {},
            label={key: cell.value for key, cell in label.factors.items()} if label else {},
            layers={key: cell.certain for key, cell in label.layers.items()} if label else {},
            quotes={key: cell.quote or "" for key, cell in label.layers.items()} if label else {},
            bases=(
                label.cvss_base if label else None,
                published.cvss_base if published else None,
                published.threat_multiplier if published else None,
            ),
        )
    ]
    if case.readings and short is not None:
        said = {key: case.readings.card_certain(key) for key in LAYERS}
        certain = {key: value for key, value in said.items() if value is not None}
        rows.append(_row(case.slug, family, short, layers=certain, is_card=True))
    return tuple(rows)


def _real(readings: Path, listings: Path) -> Iterator[Row]:
    with (listings.parent / "sources.tsv").open(encoding="utf-8", newline="") as file:
        owners = {row["slug"]: row["repository"].split("/")[0].lower() for row in csv.DictReader(file, delimiter="\t")}
    for path in sorted(readings.glob("*.json")):
        raw = json.loads(path.read_text("utf-8"))
        page = next(page for name in LISTINGS if (page := listings / path.stem / name).exists())
        kind = raw["product"]["kind"]
        yield _row(
            path.stem,
            f"owner:{owners.get(path.stem, path.stem)}",
            read_documents((read_document(page, page.name),)),
            label={key: cell["value"] for key, cell in raw["factors"].items()},
            layers={key: cell["certain"] for key, cell in raw["layers"].items()},
            quotes={key: cell["quote"] or "" for key, cell in raw["layers"].items()},
            bases=(float(CVSS4(raw["threats"][0]["cvss_vector"]).base_score), None, None),
            kind=READ_KINDS.get(kind, kind),
            real=True,
        )


def _row(
    slug: str,
    family: str,
    reading: Reading,
    *,
    published: Mapping[FactorKey, float] | None = None,
    label: Mapping[FactorKey, float] | None = None,
    layers: Mapping[LayerKey, bool],
    quotes: Mapping[LayerKey, str] | None = None,
    bases: tuple[float | None, float | None, float | None] = (None, None, None),
    kind: ProductKind | None = None,
    real: bool = False,
    is_card: bool = False,
) -> Row:
    readable, features = features_of(reading)
    return Row(
        slug,
        family,
        real,
        is_card,
        reading.sheet,
        features.astype(np.float32),
        tuple(readable),
        pooled(reading.documents, readable, features),
        _quoted(readable, layers, quotes or {}),
        published or {},
        label or {},
        layers,
        kind,
        *bases,
    )


def features_of(reading: Reading) -> tuple[list[Statement], NDArray[np.float64]]:
    """Return the statements that the outlook heads read, and their features."""
    readable = readable_of(reading.documents, said_once(carrying(reading.statements)))
    return readable, statement_features(readable, embedded_reader().scores(reading.documents, readable))


def with_heads(reading: Reading, heads: OutlookHeads) -> Reading:
    """Return the reading with the outlook recomputed by `heads`."""
    sheet, (readable, features) = reading.sheet, features_of(reading)
    if not sheet.outlook.factors:
        return reading
    outlook = weighed(sheet.outlook, heads, pooled(reading.documents, readable, features), readable, features)
    return replace(reading, sheet=sheet.model_copy(update={"outlook": outlook}))


def _quoted(
    statements: Sequence[Statement], layers: Mapping[LayerKey, bool], quotes: Mapping[LayerKey, str]
) -> NDArray[np.float32]:
    found = np.full((len(statements), len(LAYERS)), np.nan, dtype=np.float32)
    for at, layer in enumerate(LAYERS):
        if layers.get(layer) is False:
            found[:, at] = 0
        quote = _plain(quotes.get(layer, ""))
        if not quote:
            continue
        for row, statement in enumerate(statements):
            text = _plain(statement.text)
            if len(text.split()) >= _MIN_WORDS and (quote in text or text in quote):
                found[row, at] = 1
    return found


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text.lower()).strip()
